"""One observation at a time equals all at once, and the engine says what it will not take."""

import asyncio
import threading
import tracemalloc

import numpy as np
import pytest
import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.statespace.structural import UnobservedComponents

from reactivepgm import (
    Bernoulli,
    Beta,
    DataError,
    EngineError,
    Gamma,
    InvalidParameterError,
    ModelError,
    MvNormal,
    Normal,
    NormalMeanPrecision,
    NormalMixture,
    ThreadError,
    infer,
    infer_online,
    model,
    q,
)
from reactivepgm.inference.stepper import SCORE, PlannedStepper, StitchedStepper


@model
def coin(flip, a, b):
    p = ~Beta(a=a, b=b)
    flip[...] = ~Bernoulli(p)


@model
def kalman(y, m, v):
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=1.5)
    y[...] = ~Normal(mean=x, variance=2.0)


def counted(posteriors):
    return {"a": posteriors["p"].a, "b": posteriors["p"].b}


def moments(posteriors):
    return {"m": posteriors["x"].mean, "v": posteriors["x"].variance}


def series(n=60, gaps=()):
    y = np.random.default_rng(3).normal(size=n).cumsum()
    y[list(gaps)] = np.nan
    return y


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, None]), max_size=30))
def test_a_coin_counts_exactly(flips):
    engine = infer_online(coin(a=1.0, b=2.0), autoupdates=counted)
    seen = []
    engine.posteriors["p"].subscribe(seen.append)
    for flip in flips:
        engine.observe({"flip": flip})
    heads, tails = np.cumsum([f == 1.0 for f in flips]), np.cumsum([f == 0.0 for f in flips])
    assert seen == [Beta(1.0 + h, 2.0 + t) for h, t in zip(heads, tails, strict=True)]


@pytest.mark.parametrize("gaps", [(), (0,), (5, 6, 7, 30), (59,)])
def test_a_filter_equals_statsmodels_step_by_step(gaps):
    y = series(gaps=gaps)
    engine = infer_online(kalman(m=0.0, v=100.0), autoupdates=moments)
    beliefs, scores, predictions = [], [], []
    engine.posteriors["x"].subscribe(beliefs.append)
    engine.free_energy.subscribe(scores.append)
    engine.predictions["y"].subscribe(predictions.append)
    for value in y:
        engine.observe({"y": float(value)})
    reference = UnobservedComponents(y, "local level")
    reference.ssm.initialize_known(np.array([0.0]), np.array([[101.5]]))
    found = reference.filter([2.0, 1.5])
    np.testing.assert_allclose([b.mean for b in beliefs], found.filtered_state[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose([b.variance for b in beliefs], found.filtered_state_cov[0, 0], rtol=1e-9)
    np.testing.assert_allclose([p.mean for p in predictions], found.forecasts[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose([p.variance for p in predictions], found.forecasts_error_cov[0, 0], rtol=1e-9)
    np.testing.assert_allclose(sum(scores), -found.llf_obs.sum(), rtol=1e-9)


@model
def walk(y):
    before = ~Normal(mean=0.0, variance=100.0)
    x = ~Normal(mean=before, variance=1.5)
    y[0] = ~Normal(mean=x, variance=2.0)
    for t in range(1, len(y)):
        x = ~Normal(mean=x, variance=1.5)
        y[t] = ~Normal(mean=x, variance=2.0)


def test_the_sum_of_online_scores_is_the_batch_score():
    y = series(30, gaps=(4, 5))
    engine = infer_online(kalman(m=0.0, v=100.0), autoupdates=moments)
    scores = []
    engine.free_energy.subscribe(scores.append)
    for value in y:
        engine.observe(float(value))
    batch = infer(walk(), data={"y": y}, free_energy=True).free_energy[-1]
    np.testing.assert_allclose(sum(scores), batch, rtol=1e-9)


@model
def tracking(y, m, v):
    before = ~MvNormal(mean=m, covariance=v)
    x = ~MvNormal(mean=np.array([[1.0, 1.0], [0.0, 1.0]]) @ before, covariance=0.1 * np.eye(2))
    y[...] = ~MvNormal(mean=np.array([[1.0, 0.0]]) @ x, covariance=np.eye(1))


def test_vectors_are_tracked():
    engine = infer_online(
        tracking(m=np.zeros(2), v=10.0 * np.eye(2)),
        autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].covariance},
        history=5,
    )
    m, P = np.zeros(2), 10.0 * np.eye(2)
    A, H = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    for y in ([1.0], [2.1], [2.9], None, [5.2]):
        engine.observe({"y": y})
        m, P = A @ m, A @ P @ A.T + 0.1 * np.eye(2)
        if y is not None:
            gain = P @ H.T / (H @ P @ H.T + 1.0)
            m, P = m + gain @ (y - H @ m), P - gain @ H @ P
        np.testing.assert_allclose(engine.latest["x"].mean, m, rtol=1e-10)
        np.testing.assert_allclose(engine.latest["x"].covariance, P, rtol=1e-10)
    assert len(engine.history["x"]) == 5


@model
def noisy(y, m, v, a, b):
    x = ~Normal(mean=m, variance=v)
    w = ~Gamma(shape=a, rate=b)
    y[...] = ~NormalMeanPrecision(x, w).where(q=q(x) * q(w))


def fed_back(q):
    return {"m": q["x"].mean, "v": q["x"].variance, "a": q["w"].shape, "b": q["w"].rate}


START = {"m": 0.0, "v": 100.0, "a": 1.0, "b": 1.0}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6), st.integers(1, 8))
def test_stitched_and_planned_steps_agree(values, iterations):
    graph = noisy().build({"y": 0.5, **START})
    w = next(array.id for array in graph.random if array.name == "w")
    example = {array.name: {"y": 0.5, **START}[array.name] for array in graph.data}
    start = {w: Gamma(shape=1.0, rate=1.0)}
    stitched, planned = (kind(graph, example, start, iterations) for kind in (StitchedStepper, PlannedStepper))
    one, other = (stepper.advance(frozenset(), ("w", "x", SCORE)) for stepper in (stitched, planned))
    for y in values:
        inputs = [{"y": float(y), **START}[name] for name in example]
        for a, b in zip(one(*inputs), other(*inputs), strict=True):
            if isinstance(a, float):
                assert a == pytest.approx(b, rel=1e-12, abs=1e-12)
            else:
                np.testing.assert_allclose(a.mean, b.mean, rtol=1e-12, atol=1e-14)
                np.testing.assert_allclose(a.variance, b.variance, rtol=1e-12)


