"""Stages that a factor's outgoing messages pass, and how a sweep applies them.

    rule -> message -> stage -> stage -> variable

A stage that maps or only looks (``is_tap``) runs inside the sweep, on the batched message. A stage that may delay has
``connect``, which maps an observable of messages; it makes its edges borders of the region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from reactivex import operators

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ModelError
from reactivepgm.graph import Family, Site
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.structure import Cluster

Mask = NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a batched message comes from.

    Args:
        family: the factors of one statement.
        interface: the interface it leaves by.
        rows: the rows of the family that it is about, None for all.
        missing: (rows,) True where the row's observation is missing and the message therefore not heard; None: nowhere.
    """

    family: Family
    interface: str
    rows: NDArray[np.intp] | None = None
    missing: Mask = None

    @property
    def name(self) -> str:
        """Node and interface, as log lines show them."""
        return f"{self.family.node.name} -> {self.interface}"


class PipelineStage:
    """What a message passes between its rule and its variable; subclass it and override ``apply``.

    Example:
        >>> class Count(PipelineStage):
        ...     is_tap = True
        ...     messages = 0
        ...     def apply(self, message, origin):
        ...         self.messages += 1
        ...         return message
        >>> from reactivepgm import Beta, Bernoulli, infer, model
        >>> count = Count()
        >>> @model
        ... def coin(flips):
        ...     p = ~Beta(a=1.0, b=1.0)
        ...     flips[:] = ~Bernoulli(p).where(pipeline=count)
        >>> infer(coin(), data={"flips": [1, 0, 1]}).posteriors["p"], count.messages
        (Beta(a=3.0, b=2.0), 1)
    """

    is_tap = False
    """Whether it hands every message on unchanged; then regions keep their fast sweeps."""
    delays = False
    """Whether a message may come out later than it went in; then ``connect`` says how."""

    def apply(self, message: Distribution, origin: Origin) -> Distribution:
        """The message that goes on, with the same batch shape."""
        return message

    def connect(self, messages: Any, origin: Origin) -> Any:
        """From the Observable of messages to the one that goes on; maps by ``apply`` unless overridden."""
        def mapped(message: Any) -> Distribution:
            return self.apply(message, origin)

        return messages.pipe(operators.map(mapped))

    def initial(self, origin: Origin, rows: int) -> Distribution | None:
        """What is read where no message has come out yet; None is a flat message."""
        return None

    def __add__(self, other: Any) -> PipelineStage:
        return Pipeline((*_parts(self), *_parts(as_stage(other))))

    def __radd__(self, other: Any) -> PipelineStage:
        return Pipeline((*_parts(as_stage(other)), *_parts(self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Pipeline(PipelineStage):
    """Stages one after the other; what ``+`` makes."""

    def __init__(self, stages: tuple[PipelineStage, ...]) -> None:
        self.stages = stages
        self.is_tap = all(stage.is_tap for stage in stages)
        self.delays = any(stage.delays for stage in stages)

    def apply(self, message: Distribution, origin: Origin) -> Distribution:
        """Through all stages in order."""
        for stage in self.stages:
            message = stage.apply(message, origin)
        return message

    def initial(self, origin: Origin, rows: int) -> Distribution | None:
        """The last stage's that has one."""
        found = None
        for stage in self.stages:
            begun = stage.initial(origin, rows)
            found = found if begun is None else begun
        return found

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.stages))


class FunctionStage(PipelineStage):
    """A plain function from message to message."""

    def __init__(self, function: Callable[[Distribution], Distribution]) -> None:
        self.function = function

    def apply(self, message: Distribution, origin: Origin) -> Distribution:
        """What the function returns."""
        return self.function(message)

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


class AdaptedStage(PipelineStage):
    """An object of any class that has ``apply(message, origin)`` or ``connect(messages, origin)``."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        self.delays = bool(getattr(stage, "delays", hasattr(stage, "connect")))
        self.is_tap = bool(getattr(stage, "is_tap", False))

    def apply(self, message: Distribution, origin: Origin) -> Distribution:
        """The object's own ``apply``."""
        result: Distribution = self.stage.apply(message, origin)
        return result

    def connect(self, messages: Any, origin: Origin) -> Any:
        """The object's own ``connect``, if it has one."""
        if not hasattr(self.stage, "connect"):
            return super().connect(messages, origin)
        return self.stage.connect(messages, origin)

    def __repr__(self) -> str:
        return repr(self.stage)


def as_stage(pipeline: Any) -> PipelineStage:
    """A stage from a stage, an object with ``apply`` or ``connect``, or a function.

    Raises:
        ModelError: it is none of these.
    """
    if isinstance(pipeline, type):
        raise ModelError(f"pipeline={pipeline.__name__} is a class; write {pipeline.__name__}(...)")
    if isinstance(pipeline, PipelineStage):
        return pipeline
    if hasattr(pipeline, "apply") or hasattr(pipeline, "connect"):
        return AdaptedStage(pipeline)
    if callable(pipeline):
        return FunctionStage(pipeline)
    raise ModelError(
        f"pipeline={pipeline!r} is no stage: it must be a function from message to message, or have"
        " apply(message, origin) or connect(messages, origin)"
    )


class StageByInterface(PipelineStage):
    """The statement's stage, then that of the variable that the interface carries.

    Args:
        statement: the statement's, if it has one.
        variables: by interface.
    """

    def __init__(self, statement: PipelineStage | None, variables: Mapping[str, PipelineStage]) -> None:
        self._statement = statement
        self._variables = variables
        every = [*variables.values(), *([] if statement is None else [statement])]
        self.is_tap = all(stage.is_tap for stage in every)
        self.delays = any(stage.delays for stage in every)

    def _of(self, interface: str) -> list[PipelineStage]:
        own = [] if self._statement is None else list(_parts(self._statement))
        return own + (list(_parts(self._variables[interface])) if interface in self._variables else [])

    def apply(self, message: Distribution, origin: Origin) -> Distribution:
        """Through the stages of the interface."""
        for stage in self._of(origin.interface):
            message = stage.apply(message, origin)
        return message

    def connect(self, messages: Any, origin: Origin) -> Any:
        """The stages of the interface, one after the other."""
        for stage in self._of(origin.interface):
            messages = stage.connect(messages, origin)
        return messages

    def initial(self, origin: Origin, rows: int) -> Distribution | None:
        """The last stage's that has one."""
        return Pipeline(tuple(self._of(origin.interface))).initial(origin, rows)

    def __repr__(self) -> str:
        return " + ".join(map(repr, [self._statement, *self._variables.values()][self._statement is None :]))


def stage_of(family: Family) -> PipelineStage | None:
    """The stage of the family's messages, of its statement and of the variables they reach; None where they go as they are."""
    statement = None if family.pipeline is None else _sited(family.pipeline, family.site)
    variables: dict[str, PipelineStage] = {}
    for name, binding in family.random.items():
        for component, array, _ in binding.components():
            given = array.constraints.get("pipeline")
            stage = None if given is None else _sited(given, array.site)
            if stage is not None:
                variables[name if component is None else f"{name}[{component}]"] = stage
    return StageByInterface(statement, variables) if variables else statement


def _sited(pipeline: Any, site: Site) -> PipelineStage | None:
    try:
        stage = as_stage(pipeline)
    except ModelError as error:
        raise ModelError(site.letter(str(error))) from None
    stages = [part for part in _parts(stage) if not getattr(part, "is_empty", False)]
    if len(stages) == 1:
        return stages[0]
    return Pipeline(tuple(stages)) if stages else None


def passed(stage: PipelineStage | None, message: Distribution, cluster: Cluster, interface: str, missing: Mask) -> Distribution:
    """A message after the stages of its family.

    Args:
        stage: what ``stage_of`` gave.
        message: what the rule returned.
        cluster: the cluster that sends.
        interface: the interface it leaves by.
        missing: rows whose message is not heard.

    Raises:
        ModelError: a stage returned something else than a distribution.
    """
    if stage is None:
        return message
    result = stage.apply(message, Origin(cluster.family, interface, cluster.rows, missing))
    if not isinstance(result, Distribution):
        raise ModelError(
            cluster.family.site.letter(
                f"the pipeline {stage!r} made {result!r} of a message", write="a stage that returns a distribution"
            )
        )
    return result


class Sender(Protocol):
    """A sweep that can say which messages its clusters send."""

    def message(self, beliefs: Beliefs, cluster: Cluster, interface: str) -> Distribution:
        """A cluster's message towards one of its interfaces, from the current beliefs."""


def look(sweep: Sender, beliefs: Beliefs, clusters: Iterable[Cluster]) -> None:
    """Show the messages inside a contracted region to the stages that only look at them."""
    for cluster in clusters:
        stage = stage_of(cluster.family)
        for name in cluster.names if stage is not None else ():
            passed(stage, sweep.message(beliefs, cluster, name), cluster, name, None)


def stages_in(stage: PipelineStage) -> tuple[PipelineStage, ...]:
    """The stages one by one."""
    return _parts(stage)


def _parts(stage: PipelineStage) -> tuple[PipelineStage, ...]:
    return stage.stages if isinstance(stage, Pipeline) else (stage,)
