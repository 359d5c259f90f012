"""An engine: observations in, posteriors, predictions and the score out."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, ReactivePGMError, StorageError, ThreadError
from reactivepgm.inference.arrivals import Arrivals
from reactivepgm.inference.assembly import Assembler, Assembly
from reactivepgm.inference.callbacks import Callbacks
from reactivepgm.inference.checkpoint import Snapshot, write_checkpoint
from reactivepgm.inference.course import NUMBERS, Course, as_float
from reactivepgm.inference.faults import Faults, Observation, OnBad
from reactivepgm.inference.feedback import Feedback
from reactivepgm.inference.fingerprint import check_fingerprint, fingerprint
from reactivepgm.inference.opening import Opening
from reactivepgm.inference.outlets import Outlet, Outlets
from reactivepgm.inference.publishing import Posteriors, Publishing
from reactivepgm.inference.reading import Reading
from reactivepgm.inference.trace import Trace
from reactivepgm.inference.usual import NOTHING, Usual, never, usual
from reactivepgm.language import ModelInstance
from reactivepgm.plan.events import watched_by
from reactivepgm.streams.cell import tell_all

TRACED = 100_000
"""How many events the trace of an engine keeps one by one."""


class Engine(Reading):
    """Takes observations in and keeps posteriors, predictions, the score and a bounded history.

    The first observation builds the graph and its step; the thread that brings it owns the engine from then on.

    Attributes:
        posteriors: ``engine.posteriors["x"]`` is an observable of the belief after every observation.
        predictions: ``engine.predictions["y"]`` is an observable of the belief about a datum before it is seen.
        free_energy: an observable of the score of every observation, in nats.
        history: ``engine.history["x"]`` is a bounded list of posteriors.
        count: observations taken in.
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
        if not isinstance(iterations, (int, np.integer)) or isinstance(iterations, bool) or iterations < 1:
            raise ValueError(f"iterations must be at least 1, and whole, not {iterations!r}")
        if not isinstance(trace, (bool, int)) or trace < 0:
            raise ValueError(f"trace must be True, False, or how many events to keep one by one, not {trace!r}")
        if when not in ("all", "any"):
            raise ValueError(f'when must be "all" or "any", not {when!r}')
        super().__init__(datastream, progress)
        self.trace = Trace(TRACED if trace is True else trace) if trace else None
        self.count = 0
        self._told = Callbacks(callbacks, self.trace)
        self._is_told = not self._told.is_quiet
        self._feedback = Feedback(autoupdates)
        assembler = Assembler(model, initialisation, constraints, iterations, pipeline, self._told)
        self._course = Course(assembler, self._feedback, self._begun)
        self._faults = Faults(on_bad_observation, self._course, self._feedback)
        self._opening = Opening(self._course, self._feedback, self._faults, self._told)
        self._arrivals = Arrivals(when)
        self._publishing = Publishing(self._turn, history, self._course.belief, lambda: self._course.last, self._asked)
        self._owner: int | None = None
        self._queued: deque[Any] = deque()
        self._usual: Usual = never
        self._is_usual = False
        self.posteriors: Outlets = self._publishing.posteriors
        self.predictions: Outlets = self._publishing.predictions
        self.free_energy: Outlet = self._publishing.free_energy
        self.history: Mapping[str, deque[Distribution]] = self._publishing.history

    @property
    def skipped(self) -> int:
        """Observations left out because they did not fit."""
        return self._faults.skipped

    @property
    def latest(self) -> Mapping[str, Distribution]:
        """The latest posteriors by name; reading one makes the engine keep it up to date."""
        return self._publishing.latest

    def snapshot(self) -> Posteriors:
        """All posteriors as they are now, in a dictionary that stays as it is."""
        return self._publishing.latest.copy()

    @property
    def waiting(self) -> Mapping[str, list[Any]]:
        """Data that came and wait for the rest of their observation, by name."""
        return self._arrivals.waiting()

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
            if self._is_busy:
                self._queued.append(observation)
                return
            self._is_busy = True
            count = self.count
            try:
                if not self._usual(observation):
                    self._arrive(observation)
                while self._queued:
                    observation, count = self._queued.popleft(), self.count
                    self._arrive(observation)
            except Exception as error:
                self._faults.note(observation, count + self.skipped, error)
                raise
            finally:
                self._is_busy = False
                if self._is_stopping:
                    self._stopped()

    def _arrive(self, observation: Observation | Any) -> None:
        """The general way: whole observations are taken in, parts wait for the rest."""
        course, arrivals = self._course, self._arrivals
        self._opening.begin(observation)
        if not isinstance(observation, Mapping):
            observation = {course.only_name(): observation}
        if course.assembly is not None and len(observation) == len(course.names) and not arrivals.queues:
            self._take(observation)
            return
        for complete in arrivals.complete(observation, course.names or tuple(observation)):
            number = self.count + self.skipped
            try:
                self._take(complete)
            except Exception as error:
                self._faults.note(complete, number, error)
                raise

    def _take(self, observation: Observation) -> None:
        course = self._course
        if course.assembly is None:
            for each in self._opening.build(observation):
                self._take(each)
            return
        if course.assembly.unknown and not self._opening.learn(observation):
            return
        if self._is_told:
            self._told.tell("before_data_update", observation)
        taken = self._taken(observation)
        if taken is None:
            return
        if not self._is_told:
            self._step(observation, *taken)
            return
        told = self._told
        told.begin()
        told.tell("after_data_update", observation)
        told.tell("before_inference")
        with watched_by(told.note if told.watches else None):
            self._step(observation, *taken)
        told.tell("after_inference", self)

    def _taken(self, observation: Observation) -> tuple[list[Any], frozenset[str]] | None:
        """The inputs of a step and what is missing in them; None where the observation is left out."""
        shape, missing = self._course.shape, set[str]()
        plain, inputs = shape.plain, self._course.inputs.copy()
        for name, value in observation.items():
            if type(value) in NUMBERS:
                value = as_float(value)
            if name in plain and type(value) is float and value - value == 0.0:
                inputs[plain[name]] = value
                continue
            try:
                fits = shape.datum(name, value)
            except DataError as error:
                if not self._faults.is_let_pass(name, error):
                    return None
                fits = None
            if fits is None:
                missing.add(name)
            else:
                inputs[shape.order[name]] = fits
        return inputs, frozenset(missing) if missing else NOTHING

    def _step(self, observation: Observation, inputs: list[Any], missing: frozenset[str]) -> None:
        """One step; ``usual`` writes the same out for observations without any surprise."""
        course, publishing = self._course, self._publishing
        try:
            told = publishing.predict(course.shape, inputs)
            results = course.step(missing)(*inputs)
        except ReactivePGMError as error:
            again = self._faults.judge(observation, inputs, missing, error)
            if again is not None:
                self._step(observation, *again)
            return
        course.last = course.shape.stepper, missing, inputs
        course.inputs = inputs
        latest = publishing.latest
        latest.update(zip(publishing.named, results, strict=False))
        latest.forget(publishing.named)
        self.count += 1
        told += [(call, results[position]) for position, call in publishing.calls]
        if self._feedback.is_given:
            course.feed(self._feedback(latest, observation))
        for call, value in told:
            call(value)
        if not self._is_usual and not self._is_told:
            self._usual = usual(course, publishing, self._feedback, self._arrivals, self)
            self._is_usual = True

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

    # -- what changes the step

    def _begun(self, assembly: Assembly) -> None:
        """Another graph."""
        self._publishing.begin(assembly, self._is_told)

    def _asked(self) -> None:
        """Something else is listened to, kept, or read."""
        self._course.ask(self._publishing.wanted)
        self._usual, self._is_usual = never, False

    # -- the end of the stream

    def settle(self) -> None:
        """The stream is over: what waits for the rest of its observation is told, or counts with the rest missing.

        Raises:
            DataError: parts of observations wait, unless ``on_bad_observation`` says otherwise.
        """
        held, policy, names = self._opening.held, self._faults.policy, self._course.names
        if held:
            raise DataError(
                f"the stream ended after {len(held)} observations that left the shape of"
                f" {', '.join(names) or 'the data'} open: give one whole observation"
            )
        waiting = self.waiting
        if waiting and policy == "raise":
            parts = ", ".join(f"{len(values)} of {name}" for name, values in waiting.items())
            raise DataError(
                f"the stream ended with half observations: {parts} wait for the rest (engine.waiting)\n"
                '  write  on_bad_observation="missing"  to count the rest as missing, or  when="any"'
            )
        if waiting and policy == "missing":
            for observation in list(self._arrivals.rest(names)):
                self.observe(observation)

    def complete(self) -> None:
        """End all observables; later subscribers get the last value and the end."""
        self._owner = None
        tell_all(outlet.finish for outlet in self._publishing.outlets())

    def fail(self, error: BaseException) -> None:
        """End all observables with an error; raise it where a subscriber has no ear for it."""
        self._owner = None
        tell_all(partial(outlet.fail, error) for outlet in self._publishing.outlets())

    # -- checkpoints

    def checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write what the engine needs to go on, atomically; ``resume(path, model, ...)`` reads it.

        Callable from any thread: it is the state between two observations.

        Raises:
            ValueError: no observation has come yet, so there is nothing to keep.
            OSError: the file cannot be written; the old one is still there.
        """
        with self._turn:
            if self._course.assembly is None:
                raise ValueError("no observation has come yet: there is nothing to checkpoint")
            write_checkpoint(path, self._snapshot())

    def _snapshot(self) -> Snapshot:
        shape = self._course.shape
        names = {array.id: array.name for array in shape.graph.random}
        return Snapshot(
            model=self._fingerprint(),
            inputs=dict(zip(shape.order, self._course.inputs, strict=True)),
            parameters=shape.parameters,
            unknown=tuple(sorted(shape.unknown)),
            state={names[array]: belief for array, belief in shape.stepper.state.items()},
            latest=self._publishing.whole(),
            history=self.history,
            waiting=self._arrivals.waiting(),
            count=self.count,
            skipped=self.skipped,
        )

    def restore(self, snapshot: Snapshot, path: str) -> None:
        """Take over a snapshot; ``path`` is for the error when it is of another model."""
        course = self._course
        if snapshot.parameters and not self._feedback.is_given:
            fed = ", ".join(snapshot.parameters)
            raise StorageError(f"{path} is of an engine whose autoupdates returned {fed}; write  resume(..., autoupdates=...)")
        try:
            graph = course.build(snapshot.parameters, snapshot.inputs)
            course.begin(graph, snapshot.parameters, snapshot.inputs, frozenset(snapshot.unknown))
        except ReactivePGMError as error:
            raise StorageError(f"{path} does not fit the model: {error}") from error
        check_fingerprint(path, snapshot.model, self._fingerprint())
        arrays = {array.name: array.id for array in graph.random}
        course.shape.stepper.state.update({arrays[name]: belief for name, belief in snapshot.state.items()})
        self._arrivals.refill(snapshot.waiting)
        self._opening.reopen()
        self.count, self._faults.skipped = snapshot.count, snapshot.skipped
        self._publishing.restore(snapshot.latest, snapshot.history)

    def _fingerprint(self) -> dict[str, Any]:
        return fingerprint(self._course.shape.graph, self._course.assembler.iterations, self._arrivals.when)
