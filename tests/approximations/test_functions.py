"""Gaussians through functions: exact for linear and quadratic ones, known transforms, quadrature for others."""

import numpy as np
import pytest
from scipy import integrate

from reactivepgm.approximations.cubature import gauss_hermite_regression
from reactivepgm.approximations.linearisation import linearised, square_root
from reactivepgm.approximations.row_function import RowFunction
from reactivepgm.approximations.unscented import unscented
from reactivepgm.errors import InvalidParameterError

METHODS = [
    linearised,
    unscented,
    lambda f, m, v: unscented(f, m, v, alpha=2.0, beta=3.0, kappa=4.0),
    gauss_hermite_regression,
]


def belief(batch=(), d=3, seed=0):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(*batch, d, d))
    return rng.normal(size=(*batch, d)), root @ np.swapaxes(root, -1, -2) + 0.1 * np.eye(d)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch", [(), (4,)])
def test_a_linear_function_is_itself(method, batch):
    mean, covariance = belief(batch)
    a, b = np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0]]), np.array([1.0, -2.0])
    fit = method(lambda x: x @ a.T + b, mean, covariance)
    np.testing.assert_allclose(fit.matrix, np.broadcast_to(a, fit.matrix.shape), atol=1e-9)
    np.testing.assert_allclose(fit.offset, np.broadcast_to(b, fit.offset.shape), atol=1e-9)
    if fit.noise is not None:
        np.testing.assert_allclose(fit.noise, 0.0, atol=1e-12)


@pytest.mark.parametrize("how", [{"alpha": 1e-3}, {"alpha": 1.0}, {"alpha": 0.5, "kappa": 2.0}])
def test_the_unscented_transform_of_a_square(how):
    fit = unscented(lambda x: x**2, np.array([-3.0]), np.array([[2.0]]), **how)
    mean, variance = fit.moments(np.array([-3.0]), np.array([[2.0]]))
    cross = fit.matrix @ np.array([[2.0]])
    assert mean[0] == pytest.approx(11.0, rel=1e-9) and cross[0, 0] == pytest.approx(-12.0, rel=1e-9)
    # The points see a kurtosis of alpha² (1 + kappa); the central weight adds beta - alpha² times the squared bias.
    spread = how["alpha"] ** 2 * (1.0 + how.get("kappa", 0.0))
    assert variance[0, 0] == pytest.approx(72.0 + 4.0 * (spread + 2.0 - how["alpha"] ** 2), rel=1e-6)


def sigma_points(f, m, v, alpha, beta, kappa):
    d = len(m)
    scale = alpha**2 * (d + kappa)
    root = np.linalg.cholesky(scale * v)
    points = np.concatenate([m[None], m + root.T, m - root.T])
    weights = np.full(2 * d + 1, 0.5 / scale)
    weights[0] = 1.0 - d / scale
    second = weights.copy()
    second[0] += 1.0 - alpha**2 + beta
    values = f(points)
    mean = weights @ values
    gaps = values - mean
    return mean, (second[:, None] * gaps).T @ gaps, (second[:, None] * (points - m)).T @ gaps


def curved(x):
    return np.stack([np.sin(x[..., 0]) * x[..., 1], np.exp(0.3 * x[..., 2])], axis=-1)


