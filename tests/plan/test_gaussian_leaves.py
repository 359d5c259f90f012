"""Leaves on one variable: pooled and computed late, they give what the contraction of every row gives."""

from __future__ import annotations

import numpy as np
import pytest

from reactivepgm import MvNormal, Normal, dot, infer, model
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_forest import GaussianForest
from reactivepgm.plan.gaussian_leaves import PooledBeliefs, PooledForest

N = 40


def definite(rng, n, d):
    root = rng.normal(size=(n, d, d + 1))
    return root @ root.swapaxes(-1, -2)


def problem(seed, d, e, noise, shared, offset, branches="one"):
    """Two variables, the second drawn from the first, and leaves of dimension e: on the second, or on both in turn."""
    rng = np.random.default_rng(seed)
    rows = 1 if shared else N
    families = [
        Factors((0, np.array([1])), ((0, np.array([0])),)),
        Factors((1, np.arange(N)), ((0, np.ones(N, dtype=int) if branches == "one" else np.arange(N) % 2),)),
    ]
    kernels = [
        GaussianKernelArrays((rng.normal(size=(1, d, d)),), None, definite(rng, 1, d)),
        GaussianKernelArrays(
            (rng.normal(size=(rows, e, d)),),
            rng.normal(size=(rows, e)) if offset else None,
            definite(rng, rows, e) if noise else None,
        ),
    ]
    unary = [
        GaussianUnary(
            rng.normal(size=(2, d)), definite(rng, 2, d), np.array([0]), rng.normal(size=(1, d)), definite(rng, 1, d)
        ),
        GaussianUnary(rng.normal(size=(N, e)), definite(rng, N, e)),
    ]
    unary[1].precision[3] = unary[1].weighted_mean[3] = 0.0
    return ([2, N], [d, e], families), unary, kernels


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize(("d", "e"), [(1, 1), (3, 1), (2, 2), (8, 3)])
@pytest.mark.parametrize("branches", ["one", "two"])
def test_pooled_equals_row_by_row(d, e, noise, shared, offset, branches):
    structure, unary, kernels = problem(d + 10 * e, d, e, noise, shared, offset, branches)
    pooled = PooledForest(*structure).solve(unary, kernels)
    whole = GaussianForest(*structure).solve(unary, kernels)
    assert isinstance(pooled, PooledBeliefs)
    assert pooled.is_pending(1)
    for array in (0, 1):
        np.testing.assert_allclose(pooled.mean[array], whole.mean[array], rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(pooled.covariance[array], whole.covariance[array], rtol=1e-9, atol=1e-10)
    assert pooled.log_partition == pytest.approx(whole.log_partition, rel=1e-9)
    for family in (0, 1):
        for one, other in zip(pooled.joint(family), whole.joint(family), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)
        for one, other in zip(pooled.out_information(family), whole.out_information(family), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)
        for one, other in zip(pooled.in_messages(family), whole.in_messages(family), strict=True):
            np.testing.assert_allclose(one.matrix, other.matrix, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(pooled.conditional_entropy_terms(family), whole.conditional_entropy_terms(family), atol=1e-9)


def test_leaves_with_priors_of_their_own_are_contracted():
    structure, unary, kernels = problem(0, 2, 1, True, False, False)
    unary[1] = GaussianUnary(
        unary[1].weighted_mean, unary[1].precision, np.array([5]), np.array([[0.5]]), np.array([[[2.0]]])
    )
    beliefs = PooledForest(*structure).solve(unary, kernels)
    again = GaussianForest(*structure).solve(unary, kernels)
    np.testing.assert_allclose(beliefs.mean[1], again.mean[1])


def test_what_nothing_determines_is_named_among_all_arrays():
    leaves = Factors((0, np.arange(20)), ((1, np.zeros(20, dtype=int)),))
    forest = PooledForest([20, 1], [1, 2], [leaves])
    rows = np.tile([[[1.0, 1.0]]], (20, 1, 1))
    flat = GaussianUnary(np.zeros((1, 2)), np.zeros((1, 2, 2)))
    with pytest.raises(ImproperError) as error:
        forest.solve([GaussianUnary(np.ones((20, 1)), np.ones((20, 1, 1))), flat], [GaussianKernelArrays((rows,))])
    assert (error.value.array, error.value.element) == (1, 0)


@model
def regression(x, y):
    """Weights, and one product a row."""
    w = ~MvNormal(mean=np.zeros(3), covariance=9.0 * np.eye(3))
    y[:] = ~Normal(mean=dot(x, w), variance=0.5)


def test_a_regression_is_pooled_and_its_products_are_there_when_asked_for(monkeypatch):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    asked = []
    moments = PooledBeliefs.moments
    monkeypatch.setattr(PooledBeliefs, "moments", lambda self, array: asked.append(array) or moments(self, array))
    result = infer(regression(x=x), {"y": y}, free_energy=True)
    covariance = np.linalg.inv(x.T @ x / 0.5 + np.eye(3) / 9.0)
    mean = covariance @ x.T @ y / 0.5
    np.testing.assert_allclose(result.posteriors["w"].mean, mean, rtol=1e-10)
    evidence = 0.5 * np.eye(50) + 9.0 * x @ x.T
    log = -0.5 * (y @ np.linalg.solve(evidence, y) + np.linalg.slogdet(2 * np.pi * evidence)[1])
    assert result.free_energy[-1] == pytest.approx(-log)
    (name,) = result.hidden
    np.testing.assert_allclose(result.hidden[name].mean, x @ mean, rtol=1e-10)
    np.testing.assert_allclose(result.hidden[name].variance, np.einsum("ni,ij,nj->n", x, covariance, x), rtol=1e-10)
    before = len(asked)
    infer(regression(x=x), {"y": y})
    assert len(asked) - before <= 4  # mean and covariance of the weights alone
