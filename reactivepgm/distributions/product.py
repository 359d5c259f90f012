"""Two beliefs about the same variable as one: the normalised product of their densities.

Same exponential family      natural parameters add
Normals, moment (m, P) times information (eta, J):   V = (I + P J)^-1 P,   mean = m + V (eta - J m)
Normals, moment times moment:                        K = P1 (P1 + P2)^-1,  mean = m1 + K (m2 - m1),  V = K P2
The second holds for singular P, the third while P1 + P2 is invertible: certain directions keep their certainty.
What has no closed form is held as a ProductOfDensities.
"""

import numpy as np
from multipledispatch import Dispatcher

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.bernoulli import Bernoulli
from reactivepgm.distributions.beta import Beta
from reactivepgm.distributions.log_density import ProductOfDensities
from reactivepgm.distributions.mv_normal import MultivariateNormal, MvNormalMeanCovariance
from reactivepgm.distributions.normal import NormalMeanVariance, UnivariateNormal
from reactivepgm.distributions.point_mass import PointMass
from reactivepgm.distributions.uniform import Uniform
from reactivepgm.distributions.uninformative import Uninformative
from reactivepgm.errors import ProductError
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.elementary import divide, where

_table = Dispatcher("product")


def product(a: Distribution, b: Distribution) -> Distribution:
    """The belief that holds what both hold.

    Args:
        a: any distribution.
        b: another about the same variable; batch shapes broadcast.

    Returns:
        The family's canonical class for two of one exponential family, the mean and variance form if a normal came in
        that form, a PointMass if either is one, else a ProductOfDensities.

    Raises:
        ProductError: they contradict each other.

    Example:
        >>> from reactivepgm.distributions import Beta, NormalMeanPrecision
        >>> product(Beta(2.0, 1.0), Beta(1.0, 3.0))
        Beta(a=2.0, b=3.0)
        >>> product(NormalMeanVariance(0.0, 1.0), NormalMeanPrecision(2.0, 1.0))
        NormalMeanVariance(mean=1.0, variance=0.5)
    """
    result: Distribution = _table(a, b)
    return result


def has_closed_form(a: type[Distribution], b: type[Distribution]) -> bool:
    """Whether members of two classes multiply into a belief of some family, as far as the classes tell.

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate, GammaShapeScale
        >>> has_closed_form(GammaShapeRate, GammaShapeScale), has_closed_form(Beta, GammaShapeRate)
        (True, False)
    """
    return (a.group is not None and a.group is b.group) or _table.dispatch(a, b) is not _any


def _any(a: Distribution, b: Distribution) -> Distribution:
    group = a.group
    if group is not None and group is b.group:
        return group.from_naturals(*(x + y for x, y in zip(a.naturals(), b.naturals(), strict=True)))
    return ProductOfDensities((a, b))


def _normals(a: UnivariateNormal, b: UnivariateNormal) -> Distribution:
    if isinstance(a, NormalMeanVariance):
        if isinstance(b, NormalMeanVariance):
            return _moments(a, b)
        return _mixed(a, b)
    if isinstance(b, NormalMeanVariance):
        return _mixed(b, a)
    return _any(a, b)


def _mixed(moment: NormalMeanVariance, information: UnivariateNormal) -> Distribution:
    mean, variance, precision = moment.mean, moment.variance, information.precision
    narrowed = divide(variance, 1.0 + variance * precision)
    return NormalMeanVariance._of(mean + narrowed * (information.weighted_mean - precision * mean), narrowed)


def _moments(a: NormalMeanVariance, b: NormalMeanVariance) -> Distribution:
    total = a.variance + b.variance
    if type(total) is float:
        if total == 0.0:
            _certain_twice()
    elif isinstance(total, np.ndarray) and not total.all():
        _certain_twice()
    gain = a.variance / total
    return NormalMeanVariance._of(a.mean + gain * (b.mean - a.mean), gain * b.variance)


def _certain_twice() -> None:
    raise ProductError(
        "two normals that are certain of the same direction (a variance of zero in both) have no product: "
        "if they agree, keep one of them; else the model contradicts itself"
    )


