"""Discrete forests against enumeration of every configuration."""

from __future__ import annotations

import numpy as np
import pytest

from reactivepgm.plan.contraction import CycleError
from reactivepgm.plan.discrete_forest import ContradictionError, DiscreteForest


def enumerate_all(sizes, cards, families, unary, kernels):
    names = [(a, i) for a, n in enumerate(sizes) for i in range(n)]
    where = {name: axis for axis, name in enumerate(names)}
    logp = np.zeros([cards[a] for a, _ in names])
    for axis, (a, i) in enumerate(names):
        shape = [1] * len(names)
        shape[axis] = -1
        logp = logp + unary[a][i].reshape(shape)
    for ((a, out), (b, into)), kernel in zip(families, kernels, strict=True):
        for r in range(len(out)):
            table = np.broadcast_to(kernel, (len(out), *kernel.shape[1:]))[r]
            o, i = where[a, int(out[r])], where[b, int(into[r])]
            shape = [1] * len(names)
            shape[o], shape[i] = table.shape
            logp = logp + (table if o < i else table.T).reshape(shape)
    log_z = np.logaddexp.reduce(logp, axis=None)
    return np.exp(logp - log_z), log_z, where


def random_tree(rng, n, arrays, shared=False):
    names = [(int(rng.integers(arrays)), k) for k in range(n)]
    sizes = [sum(a == b for a, _ in names) for b in range(arrays)]
    place = {}
    count = [0] * arrays
    order = {a: list(rng.permutation(sizes[a])) for a in range(arrays)}
    for a, k in names:
        place[k] = (a, int(order[a][count[a]]))
        count[a] += 1
    found = {}
    for k in range(1, n):
        if rng.random() < 0.15:
            continue
        ends = [place[k], place[int(rng.integers(k))]]
        if rng.random() < 0.5:
            ends.reverse()
        found.setdefault((ends[0][0], ends[1][0]), []).append((ends[0][1], ends[1][1]))
    cards = [int(rng.integers(2, 4)) for _ in range(arrays)]
    families, kernels = [], []
    for (a, b), rows in found.items():
        index = np.array(rows, dtype=np.intp)
        families.append(((a, index[:, 0]), (b, index[:, 1])))
        kernels.append(rng.normal(size=(1 if shared else len(rows), cards[a], cards[b])))
    return sizes, cards, families, [rng.normal(size=(s, c)) for s, c in zip(sizes, cards, strict=True)], kernels


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("offset", [0.0, -900.0])
def test_trees_agree_with_enumeration(seed, offset):
    rng = np.random.default_rng(seed)
    problem = random_tree(rng, int(rng.integers(1, 10)), int(rng.integers(1, 4)), shared=seed % 3 == 0)
    sizes, cards, families, unary, kernels = problem
    if offset:    # one category almost impossible: numbers underflow, logs do not
        for u in unary:
            u[:, 0] += offset
    table, log_z, where = enumerate_all(*problem)
    beliefs = DiscreteForest(sizes, cards, families).solve(unary, kernels)
    assert beliefs.log_partition == pytest.approx(log_z, rel=1e-12, abs=1e-10)
    axes = set(range(table.ndim))
    for (a, i), axis in where.items():
        np.testing.assert_allclose(beliefs.marginals[a][i], table.sum(axis=tuple(axes - {axis})), atol=1e-13)
    for f, ((a, out), (b, into)) in enumerate(families):
        from_out, from_in = beliefs.messages(f)
        for r in range(len(out)):
            o, i = where[a, int(out[r])], where[b, int(into[r])]
            joint = table.sum(axis=tuple(axes - {o, i}))
            joint = joint if o < i else joint.T
            np.testing.assert_allclose(beliefs.joints[f][r], joint, atol=1e-13)
            psi = np.broadcast_to(kernels[f], (len(out), cards[a], cards[b]))[r]
            logs = psi + from_out[r][:, None] + from_in[r]
            np.testing.assert_allclose(np.exp(logs - np.logaddexp.reduce(logs, axis=None)), joint, atol=1e-13)
            assert np.logaddexp.reduce(from_out[r]) == pytest.approx(0.0, abs=1e-12)


def chain(n):
    return DiscreteForest([n], [3], [((0, np.arange(1, n)), (0, np.arange(n - 1)))])


