"""multiplication against dense algebra (known factors) and quadrature (two random numbers)."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from reactivepgm.distributions import (
    Beta,
    GammaShapeRate,
    GammaShapeScale,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
)
from reactivepgm.errors import InferenceError, NoRuleError
from reactivepgm.rulebook import call_marginal_rule, call_rule, find_kernel
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.dense_factor import DenseFactor
from tests.oracles.gaussian_forms import assert_message, forms, random_belief

NODE = "multiplication"
SQUARE = np.array([[1.0, 0.5], [-0.3, 2.0]])
WIDE = np.array([[1.0, 0.5, -1.0], [0.0, 2.0, 0.3]])
COLUMN = np.array([1.0, -2.0])
# the known factor, the dimension of the other one (0: a number), the dense map
MAPS = [
    (-1.7, 0, [[-1.7]]),
    (-1.7, 2, -1.7 * np.eye(2)),
    (COLUMN, 0, COLUMN[:, None]),
    (SQUARE, 2, SQUARE),
    (WIDE, 3, WIDE),
    (WIDE.T, 2, WIDE.T),
]


def roles(value):
    """The known factor on either side: on the right a matrix acts transposed."""
    return [("A", "in", value), ("in", "A", value.T if np.ndim(value) == 2 else value)]


def sizes(value, d):
    """Dimension of the output, 0 for a number."""
    if np.ndim(value) == 2:
        return len(value)
    return len(value) if np.ndim(value) else d


@pytest.mark.parametrize(("value", "d", "matrix"), MAPS)
def test_forward(value, d, matrix):
    mean, covariance = random_belief(np.random.default_rng(1), d)
    matrix = np.asarray(matrix)
    for known, free, given in roles(value):
        for m in forms(mean, covariance):
            message = call_rule(NODE, "out", **{f"m_{known}": PointMass(given), f"m_{free}": m})
            np.testing.assert_allclose(np.ravel(message.mean), matrix @ np.atleast_1d(mean), rtol=1e-10)
            spread = message.covariance if message.event_shape else [[message.variance]]
            np.testing.assert_allclose(spread, matrix @ np.atleast_2d(covariance) @ matrix.T, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("value", "d", "matrix"), MAPS)
def test_backward(value, d, matrix):
    mean, covariance = random_belief(np.random.default_rng(2), sizes(value, d))
    matrix = np.asarray(matrix)
    for known, free, given in roles(value):
        for m in forms(mean, covariance):
            message = call_rule(NODE, free, **{f"m_{known}": PointMass(given), "m_out": m})
            precision = np.linalg.inv(np.atleast_2d(covariance))
            assert_message(message, matrix.T @ precision @ np.atleast_1d(mean), matrix.T @ precision @ matrix)


@pytest.mark.parametrize(("value", "d", "matrix"), MAPS)
def test_joint(value, d, matrix):
    rng = np.random.default_rng(3)
    matrix = np.asarray(matrix)
    dense = DenseFactor({"out": -np.eye(len(matrix)), "x": matrix})
    for known, free, given in roles(value):
        for m_out in forms(*random_belief(rng, sizes(value, d))):
            for m in forms(*random_belief(rng, d)):
                inputs = {"m_out": m_out, f"m_{known}": PointMass(given), f"m_{free}": m}
                joint = call_marginal_rule(NODE, "A_in", **inputs)
                mean, covariance = dense.posterior(("x",), {"out": m_out, "x": m})
                assert joint.factors[known] == PointMass(given)
                belief = joint.factors[free]
                np.testing.assert_allclose(np.ravel(belief.mean), mean, rtol=1e-9)
                spread = belief.covariance if d else [[belief.variance]]
                np.testing.assert_allclose(spread, covariance, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("value", "d", "matrix"), MAPS)
def test_kernel(value, d, matrix):
    x = np.arange(max(d, 1)) + 1.0
    for known, free, given in roles(value):
        rule = find_kernel(NODE, "out", (free,), {f"m_{known}": PointMass})
        (a,) = rule(**{f"m_{known}": PointMass(given)}).matrices
        np.testing.assert_allclose(a[0, 0] * x if np.ndim(value) == 0 else a @ x, np.asarray(matrix) @ x)


def test_flat_messages_go_through_what_has_an_inverse():
    flat = NormalWeightedMeanPrecision(0.0, 0.0)
    assert call_rule(NODE, "out", m_A=PointMass(2.0), m_in=flat) == flat
    assert call_rule(NODE, "in", m_A=PointMass(0.0), m_out=NormalMeanVariance(1.0, 2.0)) == flat
    assert call_rule(NODE, "out", m_A=PointMass(2.0), m_in=NormalMeanPrecision(1.0, 0.0)).precision == 0.0
    ray = MvNormalWeightedMeanPrecision([2.0, 0.0], np.diag([1.0, 0.0]))
    forward = call_rule(NODE, "out", m_A=PointMass(SQUARE), m_in=ray)
    back = np.linalg.inv(SQUARE)
    np.testing.assert_allclose(forward.precision, back.T @ np.diag([1.0, 0.0]) @ back)
    np.testing.assert_allclose(forward.weighted_mean, back.T @ [2.0, 0.0])
    backward = call_rule(NODE, "in", m_A=PointMass(WIDE), m_out=ray)
    np.testing.assert_allclose(backward.precision, WIDE.T @ np.diag([1.0, 0.0]) @ WIDE)


def test_singular_covariances_go_through():
    line = MvNormalMeanCovariance([1.0, 1.0], np.ones((2, 2)))
    forward = call_rule(NODE, "out", m_A=PointMass(WIDE.T), m_in=line)
    np.testing.assert_allclose(forward.covariance, np.outer(WIDE.sum(0), WIDE.sum(0)))
    backward = call_rule(NODE, "in", m_A=PointMass(SQUARE), m_out=line)
    np.testing.assert_allclose(SQUARE @ backward.covariance @ SQUARE.T, np.ones((2, 2)))
    np.testing.assert_allclose(SQUARE @ backward.mean, [1.0, 1.0])
    stopped = call_rule(NODE, "out", m_A=PointMass(0.0), m_in=NormalWeightedMeanPrecision(1.0, 2.0))
    assert stopped == NormalMeanVariance(0.0, 0.0)


def test_what_cannot_be_placed_is_an_error():
    flat, plane = NormalWeightedMeanPrecision(0.0, 0.0), MvNormalWeightedMeanPrecision(np.zeros(3), np.diag([1.0, 1, 0]))
    for a, m, through in (
        (0.0, flat, "a factor of zero"),
        (COLUMN, flat, "a vector"),
        (WIDE, plane, "a matrix without an inverse"),
        (np.ones((3, 3)), plane, "a matrix without an inverse"),
    ):
        with pytest.raises(InferenceError, match=f"cannot go forward through {through}: give the variable a proper"):
            call_rule(NODE, "out", m_A=PointMass(a), m_in=m)
    line = MvNormalMeanCovariance([1.0, 1.0], np.ones((2, 2)))
    for a in (WIDE, COLUMN):
        with pytest.raises(InferenceError, match="a singular covariance is needed in information form"):
            call_rule(NODE, "in", m_A=PointMass(a), m_out=line)
    with pytest.raises(InferenceError, match="a singular covariance is needed in information form"):
        call_rule(NODE, "in", m_A=PointMass(0.0), m_out=NormalMeanVariance(1.0, 0.0))


def test_known_values():
    def out(a, b):
        return call_rule(NODE, "out", m_A=PointMass(a), m_in=PointMass(b)).value

    np.testing.assert_allclose(out(2.0, 3.0), 6.0)
    np.testing.assert_allclose(out(2.0, COLUMN), 2 * COLUMN)
    np.testing.assert_allclose(out(SQUARE, 2.0), 2 * SQUARE)
    np.testing.assert_allclose(out(SQUARE, COLUMN), SQUARE @ COLUMN)
    np.testing.assert_allclose(out(SQUARE, WIDE), SQUARE @ WIDE)
    solved = call_rule(NODE, "in", m_out=PointMass(COLUMN), m_A=PointMass(SQUARE))
    np.testing.assert_allclose(SQUARE @ solved.value, COLUMN)
    solved = call_rule(NODE, "A", m_out=PointMass(WIDE.T), m_in=PointMass(SQUARE))
    np.testing.assert_allclose(solved.value @ SQUARE, WIDE.T)
    assert call_rule(NODE, "A", m_out=PointMass(6.0), m_in=PointMass(3.0)) == PointMass(2.0)
    with pytest.raises(InferenceError, match="multiplied by zero"):
        call_rule(NODE, "in", m_out=PointMass(1.0), m_A=PointMass(0.0))
    with pytest.raises(InferenceError, match="invertible"):
        call_rule(NODE, "in", m_out=PointMass(COLUMN), m_A=PointMass(WIDE))


@pytest.mark.parametrize("gamma", [GammaShapeRate(2.0, 3.0), GammaShapeScale(2.0, 0.4)])
def test_gamma(gamma):
    two = PointMass(2.0)
    for known, free in (("A", "in"), ("in", "A")):
        forward = call_rule(NODE, "out", **{f"m_{known}": two, f"m_{free}": gamma})
        assert forward.mean == pytest.approx(2 * gamma.mean)
        assert forward.variance == pytest.approx(4 * gamma.variance)
        backward = call_rule(NODE, free, **{f"m_{known}": two, "m_out": gamma})
        gaps = [backward.log_pdf(x) - gamma.log_pdf(2 * x) for x in (0.1, 1.0, 3.0)]
        assert np.ptp(gaps) < 1e-12
    with pytest.raises(InferenceError, match="positive numbers only"):
        call_rule(NODE, "out", m_A=PointMass(-1.0), m_in=gamma)


RANDOM = [NormalMeanVariance(1.0, 2.0), NormalMeanPrecision(-0.3, 4.0), NormalWeightedMeanPrecision(8.0, 2.0)]


@pytest.mark.parametrize("right", RANDOM)
@pytest.mark.parametrize("left", RANDOM)
def test_the_product_of_two_normals(left, right):
    message = call_rule(NODE, "out", m_A=left, m_in=right)
    a, x = (stats.norm(m.mean, np.sqrt(m.variance)) for m in (left, right))

    def density(y):
        def f(t):
            return a.pdf(np.exp(t)) * x.pdf(y * np.exp(-t)) + a.pdf(-np.exp(t)) * x.pdf(-y * np.exp(-t))

        return integrate.quad(f, -12, 6, limit=400, epsabs=1e-14, epsrel=1e-12)[0]

    for y in (-2.0, 0.3, 5.0):
        assert message.log_pdf(y) == pytest.approx(np.log(density(y)), rel=1e-8)
    assert message.log_pdf(0.0) == np.inf


def test_the_product_of_two_standard_normals_is_a_bessel_function():
    standard = NormalMeanVariance(0.0, 1.0)
    y = np.array([1e-8, 0.1, -1.0, 10.0, 600.0])
    expected = -np.abs(y) + np.log(special.k0e(np.abs(y)) / np.pi)
    message = call_rule(NODE, "out", m_A=standard, m_in=standard)
    np.testing.assert_allclose(message.log_pdf(y), expected, rtol=1e-12)


@pytest.mark.parametrize("other", [*RANDOM, GammaShapeRate(2.0, 3.0), Beta(2.0, 3.0)])
@pytest.mark.parametrize("m_out", [*RANDOM, GammaShapeRate(3.0, 1.0)])
def test_toward_a_factor_when_the_other_is_random(m_out, other):
    low, high = (0.0, 1.0) if isinstance(other, Beta) else (other.mean - 40 * other.std, other.mean + 40 * other.std)
    for to, free in (("in", "A"), ("A", "in")):
        message = call_rule(NODE, to, m_out=m_out, **{f"m_{free}": other})
        for x in (-1.5, 0.7):
            expected = integrate.quad(
                lambda a, x=x: np.exp(float(other.log_pdf(a)) + float(m_out.log_pdf(a * x))),
                low,
                high,
                points=[0.0, other.mean] if low < 0 else None,
                limit=400,
                epsabs=1e-14,
            )[0]
            if expected > 1e-12:
                assert message.log_pdf(x) == pytest.approx(np.log(expected), rel=1e-7, abs=1e-7)


def test_toward_a_factor_from_an_observed_product():
    m = NormalMeanVariance(1.0, 2.0)
    message = call_rule(NODE, "in", m_out=PointMass(3.0), m_A=m)
    assert message.log_pdf(1.5) == pytest.approx(m.log_pdf(2.0) - np.log(1.5))


def test_the_product_with_a_beta():
    m = NormalMeanVariance(1.0, 2.0)
    for message in (call_rule(NODE, "out", m_A=m, m_in=Beta(2.0, 3.0)), call_rule(NODE, "out", m_A=Beta(2.0, 3.0), m_in=m)):
        for y in (-0.5, 1.2):
            expected = integrate.quad(lambda a, y=y: stats.beta(2, 3).pdf(a) * np.exp(m.log_pdf(y / a)) / a, 0, 1)[0]
            assert message.log_pdf(y) == pytest.approx(np.log(expected), rel=1e-7)


def test_a_known_number_times_any_density():
    message = call_rule(NODE, "out", m_A=PointMass(2.0), m_in=Beta(2.0, 3.0))
    assert message.log_pdf(1.0) == pytest.approx(Beta(2.0, 3.0).log_pdf(0.5) - np.log(2.0))


def test_products_that_do_not_exist():
    vector, number = forms(np.zeros(2), np.eye(2))[0], forms(0.0, 1.0)[0]
    for a, m in ((COLUMN, vector), (SQUARE, number)):
        with pytest.raises(NoRuleError, match="is no product"):
            call_rule(NODE, "out", m_A=PointMass(a), m_in=m)
    with pytest.raises(NoRuleError, match="both A and x are random"):
        call_rule(NODE, "out", m_A=vector, m_in=vector)


def test_batches():
    rng = np.random.default_rng(4)
    for value, d, _ in MAPS:
        values = [PointMass(np.asarray(value) * s if np.ndim(value) else value * s) for s in (1.0, 2.0)]
        inputs = list(zip(*(forms(*random_belief(rng, d)) for _ in range(2)), strict=True))
        outputs = list(zip(*(forms(*random_belief(rng, sizes(value, d))) for _ in range(2)), strict=True))
        for m_in, m_out in zip(inputs, outputs, strict=True):
            assert_rows_alike(lambda **q: call_rule(NODE, "out", **q), m_A=values, m_in=m_in)
            assert_rows_alike(lambda **q: call_rule(NODE, "in", **q), m_A=values, m_out=m_out)
            assert_rows_alike(lambda **q: call_marginal_rule(NODE, "A_in", **q), m_A=values, m_out=m_out, m_in=m_in)
            shared = call_rule(NODE, "out", m_A=values[0], m_in=m_in[0].broadcast_to((3,)))
            assert shared.batch_shape == (3,)
    rows = NormalMeanVariance([1.0, 2.0], [1.0, 0.5])
    both = call_rule(NODE, "out", m_A=rows, m_in=rows)
    one = call_rule(NODE, "out", m_A=rows[1], m_in=rows[1])
    np.testing.assert_allclose(both.log_pdf(np.array([0.5, 0.5]))[1], one.log_pdf(0.5))


def test_one_row_stays_floats():
    for m in forms(1.0, 2.0):
        for message in (call_rule(NODE, "out", m_A=PointMass(2.0), m_in=m), call_rule(NODE, "in", m_A=PointMass(2.0), m_out=m)):
            assert all(type(value) is float for value in message.parameters.values())
