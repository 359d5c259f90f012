"""Many data sets side by side against each by itself: posteriors and scores, ragged frames, gaps, executors."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    DataError,
    Dirichlet,
    DirichletCollection,
    DiscreteTransition,
    Gamma,
    MeanField,
    MissingInitialError,
    MvNormal,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    infer,
    infer_many,
    model,
    predict,
    randomvar,
)

RNG = np.random.default_rng(5)


@model
def walk(y):
    x = randomvar(len(y))
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanVariance(x[:-1], 1.0)
    y[:] = ~NormalMeanPrecision(x, tau)


@model
def two_means(y):
    s = ~Beta(1.0, 1.0)
    m1 = ~NormalMeanVariance(-2.0, 10.0)
    m2 = ~NormalMeanVariance(2.0, 10.0)
    w = ~Gamma(shape=1.0, rate=1.0)
    z = randomvar(len(y))
    z[:] = ~Bernoulli(s)
    y[:] = ~NormalMixture(z, (m1, m2), (w, w))


@model
def hmm(y):
    a = ~DirichletCollection(np.ones((3, 3)) + 5.0 * np.eye(3))
    s = randomvar(len(y))
    s[0] = ~Categorical(np.full(3, 1 / 3))
    s[1:] = ~DiscreteTransition(s[:-1], a)
    y[:] = ~DiscreteTransition(s, np.full((3, 3), 0.1) + 0.7 * np.eye(3))


@model
def plane(y):
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=np.zeros(2), covariance=10.0 * np.eye(2))
    for t in range(1, len(y)):
        x[t] = ~MvNormal(mean=np.array([[1.0, 1.0], [0.0, 1.0]]) @ x[t - 1], covariance=0.1 * np.eye(2))
    for t in range(len(y)):
        y[t] = ~MvNormal(mean=x[t], covariance=np.eye(2))


@model
def line(y, x):
    a = ~Normal(mean=0.0, variance=10.0)
    for t in range(len(y)):
        y[t] = ~Normal(mean=a * x[t], variance=1.0)


def same(results, frames, instance, **options):
    for k, frame in enumerate(frames):
        alone = infer(instance, data=frame, **options)
        together = results[k]
        assert set(together.posteriors) == set(alone.posteriors)
        for name, belief in alone.posteriors.items():
            other = together.posteriors[name]
            assert type(other) is type(belief)
            for key, value in belief.parameters.items():
                np.testing.assert_allclose(other.parameters[key], value, rtol=1e-8, atol=1e-10, err_msg=f"{name} {k}")
        np.testing.assert_allclose(together.free_energy, alone.free_energy, rtol=1e-9)
        assert together.iterations == alone.iterations


WALK = {
    "constraints": "q(x, tau) = q(x) q(tau)",
    "initialisation": {"tau": Gamma(shape=1.0, rate=1.0)},
    "iterations": 5,
    "free_energy": True,
}


@pytest.mark.parametrize("length", [1, 2, 17])
def test_series_with_an_unknown_precision(length):
    frames = [{"y": RNG.normal(size=length).cumsum()} for _ in range(4)]
    results = infer_many(walk(), frames, **WALK)
    same(results, frames, walk(), **WALK)
    assert results.posteriors["x"].batch_shape == (4, length)
    assert results.posteriors["tau"].batch_shape == (4,)
    assert results.free_energy.shape == (5, 4)


def test_ragged_frames_keep_their_order():
    frames = [{"y": RNG.normal(size=n).cumsum()} for n in (5, 3, 5, 1, 3)]
    results = infer_many(walk(), frames, **WALK)
    same(results, frames, walk(), **WALK)
    assert results.posteriors["tau"].batch_shape == (5,)
    assert results.posteriors["tau"][3] == results[3].posteriors["tau"]
    assert results[-1].posteriors["x"].batch_shape == (3,)
    assert [len(r.posteriors["x"].mean) for r in results[1:3]] == [3, 5]
    with pytest.raises(KeyError, match=r"results\[k\].posteriors\['x'\]"):
        results.posteriors["x"]
    with pytest.raises(IndexError):
        results[5]


def test_gaps_differ_from_frame_to_frame():
    ys = RNG.normal(size=(3, 8)).cumsum(axis=1)
    ys[0, 2] = ys[1, 5:] = ys[2, 0] = np.nan
    frames = [{"y": y} for y in ys]
    same(infer_many(walk(), frames, **WALK), frames, walk(), **WALK)


def test_mixtures():
    frames = [{"y": RNG.normal(size=12) + shift} for shift in (-2.0, 0.0, 3.0)]
    start = {
        "s": Beta(1.0, 1.0),
        "z": Bernoulli(0.4),
        "m1": Normal(mean=-1.0, variance=1.0),
        "m2": Normal(mean=1.0, variance=1.0),
        "w": Gamma(shape=1.0, rate=1.0),
    }
    options = {"constraints": MeanField(), "initialisation": start, "iterations": 4, "free_energy": True}
    same(infer_many(two_means(), frames, **options), frames, two_means(), **options)


def test_hidden_markov_models():
    frames = [{"y": np.eye(3)[RNG.integers(0, 3, size=n)]} for n in (6, 6, 9)]
    options = {
        "constraints": "q(s, a) = q(s) q(a)",
        "initialisation": {"a": DirichletCollection(np.ones((3, 3)) + 4.0 * np.eye(3))},
        "iterations": 3,
        "free_energy": True,
    }
    same(infer_many(hmm(), frames, **options), frames, hmm(), **options)


def test_vectors_and_covariates():
    frames = [{"y": RNG.normal(size=(6, 2))} for _ in range(3)]
    same(infer_many(plane(), frames, free_energy=True), frames, plane(), free_energy=True)
    frames = [{"y": RNG.normal(size=5), "x": RNG.normal(size=5)} for _ in range(3)]
    results = infer_many(line(), frames, free_energy=True)
    same(results, frames, line(), free_energy=True)
    draws = predict(results[1], 5, rng=np.random.default_rng(0))
    assert np.shape(draws["y"]) == (5, 5)


def test_tolerance_stops_all_frames_of_a_shape_together():
    frames = [{"y": RNG.normal(size=20).cumsum()} for _ in range(3)]
    results = infer_many(walk(), frames, **{**WALK, "iterations": 500, "tolerance": 1e-10})
    assert results[0].iterations == results[2].iterations < 500
    assert np.all(np.abs(np.diff(results.free_energy[-2:], axis=0)) <= 1e-10 * (1 + np.abs(results.free_energy[-1])))


@pytest.mark.parametrize("pieces", [None, 2, 5, 50])
def test_an_executor_solves_the_pieces(pieces):
    frames = [{"y": RNG.normal(size=n).cumsum()} for n in (5, 3, 5, 5, 3, 5)]
    with ThreadPoolExecutor(2) as executor:
        results = infer_many(walk(), frames, executor=executor, pieces=pieces, **WALK)
    same(results, frames, walk(), **WALK)
    assert results.posteriors["tau"].batch_shape == (6,)


def test_no_frames():
    results = infer_many(walk(), [])
    assert len(results) == 0
    assert list(results.posteriors) == []


def test_a_frame_that_does_not_fit_is_named():
    with pytest.raises(DataError) as error:
        infer_many(line(), [{"y": [1.0], "x": [1.0]}, {"y": [1.0], "x": [np.inf]}])
    assert "row 1" in str(error.value)
    with pytest.raises(DataError, match="frame 1 must map"):
        infer_many(line(), [{"y": [1.0], "x": [1.0]}, [1.0]])
    with pytest.raises(MissingInitialError):
        infer_many(walk(), [{"y": [1.0, 2.0]}], constraints="q(x, tau) = q(x) q(tau)")


def test_a_prior_of_classes():
    @model
    def votes(y):
        p = ~Dirichlet(np.ones(3))
        y[:] = ~Categorical(p)

    frames = [{"y": np.eye(3)[RNG.integers(0, 3, size=7)]} for _ in range(3)]
    same(infer_many(votes(), frames, free_energy=True), frames, votes(), free_energy=True)
