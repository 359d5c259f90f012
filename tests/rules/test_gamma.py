"""GammaShapeRate and GammaShapeScale against quadrature of their log densities."""

import itertools

import numpy as np
import pytest
from reactivepgm_rules.expectations import mean_log_gamma
from scipy import integrate, stats
from scipy.special import gammaln

from reactivepgm.distributions import GammaShapeLikelihood, GammaShapeRate, GammaShapeScale, InverseGamma, PointMass
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation

POINTS = np.array([0.2, 0.7, 1.0, 3.0, 8.0])
OUTS = [GammaShapeRate(3.0, 2.0), GammaShapeScale(1.5, 0.4), PointMass(1.7)]
SHAPES = [GammaShapeRate(2.5, 1.5), PointMass(2.5)]
RATES = [GammaShapeRate(4.0, 3.0), PointMass(1.5)]
SCALES = [InverseGamma(4.0, 3.0), GammaShapeRate(4.0, 3.0), PointMass(1.5)]


def log_rate(x, shape, rate):
    return shape * np.log(rate) - gammaln(shape) + (shape - 1) * np.log(x) - rate * x


def log_scale(x, shape, scale):
    return log_rate(x, shape, 1 / scale)


@pytest.mark.parametrize("role", ["m", "q"])
def test_toward_out_from_known_parameters(role):
    inputs = {f"{role}_shape": PointMass(1.5), f"{role}_rate": PointMass(2.5)}
    assert call_rule(GammaShapeRate, "out", **inputs) == GammaShapeRate(1.5, 2.5)
    inputs = {f"{role}_shape": PointMass(1.5), f"{role}_scale": PointMass(2.5)}
    assert call_rule(GammaShapeScale, "out", **inputs) == GammaShapeScale(1.5, 2.5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rate", RATES)
def test_rate_form_toward_out(shape, rate):
    message = call_rule(GammaShapeRate, "out", q_shape=shape, q_rate=rate)
    assert_same_shape(message, lambda x: expectation(lambda a, b: log_rate(x, a, b), shape, rate), POINTS)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("rate", RATES)
def test_rate_form_toward_shape(out, rate):
    message = call_rule(GammaShapeRate, "shape", q_out=out, q_rate=rate)
    assert isinstance(message, GammaShapeLikelihood)
    assert_same_shape(message, lambda a: expectation(lambda x, b: log_rate(x, a, b), out, rate), POINTS)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_rate_form_toward_rate(out, shape):
    message = call_rule(GammaShapeRate, "rate", q_out=out, q_shape=shape)
    assert_same_shape(message, lambda b: expectation(lambda x, a: log_rate(x, a, b), out, shape), POINTS)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", SCALES)
def test_scale_form_toward_out(shape, scale):
    message = call_rule(GammaShapeScale, "out", q_shape=shape, q_scale=scale)
    assert_same_shape(message, lambda x: expectation(lambda a, s: log_scale(x, a, s), shape, scale), POINTS)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("scale", SCALES)
def test_scale_form_toward_shape(out, scale):
    message = call_rule(GammaShapeScale, "shape", q_out=out, q_scale=scale)
    assert_same_shape(message, lambda a: expectation(lambda x, s: log_scale(x, a, s), out, scale), POINTS)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_scale_form_toward_scale(out, shape):
    message = call_rule(GammaShapeScale, "scale", q_out=out, q_shape=shape)
    assert_same_shape(message, lambda s: expectation(lambda x, a: log_scale(x, a, s), out, shape), POINTS)


@pytest.mark.parametrize("out", [GammaShapeRate(2.0, 0.5), GammaShapeScale(2.0, 2.0)])
def test_joints(out):
    mine = stats.gamma(2.0, scale=2.0)
    other = stats.gamma(1.5, scale=1 / 3.0)
    known = {"m_shape": PointMass(1.5)}
    by_rate = call_marginal_rule(GammaShapeRate, "out_shape_rate", m_out=out, m_rate=PointMass(3.0), **known)
    by_scale = call_marginal_rule(GammaShapeScale, "out_shape_scale", m_out=out, m_scale=PointMass(1 / 3.0), **known)
    for joint in (by_rate, by_scale):
        assert_same_shape(joint.factors["out"], lambda x: mine.logpdf(x) + other.logpdf(x), POINTS)
        assert joint.factors["shape"] == PointMass(1.5)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_energies(out, shape):
    for rate in RATES:
        energy = average_energy(GammaShapeRate, q_out=out, q_shape=shape, q_rate=rate)
        assert energy == pytest.approx(-expectation(log_rate, out, shape, rate, n=120), rel=1e-9)
    for scale in SCALES:
        energy = average_energy(GammaShapeScale, q_out=out, q_shape=shape, q_scale=scale)
        assert energy == pytest.approx(-expectation(log_scale, out, shape, scale, n=120), rel=1e-9)


@pytest.mark.parametrize("shape", [0.01, 0.5, 1.0, 2.5, 40.0, 3000.0])
@pytest.mark.parametrize("rate", [1e-3, 0.3, 1.0, 50.0])
def test_mean_log_gamma(shape, rate):
    """By adaptive quadrature in log x, whose density is smooth for every shape."""
    log_norm = gammaln(shape) - shape * np.log(rate)

    def integrand(t):
        """log Γ(x) as log Γ(1 + x) - log x, which does not underflow with x."""
        return (gammaln(1 + np.exp(t)) - t) * np.exp(shape * t - rate * np.exp(t) - log_norm)

    centre, width = np.log(shape / rate), 1 / np.sqrt(shape)
    near = centre + np.linspace(-12 * width, min(12 * width, 6.0 - min(np.log(shape), 0.0)), 60)
    far = near[0] - np.linspace(60 / shape, 0.0, 30)[:-1]
    breaks = [*far, *near]
    expected = sum(integrate.quad(integrand, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in itertools.pairwise(breaks))
    got = mean_log_gamma(GammaShapeRate(shape, rate))
    assert got == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_batches():
    outs, shapes = (
        [GammaShapeRate(3.0, 2.0), GammaShapeRate(1.0, 0.3)],
        [GammaShapeRate(2.0, 1.0), GammaShapeRate(0.5, 3.0)],
    )
    rates, known = [GammaShapeRate(4.0, 3.0), GammaShapeRate(1.0, 1.0)], [PointMass(2.0), PointMass(0.7)]
    for target, inputs in (
        ("out", {"q_shape": shapes, "q_rate": rates}),
        ("shape", {"q_out": outs, "q_rate": rates}),
        ("rate", {"q_out": outs, "q_shape": shapes}),
        ("rate", {"q_out": known, "q_shape": known}),
    ):
        assert_rows_alike(lambda target=target, **q: call_rule(GammaShapeRate, target, **q), **inputs)
    scales = [InverseGamma(4.0, 3.0), InverseGamma(1.5, 1.0)]
    for target, inputs in (
        ("out", {"q_shape": shapes, "q_scale": scales}),
        ("shape", {"q_out": outs, "q_scale": scales}),
        ("scale", {"q_out": outs, "q_shape": shapes}),
    ):
        assert_rows_alike(lambda target=target, **q: call_rule(GammaShapeScale, target, **q), **inputs)
    joint = {"m_out": outs, "m_shape": known, "m_rate": known}
    assert_rows_alike(lambda **m: call_marginal_rule(GammaShapeRate, "out_shape_rate", **m), **joint)
    assert_rows_alike(lambda **q: average_energy(GammaShapeRate, **q), q_out=outs, q_shape=shapes, q_rate=rates)
    assert_rows_alike(lambda **q: average_energy(GammaShapeScale, **q), q_out=outs, q_shape=shapes, q_scale=scales)
