"""Models of regressions and autoregressive processes: known answers, and free energies that never rise."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm import (
    AR,
    ARMeta,
    ConjugateAR,
    ContinuousTransition,
    ContinuousTransitionMeta,
    Gamma,
    MvNormal,
    MvNormalGamma,
    MvNormalMeanScalePrecision,
    Normal,
    SoftDot,
    Wishart,
    infer,
    model,
    randomvar,
)

SECOND_ORDER = ARMeta(order=2, variate="multivariate")
FIRST = np.array([1.0, 0.0])


def descends(energies):
    assert np.isfinite(energies).all()
    assert np.max(np.diff(energies), initial=-np.inf) <= 1e-8


@pytest.fixture(scope="module")
def series():
    rng = np.random.default_rng(0)
    theta, state, values = np.array([0.7, -0.4]), np.zeros(2), []
    for _ in range(120):
        state = np.array([theta @ state + rng.normal() * 0.8, state[0]])
        values.append(state[0] + 0.2 * rng.normal())
    return np.array(values)


@model
def latent_ar(y):
    theta = ~MvNormal(mean=np.zeros(2), precision=np.eye(2))
    gamma = ~Gamma(shape=1.0, rate=1.0)
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=np.zeros(2), covariance=4.0 * np.eye(2))
    y[0] = ~SoftDot(FIRST, x[0], 25.0)
    for t in range(1, len(y)):
        x[t] = ~AR(x[t - 1], theta, gamma).where(q="q(y, x) q(theta) q(gamma)", meta=SECOND_ORDER)
        y[t] = ~SoftDot(FIRST, x[t], 25.0)
    return theta, gamma, x


def test_coefficients_of_a_latent_process(series):
    start = {"theta": MvNormal(mean=np.zeros(2), precision=np.eye(2)), "gamma": Gamma(shape=1.0, rate=1.0)}
    result = infer(latent_ar(), data={"y": series}, initialisation=start, iterations=15, free_energy=True)
    descends(result.free_energy)
    theta = result.posteriors["theta"]
    assert np.abs(theta.mean - [0.7, -0.4]).max() < 4 * np.sqrt(np.diag(theta.covariance).max())
    assert 0.5 < result.posteriors["gamma"].mean * 0.8**2 < 2.0


@model
def known_ar(y, gamma):
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=np.zeros(2), covariance=4.0 * np.eye(2))
    y[0] = ~SoftDot(FIRST, x[0], 25.0)
    for t in range(1, len(y)):
        x[t] = ~AR(x[t - 1], [0.7, -0.4], gamma).where(meta=SECOND_ORDER)
        y[t] = ~SoftDot(FIRST, x[t], 25.0)
    return x


def test_a_known_process_has_its_evidence(series):
    y = series[:25]
    result = infer(known_ar(gamma=1.5), data={"y": y}, free_energy=True)
    n, a = len(y), np.array([[0.7, -0.4], [1.0, 0.0]])
    noise = np.diag([1 / 1.5, 0.0])
    spreads, cross = [4.0 * np.eye(2)], np.zeros((n, n))
    for _ in range(1, n):
        spreads.append(a @ spreads[-1] @ a.T + noise)
    for s in range(n):
        across = spreads[s]
        for t in range(s, n):
            cross[s, t] = cross[t, s] = across[0, 0]
            across = a @ across
    evidence = stats.multivariate_normal(np.zeros(n), cross + np.eye(n) / 25.0).logpdf(y)
    assert result.free_energy[-1] == pytest.approx(-evidence, rel=1e-8)
    expected = cross @ np.linalg.solve(cross + np.eye(n) / 25.0, y)
    np.testing.assert_allclose(result.posteriors["x"].mean[:, 0], expected, rtol=1e-7, atol=1e-9)


@model
def observed_regression(x, y):
    w = ~MvNormalGamma(np.zeros(2), np.eye(2), 1.0, 1.0)
    for i in range(len(y)):
        y[i] = ~ConjugateAR(x[i], w).where(meta=ARMeta())
    return w


def test_conjugate_regression_has_its_evidence():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 2))
    y = x @ [0.5, -1.0] + 0.3 * rng.normal(size=20)
    result = infer(observed_regression(), data={"x": x, "y": y}, free_energy=True)
    posterior = result.posteriors["w"]
    precision = np.eye(2) + x.T @ x
    np.testing.assert_allclose(posterior.mean, np.linalg.solve(precision, x.T @ y))
    evidence = stats.multivariate_t(np.zeros(20), np.eye(20) + x @ x.T, df=2.0).logpdf(y)
    assert result.free_energy[-1] == pytest.approx(-evidence, rel=1e-9)


@model
def rotating(y):
    a = ~MvNormal(mean=np.eye(2).ravel(), precision=np.eye(4))
    w = ~Wishart(4.0, np.eye(2))
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
    y[0] = ~MvNormal(mean=x[0], covariance=0.04 * np.eye(2))
    for t in range(1, len(y)):
        x[t] = ~ContinuousTransition(x[t - 1], a, w).where(
            q="q(y, x) q(a) q(W)", meta=ContinuousTransitionMeta(lambda a: np.reshape(a, (2, 2)), at=np.zeros(4))
        )
        y[t] = ~MvNormal(mean=x[t], covariance=0.04 * np.eye(2))
    return a


def test_an_unknown_transition_matrix():
    rng = np.random.default_rng(2)
    turn = 0.98 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    state, y = np.array([1.0, 0.0]), []
    for _ in range(80):
        state = turn @ state + 0.1 * rng.normal(size=2)
        y.append(state + 0.2 * rng.normal(size=2))
    start = {"a": MvNormal(mean=np.eye(2).ravel(), precision=np.eye(4)), "w": Wishart(4.0, np.eye(2))}
    result = infer(rotating(), data={"y": np.array(y)}, initialisation=start, iterations=20, free_energy=True)
    descends(result.free_energy)
    np.testing.assert_allclose(result.posteriors["a"].mean.reshape(2, 2), turn, atol=0.15)


@model
def same_precision(y):
    mu = ~MvNormal(mean=np.zeros(3), covariance=10.0 * np.eye(3))
    g = ~Gamma(shape=1.0, rate=1.0)
    for i in range(len(y)):
        y[i] = ~MvNormalMeanScalePrecision(mu, g).where(q="q(out) q(mean) q(precision)")
    return mu, g


def test_one_precision_for_all_components():
    y = np.random.default_rng(3).normal(size=(50, 3)) * 0.5 + [1.0, 2.0, 3.0]
    start = {"g": Gamma(shape=1.0, rate=1.0)}
    result = infer(same_precision(), data={"y": y}, initialisation=start, iterations=20, free_energy=True)
    descends(result.free_energy)
    np.testing.assert_allclose(result.posteriors["mu"].mean, y.mean(0), atol=0.01)
    assert result.posteriors["g"].mean == pytest.approx(1 / y.var(axis=0).mean(), rel=0.1)


@model
def scalar_chain(y):
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=4.0)
    y[0] = ~Normal(mean=x[0], variance=0.5)
    for t in range(1, len(y)):
        x[t] = ~AR(x[t - 1], 0.8, 2.0).where(meta=ARMeta())
        y[t] = ~Normal(mean=x[t], variance=0.5)
    return x


def test_a_scalar_process_by_its_kernel():
    y = np.random.default_rng(4).normal(size=30)
    result = infer(scalar_chain(), data={"y": y}, free_energy=True)
    n = len(y)
    variance = [4.0]
    for _ in range(1, n):
        variance.append(0.64 * variance[-1] + 0.5)
    cross = np.array([[variance[min(s, t)] * 0.8 ** abs(s - t) for t in range(n)] for s in range(n)])
    evidence = stats.multivariate_normal(np.zeros(n), cross + 0.5 * np.eye(n)).logpdf(y)
    assert result.free_energy[-1] == pytest.approx(-evidence, rel=1e-10)
    expected = cross @ np.linalg.solve(cross + 0.5 * np.eye(n), y)
    np.testing.assert_allclose(result.posteriors["x"].mean, expected, rtol=1e-9, atol=1e-10)
