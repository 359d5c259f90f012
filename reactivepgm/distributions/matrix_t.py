"""The matrix t distribution: a matrix normal whose row covariance is inverse Wishart, integrated out.

p(X) ∝ |I + S^-1 (X - M) O^-1 (X - M)'|^(-(df + n + p - 1)/2)      S row scale (n, n), O column scale (p, p)
X | U ~ MatrixNormal(M, U, O),  U ~ InverseWishart(df + n - 1, S)
mean = M (df > 1),   variance of entry ij = S_ii O_jj / (df - 2) (df > 2)         Gupta and Nagar 2000, chapter 4
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.distributions.matrix_normal import check_sides
from reactivepgm.distributions.wishart import bartlett
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import quiet, where
from reactivepgm.numerics.special import multidigamma, multigammaln

_LOG_PI = math.log(math.pi)


def _spread(x: Array) -> Array:
    return x[..., None, None] if getattr(x, "ndim", 0) else x


class MatrixT(Distribution):
    """Matrix t by degrees of freedom, location, row scale and column scale.

    Args:
        df: (*batch,).
        location: (*batch, n, p).
        rowscale: (*batch, n, n).
        colscale: (*batch, p, p).

    Example:
        >>> MatrixT(4.0, [[1.0]], [[2.0]], [[3.0]]).variance.tolist()
        [[3.0]]
    """

    __slots__ = ("colscale", "df", "location", "rowscale")
    parameter_ranks: ClassVar[dict[str, int]] = {"df": 0, "location": 2, "rowscale": 2, "colscale": 2}
    df: Array
    location: Array
    rowscale: Array
    colscale: Array

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        check_sides("MatrixT", ("location", "rowscale", "colscale"), *values[1:])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(n, p)."""
        return tuple(self.location.shape[-2:])

    @property
    def mean(self) -> Array:
        """The location; nan where df <= 1."""
        return where(_spread(self.df) > 1.0, 1.0, math.nan) * self.location

    @property
    def variance(self) -> Array:
        """Of every entry; nan where df <= 2."""
        less = _spread(self.df) - 2.0
        return la.outer(la.diagonal(self.rowscale), la.diagonal(self.colscale)) / where(less > 0.0, less, math.nan)

    @property
    def mode(self) -> Array:
        """The location."""
        return self.location

    def _power(self) -> Array:
        n, p = self.event_shape
        return 0.5 * (self.df + (n + p - 1.0))

    def _log_normaliser(self) -> Array:
        n, p = self.event_shape
        gammas = multigammaln(self._power() - 0.5 * p, n) - multigammaln(self._power(), n)
        return 0.5 * (n * p * _LOG_PI + n * la.logdet(self.colscale) + p * la.logdet(self.rowscale)) + gammas

    def entropy(self) -> Array:
        """log Z(a) - a d log Z(a) / da in the exponent a = (df + n + p - 1) / 2.

        Example:
            >>> round(MatrixT(1.0, [[0.0]], [[1.0]], [[1.0]]).entropy(), 6)  # Cauchy: log 4 pi
            2.531024
        """
        with quiet():
            n, p = self.event_shape
            power = self._power()
            value = self._log_normaliser() + power * (multidigamma(power, n) - multidigamma(power - 0.5 * p, n))
            batch = self.batch_shape
            return np.broadcast_to(value, batch) if np.shape(value) != batch else as_scalar(value)

    def log_pdf(self, x: Array) -> Array:
        """The log density at X (..., n, p).

        Example:
            >>> round(MatrixT(1.0, [[0.0]], [[1.0]], [[1.0]]).log_pdf([[0.0]]), 6)  # Cauchy: -log pi
            -1.14473
        """
        with quiet():
            gap = as_array(x) - self.location
            inside = gap @ la.inv_psd(self.colscale) @ la.transpose(gap)
            total = la.logdet(self.rowscale + inside) - la.logdet(self.rowscale)
            return as_scalar(-self._log_normaliser() - self._power() * total)

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (k, *batch, n, p), by way of the random row covariance.

        Example:
            >>> MatrixT(3.0, np.zeros((3, 2)), np.eye(3), np.eye(2)).sample(np.random.default_rng(1), 5).shape
            (5, 3, 2)
        """
        rows, _ = self.event_shape
        shape = draw_shape(n, self.batch_shape)
        # U^-1 = F F' with F = inv(L)' A, L L' the row scale, so that inv(F)' is a square root of U.
        factor = la.transpose(la.inv(la.cholesky(self.rowscale))) @ bartlett(rng, self.df + (rows - 1.0), rows, shape)
        noise = rng.standard_normal((*shape, *self.event_shape))
        root = la.transpose(la.inv(factor))
        return self._drawn(self.location + root @ noise @ la.transpose(la.cholesky(self.colscale)))
