"""Borders: where a message may be delayed on its way out, the region is cut and reads whatever came out last.

    cluster --message--> sent ~~~~ pipeline ~~~~> latest --> sweep

A cluster of one interface sends across its border when its region is swept. A joint cluster is cut into its edges: each
region leaves the messages of its variables (all they hear but what the factor itself said) at the crossing, which
computes the factor's messages from them. Until something has come out, a border reads as a flat message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import DISCRETE, Distribution, Group
from reactivepgm.graph import Graph
from reactivepgm.numerics.array import Array
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.outbound import RuleTable, Surroundings, heard, marginal_reader
from reactivepgm.plan.pipeline import Origin, PipelineStage, stage_of
from reactivepgm.plan.structure import Cluster, Edge, Structure

IntArray = NDArray[np.intp]


class Border:
    """One batched message on its way: what was sent last, and what came out last.

    Attributes:
        latest: what came out last; None is flat.
        forward: takes a message to the pipeline's far end; whoever knows about time sets it.
    """

    def __init__(self, cluster: Cluster, stage: PipelineStage) -> None:
        self.cluster = cluster
        self.stage = stage
        self.interface = cluster.names[0]
        self.origin = Origin(cluster.family, self.interface, cluster.rows)
        self.latest: Distribution | None = stage.initial(self.origin, cluster.size)
        self.has_come = False
        self.is_sending = False
        self.forward: Callable[[Distribution], None] = self.arrive
        self._sent: Distribution | None = None

    def send(self, message: Distribution) -> None:
        """Send a message across, unless it is the one that was sent last."""
        if self._sent is not None and message == self._sent:
            return
        self._sent = message
        self.is_sending = True
        try:
            self.forward(message)
        finally:
            self.is_sending = False

    def arrive(self, message: Distribution) -> None:
        """A message has come out."""
        self.latest = message
        self.has_come = True


class Crossing:
    """A joint cluster that is cut into its edges: from what its variables send to what it sends across its borders."""

    def __init__(self, structure: Structure, cluster: Cluster) -> None:
        self.cluster = cluster
        self.borders: list[Border] = []
        self._structure = structure
        self._surroundings = Surroundings(structure, cluster)
        self._rules = RuleTable(cluster)
        self._incoming: dict[str, tuple[Group, list[Array]]] = {}

    def put(self, edge: Edge, rows: IntArray | None, group: Group, naturals: list[Array]) -> None:
        """What the variables of an edge send, for some rows or all."""
        if edge.interface not in self._incoming:
            self._incoming[edge.interface] = group, [np.zeros((self.cluster.size, *p.shape[1:])) for p in naturals]
        _, stored = self._incoming[edge.interface]
        for store, part in zip(stored, naturals, strict=True):
            store[slice(None) if rows is None else rows] = part

    @property
    def is_complete(self) -> bool:
        """Whether every variable has sent something on every row."""
        return bool(self._heard(self.cluster.names).all())

    def _heard(self, names: tuple[str, ...]) -> NDArray[np.bool_]:
        """Rows on which the named variables have all sent something; a flat message over categories is uniform."""
        found = np.ones(self.cluster.size, dtype=bool)
        for name in names:
            if name not in self._incoming:
                return np.zeros(self.cluster.size, dtype=bool)
            group, parts = self._incoming[name]
            if group is not DISCRETE:
                found &= np.any([part.reshape(len(part), -1).any(axis=1) for part in parts], axis=0)
        return found

    def run(self, beliefs: Beliefs) -> None:
        """Send across every border what the other edges and the surroundings say, and renew the joint marginal."""
        outside = self._surroundings.read(beliefs)
        for border in self.borders:
            message = self._message(border.interface, outside, beliefs)
            if message is not None:
                border.send(message if border.cluster.rows is None else message[border.cluster.rows])
        if self.is_complete:
            self._keep_joint(beliefs, outside)

    def _message(self, to: str, outside: Mapping[str, Distribution], beliefs: Beliefs) -> Distribution | None:
        names = tuple(name for name in self.cluster.names if name != to)
        rows = np.flatnonzero(self._heard(names))
        if not len(rows):
            return None
        size = self.cluster.size
        inputs = {**self._messages(names, rows), **{k: _of_rows(v, rows, size) for k, v in outside.items()}}
        message = self._rules.message(to, inputs)
        missing = beliefs.missing(self.cluster.family)
        if len(rows) == size:
            return heard(message, size, missing)
        silent = np.ones(size, dtype=bool) if missing is None else missing.copy()
        silent[rows] = False if missing is None else missing[rows]
        return heard(message.broadcast_to((len(rows),)), size, silent, rows)

    def _messages(self, names: tuple[str, ...], rows: IntArray) -> dict[str, Distribution]:
        return {
            "m_" + name: self._incoming[name][0].from_naturals(*(part[rows] for part in self._incoming[name][1]))
            for name in names
        }

    def _keep_joint(self, beliefs: Beliefs, outside: Mapping[str, Distribution]) -> None:
        cluster, node = self.cluster, self.cluster.family.node
        inputs = {**self._messages(cluster.names, np.arange(cluster.size)), **outside}
        if node.kind == "stochastic":
            beliefs.replace_joint(cluster, lambda: self._rules.joint(inputs))
            return
        output = node.interfaces[0].name
        names = tuple(name for name in cluster.names if name != output)
        if output not in cluster.names:
            names = names[1:]
        shared = np.zeros(cluster.size)
        if len(names) > 1:
            apart = sum(np.asarray(marginal_reader(self._structure, cluster, n)(beliefs).entropy()) for n in names)
            shared = np.asarray(self._rules.joint(inputs, "_".join(names)).entropy()) - apart
        beliefs.replace_conditional(cluster, names, np.broadcast_to(shared, (cluster.size,)))


def delaying(graph: Graph) -> dict[int, PipelineStage]:
    """By family id, the stages that may delay messages."""
    found = {family.id: stage_of(family) for family in graph.families if family.rows}
    return {id: stage for id, stage in found.items() if stage is not None and stage.delays}


def cut(structure: Structure, stages: Mapping[int, PipelineStage]) -> Structure:
    """The structure whose regions end at the families with these stages."""
    clusters = dict(structure.clusters)
    for id in stages:
        parts: list[Cluster] = []
        for cluster in clusters[id]:
            edges = [Cluster(cluster.family, cluster.number, (edge,), None, cluster) for edge in cluster.edges]
            parts += edges if cluster.is_joint else [cluster]
        clusters[id] = tuple(parts)
    return Structure(structure.arrays, structure.families, clusters, structure.number, structure.forms)


def _of_rows(value: Distribution, rows: IntArray, size: int) -> Distribution:
    if len(rows) == size or not value.batch_shape or value.batch_shape[0] == 1:
        return value
    return value[rows]
