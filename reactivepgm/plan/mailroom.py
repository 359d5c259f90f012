"""The messages on the edges of joint clusters, both ways, as pooled natural parameters.

One pool an array: edges first, numbered cluster by cluster. Shared by exact sweeps in rounds and by loopy sweeps.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import DISCRETE, Bernoulli, Distribution, Group, Uninformative
from reactivepgm.errors import ImproperPosteriorError, ModelError, NoRuleError, ProductError
from reactivepgm.graph import Family
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.layout import by_batch, taken, zeros_by_batch
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.function_kernel import is_function, reads_own, reads_own_message
from reactivepgm.plan.inbox import Inbox, as_binary, improper, naturals_of
from reactivepgm.plan.outbound import RuleTable, Surroundings
from reactivepgm.plan.pipeline import Origin, passed, stage_of
from reactivepgm.plan.pool import Exclusive, Totals, concatenate_indices
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.structure import Cluster, Edge, Structure

IntArray = NDArray[np.intp]

Expected = Mapping[int, tuple[Group, tuple[int, ...]]]
"""Family and event shape by array."""


class Pool:
    """The messages at one array: what its single clusters sent, and both directions on the edges of its joint ones."""

    def __init__(self, structure: Structure, array: int, size: int, places: list[IntArray]) -> None:
        self.variable = structure.arrays[array]
        self.size = size
        self.elements = concatenate_indices(places)
        self.group: Group | None = None
        self.is_binary = False
        self.expected: tuple[Group, tuple[int, ...]] | None = None
        """Family and event shape of a flat message, where a factor tells."""
        self.unary: list[Array] = []
        self.up: list[Array] = []
        self.down: list[Array] = []
        self.is_news = True
        """Whether the last product of the single clusters' messages differed from the one before."""
        self._totals: Totals | None = None

    def receive(self, inbox: Inbox) -> None:
        """Take the product of the single clusters' messages."""
        if inbox.holds_asides:
            raise ProductError(
                f"a message without a closed-form product reaches `{self.variable.name}` ({self.variable.site}),"
                " which shares a joint cluster; factorise it apart, or use a conjugate prior"
            )
        self.is_binary = inbox.holds_only(Bernoulli)
        if inbox.group is not None:
            self.adopt(inbox.group, [part.shape[1:] for part in inbox.naturals])
            naturals = [by_batch(part) for part in inbox.naturals]
            self.is_news = not all(map(np.array_equal, self.unary, naturals))
            self.unary = naturals
        elif self.group is not None:
            self.unary = [np.zeros_like(part) for part in self.unary]

    def adopt(self, group: Group, shapes: list[tuple[int, ...]]) -> None:
        """Fix the exponential family that all messages at this array belong to; flat until they come."""
        if self.group is None:
            self.group = group
            edges = len(self.elements)
            self.unary = [zeros_by_batch((self.size, *shape)) for shape in shapes]
            self.up = [zeros_by_batch((edges, *shape)) for shape in shapes]
            self.down = [zeros_by_batch((edges, *shape)) for shape in shapes]
        elif self.group is not group:
            raise ProductError(
                f"messages of two families meet at `{self.variable.name}` ({self.variable.site}):"
                f" {self.group.name} and {group.name}"
            )

    def put_up(self, edges: IntArray | slice, message: Distribution, rows: int, damping: float = 0.0) -> None:
        """Store factor-to-variable messages, mixed with the old ones in natural parameters when damped."""
        group: Group | None = getattr(message, "group", None)
        if group is None:
            raise ProductError(
                f"a {type(message).__name__} message reaches `{self.variable.name}` ({self.variable.site}) inside a joint"
                " cluster; it has no closed-form product\n"
                "  write  z = ~f(a, b).where(meta=Unscented())  with a Python function f, for a product or another function of"
                " random variables; or a q that sets the cluster apart"
            )
        parts = naturals_of(message, rows)
        self.adopt(group, [part.shape[1:] for part in parts])
        for store, part in zip(self.up, parts, strict=True):
            store[edges] = part if damping == 0.0 else (1.0 - damping) * part + damping * store[edges]

    def carry_down(self, edges: IntArray | slice, exclusive: Exclusive) -> None:
        """Store variable-to-factor messages: everything at the variable but the edge's own message."""
        elements = self.elements[edges]
        for store, unary, up in zip(self.down, self.unary, self.up, strict=True):
            store[edges] = taken(unary, elements) + exclusive(up)

    def message(self, edges: IntArray | slice, like: type[Distribution] | None) -> Distribution:
        """Variable-to-factor messages as a batched distribution."""
        if self.group is None:
            self._flat(like)
        assert self.group is not None
        return self.group.from_naturals(*(taken(part, edges) for part in self.down))

    def _flat(self, like: type[Distribution] | None) -> None:
        """No message has come yet: flat, in the family of the distribution that the factor stands for."""
        group: Group | None = getattr(like, "group", None)
        event: tuple[int, ...] = (2,) if like is Bernoulli else ()
        if self.expected is not None:
            group, event = self.expected
        elif group is None or (any(group.event_ranks) and not event):
            raise ModelError(
                f"nothing is known about `{self.variable.name}` ({self.variable.site}), not even its shape, when its"
                " message is needed; give it a prior, or an initial message"
            )
        self.adopt(group, [np.shape(part) for part in group.flat((), event)])

    def belief(self, check: bool = False) -> Distribution:
        """The product of everything at each element; an error where it is improper, if asked to check."""
        if self.group is None:
            raise ImproperPosteriorError(improper(self.variable, 0))
        if self._totals is None:
            self._totals = Totals(self.elements, self.size)
        parts = [unary + self._totals(up) for unary, up in zip(self.unary, self.up, strict=True)]
        if check:
            proper = np.broadcast_to(np.asarray(self.group.is_proper(*parts)), (self.size,))
            if not proper.all():
                raise ImproperPosteriorError(improper(self.variable, int(np.flatnonzero(~proper)[0])))
        belief = self.group.from_naturals(*parts)
        return as_binary(belief) if self.is_binary else belief


