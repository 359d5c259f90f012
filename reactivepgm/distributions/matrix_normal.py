"""The matrix normal distribution: a matrix whose rows covary by one matrix and whose columns by another.

p(X) = (2 pi)^(-np/2) |U|^(-p/2) |V|^(-n/2) exp(-tr(V^-1 (X - M)' U^-1 (X - M)) / 2)
vec(X) ~ N(vec(M), V kron U), vec stacking columns; so it multiplies as a normal on vec(X), with its natural parameters
entropy = (np (1 + log 2 pi) + p log|U| + n log|V|) / 2                         Gupta and Nagar 2000, chapter 2
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.distributions.mv_normal import MV_NORMAL, MvNormalMeanCovariance
from reactivepgm.distributions.square import check_square
from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import quiet
from reactivepgm.numerics.kronecker import kron, vec

_LOG_2PI = math.log(2.0 * math.pi)


def check_sides(owner: str, names: tuple[str, str, str], matrix: Array, rows: Array, columns: Array) -> None:
    """Raise unless an (n, p) matrix has square companions of sizes n and p.

    Raises:
        InvalidParameterError: naming the shapes.

    Example:
        >>> check_sides("MatrixNormal", ("mean", "rowcov", "colcov"), np.zeros((3, 2)), np.eye(3), np.eye(2))
    """
    for name, side, size in zip(names[1:], (rows, columns), matrix.shape[-2:], strict=True):
        check_square(owner, name, side)
        if side.shape[-1] != size:
            shapes = f"{names[0]} of shape {matrix.shape} does not fit {name} of shape {side.shape}"
            raise InvalidParameterError(f"{owner}: {shapes}")


class MatrixNormal(Distribution):
    """Matrix normal by mean, row covariance and column covariance.

    The product of two, or with a normal on vec(X), is a normal on vec(X): the Kronecker form is not kept by products.

    Args:
        mean: (*batch, n, p).
        rowcov: (*batch, n, n), the covariance among rows.
        colcov: (*batch, p, p), the covariance among columns.

    Example:
        >>> MatrixNormal(np.zeros((2, 1)), np.eye(2), [[3.0]]).variance.tolist()
        [[3.0], [3.0]]
    """

    __slots__ = ("colcov", "mean", "rowcov")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 2, "rowcov": 2, "colcov": 2}
    group: ClassVar[Group | None] = MV_NORMAL
    mean: Array
    rowcov: Array
    colcov: Array

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        check_sides("MatrixNormal", ("mean", "rowcov", "colcov"), *values)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(n, p)."""
        return tuple(self.mean.shape[-2:])

    @property
    def variance(self) -> Array:
        """Of every entry: the product of its row's and its column's."""
        return la.outer(la.diagonal(self.rowcov), la.diagonal(self.colcov))

    @property
    def mode(self) -> Array:
        """The mean."""
        return self.mean

    @property
    def vectorised(self) -> MvNormalMeanCovariance:
        """The same belief about vec(X), column by column.

        Example:
            >>> MatrixNormal([[1.0, 2.0]], [[1.0]], np.eye(2)).vectorised.mean
            array([1., 2.])
        """
        return MvNormalMeanCovariance._of(vec(self.mean), kron(self.colcov, self.rowcov))

    def _log_det(self) -> Array:
        n, p = self.event_shape
        return p * la.logdet(self.rowcov) + n * la.logdet(self.colcov)

    def entropy(self) -> Array:
        """-E log p(X).

        Example:
            >>> round(MatrixNormal([[0.0]], [[1.0]], [[1.0]]).entropy(), 6)
            1.418939
        """
        n, p = self.event_shape
        value = 0.5 * (n * p * (1.0 + _LOG_2PI) + self._log_det())
        batch = self.batch_shape
        return np.broadcast_to(value, batch) if np.shape(value) != batch else value

    def log_pdf(self, x: Array) -> Array:
        """The log density at X (..., n, p).

        Example:
            >>> round(MatrixNormal([[0.0]], [[1.0]], [[1.0]]).log_pdf([[0.0]]), 6)
            -0.918939
        """
        with quiet():
            gap = as_array(x) - self.mean
            n, p = self.event_shape
            inside = la.transpose(gap) @ la.inv_psd(self.rowcov) @ gap
            return as_scalar(-0.5 * (n * p * _LOG_2PI + self._log_det() + la.trace_product(la.inv_psd(self.colcov), inside)))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (k, *batch, n, p).

        Example:
            >>> MatrixNormal(np.zeros((3, 2)), np.eye(3), np.eye(2)).sample(np.random.default_rng(1), 5).shape
            (5, 3, 2)
        """
        noise = rng.standard_normal((*draw_shape(n, self.batch_shape), *self.event_shape))
        return self._drawn(self.mean + la.cholesky(self.rowcov) @ noise @ la.transpose(la.cholesky(self.colcov)))

    def naturals(self) -> tuple[Array, ...]:
        """(weighted mean, precision) of vec(X)."""
        rows, columns = la.inv_psd(self.rowcov), la.inv_psd(self.colcov)
        return aligned((vec(rows @ self.mean @ columns), kron(columns, rows)), (1, 2))