def test_an_unknown_precision_is_learned():
    rng = np.random.default_rng(0)
    engine = infer_online(
        noisy(**START), autoupdates=fed_back, initialisation={"w": Gamma(shape=1.0, rate=1.0)}, iterations=10
    )
    engine.posteriors["w"].subscribe(lambda belief: None)
    for y in rng.normal(3.0, 0.5, size=500):
        engine.observe({"y": float(y)})
    assert abs(engine.latest["x"].mean - 3.0) < 0.1
    assert abs(engine.latest["w"].mean - 4.0) < 0.8
    assert engine.count == 500


@model
def mixture(y, s):
    z = ~Bernoulli(s)
    y[...] = ~NormalMixture(z, (-2.0, 2.0), (1.0, 1.0))


def test_a_graph_that_cannot_be_stitched_is_planned():
    @model
    def rows(ys, m, v):
        x = ~Normal(mean=m, variance=v)
        ys[:] = ~Normal(mean=x, variance=1.0)

    engine = infer_online(rows(m=0.0, v=10.0), autoupdates=moments)
    engine.posteriors["x"].subscribe(lambda belief: None)
    engine.observe({"ys": [1.0, 2.0, None]})
    engine.observe({"ys": [1.0, None, 3.0]})
    precision = 0.1 + 2.0 + 2.0
    assert engine.latest["x"].mean == pytest.approx((3.0 + 4.0) / precision)
    assert engine.latest["x"].variance == pytest.approx(1.0 / precision)


@model
def two_sensors(left, right, m, v):
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=1.0)
    left[...] = ~Normal(mean=x, variance=1.0)
    right[...] = ~Normal(mean=x, variance=2.0)


def test_late_sensors_are_waited_for_or_counted_as_missing():
    both = infer_online(two_sensors(m=0.0, v=10.0), autoupdates=moments)
    late = infer_online(two_sensors(m=0.0, v=10.0), autoupdates=moments)
    both.observe({"left": 1.0, "right": 2.0})
    both.observe({"left": 3.0, "right": 4.0})
    for part in ({"left": 1.0}, {"left": 3.0}, {"right": 2.0}, {"right": 4.0}):
        late.observe(part)
    assert late.count == 2
    assert late.latest["x"] == both.latest["x"]

    apart = infer_online(two_sensors(m=0.0, v=10.0), autoupdates=moments, when="any")
    whole = infer_online(two_sensors(m=0.0, v=10.0), autoupdates=moments)
    for part in ({"left": 1.0}, {"right": 2.0}):
        apart.observe(part)
        whole.observe({"left": None, "right": None, **part})
    assert apart.count == 2
    assert apart.latest["x"] == whole.latest["x"]


