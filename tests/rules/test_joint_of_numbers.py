"""Joints of two numbers in all forms of the messages, against the dense precision and against vectors of length one."""

import itertools

import numpy as np
import pytest
from reactivepgm_rules.gaussian_joint import joint_with_noise
from reactivepgm_rules.joint_of_numbers import joint_of_numbers

from reactivepgm.distributions import NormalMeanPrecision, NormalMeanVariance, NormalWeightedMeanPrecision

FORMS = {
    "moments": NormalMeanVariance,
    "precision": lambda m, v: NormalMeanPrecision(m, 1.0 / v),
    "naturals": lambda m, v: NormalWeightedMeanPrecision(m / v, 1.0 / v),
}
PAIRS = list(itertools.product(FORMS, FORMS))
FLAT = NormalWeightedMeanPrecision(0.0, 0.0)


@pytest.mark.parametrize(("out", "mean"), PAIRS)
@pytest.mark.parametrize(("c", "v_out", "v_mean"), [(0.3, 2.0, 0.5), (1e-6, 1e-4, 30.0), (1e4, 1e5, 1.0)])
def test_every_form_gives_the_dense_joint(out, mean, c, v_out, v_mean):
    m_out, m_mean = FORMS[out](1.5, v_out), FORMS[mean](-0.5, v_mean)
    w = 1.0 / c
    precision = np.array([[w + 1.0 / v_out, -w], [-w, w + 1.0 / v_mean]])
    centre = np.linalg.solve(precision, [1.5 / v_out, -0.5 / v_mean])
    for given in ({"variance": c}, {"precision": w}):
        joint = joint_of_numbers(m_out, m_mean, **given)
        np.testing.assert_allclose(joint.mean, centre, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(joint.covariance, np.linalg.inv(precision), rtol=1e-8, atol=1e-12)
        rows = [FORMS[form](np.full(2, m), np.full(2, v)) for form, m, v in ((out, 1.5, v_out), (mean, -0.5, v_mean))]
        batch = joint_of_numbers(*rows, **given)
        np.testing.assert_allclose(batch.mean[1], joint.mean, rtol=1e-12)
        np.testing.assert_allclose(batch.covariance[1], joint.covariance, rtol=1e-12)


@pytest.mark.parametrize("m_out", [FLAT, NormalMeanVariance(2.0, 0.4), NormalMeanPrecision(2.0, 2.5)], ids=["flat", "v", "w"])
@pytest.mark.parametrize("c", [0.0, 0.7])
def test_noise_of_zero_and_flat_messages_as_with_vectors(m_out, c):
    m_mean = NormalMeanVariance(0.5, 1.5)
    for ends in ((m_out, m_mean), (m_mean, m_out)):
        joint, vector = joint_of_numbers(*ends, variance=c), joint_with_noise(*ends, covariance=np.full((1, 1), c))
        np.testing.assert_allclose(joint.mean, vector.mean, rtol=1e-12)
        np.testing.assert_allclose(joint.covariance, vector.covariance, rtol=1e-12)


def test_one_row_is_floats():
    joint = joint_of_numbers(FORMS["moments"](0.0, 1.0), FORMS["naturals"](1.0, 2.0), precision=2.0)
    assert {type(value) for value in joint.parameters.values()} == {float}
