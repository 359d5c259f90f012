"""The usual observation, written out as source, does what the general way does; what is not usual falls back to it."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactivepgm import (
    DataError,
    EngineError,
    Gamma,
    InvalidParameterError,
    MeanField,
    ModelError,
    Normal,
    NormalMeanPrecision,
    infer_online,
    model,
)
from reactivepgm.inference.usual import never


@model
def walk(y, m, v):
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=1.0)
    y[...] = ~Normal(mean=x, variance=2.0)


@model
def pair(left, right, m, v):
    x = ~Normal(mean=m, variance=v)
    left[...] = ~Normal(mean=x, variance=1.0)
    right[...] = ~Normal(mean=x, variance=2.0)


@model
def level(y, mean, precision, shape, rate):
    m = ~Normal(mean=mean, precision=precision)
    w = ~Gamma(shape=shape, rate=rate)
    y[...] = ~NormalMeanPrecision(m, w)


def moments(q):
    return {"m": q["x"].mean, "v": q["x"].variance}


def learned(q):
    return {"mean": q["m"].mean, "precision": 1.0 / q["m"].variance, "shape": q["w"].shape, "rate": q["w"].rate}


def walker(**options):
    return infer_online(walk(m=0.0, v=9.0), autoupdates=moments, **options)


def pairs(**options):
    return infer_online(pair(m=0.0, v=9.0), autoupdates=moments, **options)


def levels(**options):
    start = {"w": Gamma(shape=1.0, rate=1.0), "m": Normal(mean=0.0, variance=100.0)}
    return infer_online(
        level(mean=0.0, precision=0.01, shape=1.0, rate=1.0), autoupdates=learned, constraints=MeanField(),
        initialisation=start, iterations=3, **options,
    )  # fmt: skip


def general(engine):
    """The same engine, which takes every observation the general way."""
    engine._is_usual = True
    engine._asked = lambda: engine._course.ask(engine._publishing.wanted)
    engine._publishing._asked = engine._asked
    return engine


def told(engine, names):
    seen = []
    for name in names:
        engine.posteriors[name].subscribe(lambda belief, name=name: seen.append((name, belief)))
    engine.free_energy.subscribe(lambda score: seen.append(("score", score)))
    return seen


VALUES = st.one_of(
    st.floats(-5, 5), st.integers(-3, 3), st.booleans(), st.none(), st.just(float("nan")), st.floats(-5, 5).map(np.float64),
    st.floats(-5, 5, width=32).map(np.float32), st.just(np.ma.masked),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["left", "right"]), VALUES), max_size=12), st.sampled_from(["all", "any"]))
def test_both_ways_tell_the_same(observations, when):
    engines = pairs(when=when, history=3), general(pairs(when=when, history=3))
    for observation in [{"left": 1.0, "right": 0.0}, *observations, {"left": 1.0, "right": 0.0}]:
        for engine in engines:
            engine.observe(observation)
        one, other = engines
        assert (one.count, one.waiting, one.skipped) == (other.count, other.waiting, other.skipped)
        assert one.latest == other.latest
        assert one.history == other.history
        assert one._course.inputs == other._course.inputs


@pytest.mark.parametrize(
    ("make", "names", "value"), [(walker, ["x", "before"], 1.0), (levels, ["m", "w"], 0.5)], ids=["walk", "level"]
)
def test_listeners_hear_the_same_in_the_same_order(make, names, value):
    one, other = make(), general(make())
    heard, expected = told(one, names), told(other, names)
    for k in range(8):
        one.observe(value + k)
        other.observe({"y": value + k})
    assert one._usual is not never
    assert other._usual is never
    assert heard == expected
    assert len(heard) == 24


def test_what_changes_meanwhile_is_heeded():
    engine = walker()
    for y in (1.0, 2.0, 3.0):
        engine.observe(y)
    seen = []
    subscription = engine.posteriors["before"].subscribe(seen.append)
    engine.observe(1.0)
    engine.observe(2.0)
    assert len(seen) == 2
    subscription.dispose()
    engine.observe(3.0)
    engine.observe(3.0)
    assert len(seen) == 2
    assert (engine.count, engine.latest["before"] == engine.latest["x"]) == (7, False)


@pytest.mark.parametrize("policy", ["raise", "skip", "missing"])
def test_what_does_not_fit_is_told_as_ever(policy):
    engine = walker(on_bad_observation=policy)
    for _ in range(3):
        engine.observe({"y": 1.0})
    before = engine.latest["x"]
    bad = ["text", float("inf"), [1.0, 2.0], 10**400, object()]
    for value in bad:
        if policy == "raise":
            with pytest.raises(DataError) as caught:
                engine.observe({"y": value})
            assert "observation 3" in caught.value.__notes__[0]
        else:
            engine.observe({"y": value})
    assert engine.skipped == (len(bad) if policy == "skip" else 0)
    assert engine.count == 3 + (len(bad) if policy == "missing" else 0)
    assert (engine.latest["x"] == before) == (policy != "missing")
    with pytest.raises(DataError, match="there are no data called z"):
        engine.observe({"z": 1.0})


def test_faults_of_autoupdates_after_a_while():
    answers = iter([{"m": 0.0, "v": 1.0}] * 4 + [{"m": 0.0, "v": -1.0}, 3.0, {"w": 1.0}, {"m": 10**400}])
    engine = infer_online(walk(m=0.0, v=9.0), autoupdates=lambda q: next(answers))
    for _ in range(5):
        engine.observe(1.0)
    with pytest.raises(InvalidParameterError, match=r"a value that autoupdates .* returned does not fit"):
        engine.observe(1.0)
    engine._course.feed({"v": 1.0})
    for error, match in ((ModelError, "a mapping"), (ModelError, "no parameter"), (DataError, "for `m`"), (ModelError, "Stop")):
        with pytest.raises(error, match=match):
            engine.observe(1.0)


def test_a_subscriber_observes_stops_and_fails():
    engine = walker()
    more = deque([5.0, 6.0])
    counts = []

    def listen(belief):
        counts.append(engine.count)
        if engine.count >= 3 and more:
            engine.observe(more.popleft())
        if engine.count == 7:
            raise ZeroDivisionError
        if engine.count == 8:
            engine.stop()

    engine.posteriors["x"].subscribe(listen)
    for _ in range(4):
        engine.observe(1.0)
    assert (engine.count, counts) == (6, [1, 2, 3, 4, 5, 6])
    with pytest.raises(ZeroDivisionError) as caught:
        engine.observe(1.0)
    assert "observation 6" in caught.value.__notes__[0]
    engine.observe(1.0)
    with pytest.raises(EngineError, match="was stopped"):
        engine.observe(1.0)


def test_a_loop_gives_snapshots():
    engine = infer_online(walk(m=0.0, v=9.0), [1.0, 2.0, None, 3.0], autoupdates=moments)
    collected = list(engine)
    alone = walker()
    for y, posteriors in zip([1.0, 2.0, None, 3.0], collected, strict=True):
        alone.observe(y)
        assert posteriors == {"x": alone.latest["x"], "before": alone.latest["before"]}
    with pytest.raises(KeyError, match="no posterior named 'z'; there are: before, x"):
        collected[0]["z"]


def test_latest_looks_like_a_whole_dictionary_to_who_does_not_ask_by_name():
    engine = infer_online(walk(m=0.0, v=9.0))
    assert dict(engine.latest) == {}
    with pytest.raises(LookupError, match="no posterior of 'x' yet"):
        engine.latest["x"]
    engine.observe(1.0)
    assert sorted(engine.latest) == ["before", "x"]
    assert {**engine.latest} == dict(engine.latest.items()) == engine.latest
    engine.observe(2.0)
    assert len(engine.latest) == len(engine.latest.values()) == 2
    assert "before" in engine.latest
    assert engine.latest.get("x") == engine.latest["x"]
    assert (engine.latest.get("z", 3), list(engine.latest.keys())) == (3, list(engine.latest))
    assert repr(engine.latest).startswith("{'before': Normal")


def test_a_prediction_is_told_once_and_only_of_what_is_taken_in():
    @model
    def counting(k, a, b):
        rate = ~Gamma(shape=a, rate=b)
        k[...] = ~Normal(mean=0.0, precision=rate)

    for policy, expected in (("missing", 3), ("skip", 2)):
        engine = infer_online(counting(a=1.0, b=1.0), on_bad_observation=policy)
        seen = []
        engine.predictions["k"].subscribe(seen.append)
        for value in (1.0, "text", 2.0):
            engine.observe({"k": value})
        assert len(seen) == expected


def test_options_that_cannot_be_are_told_at_once():
    for options, error, match in (
        ({"iterations": "a"}, ValueError, "whole, not 'a'"),
        ({"iterations": 1.5}, ValueError, "whole, not 1.5"),
        ({"iterations": 0}, ValueError, "at least 1"),
        ({"trace": "a"}, ValueError, "trace must be True, False, or how many"),
        ({"trace": -1}, ValueError, "not -1"),
        ({"initialisation": 3}, ModelError, "initialisation must map variables to distributions"),
    ):
        with pytest.raises(error, match=match):
            infer_online(walk(m=0.0, v=9.0), **options)
    with pytest.raises(KeyError, match="no history of 'x' is kept"):
        walker().history["x"]
