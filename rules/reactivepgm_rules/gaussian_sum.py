"""Gaussian beliefs about sums: shifted, negated, widened by noise, added.

Moment form       N(m, V), V may be singular
Information form  exp(eta' x - x' J x / 2), J may be singular, also zero (a flat message)

shift by c        m + c, V                               eta + J c, J
widen by C        m, V + C                               D eta, D J          with D = inv(I + J C)
a + b, mixed      a in information form, b = N(m, V):    D (eta + J m), D J  with D = inv(I + J V)
a + b, both info  J1 inv(J1 + J2) J2,  J2 inv(J1 + J2) eta1 + J1 inv(J1 + J2) eta2          (the parallel sum of J1, J2)

Nothing here inverts a message's own J or V, so flat and deterministic messages pass through. The form of the result
depends on the forms of the inputs only, never on the numbers.
"""

from typing import overload

from reactivepgm.distributions import (
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.errors import NoRuleError
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import diagonal, matvec, solve, solve_vector, symmetrise

from .matrix_form import identity_like, nonzero

Gaussian = UnivariateNormal | MultivariateNormal

MOMENT = (NormalMeanVariance, MvNormalMeanCovariance)


def is_moment(m: Gaussian) -> bool:
    """Whether a belief is held by mean and variance, which a deterministic factor may have made singular."""
    return isinstance(m, MOMENT)


def shifted(m: Gaussian, c: Array) -> Gaussian:
    """The belief about x + c.

    Example:
        >>> shifted(NormalWeightedMeanPrecision(2.0, 4.0), 1.0)
        NormalWeightedMeanPrecision(weighted_mean=6.0, precision=4.0)
    """
    if isinstance(m, NormalMeanVariance):
        return NormalMeanVariance._of(m.mean + c, m.variance)
    if isinstance(m, NormalWeightedMeanPrecision):
        return NormalWeightedMeanPrecision._of(m.weighted_mean + m.precision * c, m.precision)
    if isinstance(m, NormalMeanPrecision):
        return NormalMeanPrecision._of(m.mean + c, m.precision)
    if isinstance(m, MvNormalMeanCovariance):
        return MvNormalMeanCovariance._of(m.mean + c, m.covariance)
    if isinstance(m, MvNormalMeanPrecision):
        return MvNormalMeanPrecision._of(m.mean + c, m.precision)
    return MvNormalWeightedMeanPrecision._of(m.weighted_mean + matvec(m.precision, c), m.precision)


def negated(m: Gaussian) -> Gaussian:
    """The belief about -x.

    Example:
        >>> negated(NormalMeanVariance(2.0, 4.0))
        NormalMeanVariance(mean=-2.0, variance=4.0)
    """
    first, spread = m.parameters.values()
    return type(m)._of(-first, spread)


def widened(m: Gaussian | PointMass, noise: Array) -> Gaussian:
    """The belief about x + e, with e ~ N(0, noise) independent of x.

    Args:
        m: the belief about x; numbers or vectors.
        noise: a variance (*batch,) or a covariance (*batch, d, d), possibly singular.

    Example:
        >>> widened(NormalWeightedMeanPrecision(0.0, 0.0), 2.0)
        NormalWeightedMeanPrecision(weighted_mean=0.0, precision=0.0)
    """
    if isinstance(m, NormalMeanVariance):
        return NormalMeanVariance._of(m.mean, m.variance + noise)
    if isinstance(m, NormalWeightedMeanPrecision):
        shrink = 1.0 / (1.0 + noise * m.precision)
        return NormalWeightedMeanPrecision._of(shrink * m.weighted_mean, shrink * m.precision)
    if isinstance(m, NormalMeanPrecision):
        return NormalMeanPrecision._of(m.mean, m.precision / (1.0 + noise * m.precision))
    if isinstance(m, PointMass):
        if len(m.event_shape):
            return MvNormalMeanCovariance._of(m.value, noise)
        return NormalMeanVariance._of(m.value, noise)
    if isinstance(m, MvNormalMeanCovariance):
        return MvNormalMeanCovariance._of(m.mean, m.covariance + noise)
    blur = identity_like(m.precision) + m.precision @ noise
    precision = symmetrise(solve(blur, m.precision))
    if isinstance(m, MvNormalMeanPrecision):
        return MvNormalMeanPrecision._of(m.mean, precision)
    return MvNormalWeightedMeanPrecision._of(solve_vector(blur, m.weighted_mean), precision)


def added(a: Gaussian | PointMass, b: Gaussian | PointMass) -> Gaussian | PointMass:
    """The belief about a + b, independent of each other.

    Example:
        >>> added(NormalMeanVariance(1.0, 2.0), NormalMeanVariance(3.0, 4.0))
        NormalMeanVariance(mean=4.0, variance=6.0)
        >>> added(NormalMeanVariance(1.0, 2.0), NormalWeightedMeanPrecision(0.0, 0.0))
        NormalWeightedMeanPrecision(weighted_mean=0.0, precision=0.0)
    """
    if isinstance(a, NormalMeanVariance) and isinstance(b, NormalMeanVariance):
        return NormalMeanVariance._of(a.mean + b.mean, a.variance + b.variance)
    if isinstance(a, PointMass):
        return _point(a, a.value + b.value) if isinstance(b, PointMass) else shifted(b, a.value)
    if isinstance(b, PointMass):
        return shifted(a, b.value)
    if isinstance(a, UnivariateNormal) and isinstance(b, UnivariateNormal):
        return _added_numbers(a, b)
    if isinstance(a, MultivariateNormal) and isinstance(b, MultivariateNormal):
        return _added_vectors(a, b)
    raise NoRuleError("a number and a vector have no sum")


@overload
def subtracted(a: UnivariateNormal, b: UnivariateNormal | PointMass) -> UnivariateNormal: ...


@overload
def subtracted(a: Gaussian | PointMass, b: Gaussian | PointMass) -> Gaussian | PointMass: ...


def subtracted(a: Gaussian | PointMass, b: Gaussian | PointMass) -> Gaussian | PointMass:
    """The belief about a - b, independent of each other.

    Example:
        >>> subtracted(NormalMeanVariance(1.0, 2.0), NormalMeanVariance(3.0, 4.0))
        NormalMeanVariance(mean=-2.0, variance=6.0)
    """
    if isinstance(a, NormalMeanVariance) and isinstance(b, NormalMeanVariance):
        return NormalMeanVariance._of(a.mean - b.mean, a.variance + b.variance)
    if isinstance(b, PointMass):
        return _point(a, a.value - b.value) if isinstance(a, PointMass) else shifted(a, -b.value)
    return added(a, negated(b))


def _point(like: PointMass, value: Array) -> PointMass:
    return PointMass(value, event_rank=len(like.event_shape))


def _added_numbers(a: UnivariateNormal, b: UnivariateNormal) -> UnivariateNormal:
    if isinstance(a, NormalMeanVariance):
        a, b = b, a
    w = a.precision
    if isinstance(b, NormalMeanVariance):
        shrink = 1.0 / (1.0 + b.variance * w)
        return NormalWeightedMeanPrecision._of(shrink * (a.weighted_mean + w * b.mean), shrink * w)
    u = b.precision
    share = u / nonzero(w + u)
    other = w / nonzero(w + u)
    return NormalWeightedMeanPrecision._of(share * a.weighted_mean + other * b.weighted_mean, share * w)


def _added_vectors(a: MultivariateNormal, b: MultivariateNormal) -> MultivariateNormal:
    if isinstance(a, MvNormalMeanCovariance):
        if isinstance(b, MvNormalMeanCovariance):
            return MvNormalMeanCovariance._of(a.mean + b.mean, a.covariance + b.covariance)
        a, b = b, a
    j = a.precision
    if isinstance(b, MvNormalMeanCovariance):
        blur = identity_like(j) + j @ b.covariance
        moved = a.weighted_mean + matvec(j, b.mean)
        return MvNormalWeightedMeanPrecision._of(solve_vector(blur, moved), symmetrise(solve(blur, j)))
    k = b.precision
    total = _regular_total(j + k)
    weighted = matvec(k, solve_vector(total, a.weighted_mean)) + matvec(j, solve_vector(total, b.weighted_mean))
    return MvNormalWeightedMeanPrecision._of(weighted, symmetrise(j @ solve(total, k)))


def _regular_total(total: Array) -> Array:
    """J1 + J2 with ones on the diagonal where a coordinate is flat in both: exact, as its row and column are zero."""
    flat = diagonal(total) == 0
    return total + identity_like(total) * flat[..., None, :]