def plural_in_a_cluster(family: Family, edge: Edge) -> str:
    """Why an interface of several variables has no place in a joint cluster, and what to write."""
    cluster = next(c for c in family.clusters if edge.interface in c)
    others = [name for name in cluster if name != edge.interface and name in family.random]
    names = list(dict.fromkeys(array.name for _, array, _ in family.random[edge.interface].components()))
    met = f"{edge.interface} of {family.node.name} takes several variables, here {', '.join(names)}, which q must set apart"
    joined = f"; q holds them together with {', '.join(others)}" if others else ""
    terms = " * ".join(f"q({name})" for name in family.random)
    return family.site.letter(f"{met}{joined}", write=f".where(q={terms}) behind the factor, or constraints=MeanField()")


class Slot:
    """One interface of one joint cluster: its edges in the pool of its array, and its rule calls."""

    def __init__(self, family: Family, edge: Edge, offset: int) -> None:
        if edge.component is not None:
            raise ModelError(plural_in_a_cluster(family, edge))
        self.edge = edge
        self.offset = offset
        self.window = slice(offset, offset + edge.place.rows)

    def edges(self, rows: IntArray | None) -> IntArray | slice:
        """Edge numbers in the array's pool, of some rows or of all."""
        return self.window if rows is None else rows + self.offset


