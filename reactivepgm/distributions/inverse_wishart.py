"""The inverse Wishart distribution: X^-1 is Wishart(df, scale^-1).

p(X) ∝ det(X)^(-(df + d + 1)/2) exp(-tr(S X^-1)/2),   E X = S / (df - d - 1),   natural parameters (df + d + 1, S)
"""

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.distributions.square import check_square
from reactivepgm.distributions.wishart import bartlett
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import quiet, where
from reactivepgm.numerics.special import multidigamma, multigammaln

_LOG_2 = math.log(2.0)


def _canonical(power: Array, scale: Array) -> Distribution:
    return InverseWishart._of(power - (scale.shape[-1] + 1.0), scale)


def _is_proper(power: Array, scale: Array) -> Array:
    return (power > 2.0 * scale.shape[-1]) & (power < math.inf) & la.is_positive_definite(scale)


INVERSE_WISHART = Group("INVERSE_WISHART", (0, 2), _canonical, _is_proper)


class InverseWishart(Distribution):
    """Inverse Wishart by degrees of freedom and scale.

    Args:
        df: (*batch,).
        scale: (*batch, d, d).

    Example:
        >>> InverseWishart(5.0, 4.0 * np.eye(2)).mean.tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """

    __slots__ = ("_kept", "df", "scale")
    parameter_ranks: ClassVar[dict[str, int]] = {"df": 0, "scale": 2}
    group: ClassVar[Group | None] = INVERSE_WISHART
    df: Array
    scale: Array
    _kept: Array

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        check_square(cls.__name__, "scale", values[1])

    def _keep(self, compute: Callable[[], Array]) -> Array:
        try:
            return self._kept
        except AttributeError:
            object.__setattr__(self, "_kept", compute())
            return self._kept

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(d, d)."""
        return tuple(self.scale.shape[-2:])

    @property
    def inverse_scale(self) -> Array:
        """The inverse of the scale, (*batch, d, d)."""
        return self._keep(lambda: la.inv_psd(self.scale))

    def _spread(self) -> Array:
        return self.df[..., None, None] if getattr(self.df, "ndim", 0) else self.df

    @property
    def mean(self) -> Array:
        """scale / (df - d - 1); nan where df <= d + 1."""
        with quiet():
            less = self._spread() - self.event_shape[0] - 1.0
            return self.scale / where(less > 0.0, less, math.nan)

    @property
    def variance(self) -> Array:
        """Entry by entry; nan where df <= d + 3                                    Press 1982, section 5.2"""
        with quiet():
            less = self._spread() - self.event_shape[0]
            diagonal = la.diagonal(self.scale)
            numerator = (less + 1.0) * self.scale * self.scale + (less - 1.0) * la.outer(diagonal)
            return numerator / where(less > 3.0, less * (less - 1.0) * (less - 1.0) * (less - 3.0), math.nan)

    @property
    def mode(self) -> Array:
        """scale / (df + d + 1)."""
        with quiet():
            return self.scale / (self._spread() + self.event_shape[0] + 1.0)

    @property
    def mean_log_det(self) -> Array:
        """E log det X = log det S - d log 2 - sum_i digamma((df + 1 - i)/2)."""
        with quiet():
            d = self.event_shape[0]
            return la.logdet(self.scale) - d * _LOG_2 - multidigamma(0.5 * self.df, d)

    @property
    def mean_inverse(self) -> Array:
        """E X^-1 = df S^-1."""
        with quiet():
            return self._spread() * self.inverse_scale

    def _log_normaliser(self) -> Array:
        d = self.event_shape[0]
        return 0.5 * self.df * (d * _LOG_2 - la.logdet(self.scale)) + multigammaln(0.5 * self.df, d)

    def entropy(self) -> Array:
        """-E log p(X).

        Example:
            >>> round(InverseWishart(2.0, [[2.0]]).entropy(), 6)
            2.154431
        """
        with quiet():
            d = self.event_shape[0]
            return self._log_normaliser() + 0.5 * (self.df + d + 1.0) * self.mean_log_det + 0.5 * d * self.df

    def log_pdf(self, x: Array) -> Array:
        """The log density at X (..., d, d); -inf where X is not positive definite.

        Example:
            >>> round(InverseWishart(2.0, [[2.0]]).log_pdf([[1.0]]), 6)
            -1.0
        """
        x = as_array(x)
        inside = la.is_positive_definite(x)
        safe = where(inside[..., None, None] if getattr(inside, "ndim", 0) else inside, x, la.eye(x.shape[-1], x))
        power = self.df + x.shape[-1] + 1.0
        distance = la.trace_product(self.scale, la.inv_psd(safe))
        value = -0.5 * (power * la.logdet(safe) + distance) - self._log_normaliser()
        return as_scalar(where(inside, value, -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch, d, d): inverses of Bartlett's.

        Example:
            >>> InverseWishart(3.0, np.eye(2)).sample(np.random.default_rng(1), 5).shape
            (5, 2, 2)
        """
        factor = bartlett(rng, self.df, self.event_shape[0], draw_shape(n, self.batch_shape))
        # X^-1 = C^-T A A' C^-1 with S = C C', so X = R R' with R = C A^-T.
        root = la.cholesky(self.scale) @ la.transpose(la.inv(factor))
        return self._drawn(root @ la.transpose(root))

    def naturals(self) -> tuple[Array, ...]:
        """(df + d + 1, scale)."""
        return aligned((self.df + (self.scale.shape[-1] + 1.0), self.scale), (0, 2))