def test_streams_of_every_kind_give_the_same():
    flips = [1.0, 0.0, 1.0]
    expected = Beta(3.0, 2.0)

    def fresh(stream):
        return infer_online(coin(a=1.0, b=1.0), stream, autoupdates=counted)

    async def later():
        for flip in flips:
            await asyncio.sleep(0)
            yield {"flip": flip}

    async def read(engine):
        return [dict(posteriors) for posteriors in [{"p": p["p"]} async for p in engine]]

    assert fresh([{"flip": f} for f in flips]).run().latest["p"] == expected
    assert fresh(iter(flips)).run().latest["p"] == expected
    threaded = fresh({"flip": f} for f in flips).start()
    threaded.join(10.0)
    assert threaded.latest["p"] == expected
    observable = fresh(reactivex.from_iterable(flips)).start()
    assert observable.latest["p"] == expected
    assert [p["p"] for p in fresh(flips)][-1] == expected
    assert asyncio.run(read(fresh(later())))[-1]["p"] == expected


def test_the_end_of_the_stream_ends_the_observables():
    engine = infer_online(coin(a=1.0, b=1.0), [1.0, 0.0], autoupdates=counted)
    events = []
    engine.posteriors["p"].subscribe(events.append, on_completed=lambda: events.append("end"))
    with engine:
        engine.run()
    assert events == [Beta(2.0, 1.0), Beta(2.0, 2.0), "end"]


def test_an_error_ends_the_observables_with_the_observation():
    engine = infer_online(kalman(m=0.0, v=1.0), [1.0, "two"], autoupdates=moments)
    errors = []
    engine.posteriors["x"].subscribe(lambda belief: None, on_error=errors.append)
    engine.start()
    with pytest.raises(DataError, match="numbers are needed"):
        engine.join(10.0)
    assert len(errors) == 1


@pytest.mark.parametrize("policy", ["raise", "skip", "missing"])
def test_a_fault_of_autoupdates_is_never_a_bad_observation(policy):
    def negative(q):
        return {"m": q["x"].mean, "v": -1.0}

    def failing(q):
        return {"m": q["nothing"].mean, "v": 1.0}

    def later(q):
        return {"m": q["x"].mean, "v": next(values)}

    for function, error, match in (
        (negative, InvalidParameterError, r"a value that autoupdates `negative` .* returned does not fit: .*variance.* -1\.0"),
        (failing, ModelError, "autoupdates `failing` .* failed with KeyError: no posterior named 'nothing'"),
        (lambda q: {"m": [1.0, 2.0], "v": 1.0}, DataError, "autoupdates `<lambda>` .* returned .* for `m`"),
        (lambda q: {"w": 1.0}, ModelError, r"returned `w`, which is no parameter of the model; those are m, v"),
        (lambda q: 3.0, ModelError, "must return a mapping"),
    ):
        with pytest.raises(error, match=match) as caught:
            infer_online(kalman(m=0.0, v=1.0), autoupdates=function, on_bad_observation=policy).observe(1.0)
        assert "observation 0" in caught.value.__notes__[0]
    for bad, error, match in (
        (-1.0, InvalidParameterError, r"a value that autoupdates `later` .* returned does not fit: variance .* -1\.0"),
        ([1.0, 2.0], DataError, "autoupdates `later` .* returned .* for `v`"),
        (float("nan"), DataError, "must be finite"),
    ):
        values = iter([1.0, 1.0, bad, 1.0])
        engine = infer_online(kalman(m=0.0, v=1.0), autoupdates=later, on_bad_observation=policy)
        with pytest.raises(error, match=match):
            for _ in range(4):
                engine.observe(1.0)
        assert engine.skipped == 0


@pytest.mark.parametrize(
    ("policy", "count", "skipped"), [("skip", 2, 1), ("missing", 3, 0)]
)
def test_data_of_the_wrong_shape_follow_the_policy(policy, count, skipped):
    engine = infer_online(kalman(m=0.0, v=1.0), autoupdates=moments, on_bad_observation=policy)
    for value in (1.0, [1.0, 2.0], 2.0):
        engine.observe({"y": value})
    assert (engine.count, engine.skipped) == (count, skipped)


