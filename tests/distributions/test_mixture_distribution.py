"""MixtureDistribution against sums over its components."""

import copy
import pickle

import numpy as np
import pytest

from reactivepgm.distributions import (
    Beta,
    GammaShapeRate,
    MixtureDistribution,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    PointMass,
    ProductOfDensities,
    Uninformative,
    product,
)
from reactivepgm.errors import InvalidParameterError, ProductError

TWO = MixtureDistribution([0.25, 0.75], NormalMeanVariance([-1.0, 3.0], [1.0, 0.5]))
ROWS = MixtureDistribution([[0.25, 0.75], [0.5, 0.5]], NormalMeanVariance([[-1.0, 3.0], [0.0, 1.0]], 1.0))
VECTORS = MixtureDistribution([0.5, 0.5], MvNormalMeanCovariance([[0.0, 1.0], [2.0, 3.0]], np.eye(2)))


def test_moments_density_and_draws():
    assert TWO.mean == pytest.approx(2.0)
    assert TWO.variance == pytest.approx(0.25 * (1.0 + 9.0) + 0.75 * (0.5 + 1.0))
    p = 0.25 * np.exp(TWO.components[0].log_pdf(0.3)) + 0.75 * np.exp(TWO.components[1].log_pdf(0.3))
    assert np.exp(TWO.log_pdf(0.3)) == pytest.approx(p)
    x = TWO.sample(np.random.default_rng(0), 20_000)
    assert abs(x.mean() - 2.0) < 6 * np.sqrt(TWO.variance / 20_000)
    assert VECTORS.mean.tolist() == [1.0, 2.0]
    assert VECTORS.sample(np.random.default_rng(0), 3).shape == (3, 2)
    assert VECTORS.log_pdf(np.zeros((4, 2))).shape == (4,)
    with pytest.raises(ProductError, match="closed form"):
        TWO.entropy()


def test_rows():
    assert ROWS.batch_shape == (2,)
    assert ROWS[0].mean == ROWS.mean[0] == pytest.approx(2.0)
    assert ROWS.broadcast_to((3, 2))[1, 0] == ROWS[0]
    assert ROWS.sample(np.random.default_rng(0), 5).shape == (5, 2)
    assert ROWS.log_pdf(0.0)[1] == pytest.approx(ROWS[1].log_pdf(0.0))
    for twin in (copy.deepcopy(ROWS), pickle.loads(pickle.dumps(ROWS))):
        assert twin == ROWS
    assert ROWS != TWO
    with pytest.raises(InvalidParameterError, match="do not fit"):
        MixtureDistribution([0.2, 0.3, 0.5], NormalMeanVariance([0.0, 1.0], 1.0))


def test_products():
    x = np.linspace(-20.0, 20.0, 40001)
    other = NormalMeanVariance(0.5, 2.0)
    p = np.exp(TWO.log_pdf(x) + other.log_pdf(x))
    for both in (product(TWO, other), product(other, TWO)):
        assert both.mean == pytest.approx((p * x).sum() / p.sum())
        assert both.variance == pytest.approx((p * (x - both.mean) ** 2).sum() / p.sum())
    rows = product(ROWS, NormalMeanVariance([0.5, 1.0], 2.0))
    assert rows[0].mean == pytest.approx(product(ROWS[0], other).mean)
    assert product(TWO, Uninformative()) is TWO
    assert product(PointMass(1.0), TWO) == PointMass(1.0)
    assert isinstance(product(TWO, TWO), ProductOfDensities)
    assert isinstance(product(TWO, GammaShapeRate(1.0, 1.0)), ProductOfDensities)
    coins = product(MixtureDistribution([0.5, 0.5], Beta([7.0, 2.0], [2.0, 7.0])), Beta(4.0, 8.0))
    assert coins.weights[1] / coins.weights[0] == pytest.approx(np.exp(2.323787), rel=1e-6)
