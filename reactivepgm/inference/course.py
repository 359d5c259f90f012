"""The course of an engine: the graph it steps through, the inputs of the next step, the steps compiled so far.

    inputs  --(data of an observation)-->  step  --(autoupdates)-->  inputs of the next
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, InvalidParameterError, ModelError
from reactivepgm.graph import Graph, UnfactorizedData
from reactivepgm.inference.assembly import Assembler, Assembly, is_missing
from reactivepgm.inference.feedback import Feedback
from reactivepgm.inference.stepper import Advance, Stepper

NUMBERS = frozenset({int, bool, np.float64, np.float32, np.int64, np.int32, np.bool_})
"""Types of single numbers that are as good as floats."""


class Course:
    """Where a run of observations stands.

    Args:
        assembler: builds graphs of the model.
        feedback: what returns parameters.
        begun: told of every graph before it is stepped through; may refuse it.

    Attributes:
        assembly: the graph and its stepper; None before the first observation.
        names: the data that observations bring.
        inputs: the values of the next step, in the graph's order; data are those of the last one.
        last: the stepper, what was missing, and the inputs of the last step.
        wrapped: the data that the model takes whole.
    """

    def __init__(self, assembler: Assembler, feedback: Feedback, begun: Callable[[Assembly], None]) -> None:
        self.assembler = assembler
        self.assembly: Assembly | None = None
        self.names = assembler.model.open_parameters
        self.inputs: list[Any] = []
        self.last: tuple[Stepper, frozenset[str], list[Any]] | None = None
        self.wrapped: set[str] = set()
        self._feedback = feedback
        self._begun = begun
        self._rebuilt: tuple[frozenset[str], list[Any]] | None = None
        self._wanted: tuple[str, ...] = ()
        self._steps: dict[frozenset[str], Advance] = {}

    @property
    def shape(self) -> Assembly:
        """The graph and its stepper, which the first observation has built."""
        assert self.assembly is not None
        return self.assembly

    @property
    def good(self) -> tuple[frozenset[str], list[Any]] | None:
        """What was missing in a step that went well, and its inputs, for the present graph; None before one has."""
        if self.last is not None and self.last[0] is self.shape.stepper:
            return self.last[1], self.last[2]
        return self._rebuilt

    def only_name(self) -> str:
        """The name of a bare value.

        Raises:
            DataError: observations bring several data.
        """
        if len(self.names) != 1:
            raise DataError(
                f"a bare value needs a model with one open parameter; this one has {', '.join(self.names) or 'none'}:"
                ' observe({"name": value})'
            )
        return self.names[0]

    # -- graphs

    def build(self, parameters: tuple[str, ...], values: Mapping[str, Any]) -> Graph:
        """The graph for data of these shapes; None, of any shape, stands for what never came."""
        shown = {name: None if np.ndim(v) == 0 and is_missing(v) else v for name, v in values.items()}
        return self.assembler.build(
            parameters, {name: UnfactorizedData(v) if name in self.wrapped else v for name, v in shown.items()}
        )

    def begin(
        self, graph: Graph, parameters: tuple[str, ...], values: Mapping[str, Any], unknown: frozenset[str]
    ) -> None:
        """Step through this graph from now on."""
        self._install(self.assembler.assemble(graph, parameters, values, unknown))

    def rebuild(self, parameters: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        """Build anew with further parameters, or with data that were unknown; what was learned is carried over."""
        old = self.shape
        values = {**dict(zip(old.order, self.inputs, strict=True)), **parameters, **data}
        names = (*old.parameters, *(name for name in parameters if name not in old.parameters))
        graph = self.build(names, values)
        assembly = self.assembler.assemble(graph, names, values, old.unknown.difference(data))
        before = {array.name: array for array in old.graph.random}
        for array in graph.random:
            earlier = before.get(array.name)
            if earlier is not None and earlier.shape == array.shape and earlier.id in old.stepper.state:
                assembly.stepper.state[array.id] = old.stepper.state[earlier.id]
        good = self.good
        self._install(assembly)
        if good is not None:
            self._rebuilt = good[0].union(assembly.unknown), list(assembly.inputs)

    def _install(self, assembly: Assembly) -> None:
        self._begun(assembly)
        self.assembly, self.names = assembly, assembly.names
        self.inputs = list(assembly.inputs)
        self._steps.clear()

    # -- steps

    def ask(self, wanted: tuple[str, ...]) -> None:
        """Let every step give these posteriors (and the score) from now on."""
        self._wanted = wanted
        self._steps.clear()

    def step(self, missing: frozenset[str]) -> Advance:
        """The step of an observation without some data, compiled once."""
        return self._steps.get(missing) or self.compiled(missing)

    def compiled(self, missing: frozenset[str]) -> Advance:
        """The step, compiled anew."""
        step = self._steps[missing] = self.shape.stepper.advance(missing, self._wanted)
        return step

    def belief(self, name: str) -> Distribution:
        """A posterior that the last step left out.

        Raises:
            LookupError: there was no step yet.
        """
        if self.last is None:
            raise LookupError(f"no posterior of {name!r} yet: no observation has come")
        stepper, missing, inputs = self.last
        step = stepper.advance(missing, (name,))
        belief: Distribution = step(*inputs)[0]
        return belief

    # -- parameters

    def feed(self, new: Mapping[str, Any]) -> None:
        """Take over what autoupdates returned.

        Raises:
            ModelError: a name that is no parameter.
            DataError: a value of another shape, or not finite.
            InvalidParameterError: one outside its support.
        """
        inputs, shape = self.inputs.copy(), self.shape
        for name, value in new.items():
            if type(value) in NUMBERS:
                value = as_float(value)
            if name in shape.fed and type(value) is float and value - value == 0.0:
                inputs[shape.fed[name]] = value
            elif name in shape.parameters:
                inputs[shape.order[name]] = self._feedback.value(shape.array(name), value)
            else:
                self._add(new)
                return
        self.inputs = inputs

    def _add(self, new: Mapping[str, Any]) -> None:
        """Go on with a graph in which everything that autoupdates returned is a parameter."""
        given, old = self.assembler.given, self.shape.parameters
        values = {}
        for name, value in new.items():
            if name in old:
                values[name] = self._feedback.value(self.shape.array(name), value)
            elif name in given:
                values[name] = self._feedback.like(name, value, given[name])
            elif name in self.names:
                raise ModelError(
                    f"{self._feedback} returned `{name}`, which the observations bring: the model needs a value for it,"
                    f" {self.assembler.model.model.function.__name__}({name}=...)"
                )
            else:
                raise self._feedback.unknown(name, dict.fromkeys((*old, *given)))
        try:
            self.rebuild(values, {})
        except InvalidParameterError as error:
            error.args = (f"a value that {self._feedback} returned does not fit: {error}",)
            raise


def as_float(value: Any) -> Any:
    """A number as a float, unless it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return value


