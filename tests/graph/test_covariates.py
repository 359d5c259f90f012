"""Scalar variables beside covariates: ``a * x + b`` is n rows, or a vector where one is read."""

import numpy as np
import pytest

from reactivepgm import Gamma, MvNormal, Normal, Poisson, infer, model, randomvar

RNG = np.random.default_rng(8)


@model
def by_loop(y, x):
    a = ~Normal(mean=0.0, variance=4.0)
    for i in range(len(y)):
        y[i] = ~Normal(mean=a * x[i], variance=0.5)


@model
def by_statement(y, x):
    a = ~Normal(mean=0.0, variance=4.0)
    y[:] = ~Normal(mean=a * x, variance=0.5)


@model
def by_name(y, x):
    a = ~Normal(mean=0.0, variance=4.0)
    level = x * a
    y[:] = ~Normal(mean=level, variance=0.5)


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("made", [by_loop, by_statement, by_name])
def test_one_slope(made, n):
    x, y = RNG.normal(size=n), RNG.normal(size=n)
    result = infer(made(), data={"y": y, "x": x}, free_energy=True)
    covariance = 4.0 * np.outer(x, x) + 0.5 * np.eye(n)
    evidence = -0.5 * (y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    precision = 0.25 + x @ x / 0.5
    np.testing.assert_allclose(result.posteriors["a"].mean, x @ y / 0.5 / precision, rtol=1e-10)
    np.testing.assert_allclose(result.posteriors["a"].variance, 1 / precision, rtol=1e-10)
    np.testing.assert_allclose(result.free_energy[-1], -evidence, rtol=1e-10)


def test_the_statement_and_the_loop_are_one_graph():
    data = {"y": RNG.normal(size=5), "x": RNG.normal(size=5)}
    assert by_statement().build(data).same_as(by_loop().build(data))


def test_slope_and_intercept():
    @model
    def loop(y, x):
        a = ~Normal(mean=0.0, variance=4.0)
        b = ~Normal(mean=0.0, variance=4.0)
        for i in range(len(y)):
            y[i] = ~Normal(mean=a * x[i] + b, variance=0.5)

    @model
    def statement(y, x):
        a = ~Normal(mean=0.0, variance=4.0)
        b = ~Normal(mean=0.0, variance=4.0)
        y[:] = ~Normal(mean=a * x + b, variance=0.5)

    data = {"y": RNG.normal(size=5), "x": RNG.normal(size=5)}
    assert statement().build(data).same_as(loop().build(data))


def test_sums_of_scalars_are_scalars():
    @model
    def sloped(y, x):
        a = ~Normal(mean=0.0, variance=4.0)
        b = ~Normal(mean=0.0, variance=1.0)
        y[:] = ~Normal(mean=2.0 * (a + b) * x, variance=0.5)

    x, y = RNG.normal(size=6), RNG.normal(size=6)
    result = infer(sloped(), data={"y": y, "x": x}, free_energy=True)
    covariance = 4.0 * 5.0 * np.outer(x, x) + 0.5 * np.eye(6)
    evidence = -0.5 * (y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    np.testing.assert_allclose(result.free_energy[-1], -evidence, rtol=1e-10)


def test_counts_with_exposure():
    @model
    def counts(y, exposure):
        rate = ~Gamma(shape=2.0, rate=1.0)
        y[:] = ~Poisson(rate * exposure)

    exposure, y = np.array([1.0, 2.5, 0.5]), np.array([2.0, 4.0, 0.0])
    posterior = infer(counts(), data={"y": y, "exposure": exposure}).posteriors["rate"]
    np.testing.assert_allclose([posterior.shape, posterior.rate], [2.0 + y.sum(), 1.0 + exposure.sum()], rtol=1e-12)


def test_a_vector_stays_a_vector_where_one_is_read():
    @model
    def along(y, direction):
        a = ~Normal(mean=0.0, variance=4.0)
        y[...] = ~MvNormal(mean=a * direction, covariance=np.eye(3))

    u, y = np.array([1.0, 2.0, -1.0]), RNG.normal(size=3)
    posterior = infer(along(direction=u), data={"y": y}).posteriors["a"]
    np.testing.assert_allclose(posterior.variance, 1 / (0.25 + u @ u), rtol=1e-10)


def test_elements_of_a_vector_that_could_be_rows():
    @model
    def picked(y, x):
        a = ~Normal(mean=0.0, variance=4.0)
        level = a * x
        for i in range(2):
            y[i] = ~Normal(mean=level[i], variance=0.5)

    x, y = np.array([1.0, 3.0]), np.array([0.5, 2.0])
    posterior = infer(picked(), data={"y": y, "x": x}).posteriors["a"]
    np.testing.assert_allclose(posterior.variance, 1 / (0.25 + x @ x / 0.5), rtol=1e-10)


def test_with_an_array_of_intercepts():
    @model
    def mixed(y, x):
        a = ~Normal(mean=0.0, variance=4.0)
        level = randomvar(len(y))
        level[:] = ~Normal(mean=0.0, variance=1.0)
        y[:] = ~Normal(mean=a * x + level, variance=0.5)

    x, y = RNG.normal(size=6), RNG.normal(size=6)
    result = infer(mixed(), data={"y": y, "x": x}, free_energy=True)
    covariance = 4.0 * np.outer(x, x) + 1.5 * np.eye(6)
    evidence = -0.5 * (y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    np.testing.assert_allclose(result.free_energy[-1], -evidence, rtol=1e-10)