def forward_backward(unary, kernel):
    n = len(unary)
    forward, backward = np.zeros_like(unary), np.zeros_like(unary)
    for t in range(1, n):
        forward[t] = np.logaddexp.reduce(kernel + (forward[t - 1] + unary[t - 1])[None], axis=1)
    for t in range(n - 2, -1, -1):
        backward[t] = np.logaddexp.reduce(kernel + (backward[t + 1] + unary[t + 1])[:, None], axis=0)
    logs = forward + unary + backward
    log_z = np.logaddexp.reduce(logs, axis=1)
    return np.exp(logs - log_z[:, None]), log_z


@pytest.mark.parametrize("n", [2, 3, 7, 64, 1001])
def test_chains_agree_with_forward_backward(n):
    rng = np.random.default_rng(n)
    unary, kernel = rng.normal(size=(n, 3)) * 3, np.log(rng.dirichlet(np.ones(3), size=3).T)
    expected, log_z = forward_backward(unary, kernel)
    beliefs = chain(n).solve([unary], [kernel[None]])
    np.testing.assert_allclose(beliefs.marginals[0], expected, atol=1e-12)
    assert beliefs.log_partition == pytest.approx(log_z[0], rel=1e-12)


def test_left_right_chain_with_likelihoods_that_underflow():
    n = 60
    rng = np.random.default_rng(1)
    with np.errstate(divide="ignore"):
        kernel = np.log(np.array([[0.5, 0.0, 0.0], [0.5, 0.7, 0.0], [0.0, 0.3, 1.0]]))
    unary = -700.0 * rng.random((n, 3))
    expected, log_z = forward_backward(unary, kernel)
    beliefs = chain(n).solve([unary], [kernel[None]])
    np.testing.assert_allclose(beliefs.marginals[0], expected, atol=1e-11)
    assert beliefs.log_partition == pytest.approx(log_z[0], rel=1e-12)


def test_structural_zeros_are_no_mistake():
    forest = chain(4)
    with np.errstate(divide="ignore"):
        cycle = np.log(np.roll(np.eye(3), 1, axis=0))
    unary = np.zeros((4, 3))
    unary[3] = [-np.inf, 0.0, -np.inf]
    beliefs = forest.solve([unary], [cycle[None]])
    np.testing.assert_array_equal(beliefs.marginals[0].argmax(axis=1), [1, 2, 0, 1])
    assert beliefs.log_partition == pytest.approx(0.0, abs=1e-12)
    unary[0] = [0.0, -np.inf, -np.inf]
    with pytest.raises(ContradictionError) as error:
        forest.solve([unary], [cycle[None]])
    assert error.value.array == 0
    assert 0 <= error.value.element < 4


def test_a_star_of_many_leaves():
    n = 20000
    rng = np.random.default_rng(3)
    forest = DiscreteForest([1, n], [2, 2], [((1, np.arange(n)), (0, np.zeros(n, dtype=int)))])
    kernel, unary = np.log(np.array([[[0.7, 0.4], [0.3, 0.6]]])), rng.normal(size=(n, 2))
    beliefs = forest.solve([np.zeros((1, 2)), unary], [kernel])
    sent = np.logaddexp.reduce(kernel[0][None] + unary[:, :, None], axis=1)
    logs = sent.sum(axis=0)
    np.testing.assert_allclose(beliefs.marginals[0][0], np.exp(logs - np.logaddexp.reduce(logs)), rtol=1e-9)
    assert beliefs.log_partition == pytest.approx(np.logaddexp.reduce(logs), rel=1e-12)
    assert len(forest.plan.halves) <= 3


def test_a_cycle_and_a_double_edge_are_refused():
    square = np.arange(4)
    with pytest.raises(CycleError):
        DiscreteForest([4], [2], [((0, (square + 1) % 4), (0, square))])
    with pytest.raises(CycleError):
        DiscreteForest([2], [2], [((0, np.array([1, 0])), (0, np.array([0, 1])))])
    with pytest.raises(CycleError):
        DiscreteForest([1], [2], [((0, np.array([0])), (0, np.array([0])))])


def test_empty_families_and_isolated_variables():
    none = np.empty(0, dtype=np.intp)
    beliefs = DiscreteForest([2, 1], [2, 3], [((0, none), (1, none))]).solve(
        [np.log([[1.0, 3.0], [1.0, 1.0]]), np.zeros((1, 3))], [np.zeros((1, 2, 3))]
    )
    np.testing.assert_allclose(beliefs.marginals[0], [[0.25, 0.75], [0.5, 0.5]])
    assert beliefs.joints[0].shape == (0, 2, 3)
