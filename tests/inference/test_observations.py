"""Observations that are whole, partial, late or missing, first or last; what autoupdates and history make of them."""

import tracemalloc

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    DataError,
    ModelError,
    MvNormal,
    Normal,
    infer,
    infer_online,
    model,
)


@model
def level(y, m, v):
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=1.0)
    y[...] = ~Normal(mean=x, variance=2.0)


@model
def point(y, m, v):
    x = ~MvNormal(mean=m, covariance=v)
    y[...] = ~MvNormal(mean=x, covariance=2.0 * np.eye(2))


@model
def rows(y, m, v):
    x = ~Normal(mean=m, variance=v)
    y[:] = ~Normal(mean=x, variance=2.0)


@model
def two(left, right, m, v):
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=1.0)
    left[...] = ~Normal(mean=x, variance=1.0)
    right[...] = ~Normal(mean=x, variance=2.0)


def moments(q):
    return {"m": q["x"].mean, "v": q["x"].variance}


def vectors(q):
    return {"m": q["x"].mean, "v": q["x"].covariance}


def engine_of(kind, **options):
    if kind is point:
        return infer_online(point(m=np.zeros(2), v=4.0 * np.eye(2)), autoupdates=vectors, **options)
    return infer_online(kind(m=0.0, v=4.0), autoupdates=moments, **options)


hidden = np.ma.masked_array

FIRST = {
    "None": (level, None, 0, (), 5.0),
    "nan": (level, float("nan"), 0, (), 5.0),
    "numpy nan": (level, np.float64("nan"), 0, (), 5.0),
    "an array of nan": (level, np.array(np.nan), 0, (), 5.0),
    "masked": (level, np.ma.masked, 0, (), 5.0),
    "a vector that is None": (point, None, 0, (), 4.0),
    "a vector of nan": (point, [np.nan, np.nan], 0, (), 4.0),
    "a masked vector": (point, hidden([1.0, 2.0], mask=True), 0, (), 4.0),
    "rows of None": (rows, [None, None], 0, (2,), 4.0),
    "some rows": (rows, [None, 1.0], 1, (2,), 1.0 / (1 / 4 + 1 / 2)),
    "masked rows": (rows, hidden([9.0, 1.0], mask=[True, False]), 1, (2,), 1.0 / (1 / 4 + 1 / 2)),
}


@pytest.mark.parametrize("case", FIRST)
def test_what_is_missing_may_be_missing_at_once(case):
    kind, first, _, shape, variance = FIRST[case]
    engine = engine_of(kind)
    predictions, scores = [], []
    engine.predictions["y"].subscribe(predictions.append)
    engine.free_energy.subscribe(scores.append)
    engine.observe({"y": first})
    spread = engine.latest["x"].covariance[0, 0] if kind is point else engine.latest["x"].variance
    assert spread == pytest.approx(variance)
    assert predictions[0].batch_shape == shape
    assert engine.count == len(scores) == 1
    if "some" not in case and case != "masked rows":
        assert scores == [pytest.approx(0.0, abs=1e-12)]
    engine.observe({"y": {level: 1.0, point: [1.0, 2.0], rows: [1.0, 2.0]}[kind]})
    assert engine.count == 2
    assert engine.latest["x"].mean is not None


def test_an_observation_that_leaves_the_shape_open_waits_for_one_that_tells():
    engine = engine_of(rows)
    posteriors = []
    engine.posteriors["x"].subscribe(posteriors.append)
    engine.observe({"y": None})
    assert engine.count == 0
    engine.observe({"y": [1.0, 2.0, 3.0]})
    assert engine.count == 2
    assert [belief.variance for belief in posteriors] == pytest.approx([4.0, 1.0 / (1 / 4 + 3 / 2)])
    with pytest.raises(DataError, match="left the shape of y open"):
        engine_of(rows, datastream=[None, None]).run()


def test_partial_dictionaries_are_halves():
    whole, parts = engine_of(two), engine_of(two, when="any")
    scores = []
    parts.free_energy.subscribe(scores.append)
    for part in ({"left": 1.0}, {"right": 2.0}, {"left": 0.5, "right": 1.5}):
        parts.observe(part)
        whole.observe({"left": None, "right": None, **part})
    assert parts.latest["x"] == whole.latest["x"]
    assert parts.count == len(scores) == 3


