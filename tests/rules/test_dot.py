"""dot against dense algebra."""

import numpy as np
import pytest

from reactivepgm.distributions import MvNormalWeightedMeanPrecision, NormalWeightedMeanPrecision, PointMass
from reactivepgm.errors import InferenceError, NoRuleError
from reactivepgm.rulebook import call_marginal_rule, call_rule, find_kernel
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.dense_factor import DenseFactor
from tests.oracles.gaussian_forms import assert_message, forms, random_belief

KNOWN = [(-1.5, 0), (np.array([2.0]), 1), (np.array([1.0, -2.0, 0.5]), 3)]
SIDES = [("in1", "in2"), ("in2", "in1")]


@pytest.mark.parametrize(("a", "d"), KNOWN)
@pytest.mark.parametrize(("known", "free"), SIDES)
def test_messages_and_joint(known, free, a, d):
    rng = np.random.default_rng(1)
    dense = DenseFactor({"out": [[-1.0]], "x": np.reshape(a, (1, -1))})
    point = PointMass(a)
    for m_out in forms(*random_belief(rng, 0)):
        message = call_rule("dot", free, m_out=m_out, **{f"m_{known}": point})
        assert_message(message, *dense.message("x", {"out": m_out}))
        for m in forms(*random_belief(rng, d)):
            forward = call_rule("dot", "out", **{f"m_{known}": point, f"m_{free}": m})
            assert_message(forward, *dense.message("out", {"x": m}))
            joint = call_marginal_rule("dot", "in1_in2", m_out=m_out, **{f"m_{known}": point, f"m_{free}": m})
            mean, covariance = dense.posterior(("x",), {"out": m_out, "x": m})
            assert joint.factors[known] == point
            belief = joint.factors[free]
            np.testing.assert_allclose(np.ravel(belief.mean), mean, rtol=1e-9)
            spread = belief.covariance if d else [[belief.variance]]
            np.testing.assert_allclose(spread, covariance, rtol=1e-9, atol=1e-12)


def test_known_values():
    a, b = PointMass([1.0, 2.0]), PointMass([3.0, -1.0])
    assert call_rule("dot", "out", m_in1=a, m_in2=b) == PointMass(1.0)
    assert call_rule("dot", "out", m_in1=PointMass(2.0), m_in2=PointMass(3.0)) == PointMass(6.0)
    assert call_rule("dot", "in2", m_out=PointMass(6.0), m_in1=PointMass(2.0)) == PointMass(3.0)
    with pytest.raises(InferenceError, match="leaves all other directions"):
        call_rule("dot", "in1", m_out=PointMass(6.0), m_in2=a)


def test_improper_messages():
    a = PointMass([1.0, 2.0])
    flat = MvNormalWeightedMeanPrecision(np.zeros(2), np.zeros((2, 2)))
    with pytest.raises(InferenceError, match="cannot go forward through a dot product"):
        call_rule("dot", "out", m_in1=a, m_in2=flat)
    assert call_rule("dot", "in2", m_in1=a, m_out=NormalWeightedMeanPrecision(0.0, 0.0)) == flat


def test_two_random_vectors_have_no_rule():
    m = forms(np.zeros(2), np.eye(2))[0]
    with pytest.raises(NoRuleError, match="no rule for dot -> out"):
        call_rule("dot", "out", m_in1=m, m_in2=m)
    with pytest.raises(NoRuleError, match="no rule for dot -> in1"):
        call_rule("dot", "in1", m_out=forms(0.0, 1.0)[0], m_in2=m)
    with pytest.raises(NoRuleError, match="has no dot product"):
        call_rule("dot", "out", m_in1=PointMass(2.0), m_in2=m)


@pytest.mark.parametrize(("a", "d"), KNOWN)
@pytest.mark.parametrize(("known", "free"), SIDES)
def test_kernel(known, free, a, d):
    (row,) = find_kernel("dot", "out", (free,), {f"m_{known}": PointMass})(**{f"m_{known}": PointMass(a)}).matrices
    np.testing.assert_array_equal(row, np.reshape(a, (1, -1)))


@pytest.mark.parametrize(("a", "d"), KNOWN)
def test_batches(a, d):
    rng = np.random.default_rng(2)
    values = [PointMass(a), PointMass(3 * a)]
    inputs = list(zip(*(forms(*random_belief(rng, d)) for _ in range(2)), strict=True))
    outputs = list(zip(*(forms(*random_belief(rng, 0)) for _ in range(2)), strict=True))
    for m, m_out in zip(inputs, outputs, strict=True):
        assert_rows_alike(lambda **q: call_rule("dot", "out", **q), m_in1=values, m_in2=m)
        assert_rows_alike(lambda **q: call_rule("dot", "in1", **q), m_in2=values, m_out=m_out)
        assert_rows_alike(lambda **q: call_marginal_rule("dot", "in1_in2", **q), m_in1=values, m_in2=m, m_out=m_out)
