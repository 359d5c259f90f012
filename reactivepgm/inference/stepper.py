"""One observation at a time through a fixed graph: stitched where the graph allows it, planned where it does not.

A stepper holds what persists between observations (the marginals of variational cycles). What is missing in an
observation selects another graph, without the factors that would have been observed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution, concatenate
from reactivepgm.errors import DataError
from reactivepgm.graph import Family, FixedBinding, Graph
from reactivepgm.inference.callbacks import QUIET, Callbacks
from reactivepgm.plan import Beliefs, CannotStitchError, LoopySchedule, Plan, Stitched, predictive_message
from reactivepgm.plan.traced import rehearsed

Advance = Callable[..., tuple[Any, ...]]
"""From the data in order to the wanted posteriors in order, then the free energy if it was wanted."""

SCORE = "free energy"
"""The name under which the free energy is asked for."""


class Stepper(Protocol):
    """Advances a graph by one observation."""

    state: dict[int, Distribution]
    computes_all: bool
    """Whether a step computes every posterior anyway."""
    takes_gaps: bool
    """Whether an array of data may have some of its entries missing."""

    def advance(self, missing: frozenset[str], wanted: tuple[str, ...]) -> Advance:
        """The function that takes one observation in, without the missing data, and gives what is wanted."""

    def predict(self, name: str, missing: frozenset[str], values: Mapping[str, Any]) -> Distribution:
        """The predictive distribution of a datum when it and the other missing data have not been seen."""


def stepper_of(
    graph: Graph,
    values: Mapping[str, Any],
    initial: Mapping[int, Distribution],
    iterations: int,
    told: Callbacks = QUIET,
    unknown: frozenset[str] = frozenset(),
) -> Stepper:
    """The fastest stepper that the graph allows, and that has events for whoever watches single rules.

    The values of ``unknown`` data are not looked at.
    """
    if not told.watches:
        try:
            return StitchedStepper(graph, values, initial, iterations, told, unknown)
        except CannotStitchError:
            pass
    return PlannedStepper(graph, values, initial, iterations, told)


def observed(graph: Graph, name: str) -> list[Family]:
    """The factors whose output is a datum; an error where the datum is used otherwise, so that it cannot be missing."""
    found = []
    for family in graph.families:
        for interface, binding in family.bindings.items():
            if isinstance(binding, FixedBinding) and name in binding.names:
                if interface != family.node.interfaces[0].name or family.node.kind != "stochastic":
                    raise DataError(
                        f"{name} is missing, but it is `{interface}` of {family.node.name}\n  at   {family.site}\n"
                        "  only the observed output of a stochastic factor may be missing"
                    )
                found.append(family)
    return found


def without(graph: Graph, missing: frozenset[str]) -> Graph:
    """The graph without the factors whose observed output is missing."""
    dropped = {family.id for name in missing for family in observed(graph, name)}
    families = tuple(family for family in graph.families if family.id not in dropped)
    return Graph(graph.arrays, families, graph.options, graph.aliases, graph.forms)


class StitchedStepper:
    """Steps through generated source that only calls the rules."""

    takes_gaps = False
    computes_all = False

    def __init__(
        self,
        graph: Graph,
        values: Mapping[str, Any],
        initial: Mapping[int, Distribution],
        iterations: int,
        told: Callbacks = QUIET,
        unknown: frozenset[str] = frozenset(),
    ) -> None:
        self._told = told
        self._graph = graph
        self._values = dict(values)
        self._iterations = iterations
        self.state = dict(initial)
        self._planned: PlannedStepper | None = None
        self._recorded: dict[frozenset[str], Stitched] = {}
        self._predictors: dict[tuple[str, frozenset[str]], tuple[Callable[..., tuple[Any, ...]], list[int]]] = {}
        self._recording(unknown)

    def _recording(self, missing: frozenset[str]) -> Stitched:
        if missing not in self._recorded:
            graph = without(self._graph, missing) if missing else self._graph
            self._recorded[missing] = Stitched(graph, self._values, self.state)
        return self._recorded[missing]

    def advance(self, missing: frozenset[str], wanted: tuple[str, ...]) -> Advance:
        """Compile a step; it reads and writes ``state`` where marginals are carried."""
        try:
            return self._compiled(self._recording(missing), wanted)
        except CannotStitchError:  # what is missing, or the score, may need the plan where the whole graph did not
            return self._fallback.advance(missing, wanted)

    @property
    def _fallback(self) -> PlannedStepper:
        if self._planned is None:
            self._planned = PlannedStepper(self._graph, self._values, self.state, self._iterations, self._told)
            self._planned.state = self.state
        return self._planned

    def _compiled(self, stitched: Stitched, wanted: tuple[str, ...]) -> Advance:
        outputs = [stitched.free_energy() if name == SCORE else stitched.posterior(name) for name in wanted]
        if self._told.hears_iterations:
            return self._told_apart(stitched, outputs)
        arrays = list(stitched.state)
        before = [stitched.state[array] for array in arrays]
        after = [stitched.carried[slot] for slot in before]
        repeats = self._iterations if before else 1
        step = rehearsed(
            stitched.script, [*stitched.inputs.values(), *before], [*outputs, *after], stitched.carried, repeats
        )
        if not arrays:
            return step
        state, count = self.state, len(outputs)

        def advance(*values: Any) -> tuple[Any, ...]:
            result = step(*values, *[state[array] for array in arrays])
            state.update(zip(arrays, result[count:], strict=True))
            return result[:count]

        return advance

    def _told_apart(self, stitched: Stitched, outputs: list[str]) -> Advance:
        """One iteration a call, with its events and its score; whoever listens may stop."""
        told, state, count = self._told, self.state, len(outputs)
        arrays = list(stitched.state)
        before = [stitched.state[array] for array in arrays]
        after = [stitched.carried[slot] for slot in before]
        parameters = [*stitched.inputs.values(), *before]
        step = rehearsed(stitched.script, parameters, [*outputs, stitched.free_energy(), *after])
        iterations = self._iterations if arrays else 1

        def advance(*values: Any) -> tuple[Any, ...]:
            for number in range(1, iterations + 1):
                stop = told.tell("before_iteration", number)
                result = step(*values, *[state[array] for array in arrays])
                state.update(zip(arrays, result[count + 1 :], strict=True))
                stop |= told.tell("after_iteration", number, result[count])
                if stop:
                    break
            return result[:count]

        return advance

    def predict(self, name: str, missing: frozenset[str], values: Mapping[str, Any]) -> Distribution:
        """Record the predictive message once, then replay it."""
        key = (name, missing | {name})
        if key not in self._predictors:
            families = observed(self._graph, name)
            try:
                if len(families) > 1 or _output(families[0], name).source.is_rowwise:
                    raise CannotStitchError("a datum of several elements")
                stitched = self._recording(key[1])
            except CannotStitchError:
                return self._fallback.predict(name, missing, values)
            slot = stitched.prediction(families[0])
            step = rehearsed(stitched.script, [*stitched.inputs.values(), *stitched.state.values()], [slot])
            self._predictors[key] = (step, list(stitched.state))
        step, arrays = self._predictors[key]
        result: Distribution = step(*values.values(), *(self.state[array] for array in arrays))[0]
        return result


class PlannedStepper:
    """Steps through the batched plan, for graphs of any shape."""

    takes_gaps = True
    computes_all = True

    def __init__(
        self,
        graph: Graph,
        values: Mapping[str, Any],
        initial: Mapping[int, Distribution],
        iterations: int,
        told: Callbacks = QUIET,
    ) -> None:
        self._told = told
        self._graph = graph
        self._names = list(values)
        self._iterations = iterations
        self.state = dict(initial)
        self._plans: dict[frozenset[str], Plan] = {}

    def _plan(self, missing: frozenset[str]) -> Plan:
        if missing not in self._plans:
            graph = without(self._graph, missing) if missing else self._graph
            arrays = [array for array in graph.random if array.size]
            initial = frozenset(i for i, array in enumerate(arrays) if array.id in self.state)
            self._plans[missing] = Plan(graph, initial, schedule=LoopySchedule())
        return self._plans[missing]

    def _run(self, plan: Plan, values: Mapping[str, Any], told: Callbacks = QUIET) -> Beliefs:
        beliefs = plan.beliefs()
        beliefs.clamp(values)
        number = plan.structure.number
        for array, belief in self.state.items():
            if array in number:
                size = plan.structure.arrays[number[array]].size
                beliefs.begin(number[array], belief.broadcast_to((size,)))
        exact = len(plan.batches) <= 1 and not plan.loopy
        for iteration in range(1, self._iterations + 1):
            stop = told.tell("before_iteration", iteration)
            plan.iterate(beliefs)
            if told.hears_iterations:
                stop |= told.tell("after_iteration", iteration, plan.free_energy(beliefs))
            if stop or (exact and not plan.expected_again):
                break
        return beliefs

    def advance(self, missing: frozenset[str], wanted: tuple[str, ...]) -> Advance:
        """A closure over the plan; marginals with an initial value are carried to the next observation."""
        plan = self._plan(missing)
        number = {array.name: i for i, array in enumerate(plan.structure.arrays)}

        def advance(*values: Any) -> tuple[Any, ...]:
            beliefs = self._run(plan, dict(zip(self._names, values, strict=True)), self._told)
            for array in self.state:
                if array in plan.structure.number:
                    carried = beliefs.marginals[plan.structure.number[array]]
                    assert carried is not None
                    one = plan.structure.arrays[plan.structure.number[array]].size == 1
                    self.state[array] = carried.broadcast_to((1,))[0] if one else carried
            return tuple(
                plan.free_energy(beliefs) if name == SCORE else beliefs.shaped(number[name]) for name in wanted
            )

        return advance

    def predict(self, name: str, missing: frozenset[str], values: Mapping[str, Any]) -> Distribution:
        """The predictive messages of all factors of a datum, in the datum's shape."""
        beliefs = self._run(self._plan(missing | {name}), values)
        families = observed(self._graph, name)
        beliefs.clamp(values, families)
        parts = [predictive_message(self._graph, beliefs, f).broadcast_to((f.rows,)) for f in families]
        whole = concatenate(parts) if len(parts) > 1 else parts[0]
        if len(families) == 1 and not _output(families[0], name).source.is_rowwise:
            return whole[0]
        size, count = np.size(values[name]), whole.batch_shape[0]
        places = np.concatenate([_places(f, name, values[name]) for f in families]) // max(size // count, 1)
        shape = np.shape(values[name])
        fits = [shape[:k] for k in range(len(shape) + 1) if prod(shape[:k]) == count]
        return whole[np.argsort(places, kind="stable").reshape(fits[-1] if fits else (count,))]


def _output(family: Family, name: str) -> FixedBinding:
    """Where a family takes its observed output from."""
    (binding,) = (b for b in family.bindings.values() if isinstance(b, FixedBinding) and name in b.names)
    return binding


def _places(family: Family, name: str, value: Any) -> NDArray[np.intp]:
    """Where in a datum the values of a family's rows begin, counted in numbers."""
    numbers = np.arange(np.size(value), dtype=float).reshape(np.shape(value))
    source = _output(family, name).source
    read = np.asarray(source.read({name: numbers if numbers.shape else 0.0}))
    first = read.reshape(family.rows, -1)[:, 0] if source.is_rowwise else np.broadcast_to(read.reshape(-1)[:1], family.rows)
    return first.astype(np.intp)
