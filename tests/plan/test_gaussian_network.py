"""Linear-Gaussian regions with cycles against dense algebra: moments, joints, evidence, variational terms, limits."""

import warnings

import numpy as np
import pytest

from reactivepgm import (
    ConvergenceWarning,
    Gamma,
    ImproperPosteriorError,
    ModelError,
    MvNormal,
    Normal,
    infer,
    infer_many,
    message,
    model,
    randomvar,
)
from reactivepgm.plan import gaussian_network, gaussian_sparse

RNG = np.random.default_rng(17)


@pytest.fixture(autouse=True, params=["dense", "sparse"])
def algebra(request, monkeypatch):
    """Every test runs by dense and by sparse algebra."""
    if request.param == "sparse":
        monkeypatch.setattr(gaussian_network, "_DENSE", 0)


def log_normal(y, mean, covariance):
    gap = y - mean
    return -0.5 * (gap @ np.linalg.solve(covariance, gap) + np.linalg.slogdet(2 * np.pi * covariance)[1])


def conditioned(prior, design, noise, y):
    """Posterior and log evidence of w ~ N(0, prior), y ~ N(design w, noise)."""
    total = design @ prior @ design.T + noise
    gain = prior @ design.T @ np.linalg.inv(total)
    return gain @ y, prior - gain @ design @ prior, log_normal(y, np.zeros(len(y)), total)


@model
def line(y, x):
    a = ~Normal(mean=0.0, variance=4.0)
    b = ~Normal(mean=0.0, variance=9.0)
    y[:] = ~Normal(mean=a * x + b, variance=0.5)


