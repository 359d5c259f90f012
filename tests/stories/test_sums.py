"""Sums, products with constants, inner products: rank-deficient messages give the exact posterior or a clear error."""

import numpy as np
import pytest
from numpy import dot

from reactivepgm import (
    ImproperPosteriorError,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    Uninformative,
    infer,
    model,
    randomvar,
)
from tests.oracles.closeness import assert_moments
from tests.oracles.dense_gaussian import DenseGaussian

VARIANCES = np.array([1.0, 2.0, 4.0, 8.0, 16.0])   # with the noise of 2 they make 33


@model
def five_terms(y):
    x1 = ~NormalMeanVariance(0.0, 1.0)
    x2 = ~NormalMeanVariance(0.0, 2.0)
    x3 = ~NormalMeanVariance(0.0, 4.0)
    x4 = ~NormalMeanVariance(0.0, 8.0)
    x5 = ~NormalMeanVariance(0.0, 16.0)
    y[...] = ~NormalMeanVariance(x1 + x2 + x3 + x4 + x5, 2.0)


@model
def five_vectors(y):
    x = randomvar(5)
    for i in range(5):
        x[i] = ~MvNormalMeanCovariance(np.zeros(2), VARIANCES[i] * np.eye(2))
    c = ~dot(np.array([1.0, 0.0]), x[0] + x[1] + x[2] + x[3] + x[4])
    y[...] = ~NormalMeanVariance(c, 2.0)


@model
def inner_product(y):
    x = ~MvNormalMeanCovariance(np.zeros(5), np.diag(VARIANCES))
    y[...] = ~NormalMeanVariance(dot(np.ones(5), x), 2.0)


@pytest.mark.parametrize("family", [five_terms, five_vectors, inner_product])
def test_five_terms_with_total_variance_33(family):
    result = infer(family(), data={"y": 1.0}, free_energy=True)
    assert result.free_energy[-1] == pytest.approx(2.682343829, abs=1e-9)
    if family is five_terms:
        means = np.array([result.posteriors[f"x{i}"].mean for i in range(1, 6)])
        variances = np.array([result.posteriors[f"x{i}"].variance for i in range(1, 6)])
    elif family is five_vectors:
        means = result.posteriors["x"].mean[:, 0]
        variances = result.posteriors["x"].covariance[:, 0, 0]
        np.testing.assert_allclose(result.posteriors["x"].covariance[:, 1, 1], VARIANCES, rtol=1e-12)
    else:
        means, variances = result.posteriors["x"].mean, np.diag(result.posteriors["x"].covariance)
    assert means[0] == pytest.approx(0.030303, abs=1e-6)
    np.testing.assert_allclose(means, VARIANCES / 33, rtol=1e-12)
    np.testing.assert_allclose(variances, VARIANCES - VARIANCES**2 / 33, rtol=1e-12)


@model
def scaled(y):
    x = ~NormalMeanVariance(1.0, 3.0)
    y[0] = ~NormalMeanVariance(2.0 * x, 0.5)
    y[1] = ~NormalMeanVariance(x * -0.25 + 1.0, 0.1)
    y[2] = ~NormalMeanVariance(0.0 * x, 4.0)


def test_scalar_times_variable():
    y = np.array([1.3, 0.4, -0.7])
    dense = DenseGaussian()
    dense.draw("x", {}, 1.0, 3.0)
    for i, (a, b, r) in enumerate([(2.0, 0.0, 0.5), (-0.25, 1.0, 0.1), (0.0, 0.0, 4.0)]):
        dense.draw(f"y{i}", {"x": a}, b, r)
    expected = dense.condition({f"y{i}": y[i] for i in range(3)})
    result = infer(scaled(), data={"y": y}, free_energy=True)
    x = result.posteriors["x"]
    np.testing.assert_allclose(x.mean, expected.mean("x")[0], rtol=1e-12)
    np.testing.assert_allclose(x.variance, expected.covariance("x")[0, 0], rtol=1e-12)
    np.testing.assert_allclose(result.free_energy[-1], -expected.log_evidence, rtol=1e-10)


SINGULAR = {
    "rank one": np.array([[1.0, 2.0], [2.0, 4.0]]),
    "zero": np.zeros((2, 2)),
    "wide": np.array([[1.0, -1.0]]),
    "tall": np.array([[1.0, 0.5], [0.0, 1.0], [1.0, 1.5]]),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_a_singular_matrix_times_a_variable(name):
    A = SINGULAR[name]
    k = len(A)
    P, R, y = np.array([[2.0, 0.3], [0.3, 1.0]]), 0.7 * np.eye(k), np.linspace(-1.0, 2.0, k)

    @model
    def through(y):
        x = ~MvNormalMeanCovariance(np.array([0.5, -1.0]), P)
        z = ~(A @ x)
        y[...] = ~MvNormalMeanCovariance(z, R)
        return x, z

    dense = DenseGaussian()
    dense.draw("x", {}, np.array([0.5, -1.0]), P)
    dense.draw("z", {"x": A})
    dense.draw("y", {"z": np.eye(k)}, 0.0, R)
    expected = dense.condition({"y": y})
    result = infer(through(), data={"y": y}, free_energy=True)
    for variable in ("x", "z"):
        found = result.posteriors[variable]
        np.testing.assert_allclose(found.mean, expected.mean(variable), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.covariance, expected.covariance(variable), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(result.free_energy[-1], -expected.log_evidence, rtol=1e-9)


def test_inner_products_are_a_regression():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), rng.normal(size=30)

    @model
    def regression(y, X):
        w = ~MvNormalMeanCovariance(np.zeros(3), 10.0 * np.eye(3))
        for i in range(len(y)):
            y[i] = ~NormalMeanVariance(dot(X[i], w), 0.5)
        return w

    result = infer(regression(), data={"y": y, "X": X}, free_energy=True)
    covariance = np.linalg.inv(X.T @ X / 0.5 + np.eye(3) / 10.0)
    w = result.posteriors["w"]
    assert_moments(w.mean, w.covariance, covariance @ X.T @ y / 0.5, covariance)
    S = 10.0 * X @ X.T + 0.5 * np.eye(30)
    evidence = -0.5 * (30 * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + y @ np.linalg.solve(S, y))
    np.testing.assert_allclose(result.free_energy[-1], -evidence, rtol=1e-9)


def test_a_direction_that_nothing_determines_is_an_error():
    @model
    def undetermined(y):
        x = ~Uninformative()
        y[...] = ~NormalMeanVariance(dot(np.array([1.0, 1.0]), x), 1.0)
        return x

    with pytest.raises(ImproperPosteriorError, match="x"):
        infer(undetermined(), data={"y": 1.0})
