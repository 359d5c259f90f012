"""Laplace(out | mean, scale): messages, energy. out and mean are symmetric.

Factor        f = exp(-|out - mean| / b) / (2 b)
Sum-product   ν(mean) = Laplace(out observed, b)
Expectation   with m_mean = N(m, v) on its own edge, μ = m - out, and the halves of the tilted normal on either side of
propagation   the kink, with R Mills' ratio: a = (μ - v/b)/√v, c = -(μ + v/b)/√v, P₊ = R(-a) / (R(-a) + R(-c)), P₋ = 1 - P₊
              ∂ log Z/∂m = g = (P₋ - P₊)/b,  -∂² log Z/∂m² = h = 2 P₊ P₋ (a + 1/R(-a) + c + 1/R(-c)) / (b √v)
              ν(mean) = N with precision h/(1 - v h) and weighted mean (g + m h)/(1 - v h)
              Z = exp(v/2b²) (exp(-μ/b) Φ(a) + exp(μ/b) Φ(c)) / 2b
Variational   ν(mean) = Laplace(out, 1/E[1/b]) for an observed out
              ν(scale) ∝ exp(-E|out - mean| / b) / b = InverseGamma(0, E|out - mean|)
Energy        log 2 + E[log b] + E[1/b] E|out - mean|
"""

import math

from reactivepgm.distributions import (
    GammaFamily,
    InverseGamma,
    Laplace,
    NormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.elementary import divide, exp, log, sqrt, where
from reactivepgm.numerics.normal_tail import mills_ratio
from reactivepgm.numerics.special import log_normal_cdf, normal_cdf
from reactivepgm.rulebook import average_energy, log_scale, rule

Scale = PointMass | InverseGamma | GammaFamily
Located = UnivariateNormal | PointMass
_LOG_2 = math.log(2.0)
_ROOT_2PI = math.sqrt(2.0 * math.pi)


def effective_scale(q_scale: Scale) -> Array:
    """1 / E[1/b].

    Example:
        >>> effective_scale(InverseGamma(2.0, 3.0))
        1.5
    """
    return q_scale.value if isinstance(q_scale, PointMass) else 1.0 / q_scale.mean_inverse


def mean_distance(q_out: Located, q_mean: Located) -> Array:
    """E|out - mean| of independent numbers: the mean of a folded normal.

    Example:
        >>> mean_distance(PointMass(1.0), PointMass(3.0))
        2.0
    """
    gap, variance = q_out.mean - q_mean.mean, q_out.variance + q_mean.variance
    deviation = sqrt(variance)
    z = divide(gap, where(deviation > 0.0, deviation, 1.0))
    folded = deviation * (2.0 / _ROOT_2PI) * exp(-0.5 * z * z) + gap * (1.0 - 2.0 * normal_cdf(-z))
    return where(deviation > 0.0, folded, abs(gap))


def site(m: UnivariateNormal, centre: Array, scale: Array) -> NormalWeightedMeanPrecision:
    """The normal that makes N(m) times Laplace(centre, scale) keep its moments, divided by N(m).

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> site(NormalMeanVariance(0.0, 1.0), 0.0, 1.0).weighted_mean
        0.0
    """
    mean, variance = m.mean, m.variance
    deviation = sqrt(variance)
    mu, pull = (mean - centre) / deviation, deviation / scale
    a, c = mu - pull, -(mu + pull)
    above, below = mills_ratio(-a), mills_ratio(-c)
    p_above = 1.0 / (1.0 + divide(below, above))
    p_below = 1.0 / (1.0 + divide(above, below))
    g = (p_below - p_above) / scale
    h = 2.0 * p_above * p_below * (a + 1.0 / above + c + 1.0 / below) / (scale * deviation)
    left = 1.0 - variance * h
    return NormalWeightedMeanPrecision._of((g + mean * h) / left, h / left)


def log_integral(m: UnivariateNormal, centre: Array, scale: Array) -> Array:
    """log of the integral of N(m) times Laplace(centre, scale): both halves, each an exponential times a normal.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> round(float(log_integral(NormalMeanVariance(0.0, 1e-12), 0.0, 0.5)), 5)
        -0.0
    """
    deviation = sqrt(m.variance)
    mu, pull = (m.mean - centre) / deviation, deviation / scale
    above = -mu * pull + log_normal_cdf(mu - pull)
    below = mu * pull + log_normal_cdf(-(mu + pull))
    return 0.5 * pull * pull + namespace(above, below).logaddexp(above, below) - _LOG_2 - log(scale)


@log_scale(Laplace, to="out")
def _(q_mean: PointMass, q_scale: PointMass, m_out: UnivariateNormal) -> Array:
    """The logarithm of Z."""
    return log_integral(m_out, q_mean.value, q_scale.value)


@log_scale(Laplace, to="mean")
def _(q_out: PointMass, q_scale: PointMass, m_mean: UnivariateNormal) -> Array:
    """The logarithm of Z."""
    return log_integral(m_mean, q_out.value, q_scale.value)


@rule(Laplace, to="out")
def _(q_mean: PointMass, q_scale: Scale) -> Laplace:
    """A known mean."""
    return Laplace._of(q_mean.value, effective_scale(q_scale))


@rule(Laplace, to="out")
def _(q_mean: PointMass, q_scale: Scale, m_out: UnivariateNormal) -> NormalWeightedMeanPrecision:
    """A known mean, through the moments of the product with the inbound message."""
    return site(m_out, q_mean.value, effective_scale(q_scale))


@rule(Laplace, to="mean")
def _(q_out: PointMass, q_scale: Scale) -> Laplace:
    """An observed output."""
    return Laplace._of(q_out.value, effective_scale(q_scale))


@rule(Laplace, to="mean")
def _(q_out: PointMass, q_scale: Scale, m_mean: UnivariateNormal) -> NormalWeightedMeanPrecision:
    """An observed output, through the moments of the product with the inbound message."""
    return site(m_mean, q_out.value, effective_scale(q_scale))


@rule(Laplace, to="scale")
def _(q_out: Located, q_mean: Located) -> InverseGamma:
    """The expected distance."""
    return InverseGamma._of(0.0, mean_distance(q_out, q_mean))


@average_energy(Laplace)
def _(q_out: Located, q_mean: Located, q_scale: Scale) -> Array:
    """The expected negative log density."""
    return _LOG_2 + q_scale.mean_log + q_scale.mean_inverse * mean_distance(q_out, q_mean)
