"""Posterior predictive draws: closed forms at four standard errors, missing data, and what is refused."""

import math

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    DataError,
    DiscreteTransition,
    Gamma,
    InferenceError,
    MeanField,
    ModelError,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    Poisson,
    infer,
    model,
    predict,
    randomvar,
)
from reactivepgm.graph import GraphBuilder

N = 20_000


def assert_mean(draws, expected, sigmas=4.0):
    """The mean of draws is within so many standard errors of what is expected, entry by entry."""
    error = np.std(draws, axis=0) / math.sqrt(len(draws))
    assert np.all(np.abs(np.mean(draws, axis=0) - expected) <= sigmas * error + 1e-12)


@model
def coin(y):
    p = ~Beta(a=1.0, b=1.0)
    y[:] = ~Bernoulli(p)


@model
def level(y):
    mu = ~NormalMeanVariance(0.0, 100.0)
    y[:] = ~NormalMeanVariance(mu, 1.0)


@model
def line(y, x):
    w = ~MvNormalMeanCovariance(np.zeros(2), 100.0 * np.eye(2))
    for i in range(len(y)):
        y[i] = ~NormalMeanVariance(np.dot(x[i], w), 0.5)


@model
def point(y, x):
    a = ~NormalMeanVariance(0.0, 100.0)
    b = ~NormalMeanVariance(0.0, 100.0)
    y[...] = ~NormalMeanVariance(a * x + b, 0.5)


def line_posterior(design, y):
    covariance = np.linalg.inv(np.eye(2) / 100.0 + design.T @ design / 0.5)
    return covariance @ design.T @ y / 0.5, covariance


def test_a_coin_is_beta_binomial():
    draws = predict(infer(coin(), {"y": [1, 1, 1, 0]}), N, 1)["y"]
    assert draws.shape == (N, 4)
    assert draws.dtype.kind == "i"
    # the flips of a draw share p, so that pairs follow E p^2 = a (a + 1) / ((a + b) (a + b + 1))
    assert_mean(draws, 4.0 / 6.0)
    assert_mean(draws[:, 0] * draws[:, 1], 4.0 * 5.0 / (6.0 * 7.0))


def test_a_gaussian_level_and_a_missing_datum():
    y = np.array([4.0, 5.0, np.nan, 6.0])
    draws = predict(infer(level(), {"y": y}), N, 2)["y"]
    variance = 1.0 / (1.0 / 100.0 + 3.0)
    mean = variance * 15.0
    assert_mean(draws, mean)
    centred = draws - mean
    assert_mean(centred[:, :, None] * centred[:, None, :], variance + np.eye(4))


def test_a_gamma_poisson_is_negative_binomial():
    @model
    def counts(y):
        rate = ~Gamma(shape=2.0, rate=1.0)
        y[:] = ~Poisson(rate)

    draws = predict(infer(counts(), {"y": [3.0, 5.0]}), N, 3)["y"]
    shape, rate = 10.0, 3.0
    k = np.arange(4)
    log_choose = np.vectorize(lambda i: math.lgamma(shape + i) - math.lgamma(shape) - math.lgamma(i + 1.0))
    exact = np.exp(log_choose(k)) * (rate / (1.0 + rate)) ** shape / (1.0 + rate) ** k
    assert_mean(draws[:, :1] == k, exact)


def test_a_chain_step_by_step():
    @model
    def walk(y):
        x = randomvar(len(y))
        x[0] = ~NormalMeanVariance(0.0, 10.0)
        y[0] = ~NormalMeanVariance(x[0], 0.5)
        for t in range(1, len(y)):
            x[t] = ~NormalMeanVariance(x[t - 1], 1.0)
            y[t] = ~NormalMeanVariance(x[t], 0.5)

    y = np.array([0.0, 1.0, np.nan, 3.0, 2.0])
    result = infer(walk(), {"y": y})
    draws = predict(result, N, 4)["y"]
    x = result.posteriors["x"]
    assert_mean(draws, x.mean)
    assert_mean((draws - x.mean) ** 2, x.variance + 0.5)


