"""A Gaussian belief through a function, by its first derivatives at the mean.

f(x) ~ A x + b,   A = ∂f/∂x at m,   b = f(m) - A m          Jazwinski 1970, section 8.3 (the extended Kalman filter)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.derivatives import jacobian as differences
from reactivepgm.numerics.linear_algebra import cholesky, diagonal, matvec, solve, symmetrise, transpose


class Affine(NamedTuple):
    """A function as a linear map with Gaussian noise: f(x) ~ matrix x + offset + N(0, noise).

    matrix: (*batch, e, d), offset: (*batch, e), noise: (*batch, e, e) or None where there is none.
    """

    matrix: Array
    offset: Array
    noise: Array | None = None

    def moments(self, mean: Array, covariance: Array) -> tuple[Array, Array]:
        """Mean (*batch, e) and covariance of the function's value.

        Example:
            >>> Affine(np.array([[2.0]]), np.array([1.0])).moments(np.array([3.0]), np.array([[1.0]]))
            (array([7.]), array([[4.]]))
        """
        spread = symmetrise(self.matrix @ covariance @ transpose(self.matrix))
        return matvec(self.matrix, mean) + self.offset, spread if self.noise is None else spread + self.noise


def linearised(
    f: Callable[[Array], Array],
    mean: Array,
    covariance: Array,
    *,
    order: int = 4,
    step: float | None = None,
    jacobian: Callable[[Array], Array] | None = None,
) -> Affine:
    """The tangent at the mean.

    Args:
        f: maps (..., d) to (..., e) with any leading axes.
        mean: (*batch, d).
        covariance: (*batch, d, d); says how small a step is near zero.
        order: of the differences.
        step: of the differences, relative.
        jacobian: maps (*batch, d) to the derivatives (*batch, e, d), instead of differences.

    Example:
        >>> fit = linearised(lambda x: x**2, np.array([2.0]), np.array([[3.0]]))
        >>> fit.matrix.round(9).tolist(), fit.offset.round(9).tolist()
        ([[4.0]], [-4.0])
    """
    if jacobian is None:
        scale = np.minimum(np.sqrt(np.abs(diagonal(covariance))), 1.0)
        matrix = differences(f, mean, order=order, step=step, scale=scale)
    else:
        matrix = jacobian(mean)
    return Affine(matrix, f(mean) - matvec(matrix, mean))


def square_root(covariance: Array) -> Array:
    """The lower triangular L with L L' = V; a coordinate without variance has a row and a column of zeros.

    Raises:
        InvalidParameterError: the covariance is neither positive definite nor zero in single coordinates.

    Example:
        >>> square_root(np.diag([4.0, 0.0])).tolist()
        [[2.0, 0.0], [0.0, 0.0]]
    """
    empty = diagonal(covariance) == 0.0
    if not empty.any():
        return cholesky(covariance)
    unit = np.eye(covariance.shape[-1]) * empty[..., None, :]
    if (np.where(empty[..., None, :], covariance, 0.0) != 0.0).any():
        raise InvalidParameterError("a covariance has entries other than zero beside a variance of zero")
    return cholesky(covariance + unit) - unit


def against_root(gain: Array, root: Array) -> Array:
    """The matrix A with A L = G: the regression on x from that on the coordinates in which x has unit variance.

    Args:
        gain: G, (*batch, e, d).
        root: L, (*batch, d, d); where it has a column of zeros, so has A.

    Example:
        >>> against_root(np.array([[6.0]]), np.array([[2.0]])).tolist()
        [[3.0]]
    """
    empty = diagonal(root) == 0.0
    whole = root + np.eye(root.shape[-1]) * empty[..., None, :]
    return transpose(solve(transpose(whole), transpose(gain)))
