"""A plan at work: its beliefs, and its units of work, one a batch and one a crossing.

Batches have odd heights in the plan's order; crossings and cells stand right above the batches they rest on, the score
above everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ImproperPosteriorError, ModelError
from reactivepgm.plan import Beliefs, Border, Plan
from reactivepgm.plan.pipeline import stage_of
from reactivepgm.streams.dependencies import Dependencies
from reactivepgm.streams.propagation import Unit
from reactivepgm.streams.shown import Shown


class Running:
    """Made when the data are complete.

    Args:
        plan: the plan.
        beliefs: its beliefs, with the data clamped.
        held: whether somebody holds back the posterior of one of some arrays, by their ids.
        mark: puts a unit on the work-list.
    """

    def __init__(
        self, plan: Plan, beliefs: Beliefs, held: Callable[[Iterable[int]], bool], mark: Callable[[Unit], None]
    ) -> None:
        self.plan, self.beliefs = plan, beliefs
        self.number = plan.structure.number
        self.dependencies = Dependencies(plan)
        self._held, self._mark = held, mark
        self._done: set[int] = set()
        count = len(plan.batches)
        self._heard: set[Unit] = set()
        self._waiting: set[Unit] = set()
        self.units = [Unit(2 * n + 1, self._update_of(n), self._ready_of(n)) for n in range(count)]
        self._crossings = [Unit(0, partial(crossing.run, beliefs)) for crossing in plan.crossings]
        cut = [border for border in plan.structure.borders.values() if border.cluster.whole is not None]
        self.waves = 1 + sum(border.cluster.size for border in cut)
        self._tapped = {
            unit
            for unit, batch in zip(self.units, plan.batches, strict=True)
            if any(stage_of(cluster.family) is not None for cluster in batch.clusters)
        }
        for number, unit in enumerate(self.units):
            unit.dependents = [self.units[other] for other in self.dependencies.dependents(number)]
        for crossing, unit in zip(plan.crossings, self._crossings, strict=True):
            ends = self.dependencies.of_cluster(crossing.cluster)
            unit.height = 2 * max(ends) + 2
            unit.dependents = [self.units[other] for other in self.dependencies.of_crossing(crossing)]
            reads = {edge.array for other in self.dependencies.others(crossing.cluster) for edge in other.edges}
            for number in {*ends, *(n for array in reads for n in self.dependencies.of_array(array))}:
                self.units[number].dependents.append(unit)
        self._listen()

    @property
    def is_complete(self) -> bool:
        """Whether every marginal and every joint across a cut is known."""
        return self.beliefs.marginals.are_known and all(c.is_complete for c in self.plan.crossings)

    def marginal(self, array: int) -> Distribution | None:
        """The marginal of an array by its id."""
        return self.beliefs.marginals[self.number[array]]

    def has_run(self, numbers: Iterable[int]) -> bool:
        """Whether all these batches have been updated."""
        return self._done.issuperset(numbers)

    def unit_of(self, border: Border) -> Unit:
        """The unit that sweeps the region which a border leads to."""
        for batch, unit in zip(self.plan.batches, self.units, strict=True):
            if border.cluster in batch.clusters:
                return unit
        raise KeyError(border.cluster)

    def renew(self, data: Mapping[str, Any], name: str) -> None:
        """Clamp what reads a datum and mark the work that depends on it."""
        families = [f for f in self.plan.structure.families if any(name in b.names for b in f.bindings.values())]
        self.beliefs.clamp(data, families)
        touched = {family.id for family in families}
        for unit, batch in zip(self.units, self.plan.batches, strict=True):
            if any(cluster.family.id in touched for cluster in batch.clusters):
                self._mark(unit)
        for unit, crossing in zip(self._crossings, self.plan.crossings, strict=True):
            if crossing.cluster.family.id in touched:
                self._mark(unit)

    def attach(self, shown: Shown) -> bool:
        """Put a cell above the batches that it shows; the score above everything.

        Returns:
            Whether they have work to do that waited because nobody listened.
        """
        unit = shown.cell.unit
        numbers = shown.batches(self)
        below = [self.units[n] for n in numbers] + (self._crossings if shown.is_score or shown.is_joint else [])
        unit.height = 2 * len(self.units) + 2 if shown.is_score else max((u.height for u in below), default=0) + 1
        for other in below:
            other.dependents.append(unit)
        self._listen()
        late = self._waiting & self._heard
        self._waiting -= late
        return bool(late)

    def detach(self, shown: Shown) -> None:
        """Take a cell away."""
        for other in (*self.units, *self._crossings):
            if shown.cell.unit in other.dependents:
                other.dependents.remove(shown.cell.unit)
        self._listen()

    def _listen(self) -> None:
        """See anew which units somebody listens to, however far away: a cell, or a stage of a pipeline."""
        own = {*self.units, *self._crossings}
        heard = {unit for unit in own if unit in self._tapped or not own.issuperset(unit.dependents)}
        while more := {unit for unit in own - heard if not heard.isdisjoint(unit.dependents)}:
            heard |= more
        self._heard = heard

    def _update_of(self, number: int) -> Callable[[], None]:
        def run() -> None:
            try:
                self.plan.update(number, self.beliefs)
            except (ImproperPosteriorError, ModelError):
                borders = [self.plan.structure.borders.get(cluster) for cluster in self.plan.batches[number].clusters]
                if all(border is None or border.latest is not None for border in borders):
                    raise
            else:
                self._done.add(number)

        return run

    def _ready_of(self, number: int) -> Callable[[], bool]:
        batch = self.plan.batches[number]
        ids = [self.plan.structure.arrays[array].id for array in batch.elements]
        others = [other for cluster in batch.clusters for other in self.dependencies.others(cluster)]
        joints = {(other.family.id, other.number) for other in others if other.is_joint}
        arrays = {edge.array for other in others if not other.is_joint for edge in other.edges}

        def ready() -> bool:
            if self.units[number] not in self._heard:
                self._waiting.add(self.units[number])
                return False
            if self._held(ids):
                return False
            known = all(self.beliefs.marginals[array] is not None for array in arrays)
            return known and all(self.beliefs.has_joint(key) for key in joints)

        return ready
