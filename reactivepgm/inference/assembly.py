"""What the first observation builds: the graph, its step, and the order of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, ModelError
from reactivepgm.graph import Graph, VariableArray, as_data_value, fitted
from reactivepgm.inference.callbacks import QUIET, Callbacks
from reactivepgm.inference.stepper import Stepper, observed, stepper_of
from reactivepgm.language import Model, ModelInstance


@dataclass(frozen=True)
class Assembly:
    """A graph ready to step.

    Attributes:
        graph: built for data of the first observation's shapes.
        stepper: what advances it.
        parameters: the data that autoupdates feeds back.
        order: the position of every datum among the inputs.
        plain: the positions of the observed data that are single numbers.
        fed: the positions of the parameters that are.
        names: the data that observations bring.
        outputs: those of them that may be missing.
        unknown: those that have never come: their shape is a guess.
        inputs: the values that it was built with.
        known: the names of all random variables.
    """

    graph: Graph
    stepper: Stepper
    parameters: tuple[str, ...]
    order: dict[str, int]
    plain: dict[str, int]
    fed: dict[str, int]
    names: tuple[str, ...]
    outputs: frozenset[str]
    unknown: frozenset[str]
    inputs: tuple[Any, ...]
    known: set[str]

    @property
    def named(self) -> set[str]:
        """The random variables that the model named."""
        return {array.name for array in self.graph.random if array.size and not array.anonymous}

    def array(self, name: str) -> VariableArray:
        """The array of a datum."""
        return self.graph.data[self.order[name]]

    def check_rows(self, name: str, value: Any) -> None:
        """Raise where a datum that comes for the first time has other rows than it had while all was missing."""
        array = self.array(name)
        if np.shape(value)[: len(array.shape)] != array.shape:
            fitted(array, value)

    def datum(self, name: str, value: Any) -> Any:
        """A value that fits its datum; None where all of it is missing.

        Raises:
            DataError: a name that the model has not, another shape, infinite, or missing in part where that cannot be.
        """
        if name not in self.names:
            raise DataError(f"there are no data called {name} in the model; an observation has {', '.join(self.names)}")
        fits = datum_value(name, value)
        if is_missing(fits) or name in self.unknown:
            return None
        fits = fitted(self.array(name), fits)
        if np.isinf(fits).any():
            raise DataError(f"{name} is not finite: {value!r}; give a finite value, or None where it is missing")
        if not self.stepper.takes_gaps and np.isnan(fits).any():
            raise DataError(f"{name} is missing in part: {value!r}; give all of it or None")
        return fits


@dataclass(frozen=True)
class Assembler:
    """Builds graphs of a model for the shapes that observations turn out to have.

    Raises:
        ModelError: no model instance, or an initial marginal that is no distribution.
    """

    model: ModelInstance
    initialisation: Mapping[str, Distribution]
    constraints: Any
    iterations: int
    pipeline: Any = None
    told: Callbacks = QUIET

    def __post_init__(self) -> None:
        if isinstance(self.model, Model):
            name = self.model.function.__name__
            raise ModelError(f"infer_online needs {name}(...), not the model function itself: call it first")
        if not isinstance(self.model, ModelInstance):
            raise ModelError(f"infer_online needs a model instance, not {type(self.model).__name__}")
        if not isinstance(self.initialisation, Mapping):
            raise ModelError(
                f"initialisation must map variables to distributions, not be {self.initialisation!r}\n"
                '  write  initialisation={"x": Normal(mean=0.0, variance=1.0)}'
            )
        for name, belief in self.initialisation.items():
            if not isinstance(belief, Distribution):
                raise ModelError(f"initialisation of `{name}` must be a distribution, not {type(belief).__name__}")

    @property
    def given(self) -> Mapping[str, Any]:
        """The model's arguments by name."""
        return self.model.arguments

    def build(self, parameters: tuple[str, ...], values: Mapping[str, Any]) -> Graph:
        """The graph for data of these shapes; ``parameters`` of the model are data too."""
        graph = self.model.without(parameters).build(values)
        if self.constraints is not None:
            graph = graph.constrained(self.constraints)
        return graph if self.pipeline is None else graph.with_pipeline(self.pipeline)

    def assemble(
        self, graph: Graph, parameters: tuple[str, ...], values: Mapping[str, Any], unknown: frozenset[str]
    ) -> Assembly:
        """The graph and its stepper for values of these shapes; nothing is learned from the ``unknown`` ones.

        Raises:
            DataError: a datum that cannot be missing is among the unknown.
            InvalidParameterError: a value outside its support.
        """
        order = {array.name: i for i, array in enumerate(graph.data)}
        inputs = tuple(fitted(array, values[array.name]) for array in graph.data)
        names = tuple(name for name in order if name not in parameters)
        return Assembly(
            graph=graph,
            stepper=stepper_of(
                graph, dict(zip(order, inputs, strict=True)), self._initial(graph), self.iterations, self.told, unknown
            ),
            parameters=parameters,
            order=order,
            plain={name: order[name] for name in names if np.shape(inputs[order[name]]) == () and name not in unknown},
            fed={name: order[name] for name in parameters if np.shape(inputs[order[name]]) == ()},
            names=names,
            outputs=frozenset(name for name in names if may_be_missing(graph, name)),
            unknown=unknown,
            inputs=inputs,
            known={array.name for array in graph.random if array.size},
        )

    def _initial(self, graph: Graph) -> dict[int, Distribution]:
        arrays = {array.name: array for array in graph.random if array.size}
        initial = {}
        for name, belief in self.initialisation.items():
            if name not in arrays:
                raise ModelError(f"initialisation: the model has no random variable `{name}`; it has {', '.join(arrays)}")
            array = arrays[name]
            try:
                whole = belief.broadcast_to(array.shape)
            except ValueError:
                raise ModelError(
                    f"initialisation of `{name}` has batch shape {belief.batch_shape}, the variable has shape {array.shape}"
                ) from None
            initial[array.id] = whole[_elements(array)] if array.shape else whole
        return initial


def _elements(array: VariableArray) -> Any:
    """Indices that lay an array out as (size,); a single element without a batch axis."""
    if array.size == 1:
        return (0,) * len(array.shape)
    return tuple(np.unravel_index(np.arange(array.size), array.shape))


def datum_value(name: str, raw: Any) -> Any:
    """A float, or an array in which NaN marks what is missing.

    Raises:
        DataError: text, objects or ragged lists.
    """
    value = as_data_value(name, raw)
    return float(value) if np.ndim(value) == 0 else value


def is_missing(value: Any) -> bool:
    """Whether all of a datum is missing."""
    return bool(np.isnan(value).all()) and np.size(value) > 0


def may_be_missing(graph: Graph, name: str) -> bool:
    """Whether a datum is the output of stochastic factors and nothing else."""
    try:
        return bool(observed(graph, name))
    except DataError:
        return False
