"""One Gaussian belief in each of its parametrisations, for tests that hold for all of them."""

import numpy as np

from reactivepgm.distributions import (
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
)


def forms(mean, covariance):
    """The three forms of a belief about a number or a vector."""
    if np.ndim(mean) == 0:
        return [
            NormalMeanVariance(mean, covariance),
            NormalMeanPrecision(mean, 1.0 / covariance),
            NormalWeightedMeanPrecision(mean / covariance, 1.0 / covariance),
        ]
    precision = np.linalg.inv(covariance)
    return [
        MvNormalMeanCovariance(mean, covariance),
        MvNormalMeanPrecision(mean, precision),
        MvNormalWeightedMeanPrecision(precision @ mean, precision),
    ]


def random_belief(rng, d):
    """Mean and covariance of a random belief; d = 0 is a number."""
    if d == 0:
        return float(rng.normal()), float(rng.uniform(0.5, 2.0))
    root = rng.normal(size=(d, d))
    return rng.normal(size=d), root @ root.T + 0.5 * np.eye(d)


def assert_message(message, weighted_mean, precision, rtol=1e-9):
    """A message, in whatever form, in information form."""
    d = len(weighted_mean)
    np.testing.assert_allclose(np.reshape(message.precision, (d, d)), precision, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(np.reshape(message.weighted_mean, d), weighted_mean, rtol=rtol, atol=rtol)
