"""How a model falls into shards: shared variables, plates that do not touch without them, and what is global.

Elements that many rows touch are *shared*: means, precisions, weights, coefficients. Without them the rows and elements fall
into connected components; a component is one turn of the plates, with everything in it. Components of small families only,
such as the priors of what is shared, are *global* and stay with the shared elements; the others make the shards, of about
equally many rows, and neighbours stay neighbours.

What counts as many is looked for: from a quarter of a shard's rows downwards, until no component outgrows a shard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import ModelError
from reactivepgm.plan.colouring import components
from reactivepgm.plan.pool import concatenate_indices
from reactivepgm.plan.structure import Edge, Structure

IntArray = NDArray[np.intp]
Bools = NDArray[np.bool_]

_SHARE = 0.25
"""The part of a shard's rows that an element must be in, to be shared at first."""
_LARGEST = 1.5
"""How much larger than the average shard a component may be."""
_FEW = 16
"""So many elements may always be shared."""
GLOBAL = -1


@dataclass(frozen=True, eq=False)
class Division:
    """Where everything goes.

    Attributes:
        shards: how many there are.
        shared: by array, (size,) True for the shared elements.
        elements: by array, (size,) the shard of every element; -1: global or shared.
        rows: by family id, (rows,) the shard of every row; -1: global.
    """

    shards: int
    shared: tuple[Bools, ...]
    elements: tuple[IntArray, ...]
    rows: dict[int, IntArray]

    def part(self, shard: int) -> tuple[dict[int, IntArray], dict[int, IntArray]]:
        """The rows by family id and the elements by array of a shard (or the global part); shared elements are in all."""
        rows = {id: found for id, where in self.rows.items() if len(found := np.flatnonzero(where == shard))}
        elements = {
            array: found
            for array, (where, shared) in enumerate(zip(self.elements, self.shared, strict=True))
            if len(found := np.flatnonzero(shared | (where == shard)))
        }
        return rows, elements


def divided(structure: Structure, shards: int) -> Division:
    """The division of a model into so many shards, or fewer where it has fewer plates.

    Raises:
        ModelError: its variables hang together whatever few of them are shared, as those of one chain do.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> from reactivepgm.graph import GraphBuilder, Site
        >>> from reactivepgm.plan.structure import structure_of
        >>> site, builder = Site("m.py", 1, "x = ~NormalMeanVariance(m, 1.0)"), GraphBuilder()
        >>> m, x = builder.random("m", (), site), builder.random("x", (40,), site)
        >>> _ = builder.add(NormalMeanVariance, {"out": m, "mean": 0.0, "variance": 1.0}, site=site)
        >>> _ = builder.add(NormalMeanVariance, {"out": x, "mean": m, "variance": 1.0}, site=site)
        >>> division = divided(structure_of(builder.finish()), 2)
        >>> division.shared[0], np.bincount(division.elements[1])
        (array([ True]), array([20, 20]))
    """
    vertices = _Vertices(structure)
    average = vertices.rows / shards
    level = max(_SHARE * average, 2.0)
    best: tuple[float, Bools, IntArray, float] | None = None
    while True:
        shared = vertices.degrees > level
        if best is None or shared.sum() <= max(_FEW, average / 8):
            labels = vertices.components(shared)
            largest = vertices.largest(labels, level)
            if best is None or largest < best[0]:
                best = largest, shared, labels, level
        if best[0] <= _LARGEST * average or level <= 2.0:
            break
        level = max(level / 2, 2.0)
    _, shared, labels, level = best
    return vertices.division(shared, labels, level, shards)


class _Vertices:
    """Elements and rows as the vertices of one graph: all elements first, then all rows."""

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        self._starts = np.concatenate([[0], np.cumsum([array.size for array in structure.arrays])]).astype(np.intp)
        self.elements = int(self._starts[-1])
        self._row_starts = {}
        self.rows = 0
        for family in structure.families:
            self._row_starts[family.id] = self.elements + self.rows
            self.rows += family.rows
        self.sizes = concatenate_indices([np.full(family.rows, family.rows, dtype=np.intp) for family in structure.families])
        """The size of every row's family."""
        self.degrees = np.concatenate([*structure.degrees, np.zeros(0)])

    def _edges(self) -> Iterator[tuple[int, Edge]]:
        for id, clusters in self._structure.clusters.items():
            for cluster in clusters:
                for edge in cluster.edges:
                    yield id, edge

    def components(self, shared: Bools) -> IntArray:
        """(elements + rows,) the component of every vertex when the shared elements are away."""
        left, right = [], []
        for id, edge in self._edges():
            index = edge.place.index + self._starts[edge.array]
            kept = np.flatnonzero(~shared[index])
            left.append(index[kept])
            right.append(self._row_starts[id] + kept)
        return components(self.elements + self.rows, concatenate_indices(left), concatenate_indices(right))[1]

    def weights(self, labels: IntArray, level: float) -> IntArray:
        """The number of rows of every component; none where all of them are of small families, which are global."""
        of_rows = labels[self.elements :]
        count = int(labels.max(initial=-1)) + 1
        is_large = np.zeros(count, dtype=bool)
        is_large[of_rows[self.sizes > level]] = True
        return np.where(is_large, np.bincount(of_rows, minlength=count), 0)

    def largest(self, labels: IntArray, level: float) -> float:
        """The rows of the largest component that is not global; infinite where there is none."""
        return float(self.weights(labels, level).max(initial=0)) or np.inf

    def division(self, shared: Bools, labels: IntArray, level: float, shards: int) -> Division:
        """Components in their order, cut into shards of about equally many rows."""
        weights = self.weights(labels, level)
        many = int((weights > 0).sum())
        if shards > 1 and many < 2:
            raise ModelError(self._in_one_piece(labels, weights))
        before = np.cumsum(weights) - weights
        middle = (before + 0.5 * weights) / max(int(weights.sum()), 1)
        shard = np.minimum((middle * shards).astype(np.intp), shards - 1)
        used, shard[weights > 0] = np.unique(shard[weights > 0], return_inverse=True)
        shard[weights == 0] = GLOBAL
        where = shard[labels]
        where[: self.elements][shared] = GLOBAL
        starts, arrays = self._starts, range(len(self._structure.arrays))
        return Division(
            len(used),
            tuple(shared[starts[a] : starts[a + 1]] for a in arrays),
            tuple(where[starts[a] : starts[a + 1]] for a in arrays),
            {f.id: where[self._row_starts[f.id] :][: f.rows] for f in self._structure.families},
        )

    def _in_one_piece(self, labels: IntArray, weights: IntArray) -> str:
        structure = self._structure
        if not weights.any():
            return (
                "no statement of the model has enough rows to be worth an executor\n"
                "  write  infer(...) without executor="
            )
        held = labels[: self.elements] == int(weights.argmax())
        names = [
            array.name
            for number, array in enumerate(structure.arrays)
            if held[self._starts[number] : self._starts[number + 1]].any() and not array.anonymous
        ]
        family = max(structure.families, key=lambda f: f.rows)
        return family.site.letter(
            f"the model is in one piece: {', '.join(names) or 'its variables'} hang together, whatever few variables are"
            " shared, so that no plates can be given to different workers",
            write="infer(...) without executor=; infer_many(model, frames, executor=...) for many independent data sets",
        )
