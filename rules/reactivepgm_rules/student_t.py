"""StudentT(out | location, scale, df): messages, energy; scale and df are known. out and location are symmetric.

Factor        f = t(out; x, s, ν) = ∫ N(out; x, s²/u) Gamma(u; ν/2, ν/2) du
Sum-product   ν(x) = StudentT(out observed, s, ν)
Expectation   with m_x = N(m, v) on its own edge and w(u) ∝ Gamma(u; ν/2, ν/2) N(out; m, v + s²/u), k(u) = 1/(v + s²/u):
propagation   ∂ log Z/∂m = g = (out - m) E_w[k],  -∂² log Z/∂m² = h = E_w[k] - (out - m)² Var_w[k]
              ν(x) = N with precision h/(1 - v h) and weighted mean (g + m h)/(1 - v h)
Energy        -E[log f], by Gauss-Hermite quadrature over out - x

The precision is negative where an outlier widens the posterior: t is not log-concave. The integral over u is a sum over
log u, where the integrand is analytic and falls off at least exponentially (Trefethen and Weideman 2014, section 5).
"""

import math

from reactivepgm.distributions import NormalWeightedMeanPrecision, PointMass, StudentT, UnivariateNormal
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.elementary import log, log1p
from reactivepgm.numerics.quadrature import expectation
from reactivepgm.numerics.special import gammaln, logsumexp
from reactivepgm.rulebook import average_energy, log_scale, rule

Located = UnivariateNormal | PointMass
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_POINTS = 400
_NEGLIGIBLE = 38.0
_HERMITE = 64


def site(m: UnivariateNormal, centre: Array, scale: Array, df: Array) -> NormalWeightedMeanPrecision:
    """The normal that makes N(m) times StudentT(centre, scale, df) keep its moments, divided by N(m).

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> near = site(NormalMeanVariance(0.0, 1.0), 0.5, 1.0, 1e9)
        >>> round(near.mean, 6), round(near.precision, 6)
        (0.5, 1.0)
    """
    mean, variance = m.mean, m.variance
    gap = centre - mean
    k, log_weight, _ = _mixture(m, gap, scale, df)
    xp = namespace(log_weight)
    weight = xp.exp(log_weight - log_weight.max(-1, keepdims=True))
    weight = weight / weight.sum(-1, keepdims=True)
    first = (weight * k).sum(-1)
    spread = (weight * (k - first[..., None]) ** 2).sum(-1)
    if type(mean) is float and not getattr(first, "ndim", 0):
        first, spread = float(first), float(spread)
    h = first - gap * gap * spread
    left = 1.0 - variance * h
    return NormalWeightedMeanPrecision._of((gap * first + mean * h) / left, h / left)


def log_integral(m: UnivariateNormal, centre: Array, scale: Array, df: Array) -> Array:
    """log of the integral of N(m) times StudentT(centre, scale, df).

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> near = log_integral(NormalMeanVariance(0.5, 1e-12), 0.0, 1.0, 3.0)
        >>> abs(float(near - StudentT(0.0, 1.0, 3.0).log_pdf(0.5))) < 1e-9
        True
    """
    _, log_weight, step = _mixture(m, centre - m.mean, scale, df)
    half = 0.5 * df
    return logsumexp(log_weight, axis=-1) + log(step) + half * log(half) - half - gammaln(half) - _HALF_LOG_2PI


def _mixture(m: UnivariateNormal, gap: Array, scale: Array, df: Array) -> tuple[Array, Array, Array]:
    """On a grid of log u, along a last axis: 1/(v + s²/u), and the log of the integrand up to a factor; the grid's step."""
    variance, half = m.variance, 0.5 * df
    xp = namespace(variance, gap, scale, df)
    shape = xp.asarray(half)[..., None]
    # Toward small u the integrand falls like u^(half + 1/2); toward large u like exp(-half u).
    reach = _NEGLIGIBLE / (shape + 0.5)
    low, high = -(reach + (2.0 * reach) ** 0.5), xp.log1p(_NEGLIGIBLE / shape + (2.0 * _NEGLIGIBLE / shape) ** 0.5)
    t = low + (high - low) * (xp.arange(_POINTS, dtype=shape.dtype) / (_POINTS - 1.0))
    k = 1.0 / (xp.asarray(variance)[..., None] + xp.asarray(scale * scale)[..., None] * xp.exp(-t))
    square = xp.asarray(gap * gap)[..., None]
    log_weight = shape * (t - xp.expm1(t)) + 0.5 * (xp.log(k) - k * square)
    return k, log_weight, (high - low)[..., 0] / (_POINTS - 1.0)


@log_scale(StudentT, to="out")
def _(m_location: PointMass, m_scale: PointMass, m_df: PointMass, m_out: UnivariateNormal) -> Array:
    """The logarithm of Z."""
    return log_integral(m_out, m_location.value, m_scale.value, m_df.value)


@log_scale(StudentT, to="location")
def _(m_out: PointMass, m_scale: PointMass, m_df: PointMass, m_location: UnivariateNormal) -> Array:
    """The logarithm of Z."""
    return log_integral(m_location, m_out.value, m_scale.value, m_df.value)


@rule(StudentT, to="out")
def _(m_location: PointMass, m_scale: PointMass, m_df: PointMass) -> StudentT:
    """Known parameters are the message."""
    return StudentT._of(m_location.value, m_scale.value, m_df.value)


@rule(StudentT, to="out")
def _(m_location: PointMass, m_scale: PointMass, m_df: PointMass, m_out: UnivariateNormal) -> NormalWeightedMeanPrecision:
    """A known location, through the moments of the product with the inbound message."""
    return site(m_out, m_location.value, m_scale.value, m_df.value)


@rule(StudentT, to="location")
def _(m_out: PointMass, m_scale: PointMass, m_df: PointMass) -> StudentT:
    """An observed output."""
    return StudentT._of(m_out.value, m_scale.value, m_df.value)


@rule(StudentT, to="location")
def _(m_out: PointMass, m_scale: PointMass, m_df: PointMass, m_location: UnivariateNormal) -> NormalWeightedMeanPrecision:
    """An observed output, through the moments of the product with the inbound message."""
    return site(m_location, m_out.value, m_scale.value, m_df.value)


@average_energy(StudentT)
def _(q_out: Located, q_location: Located, q_scale: PointMass, q_df: PointMass) -> Array:
    """The height of the density, and the expected logarithm of its tail."""
    scale, df = q_scale.value, q_df.value
    peak = StudentT._of(0.0 * q_out.mean, scale, df).log_pdf(0.0)
    gap, variance = q_out.mean - q_location.mean, q_out.variance + q_location.variance
    return 0.5 * (df + 1.0) * expectation(lambda d: log1p(d * d / (scale * scale * df)), gap, variance, _HERMITE) - peak
