"""Sums over segments given by an index array, and the sums of all members of a segment but one.

sum_s        = sum of values[e] over the edges e with index[e] = s
all_but_e    = (sum before e) + (sum after e)  inside e's segment; never sum_s - values[e], which cancels
"""

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.array import Array


class Segments:
    """An index array prepared for many sums.

    Args:
        index: (edges,) the segment of each edge.
        size: how many segments there are.

    Example:
        >>> segments = Segments(np.array([0, 1, 0]), 2)
        >>> segments.sum(np.array([1.0, 2.0, 3.0]))
        array([4., 2.])
        >>> segments.all_but_own(np.array([1.0, 2.0, 3.0]))
        array([3., 0., 1.])
    """

    __slots__ = ("_is_permutation", "_order", "_positions", "_starts", "_tables", "index", "size")

    def __init__(self, index: NDArray[np.intp], size: int) -> None:
        self.index = np.asarray(index, dtype=np.intp)
        self.size = size
        edges = len(self.index)
        self._order = np.argsort(self.index, kind="stable")
        ranked = self.index[self._order]
        first = np.ones(edges, dtype=bool)
        first[1:] = ranked[1:] != ranked[:-1]
        self._starts = np.flatnonzero(first)
        self._is_permutation = len(self._starts) == edges
        self._tables: list[NDArray[np.intp]] | None = None
        self._positions = np.zeros(0, dtype=np.intp)

    def sum(self, values: Array) -> Array:
        """The sum of each segment: (edges, *event) gives (size, *event); empty segments are zero."""
        result = np.zeros((self.size, *values.shape[1:]), dtype=values.dtype)
        if len(self._starts):
            ranked = values[self._order]
            segments = self.index[self._order[self._starts]]
            result[segments] = ranked if self._is_permutation else np.add.reduceat(ranked, self._starts, axis=0)
        return result

    def all_but_own(self, values: Array) -> Array:
        """For each edge the sum over the other edges of its segment, by prefix and suffix sums; zero if it is alone."""
        if self._tables is None:
            self._tables = self._bucket()
        if not len(self.index):
            return values.copy()
        padded = np.concatenate([values, np.zeros((1, *values.shape[1:]), dtype=values.dtype)])
        parts = []
        for table in self._tables:
            gathered = padded[table]
            others = np.zeros_like(gathered)
            others[:, 1:] = np.cumsum(gathered[:, :-1], axis=1)
            others[:, :-1] += np.cumsum(gathered[:, :0:-1], axis=1)[:, ::-1]
            parts.append(others.reshape(-1, *values.shape[1:]))
        return np.concatenate(parts)[self._positions]

    def _bucket(self) -> list[NDArray[np.intp]]:
        """Tables of edge numbers, segments of similar length together, padded to a power of two."""
        edges = len(self.index)
        stops = np.append(self._starts[1:], edges)
        lengths = stops - self._starts
        tables: list[NDArray[np.intp]] = []
        self._positions = np.zeros(edges, dtype=np.intp)
        offset, width = 0, 1
        while edges and width < 2 * int(lengths.max()):
            chosen = (lengths <= width) & (lengths > width // 2)
            if chosen.any():
                places = self._starts[chosen, None] + np.arange(width)
                real = places < stops[chosen, None]
                table = np.where(real, self._order[np.minimum(places, edges - 1)], edges)
                self._positions[table[real]] = offset + np.flatnonzero(real)
                tables.append(table)
                offset += table.size
            width *= 2
        return tables


def segment_sum(values: Array, index: NDArray[np.intp], size: int) -> Array:
    """The sum of each segment, once; see ``Segments`` for many sums over one index.

    Example:
        >>> segment_sum(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 0]), 3)
        array([4., 2., 0.])
    """
    return Segments(index, size).sum(values)


def all_but_own(values: Array, index: NDArray[np.intp], size: int) -> Array:
    """For each edge the sum over the other edges of its segment.

    Example:
        >>> all_but_own(np.array([1.0, 1e16, 3.0]), np.array([0, 0, 0]), 1)[1]
        np.float64(4.0)
    """
    return Segments(index, size).all_but_own(values)
