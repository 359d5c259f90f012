"""Regions with cycles: loopy belief propagation, flooding, damped, until the messages settle.

One run is one flood: every factor sends to all its variables, then every variable to all its factors. Messages persist
from run to run. On a Gaussian region with cycles the means are exact once the messages have converged, the variances
are not (Weiss & Freeman 2001, "Correctness of belief propagation in Gaussian graphical models of arbitrary topology").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.mailroom import Expected, Mailroom
from reactivepgm.plan.pool import Exclusive
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.star_sweep import Senders
from reactivepgm.plan.structure import Cluster, Structure
from reactivepgm.plan.tree_sweep import collect, deliver, sent_message, tell_own


@dataclass(frozen=True)
class LoopySchedule:
    """How regions with cycles are swept: how much of the old message stays, and when the change counts as none."""

    damping: float = 0.0
    tolerance: float = 1e-8


class LoopySweep:
    """Updates regions with cycles by one flood of messages a run."""

    name = "loopy flooding"

    def __init__(
        self,
        structure: Structure,
        batch: Batch,
        expected: Expected,
        schedule: LoopySchedule,
        messages: Mapping[int, Distribution],
        edges: Mapping[tuple[int, str], Distribution] | None = None,
    ) -> None:
        self._mail = Mailroom(structure, batch, expected)
        self._senders = Senders(structure, batch.single, in_region=True)
        self.own = self._senders.own
        self._schedule = schedule
        self._initial = {array: messages[array] for array in batch.elements if array in messages}
        self._edges = edges or {}
        self._exclusive = {array: Exclusive(pool.elements) for array, pool in self._mail.pools.items()}
        self._started = False
        self.change = np.inf
        """The largest change of a natural parameter in the last flood, relative to its size."""

    @property
    def converged(self) -> bool:
        """Whether the last flood changed no message by more than the tolerance."""
        return bool(self.change <= self._schedule.tolerance)

    def run(self, beliefs: Beliefs) -> None:
        """One flood; marginals and joints are replaced by the current beliefs."""
        mail = self._mail
        collect(mail, self._senders, beliefs)
        outside = mail.read(beliefs)
        if not self._started:
            self._start()
        mail.read_borders()
        # The last flood has left what the variables send; it holds until something comes from outside the edges.
        if not self._started or mail.has_borders or any(pool.is_news for pool in mail.pools.values()):
            self._carry()
        before = {array: [part.copy() for part in pool.up] for array, pool in mail.pools.items()}
        damping = self._schedule.damping if self._started else 0.0
        self._flood(outside, damping)
        # Functions wait for their inputs: the first flood is repeated until something has reached every variable.
        waiting = [] if self._started else [pool for pool in mail.pools.values() if pool.group is None]
        while waiting:
            self._carry()
            self._flood(outside, damping)
            left = [pool for pool in waiting if pool.group is None]
            if len(left) == len(waiting):
                break
            waiting = left
        self._started = True
        self.change = max((_change(before[array], pool.up) for array, pool in mail.pools.items()), default=0.0)
        self._carry()
        mail.leave_at_borders()
        deliver(mail, beliefs, check=False)
        mail.joints(beliefs, outside)
        tell_own(mail, self.own, beliefs)

    def _flood(self, outside: list[dict[str, Distribution]], damping: float) -> None:
        mail = self._mail
        for cluster in mail.joint:
            for slot in range(len(mail.slots[cluster])):
                mail.send_up(cluster, slot, None, outside[cluster], damping)

    def _start(self) -> None:
        for array, message in self._initial.items():
            pool = self._mail.pools[array]
            pool.put_up(slice(None), message, len(pool.elements))
        self._mail.begin(self._edges)

    def message(self, beliefs: Beliefs, cluster: Cluster, interface: str) -> Distribution:
        """A cluster's message towards one of its interfaces, as it was last sent."""
        return sent_message(self._mail, self._senders, beliefs, cluster, interface)

    def _carry(self) -> None:
        for array, pool in self._mail.pools.items():
            if pool.group is not None:
                pool.carry_down(slice(None), self._exclusive[array])

    def check(self) -> None:
        """Raise if a belief of the region does not normalise."""
        for pool in self._mail.pools.values():
            pool.belief(check=True)


def _change(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    """The largest relative step; ``before`` is overwritten."""
    if not before:
        return np.inf
    worst = 0.0
    for old, new in zip(before, after, strict=True):
        with np.errstate(invalid="ignore"):
            step = np.abs(np.subtract(new, old, out=old), out=old)
            size = np.abs(new)
            size += 1.0
            step /= size
        largest = float(step.max(initial=0.0))
        if not largest < np.inf:  # infinities that stay where they are have not changed
            largest = float(np.where(np.isnan(step) & np.isinf(new), 0.0, step).max(initial=0.0))
        worst = max(worst, largest)
    return worst
