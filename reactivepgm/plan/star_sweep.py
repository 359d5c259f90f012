"""Regions of one variable: every factor sends its message, the messages multiply.

This is the whole of mean-field inference. All rows of all regions of a batch go through one rule call a family.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from reactivepgm.distributions import DiscreteFamily, Distribution, Uninformative
from reactivepgm.errors import ReactivePGMError
from reactivepgm.graph import Family
from reactivepgm.numerics.array import Array
from reactivepgm.plan.beliefs import Beliefs, Mask
from reactivepgm.plan.events import noted
from reactivepgm.plan.inbox import Inbox
from reactivepgm.plan.outbound import heard, misfit, towards
from reactivepgm.plan.own_edges import OwnEdge, OwnEdges, own_inputs
from reactivepgm.plan.pipeline import passed, stage_of
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.sender import Sender
from reactivepgm.plan.structure import Cluster, Edge, Structure


class Receiver(Protocol):
    """Whatever takes in the messages that reach the variables of one array."""

    def put(self, edge: Edge, message: Distribution, missing: Mask, family: Family) -> None:
        """Take a family's messages to the elements that an edge refers to."""


class Senders:
    """The clusters of one interface: their messages follow from other regions and data alone."""

    def __init__(self, structure: Structure, clusters: tuple[Cluster, ...], in_region: bool = False) -> None:
        self._in_region = in_region
        self._forms = {a: f.message for a, f in structure.forms.items() if f.message is not None}
        self._senders = [structure.senders.get(c) or Sender(structure, c) for c in clusters]
        self._stages = {c: stage for c in clusters if (stage := stage_of(c.family)) is not None}
        self._borders = {c: structure.borders[c] for c in clusters if c in structure.borders}
        self._passed: dict[Cluster, tuple[Distribution, Mask]] = {}
        owns = [OwnEdge(structure, c) for c in clusters if own_inputs(c)]
        self._owns = {own.cluster: own for own in owns}
        self.own = OwnEdges(structure, owns)
        """The edges whose messages depend on what comes in on them."""

    def send(self, beliefs: Beliefs, inboxes: Mapping[int, Receiver]) -> None:
        """Put every cluster's messages into the inboxes of the arrays they are for."""
        self.own.begin(beliefs)
        waiting: list[OwnEdge] = []
        for sender in self._senders:
            own = self._owns.get(sender.cluster)
            if own is None:
                self._send(sender, self._whole_or_part(sender, beliefs), beliefs, inboxes)
                continue
            inputs = sender.inputs(beliefs)
            message = own.from_marginal(beliefs, inputs)
            if message is None and own.reads_message(inputs):
                waiting.append(own)
            else:
                self._send(sender, sender.part(beliefs) if message is None else message, beliefs, inboxes)
        if waiting:
            self._send_own(waiting, beliefs, inboxes)

    def _whole_or_part(self, sender: Sender, beliefs: Beliefs) -> Distribution:
        return sender.message(beliefs) if sender.cluster in self._stages else sender.part(beliefs)

    def _send(
        self,
        sender: Sender,
        message: Distribution,
        beliefs: Beliefs,
        inboxes: Mapping[int, Receiver],
        is_own: bool = False,
    ) -> None:
        cluster, missing = sender.cluster, sender.missing(beliefs)
        is_part = sender.component is not None
        if cluster in self._stages:
            is_part = False
            message, missing = self._through(cluster, message, missing)
        for edge in cluster.edges:
            sent = message if is_part else towards(edge, message, cluster.size)
            if edge.array in self._forms and not isinstance(sent, Uninformative):
                sent = self._forms[edge.array](sent)
            try:
                inboxes[edge.array].put(edge, sent, missing, cluster.family)
                if not is_own:
                    self.own.hear(edge, sent, missing)
            except ReactivePGMError:
                raise
            except ValueError as error:  # a message of two dimensions, found out where its parameters are read
                raise misfit(cluster.family, sender.inputs(beliefs), error) from error

    def _send_own(self, waiting: list[OwnEdge], beliefs: Beliefs, inboxes: Mapping[int, Receiver]) -> None:
        """The messages of rules that read what comes in on their own edge: all from the cavities as they are now."""
        self.own.active = [own for own in waiting if own.edge.array not in self.own.foreign]
        cavities = {own.cluster: self.own.cavities(own) for own in self.own.active}
        for own in waiting:
            sender = next(one for one in self._senders if one.cluster is own.cluster)
            if own.cluster not in cavities:  # not normal: the exact message may be held until a form resolves it
                self._send(sender, sender.part(beliefs), beliefs, inboxes)
            elif not self.own.is_silent(own, self._in_region):
                self.own.update(own, sender.inputs(beliefs), cavities[own.cluster], sender.missing(beliefs))
                self._send(sender, own.message(), beliefs, inboxes, True)

    def message(self, cluster: Cluster, beliefs: Beliefs) -> Distribution:
        """A cluster's message as its variables hear it, from the current beliefs."""
        if cluster in self._stages:
            sent, missing = self._passed[cluster]
            return heard(sent, cluster.size, missing)
        for sender in self._senders:
            if sender.cluster is cluster:
                own = self._owns.get(cluster)
                is_own = own is not None and own in self.own.active
                message = own.message() if own is not None and is_own else sender.message(beliefs)
                return heard(message, cluster.size, sender.missing(beliefs))
        raise KeyError(cluster)

    def log_densities(self, beliefs: Beliefs, points: Mapping[int, Array]) -> float:
        """The sum of the log factors at given values of their variables; missing observations contribute nothing.

        Args:
            beliefs: where the clamped values are.
            points: for each array its elements' values, (n, *event).
        """
        total = 0.0
        for sender in self._senders:
            cluster = sender.cluster
            (edge,) = cluster.edges
            family = cluster.family
            values = [
                points[edge.array][edge.place.selector] if name == edge.interface else beliefs.fixed(family, name).value
                for name in family.bindings
            ]
            assert family.node.log_density is not None
            terms = np.broadcast_to(family.node.log_density(*values), (cluster.size,))
            missing = sender.missing(beliefs)
            total += float(terms.sum() if missing is None else terms[~missing].sum())
        return total

    def _through(self, cluster: Cluster, message: Distribution, missing: Mask) -> tuple[Distribution, Mask]:
        """Through the family's pipeline; what is delayed is read as it last came out."""
        border = self._borders.get(cluster)
        if border is None:
            message = passed(self._stages[cluster], message, cluster, cluster.names[0], missing)
        else:
            border.send(heard(message, cluster.size, missing))
            message, missing = Uninformative() if border.latest is None else border.latest, None
        self._passed[cluster] = message, missing
        return message, missing


