"""``infer_online``: a model that meets its data one observation at a time and hands its posteriors on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from reactivepgm.distributions import Distribution
from reactivepgm.inference.engine import Engine
from reactivepgm.inference.faults import OnBad
from reactivepgm.language import ModelInstance


def infer_online(
    model: ModelInstance,
    datastream: Any = None,
    *,
    autoupdates: Callable[..., Mapping[str, Any]] | None = None,
    initialisation: Mapping[str, Distribution] | None = None,
    constraints: Any = None,
    iterations: int = 1,
    when: Literal["all", "any"] = "all",
    on_bad_observation: OnBad = "raise",
    history: Mapping[str, int] | int | None = None,
    callbacks: Any = None,
    trace: bool | int = False,
    pipeline: Any = None,
    progress: bool | None = None,
) -> Engine:
    """An engine that takes observations and keeps posteriors.

    Args:
        model: a model instance. Parameters that it leaves open are the data of every observation; arguments that
            ``autoupdates`` returns later are their values for the first observation.
        datastream: what ``engine.start()`` reads: a reactivex Observable, an iterable, an async iterable, or None when
            ``engine.observe`` is called by hand. Items are mappings from data names to values; with one open
            parameter, its bare values.
        autoupdates: from the posteriors by name (and, if it takes a second argument, the observation) to new values of
            the model's parameters, used for the next observation; called once after each. The model's arguments are the
            values of the first; a parameter without one begins at what it makes of ``initialisation``.
        initialisation: initial marginals by variable name, where a variational cycle needs them.
        constraints: whole-model factorisation, as ``infer`` takes.
        iterations: updates of every region an observation.
        when: with partial observations, step when ``"all"`` data have come, or at ``"any"`` with the rest missing.
        on_bad_observation: what a datum that does not fit does: ``"raise"``, ``"skip"`` the observation (counted in
            ``engine.skipped``), or count its bad values as ``"missing"``. At the end of a stream it says the same of half
            observations. Unknown names and faults of ``autoupdates`` are errors always.
        history: how many posteriors to keep, of every named variable, or by name.
        callbacks: functions by event, see ``callbacks.EVENTS``, or objects with methods of their names: of the model once,
            of data updates, inferences (``after_inference`` gets the engine) and iterations with every observation. One
            that returns True at an iteration's begin or end stops this observation's iterations, as ``EarlyStopping`` does.
        trace: keep every rule call with its time in ``engine.trace``; a number for how many to keep one by one.
        pipeline: a stage on the messages of statements that have none of their own.
        progress: show a bar on stderr while ``run`` reads; by default only in a terminal.

    Example:
        >>> from reactivepgm import Bernoulli, Beta, infer_online, model
        >>> @model
        ... def coin(flip, a, b):
        ...     p = ~Beta(a=a, b=b)
        ...     flip[...] = ~Bernoulli(p)
        >>> engine = infer_online(
        ...     coin(a=1.0, b=1.0), autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b}
        ... )
        >>> subscription = engine.posteriors["p"].subscribe(print)
        >>> engine.observe({"flip": 1.0})
        Beta(a=2.0, b=1.0)
        >>> engine.observe({"flip": 0.0})
        Beta(a=2.0, b=2.0)
    """
    return Engine(
        model, datastream, autoupdates, {} if initialisation is None else initialisation, constraints, iterations, when,
        on_bad_observation, history, callbacks, trace, pipeline, progress,
    )
