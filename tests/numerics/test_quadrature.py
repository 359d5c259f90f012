"""Quadrature against closed forms."""

import math

import numpy as np
import pytest

from reactivepgm.numerics.quadrature import (
    expectation,
    gauss_hermite,
    gauss_laguerre,
    gauss_legendre,
    integral,
    laguerre_integral,
)


@pytest.mark.parametrize("n", [1, 2, 5, 20, 60])
def test_weights_and_exactness(n):
    for rule, moment in ((gauss_hermite, 1.0), (gauss_laguerre, 1.0), (gauss_legendre, 2.0)):
        nodes, weights = rule(n)
        assert len(nodes) == n
        assert sum(weights) == pytest.approx(moment, rel=1e-12)
    degree = min(2 * n - 1, 21)
    even = degree - degree % 2
    double_factorial = math.prod(range(1, even, 2))
    nodes, weights = gauss_hermite(n)
    assert sum(w * x**even for x, w in zip(nodes, weights, strict=True)) == pytest.approx(double_factorial, rel=1e-9)


def test_expectations_of_exponentials():
    assert expectation(math.exp, 0.5, 0.3) == pytest.approx(math.exp(0.65), rel=1e-12)
    mean, variance = np.array([0.0, 1.0]), np.array([0.1, 0.2])
    np.testing.assert_allclose(expectation(np.exp, mean, variance), np.exp(mean + variance / 2), rtol=1e-12)
    assert type(expectation(math.cos, 0.0, 1.0)) is float


def test_a_variance_of_zero_is_the_value():
    assert expectation(lambda x: x**3, 2.0, 0.0) == pytest.approx(8.0)


def test_integrals():
    assert integral(math.sin, 0.0, math.pi) == pytest.approx(2.0, rel=1e-12)
    np.testing.assert_allclose(integral(np.exp, np.zeros(2), np.array([1.0, 2.0])), np.expm1([1.0, 2.0]), rtol=1e-12)
    assert laguerre_integral(lambda x: x**4, 2.0) == pytest.approx(24 * 16.0, rel=1e-10)