def typical(belief: Distribution, size: int) -> Array:
    """A value inside the support for every element: the mean, or the likeliest category."""
    whole = belief.broadcast_to((size,))
    return np.asarray(whole.mode if isinstance(belief, DiscreteFamily) else whole.mean)


class StarSweep:
    """Updates regions in which no messages flow between variables."""

    name = "one variable a region"

    def __init__(self, structure: Structure, batch: Batch) -> None:
        self._structure = structure
        self._batch = batch
        self._senders = Senders(structure, batch.single)
        self.own = self._senders.own

    def log_scale(self, beliefs: Beliefs) -> float:
        """The log of what the messages multiply to: log f(x) - log q(x) at any x (Besag 1989, "A candidate's formula")."""
        points, total = {}, 0.0
        for array in self._batch.elements:
            belief = beliefs.marginals[array]
            assert belief is not None
            points[array] = typical(belief, self._structure.arrays[array].size)
            total -= float(np.sum(belief.log_pdf(points[array])))
        return total + self._senders.log_densities(beliefs, points)

    def run(self, beliefs: Beliefs) -> None:
        """Replace the marginals of the batch by the product of all messages."""
        arrays = self._structure.arrays
        inboxes = {a: Inbox(arrays[a], self._batch.size(a, self._structure)) for a in self._batch.elements}
        self._senders.send(beliefs, inboxes)
        for array, inbox in inboxes.items():
            forms = self._structure.forms.get(array)
            has_form = forms is not None and forms.marginal is not None
            with noted("product", inbox.array.name, inbox.size):
                belief = inbox.product(has_form)
            beliefs.replace(array, self._batch.elements[array], belief)
        self.own.keep(beliefs)

    def message(self, beliefs: Beliefs, cluster: Cluster, interface: str) -> Distribution:
        """A cluster's message towards one of its interfaces, from the current beliefs."""
        return self._senders.message(cluster, beliefs)
