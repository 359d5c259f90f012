"""Bessel functions against integrals, and the inverse against its function."""

import numpy as np
import pytest

from reactivepgm.numerics.bessel import bessel_ratio, inverse_bessel_ratio, log_bessel_i0
from reactivepgm.numerics.normal_tail import mills_ratio


@pytest.mark.parametrize("x", [0.0, 1e-3, 0.7, 3.0, 40.0, 2000.0])
def test_against_integrals(x):
    angle = np.linspace(-np.pi, np.pi, 20001)[:-1]
    weight = np.exp(x * (np.cos(angle) - 1.0))
    assert log_bessel_i0(x) == pytest.approx(x + np.log(weight.mean()), abs=1e-12)
    assert bessel_ratio(x) == pytest.approx((weight * np.cos(angle)).sum() / weight.sum(), abs=1e-12)


def test_inverse():
    x = np.concatenate([[0.0], np.logspace(-6, 4, 60)])
    np.testing.assert_allclose(inverse_bessel_ratio(bessel_ratio(x)), x, rtol=1e-7)
    assert inverse_bessel_ratio(1.0) == np.inf
    assert type(inverse_bessel_ratio(0.5)) is float


def test_mills_ratio():
    for x in (-20.0, -1.0, 0.0, 2.0, 30.0):
        z = np.linspace(x, x + 40.0, 400_001)
        integral = np.trapezoid(np.exp(-0.5 * (z * z - x * x)), z)
        assert mills_ratio(x) == pytest.approx(integral, rel=1e-6)
    assert type(mills_ratio(1.0)) is float
    np.testing.assert_allclose(mills_ratio(np.array([1.0, 2.0])), [mills_ratio(1.0), mills_ratio(2.0)])
