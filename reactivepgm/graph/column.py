"""A binding under construction: rows are appended one by one from a loop, or many at once from a vector statement."""

from __future__ import annotations

from math import prod
from typing import Any, Protocol

import numpy as np

from reactivepgm.graph.binding import Binding, FixedBinding, MixedBinding, RandomBinding
from reactivepgm.graph.buffer import Buffer
from reactivepgm.graph.derived import Derived, DerivedSource, source_of_rows
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site
from reactivepgm.graph.source import ConstantSource, DataSource, Source
from reactivepgm.graph.variable import VariableArray
from reactivepgm.nodes import Node

_NUMBERS = frozenset({float, int, np.float64, np.int64})
_UNCHANGING = frozenset({tuple, Reference})


class Column(Protocol):
    """One interface's rows so far."""

    def take(self, argument: Any, rows: int) -> bool:
        """Append one row if the argument is of this column's kind; ``rows`` is the number of rows before it."""

    def truncate(self, rows: int) -> None:
        """Drop what ``take`` appended after the first ``rows`` rows."""


class RandomColumn:
    """References into one random array."""

    __slots__ = ("array", "buffer")

    def __init__(self, array: VariableArray) -> None:
        self.array = array
        self.buffer = Buffer()

    def take(self, argument: Any, rows: int) -> bool:
        """Append a single element."""
        if type(argument) is Reference and argument.array is self.array and not argument.shape:
            self.buffer.items.append(argument.first)
            return True
        return False

    def take_element(self, array: VariableArray, element: int) -> bool:
        """Append a single element, by its number."""
        if array is self.array:
            self.buffer.items.append(element)
            return True
        return False

    def truncate(self, rows: int) -> None:
        """Drop the last rows."""
        self.buffer.truncate(rows)

    def extend(self, reference: Reference, shape: tuple[int, ...]) -> None:
        """Append a reference, broadcast to the statement's rows."""
        if shape == ():
            self.buffer.items.append(reference.first)
        else:
            self.buffer.extend(np.broadcast_to(reference.elements, shape).ravel())


class ConstantColumn:
    """Constants of one event shape; a value that never changes is kept once.

    The same object is the same value, unless it is a writable array that was changed in place since.
    """

    __slots__ = ("event", "rowwise", "shared", "snapshot", "source")

    def __init__(self, event: tuple[int, ...]) -> None:
        self.event = event
        self.source: Any = None
        self.shared: Any = None
        self.snapshot: bytes | None = None
        self.rowwise: Buffer | None = None

    def take(self, argument: Any, rows: int) -> bool:
        """Append the very object of the last row, a float, or an array of the same shape."""
        if argument is self.source:
            if self.snapshot is not None and argument.tobytes() != self.snapshot:
                return False
            if self.rowwise is not None:
                self.rowwise.items.append(self.shared)
            return True
        if type(argument) in _NUMBERS and self.event == ():
            self._append(float(argument), rows)
            self.source, self.snapshot = argument, None
            return True
        if type(argument) is np.ndarray and argument.shape == self.event and argument.dtype == np.float64 and rows:
            self._append(argument.copy(), rows)
            self.source = None
            return True
        return False

    def truncate(self, rows: int) -> None:
        """Drop the last rows."""
        if self.rowwise is not None:
            self.rowwise.truncate(rows)

    def extend(self, source: Any, value: Any, is_rowwise: bool, shape: tuple[int, ...], rows: int) -> None:
        """Append a constant: one for all rows of the statement, or one a row."""
        count = prod(shape)
        if is_rowwise:
            whole = np.broadcast_to(value, (*shape, *self.event))
            self._spread(rows).extend(whole.reshape(count, *self.event))
            self.source, self.snapshot = None, None
            return
        if shape == ():
            self._append(value, rows)
        elif rows == 0:
            self.shared = value
        elif self.rowwise is not None or not _equal(value, self.shared):
            self._spread(rows).extend(np.broadcast_to(value, (count, *self.event)))
            self.shared = value
        writable = isinstance(source, np.ndarray) and source.flags.writeable
        self.source = source if writable or not isinstance(source, list) else None
        self.snapshot = source.tobytes() if writable else None

    def _append(self, value: Any, rows: int) -> None:
        if rows == 0:
            self.shared = value
        elif self.rowwise is not None:
            self.rowwise.items.append(value)
            self.shared = value
        elif not _equal(value, self.shared):
            self._spread(rows).items.append(value)
            self.shared = value

    def _spread(self, rows: int) -> Buffer:
        """From one value for all rows to one a row."""
        if self.rowwise is None:
            self.rowwise = Buffer()
            if rows:
                self.rowwise.extend(np.broadcast_to(np.asarray(self.shared), (rows, *self.event)))
        return self.rowwise

    def settled(self) -> Source:
        """The rows as a source."""
        if self.rowwise is None:
            return ConstantSource(self.shared, False)
        return ConstantSource(self.rowwise.array(), True)