@pytest.mark.parametrize("how", [{"alpha": 0.7, "beta": 2.0, "kappa": 0.0}, {"alpha": 2.0, "beta": 3.0, "kappa": 4.0}])
def test_the_regression_has_the_moments_of_the_textbook_transform(how):
    mean, covariance = belief()
    fit = unscented(curved, mean, covariance, **how)
    want = sigma_points(curved, mean, covariance, **how)
    np.testing.assert_allclose(fit.moments(mean, covariance)[0], want[0], rtol=1e-10)
    np.testing.assert_allclose(fit.moments(mean, covariance)[1], want[1], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(covariance @ fit.matrix.T, want[2], rtol=1e-9, atol=1e-10)


def test_cubature_against_quadrature():
    mean, variance = np.array([-0.4]), np.array([[1.7]])

    def under(g):
        def weighted(x):
            return g(x) * np.exp(-0.5 * (x + 0.4) ** 2 / 1.7) / np.sqrt(2 * np.pi * 1.7)

        return integrate.quad(weighted, -20.0, 20.0)[0]

    first = under(np.sin)
    fit = gauss_hermite_regression(np.sin, mean, variance, n=25)
    found = fit.moments(mean, variance)
    assert found[0][0] == pytest.approx(first, rel=1e-10)
    assert found[1][0, 0] == pytest.approx(under(lambda x: (np.sin(x) - first) ** 2), rel=1e-9)
    assert 1.7 * fit.matrix[0, 0] == pytest.approx(under(lambda x: (x + 0.4) * np.sin(x)), rel=1e-9)


def test_many_points_are_refused():
    with pytest.raises(InvalidParameterError, match=r"GaussHermite\(11\) of 7 coordinates has 11\^7 points"):
        gauss_hermite_regression(lambda x: x, np.zeros(7), np.eye(7))


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_its_rows(method):
    mean, covariance = belief((6,))
    whole = method(curved, mean, covariance)
    for row in range(6):
        one = method(curved, mean[row], covariance[row])
        for a, b in zip(whole, one, strict=True):
            if a is not None:
                np.testing.assert_allclose(a[row], b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_known_coordinate_among_random_ones(method):
    fit = method(curved, np.array([0.3, 1.0, 0.5]), np.diag([1.0, 0.0, 0.5]))
    found = fit.moments(np.array([0.3, 1.0, 0.5]), np.diag([1.0, 0.0, 0.5]))
    assert np.isfinite(found[0]).all() and np.isfinite(found[1]).all()
    less = method(lambda x: curved(np.insert(x, 1, 1.0, axis=-1)), np.array([0.3, 0.5]), np.diag([1.0, 0.5]))
    if method in (linearised, gauss_hermite_regression):  # the sigma points of the others depend on the dimension
        np.testing.assert_allclose(found[1], less.moments(np.array([0.3, 0.5]), np.diag([1.0, 0.5]))[1], rtol=1e-8, atol=1e-12)


def test_roots_of_covariances_that_are_none():
    with pytest.raises(InvalidParameterError, match="beside a variance of zero"):
        square_root(np.array([[0.0, 1.0], [1.0, 1.0]]))


def test_derivatives_that_are_given():
    fit = linearised(np.sin, np.array([0.5]), np.eye(1), jacobian=lambda x: np.cos(x)[..., None])
    assert fit.matrix[0, 0] == np.cos(0.5)


def rows_of(f, *columns):
    return np.stack([np.asarray(f(*(c[k] for c in columns))) for k in range(len(columns[0]))])


@pytest.mark.parametrize(
    "f",
    [
        lambda x, v: x * v[0] + v[1],
        lambda x, v: np.array([v[1], x, v[0]]),
        lambda x, v: x + v.sum(),
        lambda x, v: x * v / np.linalg.norm(v),
        lambda x, v: x if x > 0 else v[0],
        lambda x, v: np.eye(2) @ v,
        lambda x, v: 1.0,
    ],
)
def test_functions_of_single_values_are_called_for_rows(f):
    rng = np.random.default_rng(5)
    for _ in range(3):
        x, v = rng.normal(size=20), rng.normal(size=(20, 2))
        found = RowFunction(f, (0, 1))([x, v], (20,))
        np.testing.assert_allclose(found, rows_of(f, x, v), rtol=1e-12)


def test_a_function_that_takes_arrays_is_called_once_for_all_rows():
    calls = []

    def f(x):
        calls.append(np.shape(x))
        return x * x

    function = RowFunction(f, (0,))
    function([np.arange(100.0)], (100,))
    calls.clear()
    np.testing.assert_array_equal(function([np.arange(100.0)], (100,)), np.arange(100.0) ** 2)
    assert calls == [(), (), (), (100,)]


def test_a_function_that_changes_its_mind_is_found_out():
    def f(x):
        return x if np.size(x) == 1 or np.max(x) < 50.0 else x - np.mean(x)

    function = RowFunction(f, (0,))
    for size in (10, 100):
        np.testing.assert_array_equal(function([np.arange(float(size))], (size,)), np.arange(float(size)))


def test_values_that_are_no_numbers():
    with pytest.raises(InvalidParameterError, match="neither a number nor a vector"):
        RowFunction(lambda x: "one", (0,))([1.0], ())
    with pytest.raises(InvalidParameterError, match=r"an array of shape \(2, 2\)"):
        RowFunction(lambda x: x * np.eye(2), (0,))([1.0], ())
