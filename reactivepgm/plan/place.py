"""Where the rows of an edge lie among the elements of its array, in the cheapest form that says it.

Four forms, from cheap to general: every element once in order (``all``), an arithmetic progression (``slice``), the same
element for every row (``one``), anything else (``any``).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.array import Array
from reactivepgm.numerics.layout import total_over_rows

IntArray = NDArray[np.intp]


class Place:
    """The elements that the rows of an edge refer to, with gather and scatter-add."""

    __slots__ = ("__dict__", "index", "kind", "rows", "size", "window")

    def __init__(self, index: IntArray, size: int) -> None:
        self.index = np.ascontiguousarray(index, dtype=np.intp)
        self.size = size
        self.rows = len(self.index)
        self.window: slice | None = None
        self.kind = self._classify()

    def _classify(self) -> str:
        index, rows = self.index, self.rows
        if rows == 0:
            return "any"
        first = int(index[0])
        if rows == 1:
            self.window = slice(first, first + 1)
            return "all" if self.size == 1 else "slice"
        step = int(index[1]) - first
        if (np.diff(index) == step).all():
            if step == 0:
                self.window = slice(first, first + 1)
                return "one"
            last = first + step * (rows - 1)
            stop = last + (1 if step > 0 else -1)
            self.window = slice(first, None if stop < 0 else stop, step)
            return "all" if step == 1 and first == 0 and rows == self.size else "slice"
        return "any"

    @property
    def selector(self) -> slice | IntArray:
        """What to index an array of elements with: one entry a row, or one for all rows when the place is ``one``."""
        return self.index if self.window is None else self.window

    @cached_property
    def is_injective(self) -> bool:
        """Whether no element is referred to twice."""
        if self.kind in ("all", "slice"):
            return True
        if self.kind == "one":
            return self.rows <= 1
        return len(np.unique(self.index)) == self.rows

    @cached_property
    def _sorted(self) -> tuple[IntArray, IntArray, IntArray]:
        order = np.argsort(self.index, kind="stable")
        elements, starts = np.unique(self.index[order], return_index=True)
        return order, elements, starts

    def add(self, totals: Array, values: Array) -> None:
        """Add the rows' values (rows first) into the elements' totals; repeated elements accumulate pairwise."""
        if self.kind == "all":
            totals += values
        elif self.kind == "slice":
            totals[self.window] += values
        elif self.kind == "one":
            is_shared = values.ndim < totals.ndim or len(values) < self.rows
            totals[self.window] += self.rows * values if is_shared else total_over_rows(values)
        elif self.rows:
            if values.ndim < totals.ndim or len(values) < self.rows:
                values = np.broadcast_to(values, (self.rows, *totals.shape[1:]))
            if self.is_injective:
                totals[self.index] += values
            else:
                order, elements, starts = self._sorted
                totals[elements] += np.add.reduceat(values[order], starts, axis=0)

    def count(self, totals: Array, amount: float = 1.0) -> None:
        """Add ``amount`` to an element's total for every row that refers to it."""
        self.add(totals, np.full((1,), amount))
