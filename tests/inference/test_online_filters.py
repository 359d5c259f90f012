"""Filters, one observation at a time, against statsmodels, the forward algorithm and closed forms; with and without gaps."""

import numpy as np
import pytest
from scipy.special import betaln
from scipy.stats import nbinom
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    DiscreteTransition,
    Gamma,
    MvNormal,
    Normal,
    NormalMeanPrecision,
    Poisson,
    infer_online,
    model,
)

A = np.array([[1.0, 1.0], [0.0, 0.9]])
H = np.array([[1.0, 0.0], [0.5, 1.0], [0.0, 2.0]])
Q = np.array([[0.3, 0.1], [0.1, 0.2]])
R = np.diag([1.0, 0.5, 2.0])


@model
def tracking(y, m, v):
    before = ~MvNormal(mean=m, covariance=v)
    x = ~MvNormal(mean=A @ before, covariance=Q)
    y[...] = ~MvNormal(mean=H @ x, covariance=R)


@pytest.mark.parametrize("gaps", [(), (0,), (0, 1, 7, 8, 29)], ids=["whole", "first missing", "gaps"])
def test_a_state_of_two_equals_statsmodels_step_by_step(gaps):
    y = np.random.default_rng(2).normal(size=(30, 3)).cumsum(axis=0)
    y[list(gaps)] = np.nan
    engine = infer_online(
        tracking(m=np.zeros(2), v=5.0 * np.eye(2)),
        autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].covariance},
    )
    beliefs, scores, predictions = [], [], []
    engine.posteriors["x"].subscribe(beliefs.append)
    engine.free_energy.subscribe(scores.append)
    engine.predictions["y"].subscribe(predictions.append)
    for i, row in enumerate(y):
        engine.observe({"y": None if i % 2 and np.isnan(row).all() else row})
    reference = KalmanFilter(
        3, 2, design=H, obs_cov=R, transition=A, selection=np.eye(2), state_cov=Q
    )
    reference.bind(y.copy())
    reference.initialize_known(np.zeros(2), 5.0 * A @ A.T + Q)
    found = reference.filter()
    np.testing.assert_allclose([b.mean for b in beliefs], found.filtered_state.T, rtol=1e-9, atol=1e-9)
    covers = np.moveaxis(found.filtered_state_cov, 2, 0)
    np.testing.assert_allclose([b.covariance for b in beliefs], covers, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose([p.mean for p in predictions], found.forecasts.T, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        [p.covariance for p in predictions], np.moveaxis(found.forecasts_error_cov, 2, 0), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(scores, -found.llf_obs, rtol=1e-9, atol=1e-9)


MOVE = np.array([[0.9, 0.2, 0.3], [0.05, 0.7, 0.1], [0.05, 0.1, 0.6]])
SHOW = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.2], [0.1, 0.1, 0.7]])


@model
def hidden_markov(y, p):
    before = ~Categorical(p)
    s = ~DiscreteTransition(before, MOVE)
    y[...] = ~DiscreteTransition(s, SHOW)


@pytest.mark.parametrize("gaps", [(), (0, 5, 6)], ids=["whole", "gaps"])
def test_a_discrete_filter_is_the_forward_algorithm(gaps):
    symbols = np.random.default_rng(0).integers(3, size=20)
    engine = infer_online(hidden_markov(p=np.full(3, 1 / 3)), autoupdates=lambda q: {"p": q["s"].p})
    scores, predictions = [], []
    engine.free_energy.subscribe(scores.append)
    engine.predictions["y"].subscribe(predictions.append)
    forward, evidence = np.full(3, 1 / 3), 0.0
    for t, symbol in enumerate(symbols):
        engine.observe({"y": None if t in gaps else np.eye(3)[symbol]})
        forward = MOVE @ forward
        np.testing.assert_allclose(predictions[-1].p, SHOW @ forward, rtol=1e-12)
        if t not in gaps:
            forward = forward * SHOW[symbol]
            evidence += np.log(forward.sum())
            forward /= forward.sum()
        np.testing.assert_allclose(engine.latest["s"].p, forward, rtol=1e-12)
    assert sum(scores) == pytest.approx(-evidence, rel=1e-9)


