"""An engine: observations in, posteriors, predictions and the score out."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Literal

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, InvalidParameterError, ModelError, ReactivePGMError, StorageError, ThreadError
from reactivepgm.graph import UnfactorizedData
from reactivepgm.inference.arrivals import Arrivals
from reactivepgm.inference.assembly import Assembler, Assembly, datum_value, is_missing, may_be_missing
from reactivepgm.inference.callbacks import Callbacks
from reactivepgm.inference.checkpoint import Snapshot, write_checkpoint
from reactivepgm.inference.feedback import Feedback
from reactivepgm.inference.fingerprint import check_fingerprint, fingerprint
from reactivepgm.inference.kept import checked_history
from reactivepgm.inference.outlets import Outlet, Outlets
from reactivepgm.inference.reading import Reading
from reactivepgm.inference.stepper import SCORE, Advance, Stepper
from reactivepgm.inference.trace import Trace
from reactivepgm.language import ModelInstance
from reactivepgm.plan.events import watched_by
from reactivepgm.streams import Propagation
from reactivepgm.streams.cell import tell_all

Observation = Mapping[str, Any]
OnBad = Literal["raise", "skip", "missing"]


class Engine(Reading):
    """Takes observations in and keeps posteriors, predictions, the score and a bounded history.

    The first observation builds the graph and its step; the thread that brings it owns the engine from then on.

    Attributes:
        posteriors: ``engine.posteriors["x"]`` is an observable of the belief after every observation.
        predictions: ``engine.predictions["y"]`` is an observable of the belief about a datum before it is seen.
        free_energy: an observable of the score of every observation, in nats.
        history: ``engine.history["x"]`` is a bounded list of posteriors.
        count: observations taken in.
        skipped: observations left out because they did not fit.
        trace: every rule call, product and marginal with its time, if it was asked for.
    """

    def __init__(
        self,
        model: ModelInstance,
        datastream: Any,
        autoupdates: Callable[..., Mapping[str, Any]] | None,
        initialisation: Mapping[str, Distribution],
        constraints: Any,
        iterations: int,
        when: Literal["all", "any"],
        on_bad_observation: OnBad,
        history: Mapping[str, int] | int | None,
        callbacks: Any = None,
        trace: bool | int = False,
        pipeline: Any = None,
        progress: bool | None = None,
    ) -> None:
        if iterations < 1:
            raise ValueError(f"iterations must be at least 1, not {iterations}")
        if when not in ("all", "any"):
            raise ValueError(f'when must be "all" or "any", not {when!r}')
        if on_bad_observation not in ("raise", "skip", "missing"):
            raise ValueError(f'on_bad_observation must be "raise", "skip" or "missing", not {on_bad_observation!r}')
        super().__init__(datastream, progress)
        self.trace = Trace(TRACED if trace is True else trace) if trace else None
        self._told = Callbacks(callbacks, self.trace)
        self._is_told = not self._told.is_quiet
        self._assembler = Assembler(model, dict(initialisation), constraints, iterations, pipeline, self._told)
        self._feedback = Feedback(autoupdates)
        self._on_bad = on_bad_observation
        self._names = model.open_parameters
        self._opening: dict[str, Any] | None = None
        self._arrivals = Arrivals(when)
        self._propagation = Propagation(self._turn)
        self._owner: int | None = None
        self._assembly: Assembly | None = None
        self._stepper: Stepper | None = None
        self._plain: dict[str, int] = {}
        self._fed: dict[str, int] = {}
        self._inputs: list[Any] = []
        self._queued: deque[Any] = deque()
        self._held: list[Observation] = []
        self._wrapped: set[str] = set()
        self._latest = _Latest(self._compute, self._turn)
        self._predicted: list[str] = []
        self._wanted: tuple[str, ...] = ()
        self._named: tuple[str, ...] = ()
        self._steps: dict[frozenset[str], Advance] = {}
        self._publish: list[tuple[int, Any]] = []
        self._tracked: set[str] = set()
        self._last: tuple[Stepper, frozenset[str], list[Any]] | None = None
        self._good: tuple[frozenset[str], list[Any]] | None = None
        self.posteriors = Outlets(self._propagation, self._rewire, "posterior")
        self.predictions = Outlets(self._propagation, self._rewire, "prediction")
        self.free_energy = Outlet(self._propagation, self._rewire)
        self._kept = checked_history(history)
        self.history: dict[str, deque[Distribution]] = {}
        self.count = 0
        self.skipped = 0

    # -- observations

    def observe(self, observation: Observation | Any) -> None:
        """Take one observation in; everything is up to date when this returns.

        A subscriber may call it too: what it brings is taken in when the present observation has been told to everybody.

        Args:
            observation: values by name, None or NaN where missing; a bare value where the model has one open parameter.

        Raises:
            DataError: it does not fit, unless ``on_bad_observation`` says otherwise.
            ThreadError: another thread owns the engine.
            EngineError: the engine was stopped, or its stream has ended or failed.
        """
        with self._turn:
            if self._owner != threading.get_ident():
                self._own()
            self._queued.append(observation)
            if self._is_busy:
                return
            self._is_busy = True
            try:
                while self._queued:
                    observation = self._queued.popleft()
                    number = self.count + self.skipped
                    self._arrive(observation)
            except Exception as error:
                self._blame(observation, number, error)
                raise
            finally:
                self._is_busy = False
                if self._is_stopping:
                    self._stopped()

    def _arrive(self, observation: Observation | Any) -> None:
        if self._opening is None:
            self._open(observation)
        if not isinstance(observation, Mapping):
            observation = {self._only_name(): observation}
        if self._stepper is None or len(observation) != len(self._names) or self._arrivals.is_waiting:
            for complete in self._arrivals.complete(observation, self._names or tuple(observation)):
                self._take(complete)
        else:
            self._take(observation)

    def _open(self, observation: Observation | Any) -> None:
        """Parameters that have no argument and do not come with the data begin at what the initial marginals say."""
        names = self._names
        brought = set(observation) if isinstance(observation, Mapping) else set(names if len(names) == 1 else ())
        self._opening = {}
        if brought.issuperset(names) or not self._feedback.is_given or not self._assembler.initialisation:
            return
        try:
            new = self._feedback(self._assembler.initialisation, observation)
        except ModelError as error:
            if isinstance(error.__cause__, KeyError):
                return
            raise
        self._opening = {name: self._assembler.given.get(name, value) for name, value in new.items()}
        self._names = tuple(name for name in names if name not in new)

    def _take(self, observation: Observation) -> None:
        if self._assembly is None:
            self._build_first(observation)
            return
        if self._assembly.unknown and not self._learned(observation):
            return
        if self._is_told:
            self._told.tell("before_data_update", observation)
        inputs, missing, plain = self._inputs.copy(), None, self._plain
        for name, value in observation.items():
            kind = type(value)
            if kind in _NUMBERS:
                kind, value = float, float(value)
            if name in plain and (kind is float or value is None):
                if value is None or value != value:
                    missing = {*(missing or ()), name}
                    continue
                if value - value == 0.0:
                    inputs[plain[name]] = value
                    continue
            try:
                fits = self._shape.datum(name, value)
            except DataError as error:
                if not self._is_let_pass(name, error, observation):
                    return
                fits = None
            if fits is None:
                missing = {*(missing or ()), name}
            else:
                inputs[self._shape.order[name]] = fits
        self._advance(observation, inputs, frozenset(missing) if missing else _NONE)

    def _advance(self, observation: Observation, inputs: list[Any], missing: frozenset[str]) -> None:
        """One step, with its events where somebody listens."""
        if not self._is_told:
            self._step(observation, inputs, missing)
            return
        told = self._told
        told.begin()
        told.tell("after_data_update", observation)
        told.tell("before_inference")
        with watched_by(told.note if told.watches else None):
            self._step(observation, inputs, missing)
        told.tell("after_inference", self)

    def _step(self, observation: Observation, inputs: list[Any], missing: frozenset[str]) -> None:
        if self._predicted:
            self._predict(inputs)
        try:
            step = self._steps.get(missing) or self._compiled(missing)
            results = step(inputs)
        except ReactivePGMError as error:
            self._failed(observation, inputs, missing, error)
            return
        assert self._stepper is not None
        self._last = self._stepper, missing, inputs
        self._good = missing, inputs
        self._inputs = inputs
        latest = self._latest
        for name, belief in zip(self._named, results, strict=False):
            latest[name] = belief
        if len(latest) != len(self._named):
            latest.forget(self._named)
        self.count += 1
        publish = self._publish
        if self._feedback.is_given:
            self._feed_back(observation)
        for position, cell in publish:
            cell(results[position])

    def _feed_back(self, observation: Observation) -> None:
        new = self._feedback(self._latest, observation)
        inputs, fed = self._inputs.copy(), self._fed
        for name, value in new.items():
            if type(value) in _NUMBERS:
                value = float(value)
            if name in fed and type(value) is float and value - value == 0.0:
                inputs[fed[name]] = value
            elif name in self._shape.parameters:
                inputs[self._shape.order[name]] = self._feedback.value(self._shape.array(name), value)
            else:
                inputs = self._with_parameters(new)
                break
        self._inputs = inputs

    # -- what does not fit

    def _failed(
        self, observation: Observation, inputs: list[Any], missing: frozenset[str], error: ReactivePGMError
    ) -> None:
        """A step failed: because of a parameter that was fed back, of a datum, or of the model."""
        if not isinstance(error, (DataError, InvalidParameterError)):
            raise error
        parameters = self._shape.parameters
        if parameters and self._good is not None:
            order, (before, good) = self._shape.order, self._good
            probe = list(good)
            for name in parameters:
                probe[order[name]] = inputs[order[name]]
            if (fault := self._fault(probe, before)) is not None:
                fault.args = (f"a value that {self._feedback} returned does not fit: {fault}",)
                raise fault
        present = [name for name in observation if name in self._shape.outputs and name not in missing]
        if self._on_bad == "missing" and self._fault(inputs, missing.union(present)) is None:
            alone = [name for name in present if self._fault(inputs, missing.union(present) - {name}) is not None]
            self._step(observation, self._without(inputs, alone or present), missing.union(alone or present))
            return
        self._bad(observation, error)

    def _without(self, inputs: list[Any], names: list[str]) -> list[Any]:
        """The inputs with the last good values of some data."""
        kept = list(inputs)
        for name in names:
            slot = self._shape.order[name]
            kept[slot] = self._inputs[slot]
        return kept

    def _fault(self, inputs: list[Any], missing: frozenset[str]) -> ReactivePGMError | None:
        """What is wrong with a step, without taking it."""
        assert self._stepper is not None
        state = dict(self._stepper.state)
        try:
            self._compiled(missing)(inputs)
        except (DataError, InvalidParameterError) as error:
            return error
        finally:
            self._stepper.state.update(state)
        return None

    def _is_let_pass(self, name: str, error: DataError, observation: Observation) -> bool:
        """Whether a datum that does not fit counts as missing; else the observation is left out, or the error raised."""
        if name not in self._shape.names:
            raise error
        if self._on_bad == "missing" and name in self._shape.outputs:
            return True
        self._bad(observation, error)
        return False

    def _bad(self, observation: Observation, error: ReactivePGMError) -> None:
        self._blame(observation, self.count + self.skipped, error)
        if self._on_bad == "raise":
            raise error
        self.skipped += 1

    def _blame(self, observation: Any, number: int, error: Exception) -> None:
        """Note which observation an error came with, once."""
        if not hasattr(error, "__notes__"):
            if not isinstance(observation, Mapping) and len(self._names) == 1:
                observation = {self._names[0]: observation}
            shown = dict(observation) if isinstance(observation, Mapping) else observation
            error.add_note(f"observation {number}: {shown!r}")

    # -- the first observation builds the graph

    def _build_first(self, observation: Observation) -> None:
        """Build the graph from the shapes of an observation; where they do not suffice, it waits for the next one."""
        values: dict[str, Any] = {}
        for name, value in observation.items():
            try:
                values[name] = datum_value(name, value)
            except DataError as error:
                if self._on_bad != "missing":
                    self._bad(observation, error)
                    return
                values[name] = float("nan")
        opening = self._opening or {}
        self._wrapped = {name for name, value in observation.items() if isinstance(value, UnfactorizedData)}
        self._told.tell("before_model_creation")
        try:
            graph = self._assembler.build(tuple(opening), self._wrap({**values, **opening}))
        except ReactivePGMError as error:
            if any(is_missing(value) for value in values.values()):
                self._held.append(observation)
            elif isinstance(error, DataError) and set(observation) <= set(self._names):
                self._bad(observation, error)
            else:
                raise
            return
        outputs = frozenset(name for name in values if may_be_missing(graph, name))
        values = {name: np.full(np.shape(v), np.nan) if name in outputs else v for name, v in values.items()}
        try:
            self._install(self._assembler.assemble(graph, tuple(opening), {**values, **opening}, outputs))
            self._told.tell("after_model_creation", graph)
        except (DataError, InvalidParameterError) as error:
            if outputs == set(values):  # nothing was learned from data yet: the model itself is at fault
                raise
            self._bad(observation, error)
            return
        held, self._held = self._held, []
        for earlier in (*held, observation):
            self._take(earlier)

    def _learned(self, observation: Observation) -> bool:
        """Build anew with data that come for the first time; False where the observation is left out."""
        assert self._assembly is not None
        new: dict[str, Any] = {}
        for name in self._assembly.unknown.intersection(observation):
            try:
                value = datum_value(name, observation[name])
                if not is_missing(value):
                    self._assembly.check_rows(name, value)
                    new[name] = value
            except DataError as error:
                if not self._is_let_pass(name, error, observation):
                    return False
        for names in ([list(new)] if self._on_bad != "missing" else [[name] for name in new]):
            try:
                if names:
                    self._rebuild({}, {name: new[name] for name in names})
            except (DataError, InvalidParameterError) as error:
                if self._on_bad != "missing":
                    self._bad(observation, error)
                    return False
        return True

    def _wrap(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values as the model takes them; None, of any shape, for what never came."""
        shown = {name: None if np.ndim(v) == 0 and is_missing(v) else v for name, v in values.items()}
        return {name: UnfactorizedData(v) if name in self._wrapped else v for name, v in shown.items()}

    def _rebuild(self, parameters: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        """Build anew with further parameters, or with data that were unknown; what was learned is carried over."""
        old = self._shape
        values = {**dict(zip(old.order, self._inputs, strict=True)), **parameters, **data}
        names = (*old.parameters, *(name for name in parameters if name not in old.parameters))
        graph = self._assembler.build(names, self._wrap(values))
        assembly = self._assembler.assemble(graph, names, values, old.unknown.difference(data))
        before = {array.name: array for array in old.graph.random}
        for array in graph.random:
            earlier = before.get(array.name)
            if earlier is not None and earlier.shape == array.shape and earlier.id in old.stepper.state:
                assembly.stepper.state[array.id] = old.stepper.state[earlier.id]
        self._install(assembly)
        if self._good is not None:
            self._good = self._good[0].union(assembly.unknown), list(assembly.inputs)

    def _with_parameters(self, new: Mapping[str, Any]) -> list[Any]:
        """The inputs of a graph in which everything that autoupdates returned is a parameter."""
        given, old = self._assembler.given, self._shape.parameters
        values = {}
        for name, value in new.items():
            if name in old:
                values[name] = self._feedback.value(self._shape.array(name), value)
            elif name in given:
                values[name] = self._feedback.like(name, value, given[name])
            elif name in self._names:
                raise ModelError(
                    f"{self._feedback} returned `{name}`, which the observations bring: the model needs a value for it,"
                    f" {self._assembler.model.model.function.__name__}({name}=...)"
                )
            else:
                raise self._feedback.unknown(name, dict.fromkeys((*old, *given)))
        try:
            self._rebuild(values, {})
        except InvalidParameterError as error:
            error.args = (f"a value that {self._feedback} returned does not fit: {error}",)
            raise
        return list(self._inputs)

    def _install(self, assembly: Assembly) -> None:
        """Step with this graph from now on."""
        self.posteriors.check(assembly.known)
        self.predictions.check(set(assembly.outputs))
        kept = self._kept
        sizes = kept if isinstance(kept, Mapping) else dict.fromkeys(sorted(assembly.named), kept) if kept else {}
        for name, size in sizes.items():
            if name not in assembly.known:
                there = ", ".join(sorted(assembly.named))
                raise ModelError(f"history: the model has no random variable `{name}`; it has {there}")
            self.history.setdefault(name, deque(maxlen=size))
        self._assembly, self._stepper = assembly, assembly.stepper
        self._names, self._plain, self._fed = assembly.names, assembly.plain, assembly.fed
        self._inputs = list(assembly.inputs)
        self._latest.names = assembly.named
        # Where marginals are carried, or stages and listeners would hear of it twice, no step is repeated for what it left out.
        if assembly.stepper.state or assembly.stepper.computes_all or self._is_told:
            self._tracked |= assembly.named
        self._rewire()

    # -- checkpoints

    def checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write what the engine needs to go on, atomically; ``resume(path, model, ...)`` reads it.

        Callable from any thread: it is the state between two observations.

        Raises:
            ValueError: no observation has come yet, so there is nothing to keep.
            OSError: the file cannot be written; the old one is still there.
        """
        with self._turn:
            self._write(path)

    def _write(self, path: str | os.PathLike[str]) -> None:
        if self._assembly is None:
            raise ValueError("no observation has come yet: there is nothing to checkpoint")
        graph, stepper = self._assembly.graph, self._assembly.stepper
        names = {array.id: array.name for array in graph.random}
        snapshot = Snapshot(
            model=self._fingerprint(),
            inputs=dict(zip(self._shape.order, self._inputs, strict=True)),
            parameters=self._assembly.parameters,
            unknown=tuple(sorted(self._assembly.unknown)),
            state={names[array]: belief for array, belief in stepper.state.items()},
            latest=self._whole(),
            history=self.history,
            waiting=self._arrivals.waiting(),
            count=self.count,
            skipped=self.skipped,
        )
        write_checkpoint(path, snapshot)

    def restore(self, snapshot: Snapshot, path: str) -> None:
        """Take over a snapshot; ``path`` is for the error when it is of another model."""
        try:
            graph = self._assembler.build(snapshot.parameters, self._wrap(snapshot.inputs))
            unknown = frozenset(snapshot.unknown)
            self._install(self._assembler.assemble(graph, snapshot.parameters, snapshot.inputs, unknown))
        except ReactivePGMError as error:
            raise StorageError(f"{path} does not fit the model: {error}") from error
        check_fingerprint(path, snapshot.model, self._fingerprint())
        assert self._stepper is not None
        arrays = {array.name: array.id for array in graph.random}
        self._stepper.state.update({arrays[name]: belief for name, belief in snapshot.state.items()})
        self._latest.update(snapshot.latest)
        self.history.update(snapshot.history)
        self._arrivals.refill(snapshot.waiting)
        self._opening = {}
        self.count, self.skipped = snapshot.count, snapshot.skipped
        self._rewire()

    def _fingerprint(self) -> dict[str, Any]:
        return fingerprint(self._shape.graph, self._assembler.iterations, self._arrivals.when)

    def _whole(self) -> dict[str, Distribution]:
        """All posteriors: those that the last step left out are computed, and by no later step."""
        left = tuple(sorted(self._shape.named.difference(self._latest)))
        found = dict(self._latest)
        if left and self._last is not None:
            stepper, missing, inputs = self._last
            found.update(zip(left, stepper.advance(missing, left)(inputs), strict=True))
        return found

    # -- what a step computes

    @property
    def _shape(self) -> Assembly:
        assert self._assembly is not None, "the first observation has built it"
        return self._assembly

    def _rewire(self) -> None:
        """Compile anew for what is listened to, kept, or read by autoupdates."""
        if self._stepper is None:
            return
        listened = self.posteriors.observed
        names = tuple(sorted({*listened, *self.history, *self._tracked}))
        self._wanted = self._named = names
        self._publish = [(names.index(name), self.posteriors[name].push) for name in listened]
        self._publish += [(names.index(name), kept.append) for name, kept in self.history.items()]
        if self.free_energy.is_observed:
            self._publish.append((len(names), self.free_energy.push))
            self._wanted = (*names, SCORE)
        self._predicted = self.predictions.observed
        self._steps.clear()

    def _compiled(self, missing: frozenset[str]) -> Advance:
        assert self._stepper is not None
        step = self._steps[missing] = self._stepper.advance(missing, self._wanted)
        return step

    def _compute(self, name: str) -> Distribution:
        """A posterior that the last step left out: computed now, and by every step from now on."""
        if self._last is None:
            raise LookupError(f"no posterior of {name!r} yet: no observation has come")
        if name not in self._latest.names:
            raise KeyError(f"no posterior named {name!r}; there are: {', '.join(sorted(self._latest.names))}")
        stepper, missing, inputs = self._last
        belief: Distribution = stepper.advance(missing, (name,))(inputs)[0]
        self._tracked.add(name)
        self._rewire()
        return belief

    def _predict(self, inputs: list[Any]) -> None:
        assert self._stepper is not None
        values = dict(zip(self._shape.order, inputs, strict=True))
        for name in self._predicted:
            self.predictions[name].push(self._stepper.predict(name, self._shape.outputs, values))

    def settle(self) -> None:
        """The stream is over: what waits for the rest of its observation is told, or counts with the rest missing.

        Raises:
            DataError: parts of observations wait, unless ``on_bad_observation`` says otherwise.
        """
        if self._held:
            raise DataError(
                f"the stream ended after {len(self._held)} observations that left the shape of"
                f" {', '.join(self._names) or 'the data'} open: give one whole observation"
            )
        waiting = self.waiting
        if waiting and self._on_bad == "raise":
            parts = ", ".join(f"{len(values)} of {name}" for name, values in waiting.items())
            raise DataError(
                f"the stream ended with half observations: {parts} wait for the rest (engine.waiting)\n"
                '  write  on_bad_observation="missing"  to count the rest as missing, or  when="any"'
            )
        if waiting and self._on_bad == "missing":
            for observation in list(self._arrivals.rest(self._names)):
                self.observe(observation)

    @property
    def waiting(self) -> Mapping[str, list[Any]]:
        """Data that came and wait for the rest of their observation, by name."""
        return self._arrivals.waiting()

    def complete(self) -> None:
        """End all observables; later subscribers get the last value and the end."""
        self._owner = None
        tell_all(outlet.finish for outlet in self._outlets())

    def fail(self, error: BaseException) -> None:
        """End all observables with an error; raise it where a subscriber has no ear for it."""
        self._owner = None
        tell_all(partial(outlet.fail, error) for outlet in self._outlets())

    def _outlets(self) -> list[Outlet]:
        return [*self.posteriors.all(), *self.predictions.all(), self.free_energy]

    @property
    def latest(self) -> Mapping[str, Distribution]:
        """The latest posteriors by name; reading one makes the engine keep it up to date."""
        return self._latest

    def _own(self) -> None:
        self.check_open("observe(...)")
        if self._owner is None:
            self._owner = threading.get_ident()
            return
        raise ThreadError(
            "an observation came from another thread than the first one;\n"
            "  bring observations over with  observable.pipe(reactivepgm.observe_on(scheduler)),  an EventLoopScheduler()"
            " say,  or through  reactivepgm.queue(maxsize)"
        )

    def _only_name(self) -> str:
        if len(self._names) != 1:
            raise DataError(
                f"a bare value needs a model with one open parameter; this one has {', '.join(self._names) or 'none'}:"
                ' observe({"name": value})'
            )
        return self._names[0]


class _Latest(dict[str, Distribution]):
    """The latest posteriors; those that no step computes are computed when they are read."""

    def __init__(self, compute: Callable[[str], Distribution], turn: AbstractContextManager[Any]) -> None:
        super().__init__()
        self._compute = compute
        self._turn = turn
        self.names: set[str] = set()

    def forget(self, but: Iterable[str]) -> None:
        """Drop what no step brings up to date any more."""
        for name in set(self).difference(but):
            del self[name]

    def __missing__(self, name: str) -> Distribution:
        with self._turn:
            belief = self[name] = self._compute(name)
        return belief


TRACED = 100_000
"""How many events the trace of an engine keeps one by one."""

_NONE: frozenset[str] = frozenset()
_NUMBERS = frozenset({int, bool, np.float64, np.float32, np.int64, np.int32, np.bool_})
"""Types of single numbers that are as good as floats."""
