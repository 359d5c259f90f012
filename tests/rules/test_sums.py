"""addition and subtraction against dense algebra, numbers and vectors, all forms, improper and singular messages."""

import itertools

import numpy as np
import pytest

from reactivepgm.distributions import (
    GammaShapeRate,
    GammaShapeScale,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    Poisson,
)
from reactivepgm.errors import InferenceError, NoRuleError
from reactivepgm.rulebook import call_marginal_rule, call_rule, find_kernel
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.dense_factor import DenseFactor
from tests.oracles.gaussian_forms import assert_message, forms, random_belief

SIGNS = {"addition": 1.0, "subtraction": -1.0}
TARGETS = [("out", "in1", "in2"), ("in1", "out", "in2"), ("in2", "out", "in1")]


def dense(node, d):
    one = np.eye(max(d, 1))
    return DenseFactor({"out": -one, "in1": one, "in2": SIGNS[node] * one})


def beliefs(seed, d):
    return [*forms(*random_belief(np.random.default_rng(seed), d)), PointMass(np.arange(d) + 0.5 if d else 0.5)]


@pytest.mark.parametrize("d", [0, 1, 2])
@pytest.mark.parametrize(("to", "a", "b"), TARGETS)
@pytest.mark.parametrize("node", SIGNS)
def test_messages(node, to, a, b, d):
    for m_a, m_b in itertools.product(beliefs(1, d), beliefs(2, d)):
        message = call_rule(node, to, **{f"m_{a}": m_a, f"m_{b}": m_b})
        if isinstance(m_a, PointMass) and isinstance(m_b, PointMass):
            mean, _ = dense(node, d).posterior((to,), {a: m_a, b: m_b})
            np.testing.assert_allclose(np.reshape(message.value, -1), mean, atol=1e-12)
        else:
            assert_message(message, *dense(node, d).message(to, {a: m_a, b: m_b}))


