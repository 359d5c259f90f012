"""InverseGamma(out | shape, scale) against quadrature of its log density."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from reactivepgm.distributions import GammaShapeRate, InverseGamma, PointMass
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation

POINTS = np.array([0.2, 0.7, 1.0, 3.0, 8.0])
OUTS = [InverseGamma(3.0, 2.0), PointMass(1.7)]
SHAPES = [GammaShapeRate(2.5, 1.5), PointMass(2.5)]
SCALES = [GammaShapeRate(4.0, 3.0), PointMass(1.5)]


def log_f(x, shape, scale):
    return shape * np.log(scale) - gammaln(shape) - (shape + 1) * np.log(x) - scale / x


@pytest.mark.parametrize("role", ["m", "q"])
def test_toward_out_from_known_parameters(role):
    inputs = {f"{role}_shape": PointMass(1.5), f"{role}_scale": PointMass(2.5)}
    assert call_rule(InverseGamma, "out", **inputs) == InverseGamma(1.5, 2.5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", SCALES)
def test_toward_out(shape, scale):
    message = call_rule(InverseGamma, "out", q_shape=shape, q_scale=scale)
    assert_same_shape(message, lambda x: expectation(lambda a, s: log_f(x, a, s), shape, scale), POINTS)


@pytest.mark.parametrize("out", OUTS)
def test_toward_shape_and_scale(out):
    for scale in SCALES:
        message = call_rule(InverseGamma, "shape", q_out=out, q_scale=scale)
        assert_same_shape(message, lambda a, s=scale: expectation(lambda x, s: log_f(x, a, s), out, s), POINTS)
    for shape in SHAPES:
        message = call_rule(InverseGamma, "scale", q_out=out, q_shape=shape)
        assert_same_shape(message, lambda s, a=shape: expectation(lambda x, a: log_f(x, a, s), out, a), POINTS)


def test_joint():
    inputs = {"m_out": InverseGamma(1.0, 2.0), "m_shape": PointMass(1.5), "m_scale": PointMass(3.0)}
    joint = call_marginal_rule(InverseGamma, "out_shape_scale", **inputs)
    a, b = stats.invgamma(1.0, scale=2.0), stats.invgamma(1.5, scale=3.0)
    assert_same_shape(joint.factors["out"], lambda x: a.logpdf(x) + b.logpdf(x), POINTS)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", SCALES)
def test_energy(out, shape, scale):
    energy = average_energy(InverseGamma, q_out=out, q_shape=shape, q_scale=scale)
    assert energy == pytest.approx(-expectation(log_f, out, shape, scale, n=120), rel=1e-9)


def test_energy_exists_where_the_mean_does_not():
    """E[1/x] is finite for every shape; the mean is not for shape <= 1."""
    out = InverseGamma(0.8, 2.0)
    energy = average_energy(InverseGamma, q_out=out, q_shape=PointMass(2.0), q_scale=PointMass(1.5))
    assert energy == pytest.approx(-expectation(lambda x: log_f(x, 2.0, 1.5), out), rel=1e-9)


def test_batches():
    outs, shapes = (
        [InverseGamma(3.0, 2.0), InverseGamma(1.0, 0.3)],
        [GammaShapeRate(2.0, 1.0), GammaShapeRate(0.5, 3.0)],
    )
    scales, known = [GammaShapeRate(4.0, 3.0), GammaShapeRate(1.0, 1.0)], [PointMass(2.0), PointMass(0.7)]
    for target, inputs in (
        ("out", {"q_shape": shapes, "q_scale": scales}),
        ("shape", {"q_out": outs, "q_scale": scales}),
        ("scale", {"q_out": outs, "q_shape": shapes}),
    ):
        assert_rows_alike(lambda target=target, **q: call_rule(InverseGamma, target, **q), **inputs)
    joint = {"m_out": outs, "m_shape": known, "m_scale": known}
    assert_rows_alike(lambda **m: call_marginal_rule(InverseGamma, "out_shape_scale", **m), **joint)
    assert_rows_alike(lambda **q: average_energy(InverseGamma, **q), q_out=outs, q_shape=shapes, q_scale=scales)
