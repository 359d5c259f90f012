"""Messages at variables as sums of natural parameters, and the product of all but one of them.

The cavity of an edge is a prefix sum plus a suffix sum over the edges of its variable, never "total minus own": with
precisions of 1e16 beside 1 the difference keeps no digit of the 1. Variables are bucketed by degree (next power of two)
so that prefixes run along an axis of a padded table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.array import Array
from reactivepgm.numerics.layout import is_by_batch, taken, zeros_by_batch

IntArray = NDArray[np.intp]

_FEW = 16
"""Up to how many edges sums run over them one by one."""


class Exclusive:
    """Sums over all edges of a variable but one, for chosen edges; ``variables[e]`` is the variable of edge ``e``."""

    def __init__(self, variables: IntArray, wanted: IntArray | None = None) -> None:
        edges = len(variables)
        self.wanted = np.arange(edges) if wanted is None else wanted
        involved = np.unique(variables[self.wanted])
        order = np.argsort(variables, kind="stable")
        ranked = variables[order]
        start, stop = np.searchsorted(ranked, involved), np.searchsorted(ranked, involved, side="right")
        degree = stop - start
        self._padding = edges
        self._position = np.zeros(edges, dtype=np.intp)
        self._tables: list[IntArray] = []
        offset = 0
        width = 1
        while len(degree) and width < 2 * degree.max():
            inside = (degree <= width) & (degree > width // 2)
            if inside.any():
                columns = start[inside] + np.arange(width)[:, None]
                real = columns < stop[inside]
                table = np.where(real, order[np.minimum(columns, max(edges - 1, 0))], edges)
                self._position[table[real]] = offset + np.flatnonzero(real.ravel())
                self._tables.append(table)
                offset += table.size
            width *= 2
        self._chosen = self._position[self.wanted]

    def __call__(self, values: Array) -> Array:
        """The sums for the wanted edges; ``values`` has the edges first, and its layout is kept."""
        event = values.shape[1:]
        # The edges' axis is the last where it is contiguous in memory, else the first.
        by_batch = values.ndim == 2 and is_by_batch(values)
        rows = values.T if by_batch else values
        axis = 1 if by_batch else 0
        nothing = np.zeros((*event, 1) if by_batch else (1, *event), dtype=values.dtype)
        padded = np.concatenate([rows, nothing], axis=axis)
        parts = []
        for table in self._tables:
            gathered = padded.take(table, axis=axis)
            others = np.empty_like(gathered)
            _all_but_one(np.moveaxis(gathered, axis, 0), np.moveaxis(others, axis, 0))
            parts.append(others.reshape((*event, -1) if by_batch else (-1, *event)))
        if not parts:
            return np.zeros((0, *event), dtype=values.dtype)
        sums = (parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)).take(self._chosen, axis=axis)
        return sums.T if by_batch else sums


def _all_but_one(terms: Array, others: Array) -> None:
    """Sums of all terms along the first axis but each own one: loops over few terms, vectors over the rest."""
    width = len(terms)
    if width > _FEW:
        others[0] = 0.0
        np.cumsum(terms[:-1], axis=0, out=others[1:])
        others[:-1] += np.cumsum(terms[:0:-1], axis=0)[::-1]
        return
    others[-1] = 0.0
    for k in range(width - 2, -1, -1):
        np.add(others[k + 1], terms[k + 1], out=others[k])
    before = terms[0]
    for k in range(1, width):
        others[k] += before
        if k < width - 1:
            before = before + terms[k]


class Totals:
    """Sums over the edges of each variable (edges first), pairwise within a variable; prepared once.

    Example:
        >>> Totals(np.array([0, 2, 0]), 3)(np.array([1.0, 2.0, 3.0]))
        array([4., 0., 2.])
    """

    def __init__(self, variables: IntArray, size: int) -> None:
        self._size = size
        self._order = np.argsort(variables, kind="stable")
        self._elements, self._starts = np.unique(variables[self._order], return_index=True)

    def __call__(self, values: Array) -> Array:
        """The sums, in the layout of the values."""
        result = zeros_by_batch((self._size, *values.shape[1:]))
        if len(self._order):
            ranked = taken(values, self._order)
            by_batch = ranked.ndim == 2 and is_by_batch(ranked)
            sums = np.add.reduceat(ranked.T, self._starts, axis=1).T if by_batch else np.add.reduceat(ranked, self._starts)
            result[self._elements] = sums
        return result


def concatenate_indices(parts: Sequence[IntArray]) -> IntArray:
    """One index array from several, empty when there are none."""
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.intp)
