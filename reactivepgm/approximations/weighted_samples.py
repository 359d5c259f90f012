"""A belief as a list of points with weights: E f(x) = sum_i w_i f(x_i)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.distributions.base import rebuilt
from reactivepgm.errors import InvalidParameterError, ProductError
from reactivepgm.numerics.array import Array, as_array, as_scalar, broadcast_shapes


class WeightedSamples(Distribution):
    """Points with weights that sum to one; moments are weighted sums.

    Args:
        points: (*batch, n, *event).
        weights: (*batch, n); brought to a sum of one.
        differential_entropy: an estimate in nats of the entropy of what the points stand for, (*batch,), if known.

    Example:
        >>> belief = WeightedSamples([1.0, 2.0, 4.0], [0.25, 0.5, 0.25])
        >>> belief.mean, belief.event_shape
        (2.25, ())
    """

    __slots__ = ("differential_entropy", "points", "weights")
    parameter_ranks: ClassVar[dict[str, int]] = {"points": 1, "weights": 1, "differential_entropy": 0}
    points: Array
    weights: Array
    differential_entropy: Array

    @classmethod
    def _of(cls, *values: Any) -> Self:
        self = object.__new__(cls)
        for name, value in zip(cls.parameter_ranks, values, strict=True):
            object.__setattr__(self, name, value)
        return self

    @classmethod
    def _checked(cls, points: Array, weights: Array, differential_entropy: Array = np.nan) -> Self:
        points, weights = as_array(points), as_array(weights)
        if weights.ndim < 1 or points.shape[: weights.ndim] != weights.shape:
            raise InvalidParameterError(
                f"WeightedSamples: weights (*batch, n) of shape {weights.shape} do not fit"
                f" points (*batch, n, *event) of shape {points.shape}"
            )
        total = weights.sum(axis=-1, keepdims=True)
        if (weights < 0.0).any() or not (np.isfinite(total) & (total > 0.0)).all():
            raise InvalidParameterError("WeightedSamples: weights must not be negative, and one of them must be positive")
        return cls._of(points, weights / total, as_array(differential_entropy))

    @property
    def _event_rank(self) -> int:
        return int(np.ndim(self.points) - np.ndim(self.weights))

    @property
    def _ranks(self) -> tuple[int, ...]:
        return (1 + self._event_rank, 1, 0)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The rows."""
        entropies = np.shape(self.differential_entropy)
        rank = 1 + self._event_rank
        points: tuple[int, ...] = np.shape(self.points)
        return broadcast_shapes(points[: len(points) - rank], np.shape(self.weights)[:-1], entropies)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one point."""
        shape: tuple[int, ...] = np.shape(self.points)
        return shape[len(shape) - self._event_rank :]

    def expectation(self, f: Callable[[Array], Array]) -> Array:
        """E f(x) for a function that maps points (*batch, n, *event) to values (*batch, n, ...).

        Example:
            >>> WeightedSamples([1.0, 3.0], [0.5, 0.5]).expectation(lambda x: x * x)
            5.0
        """
        values = np.asarray(f(self.points))
        axis = np.ndim(self.weights) - 1
        weights = np.reshape(self.weights, (*np.shape(self.weights), *(1,) * (values.ndim - axis - 1)))
        return as_scalar((weights * values).sum(axis=axis))

    @property
    def mean(self) -> Array:
        """sum w x."""
        return self.expectation(lambda x: x)

    @property
    def variance(self) -> Array:
        """sum w (x - mean)^2, of every component."""
        centre = np.expand_dims(self.mean, np.ndim(self.weights) - 1)
        return self.expectation(lambda x: (x - centre) ** 2)

    @property
    def covariance(self) -> Array:
        """sum w (x - mean)(x - mean)', (*batch, d, d), of vectors."""
        centre = np.expand_dims(self.mean, np.ndim(self.weights) - 1)
        return self.expectation(lambda x: (x - centre)[..., :, None] * (x - centre)[..., None, :])

    @property
    def mode(self) -> Array:
        """The point of greatest weight."""
        axis = np.ndim(self.weights) - 1
        best = np.argmax(self.weights, axis=-1)[..., None]
        best = best.reshape(*best.shape, *(1,) * self._event_rank)
        return as_scalar(np.take_along_axis(self.points, best, axis).squeeze(axis))

    @property
    def mean_log(self) -> Array:
        """E log x."""
        with np.errstate(all="ignore"):
            return self.expectation(np.log)

    @property
    def mean_log_complement(self) -> Array:
        """E log(1 - x)."""
        with np.errstate(all="ignore"):
            return self.expectation(lambda x: np.log1p(-x))

    @property
    def mean_inverse(self) -> Array:
        """E 1/x, or of the inverse of a matrix."""
        with np.errstate(all="ignore"):
            return self.expectation(np.linalg.inv if self._event_rank == 2 else lambda x: 1.0 / x)

    @property
    def mean_log_det(self) -> Array:
        """E log det of a matrix; E log of a number."""
        return self.expectation(lambda x: np.linalg.slogdet(x)[1]) if self._event_rank == 2 else self.mean_log

    @property
    def effective_size(self) -> Array:
        """How many equally weighted points would be worth as much: 1 / sum w^2 (Kish 1965), (*batch,)."""
        return as_scalar(1.0 / (np.asarray(self.weights) ** 2).sum(axis=-1))

    def entropy(self) -> Array:
        """The estimate that came with the points; nan if there was none.

        Example:
            >>> WeightedSamples([1.0, 3.0], [0.5, 0.5], differential_entropy=1.4).entropy()
            1.4
        """
        return as_scalar(np.broadcast_to(self.differential_entropy, self.batch_shape))

    def log_pdf(self, x: Array) -> NoReturn:
        """Points have no density.

        Raises:
            ProductError: always.
        """
        raise ProductError(
            "a list of samples has no density, so that it multiplies with nothing\n"
            "  write  Composite(SampleList(n), ProjectedTo(Normal)) to go on with a family"
        )

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Points drawn by their weights, (n, *batch, *event).

        Example:
            >>> WeightedSamples([1.0, 3.0], [0.0, 1.0]).sample(np.random.default_rng(1), 2)
            array([3., 3.])
        """
        batch = self.batch_shape
        whole = self.broadcast_to(batch)
        level = rng.random((1 if n is None else n, *batch))
        chosen = (np.cumsum(whole.weights, axis=-1) <= level[..., None]).sum(axis=-1)
        chosen = np.minimum(chosen, np.shape(whole.weights)[-1] - 1)
        index = chosen.reshape(*chosen.shape, *(1,) * (1 + self._event_rank))
        axis = 1 + len(batch)
        drawn = np.take_along_axis(whole.points[None], index, axis).squeeze(axis)
        return as_scalar(drawn[0]) if n is None else drawn

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt, (type(self), (self.points, self.weights, self.differential_entropy))
