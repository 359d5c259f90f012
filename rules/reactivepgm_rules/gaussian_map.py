"""Gaussian beliefs through a known linear map out = A x: scaling, matrix, column (scalar to vector), row (dot product).

Forward    moment form       A m, A V A'                  V and A may be singular
           information form  inv(A)' eta, inv(A)' J inv(A) where A has an inverse; else through the moments
Backward   information form  A' eta, A' J A               A needs no inverse, J may be singular
           moment form       first put into information form; a scaling keeps the moments

A flat message has no image under a map without an inverse: its mass cannot be placed, and that is an error here.
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
    UnivariateNormal,
)
from reactivepgm.errors import InferenceError
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import (
    inner,
    inv,
    inv_psd,
    is_positive_definite,
    matvec,
    outer,
    quad_form,
    solve,
    solve_vector,
    symmetrise,
    transpose,
)

from .gaussian_sum import Gaussian, is_moment
from .matrix_form import column_scaling, is_everywhere, is_nonzero, scaling


@overload
def scaled(a: Array, m: UnivariateNormal) -> UnivariateNormal: ...


@overload
def scaled(a: Array, m: MultivariateNormal) -> MultivariateNormal: ...


def scaled(a: Array, m: Gaussian) -> Gaussian:
    """The belief about a x.

    Args:
        a: (*batch,), may be zero where m is proper.
        m: the belief about x; numbers or vectors.

    Raises:
        InferenceError: a row scales an improper belief by zero.

    Example:
        >>> scaled(2.0, NormalMeanVariance(1.0, 3.0))
        NormalMeanVariance(mean=2.0, variance=12.0)
        >>> scaled(2.0, NormalWeightedMeanPrecision(0.0, 0.0))
        NormalWeightedMeanPrecision(weighted_mean=0.0, precision=0.0)
    """
    if isinstance(m, NormalMeanVariance):
        return NormalMeanVariance._of(a * m.mean, a * a * m.variance)
    if isinstance(m, MvNormalMeanCovariance):
        return MvNormalMeanCovariance._of(column_scaling(a) * m.mean, scaling(a * a) * m.covariance)
    if not is_nonzero(a):
        return scaled(a, as_moments(m, "a factor of zero"))
    if isinstance(m, NormalWeightedMeanPrecision):
        return NormalWeightedMeanPrecision._of(m.weighted_mean / a, m.precision / (a * a))
    if isinstance(m, NormalMeanPrecision):
        return NormalMeanPrecision._of(a * m.mean, m.precision / (a * a))
    if isinstance(m, MvNormalMeanPrecision):
        return MvNormalMeanPrecision._of(column_scaling(a) * m.mean, m.precision / scaling(a * a))
    return MvNormalWeightedMeanPrecision._of(m.weighted_mean / column_scaling(a), m.precision / scaling(a * a))


@overload
def unscaled(a: Array, m: UnivariateNormal) -> UnivariateNormal: ...


@overload
def unscaled(a: Array, m: MultivariateNormal) -> MultivariateNormal: ...


def unscaled(a: Array, m: Gaussian) -> Gaussian:
    """The message about x that a message about a x makes.

    Args:
        a: (*batch,); where it is zero, nothing is learned about x.
        m: the message about a x; numbers or vectors.

    Example:
        >>> unscaled(2.0, NormalMeanVariance(2.0, 12.0))
        NormalMeanVariance(mean=1.0, variance=3.0)
        >>> unscaled(0.0, NormalMeanVariance(2.0, 12.0))
        NormalWeightedMeanPrecision(weighted_mean=0.0, precision=0.0)
    """
    if is_moment(m) and is_nonzero(a):
        return scaled(1.0 / a, m)
    weighted, precision = in_information_form(m)
    if isinstance(m, UnivariateNormal):
        return NormalWeightedMeanPrecision._of(a * weighted, a * a * precision)
    return MvNormalWeightedMeanPrecision._of(column_scaling(a) * weighted, scaling(a * a) * precision)


def mapped(a: Array, m: MultivariateNormal) -> MultivariateNormal:
    """The belief about A x.

    Args:
        a: (*batch, e, d), any matrix.
        m: the belief about x, (*batch, d).

    Raises:
        InferenceError: an improper belief, and an A without an inverse.

    Example:
        >>> import numpy as np
        >>> m = MvNormalMeanCovariance(np.ones(2), np.eye(2))
        >>> mapped(np.array([[1.0, 1.0]]), m).covariance.tolist()
        [[2.0]]
    """
    if not is_moment(m) and a.shape[-1] == a.shape[-2] and not is_everywhere(is_positive_definite(m.precision)):
        back = inv(a)
        if is_everywhere(back == back):
            up = transpose(back)
            return MvNormalWeightedMeanPrecision._of(matvec(up, m.weighted_mean), symmetrise(up @ m.precision @ back))
    m = as_moments(m, "a matrix without an inverse")
    return MvNormalMeanCovariance._of(matvec(a, m.mean), symmetrise(a @ m.covariance @ transpose(a)))


def unmapped(a: Array, m: MultivariateNormal) -> MultivariateNormal:
    """The message about x that a message about A x makes.

    Args:
        a: (*batch, e, d), any matrix.
        m: the message about A x, (*batch, e); a singular covariance needs a square, invertible A.

    Raises:
        InferenceError: a singular covariance, and an A without an inverse.

    Example:
        >>> import numpy as np
        >>> m = MvNormalMeanCovariance(np.ones(1), np.eye(1))
        >>> unmapped(np.array([[1.0, 1.0]]), m).precision.tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    if isinstance(m, MvNormalMeanCovariance) and not is_everywhere(is_positive_definite(m.covariance)):
        back = inv(a) if a.shape[-1] == a.shape[-2] else None
        if back is None or not is_everywhere(back == back):
            in_information_form(m)
        return MvNormalMeanCovariance._of(matvec(back, m.mean), symmetrise(back @ m.covariance @ transpose(back)))
    up = transpose(a)
    return MvNormalWeightedMeanPrecision._of(matvec(up, m.weighted_mean), symmetrise(up @ m.precision @ a))


