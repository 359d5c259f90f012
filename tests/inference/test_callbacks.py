"""Callbacks are told in order, may stop, and a trace keeps every rule call with its time."""

import json

import numpy as np
import pytest

from reactivepgm import (
    EarlyStopping,
    Gamma,
    MeanField,
    ModelError,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    infer,
    model,
    randomvar,
)


@model
def level(y):
    m = ~Normal(mean=0.0, variance=10.0)
    w = ~Gamma(shape=1.0, rate=1.0)
    y[:] = ~NormalMeanPrecision(m, w)


def run(**options):
    y = np.random.default_rng(0).normal(size=50)
    start = {"w": Gamma(shape=1.0, rate=1.0)}
    return infer(level(), data={"y": y}, constraints=MeanField(), initialisation=start, **options)


def test_events_come_in_order():
    seen = []
    names = [
        "before_model_creation", "after_model_creation", "before_data_update", "after_data_update", "before_inference",
        "before_iteration", "on_message_rule", "on_product", "on_marginal", "after_iteration", "after_inference",
    ]  # fmt: skip
    run(iterations=2, callbacks={name: lambda *details, name=name: seen.append(name) for name in names})
    assert list(dict.fromkeys(seen)) == names
    assert seen.count("before_iteration") == seen.count("after_iteration") == 2
    assert seen.count("on_marginal") == 4
    assert seen.count("on_message_rule") == 6  # the two priors are sent once


def test_a_rule_event_says_what_was_computed():
    seen = []
    run(iterations=1, callbacks={"on_message_rule": seen.append})
    towards = {(event.subject.split(" at ")[0], event.target, event.rows) for event in seen}
    assert ("NormalMeanPrecision", "mean", 50) in towards
    assert ("NormalMeanPrecision", "precision", 50) in towards
    assert all(event.duration >= 0.0 and "test_callbacks.py" in event.subject for event in seen)


def test_every_kind_of_computation_has_its_event():
    @model
    def chain(y):
        x = randomvar(len(y))
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        y[0] = ~NormalMeanVariance(x[0], 1.0)
        for i in range(1, len(y)):
            x[i] = ~NormalMeanVariance(x[i - 1], 1.0)
            y[i] = ~NormalMeanVariance(x[i], 1.0)

    names = ["on_message_rule", "on_joint_rule", "on_energy_rule", "on_kernel", "on_product", "on_marginal"]
    seen = {name: [] for name in names}
    heard = {name: seen[name].append for name in names}
    run(iterations=3, free_energy=True, callbacks=heard)
    assert [event.rows for event in seen["on_energy_rule"]] == 3 * [1, 1, 50]
    assert all("test_callbacks.py" in event.subject and event.duration >= 0.0 for event in seen["on_energy_rule"])
    infer(chain(), data={"y": [1.0, 2.0, 3.0]}, free_energy=True, callbacks=heard)
    assert {name for name in names if not seen[name]} <= {"on_joint_rule", "on_product"}
    assert {name.removeprefix("on_").replace("_", " ") for name in names} >= {e.kind for each in seen.values() for e in each}


def test_a_callback_can_stop():
    result = run(iterations=100, callbacks={"after_iteration": lambda done, score: done == 3})
    assert result.iterations == 3


def test_early_stopping_waits_for_calm():
    stopped = run(iterations=500, free_energy=True, callbacks={"after_iteration": EarlyStopping(rtol=1e-10, patience=2)})
    assert 3 < stopped.iterations < 100
    assert abs(stopped.free_energy[-1] - stopped.free_energy[-3]) < 1e-8
    with pytest.raises(ModelError, match="free_energy=True"):
        run(iterations=5, callbacks={"after_iteration": EarlyStopping()})


def test_an_unknown_event_lists_the_known_ones():
    with pytest.raises(ModelError, match="no event 'after_lunch'; there are before_model_creation"):
        run(callbacks={"after_lunch": print})


def test_a_trace_is_a_table_and_a_file(tmp_path):
    result = run(iterations=3, free_energy=True, trace=True)
    kinds = {event.kind for event in result.trace.events}
    assert kinds == {"message rule", "energy rule", "product", "marginal"}
    shown = repr(result.trace)
    assert "message rule" in shown
    assert "NormalMeanPrecision at" in shown
    result.trace.save(tmp_path / "trace.json")
    entries = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert len(entries) == len(result.trace.events)
    assert all(entry["ph"] == "X" and entry["dur"] >= 0 and entry["ts"] >= 0 for entry in entries)
    assert run(iterations=1).trace is None
