"""The graph as the plan sees it: clusters of edges into arrays of random variables.

A cluster is a part of a family's q-factorisation. Its edges are the random interfaces in it; a plural interface has one
edge a component. Clamped interfaces (data, constants) have no edge: they enter every rule as point masses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reactivepgm.graph import Family, Forms, Graph, RandomBinding, VariableArray
from reactivepgm.plan.place import Place

if TYPE_CHECKING:
    from reactivepgm.plan.borders import Border, Crossing
    from reactivepgm.plan.gradient_site import SiteSender

IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Edge:
    """One random interface (or one component of a plural one) of a family, and the elements its rows refer to."""

    interface: str
    component: int | None
    array: int
    place: Place

    def rows(self, rows: IntArray) -> Edge:
        """The same edge for some of the rows."""
        return Edge(self.interface, self.component, self.array, Place(self.place.index[rows], self.place.size))


@dataclass(frozen=True, eq=False)
class Cluster:
    """The edges of one part of a family's factorisation, for all rows of the family or for some."""

    family: Family
    number: int
    edges: tuple[Edge, ...]
    rows: IntArray | None = None
    whole: Cluster | None = None
    """Where a delaying pipeline cuts a joint cluster into its edges: the cluster that this is an edge of."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The random interfaces in the cluster, in the node's order, without repeats."""
        return tuple(dict.fromkeys(edge.interface for edge in self.edges))

    @property
    def is_joint(self) -> bool:
        """Whether messages flow inside the cluster (more than one random interface)."""
        return len(self.names) > 1

    @property
    def size(self) -> int:
        """How many rows the cluster has."""
        return self.family.rows if self.rows is None else len(self.rows)

    def restricted(self, rows: IntArray) -> Cluster:
        """The same cluster for some of the family's rows."""
        return Cluster(self.family, self.number, tuple(edge.rows(rows) for edge in self.edges), rows, self.whole)


@dataclass(eq=False)
class Structure:
    """All clusters of a graph, and which array each random variable array is."""

    arrays: tuple[VariableArray, ...]
    """The random arrays that have elements."""
    families: tuple[Family, ...]
    """The families that have rows."""
    clusters: dict[int, tuple[Cluster, ...]]
    """By family id, the clusters that have random interfaces."""
    number: dict[int, int]
    """From a variable array's id to its position among the random arrays."""
    forms: dict[int, Forms] = field(default_factory=dict)
    """By array, the forms of its marginals and messages."""
    borders: dict[Cluster, Border] = field(default_factory=dict)
    """By cluster, where its message waits on the way out, if it may be delayed."""
    crossings: dict[Cluster, Crossing] = field(default_factory=dict)
    """By joint cluster, what computes its messages where a delay cuts it into its edges."""
    senders: dict[Cluster, SiteSender] = field(default_factory=dict)
    """By cluster of one interface, what sends in place of its rule."""

    @cached_property
    def degrees(self) -> list[NDArray[np.float64]]:
        """For each array, how many edges every element has."""
        totals = [np.zeros(array.size) for array in self.arrays]
        for clusters in self.clusters.values():
            for cluster in clusters:
                for edge in cluster.edges:
                    edge.place.count(totals[edge.array])
        return totals


def structure_of(graph: Graph) -> Structure:
    """Resolve the bindings of every family into clusters of edges."""
    arrays = tuple(array for array in graph.random if array.size)
    families = tuple(family for family in graph.families if family.rows)
    number = {array.id: i for i, array in enumerate(arrays)}
    clusters = {family.id: tuple(_clusters(family, number)) for family in families}
    forms = {number[id]: found for id, found in graph.forms.items() if id in number}
    return Structure(arrays, families, clusters, number, forms)


def _clusters(family: Family, number: dict[int, int]) -> Sequence[Cluster]:
    """The clusters with random interfaces; components of a plural interface that are different arrays stand apart."""
    found = []
    for position, names in enumerate(family.clusters):
        edges = [edge for name in names for edge in edges_of(family, name, number)]
        plural = len(names) == 1 and edges and edges[0].component is not None
        for array in dict.fromkeys(edge.array for edge in edges) if plural else [None] if edges else []:
            found.append(Cluster(family, position, tuple(e for e in edges if array is None or e.array == array)))
    return found


def edges_of(family: Family, name: str, number: dict[int, int]) -> list[Edge]:
    """The edges of one interface: none when it is clamped, one when it is random, K when it is plural."""
    binding = family.bindings[name]
    if not isinstance(binding, RandomBinding):
        return []
    return [
        Edge(name, component, number[array.id], Place(index, array.size))
        for component, array, index in binding.components()
    ]
