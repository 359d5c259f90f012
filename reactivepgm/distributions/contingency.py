"""A joint belief over several categories as a table of probabilities."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import numpy as np

from reactivepgm.distributions.base import Distribution, rebuilt
from reactivepgm.distributions.categorical import Categorical
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import Array, as_array, as_scalar, shape_of
from reactivepgm.numerics.elementary import log
from reactivepgm.numerics.special import xlogy


class Contingency(Distribution):
    """A joint table: axis i of the event counts the categories of variable i.

    Args:
        p: (*batch, K1, K2, ...), normalised over the event axes.
        event_rank: how many trailing axes are the table; by default all of them.

    Example:
        >>> table = Contingency([[0.1, 0.2], [0.3, 0.4]])
        >>> table.marginal(0)
        Categorical(p=[0.3, 0.7])
    """

    __slots__ = ("event_rank", "p")
    parameter_ranks: ClassVar[dict[str, int]] = {"p": 2}
    p: Array
    event_rank: int

    @classmethod
    def _of(cls, *values: Any) -> Self:
        p = values[0]
        self = object.__new__(cls)
        object.__setattr__(self, "p", p)
        object.__setattr__(self, "event_rank", values[1] if len(values) > 1 else p.ndim)
        return self

    @classmethod
    def _checked(cls, p: Array, event_rank: int | None = None) -> Self:
        p = as_array(p)
        axes = len(shape_of(p))
        rank = axes if event_rank is None else event_rank
        if rank < 1 or axes < rank:
            raise InvalidParameterError(f"Contingency: p must have at least {max(rank, 1)} axes, not {shape_of(p)}")
        return cls._of(p, rank)

    @property
    def _ranks(self) -> tuple[int, ...]:
        return (self.event_rank,)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The axes before the event."""
        shape: tuple[int, ...] = self.p.shape
        return shape[: len(shape) - self.event_rank]

    def like(self, *values: Array) -> Self:
        """Another table with the same event rank."""
        return type(self)._of(values[0], self.event_rank)

    @property
    def table_shape(self) -> tuple[int, ...]:
        """(K1, K2, ...)."""
        return tuple(self.p.shape[self.p.ndim - self.event_rank :])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(number of variables,): a value is a vector of category numbers."""
        return (self.event_rank,)

    @property
    def probabilities(self) -> Array:
        """p."""
        return self.p

    def marginal(self, axis: int | Iterable[int]) -> "Categorical | Contingency":
        """The belief about one variable, or about several: the other axes are summed out.

        Args:
            axis: event axis, counted from 0; several give a table whose axes are in that order.

        Example:
            >>> Contingency(np.full((2, 3, 4), 1 / 24)).marginal((2, 0)).table_shape
            (4, 2)
        """
        rank = self.event_rank
        kept = [axis] if isinstance(axis, int) else list(axis)
        kept = [k % rank for k in kept]
        others = tuple(k - rank for k in range(rank) if k not in kept)
        p = self.p.sum(axis=others) if others else self.p
        if isinstance(axis, int):
            return Categorical._of(p)
        ranked = sorted(kept)
        order = [ranked.index(k) - len(kept) for k in kept]
        return Contingency._of(np.moveaxis(p, order, range(-len(kept), 0)), len(kept))

    def _moment(self, power: int) -> Array:
        each = []
        for axis in range(self.event_rank):
            p = self.marginal(axis).probabilities
            each.append((p * np.arange(p.shape[-1], dtype=p.dtype) ** power).sum(axis=-1))
        return np.stack(each, axis=-1)

    @property
    def mean(self) -> Array:
        """The mean category number of each variable, (*batch, variables)."""
        return self._moment(1)

    @property
    def variance(self) -> Array:
        """The variance of each variable's category number, (*batch, variables)."""
        return self._moment(2) - self._moment(1) ** 2

    @property
    def mode(self) -> Array:
        """The most probable combination, (*batch, variables) of ints."""
        flat = self.p.reshape(*self.batch_shape, -1)
        return np.stack(np.unravel_index(flat.argmax(axis=-1), self.table_shape), axis=-1)

    def entropy(self) -> Array:
        """-sum p log p over the table.

        Example:
            >>> bool(np.isclose(Contingency(np.full((2, 2), 0.25)).entropy(), np.log(4.0)))
            True
        """
        return as_scalar(-xlogy(self.p, self.p).sum(axis=tuple(range(-self.event_rank, 0))))

    def log_pdf(self, x: Array) -> Array:
        """log p of a combination of category numbers, x (..., variables).

        Example:
            >>> bool(np.isclose(Contingency([[0.1, 0.2], [0.3, 0.4]]).log_pdf([1, 0]), np.log(0.3)))
            True
        """
        number = np.asarray(x, dtype=np.intp)
        batch = self.batch_shape
        rows = np.broadcast_shapes(number.shape[:-1], batch)
        cell = np.broadcast_to(np.ravel_multi_index(tuple(np.moveaxis(number, -1, 0)), self.table_shape), rows)
        flat = np.broadcast_to(self.p.reshape(*batch, -1), (*rows, self.p[(0,) * len(batch)].size))
        return log(as_scalar(np.take_along_axis(flat, cell[..., None], -1)[..., 0]))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Combinations of category numbers, (n, *batch, variables) of ints.

        Example:
            >>> Contingency([[0.0, 1.0]]).sample(np.random.default_rng(1), 2).tolist()
            [[0, 1], [0, 1]]
        """
        batch = self.batch_shape
        cumulative = np.cumsum(self.p.reshape(*batch, -1), axis=-1)
        level = rng.random(draw_shape(n, batch)) * cumulative[..., -1]
        cell = (cumulative <= np.asarray(level)[..., None]).sum(axis=-1)
        return np.stack(np.unravel_index(cell, self.table_shape), axis=-1)

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt, (type(self), (self.p, self.event_rank))
