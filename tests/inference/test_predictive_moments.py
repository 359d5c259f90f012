"""Prior and posterior predictive draws of models inside models and of derived data, against dense Gaussian moments."""
# ruff: noqa: RET504 - a model names what it draws

import numpy as np

from reactivepgm import Gamma, NormalMeanPrecision, NormalMeanVariance, infer, inv, model, predict, randomvar, sample_prior

N = 40_000
SEEDS = [np.random.default_rng(seed) for seed in range(4)]


def assert_moments(draws, mean, covariance):
    """Within five standard errors, of a Gaussian's mean and covariance."""
    draws = draws.reshape(len(draws), -1)
    mean, covariance = np.ravel(mean), np.atleast_2d(covariance)
    sd = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(draws.mean(0) - mean) <= 5 * sd / np.sqrt(len(draws)))
    found = np.cov(draws, rowvar=False).reshape(covariance.shape)
    error = np.sqrt((np.outer(sd, sd) ** 2 + covariance**2) / len(draws))
    assert np.all(np.abs(found - covariance) <= 5 * error)


@model
def move(previous):
    push = ~NormalMeanVariance(0.5, 0.25)
    new = previous + push
    return new


@model
def seen(state, scale):
    out = ~NormalMeanVariance(scale * state + 1.0, 2.0)
    return out


@model
def pushed(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(1.0, 1.0)
    for t in range(1, len(y)):
        x[t] = ~move(x[t - 1])
    for t in range(len(y)):
        y[t] = ~seen(x[t], 3.0)


def dense(n):
    """Prior moments of x: a walk with drift 0.5 and steps of variance 0.25."""
    reach = np.minimum.outer(np.arange(n), np.arange(n))
    return 1.0 + 0.5 * np.arange(n), 1.0 + 0.25 * reach


def test_the_prior_of_models_inside_models():
    n = 4
    draws = sample_prior(pushed(), N, SEEDS[0], data={"y": np.zeros(n)})
    mean, covariance = dense(n)
    assert draws["x"].shape == (N, n) and draws["move.push"].shape == (N, n - 1)
    assert_moments(draws["x"], mean, covariance)
    assert_moments(draws["move.push"], np.full(n - 1, 0.5), 0.25 * np.eye(n - 1))
    assert_moments(draws["y"], 3.0 * mean + 1.0, 9.0 * covariance + 2.0 * np.eye(n))
    np.testing.assert_allclose(np.diff(draws["x"], axis=1), draws["move.push"], atol=1e-12)


def test_the_posterior_predictive_of_models_inside_models():
    ys = np.array([3.0, 7.0, 4.0])
    result = infer(pushed(), data={"y": ys})
    mean, covariance = dense(3)
    gain = 3.0 * covariance @ np.linalg.inv(9.0 * covariance + 2.0 * np.eye(3))
    after = mean + gain @ (ys - 3.0 * mean - 1.0)
    left = covariance - 3.0 * gain @ covariance
    np.testing.assert_allclose(result.posteriors["x"].mean, after)
    # Elements of one variable are drawn from their own marginals, so each datum by itself is exact.
    draws = predict(result, N, SEEDS[1])["y"]
    for t in range(3):
        assert_moments(draws[:, t], 3.0 * after[t] + 1.0, 9.0 * left[t, t] + 2.0)


@model
def derived(y, u):
    x = ~NormalMeanVariance(3.0 * u[0] + u[1], inv(u[1]))
    y[:] = ~NormalMeanVariance(x * u[0], u)


def test_the_prior_given_derived_data():
    draws = sample_prior(derived(), N, SEEDS[2], data={"u": [2.0, 4.0], "y": np.zeros(2)})
    assert_moments(draws["x"], 10.0, 0.25)
    assert_moments(draws["y"], [20.0, 20.0], 4.0 * 0.25 + np.diag([2.0, 4.0]))


def test_the_posterior_predictive_given_derived_data():
    result = infer(derived(), data={"u": [2.0, 4.0], "y": [20.0, 21.0]})
    # Precisions 4, 2^2 / 2 and 2^2 / 4.
    mean = (4.0 * 10.0 + 2.0 * 10.0 + 1.0 * 10.5) / 7.0
    np.testing.assert_allclose([result.posteriors["x"].mean, result.posteriors["x"].variance], [mean, 1.0 / 7.0])
    assert_moments(predict(result, N, SEEDS[3])["y"], [2.0 * mean] * 2, 4.0 / 7.0 + np.diag([2.0, 4.0]))


def test_the_three_spellings_draw_alike():
    """The same factors in another order: the same distribution, though not the same draws."""

    @model
    def loop(y):
        x = randomvar(len(y))
        w = ~Gamma(shape=3.0, rate=6.0)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        y[0] = ~NormalMeanPrecision(x[0], w)
        for t in range(1, len(y)):
            x[t] = ~NormalMeanVariance(x[t - 1], 1.0)
            y[t] = ~NormalMeanPrecision(x[t], w)

    @model
    def vector(y):
        x = randomvar(len(y))
        w = ~Gamma(shape=3.0, rate=6.0)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        x[1:] = ~NormalMeanVariance(x[:-1], 1.0)
        y[:] = ~NormalMeanPrecision(x, w)

    for spelling in (loop, vector):
        draws = sample_prior(spelling(), N, np.random.default_rng(9), data={"y": np.zeros(3)})
        covariance = 1.0 + np.minimum.outer(np.arange(3.0), np.arange(3.0))
        assert_moments(draws["x"], np.zeros(3), covariance)
        # Var y = Var x + E[1/w] = Var x + 6 / (3 - 1); heavier tails than a Gaussian's, so a wide margin.
        np.testing.assert_allclose(np.cov(draws["y"].T), covariance + 3.0 * np.eye(3), atol=0.35)
