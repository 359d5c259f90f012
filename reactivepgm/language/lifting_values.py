"""What an expression is while its loop is lifted: one value for each turn, kept as an array over all turns.

The turns of nested loops form a grid, one axis a loop. A lifted value has one leading axis for each loop around it, of
length 1 where the value does not depend on that loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.graph import ConstantReference, Derived, Reference, VariableArray

Grid = tuple[int, ...]


class CannotLift(Exception):  # noqa: N818 - no error, a verdict
    """Only turn by turn is it certain to mean the same."""


class Lifted:
    """A value for each turn.

    Args:
        table: (*grid, *rest), grid axes of length 1 where nothing changes.
        depth: the number of grid axes.
        at: the value of one turn, as Python would have it.
    """

    __slots__ = ("at", "depth", "table")

    def __init__(self, table: NDArray[Any], depth: int, at: Callable[[Grid], Any] | None = None) -> None:
        self.table = table
        self.depth = depth
        self.at = self._entry if at is None else at

    def _entry(self, turn: Grid) -> Any:
        return self.table[self.cell(turn)]

    def cell(self, turn: Grid) -> Grid:
        """Where a turn's value stands in the table."""
        return tuple(0 if size == 1 else place for size, place in zip(self.table.shape, turn[: self.depth], strict=False))

    @property
    def rest(self) -> Grid:
        """The shape of one turn's value."""
        return self.table.shape[self.depth :]

    @property
    def first(self) -> Any:
        """The value of the first turn."""
        return self.at((0,) * self.depth)

    @property
    def last(self) -> Any:
        """The value of the last turn."""
        return self.at((-1,) * self.depth)

    def aligned(self, depth: int) -> NDArray[Any]:
        """The table with an axis for every loop around a deeper place."""
        shape = self.table.shape
        return self.table.reshape(*shape[: self.depth], *(1,) * (depth - self.depth), *shape[self.depth :])

    def flat(self, grid: Grid) -> NDArray[Any]:
        """(turns, *rest): a row for each turn, in the order of the turns."""
        table = self.aligned(len(grid))
        shape = (*grid, *self.rest)
        return (table if table.shape == shape else np.broadcast_to(table, shape)).reshape(prod(grid), *self.rest)

    def turns(self, grid: Grid) -> Iterable[Any]:
        """The values turn by turn."""
        return map(self.at, np.ndindex(*grid))


class Index(Lifted):
    """Whole numbers that are computed from loop variables."""

    __slots__ = ()

    def __init__(self, table: NDArray[Any], depth: int) -> None:
        super().__init__(table, depth)

    def _entry(self, turn: Grid) -> int:
        return int(self.table[self.cell(turn)])


class Numbers(Lifted):
    """Constants: a row of an array, or an item of a list, for each turn."""

    __slots__ = ()


class Elements(Lifted):
    """References into one array of variables; the table holds element numbers."""

    __slots__ = ("array",)

    def __init__(self, array: VariableArray, table: NDArray[Any], depth: int, at: Callable[[Grid], Any] | None = None) -> None:
        super().__init__(table, depth, at)
        self.array = array

    def _entry(self, turn: Grid) -> Reference:
        return Reference(self.array, int(self.table[self.cell(turn)]), ())

    def turns(self, grid: Grid) -> Iterable[Any]:
        """The references turn by turn."""
        if self.rest:
            return super().turns(grid)
        return [Reference(self.array, number, ()) for number in self.flat(grid).tolist()]


class Objects(Lifted):
    """Expressions over data, one object a turn."""

    __slots__ = ()

    def __init__(self, values: list[Any], grid: Grid) -> None:
        super().__init__(np.fromiter(values, dtype=object, count=len(values)).reshape(grid), len(grid))

    def turns(self, grid: Grid) -> Iterable[Any]:
        """The expressions turn by turn."""
        return self.flat(grid)


