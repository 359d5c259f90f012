"""Certainty: all mass on one value, as data, constants and clamped variables have it."""

from typing import Any, ClassVar, Self

import numpy as np

from reactivepgm.distributions.base import Distribution, rebuilt
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_array, as_scalar, namespace, shape_of
from reactivepgm.numerics.elementary import log, log1p, reciprocal


class PointMass(Distribution):
    """All mass on one value.

    Args:
        value: (*batch, *event).
        event_rank: how many trailing axes are one value; by default all of them, and the batch shape is ().

    Example:
        >>> PointMass([1.0, 2.0]).event_shape, PointMass([1.0, 2.0], event_rank=0).batch_shape
        ((2,), (2,))
    """

    __slots__ = ("event_rank", "value")
    parameter_ranks: ClassVar[dict[str, int]] = {"value": 0}
    _float_arity: ClassVar[int] = 1
    value: Array
    event_rank: int

    @classmethod
    def _of(cls, *values: Any) -> Self:
        value = values[0]
        self = object.__new__(cls)
        _set_value(self, value)
        _set_rank(self, values[1] if len(values) > 1 else 0 if type(value) is float else np.ndim(value))
        return self

    @classmethod
    def _checked(cls, value: Array, event_rank: int | None = None) -> Self:
        value = as_array(value)
        axes = len(shape_of(value))
        if event_rank is not None and not 0 <= event_rank <= axes:
            raise InvalidParameterError(f"PointMass: a value of shape {shape_of(value)} has no {event_rank} event axes")
        return cls._of(value, axes if event_rank is None else event_rank)

    @property
    def _ranks(self) -> tuple[int, ...]:
        return (self.event_rank,)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The axes before the event."""
        shape: tuple[int, ...] = shape_of(self.value)
        return shape[: len(shape) - self.event_rank]

    def like(self, *values: Array) -> Self:
        """All mass on another value of the same event rank."""
        return type(self)._of(values[0], self.event_rank)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The trailing axes of the value."""
        shape = shape_of(self.value)
        return shape[len(shape) - self.event_rank :]

    @property
    def mean(self) -> Array:
        """The value."""
        return self.value

    @property
    def mode(self) -> Array:
        """The value."""
        return self.value

    @property
    def variance(self) -> Array:
        """Zeros of the value's shape."""
        return 0.0 if type(self.value) is float else as_scalar(namespace(self.value).zeros_like(self.value))

    @property
    def covariance(self) -> Array:
        """Zeros, (*batch, d, d) for vectors."""
        shape = shape_of(self.value)
        return np.zeros((*shape, *shape[-1:]), dtype=getattr(self.value, "dtype", float))

    @property
    def mean_log(self) -> Array:
        """log value."""
        return log(self.value)

    @property
    def mean_log_complement(self) -> Array:
        """log(1 - value)."""
        return log1p(-self.value)

    @property
    def mean_inverse(self) -> Array:
        """1 / value, or the inverse of a matrix."""
        return la.inv(self.value) if self.event_rank == 2 else reciprocal(self.value)

    @property
    def mean_log_det(self) -> Array:
        """log det of a matrix; the log of a number."""
        return la.logdet(self.value) if self.event_rank == 2 else log(self.value)

    def entropy(self) -> Array:
        """Zero by convention: the infinities of point masses are counted, never added.

        Example:
            >>> PointMass(1.0).entropy()
            0.0
        """
        batch = self.batch_shape
        return np.zeros(batch) if batch else 0.0

    def log_pdf(self, x: Array) -> Array:
        """Zero at the value, -inf elsewhere (a probability, not a density).

        Example:
            >>> PointMass(1.0).log_pdf([1.0, 2.0])
            array([  0., -inf])
        """
        same = np.asarray(as_array(x) == self.value)
        axes = tuple(range(-self.event_rank, 0))
        return log(as_scalar((same.all(axis=axes) if axes else same).astype(getattr(self.value, "dtype", float))))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """The value again and again, (n, *batch, *event).

        Example:
            >>> PointMass(1.0).sample(np.random.default_rng(1), 2)
            array([1., 1.])
        """
        return self.value if n is None else np.broadcast_to(self.value, draw_shape(n, shape_of(self.value))).copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt, (type(self), (self.value, self.event_rank))


_set_value = PointMass.value.__set__
_set_rank = PointMass.event_rank.__set__  # type: ignore[attr-defined]
