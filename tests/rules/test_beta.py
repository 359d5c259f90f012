"""Beta(out | a, b) against quadrature of its log density."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import Beta, GammaShapeRate, PointMass
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation

POINTS = np.linspace(0.05, 0.95, 7)


@pytest.mark.parametrize("roles", ["mm", "mq", "qm", "qq"])
def test_toward_out(roles):
    message = call_rule(Beta, "out", **{f"{roles[0]}_a": PointMass(1.5), f"{roles[1]}_b": PointMass(2.5)})
    assert_same_shape(message, stats.beta(1.5, 2.5).logpdf, POINTS)


def test_toward_out_from_beliefs():
    a, b = GammaShapeRate(3.0, 2.0), GammaShapeRate(4.0, 1.0)
    message = call_rule(Beta, "out", q_a=a, q_b=b)
    assert_same_shape(message, lambda x: expectation(lambda a, b: stats.beta.logpdf(x, a, b), a, b), POINTS)


def test_joint():
    joint = call_marginal_rule(Beta, "out_a_b", m_out=Beta(2.0, 3.0), m_a=PointMass(1.5), m_b=PointMass(4.0))
    assert_same_shape(joint.factors["out"], lambda x: stats.beta(2, 3).logpdf(x) + stats.beta(1.5, 4).logpdf(x), POINTS)
    assert joint.factors["a"] == PointMass(1.5)
    assert joint.factors["b"] == PointMass(4.0)


@pytest.mark.parametrize("out", [Beta(2.0, 3.5), Beta(0.8, 0.9), PointMass(0.3)])
def test_energy(out):
    expected = -expectation(stats.beta(1.5, 2.5).logpdf, out)
    assert average_energy(Beta, q_out=out, q_a=PointMass(1.5), q_b=PointMass(2.5)) == pytest.approx(expected, rel=1e-9)


def test_energy_of_a_flat_beta_at_its_ends():
    for end in (0.0, 1.0):
        assert average_energy(Beta, q_out=PointMass(end), q_a=PointMass(1.0), q_b=PointMass(1.0)) == 0.0


def test_batches():
    outs, a, b = [Beta(2.0, 3.0), Beta(1.0, 0.5)], [PointMass(1.0), PointMass(2.0)], [PointMass(3.0), PointMass(0.5)]
    assert_rows_alike(lambda m_a, m_b: call_rule(Beta, "out", m_a=m_a, m_b=m_b), m_a=a, m_b=b)
    assert_rows_alike(lambda **q: call_marginal_rule(Beta, "out_a_b", **q), m_out=outs, m_a=a, m_b=b)
    assert_rows_alike(lambda **q: average_energy(Beta, **q), q_out=outs, q_a=a, q_b=b)
