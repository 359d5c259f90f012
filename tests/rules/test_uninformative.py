"""Uninformative: a flat message, no energy."""

from reactivepgm.distributions import NormalMeanVariance, Uninformative
from reactivepgm.rulebook import average_energy, call_rule


def test_message_and_energy():
    assert call_rule(Uninformative, "out") == Uninformative()
    assert average_energy(Uninformative, q_out=NormalMeanVariance(0.0, 1.0)) == 0.0
