"""Modes against closed forms, at bounds, and where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactivepgm.approximations import WeightedSamples, mode_of, weighted_samples
from reactivepgm.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    GammaShapeRate,
    LogDensity,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    PointMass,
    ProductOfDensities,
    Uniform,
    Wishart,
)
from reactivepgm.errors import ImproperPosteriorError, InvalidParameterError, ProductError

FLAT = LogDensity(lambda x: 0.0 * x)


@pytest.mark.parametrize(
    ("belief", "expected"),
    [
        (GammaShapeRate([3.0, 1.0], 4.0), PointMass([0.5, 0.0], event_rank=0)),
        (Beta(3.0, 2.0), PointMass(2.0 / 3.0)),
        (Beta(3.0, 1.0), PointMass(1.0)),
        (Bernoulli(0.8), PointMass(1.0)),
        (Categorical([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2]]), PointMass([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], event_rank=1)),
        (Dirichlet([2.0, 4.0]), PointMass([0.25, 0.75])),
        (Wishart(5.0, np.eye(2)), PointMass(2.0 * np.eye(2))),
        (PointMass(3.0), PointMass(3.0)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_closed_forms(belief, expected):
    found = mode_of(belief)
    np.testing.assert_allclose(found.value, expected.value, rtol=1e-15)
    assert found.event_shape == expected.event_shape and found.batch_shape == expected.batch_shape


@pytest.mark.parametrize(
    ("belief", "bounds", "expected"),
    [
        (GammaShapeRate(3.0, 4.0), (1.0, 5.0), 1.0),
        (GammaShapeRate(3.0, 4.0), (0.1, 0.2), 0.2),
        (GammaShapeRate(0.5, 4.0), (1e-3, 9.0), 1e-3),
        (NormalMeanVariance([-1.0, 0.3, 9.0], 1.0), (0.0, 1.0), [0.0, 0.3, 1.0]),
        (ProductOfDensities((NormalMeanVariance(5.0, 1.0), LogDensity(lambda x: -x))), (0.0, 1.0), 1.0),
        (ProductOfDensities((GammaShapeRate(2.0, 1.0), LogDensity(lambda x: -9.0 * x))), (0.5, np.inf), 0.5),
        (ProductOfDensities((Uniform(0.0, 2.0), LogDensity(lambda x: 3.0 * x))), (-np.inf, np.inf), 2.0),
    ],
)
def test_modes_at_the_bounds(belief, bounds, expected):
    np.testing.assert_allclose(mode_of(belief, bounds).value, expected, rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.floats(1.01, 1e5), st.floats(1e-6, 1e6))
def test_optimisation_finds_the_closed_form(shape, rate):
    held = ProductOfDensities((GammaShapeRate(shape, rate), FLAT))
    # The height is flat to second order: half the digits of a height of some hundreds are what its values can tell.
    deviation = np.sqrt(shape) / rate
    assert abs(mode_of(held).value - (shape - 1.0) / rate) <= 1e-4 * deviation


def test_optimisation_over_rows_and_vectors():
    mean = np.array([[1.0, -2.0], [30.0, 4.0]])
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    normal = MvNormalMeanCovariance(mean, covariance)
    held = ProductOfDensities((normal, LogDensity(lambda x: 0.0 * x[..., 0], event_shape=(2,))))
    np.testing.assert_allclose(mode_of(held).value, mean, atol=1e-6)
    bounded = mode_of(MvNormalMeanCovariance(mean[0], covariance), (0.0, 9.0)).value
    # On the face x2 = 0 the mean of x1 given x2 = 0 is 1 + 0.5 (0 + 2).
    np.testing.assert_allclose(bounded, [2.0, 0.0], atol=1e-6)


@pytest.mark.parametrize(
    "belief",
    [GammaShapeRate(0.5, 1.0), Beta(0.5, 0.5), Dirichlet([0.5, 0.5]), LogDensity(lambda x: x), FLAT],
    ids=lambda belief: type(belief).__name__,
)
def test_where_there_is_no_mode(belief):
    with pytest.raises(ImproperPosteriorError, match="bounds"):
        mode_of(belief)


def test_contradicting_bounds():
    with pytest.raises(ProductError, match="no value lies between"):
        mode_of(ProductOfDensities((GammaShapeRate(2.0, 1.0), FLAT)), (-2.0, -1.0))


# -- weighted samples


def test_importance_sampling_within_its_error():
    prior, tilt = NormalMeanVariance(1.0, 4.0), NormalMeanVariance(3.0, 2.0)
    samples = weighted_samples(ProductOfDensities((prior, LogDensity(tilt.log_pdf))), 40_000, seed=3)
    variance = 1.0 / (0.25 + 0.5)
    error = np.sqrt(variance / samples.effective_size)
    assert abs(samples.mean - variance * (0.25 + 1.5)) < 4.0 * error
    assert abs(samples.variance - variance) < 4.0 * variance * np.sqrt(2.0 / samples.effective_size)
    assert abs(samples.entropy() - NormalMeanVariance(0.0, variance).entropy()) < 0.02


def test_the_same_seed_draws_the_same_points():
    belief = ProductOfDensities((NormalMeanVariance([0.0, 1.0], 1.0), LogDensity(lambda x: -(x**4))))
    one, other = weighted_samples(belief, 100, seed=1), weighted_samples(belief, 100, seed=1)
    assert one == other and one != weighted_samples(belief, 100, seed=2)
    assert one.batch_shape == (2,) and one[0].batch_shape == () and one[0].points.shape == (100,)
    np.testing.assert_allclose(one[1].mean, one.mean[1])


def test_the_best_proposal_is_taken():
    narrow, wide = NormalMeanVariance(0.0, 1e-4), GammaShapeRate(1.0, 1.0)
    samples = weighted_samples(ProductOfDensities((wide, narrow)), 1000)
    assert samples.effective_size > 400


def test_samples_that_cannot_be_had():
    with pytest.raises(ProductError, match="none of the messages can be sampled"):
        weighted_samples(ProductOfDensities((FLAT, LogDensity(lambda x: -x))), 10)
    with pytest.raises(ProductError, match="no sample"):
        weighted_samples(ProductOfDensities((NormalMeanVariance(0.0, 1.0), LogDensity(lambda x: x, (50.0, 51.0)))), 10)
    with pytest.raises(ProductError, match="has no density"):
        WeightedSamples([1.0], [1.0]).log_pdf(1.0)
    for weights in ([-1.0, 2.0], [0.0, 0.0], [np.nan, 1.0], [1.0]):
        with pytest.raises(InvalidParameterError):
            WeightedSamples([1.0, 2.0], weights)


def test_moments_of_samples():
    belief = WeightedSamples([[1.0, 2.0, 4.0], [1.0, 1.0, 2.0]], [[1.0, 2.0, 1.0], [1.0, 1.0, 2.0]])
    np.testing.assert_allclose(belief.mean, [2.25, 1.5])
    np.testing.assert_allclose(belief.variance, [1.1875, 0.25])
    np.testing.assert_allclose(belief.mean_log, [np.log([1, 2, 2, 4]).mean(), 0.5 * np.log(2)])
    np.testing.assert_allclose(belief.mean_inverse, [0.25 + 0.25 + 0.0625, 0.75])
    np.testing.assert_allclose(belief.mode, [2.0, 2.0])
    drawn = belief.sample(np.random.default_rng(1), 4000)
    assert drawn.shape == (4000, 2)
    np.testing.assert_allclose(drawn.mean(axis=0), belief.mean, atol=0.1)
    vectors = WeightedSamples(np.arange(12.0).reshape(2, 3, 2), np.ones((2, 3)))
    assert vectors.mean.shape == (2, 2) and vectors.covariance.shape == (2, 2, 2) and vectors.event_shape == (2,)
    assert vectors.sample(np.random.default_rng(1)).shape == (2, 2)
    assert vectors.mode.shape == (2, 2)
