"""Forests whose factors have no kernel: exact sum-product in sequential rounds, by the ordinary rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution
from reactivepgm.plan.barren import Barren
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.events import noted
from reactivepgm.plan.inbox import Inbox
from reactivepgm.plan.mailroom import Expected, Mailroom
from reactivepgm.plan.own_edges import OwnEdges, solve_with_own
from reactivepgm.plan.pool import Exclusive, Totals
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.rounds import rounds_of
from reactivepgm.plan.star_sweep import Senders
from reactivepgm.plan.structure import Cluster, Structure

IntArray = NDArray[np.intp]


@dataclass(frozen=True)
class Up:
    """Rows of a cluster send to one of their variables."""

    cluster: int
    slot: int
    rows: IntArray | None


@dataclass(frozen=True)
class Down:
    """Variables of an array send along some of their edges."""

    array: int
    edges: IntArray
    exclusive: Exclusive


class TreeSweep:
    """Updates forests of any factors; as many rounds as the forest is deep."""

    name = "sequential rounds"

    def __init__(self, structure: Structure, batch: Batch, expected: Expected) -> None:
        self._mail = Mailroom(structure, batch, expected)
        self._senders = Senders(structure, batch.single, in_region=True)
        self.own = self._senders.own
        self._structure = structure
        self._informed = frozenset(edge.array for cluster in batch.single for edge in cluster.edges)
        self._rounds: dict[frozenset[int], tuple[list[Up | Down], frozenset[int]]] = {}
        self._rounds_for(frozenset())

    def run(self, beliefs: Beliefs) -> None:
        """Replace marginals and joints of the batch by those of the exact joint posterior."""
        solve_with_own(self.own, lambda: self._solve(beliefs))

    def _solve(self, beliefs: Beliefs) -> None:
        mail = self._mail
        collect(mail, self._senders, beliefs)
        outside = mail.read(beliefs)
        steps, mail.unheard = self._rounds_for(mail.read_borders())
        for step in steps:
            if isinstance(step, Up):
                mail.send_up(step.cluster, step.slot, step.rows, outside[step.cluster])
            else:
                mail.pools[step.array].carry_down(step.edges, step.exclusive)
        mail.leave_at_borders()
        deliver(mail, beliefs)
        mail.joints(beliefs, outside)
        tell_own(mail, self.own, beliefs)

    def message(self, beliefs: Beliefs, cluster: Cluster, interface: str) -> Distribution:
        """A cluster's message towards one of its interfaces, as it was last sent."""
        return sent_message(self._mail, self._senders, beliefs, cluster, interface)

    def _rounds_for(self, reached: frozenset[int]) -> tuple[list[Up | Down], frozenset[int]]:
        """The steps, and the clusters that hear nothing, when messages from cut edges reach some of the arrays."""
        if reached not in self._rounds:
            if not self._mail.joint:
                self._rounds[reached] = [], frozenset()
            else:
                wiring = _Wiring(self._mail, self._structure, set(self._informed | reached))
                self._rounds[reached] = _steps(self._mail, wiring), wiring.unheard(self._mail)
        return self._rounds[reached]


def sent_message(
    mail: Mailroom, senders: Senders, beliefs: Beliefs, cluster: Cluster, interface: str
) -> Distribution:
    """A message of a region with pools: those on edges inside it are there as they were last sent."""
    return senders.message(cluster, beliefs) if cluster in mail.batch.single else mail.message(cluster, interface)


def collect(mail: Mailroom, senders: Senders, beliefs: Beliefs) -> None:
    """Gather the messages of the single clusters into the pools."""
    inboxes = {a: Inbox(pool.variable, pool.size) for a, pool in mail.pools.items()}
    senders.send(beliefs, inboxes)
    for array, inbox in inboxes.items():
        mail.pools[array].receive(inbox)


def deliver(mail: Mailroom, beliefs: Beliefs, check: bool = True) -> None:
    """Store the marginals of all arrays of the batch."""
    for array, pool in mail.pools.items():
        with noted("product", pool.variable.name, pool.size):
            belief = pool.belief(check)
        beliefs.replace(array, mail.batch.elements[array], belief)


def tell_own(mail: Mailroom, own: OwnEdges, beliefs: Beliefs) -> None:
    """What the factors of the region send to the variables at which rules read their own edge."""
    for array, pool in mail.pools.items():
        if own.wants(array) and pool.group is not None:
            own.receive(array, pool.group, [Totals(pool.elements, pool.size)(part) for part in pool.up])
    own.keep(beliefs)


class _Wiring:
    """The edges of all joint clusters, numbered cluster by cluster, slot by slot."""

    def __init__(self, mail: Mailroom, structure: Structure, informed: set[int]) -> None:
        sizes = {array: pool.size for array, pool in mail.pools.items()}
        offset = {array: sum(list(sizes.values())[:i]) for i, array in enumerate(sizes)}
        variables, factors, outputs, conditional, starts = [], [], [], [], [0]
        self.owners: list[tuple[int, int]] = []
        rows = 0
        for number in mail.joint:
            cluster, slots = mail.clusters[number], mail.slots[number]
            family = cluster.family
            output = family.node.interfaces[0].name
            alone = len(structure.clusters[family.id]) == 1
            for position, slot in enumerate(slots):
                variables.append(slot.edge.place.index + offset[slot.edge.array])
                factors.append(np.arange(rows, rows + cluster.size))
                outputs.append(np.full(cluster.size, alone and slot.edge.interface == output))
                starts.append(starts[-1] + cluster.size)
                self.owners.append((number, position))
            conditional.append(np.full(cluster.size, alone and output in cluster.names))
            rows += cluster.size
        self.variables, self.factors = np.concatenate(variables), np.concatenate(factors)
        self.bounds = np.array(starts)
        known = np.concatenate([np.full(size, array in informed) for array, size in sizes.items()])
        self.barren = Barren(
            self.variables, self.factors, np.concatenate(outputs), np.concatenate(conditional), known
        )


    def unheard(self, mail: Mailroom) -> frozenset[int]:
        """The clusters all of whose rows draw an output that nothing is known about."""
        found = []
        for number in mail.joint:
            cluster = mail.clusters[number]
            start = self.bounds[self.owners.index((number, 0))]
            if not self.barren.hears(self.factors[start : start + cluster.size]).any():
                found.append(number)
        return frozenset(found)


def _steps(mail: Mailroom, wiring: _Wiring) -> list[Up | Down]:
    """Lower the rounds of the whole forest to rule calls by cluster and cavities by array."""
    bounds = wiring.bounds
    steps: list[Up | Down] = []
    for step in rounds_of(wiring.variables, wiring.factors):
        edges = np.sort(step.edges)
        if step.to_variable:
            edges = edges[wiring.barren.send_up(edges)]
        else:
            wiring.barren.send_down(edges)
        cuts = np.searchsorted(edges, bounds)
        downward: dict[int, list[IntArray]] = {}
        for (number, position), low, high, start in zip(wiring.owners, cuts[:-1], cuts[1:], bounds[:-1], strict=True):
            if low == high:
                continue
            slot = mail.slots[number][position]
            rows = edges[low:high] - start
            if step.to_variable:
                steps.append(Up(number, position, None if len(rows) == slot.edge.place.rows else rows))
            else:
                downward.setdefault(slot.edge.array, []).append(rows + slot.offset)
        for array, parts in downward.items():
            wanted = np.concatenate(parts)
            steps.append(Down(array, wanted, Exclusive(mail.pools[array].elements, wanted)))
    return steps
