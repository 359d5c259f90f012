"""The Wishart distribution on positive definite matrices.

p(X) ∝ det(X)^((df - d - 1)/2) exp(-tr(S^-1 X)/2),   E X = df S,   natural parameters (df - d - 1, S^-1)
E log det X = sum_i digamma((df + 1 - i)/2) + d log 2 + log det S            Bishop 2006, appendix B

Messages come with an inverse scale that may be singular, or with fewer degrees of freedom than dimensions; they are
kept by their inverse scale.
"""

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.distributions.square import check_square
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import quiet, where
from reactivepgm.numerics.special import multidigamma, multigammaln

_LOG_2 = math.log(2.0)


def _canonical(power: Array, inverse_scale: Array) -> Distribution:
    return WishartInverseScale._of(power + (inverse_scale.shape[-1] + 1.0), inverse_scale)


def _is_proper(power: Array, inverse_scale: Array) -> Array:
    return (power > -2) & (power < math.inf) & la.is_positive_definite(inverse_scale)


WISHART = Group("WISHART", (0, 2), _canonical, _is_proper)


class Wishart(Distribution):
    """Wishart by degrees of freedom and scale.

    Args:
        df: (*batch,).
        scale: (*batch, d, d).

    Example:
        >>> Wishart(3.0, np.eye(2)).mean.tolist()
        [[3.0, 0.0], [0.0, 3.0]]
        >>> Wishart.from_inverse_scale(0.0, np.zeros((2, 2))).inverse_scale.tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """

    __slots__ = ("_kept", "df", "scale")
    parameter_ranks: ClassVar[dict[str, int]] = {"df": 0, "scale": 2}
    group: ClassVar[Group | None] = WISHART
    df: Array
    scale: Array
    _kept: Array

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        check_square(cls.__name__, tuple(cls.parameter_ranks)[1], values[1])

    @classmethod
    def from_inverse_scale(cls, df: Array, inverse_scale: Array) -> "Wishart":
        """A Wishart that keeps its inverse scale, which may be singular.

        Args:
            df: (*batch,); may be too small to be proper.
            inverse_scale: (*batch, d, d).
        """
        return WishartInverseScale(df, inverse_scale)

    def _keep(self, compute: Callable[[], Array]) -> Array:
        try:
            return self._kept
        except AttributeError:
            object.__setattr__(self, "_kept", compute())
            return self._kept

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(d, d)."""
        return tuple(tuple(self.parameters.values())[1].shape[-2:])

    @property
    def inverse_scale(self) -> Array:
        """The inverse of the scale, (*batch, d, d)."""
        return self._keep(lambda: la.inv_psd(self.scale))

    def _log_det_scale(self) -> Array:
        return la.logdet(self.scale)

    def _spread(self) -> Array:
        return as_array(self.df)[..., None, None] if getattr(self.df, "ndim", 0) else self.df

    @property
    def mean(self) -> Array:
        """df * scale."""
        with quiet():
            return self._spread() * self.scale

    @property
    def variance(self) -> Array:
        """df (S_ij^2 + S_ii S_jj), entry by entry."""
        with quiet():
            scale = self.scale
            return self._spread() * (scale * scale + la.outer(la.diagonal(scale)))

    @property
    def mode(self) -> Array:
        """(df - d - 1) * scale; nan where df < d + 1."""
        with quiet():
            less = self._spread() - self.event_shape[0] - 1.0
            return where(less >= 0.0, less, math.nan) * self.scale

    @property
    def mean_log_det(self) -> Array:
        """E log det X.

        Example:
            >>> from reactivepgm.distributions import GammaShapeRate
            >>> bool(abs(Wishart(3.0, [[2.0]]).mean_log_det - GammaShapeRate(1.5, 0.25).mean_log) < 1e-12)
            True
        """
        with quiet():
            d = self.event_shape[0]
            return multidigamma(0.5 * self.df, d) + d * _LOG_2 + self._log_det_scale()

    @property
    def mean_inverse(self) -> Array:
        """E X^-1 = S^-1 / (df - d - 1); inf where df <= d + 1."""
        with quiet():
            less = self._spread() - self.event_shape[0] - 1.0
            return self.inverse_scale * where(less > 0.0, 1.0 / where(less > 0.0, less, 1.0), math.nan)

    def _log_normaliser(self) -> Array:
        d = self.event_shape[0]
        return 0.5 * self.df * (d * _LOG_2 + self._log_det_scale()) + multigammaln(0.5 * self.df, d)

    def entropy(self) -> Array:
        """-E log p(X).

        Example:
            >>> round(Wishart(3.0, [[1.0]]).entropy(), 6)
            2.05412
        """
        with quiet():
            d = self.event_shape[0]
            return self._log_normaliser() - 0.5 * (self.df - d - 1.0) * self.mean_log_det + 0.5 * d * self.df

    def log_pdf(self, x: Array) -> Array:
        """The log density at X (..., d, d); -inf where X is not positive definite.

        Example:
            >>> round(Wishart(2.0, np.eye(2)).log_pdf(np.eye(2)), 6)
            -3.531024
        """
        x = as_array(x)
        power = self.df - x.shape[-1] - 1.0
        inside = la.is_positive_definite(x)
        log_det = where(inside, la.logdet(x), 0.0)
        value = 0.5 * (power * log_det - la.trace_product(self.inverse_scale, x)) - self._log_normaliser()
        return as_scalar(where(inside, value, -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch, d, d), by Bartlett's decomposition.

        Example:
            >>> Wishart(3.0, np.eye(2)).sample(np.random.default_rng(1), 5).shape
            (5, 2, 2)
        """
        root = la.cholesky(self.scale) @ bartlett(rng, self.df, self.event_shape[0], draw_shape(n, self.batch_shape))
        return self._drawn(root @ la.transpose(root))

    def naturals(self) -> tuple[Array, ...]:
        """(df - d - 1, inverse scale)."""
        inverse_scale = self.inverse_scale
        return aligned((self.df - (inverse_scale.shape[-1] + 1.0), inverse_scale), (0, 2))