def _equal(left: Any, right: Any) -> bool:
    return left is right or (np.shape(left) == np.shape(right) and bool(np.all(np.equal(left, right))))


class DataColumn:
    """Elements of one data array, as blocks of one event shape."""

    __slots__ = ("array", "block", "buffer", "event")

    def __init__(self, array: VariableArray, event: tuple[int, ...] | None) -> None:
        self.array = array
        self.event = event
        self.block = prod(event or ()) or 1
        self.buffer = Buffer()

    def take(self, argument: Any, rows: int) -> bool:
        """Append one contiguous block."""
        if (
            type(argument) is Reference
            and argument.array is self.array
            and argument.shape == (self.event or ())
            and argument.numbers is None
        ):
            self.buffer.items.append(argument.first)
            return True
        return False

    def take_element(self, array: VariableArray, element: int) -> bool:
        """Append a single datum, by its number."""
        if array is self.array and not self.event:
            self.buffer.items.append(element)
            return True
        return False

    def truncate(self, rows: int) -> None:
        """Drop the last rows."""
        self.buffer.truncate(rows)

    def extend(self, reference: Reference, rank: int, shape: tuple[int, ...]) -> None:
        """Append a reference whose last ``rank`` axes are the event."""
        if shape == () and reference.numbers is None:
            self.buffer.items.append(reference.first)
            return
        elements = reference.elements
        corner: Any = (..., *(0,) * rank)
        first = elements[corner]
        self.buffer.extend(np.broadcast_to(first, shape).ravel())

    def settled(self, rows: int) -> Source:
        """The rows as a source; rows that all refer to one datum share it."""
        index = self.buffer.array(np.intp) // self.block
        if rows == 1 or (index == index[0]).all():
            return DataSource(self.array, self.event, int(index[0]), False, False)
        return DataSource(self.array, self.event, index, True, False)


class ScatteredColumn:
    """Elements of one data array whose events are no contiguous blocks, such as ``y[:, 0]`` as a vector."""

    __slots__ = ("array", "buffer", "event")

    def __init__(self, array: VariableArray, event: tuple[int, ...]) -> None:
        self.array = array
        self.event = event
        self.buffer = Buffer()

    def take(self, argument: Any, rows: int) -> bool:
        """Nothing: scattered events are appended by ``extend``."""
        return False

    def take_element(self, array: VariableArray, element: int) -> bool:
        """Nothing: one number says too little about an event."""
        return False

    def truncate(self, rows: int) -> None:
        """Nothing was taken."""

    def extend(self, reference: Reference, rank: int, shape: tuple[int, ...]) -> None:
        """Append a reference whose last ``rank`` axes are the event."""
        self.buffer.extend(np.broadcast_to(reference.elements, (*shape, *self.event)).reshape(-1, *self.event))

    def settled(self, rows: int) -> Source:
        """The rows as a source."""
        index = self.buffer.array(np.intp)
        if rows == 1:
            return DataSource(self.array, self.event, index[0], False, True)
        return DataSource(self.array, self.event, index, True, True)