def test_a_hidden_markov_model_step_by_step():
    start, transition = np.array([0.6, 0.4]), np.array([[0.9, 0.3], [0.1, 0.7]])
    emission = np.array([[0.8, 0.3], [0.2, 0.7]])

    @model
    def hmm(y):
        z = randomvar(len(y))
        z[0] = ~Categorical(start)
        y[0] = ~DiscreteTransition(z[0], emission)
        for t in range(1, len(y)):
            z[t] = ~DiscreteTransition(z[t - 1], transition)
            y[t] = ~DiscreteTransition(z[t], emission)

    result = infer(hmm(), {"y": np.eye(2)[[0, 1, 1, 0]]})
    draws = predict(result, N, 5)["y"]
    assert draws.shape == (N, 4, 2)
    assert_mean(draws, result.posteriors["z"].probabilities @ emission.T)


def test_a_regression_with_missing_data_and_at_new_covariates():
    design = np.column_stack([[10.0, 11.0, 12.0, 13.0, 20.0], np.ones(5)])
    y = np.array([21.0, 23.0, 25.0, 27.0, np.nan])
    result = infer(line(), {"y": y, "x": design})
    mean, covariance = line_posterior(design[:4], y[:4])
    for x in (design, design + 3.0):
        draws = predict(result, N, 6, data={"x": x})["y"]
        assert_mean(draws, x @ mean)
        assert_mean((draws - x @ mean) ** 2, np.einsum("ni,ij,nj->n", x, covariance, x) + 0.5)


def test_an_expression_without_a_name_knows_how_its_terms_depend_on_each_other():
    draws = predict(infer(point(), {"y": 3.0, "x": 2.0}), N, 6)["y"]
    mean, covariance = line_posterior(np.array([[2.0, 1.0]]), np.array([3.0]))
    x = np.array([2.0, 1.0])
    assert_mean(draws, x @ mean)
    assert_mean((draws - x @ mean) ** 2, x @ covariance @ x + 0.5)


def test_new_covariates_of_one_variable_are_evaluated_again():
    @model
    def slope(y, x):
        a = ~NormalMeanVariance(0.0, 100.0)
        for i in range(len(y)):
            y[i] = ~NormalMeanVariance(a * x[i], 0.5)

    result = infer(slope(), {"y": [1.0, 2.0, 3.0], "x": [1.0, 2.0, 3.0]})
    new = np.array([5.0, -1.0, 0.0])
    draws = predict(result, N, 7, data={"x": new})["y"]
    variance = 1.0 / (0.01 + 14.0 / 0.5)
    mean = variance * 14.0 / 0.5
    assert_mean(draws, mean * new)
    assert_mean((draws - mean * new) ** 2, variance * new**2 + 0.5)


def test_new_covariates_are_refused_where_the_dependence_would_be_lost():
    result = infer(point(), {"y": 2.0, "x": 1.0})
    with pytest.raises(InferenceError, match="depend on each other in the posterior, and only their marginals are known"):
        predict(result, 10, 1, data={"x": 2.0})
    assert predict(result, 10, 1, data={"x": 1.0})["y"].shape == (10,)


def test_new_covariates_are_refused_where_the_posterior_belongs_to_the_old_ones():
    @model
    def driven(y, u):
        x = randomvar(len(y))
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        y[0] = ~NormalMeanVariance(x[0], 1.0)
        for t in range(1, len(y)):
            x[t] = ~NormalMeanVariance(x[t - 1] + u[t], 1.0)
            y[t] = ~NormalMeanVariance(x[t], 1.0)

    result = infer(driven(), {"y": np.zeros(3), "u": np.zeros(3)})
    assert predict(result, 10, 1)["y"].shape == (10, 3)
    with pytest.raises(InferenceError, match="the posterior of x belongs to the covariates of the inference"):
        predict(result, 10, 1, data={"u": np.ones(3)})


def test_beliefs_that_are_kept_apart_are_drawn_apart():
    @model
    def noisy(y):
        m = ~NormalMeanVariance(0.0, 100.0)
        w = ~Gamma(shape=3.0, rate=2.0)
        y[:] = ~NormalMeanPrecision(m, w)

    y = np.array([1.0, 2.0, 4.0, 3.0])
    start = {"m": NormalMeanVariance(0.0, 10.0), "w": Gamma(shape=1.0, rate=1.0)}
    result = infer(noisy(), {"y": y}, constraints=MeanField(), initialisation=start, iterations=20)
    draws = predict(result, N, 8)["y"]
    m, w = result.posteriors["m"], result.posteriors["w"]
    assert_mean(draws, m.mean)
    assert_mean((draws - m.mean) ** 2, m.variance + w.mean_inverse)


