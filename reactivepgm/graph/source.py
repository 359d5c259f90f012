"""Where a fixed interface takes its values from: a constant, data, an expression over data, or several of these."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import DataError
from reactivepgm.graph.data_value import fitted
from reactivepgm.graph.variable import VariableArray


class Source(Protocol):
    """Gives an interface's values once the data are there."""

    @property
    def names(self) -> tuple[str, ...]:
        """The data it needs."""

    @property
    def is_rowwise(self) -> bool:
        """Whether the first axis of the value counts rows; else all rows share one value."""

    def read(self, values: Mapping[str, Any]) -> Any:
        """The value, (rows, *event) or (*event)."""

    def canonical(self, rows: int) -> tuple[Any, ...]:
        """What it says, independent of how the model was written; equal for equal graphs."""


def datum(array: VariableArray, values: Mapping[str, Any]) -> Any:
    """The value given for a data array.

    Raises:
        DataError: nothing was given, or something of another shape.
    """
    if array.name not in values:
        raise DataError(array.site.letter(f"no data for {array.name}", write=f'data={{"{array.name}": ...}}'))
    return fitted(array, values[array.name])


class ConstantSource:
    """Values known while the model is built."""

    def __init__(self, value: Any, is_rowwise: bool) -> None:
        self.value = value
        self.is_rowwise = is_rowwise
        self.names: tuple[str, ...] = ()

    def read(self, values: Mapping[str, Any]) -> Any:
        """The value itself."""
        return self.value

    def canonical(self, rows: int) -> tuple[Any, ...]:
        """The value for every row."""
        value = np.asarray(self.value)
        if not self.is_rowwise:
            value = np.broadcast_to(value, (rows, *value.shape))
        return ("constant", value)


class DataSource:
    """Elements of one data array.

    Args:
        array: the data.
        event: shape of one row's value; None while nobody knows.
        index: (rows,) numbers of events in the data seen as (-1, *event); (rows, *event) numbers of scalars where an
            event is no contiguous block; one row's worth of either where all rows share it.
        is_rowwise: whether the index has a row axis.
        is_scattered: whether the index counts scalars.
    """

    def __init__(
        self,
        array: VariableArray,
        event: tuple[int, ...] | None,
        index: NDArray[np.intp] | int,
        is_rowwise: bool,
        is_scattered: bool,
    ) -> None:
        self.array = array
        self.event = event
        self.index = index
        self.is_rowwise = is_rowwise
        self.is_scattered = is_scattered
        self.names = (array.name,)
        self._slice = _as_slice(index) if is_rowwise and not is_scattered else None

    def read(self, values: Mapping[str, Any]) -> Any:
        """The chosen entries of the data."""
        value = datum(self.array, values)
        if not isinstance(value, np.ndarray):
            return value
        if self.is_scattered:
            return value.reshape(-1)[self.index]
        event = value.shape[len(self.array.shape) :] if self.event is None else self.event
        table = value.reshape(-1, *event)
        chosen = table[self._slice if self._slice is not None else self.index]
        return chosen if np.ndim(chosen) else chosen.item() if value.dtype == np.float64 else chosen

    def canonical(self, rows: int) -> tuple[Any, ...]:
        """The data's name and the scalar numbers of every row."""
        index = np.asarray(self.index)
        if not self.is_scattered and self.event is not None:
            block = prod(self.event)
            index = index[..., None] * block + np.arange(block)
            index = index.reshape((*index.shape[:-1], *self.event))
        if not self.is_rowwise:
            index = np.broadcast_to(index, (rows, *index.shape))
        return ("data", self.array.name, index)


def _as_slice(index: Any) -> slice | None:
    """The slice that equals an index array, where one does: slicing copies nothing."""
    if len(index) and np.array_equal(index, np.arange(index[0], index[0] + len(index))):
        return slice(int(index[0]), int(index[0]) + len(index))
    return None


class StackedSource:
    """The K fixed values on one plural interface."""

    def __init__(self, parts: tuple[Source, ...], rows: int) -> None:
        self.parts = parts
        self.rows = rows
        self.is_rowwise = any(part.is_rowwise for part in parts)
        self.names = tuple(dict.fromkeys(name for part in parts for name in part.names))

    def read(self, values: Mapping[str, Any]) -> Any:
        """(rows, K, *event) or (K, *event)."""
        read = [np.asarray(part.read(values)) for part in self.parts]
        if not self.is_rowwise:
            return np.stack(read)
        spread = [
            value if part.is_rowwise else np.broadcast_to(value, (self.rows, *value.shape))
            for part, value in zip(self.parts, read, strict=True)
        ]
        return np.stack(spread, axis=1)

    def canonical(self, rows: int) -> tuple[Any, ...]:
        """What the parts say."""
        return ("stack", *(part.canonical(rows) for part in self.parts))


class SelectedSource:
    """Some of the rows of another source."""

    is_rowwise = True

    def __init__(self, source: Source, rows: NDArray[np.intp]) -> None:
        self.source = source
        self.rows = rows
        self.names = source.names

    def read(self, values: Mapping[str, Any]) -> Any:
        """The chosen rows."""
        return np.asarray(self.source.read(values))[self.rows]

    def canonical(self, rows: int) -> tuple[Any, ...]:
        """What the source says, of the chosen rows."""
        return _chosen(self.source.canonical(int(self.rows.max(initial=0)) + 1), self.rows)


def _chosen(part: tuple[Any, ...], rows: NDArray[np.intp]) -> tuple[Any, ...]:
    """Arrays restricted to rows, the rest as it is."""
    return tuple(
        item[rows] if isinstance(item, np.ndarray) else _chosen(item, rows) if isinstance(item, tuple) else item
        for item in part
    )