@pytest.mark.parametrize("d", [0, 1, 2])
@pytest.mark.parametrize("node", SIGNS)
def test_joint(node, d):
    for out, in1, in2 in itertools.product(beliefs(1, d)[:3], beliefs(2, d)[:3], beliefs(3, d)[:3]):
        joint = call_marginal_rule(node, "in1_in2", m_out=out, m_in1=in1, m_in2=in2)
        mean, covariance = dense(node, d).posterior(("in1", "in2"), {"out": out, "in1": in1, "in2": in2})
        np.testing.assert_allclose(joint.mean, mean, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(joint.covariance, covariance, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("d", [0, 1, 2])
@pytest.mark.parametrize(("known", "free"), [("in1", "in2"), ("in2", "in1")])
@pytest.mark.parametrize("node", SIGNS)
def test_a_joint_falls_apart_where_a_summand_is_known(node, known, free, d):
    point = beliefs(1, d)[3]
    for out, m in itertools.product(beliefs(2, d)[:3], beliefs(3, d)[:3]):
        inputs = {"out": out, known: point, free: m}
        joint = call_marginal_rule(node, "in1_in2", **{f"m_{name}": value for name, value in inputs.items()})
        mean, covariance = dense(node, d).posterior((free,), inputs)
        assert joint.factors[known] == point
        belief = joint.factors[free]
        np.testing.assert_allclose(np.reshape(belief.mean, -1), mean, rtol=1e-9, atol=1e-10)
        spread = belief.covariance if d else [[belief.variance]]
        np.testing.assert_allclose(spread, covariance, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("node", SIGNS)
def test_flat_messages(node):
    flat, proper = NormalWeightedMeanPrecision(0.0, 0.0), forms(1.0, 2.0)
    for other in (*proper, flat, PointMass(3.0)):
        for to, a, b in TARGETS:
            for first, second in ((flat, other), (other, flat)):
                message = call_rule(node, to, **{f"m_{a}": first, f"m_{b}": second})
                assert (message.weighted_mean, message.precision) == (0.0, 0.0)
    flat = MvNormalWeightedMeanPrecision(np.zeros(2), np.zeros((2, 2)))
    for other in (*beliefs(1, 2), flat):
        message = call_rule(node, "out", m_in1=flat, m_in2=other)
        np.testing.assert_array_equal(message.weighted_mean, np.zeros(2))
        np.testing.assert_array_equal(message.precision, np.zeros((2, 2)))


@pytest.mark.parametrize("node", SIGNS)
def test_messages_that_are_flat_in_one_direction(node):
    ray = MvNormalWeightedMeanPrecision([1.0, 0.0], np.diag([2.0, 0.0]))
    for other in beliefs(1, 2)[:3]:
        sure = other.covariance[0, 0] + 0.5
        message = call_rule(node, "out", m_in1=ray, m_in2=other)
        np.testing.assert_allclose(message.precision, [[1 / sure, 0.0], [0.0, 0.0]], atol=1e-14)
        mean = 0.5 + SIGNS[node] * other.mean[0]
        np.testing.assert_allclose(message.weighted_mean, [mean / sure, 0.0], atol=1e-14)
    message = call_rule(node, "out", m_in1=ray, m_in2=ray)
    np.testing.assert_allclose(message.precision, [[1.0, 0.0], [0.0, 0.0]])
    joint = call_marginal_rule(node, "in1_in2", m_out=ray, m_in1=ray, m_in2=forms(np.zeros(2), np.eye(2))[2])
    assert np.linalg.matrix_rank(joint.precision) == 3


def test_singular_covariances_add():
    line = MvNormalMeanCovariance([1.0, 0.0], [[1.0, 0.0], [0.0, 0.0]])
    total = call_rule("addition", "out", m_in1=line, m_in2=line)
    np.testing.assert_array_equal(total.covariance, np.diag([2.0, 0.0]))
    narrow = forms(np.zeros(2), np.eye(2))
    for out in narrow:
        joint = call_marginal_rule("addition", "in1_in2", m_out=out, m_in1=line, m_in2=line)
        np.testing.assert_allclose(joint.covariance[1::2], np.zeros((2, 4)), atol=1e-15)


def test_a_singular_and_an_improper_summand_have_no_common_form():
    line = MvNormalMeanCovariance([1.0, 0.0], [[1.0, 0.0], [0.0, 0.0]])
    ray = MvNormalWeightedMeanPrecision([1.0, 0.0], np.diag([2.0, 0.0]))
    with pytest.raises(InferenceError, match="a singular covariance is needed in information form"):
        call_marginal_rule("addition", "in1_in2", m_out=ray, m_in1=line, m_in2=ray)


@pytest.mark.parametrize("value", [np.eye(2), np.ones((2, 3)), 2.0])
def test_known_values_of_any_shape(value):
    assert call_rule("addition", "out", m_in1=PointMass(value), m_in2=PointMass(value)) == PointMass(value + value)
    assert call_rule("subtraction", "in1", m_out=PointMass(value), m_in2=PointMass(value)) == PointMass(value + value)


def test_other_families():
    assert call_rule("addition", "out", m_in1=Poisson(1.0), m_in2=Poisson(2.5)) == Poisson(3.5)
    total = call_rule("addition", "out", m_in1=GammaShapeRate(1.0, 2.0), m_in2=GammaShapeScale(3.0, 0.5))
    assert total == GammaShapeRate(4.0, 2.0)
    with pytest.raises(NoRuleError, match="rates are equal"):
        call_rule("addition", "out", m_in1=GammaShapeRate(1.0, 2.0), m_in2=GammaShapeRate(3.0, 0.5))
    with pytest.raises(NoRuleError):
        call_rule("addition", "out", m_in1=NormalMeanVariance(0.0, 1.0), m_in2=beliefs(1, 2)[0])


@pytest.mark.parametrize("d", [0, 1, 2])
@pytest.mark.parametrize("node", SIGNS)
def test_kernels(node, d):
    point = beliefs(1, d)[3]
    x = np.arange(max(d, 1)) + 2.0
    a, b = np.reshape(point.value, -1), x
    sign = SIGNS[node]
    inverse = call_rule(node, "in1", m_out=point, m_in2=PointMass(x if d else x[0])).value
    for to, ins, given, expected in (
        ("out", ("in1",), "in2", x + sign * a),
        ("out", ("in2",), "in1", a + sign * b),
        ("in1", ("in2",), "out", np.reshape(inverse, -1)),
    ):
        kernel = find_kernel(node, to, ins, {f"m_{given}": PointMass})(**{f"m_{given}": point})
        assert kernel.covariance is None
        np.testing.assert_allclose(_apply(kernel.matrices[0], x) + kernel.offset, expected)
    both = find_kernel(node, "out", ("in1", "in2"), {})()
    np.testing.assert_allclose(_apply(both.matrices[0], x) + _apply(both.matrices[1], 3 * x), x + sign * 3 * x)


def _apply(matrix, x):
    if matrix is None:
        return x
    return matrix[0, 0] * x if matrix.shape == (1, 1) else matrix @ x


@pytest.mark.parametrize("d", [0, 2])
@pytest.mark.parametrize("node", SIGNS)
def test_batches(node, d):
    rows = list(zip(beliefs(1, d), beliefs(2, d), beliefs(3, d), strict=True))
    flat = NormalWeightedMeanPrecision(0.0, 0.0)
    flat = flat if d == 0 else MvNormalWeightedMeanPrecision(np.zeros(d), np.zeros((d, d)))
    rows.append((rows[2][0], flat, rows[2][2]))
    for a, b in itertools.product(rows, rows):
        for to, first, second in TARGETS:
            assert_rows_alike(lambda to=to, **q: call_rule(node, to, **q), **{f"m_{first}": a, f"m_{second}": b})
    for a, b, c in itertools.product(rows[:3], rows, rows):
        assert_rows_alike(lambda **q: call_marginal_rule(node, "in1_in2", **q), m_out=a, m_in1=b, m_in2=c)


@pytest.mark.parametrize("node", SIGNS)
def test_one_row_stays_floats(node):
    for a, b in itertools.product(beliefs(1, 0), beliefs(2, 0)):
        message = call_rule(node, "out", m_in1=a, m_in2=b)
        assert all(type(value) is float for value in message.parameters.values())
