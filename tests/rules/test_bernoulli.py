"""Bernoulli(out | p) against enumeration of out and quadrature over p."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import Bernoulli, Beta, Categorical, PointMass
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation

POINTS = np.linspace(0.05, 0.95, 7)


def log_f(x, p):
    with np.errstate(divide="ignore"):
        return np.where(x > 0, x * np.log(p), 0.0) + np.where(x < 1, (1 - x) * np.log1p(-p), 0.0)


@pytest.mark.parametrize("p", [Beta(2.0, 3.5), Beta(0.7, 1.0)])
def test_toward_out(p):
    predictive = expectation(lambda x: x, p)
    assert call_rule(Bernoulli, "out", m_p=p).p == pytest.approx(predictive, rel=1e-9)
    odds = [np.exp(expectation(lambda x, out=out: log_f(out, x), p)) for out in (0.0, 1.0)]
    assert call_rule(Bernoulli, "out", q_p=p).p == pytest.approx(odds[1] / sum(odds), rel=1e-9)


def test_toward_out_of_extreme_counts_neither_overflows_nor_warns():
    assert call_rule(Bernoulli, "out", q_p=Beta(1e-4, 1.0)).p == 0.0
    assert call_rule(Bernoulli, "out", q_p=Beta(1.0, 1e-4)).p == 1.0


@pytest.mark.parametrize("role", ["m", "q"])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_toward_out_from_a_known_probability(role, p):
    assert call_rule(Bernoulli, "out", **{f"{role}_p": PointMass(p)}) == Bernoulli(p)


@pytest.mark.parametrize("out", [PointMass(1), PointMass(0.0), PointMass(True), Bernoulli(0.3), Categorical([0.25, 0.75])])
def test_toward_p(out):
    weight = float(out.value) if isinstance(out, PointMass) else float(out.probabilities[1])
    message = call_rule(Bernoulli, "p", q_out=out)
    assert_same_shape(message, lambda p: weight * np.log(p) + (1 - weight) * np.log(1 - p), POINTS)
    if isinstance(out, PointMass):
        assert call_rule(Bernoulli, "p", m_out=out) == message


def test_joint_with_an_observed_outcome():
    joint = call_marginal_rule(Bernoulli, "out_p", m_out=PointMass(1.0), m_p=Beta(2.0, 1.5))
    assert joint.factors["out"] == PointMass(1.0)
    assert_same_shape(joint.factors["p"], lambda p: stats.beta(2.0, 1.5).logpdf(p) + np.log(p), POINTS)


@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_joint_with_a_known_probability(p):
    joint = call_marginal_rule(Bernoulli, "out_p", m_out=Categorical([0.2, 0.8]), m_p=PointMass(p))
    weights = np.array([0.2 * (1 - p), 0.8 * p])
    np.testing.assert_allclose(joint.factors["out"].probabilities, weights / weights.sum())
    assert joint.factors["p"] == PointMass(p)


@pytest.mark.parametrize("out", [PointMass(1), PointMass(0), Bernoulli(0.3), Categorical([0.4, 0.6])])
@pytest.mark.parametrize("p", [Beta(2.0, 3.5), PointMass(0.6)])
def test_energy(out, p):
    nodes = Bernoulli(float(out.probabilities[1])) if isinstance(out, Categorical) else out
    energy = average_energy(Bernoulli, q_out=out, q_p=p)
    assert energy == pytest.approx(-expectation(log_f, nodes, p), rel=1e-9)


def test_energy_of_a_certain_outcome_is_zero():
    assert average_energy(Bernoulli, q_out=PointMass(1), q_p=PointMass(1.0)) == 0.0
    assert average_energy(Bernoulli, q_out=Bernoulli(0.0), q_p=PointMass(0.0)) == 0.0


def test_batches():
    outs, ps = [Bernoulli(0.3), Bernoulli(1.0)], [Beta(2.0, 3.0), Beta(1.0, 0.5)]
    data = [PointMass(0.0), PointMass(1.0)]
    assert_rows_alike(lambda q_p: call_rule(Bernoulli, "out", q_p=q_p), q_p=ps)
    assert_rows_alike(lambda m_out: call_rule(Bernoulli, "p", m_out=m_out), m_out=data)
    assert_rows_alike(lambda q_out: call_rule(Bernoulli, "p", q_out=q_out), q_out=outs)
    assert_rows_alike(lambda m_out, m_p: call_marginal_rule(Bernoulli, "out_p", m_out=m_out, m_p=m_p), m_out=data, m_p=ps)
    assert_rows_alike(lambda q_out, q_p: average_energy(Bernoulli, q_out=q_out, q_p=q_p), q_out=outs, q_p=ps)
