"""What an engine tells of while it works: events, early stopping, traces, timings and a bar."""

import asyncio
import itertools
import json

import numpy as np
import pytest

from reactivepgm import (
    Benchmark,
    Bernoulli,
    Beta,
    EarlyStopping,
    Gamma,
    MeanField,
    ModelError,
    Normal,
    NormalMeanPrecision,
    infer,
    infer_online,
    model,
)
from reactivepgm.inference.callbacks import EVENTS


@model
def coin(flip, a, b):
    p = ~Beta(a=a, b=b)
    flip[...] = ~Bernoulli(p)


def counted(q):
    return {"a": q["p"].a, "b": q["p"].b}


@model
def level(y, mean, precision, shape, rate):
    m = ~Normal(mean=mean, precision=precision)
    w = ~Gamma(shape=shape, rate=rate)
    y[...] = ~NormalMeanPrecision(m, w)


def carried(q):
    return {
        "mean": q["m"].mean, "precision": 1.0 / q["m"].variance, "shape": q["w"].shape, "rate": q["w"].rate,
    }  # fmt: skip


def learner(stream=None, **options):
    start = {"w": Gamma(shape=1.0, rate=1.0), "m": Normal(mean=0.0, variance=100.0)}
    return infer_online(
        level(mean=0.0, precision=0.01, shape=1.0, rate=1.0), stream, autoupdates=carried, constraints=MeanField(),
        initialisation=start, **options,
    )  # fmt: skip


def test_events_of_an_engine_come_in_order_and_once_an_observation():
    seen = []
    engine = learner(
        iterations=2, callbacks={name: lambda *details, name=name: seen.append((name, details)) for name in EVENTS}
    )
    engine.observe(1.0)
    names = [name for name, _ in seen]
    assert list(dict.fromkeys(names)) == [
        "before_model_creation", "after_model_creation", "before_data_update", "after_data_update", "before_inference",
        "before_iteration", "on_message_rule", "on_product", "on_marginal", "on_energy_rule", "after_iteration",
        "after_inference",
    ]  # fmt: skip
    details = dict(seen)
    assert details["before_data_update"] == details["after_data_update"] == ({"y": 1.0},)
    assert details["after_inference"] == (engine,)
    (event,) = details["on_message_rule"]
    assert "test_engine_callbacks.py" in event.subject
    assert (event.rows, event.duration >= 0.0) == (1, True)
    seen.clear()
    engine.observe(2.0)
    names = [name for name, _ in seen]
    assert "before_model_creation" not in names
    assert [names.count(name) for name in ("before_inference", "before_iteration", "after_iteration")] == [1, 2, 2]


@pytest.mark.parametrize("watched", [False, True], ids=["stitched", "planned"])
def test_iterations_that_are_told_apart_give_what_iterations_in_one_go_give(watched):
    heard = {"after_iteration": lambda number, score: None}
    if watched:
        heard["on_marginal"] = lambda event: None
    told, quiet = learner(iterations=4, callbacks=heard), learner(iterations=4)
    scores = []
    told.free_energy.subscribe(scores.append)
    quiet.free_energy.subscribe(scores.append)
    for y in (1.0, -0.5, 2.0):
        told.observe(y)
        quiet.observe(y)
        np.testing.assert_allclose(scores[-1], scores[-2], rtol=1e-12)
        for name in ("m", "w"):
            for a, b in zip(told.latest[name].parameters.values(), quiet.latest[name].parameters.values(), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12)


