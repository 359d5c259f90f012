"""Random trees, Gaussian in one to three dimensions, discrete and mixed, against dense algebra and enumeration."""

from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    DiscreteTransition,
    ImproperPosteriorError,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    Uninformative,
    infer,
    model,
    randomvar,
)
from tests.oracles.closeness import assert_moments, assert_within
from tests.oracles.dense_gaussian import DenseGaussian
from tests.oracles.enumeration import Enumeration
from tests.oracles.exact_chain import smooth_exactly

tree_settings = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def trees(draw, most=9):
    """parent[i] < i, or -1 for a root; a random order of statements; a seed for the numbers."""
    n = draw(st.integers(1, most))
    parent = [-1] + [draw(st.integers(-1 if i % 4 == 3 else 0, i - 1)) for i in range(1, n)]
    order = draw(st.permutations(range(n)))
    return parent, order, draw(st.integers(0, 2**32 - 1))


def covariances(rng, n, d):
    """Well-conditioned random covariances, so that the reference itself is good to 1e-12."""
    rotations = np.linalg.qr(rng.normal(size=(n, d, d)))[0]
    return rotations * rng.uniform(0.3, 2.0, size=(n, 1, d)) @ np.swapaxes(rotations, 1, 2)


def transitions(rng, n, d):
    """Random matrices; every third one is singular."""
    matrices = np.linalg.qr(rng.normal(size=(n, d, d)))[0] * rng.uniform(0.5, 1.5, size=(n, 1, d))
    matrices[::3, -1] = 0.0
    return matrices


@tree_settings
@given(trees(), st.integers(2, 3), st.booleans())
def test_gaussian_trees_equal_dense_conditioning(tree, d, flat):
    parent, order, seed = tree
    rng = np.random.default_rng(seed)
    n = len(parent)
    A, Q, R, b = transitions(rng, n, d), covariances(rng, n, d), covariances(rng, n, d), rng.normal(size=(n, d))
    y = rng.normal(size=(n, d))
    # A flat root is identified by its own observation; the other variables may go unobserved.
    observed = [i for i in range(n) if parent[i] < 0 or rng.random() < 0.5]

    @model
    def gaussian_tree(y):
        x = randomvar(n)
        for i in order:
            if parent[i] >= 0:
                x[i] = ~MvNormalMeanCovariance(A[i] @ x[parent[i]] + b[i], Q[i])
            elif flat:
                x[i] = ~Uninformative()
            else:
                x[i] = ~MvNormalMeanCovariance(b[i], Q[i])
        for row, i in enumerate(observed):
            y[row] = ~MvNormalMeanCovariance(x[i], R[i])

    dense = DenseGaussian()
    for i in range(n):
        if parent[i] >= 0:
            dense.draw(f"x{i}", {f"x{parent[i]}": A[i]}, b[i], Q[i])
        elif flat:
            dense.flat(f"x{i}", d)
        else:
            dense.draw(f"x{i}", {}, b[i], Q[i])
    for i in observed:
        dense.draw(f"y{i}", {f"x{i}": np.eye(d)}, 0.0, R[i])
    expected = dense.condition({f"y{i}": y[i] for i in observed}, [f"x{i}" for i in range(n)])
    result = infer(gaussian_tree(), data={"y": y[observed]}, free_energy=True)
    x = result.posteriors["x"]
    means = np.stack([expected.mean(f"x{i}") for i in range(n)])
    assert_moments(x.mean, x.covariance, means, np.stack([expected.covariance(f"x{i}") for i in range(n)]))
    assert_within(result.free_energy[-1], -expected.log_evidence, 1e-9 * (1 + abs(expected.log_evidence)))


@tree_settings
@given(trees())
def test_scalar_trees_with_sums_equal_dense_conditioning(tree):
    parent, order, seed = tree
    rng = np.random.default_rng(seed)
    n = len(parent)
    a, q, r, b, y = rng.uniform(-1.5, 1.5, n), *rng.uniform(0.3, 2.0, (2, n)), *rng.normal(size=(2, n))
    roots = [i for i in range(n) if parent[i] < 0]
    observed = range(0, n, 2)

    @model
    def scalar_tree(y, total):
        x = randomvar(n)
        for i in order:
            if parent[i] >= 0:
                x[i] = ~NormalMeanVariance(a[i] * x[parent[i]] + b[i], q[i])
            else:
                x[i] = ~NormalMeanVariance(b[i], q[i])
        for row, i in enumerate(observed):
            y[row] = ~NormalMeanVariance(x[i], r[i])
        # The sum of one variable from each component joins the components into one tree.
        joined = reduce(add, [x[i] for i in roots])
        total[...] = ~NormalMeanVariance(joined - 0.5, 0.4)

    dense = DenseGaussian()
    for i in range(n):
        dense.draw(f"x{i}", {f"x{parent[i]}": a[i]} if parent[i] >= 0 else {}, b[i], q[i])
    for i in observed:
        dense.draw(f"y{i}", {f"x{i}": 1.0}, 0.0, r[i])
    dense.draw("total", {f"x{i}": 1.0 for i in roots}, -0.5, 0.4)
    values = {"total": 1.7, **{f"y{i}": y[i] for i in observed}}
    expected = dense.condition(values, [f"x{i}" for i in range(n)])
    result = infer(scalar_tree(), data={"y": y[::2], "total": 1.7}, free_energy=True)
    x = result.posteriors["x"]
    assert_moments(x.mean, x.variance, expected.joint_mean, np.diag(expected.joint_covariance))
    assert_within(result.free_energy[-1], -expected.log_evidence, 1e-9 * (1 + abs(expected.log_evidence)))