def test_half_observations_at_the_end_are_told_counted_or_filled():
    parts = [{"left": 1.0, "right": 2.0}, {"left": 3.0}, {"left": 4.0}]
    engine = engine_of(two, datastream=parts)
    errors = []
    engine.posteriors["x"].subscribe(lambda belief: None, on_error=errors.append)
    with pytest.raises(DataError, match=r"half observations: 2 of left wait for the rest") as caught:
        engine.run()
    assert errors == [caught.value]
    assert engine.waiting == {"left": [3.0, 4.0]}

    skipping = engine_of(two, datastream=parts, on_bad_observation="skip").run()
    assert (skipping.count, skipping.waiting) == (1, {"left": [3.0, 4.0]})

    filled = engine_of(two, datastream=parts, on_bad_observation="missing").run()
    reference = engine_of(two)
    for part in parts:
        reference.observe({"right": None, **part})
    assert (filled.count, dict(filled.waiting)) == (3, {})
    assert filled.latest["x"] == reference.latest["x"]

    threaded = engine_of(two, datastream=parts).start()
    with pytest.raises(DataError, match="half observations"):
        threaded.join(10.0)


@pytest.mark.parametrize(
    ("policy", "count", "skipped"), [("skip", 1, 2), ("missing", 3, 0)]
)
@pytest.mark.parametrize("bad", ["text", [1.0, 2.0], float("inf")], ids=["text", "shape", "infinite"])
def test_the_policy_holds_for_the_first_observation_too(policy, count, skipped, bad):
    engine = engine_of(two, on_bad_observation=policy)
    if bad == [1.0, 2.0]:
        engine.observe({"left": 1.0, "right": 1.0})  # only a second datum can have another shape
        engine.observe({"left": bad, "right": 1.0})
        assert (engine.count, engine.skipped) == ((1, 1) if policy == "skip" else (2, 0))
        return
    engine.observe({"left": bad, "right": 1.0})
    engine.observe({"left": bad, "right": 1.0})
    engine.observe({"left": 1.0, "right": 1.0})
    assert (engine.count, engine.skipped) == (count, skipped)


def test_a_first_observation_that_does_not_fit_is_named():
    with pytest.raises(DataError, match="numbers are needed") as caught:
        engine_of(level).observe({"y": "two"})
    assert caught.value.__notes__ == ["observation 0: {'y': 'two'}"]


@model
def coin(flip, a, b):
    p = ~Beta(a=a, b=b)
    flip[...] = ~Bernoulli(p)


@pytest.mark.parametrize(("policy", "expected"), [("skip", (2, 2)), ("missing", (4, 0))])
def test_impossible_values_follow_the_policy_from_the_first_on(policy, expected):
    engine = infer_online(
        coin(a=1.0, b=1.0), autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b}, on_bad_observation=policy
    )
    for flip in (2.0, 1.0, 3.0, 0.0):
        engine.observe(flip)
    assert (engine.count, engine.skipped) == expected
    assert engine.latest["p"] == Beta(2.0, 2.0)


@pytest.mark.parametrize("policy", ["raise", "skip", "missing"])
def test_unknown_names_are_errors_under_every_policy(policy):
    engine = engine_of(two, on_bad_observation=policy)
    for _ in range(2):
        with pytest.raises(DataError, match="no data called up"):
            engine.observe({"left": 1.0, "up": 1.0})
        engine.observe({"left": 1.0, "right": 1.0})
    with pytest.raises(ModelError, match=r"history: the model has no random variable `z`; it has before, x"):
        engine_of(level, history={"z": 3}, on_bad_observation=policy).observe(1.0)


@pytest.mark.parametrize(
    ("observations", "options"),
    [([1.0] * 5, {}), ([None] + [1.0] * 4, {}), ([1.0] * 5, {"initialisation": {"x": Normal(mean=0.0, variance=1.0)}})],
    ids=["given", "missing first", "with initial marginals"],
)
def test_autoupdates_runs_once_an_observation(observations, options):
    calls = []

    def counted(q, observation):
        calls.append(observation)
        return moments(q)

    engine = infer_online(level(m=0.0, v=4.0), autoupdates=counted, **options)
    for y in observations:
        engine.observe(y)
    assert calls == [{"y": y} for y in observations]


def test_parameters_without_an_argument_begin_at_the_initial_marginals():
    engine = infer_online(level(), autoupdates=moments, initialisation={"x": Normal(mean=1.0, variance=9.0)})
    reference = infer_online(level(m=1.0, v=9.0), autoupdates=moments)
    for y in (2.0, 3.0):
        engine.observe(y)
        reference.observe(y)
        assert engine.latest["x"] == reference.latest["x"]


def test_a_parameter_may_come_back_later():
    engine = infer_online(
        level(m=0.0, v=4.0), autoupdates=lambda q: moments(q) if q["x"].variance < 1.0 else {"v": q["x"].variance}
    )
    for _ in range(30):
        engine.observe(5.0)
    assert engine.count == 30