def test_wrong_names_and_values_are_told_at_once():
    with pytest.raises(ModelError, match="needs a value for it"):
        infer_online(kalman(v=1.0), autoupdates=moments).observe({"y": 1.0, "m": 0.0})
    engine = infer_online(kalman(m=0.0, v=1.0), autoupdates=moments)
    engine.observe(1.0)
    with pytest.raises(DataError, match="no data called z"):
        engine.observe({"z": 1.0})
    with pytest.raises(KeyError, match="no posterior named 'z'"):
        engine.posteriors["z"]
    with pytest.raises(EngineError, match="no datastream"):
        engine.start()
    with pytest.raises(ModelError, match="no posterior named 'z'"):
        other = infer_online(kalman(m=0.0, v=1.0))
        other.posteriors["z"]
        other.observe(1.0)


def test_a_second_thread_is_refused():
    engine = infer_online(coin(a=1.0, b=1.0), autoupdates=counted)
    engine.observe(1.0)
    caught = []

    def push():
        try:
            engine.observe(0.0)
        except ThreadError as error:
            caught.append(error)

    thread = threading.Thread(target=push)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_a_long_run_keeps_no_memory():
    engine = infer_online(kalman(m=0.0, v=1.0), autoupdates=moments, history={"x": 10})
    engine.posteriors["x"].subscribe(lambda belief: None)
    for _ in range(1000):
        engine.observe({"y": 1.0})
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    for _ in range(20_000):
        engine.observe({"y": 1.0})
    growth = sum(s.size_diff for s in tracemalloc.take_snapshot().compare_to(before, "filename"))
    tracemalloc.stop()
    assert growth < 200_000


def test_predictions_do_not_grow_with_the_stream():
    engine = infer_online(kalman(m=0.0, v=1.0), autoupdates=moments)
    engine.predictions["y"].subscribe(lambda belief: None)
    for _ in range(50):
        engine.observe(1.0)
    (recorded,) = (s for missing, s in engine._course.shape.stepper._recorded.items() if missing)
    lines = len(recorded.script._lines)
    for _ in range(50):
        engine.observe(1.0)
    assert len(recorded.script._lines) == lines


def test_late_data_keep_their_order_and_unknown_names_are_refused():
    engine = infer_online(two_sensors(m=0.0, v=10.0), autoupdates=moments)
    whole = infer_online(two_sensors(m=0.0, v=10.0), autoupdates=moments)
    for part in ({"left": 1.0, "right": 1.0}, {"left": 3.0}, {"left": 5.0, "right": 6.0}, {"right": 2.0}):
        engine.observe(part)
    for left, right in ((1.0, 1.0), (3.0, 6.0), (5.0, 2.0)):
        whole.observe({"left": left, "right": right})
    assert engine.latest["x"] == whole.latest["x"]
    with pytest.raises(DataError, match="no data called stamp"):
        engine.observe({"left": 1.0, "right": 1.0, "stamp": 7.0})


def test_a_subscriber_may_observe_and_may_fail():
    expected = infer_online(kalman(m=0.0, v=1.0), autoupdates=moments)
    for y in (1.0, 10.0, 3.0):
        expected.observe(y)
    nested = infer_online(kalman(m=0.0, v=1.0), autoupdates=moments)
    more = iter([10.0])
    nested.posteriors["x"].subscribe(lambda belief: [nested.observe(y) for y in more])
    nested.observe(1.0)
    nested.observe(3.0)
    assert nested.latest["x"] == expected.latest["x"]

    failing = infer_online(kalman(m=0.0, v=1.0), autoupdates=moments)
    failing.observe(1.0)
    fails = iter([ValueError("once")])

    def listen(belief):
        for error in fails:
            raise error

    failing.posteriors["x"].subscribe(listen)
    with pytest.raises(ValueError, match="once"):
        failing.observe(10.0)
    failing.observe(3.0)
    assert failing.latest["x"] == expected.latest["x"]


@pytest.mark.parametrize("value", [float("inf"), float("nan"), None])
def test_parameters_that_are_fed_back_are_finite(value):
    changing = iter([{"m": 0.0}, {"m": value}])
    engine = infer_online(kalman(m=0.0, v=1.0), autoupdates=lambda q: next(changing))
    engine.observe(1.0)
    with pytest.raises(DataError, match="must be finite"):
        engine.observe(1.0)


def test_infinite_and_impossible_data_are_refused():
    with pytest.raises(DataError, match="not finite"):
        infer_online(kalman(m=0.0, v=1.0), [1.0, float("inf")], autoupdates=moments).run()
    with pytest.raises(InvalidParameterError, match="binary"):
        infer_online(coin(a=1.0, b=1.0), [1.0, 2.0], autoupdates=counted).run()