@tree_settings
@given(trees(most=7), st.integers(2, 4))
def test_discrete_trees_equal_enumeration(tree, K):
    parent, order, seed = tree
    rng = np.random.default_rng(seed)
    n = len(parent)
    start = rng.dirichlet(np.ones(K), size=n)
    table = np.swapaxes(rng.dirichlet(np.ones(K), size=(n, K)), 1, 2)
    emission = np.swapaxes(rng.dirichlet(np.ones(3), size=(n, K)), 1, 2)
    observed = [i for i in range(n) if rng.random() < 0.6] or [0]
    seen = rng.integers(0, 3, size=len(observed))

    @model
    def discrete_tree(y):
        x = randomvar(n)
        for i in order:
            if parent[i] >= 0:
                x[i] = ~DiscreteTransition(x[parent[i]], table[i])
            else:
                x[i] = ~Categorical(start[i])
        for row, i in enumerate(observed):
            y[row] = ~DiscreteTransition(x[i], emission[i])
        return x

    oracle = Enumeration({f"x{i}": K for i in range(n)})
    for i in range(n):
        if parent[i] >= 0:
            oracle.factor([f"x{i}", f"x{parent[i]}"], table[i])
        else:
            oracle.factor([f"x{i}"], start[i])
    for i, s in zip(observed, seen, strict=True):
        oracle.factor([f"x{i}"], emission[i][s])
    result = infer(discrete_tree(), data={"y": np.eye(3)[seen]}, free_energy=True)
    assert_within(result.posteriors["x"].p, [oracle.marginal(f"x{i}") for i in range(n)], 1e-9)
    assert_within(result.free_energy[-1], -oracle.log_evidence, 1e-9 * (1 + abs(oracle.log_evidence)))


@tree_settings
@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.integers(0, 6))
def test_mixed_trees_have_their_closed_forms(seed, heads, tails):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.5, 4.0, size=2)
    alpha = rng.uniform(0.5, 3.0, size=3)
    coins = rng.permutation(np.r_[np.ones(heads), np.zeros(tails)])
    faces = rng.integers(0, 3, size=5)
    table = rng.dirichlet(np.ones(4), size=2).T

    @model
    def mixed(coins, faces):
        theta = ~Beta(a, b)
        for i in range(len(coins)):
            coins[i] = ~Bernoulli(theta)
        hidden = ~Bernoulli(theta)
        seen = ~DiscreteTransition(hidden, table)
        weights = ~Dirichlet(alpha)
        for i in range(len(faces)):
            faces[i] = ~Categorical(weights)
        following = ~Categorical(weights)
        return theta, hidden, seen, weights, following

    result = infer(mixed(), data={"coins": coins, "faces": np.eye(3)[faces]}, free_energy=False)
    q = result.posteriors
    p = (a + heads) / (a + b + heads + tails)
    counts = alpha + np.bincount(faces, minlength=3)
    assert_within([q["theta"].a, q["theta"].b], [a + heads, b + tails], 1e-9)
    assert_within(q["hidden"].probabilities, [1 - p, p], 1e-9)
    assert_within(q["seen"].p, table @ [1 - p, p], 1e-9)
    assert_within(q["weights"].alpha, counts, 1e-9)
    assert_within(q["following"].p, counts / counts.sum(), 1e-9)


def test_a_flat_root_without_data_is_improper():
    @model
    def nothing_known():
        x = ~Uninformative()
        y = ~NormalMeanVariance(x, 1.0)
        return x, y

    with pytest.raises(ImproperPosteriorError, match=r"x|y"):
        infer(nothing_known())


@tree_settings
@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_extreme_variances_in_a_chain_keep_twelve_digits(seed, n):
    rng = np.random.default_rng(seed)
    level, noise = 10.0 ** rng.uniform(-12, 12, size=(2, n))
    y = rng.uniform(1.0, 2.0, size=n)

    @model
    def chain(y):
        x = randomvar(n)
        x[0] = ~NormalMeanVariance(1.0, level[-1])
        y[0] = ~NormalMeanVariance(x[0], noise[0])
        for t in range(1, n):
            x[t] = ~NormalMeanVariance(x[t - 1], level[t - 1])
            y[t] = ~NormalMeanVariance(x[t], noise[t])

    means, variances = smooth_exactly(y, level[:-1], noise, 1.0, level[-1])
    x = infer(chain(), data={"y": y}).posteriors["x"]
    np.testing.assert_allclose(x.mean, [float(m) for m in means], rtol=1e-12)
    np.testing.assert_allclose(x.variance, [float(v) for v in variances], rtol=1e-12)
