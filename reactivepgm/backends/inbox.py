"""The traced product of the messages at every element of an array: sums of natural parameters, missing rows being flat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import jax.numpy as jnp

from reactivepgm.backends.attribution import attributed_to
from reactivepgm.backends.beliefs import TracedBeliefs
from reactivepgm.backends.refusal import refuse
from reactivepgm.backends.scatter import placed
from reactivepgm.distributions import Bernoulli, Distribution, Group, Uninformative
from reactivepgm.errors import ImproperPosteriorError, ProductError
from reactivepgm.graph import Family, VariableArray
from reactivepgm.numerics.array import Array
from reactivepgm.plan.inbox import as_binary
from reactivepgm.plan.outbound import towards
from reactivepgm.plan.sender import Sender
from reactivepgm.plan.structure import Cluster, Edge, Structure


class Receiver(Protocol):
    """Whatever takes in the messages that reach the variables of one array."""

    def put(self, edge: Edge, message: Distribution, missing: Array, family: Family) -> None:
        """Take a family's messages to the elements that an edge refers to."""


class TracedInbox:
    """What reaches the variables of one array."""

    def __init__(self, array: VariableArray, size: int) -> None:
        self.array = array
        self.size = size
        self.group: Group | None = None
        self._events: list[tuple[int, ...]] = []
        self._totals: list[Array | None] = []
        self._kinds: set[type[Distribution]] = set()

    def put(self, edge: Edge, message: Distribution, missing: Array, family: Family) -> None:
        """Multiply a family's messages into the elements that an edge refers to."""
        if isinstance(message, Uninformative):
            return
        group: Group | None = getattr(message, "group", None)
        if group is None or (self.group is not None and group is not self.group):
            refuse(family.site, f"a {type(message).__name__} message to `{self.array.name}`, which has no closed-form product,")
        parts, events = naturals_of(message, edge.place.rows, missing)
        if self.group is None:
            self.group, self._events, self._totals = group, events, [None] * len(parts)
        elif events != self._events:
            raise ProductError(
                f"messages of different shapes meet at `{self.array.name}`: one of event shape {message.event_shape} from"
                f" {family.site}"
            )
        self._totals = [
            placed(total, edge.place, part, event) for total, part, event in zip(self._totals, parts, events, strict=True)
        ]
        self._kinds.add(type(message))

    @property
    def naturals(self) -> list[Array]:
        """The sums of the natural parameters, each (size, *event); none before the first message."""
        return [
            jnp.broadcast_to(total, (self.size, *event)) for total, event in zip(self._totals, self._events, strict=True)
        ]

    def holds_only(self, kind: type[Distribution]) -> bool:
        """Whether every message so far was of this kind (and there was one)."""
        return self._kinds == {kind}

    def product(self) -> tuple[Distribution, Array]:
        """The normalised product, and where it is proper.

        Raises:
            ImproperPosteriorError: no message came.
        """
        if self.group is None:
            raise ImproperPosteriorError(
                f"nothing is known about `{self.array.name}` ({self.array.site}): no message reaches it\n"
                f"  add  a prior, such as  {self.array.name} = ~Normal(mean=0.0, variance=100.0)"
            )
        naturals = self.naturals
        belief = self.group.from_naturals(*naturals)
        return (as_binary(belief) if self.holds_only(Bernoulli) else belief), self.group.is_proper(*naturals)


def naturals_of(message: Distribution, rows: int, missing: Array) -> tuple[list[Array], list[tuple[int, ...]]]:
    """Natural parameters with one batch axis (rows or 1 long), zero where the row is missing; and their event shapes."""
    batch = message.batch_shape
    parts, events = [], []
    for part in message.naturals():
        values = jnp.asarray(part)
        event = values.shape[len(batch) :] if values.ndim >= len(batch) else ()
        values = values.reshape((*(batch or (1,)), *event))
        if missing is not None:
            values = jnp.broadcast_to(values, (rows, *event))
            values = jnp.where(missing.reshape(-1, *(1,) * len(event)), 0.0, values)
        parts.append(values)
        events.append(tuple(event))
    return parts, events


class Senders:
    """The clusters of one interface in a batch: their messages follow from other regions and data alone."""

    def __init__(self, structure: Structure, clusters: tuple[Cluster, ...]) -> None:
        self._senders = [Sender(structure, cluster) for cluster in clusters]

    def send(self, beliefs: TracedBeliefs, inboxes: Mapping[int, Receiver]) -> None:
        """Put every cluster's messages into the inboxes of the arrays they are for."""
        for sender in self._senders:
            cluster = sender.cluster
            with attributed_to(cluster.family):
                message = sender.part(beliefs)
                for edge in cluster.edges:
                    sent = message if sender.component is not None else towards(edge, message, cluster.size)
                    inboxes[edge.array].put(edge, sent, sender.missing(beliefs), cluster.family)
