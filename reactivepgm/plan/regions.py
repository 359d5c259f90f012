"""Which variables are updated together: regions, their colours, and the batches of one colour.

Clusters with several random interfaces connect arrays; the connected arrays are swept together. Only where a family has
two different clusters in the same set of arrays (a mean-field cut inside it) are its rows looked at: the regions are then
connected components by element, and regions that touch through a cut get different colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from reactivepgm.plan.colouring import colour, components
from reactivepgm.plan.place import Place
from reactivepgm.plan.pool import concatenate_indices
from reactivepgm.plan.structure import Cluster, Edge, Structure

IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Batch:
    """Regions that are updated as one: elements of arrays, and the clusters whose messages meet there.

    ``elements[a]`` are the updated elements of array ``a``, None for all of them. The places of the clusters' edges
    count within these elements.
    """

    elements: Mapping[int, IntArray | None]
    clusters: tuple[Cluster, ...]
    colour: int = 0

    @cached_property
    def joint(self) -> tuple[Cluster, ...]:
        """The clusters inside which messages flow."""
        return tuple(cluster for cluster in self.clusters if cluster.is_joint)

    @cached_property
    def single(self) -> tuple[Cluster, ...]:
        """The clusters of one interface: their messages depend on other regions and on data only."""
        return tuple(cluster for cluster in self.clusters if not cluster.is_joint and cluster.whole is None)

    @cached_property
    def cut(self) -> tuple[Cluster, ...]:
        """The edges of joint clusters that delaying pipelines cut; their messages are read as they come out."""
        return tuple(cluster for cluster in self.clusters if cluster.whole is not None)

    def size(self, array: int, structure: Structure) -> int:
        """How many elements of an array are updated."""
        chosen = self.elements[array]
        return structure.arrays[array].size if chosen is None else len(chosen)


def batches_of(structure: Structure) -> list[Batch]:
    """All batches, in the order in which the statements draw their variables."""
    connected = _connected_arrays(structure)
    home = {array: position for position, arrays in enumerate(connected) for array in arrays}
    inside: list[list[Cluster]] = [[] for _ in connected]
    cuts: list[list[tuple[Cluster, Cluster]]] = [[] for _ in connected]
    for clusters in structure.clusters.values():
        for cluster in clusters:
            inside[home[cluster.edges[0].array]].append(cluster)
        for one, other in combinations(clusters, 2):
            if one.number != other.number and home[one.edges[0].array] == home[other.edges[0].array]:
                cuts[home[one.edges[0].array]].append((one, other))
    batches: list[Batch] = []
    for arrays, found, cut in zip(connected, inside, cuts, strict=True):
        if cut:
            batches += _coloured(structure, arrays, found, cut)
        else:
            batches.append(Batch(dict.fromkeys(arrays), tuple(found)))
    return batches


def _connected_arrays(structure: Structure) -> list[list[int]]:
    """Sets of arrays joined by clusters with several edges, ordered by their first array."""
    pairs = [
        (cluster.edges[0].array, edge.array)
        for clusters in structure.clusters.values()
        for cluster in clusters
        if cluster.is_joint
        for edge in cluster.edges[1:]
    ]
    left, right = (np.array(side, dtype=np.intp) for side in zip(*pairs, strict=True)) if pairs else ([], [])
    number, labels = components(len(structure.arrays), np.asarray(left, dtype=np.intp), np.asarray(right, dtype=np.intp))
    sets: list[list[int]] = [[] for _ in range(number)]
    for array, label in enumerate(labels):
        sets[label].append(array)
    return sorted(sets, key=lambda arrays: arrays[0])


def _coloured(
    structure: Structure, arrays: list[int], clusters: list[Cluster], cuts: list[tuple[Cluster, Cluster]]
) -> list[Batch]:
    """One batch a colour: regions by element, the colours such that no two of a batch touch through a cut."""
    sizes = [structure.arrays[a].size for a in arrays]
    offset = {array: sum(sizes[:i]) for i, array in enumerate(arrays)}
    vertices = sum(structure.arrays[array].size for array in arrays)

    def elements(edge: Edge) -> IntArray:
        return edge.place.index + offset[edge.array]

    inner = [(c.edges[0], edge) for c in clusters if c.is_joint for edge in c.edges[1:]]
    _, region = components(
        vertices,
        concatenate_indices([elements(one) for one, _ in inner]),
        concatenate_indices([elements(other) for _, other in inner]),
    )
    touching = [(elements(a), elements(b)) for one, other in cuts for a in one.edges for b in other.edges]
    colours = colour(
        int(region.max(initial=-1)) + 1,
        region[concatenate_indices([a for a, _ in touching])],
        region[concatenate_indices([b for _, b in touching])],
    )
    of_element = colours[region]
    return [
        batch_of(structure, arrays, clusters, {a: of_element[offset[a] :][: structure.arrays[a].size] for a in arrays}, c)
        for c in range(int(colours.max(initial=0)) + 1)
    ]


def batch_of(
    structure: Structure, arrays: list[int], clusters: list[Cluster], colours: dict[int, IntArray], wanted: int
) -> Batch:
    """The batch of one colour.

    Args:
        structure: where the arrays are.
        arrays: those of which some elements may have the colour.
        clusters: all that have edges there.
        colours: by array, one for every element; clusters of several interfaces have one colour a row.
        wanted: the colour.
    """
    chosen = {array: np.flatnonzero(colours[array] == wanted) for array in arrays}
    inverse = {}
    for array in arrays:
        inverse[array] = np.full(structure.arrays[array].size, -1, dtype=np.intp)
        inverse[array][chosen[array]] = np.arange(len(chosen[array]))
    kept = []
    for cluster in clusters:
        parts = _restricted(cluster, colours, chosen, inverse, wanted)
        kept += parts
    present = {array: index for array, index in chosen.items() if len(index)}
    return Batch(present, tuple(kept), wanted)


def _restricted(
    cluster: Cluster,
    colours: dict[int, IntArray],
    chosen: dict[int, IntArray],
    inverse: dict[int, IntArray],
    wanted: int,
) -> list[Cluster]:
    """The cluster's rows of one colour, with places counted among the chosen elements."""
    first = cluster.edges[0]
    if any(edge.component is not None for edge in cluster.edges):
        return _restricted_plural(cluster, colours, chosen, inverse, wanted)
    rows = np.flatnonzero(colours[first.array][first.place.index] == wanted)
    if not len(rows):
        return []
    edges = tuple(
        Edge(e.interface, e.component, e.array, Place(inverse[e.array][e.place.index[rows]], len(chosen[e.array])))
        for e in cluster.edges
    )
    return [Cluster(cluster.family, cluster.number, edges, rows, cluster.whole)]


def _restricted_plural(
    cluster: Cluster,
    colours: dict[int, IntArray],
    chosen: dict[int, IntArray],
    inverse: dict[int, IntArray],
    wanted: int,
) -> list[Cluster]:
    """Each component of a plural interface keeps its own rows: its elements may differ in colour from its siblings'."""
    kept = []
    for e in cluster.edges:
        rows = np.flatnonzero(colours[e.array][e.place.index] == wanted)
        if len(rows):
            place = Place(inverse[e.array][e.place.index[rows]], len(chosen[e.array]))
            kept.append(Cluster(cluster.family, cluster.number, (Edge(e.interface, e.component, e.array, place),), rows))
    return kept
