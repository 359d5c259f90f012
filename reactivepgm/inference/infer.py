"""``infer``: from a model and its data to posteriors and a score."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rich.progress import Progress

from reactivepgm.distributions import Distribution, LogDensity, ProductOfDensities
from reactivepgm.errors import ConvergenceWarning, DataError, InvalidParameterError, MissingInitialError, ModelError
from reactivepgm.graph import Graph, VariableArray
from reactivepgm.graph.ancestral import covariates_of
from reactivepgm.inference.annotations import Annotations
from reactivepgm.inference.assumed import raise_true_cause
from reactivepgm.inference.callbacks import Callbacks
from reactivepgm.inference.compiled import course_of
from reactivepgm.inference.result import Posteriors, Result
from reactivepgm.inference.trace import Trace
from reactivepgm.language import Model, ModelInstance
from reactivepgm.plan import Beliefs, LoopySchedule, Plan, check_rules
from reactivepgm.plan.events import Event, Watcher, watched_by
from reactivepgm.rulebook import Quadrature


def infer(
    model: ModelInstance | Graph,
    data: Mapping[str, Any] | None = None,
    *,
    constraints: Any = None,
    initialisation: Mapping[str, Distribution] | None = None,
    messages: Mapping[str, Distribution] | None = None,
    iterations: int = 1,
    free_energy: bool = False,
    tolerance: float | None = None,
    damping: float = 0.0,
    progress: bool | None = None,
    returnvars: Iterable[str] | None = None,
    callbacks: Any = None,
    trace: bool = False,
    annotations: str | Iterable[str] = (),
    pipeline: Any = None,
    fallback: Quadrature | None = None,
    executor: Any = None,
    shards: int | None = None,
    backend: str = "numpy",
) -> Result:
    """Posteriors of all variables of a model, given data.

    Args:
        model: a model instance such as ``random_walk(drift=1.0)``, or a built graph.
        data: values by the names of the model's parameters or ``datavar``s. An observed output may be missing
            (None, NaN or masked); its factor then drops out.
        constraints: whole-model factorisation: ``MeanField()``, ``BetheFactorisation()``, a string such as
            ``"q(x, tau) = q(x) q(tau)"``, or a list of them. Statements with their own ``where(q=...)`` keep it.
        initialisation: initial marginals by variable name, for variational cycles.
        messages: initial messages by variable name, for regions with cycles (flat by default) and for rules that read what
            comes in on their own edge, where nothing proper does at first.
        iterations: how often every region is updated; a region with cycles takes one flood of messages an iteration.
        free_energy: score every iteration (nats).
        tolerance: stop when neither the free energy (relative to 1 + |F|) nor any loopy message changes by more.
        damping: the share of the old message kept in loopy regions and on edges that are read by their own rule, in [0, 1).
        progress: show a bar on stderr; by default only in a terminal, for more than one iteration.
        returnvars: the names wanted in ``result.posteriors``; all named variables by default.
        callbacks: functions by event, see ``callbacks.EVENTS``, or objects with methods of their names, such as a
            ``Benchmark``; one that returns True at an iteration's begin or end stops there, as ``EarlyStopping`` does.
        trace: keep every rule call with its time in ``result.trace``.
        annotations: ``"log_scale"`` keeps the log evidence that follows from the scales of messages (models without
            mean-field cuts and cycles), ``"inputs"`` which inputs made every message, both in ``result.annotations``.
        pipeline: a stage on the messages of statements that have none of their own.
        fallback: ``Quadrature(n)`` or ``Projection(family)`` integrates the log density of a stochastic factor where it has
            no rule; by default a missing rule is an error.
        executor: divide the model into shards and work on them there: an executor of ``concurrent.futures``, a list of
            them, or a Dask ``Client``. Every iteration gives what it would give without.
        shards: into how many; by default as many as the executor has workers.
        backend: ``"jax"`` runs the iterations as one program, compiled once for all data of the same shapes (extra ``[jax]``);
            what cannot be compiled is an error.

    Returns:
        A Result; printing it shows a table.

    Raises:
        DataError: data, initial marginals or messages that do not fit the model.
        InvalidParameterError: a number of iterations or a damping that there cannot be.
        MissingInitialError: a marginal is needed before anything computed it.
        NoRuleError: a factor has no rule for what it receives.
        ImproperPosteriorError: a posterior that does not normalise.

    Example:
        >>> from reactivepgm import Beta, Bernoulli, infer, model
        >>> @model
        ... def coin(flips):
        ...     p = ~Beta(a=1.0, b=1.0)
        ...     flips[:] = ~Bernoulli(p)
        >>> infer(coin(), data={"flips": [1, 0, 1, 1]}).posteriors["p"]
        Beta(a=4.0, b=2.0)
    """
    started = time.perf_counter()
    check_settings(iterations, damping)
    check_arguments(model, data)
    told, noting = Callbacks(callbacks), Annotations(annotations)
    told.tell("before_model_creation")
    graph = model.build(data) if isinstance(model, ModelInstance) else model
    graph.refuse_unread({} if data is None else data)
    returned = model.returned if isinstance(model, ModelInstance) else None
    if constraints is not None:
        graph = graph.constrained(constraints)
    if pipeline is not None:
        graph = graph.with_pipeline(pipeline)
    if fallback is not None:
        graph = with_fallback(graph, fallback)
    told.tell("after_model_creation", graph)
    schedule = LoopySchedule(damping, tolerance or 1e-8)
    told.tell("before_data_update", data)
    read = graph.read_data({} if data is None else data)
    if executor is not None and (trace or annotations or told.watches):
        raise ModelError(
            "trace=, annotations= and callbacks for single computations see one process only\n"
            "  write  infer(...) without executor=, or callbacks for iterations"
        )
    run = _run(executor, shards)(graph, read, initialisation or {}, messages or {}, schedule, free_energy)
    chosen = [returnvars] if isinstance(returnvars, str) else returnvars
    run.check_names(() if chosen is None else chosen, "returnvars")
    wanted = run.names() if chosen is None else list(chosen)
    course = course_of(
        backend, iterate, wanted, callbacks=callbacks, trace=trace, annotations=annotations, messages=messages,
        damping=damping, pipeline=pipeline, fallback=fallback, executor=executor,
    )
    told.tell("after_data_update", data)
    told.tell("before_inference")
    kept = Trace() if trace else None
    try:
        with watched_by(_watcher(told, kept, noting)):
            scores, done, converged = course(run, iterations, free_energy, tolerance, progress, told)
        run.finish()
        result = Result(
            posteriors=Posteriors({name: run.posterior(name) for name in wanted}),
            free_energy=np.array(scores if free_energy else []),
            iterations=done,
            converged=converged,
            duration=time.perf_counter() - started,
            graph=graph,
            returned=returned,
            hidden=Posteriors(run.hidden()),
            covariates=run.covariates(),
            trace=kept,
            annotations=noting.collected(run.plan, run.beliefs),
        )
    finally:
        run.close()
    told.tell("after_inference", result)
    return result


def _run(executor: Any, shards: int | None) -> Callable[..., Run]:
    """What runs the inference: this process, or an executor's workers."""
    if executor is None:
        if shards is not None:
            raise ModelError(f"shards={shards} without an executor\n  write  executor=ThreadPoolExecutor({shards}) besides")
        return Run
    from reactivepgm.inference.sharded import ShardedRun  # it is a Run, so it imports this file

    return partial(ShardedRun, executor=executor, shards=shards)


