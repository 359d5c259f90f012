"""Chains by LAPACK's factorisations against chains by composition of kernels, and the guard between the two."""

from __future__ import annotations

import numpy as np
import pytest

from reactivepgm.plan import gaussian_chain
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary
from reactivepgm.plan.gaussian_chain import Chain
from reactivepgm.plan.gaussian_forest import GaussianForest
from reactivepgm.plan.gaussian_tridiagonal import tridiagonal_messages


def random_chain(rng, m, *, spread=0.0, missing=0.0, cuts=0):
    """A scalar chain of m gaps, its scales within ten to the plus or minus ``spread``."""
    def scale(k):
        return 10.0 ** rng.uniform(-spread, spread, k)

    J = scale(m + 1)
    J[rng.random(m + 1) < missing] = 0.0
    left = np.where(rng.random(m) < 0.3, scale(m) * (J[:m] > 0), 0.0)
    A = rng.choice([1.0, -0.7, 0.9, 1.1], m)
    A[rng.choice(m, min(cuts, m), replace=False)] = 0.0
    one = (slice(None), *([None] * 2))
    return Chain(left[one].T, (left * rng.normal(size=m))[None], A[one].T, -scale(m)[one].T, rng.normal(size=(1, m)),
                 J[one].T, (J * rng.normal(size=m + 1))[None])


def both_ways(chain, monkeypatch, C0=2.0):
    start = np.full((1, 1, 1), C0), np.full((1, 1), 0.5)
    logs = [], []
    one = chain.messages(*start, logs[0])
    with monkeypatch.context() as patch:
        patch.setattr(gaussian_chain, "tridiagonal_messages", lambda *_: None)
        two = chain.messages(*start, logs[1])
    return one, two, [sum(float(term.sum()) for term in log) for log in logs]


def factorised(chain, C0=2.0):
    return tridiagonal_messages((chain.left[0, 0], chain.left_vector[0]),
                                (chain.cross[0, 0], -chain.right_vector[0], -chain.right[0, 0]),
                                (chain.J[0, 0], chain.eta[0]), (C0, 0.5))


def assert_same(one, two, tolerance=1e-11):
    (H, s), (K, k) = two
    deviation, root = np.sqrt(-H[0]), np.sqrt(K[0])
    np.testing.assert_allclose(one[0][0], H, rtol=tolerance)
    assert (np.abs(one[0][1] - s) <= tolerance * (deviation + np.abs(s))).all()
    np.testing.assert_allclose(one[1][0], K, rtol=tolerance)
    assert (np.abs(one[1][1] - k) <= tolerance * (root + np.abs(k))).all()


@pytest.mark.parametrize("m", [1, 2, 3, 16, 61, 200])
@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_factorised_and_composed_chains_agree(m, spread, seed, monkeypatch):
    chain = random_chain(np.random.default_rng(seed), m, spread=spread, cuts=seed)
    assert factorised(chain) is not None
    one, two, logs = both_ways(chain, monkeypatch)
    assert_same(one, two)
    assert logs[0] == pytest.approx(logs[1], rel=1e-11)


