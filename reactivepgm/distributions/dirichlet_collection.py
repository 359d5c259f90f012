"""Independent Dirichlets in one array, such as the columns of a transition matrix.

alpha is (*batch, K, ...): along the first event axis lie the components of a Dirichlet, the further event axes count
the Dirichlets. A matrix (K, L) holds L columns; x[:, l] is the distribution of the output given input l.
"""

from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np

from reactivepgm.distributions.base import Distribution, rebuilt
from reactivepgm.distributions.dirichlet import draw, mode_of
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import quiet
from reactivepgm.numerics.special import digamma, log_multibeta, xlogy


@lru_cache(maxsize=16)
def collection_group(event_rank: int) -> Group:
    """The group of collections with so many event axes.

    Example:
        >>> collection_group(2) is DirichletCollection(np.ones((2, 2))).group
        True
    """
    axes = tuple(range(-event_rank, 0))

    def canonical(power: Array) -> Distribution:
        return DirichletCollection._of(power + 1.0, event_rank)

    def is_proper(power: Array) -> Array:
        return ((power > -1) & (power < np.inf)).all(axis=axes)

    return Group("DIRICHLET_COLLECTION", (event_rank,), canonical, is_proper)


class DirichletCollection(Distribution):
    """A collection of Dirichlets by their pseudo-counts.

    Args:
        alpha: (*batch, K, ...).
        event_rank: how many trailing axes are one collection; by default all of them.

    Example:
        >>> DirichletCollection([[1.0, 1.0], [3.0, 1.0]]).mean.tolist()
        [[0.25, 0.5], [0.75, 0.5]]
        >>> DirichletCollection(np.ones((5, 3, 3)), event_rank=2).batch_shape
        (5,)
    """

    __slots__ = ("alpha", "event_rank")
    parameter_ranks: ClassVar[dict[str, int]] = {"alpha": 2}
    alpha: Array
    event_rank: int

    @classmethod
    def _of(cls, *values: Any) -> Self:
        alpha = values[0]
        self = object.__new__(cls)
        object.__setattr__(self, "alpha", alpha)
        object.__setattr__(self, "event_rank", values[1] if len(values) > 1 else alpha.ndim)
        return self

    @classmethod
    def _checked(cls, alpha: Array, event_rank: int | None = None) -> Self:
        alpha = as_array(alpha)
        axes = getattr(alpha, "ndim", 0)
        rank = axes if event_rank is None else event_rank
        if rank < 1 or axes < rank:
            raise InvalidParameterError(
                f"DirichletCollection: alpha must have at least {max(rank, 1)} axes, not shape {np.shape(alpha)}"
            )
        return cls._of(alpha, rank)

    @property
    def group(self) -> Group:  # type: ignore[override]  # one group for each event rank
        """The group of collections of this event rank."""
        return collection_group(self.event_rank)

    @property
    def _ranks(self) -> tuple[int, ...]:
        return (self.event_rank,)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The axes before the event."""
        shape: tuple[int, ...] = self.alpha.shape
        return shape[: len(shape) - self.event_rank]

    def like(self, *values: Array) -> Self:
        """A collection with other pseudo-counts and the same event rank."""
        return type(self)._of(values[0], self.event_rank)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(K, ...)."""
        return tuple(self.alpha.shape[self.alpha.ndim - self.event_rank :])

    def _sum(self, values: Array) -> Array:
        axes = tuple(range(1 - self.event_rank, 0))
        return as_scalar(values.sum(axis=axes) if axes else values)

    @property
    def mean(self) -> Array:
        """alpha normalised along the first event axis."""
        with quiet():
            return self.alpha / self.alpha.sum(axis=-self.event_rank, keepdims=True)

    @property
    def variance(self) -> Array:
        """m (1 - m) / (sum alpha + 1), component by component."""
        with quiet():
            total = self.alpha.sum(axis=-self.event_rank, keepdims=True)
            mean = self.alpha / total
            return mean * (1.0 - mean) / (total + 1.0)

    @property
    def mode(self) -> Array:
        """(alpha - 1) normalised along the first event axis; nan where some alpha does not exceed one."""
        return mode_of(self.alpha, -self.event_rank)

    @property
    def mean_log(self) -> Array:
        """E log x, (*batch, K, ...)."""
        with quiet():
            return digamma(self.alpha) - digamma(self.alpha.sum(axis=-self.event_rank, keepdims=True))

    def entropy(self) -> Array:
        """The sum of the Dirichlets' entropies.

        Example:
            >>> round(DirichletCollection(np.ones((3, 2))).entropy(), 6)
            -1.386294
        """
        with quiet():
            axis = -self.event_rank
            each = log_multibeta(self.alpha, axis) - ((self.alpha - 1.0) * self.mean_log).sum(axis=axis)
            return self._sum(each)

    def log_pdf(self, x: Array) -> Array:
        """The sum of the Dirichlets' log densities at x (..., K, ...); -inf off the simplex.

        Example:
            >>> round(DirichletCollection(np.ones((3, 2))).log_pdf(np.full((3, 2), 1 / 3)), 6)
            1.386294
        """
        x = as_array(x)
        axis = -self.event_rank
        inside = (x >= 0.0).all(axis=axis) & (abs(x.sum(axis=axis) - 1.0) < 1e-6)
        safe = np.where(x >= 0.0, x, 1.0)
        value = xlogy(self.alpha - 1.0, safe).sum(axis=axis) - log_multibeta(self.alpha, axis)
        return self._sum(np.where(inside, value, -np.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch, K, ...).

        Example:
            >>> DirichletCollection(np.ones((3, 2))).sample(np.random.default_rng(1), 5).shape
            (5, 3, 2)
        """
        return self._drawn(draw(rng, self.alpha, draw_shape(n, self.alpha.shape), -self.event_rank))

    def naturals(self) -> tuple[Array, ...]:
        """(alpha - 1,)."""
        return (self.alpha - 1.0,)

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt, (type(self), (self.alpha, self.event_rank))
