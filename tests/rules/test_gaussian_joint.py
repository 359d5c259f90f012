"""The joint belief of a Gaussian factor's two ends by matrices, against the inverse of the dense precision."""

import numpy as np
import pytest
from reactivepgm_rules.gaussian_joint import joint_with_noise

from reactivepgm import NormalMeanVariance


def dense(m_out, m_mean, variance):
    """(mean, covariance) of q(out, mean) ∝ m_out m_mean N(out; mean, variance)."""
    w = 1.0 / variance
    precision = np.array([[w + 1.0 / m_out.variance, -w], [-w, w + 1.0 / m_mean.variance]])
    weighted = np.array([m_out.mean / m_out.variance, m_mean.mean / m_mean.variance])
    return np.linalg.solve(precision, weighted), np.linalg.inv(precision)


@pytest.mark.parametrize("variance", [1e-6, 0.3, 1e4])
@pytest.mark.parametrize(("v_out", "v_mean"), [(2.0, 0.5), (1e-4, 30.0), (1e5, 1.0)])
def test_numbers_and_matrices_agree_with_dense_algebra(v_out, v_mean, variance):
    m_out, m_mean = NormalMeanVariance(1.5, v_out), NormalMeanVariance(-0.5, v_mean)
    batched = [NormalMeanVariance(np.full(2, m.mean), np.full(2, m.variance)) for m in (m_out, m_mean)]
    mean, covariance = dense(m_out, m_mean, variance)
    for given in ({"covariance": np.full((1, 1), variance)}, {"precision": np.full((1, 1), 1.0 / variance)}):
        single, rows = joint_with_noise(m_out, m_mean, **given), joint_with_noise(*batched, **given)
        np.testing.assert_allclose(single.mean, mean, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(single.covariance, covariance, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(rows[1].mean, single.mean, rtol=1e-12)
        np.testing.assert_allclose(rows[1].covariance, single.covariance, rtol=1e-9, atol=1e-14)
        assert single.covariance.shape == (2, 2)


def test_a_noise_of_zero_keeps_the_matrices():
    m = NormalMeanVariance(0.0, 1.0)
    joint = joint_with_noise(m, m, covariance=np.zeros((1, 1)))
    np.testing.assert_allclose(joint.covariance, np.full((2, 2), 0.5))