def test_a_mixture():
    @model
    def mixture(y):
        s = ~Beta(a=1.0, b=1.0)
        m = randomvar(2)
        w = randomvar(2)
        z = randomvar(len(y))
        m[0] = ~NormalMeanVariance(-3.0, 1.0)
        m[1] = ~NormalMeanVariance(3.0, 1.0)
        for k in range(2):
            w[k] = ~Gamma(shape=3.0, rate=2.0)
        for i in range(len(y)):
            z[i] = ~Bernoulli(s)
            y[i] = ~NormalMixture(z[i], (m[0], m[1]), (w[0], w[1]))

    start = {"s": Beta(1.0, 1.0), "m": NormalMeanVariance([-3.0, 3.0], 1.0), "w": Gamma(shape=3.0, rate=2.0)}
    y = np.array([-3.1, -2.9, 3.0, 3.2])
    result = infer(mixture(), {"y": y}, constraints=MeanField(), initialisation=start, iterations=10)
    draws = predict(result, N, 9)["y"]
    p = result.posteriors["z"].probabilities
    assert_mean(draws, p @ result.posteriors["m"].mean)


def test_two_random_inputs_that_depend_on_each_other_are_refused():
    builder = GraphBuilder()
    a, b = builder.random("a"), builder.random("b")
    y = builder.data("y", ())
    table = np.array([[[0.9, 0.5], [0.5, 0.1]], [[0.1, 0.5], [0.5, 0.9]]])
    builder.add("Categorical", {"out": a, "p": [0.5, 0.5]})
    builder.add("Categorical", {"out": b, "p": [0.5, 0.5]})
    builder.add("DiscreteTransition", {"out": y, "in": a, "a": table, "T1": b})
    result = infer(builder.finish(), {"y": 1.0})
    with pytest.raises(InferenceError, match="a and b depend on each other"):
        predict(result, 10, 1)


def test_a_posterior_that_the_result_does_not_hold():
    @model
    def two(y):
        m = ~NormalMeanVariance(0.0, 1.0)
        x = ~NormalMeanVariance(m, 1.0)
        y[...] = ~NormalMeanVariance(x, 1.0)

    result = infer(two(), {"y": 1.0}, returnvars=["m"])
    with pytest.raises(InferenceError, match=r"the result holds no posterior of x(.|\n)*returnvars"):
        predict(result, 10, 1)


def test_an_autoregression_is_predicted_one_step_ahead():
    @model
    def autoregression(y):
        a = ~NormalMeanVariance(0.0, 1.0)
        for t in range(1, len(y)):
            y[t] = ~NormalMeanVariance(a * y[t - 1], 0.1)

    y = np.array([1.0, 0.9, 0.7, 0.8])
    result = infer(autoregression(), {"y": y})
    draws = predict(result, N, 10)["y"]
    assert np.isnan(draws[:, 0]).all() or (draws[:, 0] == 1.0).all()
    assert_mean(draws[:, 1:], result.posteriors["a"].mean * y[:-1])


def test_data_that_are_observed_twice():
    @model
    def twice(y):
        m = ~NormalMeanVariance(0.0, 1.0)
        y[...] = ~NormalMeanVariance(m, 1.0)
        y[...] = ~NormalMeanVariance(m, 2.0)

    with pytest.raises(ModelError, match="y is drawn by 2 factors"):
        predict(infer(twice(), {"y": 1.0}), 10, 1)


def test_data_of_another_shape_or_name():
    result = infer(line(), {"y": [1.0, 2.0], "x": np.eye(2)})
    with pytest.raises(DataError, match="built for"):
        predict(result, 10, 1, data={"x": [1.0]})
    with pytest.raises(DataError, match="no data called z"):
        predict(result, 10, 1, data={"z": [1.0]})


def test_a_model_without_latent_variables():
    @model
    def noise(y):
        y[:] = ~NormalMeanVariance(1.0, 4.0)

    assert_mean(predict(infer(noise(), {"y": [0.0]}), N, 11)["y"], 1.0)


def test_covariates_are_those_of_the_inference_even_if_the_array_changes_afterwards():
    x = np.eye(2)
    result = infer(line(), {"y": [1.0, 2.0], "x": x})
    before = predict(result, 5, 1)["y"]
    x[:] = 100.0
    assert np.array_equal(predict(result, 5, 1)["y"], before)
