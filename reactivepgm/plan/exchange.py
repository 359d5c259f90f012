"""The messages inside the joint clusters of a stitched region: each edge carries one in each direction.

A message is due when all it depends on has been sent: a factor's when its other edges have heard, a variable's when its other
factors have spoken. Where a rule reads the message on its own edge, everything that reaches its variable comes first: in a
tree that does not depend on what the rule sends, so that one pass computes both (expectation propagation without iterations).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reactivepgm.plan.barren import Barren
from reactivepgm.plan.contraction import CycleError
from reactivepgm.plan.kernels import may_have_kernel
from reactivepgm.plan.recorder import CannotStitchError, Recorder
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.rounds import rounds_of
from reactivepgm.plan.script import Slot
from reactivepgm.plan.structure import Cluster, Edge, Structure
from reactivepgm.rulebook import GaussianKernel, find_kernel, find_rule, has_rule

Directed = tuple[bool, int]
"""To the variable or to the factor, along which edge."""


class OwnMessage:
    """The one rule of a region that reads the message on its own edge.

    Args:
        recorder: where its message is recorded.
        cluster: of one interface.
        outside: what its rule reads besides.
    """

    def __init__(self, recorder: Recorder, cluster: Cluster, outside: Mapping[str, Slot]) -> None:
        self.cluster = cluster
        self.array = cluster.edges[0].array
        self.cavity: Slot | None = None
        self._recorder, self._outside = recorder, outside

    def send(self, others: list[Slot]) -> Slot:
        """Its message, from all others at its variable.

        Raises:
            CannotStitchError: these are of no family that a rule takes.
        """
        family, to = self.cluster.family, self.cluster.names[0]
        self.cavity = self._recorder.product(others)
        if self.cavity is None:
            raise CannotStitchError("nothing comes in on the edge of a rule that reads it")
        inputs = {**self._outside, "m_" + to: self.cavity}
        if not has_rule(family.node, to, self._recorder.types(inputs), family.meta):
            raise CannotStitchError("a message that its rule has to do without")
        return self._recorder.rule(find_rule, self.cluster, to, inputs)


class Exchange:
    """One pass through the joint clusters of a batch.

    Args:
        recorder: where messages are recorded.
        structure: the plan's structure.
        batch: one region, a forest.
        unary: for each array, the messages of the clusters of one interface; an own message joins them.
        outside: what the rules of each joint cluster read besides.

    Raises:
        CannotStitchError: the region has cycles.
    """

    def __init__(
        self,
        recorder: Recorder,
        structure: Structure,
        batch: Batch,
        unary: dict[int, list[Slot]],
        outside: list[dict[str, Slot]],
    ) -> None:
        self._recorder = recorder
        self._clusters = batch.joint
        self._unary = unary
        self._outside = outside
        self._edges: list[tuple[int, Edge]] = [(c, e) for c, cluster in enumerate(batch.joint) for e in cluster.edges]
        self._outputs = [cluster.family.node.interfaces[0].name for cluster in batch.joint]
        self._alone = [len(structure.clusters[cluster.family.id]) == 1 for cluster in batch.joint]
        self.ups: dict[int, dict[int, Slot]] = {array: {} for array in batch.elements}
        """For each array, what its edges bring."""
        self._down: dict[int, Slot | None] = {}
        self._linear: dict[int, bool] = {}

    def run(self, own: OwnMessage | None) -> None:
        """Send everything, leaves first and back."""
        arrays = list(self.ups)
        variables = np.array([arrays.index(edge.array) for _, edge in self._edges])
        factors = np.array([c for c, _ in self._edges])
        try:
            steps = rounds_of(variables, factors)
        except CycleError:
            raise CannotStitchError("a cycle") from None
        informed = [bool(self._unary[array]) or (own is not None and own.array == array) for array in arrays]
        barren = Barren(
            variables,
            factors,
            np.array([self._alone[c] and edge.interface == self._outputs[c] for c, edge in self._edges]),
            np.array([a and o in k.names for a, o, k in zip(self._alone, self._outputs, self._clusters, strict=True)]),
            np.array(informed),
        )
        order = [(step.to_variable, int(e)) for step in steps for e in step.edges]
        sent: set[Directed] = set()
        later = []
        for message in order:
            if own is not None and self._waits(message, sent, own.array):
                later.append(message)
            else:
                self._send(message, barren)
                sent.add(message)
        if own is not None:
            self._unary[own.array].append(own.send([*self._unary[own.array], *self.ups[own.array].values()]))
        for message in later:
            self._send(message, barren)

    def _waits(self, message: Directed, sent: set[Directed], array: int) -> bool:
        """Whether a message depends on the one that the variable of an array still waits for."""
        to_variable, e = message
        c, edge = self._edges[e]
        if not to_variable and edge.array == array:
            return True
        others = ((o, d, other.array) for o, (d, other) in enumerate(self._edges) if o != e)
        if to_variable:
            return any((False, o) not in sent for o, d, _ in others if d == c)
        return any((True, o) not in sent for o, _, at in others if at == edge.array)

    def _send(self, message: Directed, barren: Barren) -> None:
        to_variable, e = message
        c, edge = self._edges[e]
        here = np.array([e])
        if not to_variable:
            barren.send_down(here)
            others = [slot for other, slot in self.ups[edge.array].items() if other != e]
            self._down[e] = self._recorder.product([*self._unary[edge.array], *others])
        elif barren.send_up(here)[0]:
            inputs = {**self._incoming(c, but=e), **self._outside[c]}
            self.ups[edge.array][e] = self._recorder.rule(find_rule, self._clusters[c], edge.interface, inputs)

    def _incoming(self, c: int, but: int = -1) -> dict[str, Slot]:
        found = {}
        for e, (cluster, edge) in enumerate(self._edges):
            if cluster == c and e != but:
                slot = self._down[e]
                if slot is None:
                    if not self._is_linear(c):
                        raise CannotStitchError("a flat message")
                    slot = self._recorder.flat()
                found["m_" + edge.interface] = slot
        return found

    def _is_linear(self, c: int) -> bool:
        """Whether a cluster joins numbers by a linear factor with normal noise, so that flat normals may come in."""
        if c not in self._linear:
            cluster = self._clusters[c]
            node, names = cluster.family.node, cluster.names
            numbers = all(node.interface(name).event_rank == 0 for name in names)
            types = self._recorder.types(self._outside[c])
            kernel = find_kernel(node, names[0], names[1:], types, cluster.family.meta) if may_have_kernel(cluster) else None
            self._linear[c] = numbers and kernel is not None and kernel.signature.returns is GaussianKernel
        return self._linear[c]

    def is_unheard(self, c: int) -> bool:
        """Whether a density given all else draws an output that nothing is known about."""
        ends = (e for e, (d, edge) in enumerate(self._edges) if d == c and edge.interface == self._outputs[c])
        return self._alone[c] and any(self._down[e] is None for e in ends)

    def joint_inputs(self, c: int) -> dict[str, Slot] | None:
        """What the joint belief of a cluster is made of; None where nobody needs it, as its output is unheard."""
        if self.is_unheard(c):
            return None
        return {**self._incoming(c), **self._outside[c]}
