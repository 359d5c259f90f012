"""Contraction plans: number of rounds, whole families and paths, and the same answers row by row."""

from __future__ import annotations

import numpy as np
import pytest

from reactivepgm.plan.contraction import Contraction, CycleError, Structure
from reactivepgm.plan.contraction_steps import Path, Rake, as_index, numbers_of, segments
from reactivepgm.plan.discrete_forest import DiscreteForest
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary
from reactivepgm.plan.gaussian_forest import GaussianForest
from tests.plan.dense_forest import Problem, random_forest
from tests.plan.test_gaussian_forest import assert_agrees


def steps(plan):
    return [step for half in plan.halves for step in half.steps]


def row_by_row(forest):
    """The same forest, planned without whole families and paths."""
    forest._plans = {(key, True): forest.plan(key, whole=False) for key, _ in list(forest._plans)}
    return forest


def assert_same(problem: Problem, tolerance=1e-10):
    whole = GaussianForest(problem.sizes, problem.dims, problem.families)
    one = whole.solve(problem.unary, problem.kernels)
    other = row_by_row(GaussianForest(problem.sizes, problem.dims, problem.families)).solve(problem.unary, problem.kernels)
    for a in range(len(problem.sizes)):
        np.testing.assert_allclose(one.mean[a], other.mean[a], rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(one.covariance[a], other.covariance[a], rtol=tolerance, atol=tolerance)
    for k, family in enumerate(problem.families):
        for x, y in zip(one.out_information(k), other.out_information(k), strict=True):
            np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)
        for m, n in zip(one.in_messages(k), other.in_messages(k), strict=True):
            np.testing.assert_allclose(m.matrix, n.matrix, rtol=tolerance, atol=tolerance)
            np.testing.assert_allclose(m.vector, n.vector, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(one.joint(k)[4], other.joint(k)[4], rtol=tolerance, atol=tolerance)
        assert one.joint(k)[4].shape[0] == family.rows
    assert one.log_partition == pytest.approx(other.log_partition, rel=1e-10)
    return whole


def state_space(rng, chains, *, backwards=False, d=2, singular=False):
    """z_t = A x_{t-1}, x_t ~ N(z_t, Q), w_t = H x_t, information about w: as a user writes it; several chains."""
    n, starts = sum(chains), np.cumsum([0, *chains[:-1]])
    ids = np.arange(n)[::-1] if backwards else np.arange(n)
    inner = np.setdiff1d(np.arange(n), starts)
    before, after = ids[inner - 1], ids[inner]
    z = np.arange(len(inner))
    families = [
        Factors((1, z), ((0, before),)), Factors((0, after), ((1, z),)), Factors((2, np.arange(n)), ((0, np.arange(n)),)),
    ]
    A = 0.8 * np.linalg.qr(rng.normal(size=(d, d)))[0]
    L = rng.normal(size=(len(inner), d, d))
    if singular:
        L[..., 1:] = 0.0
    kernels = [
        GaussianKernelArrays((A[None],), None, None),
        GaussianKernelArrays((None,), rng.normal(size=(1, d)), L @ L.swapaxes(1, 2)),
        GaussianKernelArrays((rng.normal(size=(1, 1, d)),), None, None),
    ]
    roots = ids[starts]
    unary = [
        GaussianUnary(np.zeros((n, d)), np.zeros((n, d, d)), roots, rng.normal(size=(len(roots), d)),
                      np.broadcast_to(np.eye(d) * 3.0, (len(roots), d, d))),
        GaussianUnary(np.zeros((len(z), d)), np.zeros((len(z), d, d))),
        GaussianUnary(rng.normal(size=(n, 1)), np.ones((n, 1, 1))),
    ]
    return Problem([n, len(z), n], [d, d, 1], families, unary, kernels)


@pytest.mark.parametrize("chains", [[20], [25, 1, 40, 18], [17, 17, 17]])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("singular", [False, True])
def test_state_spaces_become_one_path(chains, backwards, singular):
    problem = state_space(np.random.default_rng(len(chains)), chains, backwards=backwards, singular=singular)
    plan = assert_same(problem).plan((True, False, True))
    assert [type(step).__name__ for step in steps(plan)] == ["Rake", "Compress", "Path"]
    assert_agrees(problem, 1e-8)


@pytest.mark.parametrize("n", [17, 18, 31, 32, 33, 64, 100])
@pytest.mark.parametrize("d", [1, 2, 7])
def test_paths_of_every_length(n, d):
    problem = state_space(np.random.default_rng(n), [n], d=d)
    assert_same(problem)


@pytest.mark.parametrize("seed", range(30))
def test_random_forests_row_by_row(seed):
    problem = random_forest(np.random.default_rng(seed), two=0.4)
    row_by_row(GaussianForest(problem.sizes, problem.dims, problem.families))
    assert_same(problem)


def test_a_plate_of_two_input_families_goes_whole():
    """s_i = u_i + v for a plate of u and one shared v."""
    n, i = 50, np.arange(50)
    forest = GaussianForest([n, n, 1], [1, 1, 1], [Factors((0, i), ((1, i), (2, np.zeros(n, dtype=int))))])
    plan = forest.plan((True,))
    assert [type(step).__name__ for step in steps(plan)] == ["Reduce", "Rake"]


@pytest.mark.parametrize("chains", [[30], [20, 1, 19, 33]])
def test_discrete_chains_with_cuts(chains):
    rng = np.random.default_rng(5)
    n, starts = sum(chains), np.cumsum([0, *chains[:-1]])
    inner = np.setdiff1d(np.arange(n), starts)
    families = [((0, inner), (0, inner - 1)), ((1, np.arange(n)), (0, np.arange(n)))]
    kernels = [rng.normal(size=(len(inner), 3, 3)), rng.normal(size=(1, 2, 3))]
    unary = [rng.normal(size=(n, 3)), rng.normal(size=(n, 2))]
    forest = DiscreteForest([n, n], [3, 2], families)
    assert [type(step) for step in steps(forest.plan)] == [Rake, Path]
    one = forest.solve(unary, kernels)
    rows = DiscreteForest([n, n], [3, 2], families)
    rows.plan = Contraction(Structure(np.repeat([1, 0], n), [(inner, inner - 1), (np.arange(n, 2 * n), np.arange(n))],
                                      [(0, 0), (0, 0)], 2, (0, 0)), whole=False)
    two = rows.solve(unary, kernels)
    assert one.log_partition == pytest.approx(two.log_partition, rel=1e-12)
    for k in (0, 1):
        np.testing.assert_allclose(one.marginals[k], two.marginals[k], atol=1e-13)
        np.testing.assert_allclose(one.joints[k], two.joints[k], atol=1e-13)
        for x, y in zip(one.messages(k), two.messages(k), strict=True):
            np.testing.assert_allclose(x, y, atol=1e-11)


@pytest.mark.parametrize("order", ["contiguous", "permuted", "tree", "star"])
def test_the_number_of_rounds_is_logarithmic(order):
    n = 10_000
    rng = np.random.default_rng(0)
    child, parent = np.arange(1, n), np.arange(n - 1)
    if order == "permuted":
        child, parent = np.split(rng.permutation(n)[np.concatenate([child, parent])], 2)
    elif order == "tree":
        parent = (rng.random(n - 1) * child).astype(int)
    elif order == "star":
        parent = np.zeros(n - 1, dtype=int)
    plan = Contraction(Structure(np.zeros(n, dtype=int), [(child, parent)], [(1, 0)]), whole=False)
    assert len(plan.halves) <= {"star": 1}.get(order, 2.5 * np.log2(n))


def test_whole_cycles_are_refused():
    ring = np.arange(40)
    with pytest.raises(CycleError):
        Contraction(Structure(np.zeros(40, dtype=int), [((ring + 1) % 40, ring)], [(1, 0)]))
    two = np.arange(20)
    with pytest.raises(CycleError):
        Contraction(Structure(np.zeros(40, dtype=int), [(two + 20, two), (two, two + 20)], [(1, 0), (1, 0)]))


def test_indices():
    assert as_index(np.array([4])) == slice(4, 5)
    np.testing.assert_array_equal(numbers_of(as_index(np.array([9, 7, 5]))), [9, 7, 5])
    order, starts, once = segments(np.array([1, 2, 3]))
    assert order is None
    assert starts is None
    np.testing.assert_array_equal(once, [1, 2, 3])
