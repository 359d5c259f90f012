"""Flat roots: solved where the answer exists, refused by name where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_forest import GaussianForest
from tests.plan.dense_forest import random_forest
from tests.plan.test_gaussian_forest import assert_agrees, chain


def answer_exists(problem):
    try:
        _, V, _, _ = problem.dense()
    except np.linalg.LinAlgError:
        return False
    return bool(np.isfinite(V).all() and np.abs(V).max() < 1e7 and np.diag(V).min() > -1e-8 * np.abs(V).max())


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("dims", [(1,), (2,)])
def test_flat_roots_in_random_forests(seed, dims):
    problem = random_forest(np.random.default_rng(seed), flat=0.6, dims=dims, singular=0.2 if dims == (1,) else 0.0)
    if answer_exists(problem):
        assert_agrees(problem, 1e-8)
    else:
        with pytest.raises(ImproperError):
            GaussianForest(problem.sizes, problem.dims, problem.families).solve(problem.unary, problem.kernels)


def test_a_chain_with_a_flat_start():
    n = 33
    rng = np.random.default_rng(0)
    J = np.ones((n, 1, 1))
    J[0] = 0.0
    eta = rng.normal(size=(n, 1)) * J[:, 0]
    unary, kernel = GaussianUnary(eta, J), GaussianKernelArrays((None,), None, np.full((1, 1, 1), 0.3))
    beliefs = chain(n).solve([unary], [kernel])
    Q = np.diag(J[:, 0, 0]) + (np.diff(np.eye(n), axis=0).T @ np.diff(np.eye(n), axis=0)) / 0.3
    V = np.linalg.inv(Q)
    np.testing.assert_allclose(beliefs.covariance[0][:, 0, 0], np.diag(V), rtol=1e-11)
    np.testing.assert_allclose(beliefs.mean[0][:, 0], V @ eta[:, 0], atol=1e-11)
    np.testing.assert_allclose(beliefs.joint(0)[4][:, 0, 0], np.diag(V, 1), rtol=1e-11)
    (message,) = beliefs.in_messages(0)
    assert not message.moment[0]
    assert message.matrix[0, 0, 0] == 0.0


def test_nothing_determines_a_chain():
    with pytest.raises(ImproperError) as error:
        chain(5).solve([GaussianUnary(np.zeros((5, 1)), np.zeros((5, 1, 1)))],
                       [GaussianKernelArrays((None,), None, np.ones((1, 1, 1)))])
    assert error.value.array == 0
    assert 0 <= error.value.element < 5


def test_an_isolated_flat_variable_is_named():
    with pytest.raises(ImproperError, match="element 2 of array 1"):
        GaussianForest([1, 3], [2, 1], []).solve(
            [GaussianUnary(np.zeros((1, 2)), np.eye(2)[None]),
             GaussianUnary(np.zeros((3, 1)), np.array([1.0, 1.0, 0.0])[:, None, None])], [])


def test_regression_with_flat_weights():
    """Weights known in one direction only from each row, and from all rows in every direction."""
    rng = np.random.default_rng(4)
    n, d = 12, 3
    X, y = rng.normal(size=(n, 1, d)), rng.normal(size=(n, 1))
    forest = GaussianForest([1, n], [d, 1], [Factors((1, np.arange(n)), ((0, np.zeros(n, dtype=int)),))])
    unary = [GaussianUnary(np.zeros((1, d)), np.zeros((1, d, d))), GaussianUnary(y / 0.5, np.full((n, 1, 1), 2.0))]
    beliefs = forest.solve(unary, [GaussianKernelArrays((X,), None, None)])
    V = np.linalg.inv(2.0 * X[:, 0].T @ X[:, 0])
    np.testing.assert_allclose(beliefs.covariance[0][0], V, rtol=1e-9)
    np.testing.assert_allclose(beliefs.mean[0][0], V @ (2.0 * X[:, 0].T @ y[:, 0]), rtol=1e-9)
    with pytest.raises(ImproperError, match="array 0"):
        GaussianForest([1, 2], [d, 1], [Factors((1, np.arange(2)), ((0, np.zeros(2, dtype=int)),))]).solve(
            [unary[0], GaussianUnary(y[:2] / 0.5, np.full((2, 1, 1), 2.0))],
            [GaussianKernelArrays((X[:2],), None, np.ones((1, 1, 1)))])
