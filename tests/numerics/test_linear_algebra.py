"""Batched linear algebra against NumPy row by row; singular rows stay alone with their nan."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics import small_matrices


def positive_definite(rows, d, seed=0):
    a = np.random.default_rng(seed).standard_normal((rows, d, d + 2))
    return a @ a.swapaxes(-1, -2) + 0.1 * np.eye(d)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("rows", [1, 5, 50])
def test_factorisations_agree_with_numpy(d, rows):
    matrices = positive_definite(rows, d)
    identity = np.broadcast_to(np.eye(d), matrices.shape)
    np.testing.assert_allclose(la.cholesky(matrices), np.linalg.cholesky(matrices), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(la.inv(matrices) @ matrices, identity, atol=1e-9)
    np.testing.assert_allclose(la.inv_psd(matrices) @ matrices, identity, atol=1e-9)
    np.testing.assert_allclose(la.logdet(matrices), np.linalg.slogdet(matrices)[1], rtol=1e-10, atol=1e-12)
    right = np.random.default_rng(1).standard_normal((rows, d, 3))
    np.testing.assert_allclose(matrices @ la.solve(matrices, right), right, atol=1e-9)
    np.testing.assert_allclose(matrices @ la.solve_psd(matrices, right), right, atol=1e-9)
    np.testing.assert_allclose(la.solve_vector(matrices, right[..., 0]), la.solve(matrices, right)[..., 0])
    assert la.is_positive_definite(matrices).all()


@pytest.mark.parametrize("d", [2, 3, 4, 8])
def test_a_batch_of_n_equals_n_singles(d):
    matrices = positive_definite(40, d).reshape(5, 8, d, d)
    for function in (la.inv, la.inv_psd, la.cholesky, la.logdet):
        batched = function(matrices)
        assert batched.shape[:2] == (5, 8)
        np.testing.assert_allclose(batched[2, 3], function(matrices[2, 3]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rows", [3, 60])
@pytest.mark.parametrize("d", [2, 4])
def test_singular_rows_do_not_disturb_the_others(rows, d):
    matrices = positive_definite(rows, d)
    matrices[1] = 0.0
    for function in (la.inv, la.inv_psd):
        result = function(matrices)
        assert np.isnan(result[1]).all()
        np.testing.assert_allclose(result[2], np.linalg.inv(matrices[2]), rtol=1e-8)
    solved = la.solve(matrices, np.ones((rows, d, 1)))
    assert np.isnan(solved[1]).all()
    assert np.isfinite(solved[2]).all()
    assert la.logdet(matrices)[1] == -np.inf
    assert la.is_positive_definite(matrices).tolist() == [row != 1 for row in range(rows)]


def test_an_indefinite_matrix_has_an_inverse_and_no_log_determinant():
    matrices = np.broadcast_to(np.diag([1.0, -2.0]), (50, 2, 2))
    np.testing.assert_allclose(la.inv_psd(matrices)[7], np.diag([1.0, -0.5]))
    assert np.isnan(la.logdet(matrices)).all()
    assert not la.is_positive_definite(matrices).any()


def test_cholesky_names_the_row():
    matrices = positive_definite(3, 2)
    matrices[2] = -np.eye(2)
    with pytest.raises(InvalidParameterError, match=r"not positive definite at row \(2,\)"):
        la.cholesky(matrices)


def test_products():
    rng = np.random.default_rng(2)
    a, x, y = rng.standard_normal((5, 3, 4)), rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    np.testing.assert_allclose(la.matvec(a, x), np.einsum("nij,nj->ni", a, x))
    np.testing.assert_allclose(la.matvec(a[0], x), np.einsum("ij,nj->ni", a[0], x))
    np.testing.assert_allclose(la.matvec(a, x[0]), np.einsum("nij,j->ni", a, x[0]))
    np.testing.assert_allclose(la.outer(y, x), np.einsum("ni,nj->nij", y, x))
    square = rng.standard_normal((5, 4, 4))
    np.testing.assert_allclose(la.quad_form(square, x), np.einsum("ni,nij,nj->n", x, square, x))
    np.testing.assert_allclose(la.trace_product(square, square), np.trace(square @ square, axis1=1, axis2=2))
    np.testing.assert_allclose(la.trace(square), np.trace(square, axis1=1, axis2=2))
    np.testing.assert_allclose(la.diagonal(square), np.diagonal(square, axis1=1, axis2=2))
    assert type(la.inner(x[0], x[0])) is float


@pytest.mark.parametrize("rows", [2, 60])
def test_float32_stays_float32(rows):
    matrices = positive_definite(rows, 3).astype(np.float32)
    results = [
        la.inv(matrices),
        la.inv_psd(matrices),
        la.cholesky(matrices),
        la.logdet(matrices),
        la.solve(matrices, matrices),
        la.solve_psd(matrices, matrices),
        la.symmetrise(matrices),
        la.matvec(matrices, matrices[..., 0]),
    ]
    assert {result.dtype for result in results} == {np.dtype(np.float32)}


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(-0.99, 0.99))
def test_log_determinants_of_two_by_two_keep_their_accuracy(a, b, correlation):
    matrix = np.array([[a, correlation * np.sqrt(a * b)], [correlation * np.sqrt(a * b), b]])
    exact = np.log(a) + np.log(b) + np.log1p(-correlation * correlation)
    assert abs(la.logdet(matrix) - exact) < 1e-10 * (1 + abs(exact))


def test_small_matrices_of_no_rows():
    assert small_matrices.cholesky(np.zeros((0, 3, 3))).shape == (0, 3, 3)
    assert la.inv(np.zeros((0, 3, 3))).shape == (0, 3, 3)
    assert la.is_positive_definite(np.zeros((0, 3, 3))).shape == (0,)