@pytest.mark.parametrize("n", [1, 2, 3, 200])
def test_slope_and_intercept(n):
    x, y = RNG.normal(size=n), RNG.normal(size=n)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = infer(line(), data={"y": y, "x": x}, free_energy=True)
    design = np.stack([x, np.ones(n)], axis=1)
    mean, covariance, evidence = conditioned(np.diag([4.0, 9.0]), design, 0.5 * np.eye(n), y)
    for k, name in enumerate("ab"):
        np.testing.assert_allclose(result.posteriors[name].mean, mean[k], rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(result.posteriors[name].variance, covariance[k, k], rtol=1e-8)
    np.testing.assert_allclose(result.free_energy, [-evidence], rtol=1e-9)
    assert result.converged
    assert result.iterations == 1


def test_its_evidence_by_scales():
    x, y = RNG.normal(size=9), RNG.normal(size=9)
    result = infer(line(), data={"y": y, "x": x}, free_energy=True, annotations=["log_scale"])
    np.testing.assert_allclose(result.annotations["log_scale"], -result.free_energy[-1], rtol=1e-10)


def test_two_ways_of_classes():
    groups, hours, n = 4, 3, 40
    g, h = RNG.integers(0, groups, n), RNG.integers(0, hours, n)
    y = RNG.normal(size=n)

    @model
    def anova(y):
        mu = ~Normal(mean=0.0, variance=10.0)
        alpha, beta = randomvar(groups), randomvar(hours)
        alpha[:] = ~Normal(mean=0.0, variance=1.0)
        beta[:] = ~Normal(mean=0.0, variance=2.0)
        y[:] = ~Normal(mean=mu + alpha[g] + beta[h], variance=0.3)

    result = infer(anova(), data={"y": y}, free_energy=True)
    design = np.concatenate([np.ones((n, 1)), np.eye(groups)[g], np.eye(hours)[h]], axis=1)
    prior = np.diag([10.0] + [1.0] * groups + [2.0] * hours)
    mean, covariance, evidence = conditioned(prior, design, 0.3 * np.eye(n), y)
    found = np.concatenate([[result.posteriors["mu"].mean], result.posteriors["alpha"].mean, result.posteriors["beta"].mean])
    np.testing.assert_allclose(found, mean, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(result.posteriors["beta"].variance, np.diag(covariance)[1 + groups :], rtol=1e-8)
    np.testing.assert_allclose(result.free_energy[-1], -evidence, rtol=1e-9)


def test_a_chain_under_a_common_level():
    n = 12
    y = RNG.normal(size=n).cumsum()

    @model
    def levelled(y):
        level = ~Normal(mean=0.0, variance=25.0)
        x = randomvar(n)
        x[0] = ~Normal(mean=0.0, variance=2.0)
        for t in range(1, n):
            x[t] = ~Normal(mean=0.8 * x[t - 1], variance=0.5)
        for t in range(n):
            y[t] = ~Normal(mean=x[t] + level, variance=0.1)

    result = infer(levelled(), data={"y": y}, free_energy=True)
    covariance = np.zeros((n, n))
    covariance[0, 0] = 2.0
    for t in range(1, n):
        covariance[t, :t] = covariance[:t, t] = 0.8 * covariance[t - 1, :t]
        covariance[t, t] = 0.64 * covariance[t - 1, t - 1] + 0.5
    prior = np.block([[covariance, np.zeros((n, 1))], [np.zeros((1, n)), np.array([[25.0]])]])
    mean, posterior, evidence = conditioned(prior, np.concatenate([np.eye(n), np.ones((n, 1))], axis=1), 0.1 * np.eye(n), y)
    np.testing.assert_allclose(result.posteriors["x"].mean, mean[:n], rtol=1e-8)
    np.testing.assert_allclose(result.posteriors["x"].variance, np.diag(posterior)[:n], rtol=1e-8)
    np.testing.assert_allclose(result.posteriors["level"].variance, posterior[n, n], rtol=1e-8)
    np.testing.assert_allclose(result.free_energy[-1], -evidence, rtol=1e-9)


def test_a_variable_that_comes_back_to_itself():
    @model
    def loop(y):
        x = ~Normal(mean=1.0, variance=2.0)
        z = ~Normal(mean=3.0 * x, variance=0.5)
        y[...] = ~Normal(mean=x + z, variance=0.1)

    result = infer(loop(), data={"y": 2.0}, free_energy=True)
    prior = np.array([[2.0, 6.0], [6.0, 18.5]])
    design = np.array([[1.0, 1.0]])
    mean, covariance, evidence = conditioned(prior, design, np.array([[0.1]]), np.array([2.0 - 4.0]))
    np.testing.assert_allclose(result.posteriors["x"].mean, 1.0 + mean[0], rtol=1e-10)
    np.testing.assert_allclose(result.posteriors["z"].variance, covariance[1, 1], rtol=1e-9)
    np.testing.assert_allclose(result.free_energy[-1], -evidence, rtol=1e-10)


def test_vectors():
    n = 5
    A = RNG.normal(size=(2, 2))
    y = RNG.normal(size=(n, 2))

    @model
    def planes(y):
        level = ~MvNormal(mean=np.zeros(2), covariance=4.0 * np.eye(2))
        x = randomvar(n)
        x[:] = ~MvNormal(mean=np.ones(2), covariance=np.array([[1.0, 0.3], [0.3, 2.0]]))
        y[:] = ~MvNormal(mean=A @ x + level, covariance=0.2 * np.eye(2))

    result = infer(planes(), data={"y": y}, free_energy=True)
    block = np.array([[1.0, 0.3], [0.3, 2.0]])
    prior = np.kron(np.eye(n + 1), block)
    prior[2 * n :, 2 * n :] = 4.0 * np.eye(2)
    design = np.concatenate([np.kron(np.eye(n), A), np.tile(np.eye(2), (n, 1))], axis=1)
    mean, covariance, evidence = conditioned(prior, design, 0.2 * np.eye(2 * n), (y - A @ np.ones(2)).ravel())
    np.testing.assert_allclose(result.posteriors["x"].mean.ravel(), 1.0 + mean[: 2 * n], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(result.posteriors["level"].covariance, covariance[2 * n :, 2 * n :], rtol=1e-8)
    np.testing.assert_allclose(result.free_energy[-1], -evidence, rtol=1e-9)


def test_unknown_precision_around_a_cycle():
    n, iterations = 30, 6
    x = RNG.normal(size=n)
    y = 1.5 * x - 0.5 + 0.2 * RNG.normal(size=n)

    @model
    def noisy(y, x):
        a = ~Normal(mean=0.0, variance=4.0)
        b = ~Normal(mean=0.0, variance=9.0)
        tau = ~Gamma(shape=1.0, rate=1.0)
        y[:] = ~Normal(mean=a * x + b, precision=tau)

    result = infer(
        noisy(),
        data={"y": y, "x": x},
        constraints="q(a, b, tau) = q(a, b) q(tau)",
        initialisation={"tau": Gamma(shape=1.0, rate=1.0)},
        iterations=iterations,
        free_energy=True,
    )
    design, rate, shape = np.stack([x, np.ones(n)], axis=1), 1.0, 1.0
    for _ in range(iterations):
        covariance = np.linalg.inv(np.diag([0.25, 1 / 9]) + shape / rate * design.T @ design)
        mean = shape / rate * covariance @ design.T @ y
        shape, rate = 1.0 + n / 2, 1.0 + 0.5 * (np.sum((y - design @ mean) ** 2) + np.trace(design @ covariance @ design.T))
    np.testing.assert_allclose(result.posteriors["a"].variance, covariance[0, 0], rtol=1e-8)
    np.testing.assert_allclose([result.posteriors["tau"].shape, result.posteriors["tau"].rate], [shape, rate], rtol=1e-9)
    assert np.all(np.diff(result.free_energy) < 1e-9)


def test_a_noisy_factor_inside_a_cycle_whose_precision_is_unknown():
    n = 6
    y = RNG.normal(size=n)

    @model
    def wandering(y):
        level = ~Normal(mean=0.0, variance=4.0)
        w = ~Gamma(shape=2.0, rate=1.0)
        x = randomvar(n)
        x[0] = ~Normal(mean=0.0, variance=1.0)
        for t in range(1, n):
            x[t] = ~Normal(mean=x[t - 1], precision=w)
        for t in range(n):
            y[t] = ~Normal(mean=x[t] + level, variance=0.3)

    result = infer(
        wandering(),
        data={"y": y},
        constraints="q(x, level, w) = q(x, level) q(w)",
        initialisation={"w": Gamma(shape=2.0, rate=1.0)},
        iterations=40,
        free_energy=True,
    )
    steps = np.diff(np.eye(n), axis=0)
    shape, rate = 2.0, 1.0
    for _ in range(40):
        precision = np.zeros((n + 1, n + 1))
        precision[:n, :n] = shape / rate * steps.T @ steps
        precision[0, 0] += 1.0
        precision[n, n] = 0.25
        design = np.concatenate([np.eye(n), np.ones((n, 1))], axis=1)
        covariance = np.linalg.inv(precision + design.T @ design / 0.3)
        mean = covariance @ design.T @ y / 0.3
        shape = 2.0 + (n - 1) / 2
        rate = 1.0 + 0.5 * (np.sum((steps @ mean[:n]) ** 2) + np.trace(steps @ covariance[:n, :n] @ steps.T))
    np.testing.assert_allclose([result.posteriors["w"].shape, result.posteriors["w"].rate], [shape, rate], rtol=1e-8)
    np.testing.assert_allclose(result.posteriors["x"].variance, np.diag(covariance)[:n], rtol=1e-8)
    assert np.all(np.diff(result.free_energy) < 1e-9)


def test_certain_priors_and_singular_noises():
    A = np.array([[1.0, 1.0], [0.0, 1.0]])
    Q = np.array([[0.0, 0.0], [0.0, 0.5]])

    @model
    def pushed(y):
        level = ~MvNormal(mean=np.zeros(2), covariance=np.diag([3.0, 0.0]))
        x = randomvar(3)
        x[0] = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
        for t in range(1, 3):
            x[t] = ~MvNormal(mean=A @ x[t - 1], covariance=Q)
        for t in range(3):
            y[t] = ~MvNormal(mean=x[t] + level, covariance=0.2 * np.eye(2))

    y = RNG.normal(size=(3, 2))
    result = infer(pushed(), data={"y": y})
    prior = np.zeros((8, 8))
    prior[:2, :2] = np.eye(2)
    for t in (1, 2):
        i, j = slice(2 * t, 2 * t + 2), slice(2 * t - 2, 2 * t)
        prior[i, : 2 * t] = A @ prior[j, : 2 * t]
        prior[: 2 * t, i] = prior[i, : 2 * t].T
        prior[i, i] = A @ prior[j, j] @ A.T + Q
    prior[6, 6] = 3.0
    mean, covariance, _ = conditioned(
        prior, np.concatenate([np.eye(6), np.tile(np.eye(2), (3, 1))], axis=1), 0.2 * np.eye(6), y.ravel()
    )
    np.testing.assert_allclose(result.posteriors["x"].mean.ravel(), mean[:6], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(result.posteriors["x"].covariance[2], covariance[4:6, 4:6], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(result.posteriors["level"].covariance, covariance[6:, 6:], rtol=1e-7, atol=1e-9)


def test_many_regressions_side_by_side():
    frames = [{"x": RNG.normal(size=8), "y": RNG.normal(size=8)} for _ in range(30)]
    results = infer_many(line(), frames, free_energy=True)
    for k in (0, 29):
        alone = infer(line(), data=frames[k], free_energy=True)
        np.testing.assert_allclose(results[k].free_energy, alone.free_energy, rtol=1e-10)
        np.testing.assert_allclose(results.posteriors["a"].variance[k], alone.posteriors["a"].variance, rtol=1e-10)


def test_gaps_in_the_data():
    x, y = RNG.normal(size=6), RNG.normal(size=6)
    y[[1, 4]] = np.nan
    seen = ~np.isnan(y)
    result = infer(line(), data={"y": y, "x": x}, free_energy=True)
    alone = infer(line(), data={"y": y[seen], "x": x[seen]}, free_energy=True)
    np.testing.assert_allclose(result.posteriors["a"].mean, alone.posteriors["a"].mean, rtol=1e-9)
    np.testing.assert_allclose(result.free_energy, alone.free_energy, rtol=1e-9)


def test_what_nothing_determines_is_named():
    @model
    def open_ended(y):
        a = ~Normal(mean=0.0, variance=np.inf)
        b = ~Normal(mean=0.0, variance=np.inf)
        y[:] = ~Normal(mean=a + b, variance=1.0)

    with pytest.raises(ImproperPosteriorError, match=r"`[ab]`"):
        infer(open_ended(), data={"y": [1.0, 2.0]})


def test_what_is_too_large_is_flooded(monkeypatch):
    monkeypatch.setattr(gaussian_network, "_DENSE", 0)
    monkeypatch.setattr(gaussian_sparse, "_MOST", 1)
    x, y = RNG.normal(size=5), RNG.normal(size=5)
    with pytest.warns(ConvergenceWarning):
        infer(line(), data={"y": y, "x": x}, iterations=3)
    result = infer(line(), data={"y": y, "x": x}, iterations=500)
    design = np.stack([x, np.ones(5)], axis=1)
    mean, _, _ = conditioned(np.diag([4.0, 9.0]), design, 0.5 * np.eye(5), y)
    np.testing.assert_allclose(result.posteriors["a"].mean, mean[0], rtol=1e-5)


def test_there_are_no_messages_to_watch_in_it():
    @model
    def small():
        from reactivepgm import datavar

        y = datavar(float)
        x = ~Normal(mean=1.0, variance=2.0)
        z = ~Normal(mean=3.0 * x, variance=0.5)
        node, total = ~(x + z)
        y[...] = ~Normal(mean=total, variance=0.1)
        return y, node

    from reactivepgm import update

    _, (y, node) = small()
    errors = []
    message(node, "out").subscribe(lambda _: None, errors.append)
    try:
        update(y, 2.0)
    except ModelError as error:
        errors.append(error)
    assert "solved whole" in str(errors[0])


def test_a_long_chain_under_a_common_level_by_its_own_choice():
    n = 600
    y = RNG.normal(size=n).cumsum()

    @model
    def levelled(y):
        level = ~Normal(mean=0.0, variance=25.0)
        x = randomvar(n)
        x[0] = ~Normal(mean=0.0, variance=2.0)
        x[1:] = ~Normal(mean=x[:-1], variance=0.5)
        y[:] = ~Normal(mean=x + level, variance=0.1)

    result = infer(levelled(), data={"y": y}, free_energy=True)
    steps = np.minimum.outer(np.arange(n), np.arange(n))
    prior = np.zeros((n + 1, n + 1))
    prior[:n, :n] = 2.0 + 0.5 * steps
    prior[n, n] = 25.0
    design = np.concatenate([np.eye(n), np.ones((n, 1))], axis=1)
    mean, covariance, evidence = conditioned(prior, design, 0.1 * np.eye(n), y)
    np.testing.assert_allclose(result.posteriors["x"].mean, mean[:n], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(result.posteriors["x"].variance, np.diag(covariance)[:n], rtol=1e-7)
    np.testing.assert_allclose(result.free_energy[-1], -evidence, rtol=1e-8)


def test_a_grid():
    n = 9
    y = RNG.normal(size=(n, n))

    @model
    def grid(y):
        x = randomvar(n, n)
        x[0, 0] = ~Normal(mean=0.0, variance=1.0)
        x[0, 1:] = ~Normal(mean=x[0, :-1], variance=1.0)
        x[1:, 0] = ~Normal(mean=x[:-1, 0], variance=1.0)
        x[1:, 1:] = ~Normal(mean=0.5 * x[:-1, 1:] + 0.5 * x[1:, :-1], variance=1.0)
        y[:] = ~Normal(mean=x, variance=0.5)

    result = infer(grid(), data={"y": y}, free_energy=True)
    back = np.eye(n * n)
    for i in range(n):
        for j in range(n):
            for a, b, share in ((i - 1, j, 0.5 if j else 1.0), (i, j - 1, 0.5 if i else 1.0)):
                if a >= 0 and b >= 0:
                    back[i * n + j, a * n + b] -= share
    prior = np.linalg.inv(back.T @ back)
    mean, covariance, evidence = conditioned(prior, np.eye(n * n), 0.5 * np.eye(n * n), y.ravel())
    np.testing.assert_allclose(result.posteriors["x"].mean.ravel(), mean, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(result.posteriors["x"].variance.ravel(), np.diag(covariance), rtol=1e-8)
    np.testing.assert_allclose(result.free_energy[-1], -evidence, rtol=1e-9)
