"""Normals for what a volatility factor says: of its own moments, and of its moments beside what comes in on the edge.

Message      ν(x) ∝ exp(-(a x + b exp(c x + d x²/2)) / 2), as the rules of GCV send it
Alone        N of ν's own mean and variance
Cavity       m = N(μ, v), s = sqrt(v), x = μ + s t:   p(t) ∝ N(t; 0, 1) exp(-a s t/2 - E(t)),
             E(t) = exp(log(b/2) + c μ + d μ²/2 + (c + d μ) s t + d v t²/2)
Own message  with e and r the mean and variance of t:   W = (1/r - 1)/v,   weighted mean μ W + e/(s r)    Minka 2001

ν is log-concave, and so r <= 1 and W >= 0 (Brascamp and Lieb 1976). Moments are exact, or those of the Gauss-Hermite
points of the cavity where a meta names how many; points that all but one carry no weight are an error.
"""

from reactivepgm.distributions import (
    ExponentialLinearQuadratic,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    UnivariateNormal,
)
from reactivepgm.errors import InvalidParameterError
from reactivepgm.nodes.volatility import GCVMeta
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import exp, largest, log, sqrt, where
from reactivepgm.numerics.quadrature import gauss_hermite

from .matrix_form import is_everywhere

_COLLAPSED = 1e-10
"""Below this share of the cavity's variance the points see rounding only."""


def as_normal(message: UnivariateNormal | ExponentialLinearQuadratic, meta: GCVMeta | None) -> UnivariateNormal:
    """The normal of the message's moments.

    Example:
        >>> as_normal(NormalMeanVariance(1.0, 2.0), None)
        NormalMeanVariance(mean=1.0, variance=2.0)
    """
    if isinstance(message, UnivariateNormal):
        return message
    if meta is None:
        _, mean, variance = message.tilted(0.0, 0.0)
        return NormalMeanVariance._of(mean, variance)
    nodes, weights = gauss_hermite(meta.approximation.n)
    total: Array = 0.0
    first: Array = 0.0
    second: Array = 0.0
    for x, w in zip(nodes, weights, strict=True):
        weight = w * exp(message.log_pdf(x) + 0.5 * x * x)
        total, first, second = total + weight, first + weight * x, second + weight * x * x
    mean = first / total
    return NormalMeanVariance._of(mean, second / total - mean * mean)


def beside(
    message: ExponentialLinearQuadratic, cavity: UnivariateNormal, meta: GCVMeta | None
) -> NormalWeightedMeanPrecision:
    """The normal that, times the cavity, has the moments of the message times the cavity.

    Beside a certain cavity nothing can be learned, and the message is flat.

    Args:
        message: what the factor says, (*batch,).
        cavity: everything else that is known, (*batch,), proper.
        meta: how many points the moments take; None for exact moments.

    Raises:
        InvalidParameterError: one of the points carries all the weight.

    Example:
        >>> downhill = ExponentialLinearQuadratic(2.0, 0.0, 1.0, 0.0)
        >>> round(beside(downhill, NormalMeanVariance(0.0, 1.0), None).weighted_mean, 9)
        -1.0
    """
    mean, variance = cavity.mean, cavity.variance
    known = variance > 0.0
    scale = where(known, variance, 1.0)
    width = sqrt(scale)
    if meta is None:
        _, there, spread = message.tilted(mean / scale, 1.0 / scale)
        moved, left = (there - mean) / width, spread / scale
    else:
        moved, left = _by_points(message, mean, scale, width, meta.approximation.n)
    precision = (1.0 / left - 1.0) / scale
    weighted = mean * precision + moved / (width * left)
    return NormalWeightedMeanPrecision._of(where(known, weighted, 0.0), where(known, precision, 0.0))


def _by_points(
    message: ExponentialLinearQuadratic, mean: Array, variance: Array, width: Array, n: int
) -> tuple[Array, Array]:
    """Mean and variance of t from the points of N(0, 1)."""
    a, c, d = message.a, message.c, message.d
    linear, level, rise = -0.5 * a * width, log(0.5 * message.b) + c * mean, c * width
    is_straight = type(d) is float and d == 0.0
    if not is_straight:
        level, rise = level + 0.5 * d * mean * mean, rise + d * mean * width
    bend = 0.5 * d * variance
    nodes, weights = gauss_hermite(n)
    heights = []
    for t in nodes:
        bent = level + rise * t if is_straight else level + rise * t + bend * (t * t)
        heights.append(linear * t - exp(bent))
    top = largest(*heights)
    total: Array = 0.0
    first: Array = 0.0
    second: Array = 0.0
    for t, w, height in zip(nodes, weights, heights, strict=True):
        weight = w * exp(height - top)
        total, first, second = total + weight, first + weight * t, second + weight * (t * t)
    moved = first / total
    left = second / total - moved * moved
    if not is_everywhere(left > _COLLAPSED):
        raise InvalidParameterError(
            f"GaussHermiteCubature({n}): beside what comes in, one of the points carries all the weight of the message\n"
            "  write  more points, or no meta, which makes the moments exact"
        )
    return moved, left