def check_settings(iterations: int, damping: float) -> None:
    """Raise for settings that no inference can run with.

    Raises:
        InvalidParameterError: also a ValueError.
    """
    if not isinstance(iterations, (int, np.integer)) or isinstance(iterations, bool) or iterations < 1:
        raise InvalidParameterError(f"iterations must be at least 1, and whole, not {iterations!r}")
    if not isinstance(damping, (int, float, np.number)) or not 0.0 <= damping < 1.0:
        raise InvalidParameterError(f"damping must lie in [0, 1), not {damping!r}")


def with_fallback(graph: Graph, fallback: object) -> Graph:
    """The graph whose missing rules are integrated.

    Raises:
        ModelError: something else than a Quadrature or a Projection.
    """
    if not isinstance(fallback, Quadrature):
        raise ModelError(f"fallback={fallback!r} is none\n  write  fallback=Quadrature(32) or fallback=Projection(Gamma)")
    return graph.with_fallback(fallback)


def check_arguments(model: object, data: object, verb: str = "infer") -> None:
    """The two mistakes of a first call: a model function that was not called, and data without names."""
    if isinstance(model, Model):
        raise ModelError(f"{verb} needs {model.function.__name__}(...), not the model function itself: call it first")
    if not isinstance(model, ModelInstance | Graph):
        raise ModelError(f"{verb} needs a model instance or a graph, not {type(model).__name__}")
    if data is not None and not hasattr(data, "keys"):
        raise DataError(f'data must map names to values, not {type(data).__name__}: write data={{"y": ...}}')


