"""MvNormalGamma, MvNormalWishart and HalfNormal against the expectations of their log factors."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    GammaShapeRate,
    GammaShapeScale,
    HalfNormal,
    InverseGamma,
    MvNormalGamma,
    MvNormalMeanCovariance,
    MvNormalWishart,
    NormalMeanVariance,
    PointMass,
    Wishart,
)
from reactivepgm.nodes import node_of
from reactivepgm.rulebook import average_energy, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadratic import expect, normal_log_pdf
from tests.oracles.quadrature_nodes import assert_same_shape, expectation, mean_log_det, mean_of

G = np.array([[2.0, 0.3], [0.3, 1.0]])
MEANS = [MvNormalMeanCovariance([0.5, -1.0], [[0.4, 0.1], [0.1, 0.3]]), PointMass([0.5, -1.0])]
PRECISIONS = [Wishart(5.0, G), PointMass(G)]
SHAPES = [GammaShapeRate(6.0, 3.0), PointMass(2.0)]
RATES = [GammaShapeRate(3.0, 2.0), PointMass(3.0)]


def log_normal_gamma(x, g, mean, precision, shape, rate):
    normal = normal_log_pdf(x - mean, np.asarray(g)[..., None, None] * precision)
    return normal + stats.gamma.logpdf(g, shape, scale=1 / np.asarray(rate))


@pytest.mark.parametrize("role", ["m", "q"])
def test_normal_gamma_from_known_parameters(role):
    inputs = {"mean": [0.5, -1.0], "precision": G, "shape": 2.0, "rate": 3.0}
    message = call_rule(MvNormalGamma, "out", **{f"{role}_{name}": PointMass(value) for name, value in inputs.items()})
    assert message == MvNormalGamma([0.5, -1.0], G, 2.0, 3.0)


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_normal_gamma_toward_out(mean, precision):
    points = [np.array([0.1, 0.2, 0.5]), np.array([2.0, -1.0, 1.5]), np.array([0.0, -3.0, 4.0])]
    for shape in SHAPES:
        for rate in RATES:
            inputs = {"q_mean": mean, "q_precision": precision, "q_shape": shape, "q_rate": rate}
            message = call_rule(MvNormalGamma, "out", **inputs)

            def oracle(z, shape=shape, rate=rate):
                """log f is linear in the shape, the rate and the precision, but for terms without x and g."""
                known = precision.mean, shape.mean, rate.mean
                return expect(lambda m: log_normal_gamma(z[:2], z[2], m, *known), mean)

            assert_same_shape(message, oracle, points)


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rate", RATES)
def test_normal_gamma_energy(mean, precision, shape, rate):
    q_out = MvNormalGamma([1.0, 0.3], [[1.5, -0.2], [-0.2, 0.8]], 4.0, 5.0)
    inputs = {"q_mean": mean, "q_precision": precision, "q_shape": shape, "q_rate": rate}
    energy = average_energy(MvNormalGamma, q_out=q_out, **inputs)
    normal = -expect(
        lambda w, m: normal_log_pdf(w[..., :2] - m, w[..., 2, None, None] * precision.mean), q_out, mean
    )
    normal += 0.5 * (np.linalg.slogdet(precision.mean)[1] - mean_log_det(precision))
    g = GammaShapeRate(q_out.shape, q_out.rate)
    gamma = -expectation(lambda x, a, b: stats.gamma.logpdf(x, a, scale=1 / b), g, shape, rate, n=100)
    assert energy == pytest.approx(normal + gamma, rel=1e-7)


def test_normal_wishart():
    prior = {"q_mean": [0.5, -1.0], "q_scale": G, "q_lambda": 2.0, "q_df": 4.0}
    points = {name: PointMass(value) for name, value in prior.items()}
    assert call_rule(MvNormalWishart, "out", **points) == MvNormalWishart([0.5, -1.0], G, 2.0, 4.0)
    q_out = MvNormalWishart([0.3, 0.1], 0.5 * G, 3.0, 6.0)
    w = q_out.noise_precision
    wishart = stats.wishart(4.0, G).logpdf(w.mean) + 0.5 * (4.0 - 3.0) * (mean_log_det(w) - np.linalg.slogdet(w.mean)[1])
    gap = q_out.mean - np.array(prior["q_mean"])

    def square(k):
        """E[(x - m)' W (x - m)] for W = k, x ~ N(mean, inv(3 k))."""
        return gap @ k @ gap + np.trace(k @ np.linalg.inv(3.0 * k))

    squares = mean_of(lambda k: np.array([square(one) for one in k]), w, 60)
    normal = 0.5 * (2 * np.log(2 * np.pi / 2.0) - mean_log_det(w) + 2.0 * squares)
    assert average_energy(MvNormalWishart, q_out=q_out, **points) == pytest.approx(normal - wishart, rel=1e-6)


VARIANCES = [InverseGamma(3.0, 2.0), GammaShapeRate(4.0, 2.0), PointMass(2.0)]
OUTS = [GammaShapeScale(2.0, 1.0), InverseGamma(3.0, 1.0), PointMass(0.7)]


def log_half_normal(x, v):
    return 0.5 * np.log(2 / (np.pi * v)) - x * x / (2 * v)


@pytest.mark.parametrize("variance", VARIANCES)
def test_half_normal(variance):
    message = call_rule(HalfNormal, "out", q_variance=variance)
    oracle = lambda x: expectation(lambda v: log_half_normal(x, v), variance)  # noqa: E731
    assert_same_shape(message, oracle, [0.1, 1.0, 3.0])
    assert message.log_pdf(-1.0) == -np.inf
    for out in OUTS:
        n = 400 if isinstance(out, InverseGamma) else 160
        expected = -expectation(log_half_normal, out, variance, n=n)
        assert average_energy(HalfNormal, q_out=out, q_variance=variance) == pytest.approx(expected, rel=1e-6)


def test_half_normal_toward_its_variance():
    for out in (OUTS[0], OUTS[2], HalfNormal(2.0)):
        message = call_rule(HalfNormal, "variance", q_out=out)
        square = out.mean**2 + out.variance
        assert_same_shape(message, lambda v, s=square: -0.5 * np.log(v) - s / (2 * v), [0.3, 1.0, 4.0])
    node = node_of("HalfNormal")
    assert node.log_density(1.0, 4.0) == pytest.approx(stats.halfnorm(scale=2.0).logpdf(1.0))
    assert node_of(HalfNormal).interface("σ²").name == "variance"


def test_batches():
    rng = np.random.default_rng(1)
    means = [MvNormalMeanCovariance(rng.normal(size=2), G * s) for s in (1.0, 2.0)]
    pairs = {"q_mean": means, "q_precision": [Wishart(5.0, G), Wishart(6.0, G)]}
    pairs |= {"q_shape": [GammaShapeRate(2.0, 1.0), GammaShapeRate(3.0, 1.0)], "q_rate": RATES[:1] * 2}
    outs = [MvNormalGamma(rng.normal(size=2), G, 2.0 + i, 3.0) for i in range(2)]
    assert_rows_alike(lambda **q: call_rule(MvNormalGamma, "out", **q), **pairs)
    assert_rows_alike(lambda **q: average_energy(MvNormalGamma, **q), q_out=outs, **pairs)
    known = {"q_mean": [PointMass(m.mean, event_rank=1) for m in means], "q_scale": [PointMass(G, event_rank=2)] * 2}
    known |= {"q_lambda": [PointMass(1.0), PointMass(2.0)], "q_df": [PointMass(3.0), PointMass(4.0)]}
    wisharts = [MvNormalWishart(rng.normal(size=2), G, 1.0 + i, 4.0 + i) for i in range(2)]
    assert_rows_alike(lambda **q: call_rule(MvNormalWishart, "out", **q), **known)
    assert_rows_alike(lambda **q: average_energy(MvNormalWishart, **q), q_out=wisharts, **known)
    halves = [InverseGamma(3.0, 2.0), InverseGamma(4.0, 1.0)]
    numbers = [NormalMeanVariance(1.0, 2.0), NormalMeanVariance(2.0, 2.0)]
    assert_rows_alike(lambda **q: call_rule(HalfNormal, "out", **q), q_variance=halves)
    assert_rows_alike(lambda **q: call_rule(HalfNormal, "variance", **q), q_out=numbers)
    assert_rows_alike(lambda **q: average_energy(HalfNormal, **q), q_out=numbers, q_variance=halves)
