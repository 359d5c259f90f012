"""A graph that reacts: data in, posteriors and the score out, as cells.

A new datum marks the batches that read it; the work-list runs them in the plan's order, then the cells that show their
results. What does not depend on the datum does not run. Variational cycles are closed by the next datum: one propagation
updates every marked batch once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, ModelError
from reactivepgm.graph import FixedBinding, Graph, Reference, VariableArray, fitted
from reactivepgm.plan import Beliefs, Plan
from reactivepgm.streams.cell import Cell
from reactivepgm.streams.propagation import Propagation, Unit


class Inlet:
    """One data array: its values so far, and which of them have arrived."""

    def __init__(self, array: VariableArray) -> None:
        self.array = array
        self.value: Any = None
        self._arrived = np.zeros(array.shape, dtype=bool)

    @property
    def is_complete(self) -> bool:
        """Whether every element has a value (or was said to be missing)."""
        return bool(self._arrived.all())

    def put(self, reference: Reference, value: Any) -> None:
        """Store a value for the elements that a reference names; None or NaN is a missing one."""
        array = self.array
        if reference.is_whole:
            self.value = fitted(array, value)
            self._arrived[...] = True
            return
        event = array.value_shape if array.value_shape is not None else np.shape(value)[len(reference.shape) :]
        if self.value is None:
            self.value = np.full((*array.shape, *event), np.nan)
        value = np.nan if value is None else np.asarray(value, dtype=float)
        try:
            where = np.unravel_index(reference.elements, array.shape)
            self.value[where] = np.broadcast_to(value, (*reference.shape, *event))
        except ValueError:
            raise DataError(
                f"the value for {reference!r} has shape {np.shape(value)}, expected {(*reference.shape, *event)}"
            ) from None
        self._arrived[where] = True


class LiveGraph:
    """A graph, its plan and its beliefs behind cells; made by ``live(graph)``."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.propagation = Propagation()
        self._inlets = {array.id: Inlet(array) for array in graph.data}
        self._initial: dict[int, Distribution] = {}
        self._plan: Plan | None = None
        self._beliefs: Beliefs | None = None
        self._units: list[Unit] = []
        self._shown: dict[int, list[Unit]] = {}
        self._top: list[Unit] = []

    # -- data in

    def update(self, reference: Reference, value: Any) -> None:
        """Push a value; everything that depends on it is brought up to date before this returns."""
        self.propagation.check_thread()
        inlet = self._inlets.get(reference.array.id)
        if inlet is None:
            raise ModelError(f"{reference!r} is no data variable of this graph: only a datavar takes values")
        inlet.put(reference, value)
        if not all(other.is_complete for other in self._inlets.values()):
            return
        first = self._beliefs is None
        plan, beliefs = self._ready()
        name = inlet.array.name
        families = [family for family in plan.structure.families if _reads(family.bindings, name)]
        beliefs.clamp(self._data(), plan.structure.families if first else families)
        touched = {family.id for family in families}
        for unit, batch in zip(self._units, plan.batches, strict=True):
            if first or any(cluster.family.id in touched for cluster in batch.clusters):
                self.propagation.mark(unit)
        for unit in self._top:
            self.propagation.mark(unit)
        self.propagation.run()

    def set_marginal(self, reference: Reference, belief: Distribution) -> None:
        """Give a variable its initial marginal; before the first datum is complete."""
        if self._plan is not None:
            raise ModelError(f"the initial marginal of {reference!r} must be set before the data are complete")
        if not reference.is_whole:
            raise ModelError(f"set the initial marginal of the whole array `{reference.array.name}`")
        self._initial[reference.array.id] = belief

    # -- beliefs out

    def marginal(self, reference: Reference) -> Cell:
        """The observable of a variable's posterior, in the reference's own shape."""
        array = reference.array
        if array.kind != "random":
            raise ModelError(f"{reference!r} is {array.kind}: only a random variable has a marginal")
        elements = reference.elements if reference.shape else int(reference.elements)

        def belief() -> Distribution:
            assert self._plan is not None
            assert self._beliefs is not None
            current = self._beliefs.marginals[self._plan.structure.number[array.id]]
            assert current is not None
            return current.broadcast_to((array.size,))[elements]

        cell = Cell(self.propagation, 0, belief)
        cell.unit.ready = lambda: self._knows(array.id)
        self._shown.setdefault(array.id, []).append(cell.unit)
        if self._plan is not None:
            self._connect()
        return cell

    def free_energy(self) -> Cell:
        """The observable of the Bethe free energy, in nats."""

        def score() -> float:
            assert self._plan is not None
            assert self._beliefs is not None
            return self._plan.free_energy(self._beliefs)

        cell = Cell(self.propagation, 0, score)
        cell.unit.ready = lambda: all(self._knows(array.id) for array in self.graph.random if array.size)
        self._top.append(cell.unit)
        if self._plan is not None:
            self._connect()
        return cell

    # -- inside

    def _knows(self, array: int) -> bool:
        if self._plan is None or self._beliefs is None:
            return False
        return self._beliefs.marginals[self._plan.structure.number[array]] is not None

    def _data(self) -> Mapping[str, Any]:
        return {inlet.array.name: inlet.value for inlet in self._inlets.values()}

    def _ready(self) -> tuple[Plan, Beliefs]:
        if self._plan is None or self._beliefs is None:
            random = [array for array in self.graph.random if array.size]
            initial = frozenset(i for i, array in enumerate(random) if array.id in self._initial)
            self._plan = plan = Plan(self.graph, initial)
            self._beliefs = beliefs = plan.beliefs()
            for i in initial:
                beliefs.begin(i, self._initial[random[i].id].broadcast_to((random[i].size,)))
            self._units = [Unit(2 * number + 1, self._update_of(number)) for number in range(len(plan.batches))]
            self._connect()
        return self._plan, self._beliefs

    def _update_of(self, number: int) -> Any:
        def run() -> None:
            assert self._plan is not None
            assert self._beliefs is not None
            self._plan.update(number, self._beliefs)

        return run

    def _connect(self) -> None:
        """Heights and dependents: batches by the plan's order, what they show right above them, the score on top."""
        assert self._plan is not None
        structure = self._plan.structure
        homes = [set(batch.elements) for batch in self._plan.batches]
        touching = [
            {
                edge.array
                for cluster in batch.clusters
                for other in structure.clusters[cluster.family.id]
                for edge in other.edges
            }
            for batch in self._plan.batches
        ]
        top = 2 * len(self._units) + 1
        for number, unit in enumerate(self._units):
            unit.dependents = [
                other
                for position, other in enumerate(self._units)
                if position != number and homes[number] & touching[position]
            ]
            for array, cells in self._shown.items():
                if structure.number[array] in homes[number]:
                    for cell in cells:
                        cell.height = max(cell.height, unit.height + 1)
                        unit.dependents.append(cell)
            unit.dependents += self._top
        for unit in self._top:
            unit.height = top


def _reads(bindings: Mapping[str, Any], name: str) -> bool:
    return any(isinstance(binding, FixedBinding) and name in binding.names for binding in bindings.values())


_LIVE: WeakKeyDictionary[Graph, LiveGraph] = WeakKeyDictionary()


def live(graph: Graph) -> LiveGraph:
    """The live side of a graph, made on first use."""
    if graph not in _LIVE:
        _LIVE[graph] = LiveGraph(graph)
    return _LIVE[graph]
