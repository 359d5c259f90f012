"""The matrix-normal-Wishart distribution of a matrix and a precision: the conjugate prior of a vector regression.

X | W ~ MatrixNormal(M, U, inv W),  W ~ Wishart(df, S),   X (n, p), W (p, p)
p(X, W) ∝ |W|^((df - p - 1 + n)/2) exp(-tr(W ((X - M)' inv(U) (X - M) + inv(S)))/2)
natural parameters (df - p - 1 + n, inv U, inv(U) M, inv S + M' inv(U) M)         Bernardo and Smith 1994, section 5.2
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.distributions.matrix_normal import check_sides
from reactivepgm.distributions.wishart import Wishart
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import quiet, where

_LOG_2PI = math.log(2.0 * math.pi)


def _canonical(power: Array, rows: Array, pull: Array, square: Array) -> Distribution:
    n, p = pull.shape[-2:]
    rowcov = la.inv_psd(rows)
    mean = rowcov @ pull
    inverse_scale = la.symmetrise(square - la.transpose(mean) @ pull)
    return MatrixNormalWishart._of(mean, rowcov, la.inv_psd(inverse_scale), power - (n - p - 1.0))


def _is_proper(power: Array, rows: Array, pull: Array, square: Array) -> Array:
    inverse_scale = square - la.transpose(pull) @ la.inv_psd(rows) @ pull
    definite = la.is_positive_definite(rows) & la.is_positive_definite(inverse_scale)
    return (power > pull.shape[-2] - 2.0) & (power < math.inf) & definite


MATRIX_NORMAL_WISHART = Group("MATRIX_NORMAL_WISHART", (0, 2, 2, 2), _canonical, _is_proper)


class MatrixNormalWishart(Distribution):
    """Matrix-normal-Wishart by mean and row covariance of the matrix, scale and degrees of freedom of the Wishart.

    A value is the matrix with the precision below it, [X; W], (n + p, p). ``mean`` and ``variance`` speak of X,
    ``column_precision`` of W.

    Args:
        mean: (*batch, n, p).
        rowcov: (*batch, n, n).
        scale: (*batch, p, p).
        df: (*batch,).

    Example:
        >>> d = MatrixNormalWishart(np.zeros((3, 2)), np.eye(3), np.eye(2), 5.0)
        >>> d.event_shape, d.column_precision.mean.tolist()
        ((5, 2), [[5.0, 0.0], [0.0, 5.0]])
    """

    __slots__ = ("df", "mean", "rowcov", "scale")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 2, "rowcov": 2, "scale": 2, "df": 0}
    group: ClassVar[Group | None] = MATRIX_NORMAL_WISHART
    mean: Array
    rowcov: Array
    scale: Array
    df: Array

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        check_sides("MatrixNormalWishart", ("mean", "rowcov", "scale"), *values[:3])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(n + p, p): the matrix, then the precision."""
        n, p = self.mean.shape[-2:]
        return (n + p, p)

    @property
    def column_precision(self) -> Wishart:
        """The marginal of W."""
        return Wishart._of(self.df, self.scale)

    @property
    def variance(self) -> Array:
        """Of every entry of X, (*batch, n, p): U_ii E[inv W]_jj; nan where df <= p + 1."""
        return la.outer(la.diagonal(self.rowcov), la.diagonal(self.column_precision.mean_inverse))

    @property
    def mode(self) -> Array:
        """[M; (df - p - 1 + n) S]; nan where there is none."""
        n, p = self.mean.shape[-2:]
        power = self.df + (n - p - 1.0)
        power = where(power >= 0.0, power, math.nan)
        below = (power[..., None, None] if getattr(power, "ndim", 0) else power) * self.scale
        batch = self.batch_shape
        parts = [np.broadcast_to(self.mean, (*batch, n, p)), np.broadcast_to(below, (*batch, p, p))]
        return np.concatenate(parts, axis=-2)

    def entropy(self) -> Array:
        """H[W] + (n p (1 + log 2 pi) + p log|U| - n E log|W|) / 2.

        Example:
            >>> round(MatrixNormalWishart([[0.0]], [[1.0]], [[0.5]], 2.0).entropy(), 6)  # a normal-gamma of shape 1, rate 1
            2.707546
        """
        with quiet():
            n, p = self.mean.shape[-2:]
            w = self.column_precision
            value = 0.5 * (n * p * (1.0 + _LOG_2PI) + p * la.logdet(self.rowcov) - n * w.mean_log_det)
            return as_scalar(np.broadcast_to(w.entropy() + value, self.batch_shape))

    def log_pdf(self, x: Array) -> Array:
        """The log density at [X; W], (..., n + p, p); -inf where W is not positive definite.

        Example:
            >>> round(MatrixNormalWishart([[0.0]], [[1.0]], [[0.5]], 2.0).log_pdf([[0.0], [1.0]]), 6)
            -1.918939
        """
        x = as_array(x)
        n, p = self.mean.shape[-2:]
        gap, w = x[..., :n, :] - self.mean, x[..., n:, :]
        inside = la.is_positive_definite(w)
        square = la.trace_product(la.inv_psd(self.rowcov) @ gap @ w, la.transpose(gap))
        log_det = where(inside, la.logdet(w), 0.0)
        normal = 0.5 * (n * log_det - p * la.logdet(self.rowcov) - n * p * _LOG_2PI - square)
        return as_scalar(where(inside, normal + self.column_precision.log_pdf(w), -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws [X; W], (k, *batch, n + p, p).

        Example:
            >>> d = MatrixNormalWishart(np.zeros((3, 2)), np.eye(3), np.eye(2), 5.0)
            >>> d.sample(np.random.default_rng(1), 7).shape
            (7, 5, 2)
        """
        shape = draw_shape(n, self.batch_shape)
        p = self.mean.shape[-1]
        w = np.broadcast_to(self.column_precision.broadcast_to(self.batch_shape).sample(rng, n), (*shape, p, p))
        noise = rng.standard_normal((*shape, *self.mean.shape[-2:]))
        x = self.mean + la.cholesky(self.rowcov) @ noise @ la.inv(la.cholesky(w))
        return self._drawn(np.concatenate([x, w], axis=-2))

    def naturals(self) -> tuple[Array, ...]:
        """(power, inv U, inv(U) M, inv S + M' inv(U) M), as the module says."""
        n, p = self.mean.shape[-2:]
        rows = la.inv_psd(self.rowcov)
        pull = rows @ self.mean
        square = la.inv_psd(self.scale) + la.transpose(self.mean) @ pull
        return aligned((self.df + (n - p - 1.0), rows, pull, square), (0, 2, 2, 2))