def stretched(a: Array, m: UnivariateNormal) -> MvNormalMeanCovariance:
    """The belief about the vector a x, with x a number: singular, as it lies on a line.

    Args:
        a: (*batch, d).
        m: the belief about x.

    Raises:
        InferenceError: the belief is improper.

    Example:
        >>> import numpy as np
        >>> stretched(np.array([1.0, 2.0]), NormalMeanVariance(1.0, 1.0)).covariance.tolist()
        [[1.0, 2.0], [2.0, 4.0]]
    """
    m = as_moments(m, "a vector")
    return MvNormalMeanCovariance._of(column_scaling(m.mean) * a, scaling(m.variance) * outer(a, a))


def unstretched(a: Array, m: MultivariateNormal) -> NormalWeightedMeanPrecision:
    """The message about the number x that a message about the vector a x makes.

    Example:
        >>> import numpy as np
        >>> unstretched(np.array([1.0, 2.0]), MvNormalMeanCovariance(np.ones(2), np.eye(2)))
        NormalWeightedMeanPrecision(weighted_mean=3.0, precision=5.0)
    """
    weighted, precision = in_information_form(m)
    return NormalWeightedMeanPrecision._of(inner(a, weighted), quad_form(precision, a))


def dotted(a: Array, m: MultivariateNormal) -> NormalMeanVariance:
    """The belief about the number a' x.

    Args:
        a: (*batch, d).
        m: the belief about the vector x.

    Raises:
        InferenceError: the belief is improper.

    Example:
        >>> import numpy as np
        >>> dotted(np.array([1.0, 2.0]), MvNormalMeanCovariance(np.ones(2), np.eye(2)))
        NormalMeanVariance(mean=3.0, variance=5.0)
    """
    if isinstance(m, MvNormalMeanCovariance):
        return NormalMeanVariance._of(inner(a, m.mean), quad_form(m.covariance, a))
    _require_proper(m, "a dot product")
    direction = solve_vector(m.precision, a)
    return NormalMeanVariance._of(inner(direction, m.weighted_mean), inner(direction, a))


def undotted(a: Array, m: UnivariateNormal) -> MvNormalWeightedMeanPrecision:
    """The message about the vector x that a message about the number a' x makes: it speaks of one direction only.

    Example:
        >>> import numpy as np
        >>> undotted(np.array([1.0, 2.0]), NormalMeanVariance(1.0, 1.0)).precision.tolist()
        [[1.0, 2.0], [2.0, 4.0]]
    """
    weighted, precision = in_information_form(m)
    return MvNormalWeightedMeanPrecision._of(column_scaling(weighted) * a, scaling(precision) * outer(a, a))


def in_information_form(m: Gaussian) -> tuple[Array, Array]:
    """Weighted mean and precision.

    Raises:
        InferenceError: the variance is zero or the covariance singular, so there is no precision.

    Example:
        >>> in_information_form(NormalMeanVariance(1.0, 2.0))
        (0.5, 0.5)
    """
    if isinstance(m, NormalMeanVariance):
        usable = m.variance > 0
    elif isinstance(m, MvNormalMeanCovariance):
        usable = is_positive_definite(m.covariance)
    else:
        return m.weighted_mean, m.precision
    if not is_everywhere(usable):
        raise InferenceError(
            "a message with a singular covariance is needed in information form, which it does not have: "
            "give the factor that sends it some noise"
        )
    return m.weighted_mean, m.precision


@overload
def as_moments(m: UnivariateNormal, through: str) -> NormalMeanVariance: ...


@overload
def as_moments(m: MultivariateNormal, through: str) -> MvNormalMeanCovariance: ...


def as_moments(m: Gaussian, through: str) -> Gaussian:
    """A proper belief in moment form.

    Raises:
        InferenceError: the belief is improper, so it has no moments.

    Example:
        >>> as_moments(NormalWeightedMeanPrecision(1.0, 2.0), "zero")
        NormalMeanVariance(mean=0.5, variance=0.5)
    """
    if is_moment(m):
        return m
    _require_proper(m, through)
    if isinstance(m, UnivariateNormal):
        return NormalMeanVariance._of(m.mean, m.variance)
    if isinstance(m, MvNormalMeanPrecision):
        return MvNormalMeanCovariance._of(m.mean, inv_psd(m.precision))
    covariance = inv_psd(m.precision)
    return MvNormalMeanCovariance._of(solve(m.precision, m.weighted_mean[..., None])[..., 0], covariance)


def _require_proper(m: Gaussian, through: str) -> None:
    proper = m.precision > 0 if isinstance(m, UnivariateNormal) else is_positive_definite(m.precision)
    if not is_everywhere(proper):
        raise InferenceError(
            f"a message that is flat in some direction cannot go forward through {through}: "
            "give the variable a proper prior"
        )
