"""What "equal to 1e-9" means: a mean is measured by its own size plus a deviation, a matrix by its diagonal."""

import numpy as np


def assert_moments(mean, covariance, expected_mean, expected_covariance, rtol=1e-9) -> None:
    """Compare batched moments; `covariance` holds matrices (..., d, d), or variances shaped like the mean."""
    mean, covariance = np.asarray(mean), np.asarray(covariance)
    expected_mean, expected_covariance = np.asarray(expected_mean), np.asarray(expected_covariance)
    assert mean.shape == expected_mean.shape, (mean.shape, expected_mean.shape)
    assert covariance.shape == expected_covariance.shape, (covariance.shape, expected_covariance.shape)
    matrices = covariance.ndim > mean.ndim
    variance = np.diagonal(expected_covariance, axis1=-2, axis2=-1) if matrices else expected_covariance
    scale = np.sqrt(variance)
    assert_within(mean, expected_mean, rtol * (np.abs(expected_mean) + scale))
    size = scale[..., :, None] * scale[..., None, :] if matrices else variance
    assert_within(covariance, expected_covariance, rtol * size)


def assert_within(actual, expected, bound) -> None:
    """|actual - expected| <= bound everywhere; NaN never passes."""
    error = np.abs(np.asarray(actual) - expected)
    worst = np.max(error / np.maximum(bound, np.finfo(float).tiny), initial=0.0)
    assert np.all(error <= bound), f"worst error is {worst:.3g} times the bound\n{actual}\n{expected}"