def _vectors(a: MultivariateNormal, b: MultivariateNormal) -> Distribution:
    if isinstance(a, MvNormalMeanCovariance):
        if isinstance(b, MvNormalMeanCovariance):
            return _vector_moments(a, b)
        return _vector_mixed(a, b)
    if isinstance(b, MvNormalMeanCovariance):
        return _vector_mixed(b, a)
    return _any(a, b)


def _vector_mixed(moment: MvNormalMeanCovariance, information: MultivariateNormal) -> Distribution:
    mean, covariance, precision = moment.mean, moment.covariance, information.precision
    stretch = la.eye(mean.shape[-1], covariance) + covariance @ precision
    narrowed = la.symmetrise(la.solve(stretch, namespace(stretch).broadcast_to(covariance, stretch.shape)))
    gap = information.weighted_mean - la.matvec(precision, mean)
    return MvNormalMeanCovariance._of(mean + la.matvec(narrowed, gap), narrowed)


def _vector_moments(a: MvNormalMeanCovariance, b: MvNormalMeanCovariance) -> Distribution:
    total = a.covariance + b.covariance
    gain = la.transpose(la.solve_psd(total, namespace(total).broadcast_to(a.covariance, total.shape)))
    if isinstance(gain, np.ndarray) and np.isnan(gain).any() and not np.isnan(total).any():
        _certain_twice()
    mean = a.mean + la.matvec(gain, b.mean - a.mean)
    return MvNormalMeanCovariance._of(mean, la.symmetrise(gain @ b.covariance))


def _bernoullis(a: Bernoulli, b: Bernoulli) -> Distribution:
    yes, no = a.p * b.p, (1.0 - a.p) * (1.0 - b.p)
    total = yes + no
    if np.any(np.asarray(total) == 0.0):
        raise ProductError("two Bernoullis contradict each other: one is sure of 0, the other of 1")
    return Bernoulli._of(yes / total)


def _points(a: PointMass, b: PointMass) -> Distribution:
    same = np.asarray(a.value == b.value)
    if not same.all():
        row = tuple(int(i) for i in np.argwhere(~same)[0])
        where_ = f" (first at {row[0] if len(row) == 1 else row})" if row else ""
        raise ProductError(f"two point masses at different values contradict each other{where_}: {a!r} and {b!r}")
    return a if len(a.batch_shape) >= len(b.batch_shape) else b


def _uniforms(a: Uniform, b: Uniform) -> Distribution:
    low, high = where(a.a > b.a, a.a, b.a), where(a.b < b.b, a.b, b.b)
    if not np.all(np.asarray(low <= high)):
        raise ProductError(f"two uniforms that do not overlap contradict each other: {a!r} and {b!r}")
    return Uniform._of(low, high)


def _uniform_beta(a: Uniform, b: Beta) -> Distribution:
    if np.all(np.asarray(a.a) == 0.0) and np.all(np.asarray(a.b) == 1.0):
        return _spread(b, a)
    return ProductOfDensities((a, b))


def _spread(belief: Distribution, other: Distribution) -> Distribution:
    """The belief for as many rows as both have together."""
    batch: Array = np.broadcast_shapes(belief.batch_shape, other.batch_shape)
    return belief if batch == belief.batch_shape else belief.broadcast_to(batch)


def _first(a: Distribution, b: Distribution) -> Distribution:
    return _spread(a, b)


def _second(a: Distribution, b: Distribution) -> Distribution:
    return _spread(b, a)


_table.add((Distribution, Distribution), _any)
_table.add((UnivariateNormal, UnivariateNormal), _normals)
_table.add((MultivariateNormal, MultivariateNormal), _vectors)
_table.add((Bernoulli, Bernoulli), _bernoullis)
_table.add((Uniform, Uniform), _uniforms)
_table.add((Uniform, Beta), _uniform_beta)
_table.add((Beta, Uniform), lambda a, b: _uniform_beta(b, a))
_table.add((PointMass, PointMass), _points)
_table.add((PointMass, Distribution), _first)
_table.add((Distribution, PointMass), _second)
_table.add((Uninformative, Distribution), _second)
_table.add((Distribution, Uninformative), _first)
_table.add((Uninformative, Uninformative), _first)
_table.add((PointMass, Uninformative), _first)
_table.add((Uninformative, PointMass), _second)