class DerivedColumn:
    """Expressions over data: one a row, or one for a whole vector statement.

    Args:
        layout: of one expression for all rows, the statement's shape and the number of event axes; else None.
    """

    __slots__ = ("expressions", "layout")

    def __init__(self, layout: tuple[tuple[int, ...], int] | None) -> None:
        self.expressions: list[Any] = []
        self.layout = layout

    def take(self, argument: Any, rows: int) -> bool:
        """Append one scalar expression."""
        if type(argument) is Derived and self.layout is None and argument.shape == ():
            self.expressions.append(argument)
            return True
        return False

    def truncate(self, rows: int) -> None:
        """Drop the last rows."""
        if self.layout is None:
            del self.expressions[rows:]

    def extend(self, expression: Derived, count: int) -> None:
        """Append an expression for ``count`` rows."""
        self.expressions.extend([expression] * (count if self.layout is None else 1))

    def settled(self, rows: int) -> Source:
        """The rows as a source."""
        if self.layout is not None:
            return DerivedSource(self.expressions, True, self.layout)
        return source_of_rows(self.expressions)


class PluralColumn:
    """The K arguments on a plural interface, each a column of its own.

    The same variables in row after row, ``m`` of ``NormalMixture(z[i], m, w)``, are counted and not taken apart again.
    """

    __slots__ = ("_first", "_parts", "_repeated", "_repeats", "_same")

    def __init__(self, parts: list[Any]) -> None:
        self._parts = parts
        self._same: Any = None
        self._repeated: list[int] = []
        self._first = self._repeats = 0

    @property
    def parts(self) -> list[Any]:
        """The columns, every row in them."""
        if self._repeats:
            for part, element in zip(self._parts, self._repeated, strict=True):
                part.buffer.extend(np.full(self._repeats, element))
            self._repeats = 0
        return self._parts

    def take(self, argument: Any, rows: int) -> bool:
        """Append one row of K arguments."""
        if argument is self._same and argument is not None:
            if not self._repeats:
                self._first = rows
            self._repeats += 1
            return True
        values = argument
        if isinstance(argument, Reference):
            values = tuple(argument) if argument.ndim == 1 else ()
        parts = self.parts
        if type(values) not in (tuple, list) or len(values) != len(parts):
            return False
        for part, value in zip(parts, values, strict=True):
            if not part.take(value, rows):
                return False
        if type(argument) in _UNCHANGING and all(type(part) is RandomColumn for part in parts):
            self._same, self._repeated = argument, [value.first for value in values]
        return True

    def truncate(self, rows: int) -> None:
        """Drop the last rows."""
        if self._repeats:
            self._repeats = rows - self._first
        else:
            for part in self._parts:
                part.truncate(rows)


def settled(column: Any, rows: int, node: Node, interface: str, site: Site) -> Binding:
    """The finished binding of a column."""
    if isinstance(column, RandomColumn):
        return RandomBinding((column.array,), column.buffer.array(np.intp))
    if isinstance(column, PluralColumn):
        return _plural(column, rows, node, interface, site)
    return FixedBinding(_source(column, rows), rows, node, interface, site)


def _source(column: Any, rows: int) -> Source:
    source: Source = column.settled() if isinstance(column, ConstantColumn) else column.settled(rows)
    if rows == 1 and isinstance(source, ConstantSource) and source.is_rowwise:
        value = source.value[0]
        return ConstantSource(float(value) if value.ndim == 0 and value.dtype == np.float64 else value, False)
    return source


def _plural(column: PluralColumn, rows: int, node: Node, interface: str, site: Site) -> Binding:
    parts: list[RandomBinding | FixedBinding] = []
    for part in column.parts:
        if isinstance(part, RandomColumn):
            parts.append(RandomBinding((part.array,), part.buffer.array(np.intp)))
        else:
            parts.append(FixedBinding(_source(part, rows), rows, node, interface, site))
    return MixedBinding.of(parts, rows, node, interface, site)