def _watcher(told: Callbacks, kept: Trace | None, noting: Annotations) -> Watcher | None:
    """Whoever wants to know of single computations: callbacks, a trace, annotations, or nobody."""
    takers: list[Watcher] = [told.note] if told.watches else []
    takers += [kept.note] if kept is not None else []
    takers += [noting.note] if noting.wants_inputs else []
    if not takers:
        return None

    def all_of_them(event: Event) -> None:
        for taker in takers:
            taker(event)

    return takers[0] if len(takers) == 1 else all_of_them


@dataclass
class Run:
    """A plan and its beliefs, with the user's names."""

    graph: Graph
    data: Mapping[str, Any]
    initialisation: Mapping[str, Distribution]
    messages: Mapping[str, Distribution]
    schedule: LoopySchedule
    is_scored: bool = False

    def __post_init__(self) -> None:
        self._named = {array.name: array for array in self.graph.random if not array.anonymous}
        for option, given in (("initialisation", self.initialisation), ("messages", self.messages)):
            if not isinstance(given, Mapping):
                raise DataError(f"{option} must map names to distributions, not {given!r}")
            self.check_names(given, option)
        for name, message in self.messages.items():
            if not isinstance(message, Distribution):
                raise DataError(f"the first message to `{name}` must be a distribution, not {type(message).__name__}")
        initial = frozenset(
            i for i, array in enumerate(a for a in self.graph.random if a.size) if array.name in self.initialisation
        )
        try:
            self.plan = Plan(self.graph, initial, schedule=self.schedule)
        except MissingInitialError as error:
            raise_true_cause(self.graph, self.initialisation, error)
        number = self.plan.structure.number
        kinds = {
            number[self._named[name].id]: frozenset({type(belief)}) if isinstance(belief, Distribution) else None
            for name, belief in self.initialisation.items()
            if self._named[name].size
        }
        check_rules(self.plan.structure, self.plan.batches, kinds, self.is_scored)
        self.plan.messages = {number[self._named[n].id]: message for n, message in self.messages.items() if self._named[n].size}
        self.beliefs: Beliefs = self.plan.beliefs()
        self.beliefs.clamp(self.data)
        for name, belief in self.initialisation.items():
            if not self._named[name].size:
                continue  # of a loop that never ran
            self.beliefs.begin(number[self._named[name].id], self._broadcast(name, belief))

    def names(self) -> list[str]:
        """The named random variables that have elements."""
        return [name for name, array in self._named.items() if array.size]

    def check_names(self, names: Iterable[str], option: str) -> None:
        """Raise for a name that no random variable of the model has."""
        if not isinstance(names, Iterable):
            raise ModelError(f"{option} must hold names of random variables, not {names!r}")
        for name in names:
            if not isinstance(name, str) or name not in self._named:
                raise ModelError(
                    f"{option}: the model has no random variable `{name}`; it has {', '.join(self._named) or 'none'}"
                )

    def _broadcast(self, name: str, belief: Distribution) -> Distribution:
        array = self._named[name]
        if not isinstance(belief, Distribution):
            raise DataError(f"initialisation of `{name}` must be a distribution, not {type(belief).__name__}")
        shape = belief.batch_shape
        try:
            whole = belief.broadcast_to(array.shape if array.shape else ())
        except ValueError:
            raise DataError(
                f"initialisation of `{name}` has batch shape {shape}, the variable has shape {array.shape}"
            ) from None
        if len(array.shape) == 1:
            return whole
        if not array.shape:
            return belief.broadcast_to((1,))
        return whole[tuple(np.unravel_index(np.arange(array.size), array.shape))]

    def posterior(self, name: str) -> Distribution:
        """The belief about a variable in the variable's own shape."""
        array = self._named[name]
        if not array.size:
            raise ModelError(f"`{name}` has no elements, so it has no posterior")
        return self._shaped(array)

    def numbers(self, names: Iterable[str]) -> list[int]:
        """The arrays of some variables, as the plan numbers them."""
        return [self.plan.structure.number[self._named[name].id] for name in names if self._named[name].size]

    def hidden(self) -> dict[str, Distribution | Callable[[], Distribution]]:
        """The beliefs about the variables without a name of the user's, as far as they have a family."""
        found: dict[str, Distribution | Callable[[], Distribution]] = {}
        for array in self.graph.random:
            if array.anonymous and array.size and self.beliefs.marginals.is_pending(self.plan.structure.number[array.id]):
                found[array.name] = partial(self._shaped, array)
                continue
            belief = self.beliefs.marginals[self.plan.structure.number[array.id]] if array.anonymous and array.size else None
            if belief is not None and not isinstance(belief, (LogDensity, ProductOfDensities)):
                found[array.name] = self._shaped(array)
        return found

    def covariates(self) -> dict[str, Any]:
        """Copies of the data that are inputs of factors."""
        return covariates_in(self.graph, self.data)

    def _shaped(self, array: VariableArray) -> Distribution:
        belief = self.beliefs.marginals[self.plan.structure.number[array.id]]
        assert belief is not None
        whole = belief.broadcast_to((array.size,))
        if array.shape == ():
            return whole[0]
        return whole if len(array.shape) == 1 else whole[np.arange(array.size).reshape(array.shape)]

    def advance(self) -> None:
        """One iteration."""
        self.plan.iterate(self.beliefs)

    def score(self) -> Any:
        """The free energy of the beliefs, in nats."""
        return self.plan.free_energy(self.beliefs)

    def close(self) -> None:
        """Let go of what others hold for this run: nothing."""

    def finish(self) -> None:
        """Check what loopy regions leave unchecked while they settle, and warn if they did not."""
        for sweep in self.plan.loopy:
            sweep.check()
            if not sweep.converged:
                warnings.warn(
                    f"a region with cycles has not converged: the last flood changed a message by {sweep.change:.2g}"
                    f" (tolerance {self.schedule.tolerance:.2g}); raise iterations= or damping=",
                    ConvergenceWarning,
                    stacklevel=3,
                )
        for edges in self.plan.expected_again:
            if edges.active and not edges.converged:
                warnings.warn(
                    "messages that depend on what comes in on their own edges (expectation propagation) have not converged:"
                    f" the last iteration changed one by {edges.change:.2g}; raise iterations= or damping=",
                    ConvergenceWarning,
                    stacklevel=3,
                )


