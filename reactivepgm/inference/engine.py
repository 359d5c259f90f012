"""An engine: observations in, posteriors, predictions and the score out."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, InvalidParameterError, ModelError, ReactivePGMError, StorageError, ThreadError
from reactivepgm.graph import Graph, fitted
from reactivepgm.inference.arrivals import Arrivals
from reactivepgm.inference.assembly import Assembler, Assembly, Feedback, is_missing
from reactivepgm.inference.callbacks import Callbacks
from reactivepgm.inference.checkpoint import Snapshot, fingerprint, write_checkpoint
from reactivepgm.inference.outlets import Outlet, Outlets
from reactivepgm.inference.reading import Reading
from reactivepgm.inference.stepper import SCORE, Advance, Stepper, observed, planned
from reactivepgm.inference.trace import Trace
from reactivepgm.language import ModelInstance
from reactivepgm.plan import CannotStitchError
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
        self._assembler = Assembler(
            model, Feedback(autoupdates), dict(initialisation), constraints, iterations, pipeline, self._told
        )
        self._is_told = not self._told.is_quiet
        self._feedback = self._assembler.feedback
        self._on_bad = on_bad_observation
        self._names = model.open_parameters
        self._arrivals = Arrivals(when)
        self._propagation = Propagation(self._turn)
        self._owner: int | None = None
        self._assembly: Assembly | None = None
        self._stepper: Stepper | None = None
        self._order: dict[str, int] = {}
        self._inputs: list[Any] = []
        self._queued: deque[Any] = deque()
        self._latest = _Latest(self._compute, self._turn)
        self._predicted: list[str] = []
        self._wanted: tuple[str, ...] = ()
        self._named: tuple[str, ...] = ()
        self._steps: dict[frozenset[str], Advance] = {}
        self._publish: list[tuple[int, Any]] = []
        self._tracked: set[str] = set()
        self._missing = _NONE
        self.posteriors = Outlets(self._propagation, self._rewire, "posterior")
        self.predictions = Outlets(self._propagation, self._rewire, "prediction")
        self.free_energy = Outlet(self._propagation, self._rewire)
        self.history: dict[str, deque[Distribution]] = {}
        self._kept = history
        self.count = 0
        self.skipped = 0
        if isinstance(history, Mapping):
            self.history = {name: deque(maxlen=size) for name, size in history.items()}

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
        if not isinstance(observation, Mapping):
            observation = {self._only_name(): observation}
        if self._stepper is None or len(observation) != len(self._names) or self._arrivals.is_waiting:
            for complete in self._arrivals.complete(observation, self._names or tuple(observation)):
                self._take(complete)
        else:
            self._take(observation)

    def _take(self, observation: Observation) -> None:
        if self._stepper is None:
            self._first(observation)
            return
        if self._is_told:
            self._told.tell("before_data_update", observation)
        inputs, missing = self._inputs, None
        for name, value in observation.items():
            if type(value) is float and value - value == 0.0:
                inputs[self._slot(name)] = value
            else:
                try:
                    missing = self._unusual(name, value, missing)
                except DataError as error:
                    if self._on_bad != "missing" or name not in self._shape.outputs:
                        self._bad(observation, error)
                        return
                    missing = {*(missing or ()), name}
        try:
            self._advance(observation, frozenset(missing) if missing else _NONE)
        except (DataError, InvalidParameterError) as error:
            self._bad(observation, error)

    def _slot(self, name: str) -> int:
        try:
            return self._order[name]
        except KeyError:
            raise DataError(
                f"there are no data called {name} in the model; an observation has {', '.join(self._names)}"
            ) from None

    def _unusual(self, name: str, value: Any, missing: set[str] | None) -> set[str] | None:
        """A value that is no plain float: an array, a whole number, or missing."""
        slot = self._slot(name)
        if value is None or (type(value) is float and value != value):
            return {*(missing or ()), name}
        fits = fitted(self._shape.array(name), value)
        if np.isinf(fits).any():
            raise DataError(f"{name} is not finite: {value!r}; give a finite value, or None where it is missing")
        gaps = np.isnan(fits)
        if np.all(gaps):
            return {*(missing or ()), name}
        if np.any(gaps) and not self._shape.stepper.takes_gaps:
            raise DataError(f"{name} is missing in part: {value!r}; give all of it or None")
        self._inputs[slot] = fits
        return missing

    def _advance(self, observation: Observation, missing: frozenset[str]) -> None:
        """One step, with its events where somebody listens."""
        if not self._is_told:
            self._step(observation, missing)
            return
        told = self._told
        told.begin()
        told.tell("after_data_update", observation)
        told.tell("before_inference")
        with watched_by(told.note if told.watches else None):
            self._step(observation, missing)
        told.tell("after_inference", self)

    def _step(self, observation: Observation, missing: frozenset[str]) -> None:
        if self._predicted:
            self._predict()
        self._missing = missing
        step = self._steps.get(missing) or self._compiled(missing)
        results = step(self._inputs)
        latest = self._latest
        for name, belief in zip(self._named, results, strict=False):
            latest[name] = belief
        if len(latest) != len(self._named):
            latest.forget(self._named)
        self.count += 1
        if self._feedback.is_given:
            self._feed_back(observation)
        for position, cell in self._publish:
            cell(results[position])

    def _feed_back(self, observation: Observation) -> None:
        new = self._feedback(self._latest, observation)
        inputs, order = self._inputs, self._order
        for name, value in new.items():
            if type(value) is float and value - value == 0.0 and name in order:
                inputs[order[name]] = value
            else:
                self._set_parameter(name, value)

    def _set_parameter(self, name: str, value: Any) -> None:
        if name not in self._order:
            raise ModelError(
                f"autoupdates returned `{name}`, which is no parameter of the model; those are {', '.join(self._order)}"
            )
        try:
            fits = fitted(self._shape.array(name), value)
        except DataError as error:
            raise DataError(f"autoupdates returned {value!r} for `{name}`: {error}") from None
        if not np.isfinite(fits).all():
            raise DataError(f"autoupdates returned {value!r} for `{name}`: a parameter must be finite")
        self._inputs[self._order[name]] = fits

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

    def _first(self, observation: Observation) -> None:
        parameters = self._assembler.first_parameters(observation)
        self._told.tell("before_model_creation")
        graph = self._set_up(tuple(parameters), {**observation, **parameters})
        self._told.tell("after_model_creation", graph)
        self._told.tell("before_data_update", observation)
        missing = frozenset(name for name, value in observation.items() if is_missing(value))
        for name in missing:
            observed(graph, name)
        self._tracked = set(self._latest.names)
        self._rewire()
        self._advance(observation, missing)
        self._track_less()

    def _track_less(self) -> None:
        """Keep up to date what autoupdates reads; where marginals are carried, everything."""
        assert self._stepper is not None
        if not self._stepper.state:
            self._tracked = self._latest.read
            self._rewire()

    def _set_up(self, parameters: tuple[str, ...], values: Mapping[str, Any]) -> Graph:
        """Build the graph and its step for data of these shapes."""
        assembly = self._assembler.assemble(parameters, values)
        self._assembly = assembly
        self._stepper = assembly.stepper
        self._order, self._names, self._inputs = assembly.order, assembly.names, list(assembly.inputs)
        self.posteriors.check(assembly.known)
        self.predictions.check(set(assembly.order))
        self._latest.names = assembly.named
        if isinstance(self._kept, int):
            self.history = {name: deque(maxlen=self._kept) for name in assembly.named}
        return assembly.graph

    # -- checkpoints

    def checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write what the engine needs to go on, atomically; ``resume(path, model, ...)`` reads it.

        Raises:
            ValueError: no observation has come yet, so there is nothing to keep.
            OSError: the file cannot be written; the old one is still there.
        """
        if self._assembly is None:
            raise ValueError("no observation has come yet: there is nothing to checkpoint")
        graph, stepper = self._assembly.graph, self._assembly.stepper
        names = {array.id: array.name for array in graph.random}
        snapshot = Snapshot(
            model=fingerprint(graph),
            inputs=dict(zip(self._order, self._inputs, strict=True)),
            parameters=self._assembly.parameters,
            state={names[array]: belief for array, belief in stepper.state.items()},
            latest=dict(self._latest),
            history=self.history,
            waiting=self._arrivals.waiting(),
            count=self.count,
            skipped=self.skipped,
        )
        write_checkpoint(path, snapshot)

    def restore(self, snapshot: Snapshot, path: str) -> None:
        """Take over a snapshot; ``path`` is for the error when it is of another model."""
        try:
            graph = self._set_up(snapshot.parameters, snapshot.inputs)
        except ReactivePGMError as error:
            raise StorageError(f"{path} does not fit the model: {error}") from error
        if fingerprint(graph) != snapshot.model:
            raise StorageError(f"{path} is of another model: its variables or factors differ")
        assert self._stepper is not None
        arrays = {array.name: array.id for array in graph.random}
        self._stepper.state.update({arrays[name]: belief for name, belief in snapshot.state.items()})
        self._latest.update(snapshot.latest)
        self.history.update(snapshot.history)
        self._arrivals.refill(snapshot.waiting)
        self.count, self.skipped = snapshot.count, snapshot.skipped
        self._tracked = set(snapshot.latest)
        self._rewire()

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
        try:
            step = self._stepper.advance(missing, self._wanted)
        except CannotStitchError:  # a score that only the batched plan computes
            self._stepper = planned(self._stepper)
            self._assembly = replace(self._shape, stepper=self._stepper)
            step = self._stepper.advance(missing, self._wanted)
        self._steps[missing] = step
        return step

    def _compute(self, name: str) -> Distribution:
        """A posterior that the last step left out: computed now, and by every step from now on."""
        assert self._stepper is not None
        if name not in self._latest.names:
            raise KeyError(f"no posterior named {name!r}; there are: {', '.join(sorted(self._latest.names))}")
        belief: Distribution = self._stepper.advance(self._missing, (name,))(self._inputs)[0]
        self._tracked.add(name)
        self._rewire()
        return belief

    def _predict(self) -> None:
        assert self._stepper is not None
        values = dict(zip(self._order, self._inputs, strict=True))
        for name in self._predicted:
            self.predictions[name].push(self._stepper.predict(name, self._shape.outputs, values))

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
    """The latest posteriors; notes which are read, and computes those that no step computes."""

    def __init__(self, compute: Callable[[str], Distribution], turn: AbstractContextManager[Any]) -> None:
        super().__init__()
        self._compute = compute
        self._turn = turn
        self.names: set[str] = set()
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Distribution:
        self.read.add(name)
        return super().__getitem__(name)

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
