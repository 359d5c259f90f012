"""Gaussian forests against one dense saddle-point system, and chains against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from reactivepgm.plan.contraction import CycleError
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_forest import GaussianForest
from tests.plan.dense_forest import Problem, random_forest


def assert_agrees(problem: Problem, tolerance=1e-9, evidence=True):
    """Marginals, joints, messages and evidence against dense algebra."""
    x, V, log, position = problem.dense()
    floor = 1e-4 * np.abs(V).max()
    beliefs = GaussianForest(problem.sizes, problem.dims, problem.families).solve(problem.unary, problem.kernels)
    for (a, i), at in position.items():
        scale = np.abs(V[at, at]).max() + floor
        assert np.abs(beliefs.covariance[a][i] - V[at, at]).max() <= tolerance * scale
        assert np.abs(beliefs.mean[a][i] - x[at]).max() <= tolerance * (np.sqrt(scale) + np.abs(x).max())
    for k, family in enumerate(problem.families):
        one, two, V_one, V_two, across = beliefs.joint(k)
        ends = family.ends if len(family.ends) == 2 else family.ins
        for r in range(family.rows):
            p, q = (position[a, int(index[r])] for a, index in ends)
            scale = np.sqrt((np.abs(V[p, p]).max() + floor) * (np.abs(V[q, q]).max() + floor))
            assert np.abs(across[r] - V[p, q]).max() <= tolerance * scale
            np.testing.assert_allclose(V_one[r], V[p, p], atol=tolerance * np.abs(V).max())
            np.testing.assert_allclose(V_two[r], V[q, q], atol=tolerance * np.abs(V).max())
            np.testing.assert_allclose(one[r], x[p], atol=tolerance * (1 + np.abs(x).max()))
            np.testing.assert_allclose(two[r], x[q], atol=tolerance * (1 + np.abs(x).max()))
        assert_messages(problem, beliefs, k, V, position, tolerance)
    if evidence:
        assert beliefs.log_partition == pytest.approx(log, rel=tolerance, abs=tolerance)


def assert_messages(problem, beliefs, k, V, position, tolerance):
    """All messages into a factor, with the factor, are the joint of its ends; and so are the terms of the energy."""
    family, kernel = problem.families[k], problem.kernels[k]
    _, J = beliefs.out_information(k)
    terms = beliefs.conditional_entropy_terms(k)
    shared = beliefs.mutual_information(k) if len(family.ins) == 2 else None
    d = J.shape[1]
    for r in range(family.rows):
        C = np.zeros((d, d)) if kernel.covariance is None else kernel.covariance[r if len(kernel.covariance) > 1 else 0]
        assert terms[r] == pytest.approx(0.5 * np.linalg.slogdet(np.eye(d) + C @ J[r])[1], abs=1e-9)
        A = np.hstack([problem.matrices(k, i)[r] for i in range(len(family.ins))])
        told = J[r] @ np.linalg.inv(np.eye(d) + C @ J[r])
        blocks = [(m.moment if np.ndim(m.moment) == 0 else m.moment[r], m.matrix[r]) for m in beliefs.in_messages(k)]
        if not all(moment for moment, _ in blocks):
            continue
        size = sum(len(P) for _, P in blocks)
        P, at = np.zeros((size, size)), 0
        for _, block in blocks:
            P[at : at + len(block), at : at + len(block)] = block
            at += len(block)
        posterior = np.linalg.solve(np.eye(size) + P @ A.T @ told @ A, P)
        where = np.concatenate([np.arange(p.start, p.stop) for p in (position[a, int(i[r])] for a, i in family.ins)])
        np.testing.assert_allclose(posterior, V[np.ix_(where, where)], atol=tolerance * np.abs(V).max())
        if shared is not None:
            d1 = len(blocks[0][1])
            parts = [posterior[:d1, :d1], posterior[d1:, d1:]]
            if all(np.linalg.matrix_rank(part, tol=1e-6) == len(part) for part in (*parts, posterior)):
                logs = [np.linalg.slogdet(part)[1] for part in (*parts, posterior)]
                assert shared[r] == pytest.approx(0.5 * (logs[0] + logs[1] - logs[2]), abs=1e-6)
            assert np.isfinite(shared[r])


@pytest.mark.parametrize("seed", range(40))
def test_random_forests(seed):
    assert_agrees(random_forest(np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(20))
def test_random_scalar_forests_with_wide_scales(seed):
    assert_agrees(random_forest(np.random.default_rng(seed), dims=(1,), size=20, rows=50, scale=1e3), 1e-8)


@pytest.mark.parametrize("seed", range(20))
def test_many_two_input_factors(seed):
    assert_agrees(random_forest(np.random.default_rng(seed), two=0.8, size=15, zero_noise=0.5))


@pytest.mark.parametrize("seed", [0, 1, 3, 4, 5, 6, 7, 8, 9, 10])
def test_elements_drawn_twice(seed):
    assert_agrees(random_forest(np.random.default_rng(seed), double=0.3), 1e-8)


def test_a_prior_on_an_element_that_a_factor_draws():
    def problem(covariance):
        nothing = np.zeros((2, 1)), np.zeros((2, 1, 1))
        unary = GaussianUnary(*nothing, np.array([0, 1]), np.array([[1.0], [2.0]]), covariance)
        return Problem([2], [1], [Factors((0, np.array([1])), ((0, np.array([0])),))], [unary],
                       [GaussianKernelArrays((None,), None, np.ones((1, 1, 1)))])
    assert_agrees(problem(np.array([[[2.0]], [[3.0]]])))
    singular = problem(np.array([[[2.0]], [[0.0]]]))
    with pytest.raises(ImproperError, match=r"element 1 of array 0 .* drawn twice"):
        GaussianForest([2], [1], singular.families).solve(singular.unary, singular.kernels)


def two_filters(a, q, r, y, m0, p0):
    """Marginal means and variances of a scalar chain, exactly, in fractions."""
    n = len(y)
    a, q, y = ([Fraction(float(v)) for v in values] for values in (a, q, y))
    J = [Fraction(1) / Fraction(float(v)) for v in r]
    forward, backward = [(Fraction(m0), Fraction(p0))], [(Fraction(0), Fraction(0))] * n
    for t in range(n - 1):
        m, p = forward[-1]
        D = 1 / (1 + p * J[t])
        forward.append((a[t] * D * (m + p * J[t] * y[t]), a[t] ** 2 * D * p + q[t]))
    for t in range(n - 2, -1, -1):
        eta, lam = backward[t + 1]
        eta, lam = eta + J[t + 1] * y[t + 1], lam + J[t + 1]
        D = 1 / (1 + q[t] * lam)
        backward[t] = (a[t] * D * eta, a[t] ** 2 * D * lam)
    means, variances = [], []
    for t in range(n):
        (m, p), (eta, lam) = forward[t], backward[t]
        D = 1 / (1 + p * (lam + J[t]))
        means.append(float(D * (m + p * (eta + J[t] * y[t]))))
        variances.append(float(D * p))
    return np.array(means), np.array(variances)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("exponent", [0, 6, 12])
def test_scalar_chains_against_fractions(seed, exponent):
    rng = np.random.default_rng(seed)
    n = 60
    q, r = 10.0 ** rng.uniform(-exponent, exponent, n - 1), 10.0 ** rng.uniform(-exponent, exponent, n)
    if seed % 2:
        q[rng.random(n - 1) < 0.2] = 0.0
    a, y = rng.choice([1.0, -0.5, 0.9], n - 1), rng.normal(size=n) + 5.0
    means, variances = two_filters(a, q, r, y, 0.0, 100.0)
    J = (1.0 / r)[:, None, None]
    unary = GaussianUnary(J[:, 0] * y[:, None], J, np.array([0]), np.zeros((1, 1)), np.full((1, 1, 1), 100.0))
    beliefs = chain(n).solve([unary], [GaussianKernelArrays((a[:, None, None],), None, q[:, None, None])])
    np.testing.assert_allclose(beliefs.covariance[0][:, 0, 0], variances, rtol=1e-12)
    assert (np.abs(beliefs.mean[0][:, 0] - means) <= 1e-11 * (np.abs(means) + np.sqrt(variances))).all()


def chain(n, d=1, ids=None):
    ids = np.arange(n) if ids is None else ids
    return GaussianForest([n], [d], [Factors((0, ids[1:]), ((0, ids[:-1]),))])


def test_a_long_permuted_path_equals_the_ordered_one():
    rng = np.random.default_rng(0)
    n, d = 3000, 2
    ids = rng.permutation(n)
    A, L = rng.normal(size=(n - 1, d, d)) * 0.7, rng.normal(size=(n - 1, d, d))
    kernel = GaussianKernelArrays((A,), rng.normal(size=(n - 1, d)), L @ L.swapaxes(1, 2))
    J = np.broadcast_to(np.eye(d), (n, d, d))
    eta = rng.normal(size=(n, d))
    plain = chain(n, d).solve([GaussianUnary(eta, J)], [kernel])
    scattered = np.empty_like(eta)
    scattered[ids] = eta
    permuted = chain(n, d, ids).solve([GaussianUnary(scattered, J)], [kernel])
    np.testing.assert_allclose(permuted.mean[0][ids], plain.mean[0], atol=1e-10)
    np.testing.assert_allclose(permuted.covariance[0][ids], plain.covariance[0], atol=1e-10)
    np.testing.assert_allclose(permuted.joint(0)[4], plain.joint(0)[4], atol=1e-10)


def test_a_star_of_many_leaves():
    n = 100_000
    rng = np.random.default_rng(2)
    forest = GaussianForest([1, n], [1, 1], [Factors((1, np.arange(n)), ((0, np.zeros(n, dtype=int)),))])
    precision = rng.gamma(1.0, size=n)
    y = rng.normal(size=n)
    leaves = GaussianUnary((precision * y)[:, None], precision[:, None, None])
    one = np.ones((1, 1, 1))
    hub = GaussianUnary(np.zeros((1, 1)), 0.0 * one, np.array([0]), np.zeros((1, 1)), one)
    beliefs = forest.solve([hub, leaves], [GaussianKernelArrays((None,), None, 0.5 * one)])
    told = precision / (1 + 0.5 * precision)
    variance = 1 / (1 + told.sum())
    assert beliefs.covariance[0][0, 0, 0] == pytest.approx(variance, rel=1e-11)
    assert beliefs.mean[0][0, 0] == pytest.approx(variance * (told * y).sum(), rel=1e-9)
    (message,) = beliefs.in_messages(0)
    np.testing.assert_allclose(message.matrix[:, 0, 0], 1 / (1 + told.sum() - told), rtol=1e-10)
    D = 1 / (1 + 0.5 * precision)
    np.testing.assert_allclose(beliefs.covariance[1][:, 0, 0], D * 0.5 + D**2 * variance, rtol=1e-9)


def test_cavities_beside_an_overwhelming_neighbour():
    """The cavity without the strong leaf must not be the total minus its own, which cancels."""
    y = GaussianUnary(np.array([[1e16], [1.0], [2.0]]), np.array([[[1e16]], [[1.0]], [[3.0]]]))
    hub = GaussianUnary(np.zeros((1, 1)), np.zeros((1, 1, 1)), np.array([0]), np.zeros((1, 1)), np.ones((1, 1, 1)))
    forest = GaussianForest([1, 3], [1, 1], [Factors((1, np.arange(3)), ((0, np.zeros(3, dtype=int)),))])
    (message,) = forest.solve([hub, y], [GaussianKernelArrays((None,), None, None)]).in_messages(0)
    np.testing.assert_allclose(message.matrix[0, 0, 0], 1 / 5.0, rtol=1e-14)


def test_empty_families_single_elements_and_isolated_variables():
    none = np.empty(0, dtype=np.intp)
    families = [Factors((0, none), ((1, none),)), Factors((1, none), ((1, none), (0, none)))]
    forest = GaussianForest([1, 2], [2, 1], families)
    unary = [GaussianUnary(np.array([[2.0, 0.0]]), np.diag([2.0, 4.0])[None]),
             GaussianUnary(np.array([[1.0], [3.0]]), np.ones((2, 1, 1)))]
    kernels = [GaussianKernelArrays((np.zeros((0, 2, 1)),), None, None),
               GaussianKernelArrays((None, np.zeros((0, 1, 2))), None, np.zeros((0, 1, 1)))]
    beliefs = forest.solve(unary, kernels)
    np.testing.assert_allclose(beliefs.mean[0], [[1.0, 0.0]])
    np.testing.assert_allclose(beliefs.mean[1], [[1.0], [3.0]])
    assert beliefs.joint(0)[4].shape == (0, 2, 1)
    assert beliefs.joint(1)[4].shape == (0, 1, 2)


@pytest.mark.parametrize("out, into", [([0, 1], [1, 0]), ([0], [0]), ([1, 2, 3, 0], [0, 1, 2, 3])])
def test_cycles_are_refused(out, into):
    with pytest.raises(CycleError):
        GaussianForest([4], [1], [Factors((0, np.array(out)), ((0, np.array(into)),))])


def test_a_family_with_both_inputs_the_same_is_a_cycle():
    with pytest.raises(CycleError):
        GaussianForest([2], [1], [Factors((0, np.array([0])), ((0, np.array([1])), (0, np.array([1]))))])
