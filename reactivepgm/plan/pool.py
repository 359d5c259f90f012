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

IntArray = NDArray[np.intp]


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
                columns = start[inside, None] + np.arange(width)
                real = columns < stop[inside, None]
                table = np.where(real, order[np.minimum(columns, max(edges - 1, 0))], edges)
                self._position[table[real]] = offset + np.flatnonzero(real.ravel())
                self._tables.append(table)
                offset += table.size
            width *= 2

    def __call__(self, values: Array) -> Array:
        """The sums for the wanted edges; ``values`` has the edges first."""
        padded = np.concatenate([values, np.zeros((1, *values.shape[1:]), dtype=values.dtype)])
        parts = []
        for table in self._tables:
            gathered = padded[table]
            before = np.zeros_like(gathered)
            after = np.zeros_like(gathered)
            np.cumsum(gathered[:, :-1], axis=1, out=before[:, 1:])
            after[:, :-1] = np.cumsum(gathered[:, :0:-1], axis=1)[:, ::-1]
            parts.append((before + after).reshape(-1, *values.shape[1:]))
        if not parts:
            return np.zeros((0, *values.shape[1:]), dtype=values.dtype)
        return np.concatenate(parts)[self._position[self.wanted]]


def totals(variables: IntArray, size: int, values: Array) -> Array:
    """Sums over the edges of each variable (edges first), pairwise within a variable."""
    result = np.zeros((size, *values.shape[1:]), dtype=values.dtype)
    if len(variables):
        order = np.argsort(variables, kind="stable")
        elements, starts = np.unique(variables[order], return_index=True)
        result[elements] = np.add.reduceat(values[order], starts, axis=0)
    return result


def concatenate_indices(parts: Sequence[IntArray]) -> IntArray:
    """One index array from several, empty when there are none."""
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.intp)
