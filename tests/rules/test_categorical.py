"""Categorical(out | p) against enumeration of out and moments of p."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import Bernoulli, Beta, Categorical, Dirichlet, PointMass
from reactivepgm.errors import DataError, NoRuleError
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation

ALPHA = np.array([1.5, 2.0, 4.0])
SIMPLEX = [np.array(p) for p in ([0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1])]


def expect_component(k, g):
    """E[g(p_k)] under Dirichlet(ALPHA), whose components are Beta."""
    return expectation(g, Beta(ALPHA[k], ALPHA.sum() - ALPHA[k]))


def test_toward_out():
    mean = [expect_component(k, lambda p: p) for k in range(3)]
    np.testing.assert_allclose(call_rule(Categorical, "out", m_p=Dirichlet(ALPHA)).p, mean, rtol=1e-9)
    geometric = np.exp([expect_component(k, np.log) for k in range(3)])
    got = call_rule(Categorical, "out", q_p=Dirichlet(ALPHA)).p
    np.testing.assert_allclose(got, geometric / geometric.sum(), rtol=1e-9)
    assert call_rule(Categorical, "out", q_p=PointMass([0.0, 1.0])) == Categorical([0.0, 1.0])


@pytest.mark.parametrize("out", [Categorical([0.2, 0.3, 0.5]), PointMass([0.0, 1.0, 0.0])])
def test_toward_p(out):
    weights = out.value if isinstance(out, PointMass) else out.p
    message = call_rule(Categorical, "p", q_out=out)
    assert_same_shape(message, lambda p: np.sum(weights * np.log(p)), SIMPLEX)


def test_toward_p_from_a_bernoulli():
    assert call_rule(Categorical, "p", q_out=Bernoulli(0.3)) == Dirichlet([1.7, 1.3])


@pytest.mark.parametrize("value", [1, 1.0])
def test_toward_p_from_a_number_asks_for_one_hot(value):
    with pytest.raises(NoRuleError, match="one-hot"):
        call_rule(Categorical, "p", q_out=PointMass(value))


@pytest.mark.parametrize("out", [PointMass([0.0, 0.0, 1.0]), PointMass(2)])
def test_joint_with_an_observed_category(out):
    joint = call_marginal_rule(Categorical, "out_p", m_out=out, m_p=Dirichlet(ALPHA))
    assert joint.factors["out"] == out
    assert_same_shape(joint.factors["p"], lambda p: stats.dirichlet(ALPHA).logpdf(p) + np.log(p[2]), SIMPLEX)


def test_joint_with_known_probabilities():
    joint = call_marginal_rule(Categorical, "out_p", m_out=Categorical([0.2, 0.8]), m_p=PointMass([0.0, 1.0]))
    np.testing.assert_array_equal(joint.factors["out"].p, [0.0, 1.0])


@pytest.mark.parametrize("out", [Categorical([0.2, 0.5, 0.3]), PointMass([0.0, 1.0, 0.0]), PointMass(1)])
def test_energy(out):
    weights = [0.2, 0.5, 0.3] if isinstance(out, Categorical) else [0.0, 1.0, 0.0]
    expected = -sum(w * expect_component(k, np.log) for k, w in enumerate(weights))
    assert average_energy(Categorical, q_out=out, q_p=Dirichlet(ALPHA)) == pytest.approx(expected, rel=1e-9)
    known = average_energy(Categorical, q_out=out, q_p=PointMass([0.1, 0.6, 0.3]))
    assert known == pytest.approx(-np.dot(weights, np.log([0.1, 0.6, 0.3])))


def test_energy_counts_zero_times_log_zero_as_zero():
    assert average_energy(Categorical, q_out=Categorical([1.0, 0.0]), q_p=PointMass([1.0, 0.0])) == 0.0


def test_a_category_out_of_range_is_named():
    with pytest.raises(DataError, match="from 0 to 2, not 3"):
        average_energy(Categorical, q_out=PointMass(3), q_p=Dirichlet(ALPHA))


def test_batches():
    outs = [Categorical([0.2, 0.8]), Categorical([1.0, 0.0])]
    data = [PointMass(np.array([0.0, 1.0]), event_rank=1), PointMass(np.array([1.0, 0.0]), event_rank=1)]
    ps = [Dirichlet([1.0, 2.0]), Dirichlet([0.5, 4.0])]
    assert_rows_alike(lambda m_p: call_rule(Categorical, "out", m_p=m_p), m_p=ps)
    assert_rows_alike(lambda q_p: call_rule(Categorical, "out", q_p=q_p), q_p=ps)
    assert_rows_alike(lambda q_out: call_rule(Categorical, "p", q_out=q_out), q_out=outs)
    assert_rows_alike(lambda q_out: call_rule(Categorical, "p", q_out=q_out), q_out=data)
    assert_rows_alike(lambda q_out, q_p: average_energy(Categorical, q_out=q_out, q_p=q_p), q_out=outs, q_p=ps)
    numbers = PointMass(np.array([1, 0]), event_rank=0)
    energy = average_energy(Categorical, q_out=numbers, q_p=ps[0])
    for row, k in enumerate([1, 0]):
        assert energy[row] == average_energy(Categorical, q_out=PointMass(k), q_p=ps[0])
