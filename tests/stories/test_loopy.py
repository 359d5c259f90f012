"""Graphs with cycles: Gaussian grids have exact means, binary grids the beliefs of an independent implementation."""

import numpy as np
import pytest

from reactivepgm import (
    Categorical,
    ConvergenceWarning,
    DiscreteTransition,
    NormalMeanVariance,
    infer,
    model,
    randomvar,
)
from tests.oracles import loopy
from tests.oracles.closeness import assert_within


@model
def gaussian_grid(y):
    x = randomvar(10, 10)
    y[:, :] = ~NormalMeanVariance(x, 2.0)
    x[1:, :] = ~NormalMeanVariance(x[:-1, :], 0.8)
    x[:, 1:] = ~NormalMeanVariance(x[:, :-1], 0.8)
    return x


def laplacian(edges: list[tuple[int, int]], n: int) -> np.ndarray:
    L = np.zeros((n, n))
    for i, j in edges:
        L[[i, j], [i, j]] += 1.0
        L[[i, j], [j, i]] -= 1.0
    return L


@pytest.mark.parametrize("damping", [0.0, 0.5])
def test_a_gaussian_grid_has_exact_means(damping):
    y = np.random.default_rng(1).normal(size=(10, 10))
    edges = loopy.grid_edges(10, 10)
    J, h = np.eye(100) / 2.0 + laplacian(edges, 100) / 0.8, y.ravel() / 2.0
    result = infer(
        gaussian_grid(), data={"y": y}, iterations=2000, damping=damping, tolerance=1e-13,
        messages={"x": NormalMeanVariance(0.0, 1e6)},
    )
    assert result.converged
    means, variances = loopy.gaussian(J, h, edges)
    x = result.posteriors["x"]
    assert_within(np.reshape(x.mean, 100), np.linalg.solve(J, h), 1e-9)
    np.testing.assert_allclose(np.reshape(x.mean, 100), means, atol=1e-9)
    np.testing.assert_allclose(np.reshape(x.variance, 100), variances, rtol=1e-8)


AGREE = np.array([[0.65, 0.35], [0.35, 0.65]])
SENSOR = np.array([[0.7, 0.4], [0.3, 0.6]])


@model
def binary_grid(y):
    x = randomvar(6, 6)
    y[:, :] = ~DiscreteTransition(x, SENSOR)
    x[1:, :] = ~DiscreteTransition(x[:-1, :], AGREE)
    x[:, 1:] = ~DiscreteTransition(x[:, :-1], AGREE)
    return x


def binary_data() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 2, size=(6, 6))


@pytest.mark.parametrize("damping", [0.0, 0.5])
def test_a_binary_grid_agrees_with_an_independent_implementation(damping):
    seen = binary_data()
    expected = loopy.discrete(SENSOR[seen.ravel()], dict.fromkeys(loopy.grid_edges(6, 6), AGREE), damping=0.3)
    result = infer(
        binary_grid(), data={"y": np.eye(2)[seen]}, iterations=1000, damping=damping, tolerance=1e-13,
        messages={"x": Categorical(np.array([0.5, 0.5]))},
    )
    assert result.converged
    assert_within(np.reshape(result.posteriors["x"].p, (36, 2)), expected, 1e-9)


def test_a_loop_that_has_not_settled_says_so():
    with pytest.warns(ConvergenceWarning, match="converged"):
        result = infer(
            binary_grid(), data={"y": np.eye(2)[binary_data()]}, iterations=2, tolerance=1e-13,
            messages={"x": Categorical(np.array([0.5, 0.5]))},
        )
    assert not result.converged