def covariates_in(graph: Graph, data: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of those of some data that are inputs of a graph's factors."""
    names = {name for family in graph.families for name in covariates_of(family)}
    return {name: value if type(value) is float else np.array(value) for name, value in data.items() if name in names}


def iterate(
    run: Run,
    iterations: int,
    free_energy: bool,
    tolerance: float | None,
    progress: bool | None,
    callbacks: Callbacks,
) -> tuple[list[Any], int, bool | None]:
    """Update until done, settled or told to stop; the scores, how many iterations, and whether it settled."""
    exact = len(run.plan.batches) <= 1
    scores: list[Any] = []
    shown = (sys.stderr.isatty() and iterations > 1) if progress is None else progress
    with Progress(transient=True, disable=not shown) as bar:
        task = bar.add_task("iterations", total=iterations)
        settled: bool | None = None
        for done in range(1, iterations + 1):
            stop = callbacks.tell("before_iteration", done)
            run.advance()
            loopy = run.plan.loopy
            if free_energy or (tolerance is not None and not loopy):
                scores.append(run.score())
            stop |= callbacks.tell("after_iteration", done, scores[-1] if scores else None)
            bar.advance(task)
            functions = run.plan.approximated
            own = run.plan.expected_again
            if exact and not loopy and not functions and not own:
                return scores * iterations if free_energy else scores, done, True
            calm = all(sweep.converged for sweep in loopy) and all(sweep.converged for sweep in functions)
            calm &= all(edges.converged for edges in own)
            if exact:
                settled = calm
            elif tolerance is not None:
                settled = calm and len(scores) > 1 and _has_settled(scores[-2], scores[-1], tolerance)
            if settled or stop:
                return scores, done, settled
    return scores, iterations, settled


def _has_settled(before: Any, after: Any, tolerance: float) -> bool:
    return bool(np.all(np.abs(after - before) <= tolerance * (1.0 + np.abs(after))))
