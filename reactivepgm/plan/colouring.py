"""Regions that touch through a mean-field cut get different colours, so that those of one colour update together.

A graph is bipartite exactly when no vertex is connected to itself in its double cover (vertices (v, 0) and (v, 1), an
edge i-j gives (i,0)-(j,1) and (i,1)-(j,0)); the cover's components are then the two colours. Otherwise colours come from
rounds of local maxima (Jones & Plassmann 1993, "A parallel graph coloring heuristic").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.deferred import Deferred

IntArray = NDArray[np.intp]

_SPARSE, _GRAPHS = Deferred("scipy.sparse"), Deferred("scipy.sparse.csgraph")


def components(vertices: int, left: IntArray, right: IntArray) -> tuple[int, IntArray]:
    """Connected components of an undirected graph given by its edges; labels count from 0.

    Example:
        >>> components(4, np.array([0, 2]), np.array([1, 3]))[1].tolist()
        [0, 0, 1, 1]
    """
    ones = np.ones(len(left), dtype=np.int8)
    graph = _SPARSE.coo_array((ones, (left, right)), shape=(vertices, vertices))
    number, labels = _GRAPHS.connected_components(graph, directed=False)
    return int(number), labels.astype(np.intp)


def colour(vertices: int, left: IntArray, right: IntArray) -> IntArray:
    """Colours 0, 1, ... such that the ends of every edge differ; two colours wherever two are enough.

    Example:
        >>> colour(4, np.array([0, 1, 2]), np.array([1, 2, 3])).tolist()
        [0, 1, 0, 1]
    """
    apart = left != right
    left, right = left[apart], right[apart]
    _, cover = components(
        2 * vertices, np.concatenate([left, left + vertices]), np.concatenate([right + vertices, right])
    )
    here, there = cover[:vertices], cover[vertices:]
    if len(left) == 0:
        return np.zeros(vertices, dtype=np.intp)
    if (here != there).all():
        return (here > there).astype(np.intp)
    return _local_maxima(vertices, left, right)


def _local_maxima(vertices: int, left: IntArray, right: IntArray) -> IntArray:
    """Greedy colouring in rounds: an uncoloured vertex whose priority beats its uncoloured neighbours' takes a colour."""
    priority = np.random.default_rng(0).permutation(vertices)
    source, target = np.concatenate([left, right]), np.concatenate([right, left])
    colours = np.full(vertices, -1, dtype=np.intp)
    while (colours < 0).any():
        open_edge = (colours[source] < 0) & (colours[target] < 0)
        beaten = np.zeros(vertices, dtype=bool)
        beaten[source[open_edge & (priority[source] < priority[target])]] = True
        chosen = (colours < 0) & ~beaten
        edge = chosen[source] & (colours[target] >= 0)
        pairs = np.unique(np.stack([source[edge], colours[target[edge]]]), axis=1)
        colours[chosen] = _smallest_absent(vertices, pairs[0], pairs[1])[chosen]
    return colours


def _smallest_absent(vertices: int, vertex: IntArray, used: IntArray) -> IntArray:
    """For each vertex the smallest colour not among its used ones; ``(vertex, used)`` is sorted and without repeats."""
    if len(vertex) == 0:
        return np.zeros(vertices, dtype=np.intp)
    starts = np.searchsorted(vertex, vertex)
    rank = np.arange(len(vertex)) - starts
    kept = used == rank
    unbroken = np.ones(len(vertex), dtype=bool)
    broken = np.flatnonzero(~kept)
    if len(broken):
        first = np.full(vertices, len(vertex), dtype=np.intp)
        np.minimum.at(first, vertex[broken], broken)
        unbroken = np.arange(len(vertex)) < first[vertex]
    return np.bincount(vertex[unbroken], minlength=vertices).astype(np.intp)
