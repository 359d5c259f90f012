"""Rules that read the message, or the marginal, on the edge that they send to: what their signatures ask for.

Expectation propagation (Minka 2001) is the case of the message: with the cavity m, everything at the variable but the
factor's own message, the rule returns the member of m's family that keeps the moments of m times the factor, divided by m.
A marginal on the own edge is where a rule expands its factor, as variational bounds do.

cavity of an edge = messages of the other factors + what the region's joint factors send + own messages of other edges

All edges of a batch are updated from the cavities of the run before, at first from those without any own message; where
these are no beliefs, from an initial message. A cavity that has become improper leaves the edge's message as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import (
    MV_NORMAL,
    NORMAL,
    Distribution,
    Group,
    MvNormalWeightedMeanPrecision,
    NormalWeightedMeanPrecision,
    Uninformative,
)
from reactivepgm.errors import ImproperPosteriorError, MissingInitialError, NoRuleError, ProductError
from reactivepgm.numerics.array import Array
from reactivepgm.plan.beliefs import Beliefs, Mask
from reactivepgm.plan.inbox import naturals_of
from reactivepgm.plan.outbound import RuleTable, marginal_reader
from reactivepgm.plan.pool import Exclusive, concatenate_indices
from reactivepgm.plan.structure import Cluster, Edge, Structure
from reactivepgm.rulebook import own_roles

Naturals = list[Array]
Inputs = Mapping[str, Distribution]

_SETTLED = 1e-8


def own_inputs(cluster: Cluster) -> frozenset[str]:
    """Which of "m" and "q" of its own edge some rule for a cluster of one interface reads."""
    edges = cluster.edges
    if cluster.is_joint or len(edges) != 1 or edges[0].component is not None:
        return frozenset()
    return own_roles(cluster.family.node, edges[0].interface)


class OwnEdge:
    """One cluster whose rule may read its own edge: its last messages, and the cavities that they were computed from."""

    def __init__(self, structure: Structure, cluster: Cluster) -> None:
        self.cluster = cluster
        self.edge: Edge = cluster.edges[0]
        self.roles = own_inputs(cluster)
        forms = structure.forms.get(self.edge.array)
        self._prefers_plain = forms is not None and forms.marginal is not None
        self._rules = RuleTable(cluster)
        self._marginal = marginal_reader(structure, cluster, self.edge.interface) if "q" in self.roles else None
        self.group: Group | None = None
        self.sites: Naturals = []
        self.used: Naturals = []
        """Natural parameters of the cavities behind the messages."""
        self.expanded: Naturals = []
        """Natural parameters of the last messages by the marginal."""
        self.step = 0.0
        """How far these have moved, relative to their size."""
        self.told: NDArray[np.bool_] | None = None
        """The rows that have been told something by an approximate message."""

    def from_marginal(self, beliefs: Beliefs, inputs: Inputs) -> Distribution | None:
        """The message by a rule that reads the marginal, where that is known and there is such a rule."""
        if self._marginal is None or self._is_plain(inputs):
            return None
        if beliefs.marginals[self.edge.array] is None:
            self.step = np.inf  # the next run will know it
            return None
        own = "q_" + self.edge.interface
        whole = {**inputs, own: self._marginal(beliefs)}
        if not self._rules.has(self.edge.interface, whole):
            return None
        message = self._rules.message(self.edge.interface, whole)
        rows = self.cluster.size
        now = naturals_of(message, rows) if message.group is not None else []
        self.step = _step(self.expanded, now) if self.expanded else np.inf
        self.expanded = [np.array(part) for part in now]
        return message

    def reads_message(self, inputs: Inputs) -> bool:
        """Whether the message on the own edge is wanted for inputs of these types."""
        return "m" in self.roles and not self._is_plain(inputs) and any(
            self._rules.has(self.edge.interface, {**inputs, self._own: kind})
            for kind in (NormalWeightedMeanPrecision, MvNormalWeightedMeanPrecision)
        )

    def _is_plain(self, inputs: Inputs) -> bool:
        return self._prefers_plain and self._rules.has(self.edge.interface, inputs)

    @property
    def _own(self) -> str:
        return "m_" + self.edge.interface

    def update(self, inputs: Inputs, group: Group, cavities: Naturals, missing: Mask, damping: float) -> None:
        """New messages from the cavities, a row each.

        Raises:
            MissingInitialError: no row has a cavity that normalises, nor a message of its own accord.
        """
        rows, to = self.cluster.size, self.edge.interface
        heard = np.ones(rows, dtype=bool) if missing is None else ~missing
        proper = np.broadcast_to(np.asarray(group.is_proper(*cavities)), (rows,)) & _finite(cavities) & heard
        flat = heard & ~np.any([part.reshape(rows, -1).any(axis=1) for part in cavities], axis=0)
        found = [part.copy() for part in self.sites] or [np.zeros_like(part) for part in cavities]
        if proper.any():
            own = group.from_naturals(*_take(cavities, proper))
            message = self._rules.message(to, {**_rows(inputs, proper), self._own: own})
            _put(found, proper, naturals_of(message, int(proper.sum())))
        told = proper
        if flat.any():
            plain = self._moments(_rows(inputs, flat), int(flat.sum()), group)
            if plain is not None:
                _put(found, flat, plain)
                told = told | flat
        if heard.any() and not told.any() and self.told is None:
            raise MissingInitialError(self.letter())
        if self.sites and damping:
            found = [(1.0 - damping) * new + damping * old for new, old in zip(found, self.sites, strict=True)]
        self.sites, self.group = found, group
        self.used = [np.array(part) for part in cavities]
        self.told = told if self.told is None else self.told | told

    def _moments(self, inputs: Inputs, rows: int, group: Group) -> Naturals | None:
        """Where nothing else is known the belief is the factor itself: its moments, if it has any."""
        if group is not NORMAL:
            return None
        with suppress(NoRuleError, ProductError):
            plain = self._rules.message(self.edge.interface, inputs)
            mean, variance = (np.broadcast_to(np.asarray(part), (rows,)) for part in (plain.mean, plain.variance))
            if np.isfinite(variance).all() and np.isfinite(mean).all():
                return [mean / variance, 1.0 / variance]
        return None

    def message(self) -> Distribution:
        """The last messages, a row each."""
        return Uninformative() if self.group is None else self.group.from_naturals(*self.sites)

    def forget(self) -> None:
        """Begin anew, with other data."""
        self.group, self.sites, self.used, self.told, self.expanded, self.step = None, [], [], None, [], 0.0

    def letter(self) -> str:
        """The error where nothing proper comes in."""
        family, to = self.cluster.family, self.edge.interface
        return (
            f"{family.node.name} needs the message that comes in on its own edge {to!r}, and nothing proper comes in yet\n"
            f"  at   {family.site}\n"
            f"  add  a proper prior, or an initial message, such as messages={{name: Normal(mean=0.0, variance=100.0)}}"
        )


class OwnEdges:
    """The own edges of a batch: cavities, and how far they moved.

    Args:
        structure: the plan's structure.
        edges: the clusters whose rules may read their own edge.
    """

    def __init__(self, structure: Structure, edges: Sequence[OwnEdge]) -> None:
        self._arrays = {own.edge.array: structure.arrays[own.edge.array] for own in edges}
        self._edges = edges
        self.initial: Mapping[int, Distribution] = {}
        """Initial messages by array."""
        self.damping = 0.0
        self.active: list[OwnEdge] = []
        """Those whose rules read the message on their own edge."""
        self.is_waiting = False
        """Whether some have sent nothing because nothing has come from the region yet."""
        self.foreign: set[int] = set()
        """The arrays that other clusters send messages without natural parameters to."""
        self._arrived: dict[int, tuple[Group, Naturals]] = {}
        self._plain: dict[int, tuple[Group, Naturals]] = {}
        self._exclusive: dict[tuple[OwnEdge, ...], Exclusive] = {}
        self._data: tuple[Beliefs, int] | None = None

    def begin(self, beliefs: Beliefs) -> None:
        """Forget what other clusters sent in the last run; with new data, everything."""
        if not self._edges:
            return
        self._plain, self.foreign, self.is_waiting, self.active = {}, set(), False, []
        if self._data is None or self._data[0] is not beliefs or self._data[1] != beliefs.clamped:
            self._data = beliefs, beliefs.clamped
            self._arrived = {}
            for own in self._edges:
                own.forget()

    def hear(self, edge: Edge, message: Distribution, missing: Mask) -> None:
        """Note a message of another cluster."""
        if edge.array not in self._arrays or isinstance(message, Uninformative):
            return
        group: Group | None = getattr(message, "group", None)
        known = self._plain.get(edge.array)
        if group not in (NORMAL, MV_NORMAL) or (known is not None and known[0] is not group):
            self.foreign.add(edge.array)
            return
        parts = naturals_of(message, edge.place.rows, missing)
        if known is None:
            size = edge.place.size
            known = self._plain[edge.array] = group, [np.zeros((size, *part.shape[1:])) for part in parts]
        for total, part in zip(known[1], parts, strict=True):
            edge.place.add(total, part)

    def receive(self, array: int, group: Group, naturals: Naturals) -> None:
        """Take what the joint clusters of a region send to an array, elements first."""
        self._arrived[array] = group, naturals

    def wants(self, array: int) -> bool:
        """Whether some rule reads what comes in at an array."""
        return any(own.edge.array == array for own in self.active)

    def is_silent(self, own: OwnEdge, in_region: bool) -> bool:
        """Whether an edge has to wait until its region has been solved without it."""
        array = own.edge.array
        waits = in_region and own.group is None and array not in self._arrived and array not in self.initial
        self.is_waiting |= waits
        return waits

    def update(self, own: OwnEdge, inputs: Inputs, cavity: tuple[Group, Naturals] | None, missing: Mask) -> None:
        """New messages of one cluster; the first ones from the initial message, where there is one."""
        first = self.initial.get(own.edge.array)
        if own.group is None and first is not None:
            group: Group | None = first.group
            if group is None:
                raise ProductError(f"an initial {type(first).__name__} message is of no exponential family")
            index, size = own.edge.place.index, own.edge.place.size
            cavity = group, [part[index] for part in naturals_of(first.broadcast_to((size,)), size)]
        if cavity is None:
            cavity = self._flat(own)
        own.update(inputs, *cavity, missing, self.damping)

    def _flat(self, own: OwnEdge) -> tuple[Group, Naturals]:
        rank = own.cluster.family.node.interface(own.edge.interface).event_rank
        if rank != 0:
            raise MissingInitialError(own.letter())
        rows = own.cluster.size
        return NORMAL, [np.zeros(rows), np.zeros(rows)]

    def cavities(self, own: OwnEdge) -> tuple[Group, Naturals] | None:
        """Everything at the rows' variables but the rows' own messages; None where nothing has a family yet."""
        array, index = own.edge.array, own.edge.place.index
        sent = [part for part in (self._plain.get(array), self._arrived.get(array)) if part is not None]
        peers = tuple(other for other in self.active if other.edge.array == array and other.group is not None)
        groups = {group for group, _ in sent} | {peer.group for peer in peers if peer.group is not None}
        if len(groups) != 1:
            return None
        (group,) = groups
        terms = [[part[index] for part in naturals] for _, naturals in sent]
        if own in peers:
            if peers not in self._exclusive:
                self._exclusive[peers] = Exclusive(concatenate_indices([peer.edge.place.index for peer in peers]))
            start = sum(peer.cluster.size for peer in peers[: peers.index(own)])
            window = slice(start, start + own.cluster.size)
            columns = zip(*(peer.sites for peer in peers), strict=True)
            terms.append([self._exclusive[peers](np.concatenate(column))[window] for column in columns])
        return (group, [sum(column[1:], column[0]) for column in zip(*terms, strict=True)]) if terms else None

    @property
    def is_read(self) -> bool:
        """Whether some rule has read its own edge in the last run."""
        return bool(self.active) or any(own.expanded for own in self._edges)

    @property
    def change(self) -> float:
        """How far what rules read on their own edges has moved since, relative to its size."""
        largest = 0.0
        for own in self.active:
            now = self.cavities(own)
            if now is not None and own.used:
                largest = max(largest, _step(own.used, now[1]))
        return max([largest, *(own.step for own in self._edges)])

    @property
    def converged(self) -> bool:
        """Whether the messages are those that their own edges ask for."""
        return self.change <= _SETTLED

    def keep(self, beliefs: Beliefs) -> None:
        """Leave the cavities with the beliefs, for the free energy."""
        for own in self.active:
            found = self.cavities(own)
            if found is not None and own.sites:
                beliefs.keep_cavity(own.cluster, own.edge.interface, *found)


def solve_with_own(own: OwnEdges, solve: Callable[[], None]) -> None:
    """Solve a region; once more where edges have waited for what comes in on them.

    Raises:
        MissingInitialError: without their messages the region has no posterior, so that nothing proper comes in.
    """
    try:
        solve()
    except ImproperPosteriorError as error:
        waiting = next((edge for edge in own.active if edge.group is None), None)
        if not own.is_waiting or waiting is None:
            raise
        raise MissingInitialError(f"{error}\n{waiting.letter()}") from None
    if own.is_waiting:
        solve()


def _step(before: Naturals, after: Naturals) -> float:
    largest = 0.0
    for old, new in zip(before, after, strict=True):
        size = np.abs(np.where(np.isfinite(new), new, 0.0))
        moved = np.where(old == new, 0.0, np.abs(new - old) / (1.0 + size))
        largest = max(largest, float(moved.max(initial=0.0)))
    return largest


def _finite(parts: Naturals) -> NDArray[np.bool_]:
    return np.asarray(np.all([np.isfinite(part).reshape(len(part), -1).all(axis=1) for part in parts], axis=0))


def _take(parts: Naturals, rows: NDArray[np.bool_]) -> Naturals:
    return parts if rows.all() else [part[rows] for part in parts]


def _rows(inputs: Inputs, rows: NDArray[np.bool_]) -> dict[str, Distribution]:
    if rows.all():
        return dict(inputs)
    return {n: v if not v.batch_shape or v.batch_shape[0] == 1 else v[rows] for n, v in inputs.items()}


def _put(store: Naturals, rows: NDArray[np.bool_], parts: Naturals) -> None:
    for whole, part in zip(store, parts, strict=True):
        whole[rows] = part
