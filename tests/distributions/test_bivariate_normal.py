"""The normal of two numbers against the same normal by matrices, alone and in batches, certain directions included."""

import numpy as np
import pytest

from reactivepgm.distributions import BivariateNormal, MvNormalMeanCovariance, product
from reactivepgm.plan.symbols import Tape

RNG = np.random.default_rng(3)
U, V = RNG.gamma(2.0, size=5), RNG.gamma(2.0, size=5)
ROWS = BivariateNormal(RNG.normal(size=5), RNG.normal(size=5), U, 0.7 * np.sqrt(U * V), V)
SINGLE = BivariateNormal(1.0, -0.5, 2.0, 0.6, 0.3)


def by_matrices(pair):
    return MvNormalMeanCovariance(pair.mean, pair.covariance)


@pytest.mark.parametrize("pair", [SINGLE, ROWS, BivariateNormal(1.0, 0.0, U, 0.1 * U, 2.0 * U)], ids=["one", "rows", "mixed"])
def test_everything_is_that_of_the_matrices(pair):
    whole = by_matrices(pair)
    assert (pair.batch_shape, pair.event_shape) == (whole.batch_shape, (2,))
    for name in ("mean", "covariance", "precision", "weighted_mean", "variance", "mode"):
        np.testing.assert_allclose(getattr(pair, name), getattr(whole, name), rtol=1e-12)
    np.testing.assert_allclose(pair.entropy(), whole.entropy(), rtol=1e-12)
    np.testing.assert_allclose(pair.log_pdf([0.3, 0.4]), whole.log_pdf([0.3, 0.4]), rtol=1e-12)
    both = product(pair, whole)
    np.testing.assert_allclose(both.precision, 2.0 * whole.precision, rtol=1e-9)


def test_the_square_gap_is_that_of_draws():
    draws = SINGLE.sample(np.random.default_rng(0), 200_000)
    assert np.mean((draws[:, 0] - draws[:, 1]) ** 2) == pytest.approx(SINGLE.square_gap, rel=0.02)


def test_rows():
    assert ROWS[2].covariance == pytest.approx(ROWS.covariance[2])
    assert ROWS[1:3].batch_shape == (2,)
    assert SINGLE.broadcast_to((4,)).mean.shape == (4, 2)
    assert type(SINGLE.entropy()) is float


def test_what_follows_from_the_other_has_no_entropy():
    assert BivariateNormal(0.0, 0.0, 1.0, 1.0, 1.0).entropy() == -np.inf
    assert BivariateNormal(0.0, 0.0, 0.0, 0.0, 1.0).entropy() == -np.inf


def test_symbols_pass_through():
    tape = Tape()
    pair = BivariateNormal._of(*(tape.leaf(name) for name in "abcde"))
    assert pair.batch_shape == ()
    assert {type(value).__name__ for value in (pair.entropy(), pair.square_gap)} == {"Symbol"}