@model
def coin(flip, a, b):
    p = ~Beta(a=a, b=b)
    flip[...] = ~Bernoulli(p)


def test_the_scores_of_a_coin_sum_to_its_evidence():
    flips = (np.random.default_rng(1).random(200) < 0.3).astype(float).tolist()
    flips[3] = flips[100] = None
    engine = infer_online(coin(a=1.5, b=2.0), flips, autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b})
    scores = []
    engine.free_energy.subscribe(scores.append)
    engine.run()
    heads, tails = flips.count(1.0), flips.count(0.0)
    assert engine.latest["p"] == Beta(1.5 + heads, 2.0 + tails)
    assert sum(scores) == pytest.approx(betaln(1.5, 2.0) - betaln(1.5 + heads, 2.0 + tails), rel=1e-9)


@model
def counts(k, a, b):
    rate = ~Gamma(shape=a, rate=b)
    k[...] = ~Poisson(rate)


def test_the_scores_of_counts_sum_to_their_evidence():
    ks = [3, 0, None, 5, 1, 1]
    engine = infer_online(counts(a=2.0, b=1.0), ks, autoupdates=lambda q: {"a": q["rate"].shape, "b": q["rate"].rate})
    scores = []
    engine.free_energy.subscribe(scores.append)
    engine.run()
    a, b, evidence = 2.0, 1.0, 0.0
    for k in ks:
        if k is not None:
            evidence += nbinom.logpmf(k, a, b / (b + 1.0))
            a, b = a + k, b + 1.0
    assert (engine.latest["rate"].shape, engine.latest["rate"].rate) == (a, b)
    assert sum(scores) == pytest.approx(-evidence, rel=1e-9)


@model
def moved(x):
    return ~Normal(mean=x, variance=1.0)


@model
def nested(y, m, v):
    x0 = ~Normal(mean=m, variance=v)
    x = ~moved(x0)
    y[...] = ~Normal(mean=x, variance=2.0)


@model
def flat(y, m, v):
    x0 = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=x0, variance=1.0)
    y[...] = ~Normal(mean=x, variance=2.0)


def test_a_submodel_filters_as_the_flat_model():
    def moments(q):
        return {"m": q["x"].mean, "v": q["x"].variance}

    engines = [infer_online(kind(m=0.0, v=3.0), autoupdates=moments) for kind in (nested, flat)]
    for y in (1.0, None, 2.5):
        for engine in engines:
            engine.observe(y)
        assert engines[0].latest["x"] == engines[1].latest["x"]


@model
def unknown_noise(y, m, v, a, b):
    tau = ~Gamma(shape=a, rate=b)
    before = ~Normal(mean=m, variance=v)
    x = ~NormalMeanPrecision(before, tau).where(q="q(out, mean) q(precision)")
    y[...] = ~Normal(mean=x, variance=0.5)


def test_a_structured_posterior_is_fed_back_through_gaps():
    engine = infer_online(
        unknown_noise(m=0.0, v=10.0, a=1.0, b=1.0),
        iterations=10,
        initialisation={"tau": Gamma(shape=1.0, rate=1.0)},
        autoupdates=lambda q: {
            "m": q["x"].mean, "v": q["x"].variance, "a": q["tau"].shape, "b": q["tau"].rate,
        },
    )
    scores, predictions = [], []
    engine.free_energy.subscribe(scores.append)
    engine.predictions["y"].subscribe(predictions.append)
    walk = np.random.default_rng(4).normal(scale=2.0, size=200).cumsum()
    for t, y in enumerate(walk):
        engine.observe(None if t % 9 == 4 else float(y))
    assert np.isfinite(scores).all()
    assert len(predictions) == 200
    assert abs(engine.latest["x"].mean - walk[-1]) < 2.0
    assert 0.1 < engine.latest["tau"].mean < 0.6
