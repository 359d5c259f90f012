"""Expectations that several factors share: products with zero weights and E[log Γ] under a Gamma belief.

E[log Γ(x)], x ~ Gamma(a, b)      log Γ(x) = log Γ(1 + x) - log x, so with y = b x
    = a E_{y ~ Gamma(a + 1, 1)}[log Γ(1 + y/b) / y] - E[log x]
The integrand is analytic, and in log y its density falls off exponentially to the left and doubly exponentially to
the right, where the trapezoidal rule converges geometrically (Trefethen and Weideman 2014, section 5).
"""

from reactivepgm.distributions import Distribution, GammaFamily, PointMass
from reactivepgm.errors import NoRuleError
from reactivepgm.numerics.array import Array, is_numpy, namespace
from reactivepgm.numerics.elementary import all_finite, where
from reactivepgm.numerics.special import gammaln

_POINTS = 240
_NEGLIGIBLE = 38.0  # exp(-38) is below the rounding of a double


def weigh(weight: Array, value: Array) -> Array:
    """A weight of zero wipes out its value, even an infinite one: 0 log 0 = 0.

    Args:
        weight: non-negative weights, any shape.
        value: what they weigh; broadcasts against ``weight``.

    Returns:
        ``weight * value`` with 0 wherever the weight is 0.

    Example:
        >>> weigh(0.0, -float("inf")), weigh(2.0, 3.0)
        (0.0, 6.0)
    """
    if is_numpy(weight, value) and all_finite(value):
        return weight * value
    return weight * where(weight == 0.0, 0.0, value)


def mean_log_gamma(belief: Distribution) -> Array:
    """E[log Γ(x)] under a Gamma belief or a point mass, to about 1e-13.

    Args:
        belief: a distribution of the Gamma family or a point mass, batch shape (*batch,).

    Returns:
        The expectations, shape (*batch,).

    Raises:
        NoRuleError: the belief is of another family.

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate, PointMass
        >>> round(float(mean_log_gamma(PointMass(4.0))), 9)  # log 3!
        1.791759469
        >>> round(float(mean_log_gamma(GammaShapeRate(shape=3.0, rate=2.0))), 9)
        0.226111451
    """
    if isinstance(belief, PointMass):
        return gammaln(belief.value)
    if isinstance(belief, GammaFamily):
        return belief.shape * _mean_slope(belief.shape, belief.rate) - belief.mean_log
    raise NoRuleError(
        f"E[log Γ(x)] is known for the Gamma family and for point masses, not for {type(belief).__name__}: "
        "constrain the form of this marginal to a Gamma"
    )


def _mean_slope(shape: Array, rate: Array) -> Array:
    """E[log Γ(1 + y / rate) / y] under y ~ Gamma(shape + 1, 1)."""
    xp = namespace(shape, rate)
    peak = xp.asarray(shape + 1.0)[..., None]  # where the density of log y has its mode, exp(log y) = shape + 1
    reach = _NEGLIGIBLE / peak
    spread = xp.sqrt(2.0 * reach)
    left, right = -(reach + spread), xp.log1p(reach + spread)
    offset = left + (right - left) * (xp.arange(_POINTS, dtype=peak.dtype) / (_POINTS - 1.0))
    density = xp.exp(peak * (offset - xp.expm1(offset)))
    y = peak * xp.exp(offset)
    slope = gammaln(1.0 + y / xp.asarray(rate)[..., None]) / y
    mean = (density * slope).sum(-1) / density.sum(-1)
    return float(mean) if isinstance(shape, float) and isinstance(rate, float) else mean