def item(container: Any, key: Any, grid: Grid) -> Any:
    """``container[key]`` where the container or the key is lifted.

    Raises:
        CannotLift: an index or a container for which one look-up cannot stand for all.
    """
    depth = len(grid)
    parts = key if type(key) is tuple else (key,)
    for part in parts:
        if not isinstance(part, Index) and type(part) not in (int, slice) and not _is_index(part):
            raise CannotLift
    at = _looked_up(container, key)
    if type(container) is ConstantReference:
        container = container.value
    if type(container) is Reference:
        return Elements(container.array, _chosen(container.elements, parts, depth), depth, at)
    if type(container) is np.ndarray and container.dtype in (np.float64, np.int64):
        return Numbers(_chosen(container, parts, depth), depth, at)
    if type(container) in (list, tuple) and len(parts) == 1 and isinstance(key, Index):
        return Numbers(_chosen(as_table(container), parts, depth), depth, at)
    if isinstance(container, (Elements, Numbers)):
        lead = np.ix_(*map(np.arange, container.table.shape[: container.depth]))
        lead = tuple(part.reshape(*part.shape, *(1,) * (depth - container.depth)) for part in lead)
        chosen = _chosen(container.table, (*lead, *parts), depth)
        return Elements(container.array, chosen, depth, at) if isinstance(container, Elements) else Numbers(chosen, depth, at)
    if isinstance(container, (Derived, Objects)):
        indices = [as_turns(part, grid) for part in parts]
        keys = zip(*indices, strict=False) if type(key) is tuple else indices[0]
        return Objects([one[where] for one, where in zip(as_turns(container, grid), keys, strict=False)], grid)
    raise CannotLift


def _is_index(value: Any) -> bool:
    """Whether a constant's whole numbers are used as an index, as in ``mu[group[t]]``."""
    return isinstance(value, Numbers) and value.rest == () and value.table.dtype == np.int64


def _looked_up(container: Any, key: Any) -> Callable[[Grid], Any]:
    def at(turn: Grid) -> Any:
        return at_turn(container, turn)[at_turn(key, turn)]

    return at


def as_turns(value: Any, grid: Grid) -> Iterable[Any]:
    """A value for every turn, be it lifted or not."""
    return value.turns(grid) if isinstance(value, Lifted) else repeat(value, prod(grid))


def at_turn(value: Any, turn: Grid) -> Any:
    """What a value, or a tuple or list with lifted parts, is in one turn."""
    if isinstance(value, Lifted):
        return value.at(turn)
    if type(value) in (tuple, list) and is_lifted(value):
        return type(value)(at_turn(part, turn) for part in value)
    return value


def is_lifted(value: Any) -> bool:
    """Whether a value changes from turn to turn."""
    if type(value) in (tuple, list):
        return any(is_lifted(part) for part in value)
    return isinstance(value, Lifted)


def as_table(values: Any) -> NDArray[Any]:
    """A list of plain numbers of one type as an array.

    Raises:
        CannotLift: anything else.
    """
    kinds = set(map(type, values))
    if kinds == {float} or (kinds == {int} and all(abs(v) < 2**62 for v in values)):
        return np.array(values)
    raise CannotLift


def _chosen(table: NDArray[Any], parts: tuple[Any, ...], depth: int) -> NDArray[Any]:
    """Advanced indexing whose common axes are the grid's and come first."""
    keys: list[Any] = [part.aligned(depth) if isinstance(part, Lifted) else part for part in parts]
    places = [i for i, k in enumerate(keys) if not isinstance(k, slice)]
    if not places or places != list(range(places[0], places[-1] + 1)) or any(is_lifted_slice(k) for k in keys):
        raise CannotLift
    chosen: NDArray[Any] = table[tuple(keys)]
    if places[0] == 0:
        return chosen
    return np.moveaxis(chosen, range(places[0], places[0] + depth), range(depth))


def is_lifted_slice(key: Any) -> bool:
    """Whether a slice's bounds depend on the turn."""
    return isinstance(key, slice) and any(isinstance(b, Lifted) for b in (key.start, key.stop, key.step))
