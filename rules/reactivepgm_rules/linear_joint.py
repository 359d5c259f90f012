"""The joint belief about [out; in] where out = A in + e, e ~ N(0, C), for any matrix A.

Backward    what out says about A in:  N = J (I + C J)^-1 and ν = (I + J C)^-1 eta in information form (eta, J),
            N = (R + C)^-1 and ν = N m in moment form N(m, R)
in          the message of in times exp(ν'A in - in'A'N A in/2): mean m, covariance V
out given   out = B in + b + e',  e' ~ N(0, E):  B = D A, b = C ν, E = D C  with D = I - C N
  in        D = (I + C J)^-1 in information form, R N in moment form: nothing is subtracted
Joint       covariance [[B V B' + E, B V], [., V]]

C may be singular, also zero. Where both messages are in information form and C is known by its inverse W, the joint
stays so: precision [[J + W, -W A], [., J_in + A'W A]]; it may be improper.  Särkkä and García-Fernández 2021, lemma 8
"""

from typing import NamedTuple

from reactivepgm.distributions import (
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    NormalWeightedMeanPrecision,
    product,
)
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import matvec, solve, solve_vector, symmetrise, transpose

from .gaussian_joint import in_vector_form
from .gaussian_map import as_moments, in_information_form
from .gaussian_sum import Gaussian, is_moment, widened
from .matrix_form import concatenated, identity_like, symmetric_blocks

Joint = MvNormalMeanCovariance | MvNormalWeightedMeanPrecision


class Conditional(NamedTuple):
    """in ~ N(mean, covariance) and out = matrix in + offset + N(0, noise)."""

    mean: Array
    covariance: Array
    matrix: Array
    offset: Array
    noise: Array

    def joint(self) -> MvNormalMeanCovariance:
        """The belief about [out; in]."""
        across = self.matrix @ self.covariance
        out = symmetrise(across @ transpose(self.matrix) + self.noise)
        mean = matvec(self.matrix, self.mean) + self.offset
        return MvNormalMeanCovariance._of(concatenated(mean, self.mean), symmetric_blocks(out, across, self.covariance))


def tilted(m: Gaussian, pull: Array | None) -> Gaussian:
    """The belief times exp(-x'J x/2).

    Args:
        m: numbers or vectors.
        pull: J, (*batch, d, d), also (*batch, 1, 1) for numbers; None is zero.

    Example:
        >>> import numpy as np
        >>> tilted(MvNormalMeanCovariance([1.0], [[1.0]]), np.eye(1)).mean
        array([0.5])
    """
    if pull is None:
        return m
    if isinstance(m, MultivariateNormal):
        zero = 0.0 * pull[..., 0]
        result = product(m, MvNormalWeightedMeanPrecision._of(zero, pull))
    else:
        result = product(m, NormalWeightedMeanPrecision(0.0, pull[..., 0, 0]))
    return result  # type: ignore[return-value]


def backward(a: Array, noise: Array, m_out: MultivariateNormal) -> tuple[Array, Array]:
    """Weighted mean (*batch, d_in) and precision of what out says about in.

    Args:
        a: (*batch, d_out, d_in).
        noise: C, (*batch, d_out, d_out).
        m_out: the message of out.

    Raises:
        InferenceError: a direction in which neither the message nor the noise varies.

    Example:
        >>> import numpy as np
        >>> backward(np.eye(1), np.eye(1), MvNormalMeanCovariance([2.0], [[1.0]]))[1].tolist()
        [[0.5]]
    """
    weighted, precision = in_information_form(widened(m_out, noise))
    return matvec(transpose(a), weighted), symmetrise(transpose(a) @ precision @ a)


def conditional(a: Array, noise: Array, m_out: MultivariateNormal, m_in: MultivariateNormal) -> Conditional:
    """The belief about in, and that about out given in.

    Raises:
        InferenceError: the belief about in is improper, or the noise and the message of out are both singular.

    Example:
        >>> import numpy as np
        >>> m = MvNormalMeanCovariance([0.0], [[1.0]])
        >>> conditional(np.eye(1), np.eye(1), m, m).covariance.round(3).tolist()
        [[0.667]]
    """
    belief = as_moments(_product(m_in, *backward(a, noise, m_out)), "the joint of a linear factor")
    told, precision = in_information_form(widened(m_out, noise))
    if is_moment(m_out):
        keep = m_out.covariance @ precision
        matrix, rest = keep @ a, keep @ noise
        offset = matvec(noise, told)
    else:
        blur = identity_like(noise) + noise @ m_out.precision
        matrix, rest = solve(blur, a), solve(blur, noise)
        offset = solve_vector(blur, matvec(noise, m_out.weighted_mean))
    return Conditional(belief.mean, belief.covariance, matrix, offset, symmetrise(rest))


def linear_joint(a: Array, precision: Array, m_out: Gaussian, m_in: Gaussian, noise: Array) -> Joint:
    """The belief about [out; in], the noise known by its precision and its covariance.

    Args:
        a: (*batch, d_out, d_in).
        precision: W, (*batch, d_out, d_out).
        m_out: message of out; a number counts as a vector of length one.
        m_in: message of in, likewise.
        noise: C, the inverse of W.

    Example:
        >>> import numpy as np
        >>> m = MvNormalMeanCovariance([0.0], [[1.0]])
        >>> linear_joint(np.eye(1), np.eye(1), m, m, np.eye(1)).covariance.round(3).tolist()
        [[0.667, 0.333], [0.333, 0.667]]
    """
    out, in_ = in_vector_form(m_out), in_vector_form(m_in)
    if is_moment(out) or is_moment(in_):
        return conditional(a, noise, out, in_).joint()
    pull = precision @ a
    return MvNormalWeightedMeanPrecision._of(
        concatenated(out.weighted_mean, in_.weighted_mean),
        symmetric_blocks(out.precision + precision, -pull, symmetrise(in_.precision + transpose(a) @ pull)),
    )


def _product(m_in: MultivariateNormal, weighted: Array, precision: Array) -> MultivariateNormal:
    return product(m_in, MvNormalWeightedMeanPrecision._of(weighted, precision))  # type: ignore[return-value]
