"""Derivatives by differences against derivatives on paper."""

import numpy as np
import pytest

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.derivatives import jacobian


def curves(x):
    return np.stack([np.sin(x[..., 0]) * x[..., 1], np.exp(x[..., 0]), x[..., 1] ** 3], axis=-1)


def slopes(x):
    zero = np.zeros_like(x[..., 0])
    rows = [[np.cos(x[..., 0]) * x[..., 1], np.sin(x[..., 0])], [np.exp(x[..., 0]), zero], [zero, 3 * x[..., 1] ** 2]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


@pytest.mark.parametrize(("order", "close"), [(2, 1e-8), (4, 1e-10), (6, 1e-11)])
@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_jacobians_of_rows(order, close, batch):
    x = np.random.default_rng(1).normal(size=(*batch, 2))
    found = jacobian(curves, x, order=order)
    assert found.shape == (*batch, 3, 2)
    np.testing.assert_allclose(found, slopes(x), atol=close, rtol=close)


@pytest.mark.parametrize("order", [2, 4, 6])
def test_the_error_falls_with_the_stated_order(order):
    x = np.array([1.0])
    errors = [abs(jacobian(np.exp, x, order=order, step=step)[0, 0] - np.e) for step in (2.0**-3, 2.0**-4)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


def test_a_linear_function_of_round_numbers_is_exact():
    a = np.array([[1.0, -2.0, 0.5]])
    assert jacobian(lambda x: x @ a.T, np.array([3.0, -1.0, 0.25])).tolist() == a.tolist()


def test_steps_are_relative():
    x = np.array([1e-6, 1e6])
    np.testing.assert_allclose(jacobian(np.sqrt, x, scale=1e-7), np.diag(0.5 / np.sqrt(x)), rtol=1e-9)


def test_other_orders_are_refused():
    with pytest.raises(InvalidParameterError, match="order 2, 4 or 6, not 3"):
        jacobian(np.sin, np.zeros(1), order=3)