class Mailroom:
    """Joint clusters with their slots, and the pools of all arrays of a batch."""

    def __init__(
        self, structure: Structure, batch: Batch, expected: Expected
    ) -> None:
        self.batch = batch
        self.unheard: frozenset[int] = frozenset()
        """Clusters whose output receives flat messages: energy and conditional entropy cancel in the free energy."""
        self.clusters = (*batch.joint, *batch.cut)
        self.joint = range(len(batch.joint))
        """The numbers of the clusters inside which messages flow; the others are edges that a delay cuts off."""
        places: dict[int, list[IntArray]] = {array: [] for array in batch.elements}
        counts = dict.fromkeys(batch.elements, 0)
        self.slots: list[list[Slot]] = []
        for cluster in self.clusters:
            slots = []
            for edge in cluster.edges:
                slots.append(Slot(cluster.family, edge, counts[edge.array]))
                counts[edge.array] += edge.place.rows
                places[edge.array].append(edge.place.index)
            self.slots.append(slots)
        self.pools = {a: Pool(structure, a, batch.size(a, structure), places[a]) for a in batch.elements}
        for array, flat in expected.items():
            self.pools[array].expected = flat
        self._forms = {a: f.message for a, f in structure.forms.items() if f.message is not None}
        self._surroundings = [Surroundings(structure, cluster) for cluster in self.clusters]
        self._rules = [RuleTable(cluster) for cluster in self.clusters]
        self._waits = [_waits(cluster) for cluster in self.clusters]
        self._stages = [stage_of(cluster.family) for cluster in self.clusters]
        self._borders = {c: structure.borders[self.clusters[c]] for c in range(len(batch.joint), len(self.clusters))}
        self._crossings = {c: structure.crossings[self.clusters[c].whole or self.clusters[c]] for c in self._borders}
        self._cavities = {
            c: Exclusive(self.pools[slot.edge.array].elements, np.arange(slot.window.start, slot.window.stop))
            for c in self._borders
            for slot in self.slots[c]
        }

    def read(self, beliefs: Beliefs) -> list[dict[str, Distribution]]:
        """What each cluster reads from outside."""
        return [surroundings.read(beliefs) for surroundings in self._surroundings]

    def incoming(self, cluster: int, rows: IntArray | None, but: int | None = None) -> dict[str, Distribution]:
        """The messages into a cluster, all or all but one slot's."""
        target = self.clusters[cluster].family.node.target
        like = target if isinstance(target, type) and issubclass(target, Distribution) else None
        return {
            "m_" + slot.edge.interface: self.pools[slot.edge.array].message(slot.edges(rows), like)
            for position, slot in enumerate(self.slots[cluster])
            if position != but
        }

    def send_up(
        self, cluster: int, slot: int, rows: IntArray | None, outside: Mapping[str, Distribution], damping: float = 0.0
    ) -> None:
        """Compute factor-to-variable messages by the rule and store them."""
        target = self.slots[cluster][slot]
        but: int | None = slot
        if self._waits[cluster][slot]:
            rows = self._proper_rows(cluster, slot, rows)
            if rows is not None and not len(rows):
                return
            but = None if reads_own(self.clusters[cluster], target.edge.interface) else slot
        inputs = {**self.incoming(cluster, rows, but=but), **_of_rows(outside, rows)}
        try:
            message = self._rules[cluster].message(target.edge.interface, inputs)
        except NoRuleError as error:
            raise NoRuleError(f"{error}\n{advice(self.clusters[cluster])}") from None
        message = self._through(cluster, target.edge.interface, rows, message)
        form = self._forms.get(target.edge.array)
        if form is not None and not isinstance(message, Uninformative):
            message = form(message)
        number = target.edge.place.rows if rows is None else len(rows)
        self.pools[target.edge.array].put_up(target.edges(rows), message, number, damping)

    def _proper_rows(self, cluster: int, slot: int, rows: IntArray | None) -> IntArray | None:
        """The rows in which a factor can be approximated: where all its inputs have proper beliefs.

        Nothing flows back before anything is known about the output's family.
        """
        size = self.clusters[cluster].size if rows is None else len(rows)
        output = self.clusters[cluster].family.node.interfaces[0].name
        fine = np.ones(size, dtype=bool)
        for position, other in enumerate(self.slots[cluster]):
            pool = self.pools[other.edge.array]
            if pool.group is None:
                fine &= position == slot and other.edge.interface == output
            elif other.edge.interface != output:
                fine &= np.asarray(pool.group.is_proper(*(part[other.edges(rows)] for part in pool.down)))
        if fine.all():
            return rows
        return np.flatnonzero(fine) if rows is None else rows[fine]

    def _through(self, cluster: int, interface: str, rows: IntArray | None, message: Distribution) -> Distribution:
        """Through the family's pipeline, with the rows counted in the family."""
        stage, sender = self._stages[cluster], self.clusters[cluster]
        if stage is None:
            return message
        return passed(stage, message, sender if rows is None else sender.restricted(rows), interface, None)

    def begin(self, messages: Mapping[tuple[int, str], Distribution]) -> None:
        """First messages on edges, by family id and interface, or as the family's pipeline has them."""
        for cluster in self.joint:
            for slot in self.slots[cluster]:
                family, interface = self.clusters[cluster].family, slot.edge.interface
                rows, stage = slot.edge.place.rows, self._stages[cluster]
                first = messages.get((family.id, interface))
                if first is None and stage is not None:
                    first = stage.initial(Origin(family, interface, self.clusters[cluster].rows), rows)
                if first is not None:
                    self.pools[slot.edge.array].put_up(slot.window, first, rows)

    def read_borders(self) -> frozenset[int]:
        """Take what last came out at the edges that are cut off; the arrays that have heard something there."""
        reached = set()
        for cluster, border in self._borders.items():
            (slot,) = self.slots[cluster]
            array, message = slot.edge.array, border.latest
            if message is None or isinstance(message, Uninformative):
                for store in self.pools[array].up:
                    store[slot.window] = 0.0
                continue
            if array in self._forms:
                message = self._forms[array](message)
            self.pools[array].put_up(slot.window, message, slot.edge.place.rows)
            reached.add(array)
        return frozenset(reached)

    @property
    def has_borders(self) -> bool:
        """Whether some edges are cut off by delays."""
        return bool(self._borders)

    def leave_at_borders(self) -> None:
        """Leave at the crossings what the variables send along the edges that are cut off."""
        for cluster, crossing in self._crossings.items():
            (slot,) = self.slots[cluster]
            pool = self.pools[slot.edge.array]
            if pool.group is not None:
                pool.carry_down(slot.window, self._cavities[cluster])
                parts = [part[slot.window].copy() for part in pool.down]
                crossing.put(slot.edge, self.clusters[cluster].rows, pool.group, parts)

    def message(self, cluster: Cluster, interface: str) -> Distribution:
        """The message that a cluster last sent by one of its interfaces."""
        number = self.clusters.index(cluster)
        (slot,) = (slot for slot in self.slots[number] if slot.edge.interface == interface)
        pool = self.pools[slot.edge.array]
        if pool.group is None:
            return Uninformative()
        return pool.group.from_naturals(*(part[slot.window] for part in pool.up))

    def joints(self, beliefs: Beliefs, outside: list[dict[str, Distribution]]) -> None:
        """Joint marginals of all joint clusters from their incoming messages."""
        for number in self.joint:
            self._keep_joint(beliefs, number, self.clusters[number], outside[number])

    def _keep_joint(self, beliefs: Beliefs, number: int, cluster: Cluster, outside: dict[str, Distribution]) -> None:
        node = cluster.family.node
        if number in self.unheard:
            ins = tuple(name for name in cluster.names if name != node.interfaces[0].name)
            beliefs.replace_conditional(cluster, ins, np.zeros(cluster.size))
            beliefs.unheard.add(cluster.family.id)
            return
        if node.kind == "stochastic":
            beliefs.replace_joint(cluster, lambda: self._joint(number, outside))
            return
        output = node.interfaces[0].name
        names = tuple(name for name in cluster.names if name != output)
        if output not in cluster.names and not self._is_discrete(number):
            names = names[1:]  # given the output, continuous inputs determine one another
        if len(names) == 1:
            beliefs.replace_conditional(cluster, names, np.zeros(cluster.size))
            return
        if any(self._waits[number]) and self._proper_rows(number, -1, None) is not None:
            beliefs.replace_conditional(cluster, names, np.full(cluster.size, np.nan))
            return
        joint = self._joint(number, outside, "_".join(names))
        apart = sum(
            np.asarray(self.pools[slot.edge.array].belief()[slot.edge.place.index].entropy())
            for slot in self.slots[number]
            if slot.edge.interface in names
        )
        beliefs.replace_conditional(cluster, names, np.asarray(joint.entropy()) - apart)

    def _is_discrete(self, number: int) -> bool:
        return all(self.pools[slot.edge.array].group is DISCRETE for slot in self.slots[number])

    def _joint(self, number: int, outside: Mapping[str, Distribution], names: str | None = None) -> Distribution:
        return self._rules[number].joint({**self.incoming(number, None), **outside}, names)


def advice(cluster: Cluster) -> str:
    """What to write where a cluster has no rules together."""
    apart = " * ".join(f"q({name})" for name in cluster.names)
    names = ", ".join(cluster.names)
    return f"  or   factorise: {names} are one cluster here; write .where(q={apart}) or constraints=MeanField()"


def _waits(cluster: Cluster) -> list[bool]:
    """For each edge, whether a message along it is only sent where proper beliefs come in."""
    whole = is_function(cluster) and reads_own_message(cluster)
    return [whole or reads_own(cluster, edge.interface) for edge in cluster.edges]


def _of_rows(outside: Mapping[str, Distribution], rows: IntArray | None) -> dict[str, Distribution]:
    if rows is None:
        return dict(outside)
    return {
        name: value if not value.batch_shape or value.batch_shape[0] == 1 else value[rows]
        for name, value in outside.items()
    }
