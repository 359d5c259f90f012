"""Relays left out of a contraction change nothing: the whole forest, relays and all, is the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_beliefs import GaussianBeliefs
from reactivepgm.plan.gaussian_forest import GaussianForest
from reactivepgm.plan.gaussian_leaves import PooledForest
from reactivepgm.plan.gaussian_relays import RelayedBeliefs, RelayedForest

N, D = 7, 3
SIZES, DIMS = [N, N - 1, N, N], [D, 2, 2, 2]
STEP, SEEN = np.arange(1, N), np.arange(N)
FAMILIES = [
    Factors((1, np.arange(N - 1)), ((0, STEP - 1),)),  # relay = A x[:-1] + b
    Factors((0, STEP), ((1, np.arange(N - 1)),)),  # x[1:] ~ N(B relay + c, C)
    Factors((2, SEEN), ((0, SEEN),)),  # seen = H x
    Factors((3, SEEN), ((2, SEEN),)),  # y ~ N(seen, R)
]
NOISELESS = [True, False, True, False]


def spread(rng: np.random.Generator, *shape: int, rank: int | None = None) -> np.ndarray:
    *batch, d = shape
    root = rng.normal(size=(*batch, d, d if rank is None else rank))
    return root @ root.swapaxes(-1, -2)


def problem(seed: int, rows: bool, noise: int | None, prior: bool) -> tuple[list[GaussianUnary], list[GaussianKernelArrays]]:
    rng = np.random.default_rng(seed)
    n, m = (N - 1, N) if rows else (1, 1)
    kernels = [
        GaussianKernelArrays((rng.normal(size=(n, 2, D)),), rng.normal(size=(n, 2))),
        GaussianKernelArrays((rng.normal(size=(n, D, 2)),), rng.normal(size=(n, D)), spread(rng, n, D, rank=noise)),
        GaussianKernelArrays((rng.normal(size=(m, 2, D)),), rng.normal(size=(m, 2))),
        GaussianKernelArrays((None,), None, spread(rng, m, 2)),
    ]
    first = np.array([0])
    known = (first, rng.normal(size=(1, D)), spread(rng, 1, D)) if prior else (None, None, None)
    return [
        GaussianUnary(np.zeros((N, D)), np.zeros((N, D, D)), *known),
        GaussianUnary.flat(N - 1, 2),
        GaussianUnary.flat(N, 2),
        GaussianUnary(rng.normal(size=(N, 2)), spread(rng, N, 2)),
    ], kernels


def compare(found: RelayedBeliefs | GaussianBeliefs, whole: GaussianBeliefs, families: range) -> None:
    close = {"rtol": 1e-8, "atol": 1e-9}
    for array in range(len(SIZES)):
        np.testing.assert_allclose(found.mean[array], whole.mean[array], **close)
        np.testing.assert_allclose(found.covariance[array], whole.covariance[array], **close)
    for family in families:
        for one, other in zip(found.joint(family), whole.joint(family), strict=True):
            np.testing.assert_allclose(one, other, **close)
        for one, other in zip(found.out_information(family), whole.out_information(family), strict=True):
            np.testing.assert_allclose(one, other, **close)
        (one,), (other,) = found.in_messages(family), whole.in_messages(family)
        np.testing.assert_array_equal(one.moment, other.moment)
        np.testing.assert_allclose(one.vector, other.vector, **close)
        np.testing.assert_allclose(one.matrix, other.matrix, **close)
        np.testing.assert_allclose(
            found.conditional_entropy_terms(family), whole.conditional_entropy_terms(family), **close
        )
    np.testing.assert_allclose(found.log_partition, whole.log_partition, **close)


@pytest.mark.parametrize("noise", [None, 1], ids=["noise", "singular noise"])
@pytest.mark.parametrize("rows", [False, True], ids=["shared", "row by row"])
@pytest.mark.parametrize("seed", range(3))
def test_everything_that_is_asked_of_a_forest(seed: int, rows: bool, noise: int | None) -> None:
    unary, kernels = problem(seed, rows, noise, prior=True)
    forest = RelayedForest(SIZES, DIMS, FAMILIES, NOISELESS)
    assert [relay.array for relay in forest.relays] == [1, 2]
    found = forest.solve(unary, kernels)
    assert isinstance(found, RelayedBeliefs)
    assert found.is_pending(1)
    assert not found.is_pending(0)
    compare(found, GaussianForest(SIZES, DIMS, FAMILIES).solve(unary, kernels), range(4))


def test_no_prior_at_the_root() -> None:
    """Messages in information form behind a relay come from the whole forest."""
    unary, kernels = problem(5, True, None, prior=False)
    kernels[0] = GaussianKernelArrays((np.random.default_rng(1).normal(size=(N - 1, 2, D)),))
    unary[0] = GaussianUnary(np.ones((N, D)), np.broadcast_to(0.1 * np.eye(D), (N, D, D)))
    whole = GaussianForest(SIZES, DIMS, FAMILIES).solve(unary, kernels)
    compare(RelayedForest(SIZES, DIMS, FAMILIES, NOISELESS).solve(unary, kernels), whole, range(4))


def test_what_is_told_to_a_relay_is_heard() -> None:
    unary, kernels = problem(2, False, None, prior=True)
    unary[1] = GaussianUnary(np.ones((N - 1, 2)), np.broadcast_to(np.eye(2), (N - 1, 2, 2)))
    found = RelayedForest(SIZES, DIMS, FAMILIES, NOISELESS).solve(unary, kernels)
    compare(found, GaussianForest(SIZES, DIMS, FAMILIES).solve(unary, kernels), range(4))


def test_noise_where_none_was_announced() -> None:
    unary, kernels = problem(3, False, None, prior=True)
    kernels[0] = GaussianKernelArrays(kernels[0].matrices, kernels[0].offset, np.eye(2)[None])
    found = RelayedForest(SIZES, DIMS, FAMILIES, NOISELESS).solve(unary, kernels)
    compare(found, GaussianForest(SIZES, DIMS, FAMILIES).solve(unary, kernels), range(4))


def test_leaves_and_relays_together() -> None:
    """The last arrays hang on others, in the pooled forest, where the transition has its relay."""
    unary, kernels = problem(4, False, None, prior=True)
    sizes, dims, families = [N, N - 1, 40], [D, 2, 2], [*FAMILIES[:2], Factors((2, np.arange(40)), ((0, np.zeros(40, int)),))]
    rng = np.random.default_rng(9)
    told = GaussianUnary(rng.normal(size=(40, 2)), spread(rng, 40, 2))
    found = PooledForest(sizes, dims, families, NOISELESS[:3]).solve([*unary[:2], told], kernels[:3])
    whole = GaussianForest(sizes, dims, families).solve([*unary[:2], told], kernels[:3])
    for array in (2, 1, 0):
        assert found.is_pending(array) is (array > 0)
        np.testing.assert_allclose(found.mean[array], whole.mean[array], rtol=1e-8)
        np.testing.assert_allclose(found.covariance[array], whole.covariance[array], rtol=1e-8, atol=1e-10)
    for family in range(3):
        for one, other in zip(found.joint(family), whole.joint(family), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.log_partition, whole.log_partition)


def test_an_element_that_nothing_determines_keeps_its_number() -> None:
    unary, kernels = problem(6, False, None, prior=False)
    sizes, families = [N, N - 1], FAMILIES[:2]
    with pytest.raises(ImproperError) as caught:
        RelayedForest(sizes, DIMS[:2], families, NOISELESS[:2]).solve(unary[:2], kernels[:2])
    assert caught.value.array == 0
