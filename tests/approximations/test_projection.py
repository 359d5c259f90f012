"""Projections against adaptive quadrature, against themselves, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy.special import digamma, expit

from reactivepgm.approximations import WeightedSamples, project
from reactivepgm.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    Gamma,
    GammaShapeLikelihood,
    GammaShapeRate,
    InverseGamma,
    LogDensity,
    MvNormal,
    MvNormalMeanCovariance,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    PointMass,
    ProductOfDensities,
    Uniform,
)
from reactivepgm.errors import ConstraintError, ImproperPosteriorError, InferenceError, ProductError

LOGNORMAL = LogDensity(lambda x: -0.5 * (np.log(x) - 0.4) ** 2 / 0.3 - np.log(x), (0.0, np.inf))
LOGISTIC = LogDensity(lambda x: np.log(expit(3.0 * x)))


def moments(density, low, high, *statistics, points=None):
    """Expectations by adaptive quadrature of an unnormalised log density."""
    def integral(f):
        return integrate.quad(f, low, high, epsabs=0, epsrel=1e-12, limit=2000, points=points)[0]

    norm = integral(lambda x: np.exp(density.log_pdf(x)))
    return [integral(lambda x, t=t: t(x) * np.exp(density.log_pdf(x))) / norm for t in statistics]


@pytest.mark.parametrize(
    ("density", "low", "high"),
    [
        (ProductOfDensities((NormalMeanVariance(1.0, 2.0), LOGISTIC)), -25.0, 25.0),
        (ProductOfDensities((GammaShapeRate(2.0, 1.0), LOGNORMAL)), 1e-9, 80.0),
        (ProductOfDensities((GammaShapeRate(2.0, 1.0), GammaShapeLikelihood(5.0, 4.0))), 1e-9, 40.0),
        (ProductOfDensities((Uniform(0.0, 1.0), NormalMeanVariance(0.7, 0.04))), 0.0, 1.0),
        (ProductOfDensities((Uniform(-2.0, 5.0), LOGISTIC)), -2.0, 5.0),
        (LogDensity(lambda x: -2.0 * np.log1p(x * x / 3.0)), -np.inf, np.inf),
        (LogDensity(lambda x: np.log(np.exp(-0.5 * x * x) + np.exp(-2.0 * (x - 3.0) ** 2))), -30.0, 30.0),
    ],
    ids=["logistic", "lognormal", "gamma shape", "truncated", "bounded", "student", "two peaks"],
)
def test_a_normal_takes_the_mean_and_the_variance(density, low, high):
    mean, square = moments(density, low, high, lambda x: x, lambda x: x * x)
    found = project(density, Normal)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(found.variance, square - mean**2, rtol=1e-7)


def test_a_gamma_takes_the_mean_and_the_mean_log():
    density = ProductOfDensities((GammaShapeRate(2.0, 1.0), LOGNORMAL))
    mean, mean_log = moments(density, 1e-9, 80.0, lambda x: x, np.log)
    found = project(density, Gamma)
    np.testing.assert_allclose([found.mean, found.mean_log], [mean, mean_log], rtol=1e-9)


def test_a_beta_takes_both_mean_logs():
    density = ProductOfDensities((Beta(2.0, 2.0), LogDensity(lambda x: -8.0 * (x - 0.3) ** 2)))
    log, complement = moments(density, 0.0, 1.0, np.log, lambda x: np.log1p(-x))
    found = project(density, Beta)
    np.testing.assert_allclose([found.mean_log, found.mean_log_complement], [log, complement], rtol=1e-9)


def test_an_inverse_gamma_takes_the_mean_inverse_and_the_mean_log():
    density = ProductOfDensities((InverseGamma(3.0, 2.0), LOGNORMAL))
    inverse, log = moments(density, 1e-6, 200.0, lambda x: 1 / x, np.log, points=[0.5, 2.0])
    found = project(density, InverseGamma)
    np.testing.assert_allclose([found.mean_inverse, found.mean_log], [inverse, log], rtol=1e-8)


def test_closed_forms_need_no_quadrature():
    assert project(GammaShapeRate([4.0, 9.0], 2.0), Normal) == NormalMeanVariance([2.0, 4.5], [1.0, 2.25])
    assert project(NormalMeanPrecision(1.0, 2.0), Normal) == NormalMeanPrecision(1.0, 2.0)
    assert project(Bernoulli(0.3), Categorical) == Bernoulli(0.3)
    assert project(Uniform(0.0, 1.0), Normal).variance == pytest.approx(1 / 12)


def test_rows_are_projected_together():
    prior, tilt = NormalMeanVariance([0.0, 1e6, -3.0], [1.0, 1e-4, 1e8]), NormalMeanVariance(0.0, 4.0)
    found = project(ProductOfDensities((prior, LogDensity(tilt.log_pdf))), Normal)
    precision = 1 / prior.variance + 0.25
    np.testing.assert_allclose(found.variance, 1 / precision, rtol=1e-7)
    gap = found.mean - prior.mean / prior.variance / precision
    assert np.all(np.abs(gap) <= 1e-9 * np.sqrt(found.variance) + 1e-15 * np.abs(found.mean))


@settings(max_examples=60, deadline=None)
@given(st.floats(0.2, 1e4), st.floats(1e-6, 1e6))
def test_a_gamma_that_is_held_as_a_density_comes_back(shape, rate):
    held = ProductOfDensities((GammaShapeRate(shape, rate), LogDensity(lambda x: 0.0 * x)))
    found = project(held, Gamma)
    np.testing.assert_allclose([found.shape, found.rate], [shape, rate], rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.6, 300.0), st.floats(0.6, 300.0))
def test_a_beta_that_is_held_as_a_density_comes_back(a, b):
    found = project(ProductOfDensities((Beta(a, b), LogDensity(lambda x: 0.0 * x))), Beta)
    np.testing.assert_allclose([found.a, found.b], [a, b], rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.05, 200.0), min_size=2, max_size=6))
def test_a_dirichlet_is_found_from_its_mean_logs(alpha):
    mean_log = digamma(alpha) - digamma(np.sum(alpha))
    # Two equal samples would have the mean logs of a point; weights hide them behind an expectation.
    class Known(WeightedSamples):
        __slots__ = ()
        group = None

        def expectation(self, f):
            return mean_log

    held = Known(np.ones((2, len(alpha))), [0.5, 0.5])
    np.testing.assert_allclose(project(held, Dirichlet).alpha, alpha, rtol=1e-7)


def test_samples_give_their_weighted_moments():
    rng = np.random.default_rng(1)
    points, weights = rng.normal(size=(50, 2)), rng.random(50)
    found = project(WeightedSamples(points, weights), MvNormal)
    np.testing.assert_allclose(found.mean, np.average(points, axis=0, weights=weights))
    np.testing.assert_allclose(found.covariance, np.cov(points.T, aweights=weights, ddof=0))
    found = project(WeightedSamples(points[:, 0], weights), Normal)
    np.testing.assert_allclose(found.variance, np.cov(points[:, 0], aweights=weights, ddof=0))


def test_a_batch_of_samples():
    points = np.array([[1.0, 2.0, 4.0], [1.0, 1.0, 3.0]])
    found = project(WeightedSamples(points, np.ones((2, 3))), Normal)
    np.testing.assert_allclose(found.mean, points.mean(axis=1))
    np.testing.assert_allclose(found.variance, points.var(axis=1))


@pytest.mark.parametrize(
    ("belief", "family", "error", "text"),
    [
        (LogDensity(lambda x: 0.0 * x), Normal, ImproperPosteriorError, "does not fall off"),
        (LogDensity(lambda x: -x), Normal, ImproperPosteriorError, "does not normalise"),
        (LogDensity(lambda x: -np.log(x), (0.0, np.inf)), Gamma, ImproperPosteriorError, "does not normalise"),
        (LogDensity(lambda x: np.full(np.shape(x), -np.inf)), Normal, ProductError, "zero wherever"),
        (NormalMeanVariance(0.0, 1.0), Gamma, ProductError, "has mass outside"),
        (NormalMeanVariance(0.0, 1.0), Beta, ProductError, "has mass outside"),
        (PointMass(1.0), Normal, ProductError, "is certain"),
        (NormalMeanVariance(0.0, 1.0), Uniform, ConstraintError, "no family to project onto"),
        (NormalMeanVariance(0.0, 1.0), 3, ConstraintError, "no family to project onto"),
        (WeightedSamples([1.0, 1.0], [0.5, 0.5]), Gamma, InferenceError, "no Gamma has"),
        (LogDensity(lambda x: -(x**2).sum(-1), event_shape=(2,)), MvNormalMeanCovariance, ProductError, "SampleList"),
    ],
)
def test_what_is_refused(belief, family, error, text):
    with pytest.raises(error, match=text):
        project(belief, family)
