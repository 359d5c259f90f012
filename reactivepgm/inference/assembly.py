"""What the first observation builds: the graph, its step, and the order of its inputs."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, ModelError
from reactivepgm.graph import Graph, VariableArray, fitted
from reactivepgm.inference.callbacks import QUIET, Callbacks
from reactivepgm.inference.stepper import Stepper, observed, stepper_of
from reactivepgm.language import ModelInstance

Observation = Mapping[str, Any]


class Feedback:
    """``autoupdates``: from the posteriors, and the observation if it takes it, to new values of parameters."""

    def __init__(self, function: Callable[..., Mapping[str, Any]] | None) -> None:
        self._function = function
        self._takes_data = function is not None and _positional(function) >= 2

    @property
    def is_given(self) -> bool:
        """Whether there is a function."""
        return self._function is not None

    def __call__(self, beliefs: Mapping[str, Distribution], observation: Observation) -> Mapping[str, Any]:
        """The new values.

        Raises:
            ModelError: the function returns no mapping.
        """
        assert self._function is not None
        returned = self._function(beliefs, observation) if self._takes_data else self._function(beliefs)
        if not isinstance(returned, Mapping):
            raise ModelError(f"autoupdates must return a mapping from parameter names to values, not {returned!r}")
        return returned


@dataclass(frozen=True)
class Assembly:
    """A graph ready to step.

    Attributes:
        graph: built for data of the first observation's shapes.
        stepper: what advances it.
        parameters: the data that autoupdates feeds back.
        order: the position of every datum among the inputs.
        names: the data that observations bring.
        outputs: those of them that may be missing.
        inputs: the values of the first observation.
        known: the names of all random variables.
    """

    graph: Graph
    stepper: Stepper
    parameters: tuple[str, ...]
    order: dict[str, int]
    names: tuple[str, ...]
    outputs: frozenset[str]
    inputs: tuple[Any, ...]
    known: set[str]

    @property
    def named(self) -> set[str]:
        """The random variables that the model named."""
        return {array.name for array in self.graph.random if array.size and not array.anonymous}

    def array(self, name: str) -> VariableArray:
        """The array of a datum."""
        return self.graph.data[self.order[name]]


@dataclass(frozen=True)
class Assembler:
    """Builds graphs of a model for the shapes that observations turn out to have."""

    model: ModelInstance
    feedback: Feedback
    initialisation: dict[str, Distribution]
    constraints: Any
    iterations: int
    pipeline: Any = None
    told: Callbacks = QUIET

    def first_parameters(self, observation: Observation) -> dict[str, Any]:
        """The parameters that are fed back, with their values for the first observation.

        They follow from the initial marginals where those suffice; else the model runs once with its own arguments, only
        to learn which parameters come back, and the arguments are their first values.
        """
        if not self.feedback.is_given:
            return {}
        try:
            return dict(self.feedback(dict(self.initialisation), observation))
        except KeyError:
            returned = self.feedback(self._trial(observation), observation)
        given = self.model.arguments
        for name in returned:
            if name not in given:
                raise ModelError(
                    f"autoupdates returns `{name}`, but the first observation needs a value for it:"
                    f" give it as an argument of the model, {self.model.model.function.__name__}({name}=...)"
                )
        return {name: given[name] for name in returned}

    def _trial(self, observation: Observation) -> dict[str, Distribution]:
        assembly = replace(self, pipeline=None, told=QUIET).assemble((), observation, is_trial=True)
        missing = frozenset(name for name, value in observation.items() if is_missing(value))
        for name in missing:
            observed(assembly.graph, name)
        names = tuple(assembly.named)
        return dict(zip(names, assembly.stepper.advance(missing, names)(assembly.inputs), strict=True))

    def assemble(self, parameters: tuple[str, ...], values: Mapping[str, Any], is_trial: bool = False) -> Assembly:
        """The graph and its stepper for values of these shapes; ``parameters`` of the model are left open.

        A trial has no pipelines: their stages would see messages that are never sent.
        """
        graph = self.model.without(parameters).build({name: example(value) for name, value in values.items()})
        if self.constraints is not None:
            graph = graph.constrained(self.constraints)
        if self.pipeline is not None:
            graph = graph.with_pipeline(self.pipeline)
        if is_trial:
            silent = tuple(replace(family, pipeline=None) for family in graph.families)
            graph = Graph(graph.arrays, silent, graph.options, graph.aliases, graph.forms)
        order = {array.name: i for i, array in enumerate(graph.data)}
        inputs = tuple(fitted(array, values[array.name]) for array in graph.data)
        examples = {name: example(inputs[i]) for name, i in order.items()}
        names = tuple(name for name in order if name not in parameters)
        return Assembly(
            graph=graph,
            stepper=stepper_of(graph, examples, self._initial(graph), self.iterations, self.told),
            parameters=parameters,
            order=order,
            names=names,
            outputs=frozenset(name for name in names if _may_be_missing(graph, name)),
            inputs=inputs,
            known={array.name for array in graph.random if array.size},
        )

    def _initial(self, graph: Graph) -> dict[int, Distribution]:
        arrays = {array.name: array for array in graph.random if array.size}
        for name in self.initialisation:
            if name not in arrays:
                raise ModelError(f"initialisation: the model has no random variable `{name}`; it has {', '.join(arrays)}")
        return {arrays[name].id: belief for name, belief in self.initialisation.items()}


def is_missing(value: Any) -> bool:
    """Whether a whole datum is missing: None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def example(value: Any) -> Any:
    """A finite value of the same shape, to record a step with."""
    return 1.0 if is_missing(value) else value


def _may_be_missing(graph: Graph, name: str) -> bool:
    try:
        return bool(observed(graph, name))
    except DataError:
        return False


def _positional(function: Callable[..., Any]) -> int:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in inspect.signature(function).parameters.values())
