"""Flat roots: solved where the answer exists, refused by name where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_forest import GaussianForest
from tests.plan.dense_forest import Problem, random_forest
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


@pytest.mark.parametrize("kind", [{"singular": 0.2}, {"singular": 0.0, "zero_noise": 0.7, "two": 0.4}])
@pytest.mark.parametrize("seed", [*range(30), 87, 134, 160])
def test_flat_roots_and_singular_factors_of_all_sizes(seed, kind):
    """Right, or refused in words that say which message cannot be expressed; never wrong."""
    problem = random_forest(np.random.default_rng(seed), flat=0.5, dims=(1, 2, 3), **kind)
    if answer_exists(problem):
        try:
            assert_agrees(problem, 1e-7)
        except ImproperError as error:
            assert "certain in some directions and flat in the others" in str(error)
    else:
        with pytest.raises(ImproperError, match="nothing determines it"):
            GaussianForest(problem.sizes, problem.dims, problem.families).solve(problem.unary, problem.kernels)


def flat(n, d):
    return GaussianUnary(np.zeros((n, d)), np.zeros((n, d, d)))


def informed(rng, n, d):
    return GaussianUnary(rng.normal(size=(n, d)), np.broadcast_to(2.0 * np.eye(d), (n, d, d)))


def one_each(*arrays):
    return Factors((arrays[0], np.array([0])), tuple((a, np.array([0])) for a in arrays[1:]))


@pytest.mark.parametrize("noise", [None, "singular", "regular"])
def test_a_vector_of_predictions_from_flat_weights(noise):
    """mu = X beta as one vector, longer than beta."""
    rng = np.random.default_rng(0)
    C = None if noise is None else np.diag([1.0] * 7 if noise == "regular" else [1.0] * 2 + [0.0] * 5)[None]
    assert_agrees(Problem([1, 1], [3, 7], [one_each(1, 0)], [flat(1, 3), informed(rng, 1, 7)],
                          [GaussianKernelArrays((rng.normal(size=(1, 7, 3)),), rng.normal(size=(1, 7)), C)]), 1e-11)


def test_a_plate_of_vectors_from_flat_weights():
    rng = np.random.default_rng(1)
    n, i = 6, np.arange(6)
    families = [Factors((1, i), ((0, i),)), Factors((2, i), ((1, i),))]
    kernels = [GaussianKernelArrays((rng.normal(size=(n, 5, 2)),), None, None),
               GaussianKernelArrays((rng.normal(size=(1, 4, 5)),), None, np.eye(4)[None])]
    assert_agrees(Problem([n, n, n], [2, 5, 4], families, [flat(n, 2), informed(rng, n, 5), flat(n, 4)], kernels), 1e-10)


def test_a_sum_of_two_flat_effects_in_one_vector():
    rng = np.random.default_rng(2)
    X = tuple(rng.normal(size=(1, 9, d)) for d in (2, 3))
    problem = Problem([1, 1, 1], [2, 3, 9], [one_each(2, 0, 1)], [flat(1, 2), flat(1, 3), informed(rng, 1, 9)],
                      [GaussianKernelArrays(X, None, None)])
    beliefs = GaussianForest(problem.sizes, problem.dims, problem.families).solve(problem.unary, problem.kernels)
    x, V, log, position = problem.dense()
    for (a, i), at in position.items():
        np.testing.assert_allclose(beliefs.mean[a][i], x[at], atol=1e-11)
        np.testing.assert_allclose(beliefs.covariance[a][i], V[at, at], atol=1e-11)
    assert beliefs.log_partition == pytest.approx(log, rel=1e-11)
    np.testing.assert_allclose(beliefs.joint(0)[4][0], V[position[0, 0], position[1, 0]], atol=1e-11)


def test_a_message_that_is_certain_and_flat_at_once_is_refused_by_name():
    """mu = X beta, and a second vector that mu alone informs: what mu sends it cannot be expressed."""
    rng = np.random.default_rng(3)
    families = [one_each(1, 0), one_each(2, 1)]
    kernels = [GaussianKernelArrays((rng.normal(size=(1, 5, 2)),), None, None),
               GaussianKernelArrays((None,), None, np.eye(5)[None])]
    unary = [flat(1, 2), flat(1, 5), informed(rng, 1, 5)]
    with pytest.raises(ImproperError, match=r"element 0 of array 1 .* certain in some directions .* proper prior"):
        GaussianForest([1, 1, 1], [2, 5, 5], families).solve(unary, kernels)
    wide = GaussianUnary(np.zeros((1, 2)), 1e-6 * np.eye(2)[None])
    assert_agrees(Problem([1, 1, 1], [2, 5, 5], families, [wide, *unary[1:]], kernels), 1e-6)


def test_a_flat_start_leaves_the_observations_and_other_chains_whole():
    """Two chains in two arrays: one of them starts flat, and only its own links go row by row."""
    rng = np.random.default_rng(4)
    n, d = 40, 2
    i = np.arange(n)
    families = [Factors((a, i[1:]), ((a, i[:-1]),)) for a in (0, 1)] + [Factors((2, i), ((0, i),))]
    kernels = [GaussianKernelArrays((np.array([[[1.0, 1.0], [0.0, 1.0]]]),), None, 0.1 * np.eye(d)[None])] * 2
    kernels.append(GaussianKernelArrays((np.array([[[1.0, 0.0]]]),), None, None))
    proper = GaussianUnary(rng.normal(size=(n, d)), np.broadcast_to(np.eye(d), (n, d, d)), np.array([0]),
                           np.zeros((1, d)), np.eye(d)[None])
    problem = Problem([n, n, n], [d, d, 1], families, [flat(n, d), proper, informed(rng, n, 1)], kernels)
    assert_agrees(problem, 1e-8)
    forest = GaussianForest(problem.sizes, problem.dims, families)
    forest.solve(problem.unary, kernels)
    steps = [type(step).__name__ for half in forest._flat_plan[1].halves for step in half.steps]
    assert steps[:2] == ["Rake", "Path"]
    assert set(steps[2:]) <= {"Rake", "Compress"}