@model
def halves(y, m, v):
    x = ~Normal(mean=m, variance=v)
    y[0] = ~Normal(mean=x, variance=1.0)
    y[1:] = ~Normal(mean=x, variance=3.0)


@pytest.mark.parametrize("gap", [(), (0,), (1, 2)], ids=["whole", "first missing", "rest missing"])
def test_predictions_have_the_shape_of_the_datum(gap):
    engine = engine_of(halves)
    seen, scores = [], []
    engine.predictions["y"].subscribe(seen.append)
    engine.free_energy.subscribe(scores.append)
    y = np.array([1.0, 2.0, 3.0])
    y[list(gap)] = np.nan
    engine.observe({"y": y})
    np.testing.assert_allclose(seen[0].variance, [5.0, 7.0, 7.0])
    assert seen[0].batch_shape == (3,)
    noise = np.array([1.0, 3.0, 3.0])
    there = ~np.isnan(y)
    cover = 4.0 + np.diag(noise[there])
    exact = -0.5 * (y[there] @ np.linalg.solve(cover, y[there]) + np.linalg.slogdet(2 * np.pi * cover)[1])
    np.testing.assert_allclose(scores, [-exact], rtol=1e-9)
    batch = infer(halves(m=0.0, v=4.0), data={"y": y}, free_energy=True)
    np.testing.assert_allclose(batch.free_energy[-1], scores[0], rtol=1e-9)


def test_before_any_data_there_is_nothing_to_read():
    engine = engine_of(level)
    with pytest.raises(LookupError, match="no posterior of 'x' yet: no observation has come"):
        print(engine.latest["x"])
    with pytest.raises(LookupError, match="no value yet"):
        print(engine.posteriors["x"].value)
    with pytest.raises(ModelError, match=r"infer_online needs level\(...\), not the model function itself"):
        infer_online(level)
    with pytest.raises(ModelError, match="needs a model instance, not str"):
        infer_online("level")
    with pytest.raises(ModelError, match="autoupdates must be a function"):
        infer_online(level(m=0.0, v=1.0), autoupdates={"m": 1.0})


@pytest.mark.parametrize("history", [True, ["x"], {"x": True}, {"x": 0}, -1, 2.0, "x"], ids=repr)
def test_history_says_how_much(history):
    with pytest.raises(ModelError, match="history must say how many posteriors to keep"):
        engine_of(level, history=history)


def test_history_is_bounded():
    engine = engine_of(level, history={"x": 3})
    whole = engine_of(level, history=2)
    seen = []
    engine.posteriors["x"].subscribe(seen.append)
    for y in range(6):
        engine.observe(float(y))
        whole.observe(float(y))
    assert list(engine.history["x"]) == seen[-3:]
    assert list(whole.history["x"]) == seen[-2:]
    assert set(whole.history) == {"before", "x"}


def test_a_posterior_that_is_read_late_is_that_of_the_last_observation():
    engine = engine_of(level)
    reference = engine_of(level, history=1)
    for y in (1.0, 4.0):
        engine.observe(y)
        reference.observe(y)
    assert engine.latest["before"] == reference.latest["before"]


def test_numbers_of_every_type_are_numbers_and_parameters_are_no_data():
    engines = [engine_of(level) for _ in range(5)]
    for engine, kind in zip(engines, (float, int, np.float64, np.float32, np.int64), strict=True):
        for y in (1, 2, 3):
            engine.observe({"y": kind(y)})
        assert engine.latest["x"] == engines[0].latest["x"]
    with pytest.raises(DataError, match="no data called m in the model; an observation has y"):
        engine.observe({"m": 3.0})


def test_a_number_where_rows_are_due_is_refused():
    engine = engine_of(rows)
    engine.observe({"y": [1.0, 2.0]})
    with pytest.raises(DataError, match="the model was built for"):
        engine.observe({"y": 1.0})


@pytest.mark.parametrize("kind", [level, rows], ids=["stitched", "planned"])
def test_memory_does_not_grow_with_the_stream(kind):
    engine = engine_of(kind, history=5)
    engine.posteriors["x"].subscribe(lambda belief: None)
    engine.predictions["y"].subscribe(lambda belief: None)
    engine.free_energy.subscribe(lambda score: None)
    stream = ([1.0, None, 2.0] * (4000 if kind is level else 100))
    data = [{"y": y} if kind is level else {"y": [y, 1.0]} for y in stream]
    for observation in data[:200]:
        engine.observe(observation)
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    for observation in data:
        engine.observe(observation)
    growth = sum(s.size_diff for s in tracemalloc.take_snapshot().compare_to(before, "filename"))
    tracemalloc.stop()
    assert growth < 200_000