class WishartInverseScale(Wishart):
    """Wishart by degrees of freedom and inverse scale, the form in which messages and products are kept.

    Args:
        df: (*batch,).
        inverse_scale: (*batch, d, d).

    Example:
        >>> WishartInverseScale(3.0, 2.0 * np.eye(2)).scale.tolist()
        [[0.5, 0.0], [0.0, 0.5]]
    """

    __slots__ = ("inverse_scale",)
    parameter_ranks: ClassVar[dict[str, int]] = {"df": 0, "inverse_scale": 2}
    inverse_scale: Array

    @property
    def scale(self) -> Array:  # a derived value here, a parameter in the base
        """The inverse of the inverse scale; nan where there is none."""
        return self._keep(lambda: la.inv_psd(self.inverse_scale))

    def _log_det_scale(self) -> Array:
        return -la.logdet(self.inverse_scale)


def bartlett(rng: np.random.Generator, df: Array, d: int, shape: tuple[int, ...]) -> Array:
    """Lower triangular A with A A' ~ Wishart(df, I), (*shape, d, d)          Bartlett 1933

    Args:
        rng: the source of randomness.
        df: degrees of freedom, broadcastable to ``shape``.
        d: the dimension.
        shape: the leading axes.

    Example:
        >>> bartlett(np.random.default_rng(1), 3.0, 2, (5,))[:, 0, 1]
        array([0., 0., 0., 0., 0.])
    """
    factor = np.tril(rng.standard_normal((*shape, d, d)), -1)
    freedom = np.broadcast_to(np.asarray(df)[..., None] - np.arange(d), (*shape, d))
    factor[..., np.arange(d), np.arange(d)] = np.sqrt(rng.chisquare(freedom))
    return factor