def test_early_stopping_begins_afresh_with_every_observation_and_every_run():
    done = []
    stopping = EarlyStopping(rtol=1e-8, patience=2)
    engine = learner(
        iterations=200, callbacks={"after_iteration": [lambda number, score: done.append((number, score)), stopping]}
    )
    for y in (1.0, 1.1, 0.9):
        engine.observe(y)
    starts = [i for i, (number, _) in enumerate(done) if number == 1]
    assert len(starts) == 3
    for begin, end in zip(starts, [*starts[1:], len(done)], strict=True):
        scores = [score for _, score in done[begin:end]]
        assert 3 <= len(scores) < 200
        calm = [abs(b - a) <= 1e-8 * (1 + abs(b)) for a, b in itertools.pairwise(scores)]
        assert calm[-2:] == [True, True]
        assert not any(x and y for x, y in itertools.pairwise(calm[:-1]))

    @model
    def batch(y):
        m = ~Normal(mean=0.0, variance=10.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y[:] = ~NormalMeanPrecision(m, w)

    runs = [
        infer(
            batch(), data={"y": [1.0, 2.0, 4.0]}, constraints=MeanField(), initialisation={"w": Gamma(shape=1.0, rate=1.0)},
            iterations=100, free_energy=True, callbacks={"after_iteration": stopping},
        ).iterations
        for _ in range(3)
    ]  # fmt: skip
    assert runs[0] == runs[1] == runs[2] > 3


def test_a_callback_stops_an_observations_iterations():
    done = []
    engine = learner(iterations=50, callbacks={"after_iteration": lambda number, score: done.append(number) or number == 3})
    engine.observe(1.0)
    engine.observe(2.0)
    assert done == [1, 2, 3, 1, 2, 3]


def test_the_trace_of_an_engine_is_a_table_and_a_file_and_bounded(tmp_path):
    engine = learner(iterations=2, trace=True)
    for y in (1.0, 2.0, 3.0):
        engine.observe(y)
    kinds = {event.kind for event in engine.trace.events}
    assert {"message rule", "product", "marginal"} <= kinds
    assert "NormalMeanPrecision at" in repr(engine.trace)
    engine.trace.save(tmp_path / "trace.json")
    entries = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert len(entries) == len(engine.trace.events)
    short = learner(iterations=2, trace=5)
    for y in (1.0, 2.0, 3.0):
        short.observe(y)
    assert len(short.trace.events) == 5
    assert short.trace.dropped == len(engine.trace.events) - 5
    calls = [row for row in repr(short.trace).splitlines() if "message rule" in row]
    assert len(calls) == len([row for row in repr(engine.trace).splitlines() if "message rule" in row])
    assert learner().trace is None


def test_a_benchmark_tells_the_times_of_every_phase():
    benchmark = Benchmark()
    for _ in range(3):
        engine = learner(iterations=2, callbacks=benchmark)
        engine.observe(1.0)
        engine.observe(2.0)
    summary = {times.phase: times for times in benchmark.summary()}
    assert {phase: times.count for phase, times in summary.items()} == {
        "model creation": 3, "data update": 6, "inference": 6, "iteration": 12,
    }  # fmt: skip
    assert all(0.0 <= times.minimum <= times.median <= times.maximum for times in summary.values())
    assert "median ms" in repr(benchmark)
    assert summary["inference"].minimum >= summary["iteration"].minimum


def test_callbacks_that_mean_nothing():
    with pytest.raises(ModelError, match="no event 'after_lunch'"):
        learner(callbacks={"after_lunch": print})
    with pytest.raises(ModelError, match="cannot be called"):
        learner(callbacks={"after_iteration": 3})
    with pytest.raises(ModelError, match="maps no events to functions"):
        learner(callbacks=print)


def test_several_callbacks_side_by_side():
    benchmark, numbers = Benchmark(), []
    engine = learner(callbacks=[benchmark, {"after_iteration": lambda number, score: numbers.append(number)}])
    engine.observe(1.0)
    assert numbers == [1]
    assert benchmark.summary()


def test_a_bar_is_shown_on_request_and_not_in_a_pipe(capfd):
    engine = infer_online(coin(a=1.0, b=1.0), [1.0] * 10, autoupdates=counted)
    engine.run()
    assert capfd.readouterr() == ("", "")
    for stream in ([1.0] * 10, iter([1.0] * 10)):
        engine = infer_online(coin(a=1.0, b=1.0), stream, autoupdates=counted, progress=True)
        engine.run()
        out, _err = capfd.readouterr()
        assert out == ""
        assert engine.count == 10
    engine = infer_online(coin(a=1.0, b=1.0), [1.0] * 10, autoupdates=counted, progress=True)
    asyncio.run(engine.run_async())
    assert engine.count == 10
