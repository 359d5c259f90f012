"""The Wishart distribution on positive definite matrices.

p(X) ∝ det(X)^((df - d - 1)/2) exp(-tr(S^-1 X)/2),   E X = df S,   natural parameters (df - d - 1, S^-1)
E log det X = sum_i digamma((df + 1 - i)/2) + d log 2 + log det S            Bishop 2006, appendix B

Messages come with an inverse scale that may be singular, or with fewer degrees of freedom than dimensions; they are
kept by their inverse scale.
"""

import math
from typing import Any, ClassVar, Self

import numpy as np

from reactivepgm.distributions.base import Distribution, bind
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.distributions.square import check_square
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import quiet, where
from reactivepgm.numerics.special import multidigamma, multigammaln

_LOG_2 = math.log(2.0)


def _canonical(power: Array, inverse_scale: Array) -> Distribution:
    return Wishart._by_inverse(power + (inverse_scale.shape[-1] + 1.0), inverse_scale)


def _is_proper(power: Array, inverse_scale: Array) -> Array:
    return (power > -2) & (power < math.inf) & la.is_positive_definite(inverse_scale)


WISHART = Group("WISHART", (0, 2), _canonical, _is_proper)


class Wishart(Distribution):
    """Wishart by degrees of freedom and scale, or inverse scale.

    Args:
        df: (*batch,).
        scale: (*batch, d, d); or by keyword ``inverse_scale``, as ``from_inverse_scale`` takes it.

    Example:
        >>> Wishart(3.0, np.eye(2)).mean.tolist()
        [[3.0, 0.0], [0.0, 3.0]]
        >>> Wishart.from_inverse_scale(3.0, 2.0 * np.eye(2)).scale.tolist()
        [[0.5, 0.0], [0.0, 0.5]]
        >>> Wishart.from_inverse_scale(0.0, np.zeros((2, 2))).inverse_scale.tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """

    __slots__ = ("_inverse", "_scale", "df")
    parameter_ranks: ClassVar[dict[str, int]] = {"df": 0, "scale": 2}
    group: ClassVar[Group | None] = WISHART
    df: Array
    _scale: Array
    """None in a message that was given by its inverse scale, until somebody asks."""
    _inverse: Array
    """None until somebody asks, where the scale was given."""

    @classmethod
    def _of(cls, *values: Any) -> Self:
        return cls._stored(values[0], values[1], None)

    @classmethod
    def _by_inverse(cls, df: Array, inverse_scale: Array) -> Self:
        return cls._stored(df, None, inverse_scale)

    @classmethod
    def _stored(cls, df: Array, scale: Array, inverse: Array) -> Self:
        self = object.__new__(cls)
        object.__setattr__(self, "df", df)
        object.__setattr__(self, "_scale", scale)
        object.__setattr__(self, "_inverse", inverse)
        return self

    @property
    def parameters(self) -> dict[str, Array]:
        """The degrees of freedom, and the scale or the inverse scale, whichever was given."""
        if self._is_given_by_inverse:
            return {"df": self.df, "inverse_scale": self._inverse}
        return {"df": self.df, "scale": self._scale}

    @property
    def _is_given_by_inverse(self) -> bool:
        return self._scale is None

    def like(self, *values: Array) -> Self:
        """A Wishart given in the same way."""
        return self._by_inverse(*values) if self._is_given_by_inverse else self._of(*values)

    @classmethod
    def _checked(cls, *args: Any, **kwargs: Any) -> Self:
        if "inverse_scale" in kwargs:
            return cls.from_inverse_scale(*bind("Wishart", ("df", "inverse_scale"), args, kwargs))
        return super()._checked(*args, **kwargs)

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        check_square(cls.__name__, tuple(cls.parameter_ranks)[1], values[1])

    @classmethod
    def from_inverse_scale(cls, df: Array, inverse_scale: Array) -> Self:
        """A Wishart that keeps its inverse scale, which may be singular.

        Args:
            df: (*batch,); may be too small to be proper.
            inverse_scale: (*batch, d, d).
        """
        self = cls._by_inverse(as_array(df), as_array(inverse_scale))
        check_square("Wishart.from_inverse_scale", "inverse_scale", self._inverse)
        self._check_batch()
        return self

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(d, d)."""
        return tuple((self._inverse if self._is_given_by_inverse else self._scale).shape[-2:])

    @property
    def inverse_scale(self) -> Array:
        """The inverse of the scale, (*batch, d, d)."""
        if self._inverse is None:
            object.__setattr__(self, "_inverse", la.inv_psd(self._scale))
        return self._inverse

    @property
    def scale(self) -> Array:
        """The scale, (*batch, d, d); nan where the inverse scale is singular."""
        return la.inv_psd(self._inverse) if self._is_given_by_inverse else self._scale

    def _log_det_scale(self) -> Array:
        return -la.logdet(self._inverse) if self._is_given_by_inverse else la.logdet(self._scale)

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

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Wishart) and self._is_given_by_inverse != other._is_given_by_inverse:
            return np.array_equal(self.df, other.df) and np.array_equal(self.scale, other.scale)
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash((Wishart, self.batch_shape, self.event_shape, float(np.ravel(self.df)[0])))

    def __reduce__(self) -> tuple[Any, ...]:
        return Wishart._stored, (self.df, self._scale, None if self._scale is not None else self._inverse)

    def naturals(self) -> tuple[Array, ...]:
        """(df - d - 1, inverse scale)."""
        inverse_scale = self.inverse_scale
        return aligned((self.df - (inverse_scale.shape[-1] + 1.0), inverse_scale), (0, 2))


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
