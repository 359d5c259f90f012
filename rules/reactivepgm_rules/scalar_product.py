"""The product out = A x of two random numbers: messages as log densities.

Toward x      ν(x) = ∫ m_A(a) m_out(a x) da             for Gaussians N(E[a] x; E[out], Var[out] + x² Var[a])
Toward out    ν(y) = ∫ m_A(a) m_x(y / a) da / |a|

With a = ± exp(t) the second integrand, and the first for other families, is smooth in t and falls off doubly
exponentially at both ends, where the trapezoidal rule converges geometrically (Trefethen and Weideman 2014, section 5);
over the unit interval a = 1 / (1 + exp(-t)) does the same. Where another support ends inside the range of integration,
about five digits are left.
"""

import math
from collections.abc import Callable

from reactivepgm.distributions import Beta, Distribution, LogDensity, PointMass, UnivariateNormal
from reactivepgm.errors import NoRuleError
from reactivepgm.numerics.array import Array, broadcast_shapes, namespace
from reactivepgm.numerics.elementary import divide, exp, log, log1p, sqrt, where
from reactivepgm.numerics.special import logsumexp, sigmoid

_POINTS = 4001
_REACH = 40.0  # standard deviations; beyond them a Gaussian is below the smallest double
_TINY = 1e-290


def message_to_factor(m_out: Distribution, m_other: Distribution) -> LogDensity:
    """The log density of one factor of out = a x, given messages of out and of the other factor.

    Args:
        m_out: message of out, numbers.
        m_other: message of the other factor, numbers.

    Returns:
        An unnormalised log density over the real line.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> nu = message_to_factor(NormalMeanVariance(0.0, 1.0), NormalMeanVariance(2.0, 0.5))
        >>> round(float(nu.log_pdf(1.0)), 6)
        -2.455004
    """
    _require_numbers(m_out, m_other)
    rows = broadcast_shapes(m_out.batch_shape, m_other.batch_shape)
    if isinstance(m_other, PointMass):
        return LogDensity(lambda x: m_out.log_pdf(m_other.value * x), batch_shape=rows)
    if isinstance(m_out, UnivariateNormal) and isinstance(m_other, UnivariateNormal):
        return LogDensity(_gaussian_to_factor(m_out, m_other), batch_shape=rows)
    if isinstance(m_out, PointMass):
        value = m_out.value
        return LogDensity(lambda x: m_other.log_pdf(value / x) - log(namespace(x).abs(x)), batch_shape=rows)
    out, other = m_out[..., None], m_other[..., None]
    high = log(_farthest(m_other))

    def log_density(x: Array) -> Array:
        point = namespace(x).asarray(x)[..., None]
        a, log_size, log_weight = _unit_nodes() if isinstance(m_other, Beta) else _line_nodes(high - 2.0 * _REACH, high)
        return logsumexp(other.log_pdf(a) + out.log_pdf(a * point) + log_size + log_weight, axis=-1)

    return LogDensity(log_density, batch_shape=rows)


def message_to_product(m_left: Distribution, m_right: Distribution) -> LogDensity:
    """The log density of out = a x, given messages of a and x.

    Args:
        m_left: message of a, numbers.
        m_right: message of x, numbers.

    Returns:
        A log density over the real line; at zero, where it may have a logarithmic pole, it is infinite if both
        messages have mass there.

    Example:
        >>> from math import log, pi
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> from scipy.special import k0
        >>> standard = NormalMeanVariance(0.0, 1.0)
        >>> abs(float(message_to_product(standard, standard).log_pdf(1.5)) - log(k0(1.5) / pi)) < 1e-12
        True
    """
    _require_numbers(m_left, m_right)
    rows = broadcast_shapes(m_left.batch_shape, m_right.batch_shape)
    for known, random in ((m_left, m_right), (m_right, m_left)):
        if isinstance(known, PointMass):
            return LogDensity(_scaled_density(random, known.value), batch_shape=rows)
    if isinstance(m_right, Beta):
        m_left, m_right = m_right, m_left
    left, right = m_left[..., None], m_right[..., None]
    high_left, high_right = _farthest(m_left), _farthest(m_right)
    ratio = sqrt(divide(m_left.std, m_right.std))

    def log_density(y: Array) -> Array:
        xp = namespace(y)
        size = xp.abs(y)
        size = size + (size == 0) * _TINY
        point = xp.asarray(size)[..., None] * xp.where(xp.asarray(y) < 0, -1.0, 1.0)[..., None]
        if isinstance(m_left, Beta):
            a, _, log_weight = _unit_nodes()
        else:
            reach = 2.0 * sqrt(size)  # a far y is most likely made by both factors as far out as it takes
            low = log(size) - log(high_right + reach / ratio)
            a, _, log_weight = _line_nodes(low, log(high_left + reach * ratio))
        value = logsumexp(left.log_pdf(a) + right.log_pdf(point / a) + log_weight, axis=-1)
        at_zero = m_left.log_pdf(0.0) + m_right.log_pdf(0.0)
        return where((y == 0) & (at_zero > -math.inf), math.inf, value)

    return LogDensity(log_density, batch_shape=rows)


def _scaled_density(m: Distribution, a: Array) -> Callable[[Array], Array]:
    return lambda y: m.log_pdf(y / a) - log(namespace(a).abs(a))


def _gaussian_to_factor(m_out: UnivariateNormal, m_other: UnivariateNormal) -> Callable[[Array], Array]:
    out_mean, out_variance = m_out.mean, m_out.variance
    mean, variance = m_other.mean, m_other.variance

    def log_density(x: Array) -> Array:
        spread = out_variance + x * x * variance
        gap = x * mean - out_mean
        return -0.5 * (log(2.0 * math.pi * spread) + gap * gap / spread)

    return log_density


Nodes = tuple[Array, Array, Array]


def _line_nodes(low: Array, high: Array) -> Nodes:
    """a = ± exp(t) for t from low to high: a, log |a|, and the log of the weights of da / |a|."""
    xp = namespace(low, high)
    low, high = xp.asarray(low)[..., None], xp.asarray(high)[..., None]
    step = (high - low) / (_POINTS - 1)
    t = low + step * xp.arange(_POINTS)
    size = xp.exp(t)
    both = (xp.concatenate([size, -size], axis=-1), xp.concatenate([t, t], axis=-1))
    return *both, log(step)


def _unit_nodes() -> Nodes:
    """a = 1 / (1 + exp(-t)), for densities on the unit interval: a, log a, and the log of the weights of da / a."""
    t = namespace(0.0).linspace(-2.0 * _REACH, 36.0, _POINTS)  # beyond, 1 - a is below the rounding of a
    return sigmoid(t), -log1p(exp(-t)), -log1p(exp(t)) + math.log(t[1] - t[0])


def _farthest(m: Distribution) -> Array:
    """A size that a number believed so does not exceed, to any precision that matters."""
    return namespace(m.mean).abs(m.mean) + _REACH * m.std


def _require_numbers(*beliefs: Distribution) -> None:
    for belief in beliefs:
        if belief.event_shape:
            raise NoRuleError(
                f"multiplication: out = A x has no rule for {type(belief).__name__} over {belief.event_shape} "
                "when both A and x are random or the shapes leave open which product is meant; use dot(a, x), "
                "or cut A from x and give one of them a point mass"
            )