@pytest.mark.parametrize("missing", [0.2, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(6))
def test_stretches_without_information(missing, seed, monkeypatch):
    chain = random_chain(np.random.default_rng(seed), 40, missing=missing, cuts=seed % 3)
    one, two, logs = both_ways(chain, monkeypatch)
    assert_same(one, two)
    assert ((one[1][0] == 0.0) == (two[1][0] == 0.0)).all()
    assert logs[0] == pytest.approx(logs[1], rel=1e-11, abs=1e-11)


def test_a_forecast_hears_exactly_nothing_from_the_future():
    chain = random_chain(np.random.default_rng(0), 30)
    chain.J[..., 20:], chain.left[..., 20:], chain.eta[..., 20:], chain.left_vector[..., 20:] = 0.0, 0.0, 0.0, 0.0
    found = factorised(chain)
    assert found is not None
    _, (precision, weighted) = found
    assert (precision[19:] == 0.0).all()
    assert (weighted[19:] == 0.0).all()
    assert (precision[:19] > 0.0).all()


@pytest.mark.parametrize("change", ["singular kernel", "known start", "tiny noise", "overflow", "no number"])
def test_the_guard_prefers_kernels(change):
    chain = random_chain(np.random.default_rng(1), 30)
    assert factorised(chain) is not None
    if change == "singular kernel":
        chain.right[..., 3] = 0.0
    elif change == "tiny noise":
        chain.right[..., 3] = -1e-9
    elif change == "overflow":
        chain.right[..., 3] = -1e-310
    elif change == "no number":
        chain.J[..., 3] = np.nan
    assert factorised(chain, 0.0 if change == "known start" else 2.0) is None


@pytest.mark.parametrize("seed", range(20))
def test_whatever_passes_the_guard_is_accurate(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    for spread in (2.0, 3.0, 6.0, 12.0):
        chain = random_chain(rng, int(rng.integers(1, 12)), spread=spread, missing=rng.choice([0.0, 0.5]))
        if factorised(chain) is not None:
            one, two, _ = both_ways(chain, monkeypatch)
            assert_same(one, two, 5e-11)


def test_a_long_walk_against_its_stationary_variance():
    """Far from both ends the posterior variance of a walk observed at unit precision is 1 / sqrt(5)."""
    n = 2001
    forest = GaussianForest([n], [1], [Factors((0, np.arange(1, n)), ((0, np.arange(n - 1)),))])
    beliefs = forest.solve(
        [GaussianUnary(np.zeros((n, 1)), np.ones((n, 1, 1)), np.array([0]), np.zeros((1, 1)), np.full((1, 1, 1), 100.0))],
        [GaussianKernelArrays((None,), None, np.ones((1, 1, 1)))])
    assert beliefs.covariance[0][n // 2, 0, 0] == pytest.approx(1 / np.sqrt(5), rel=1e-14)


def random_vector_chain(rng, m, d, *, missing=0.0, observed=None, spread=0.0):
    """A chain of full matrices; of each variable ``observed`` linear combinations are seen."""
    def definite(n):
        L = rng.normal(size=(d, d, n))
        return np.einsum("ijn,kjn->ikn", L, L) + 0.3 * np.eye(d)[:, :, None]

    H = rng.normal(size=(d if observed is None else observed, d, m + 1))
    H[..., rng.random(m + 1) < missing] = 0.0
    scale = 10.0 ** rng.uniform(-spread, spread, (d, m))
    J = np.einsum("jin,jkn->ikn", H, H)
    eta = np.einsum("jin,jn->in", H, rng.normal(size=(H.shape[0], m + 1)))
    return Chain(np.zeros((d, d, m)), np.zeros((d, m)), rng.normal(size=(d, d, m)) / np.sqrt(d),
                 -definite(m) * scale[:, None] * scale[None], rng.normal(size=(d, m)), J, eta)


def vectors_both_ways(chain, monkeypatch):
    """Messages and evidence by factorisation and by kernels, and whether the first was accepted."""
    d = chain.left.shape[0]
    start, logs, used = (2.0 * np.eye(d)[:, :, None], np.full((d, 1), 0.5)), ([], []), []
    original = gaussian_chain.both_sides

    def noted(*arguments):
        used.append(original(*arguments))
        return used[-1]

    with monkeypatch.context() as patch:
        patch.setattr(gaussian_chain, "both_sides", noted)
        one = chain.messages(*start, logs[0])
        patch.setattr(gaussian_chain, "both_sides", lambda *_: None)
        two = chain.messages(*start, logs[1])
    for x, y in zip((*one[0], *one[1]), (*two[0], *two[1]), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-11 * (1.0 + np.abs(y).max()), rtol=1e-11)
    totals = [sum(float(term.sum()) for term in log) for log in logs]
    assert totals[0] == pytest.approx(totals[1], rel=1e-11, abs=1e-11)
    return used[0] is not None


@pytest.mark.parametrize("m", [1, 2, 3, 40])
@pytest.mark.parametrize("d", [2, 4, 8])
@pytest.mark.parametrize("seed", range(3))
def test_factorised_and_composed_vector_chains_agree(m, d, seed, monkeypatch):
    assert vectors_both_ways(random_vector_chain(np.random.default_rng(seed), m, d), monkeypatch)


@pytest.mark.parametrize("missing", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_vector_chains_seen_in_one_direction_at_a_time(missing, seed, monkeypatch):
    rng = np.random.default_rng(seed)
    vectors_both_ways(random_vector_chain(rng, 25, 3, missing=missing, observed=1), monkeypatch)


@pytest.mark.parametrize("seed", range(4))
def test_vector_chains_of_wide_scales_fall_back(seed, monkeypatch):
    chain = random_vector_chain(np.random.default_rng(seed), 20, 2, spread=6.0)
    assert not vectors_both_ways(chain, monkeypatch)


def test_vector_chains_of_singular_kernels_fall_back(monkeypatch):
    chain = random_vector_chain(np.random.default_rng(0), 20, 3)
    chain.right[..., 7] = -np.diag([1.0, 1.0, 0.0])
    assert not vectors_both_ways(chain, monkeypatch)
    chain.right[..., 7] = -np.ones((3, 3))
    assert not vectors_both_ways(chain, monkeypatch)
