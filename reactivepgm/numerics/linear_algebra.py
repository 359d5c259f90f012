"""Batched linear algebra: matrices are (*batch, d, d), vectors (*batch, d).

Singular rows of a batch give nan in their own row and do not disturb the others. For small d and many rows the
symmetric factorisations run as loops over d with vectors over the batch (``small_matrices``); LAPACK does the rest.
"""

import math

import numpy as np

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics import small_matrices
from reactivepgm.numerics.array import Array, as_scalar, is_numpy, namespace
from reactivepgm.numerics.elementary import log, reciprocal
from reactivepgm.numerics.layout import is_by_batch


def matvec(matrix: Array, vector: Array) -> Array:
    """The products A x, row by row: (*batch, n, d) times (*batch, d) gives (*batch, n).

    Example:
        >>> matvec(np.eye(2), np.array([1.0, 2.0]))
        array([1., 2.])
    """
    if matrix.ndim == 2 and vector.ndim == 1:
        return matrix @ vector
    if matrix.ndim == 2:
        if vector.ndim == 2 and is_numpy(matrix, vector) and is_by_batch(vector):
            return (matrix @ vector.T).T
        return vector @ matrix.T
    return (matrix @ vector[..., None])[..., 0]


def inner(x: Array, y: Array) -> Array:
    """The scalar products x'y along the last axis.

    Example:
        >>> inner(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        11.0
    """
    return as_scalar(x @ y if x.ndim == 1 == y.ndim else namespace(x, y).einsum("...i,...i->...", x, y))


def outer(x: Array, y: Array | None = None) -> Array:
    """The products x y' (x x' by default): (*batch, n) and (*batch, d) give (*batch, n, d).

    Example:
        >>> outer(np.array([1.0, 2.0])).tolist()
        [[1.0, 2.0], [2.0, 4.0]]
    """
    return x[..., :, None] * (x if y is None else y)[..., None, :]


def quad_form(matrix: Array, x: Array) -> Array:
    """x' A x along the last axes.

    Example:
        >>> quad_form(np.eye(2), np.array([3.0, 4.0]))
        25.0
    """
    return inner(x, matvec(matrix, x))


def transpose(matrix: Array) -> Array:
    """The last two axes exchanged.

    Example:
        >>> transpose(np.zeros((5, 2, 3))).shape
        (5, 3, 2)
    """
    return namespace(matrix).swapaxes(matrix, -1, -2)


def symmetrise(matrix: Array) -> Array:
    """(A + A') / 2.

    Example:
        >>> symmetrise(np.array([[1.0, 2.0], [0.0, 1.0]])).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    return 0.5 * (matrix + transpose(matrix))


def trace(matrix: Array) -> Array:
    """The sum of the diagonal.

    Example:
        >>> trace(np.eye(3))
        3.0
    """
    return as_scalar(namespace(matrix).einsum("...ii->...", matrix))


def trace_product(a: Array, b: Array) -> Array:
    """tr(A B) without forming A B.

    Example:
        >>> trace_product(np.eye(2), 3.0 * np.eye(2))
        6.0
    """
    return as_scalar(namespace(a, b).einsum("...ij,...ji->...", a, b))


def diagonal(matrix: Array) -> Array:
    """The diagonals, (*batch, d).

    Example:
        >>> diagonal(np.eye(2))
        array([1., 1.])
    """
    return namespace(matrix).einsum("...ii->...i", matrix)


def eye(d: int, like: Array = None) -> Array:
    """The identity, in the namespace and precision of another array.

    Example:
        >>> eye(2, like=np.zeros(3, dtype=np.float32)).dtype
        dtype('float32')
    """
    return np.eye(d) if like is None else namespace(like).eye(d, dtype=getattr(like, "dtype", None))


def cholesky(matrix: Array) -> Array:
    """The lower triangular L with L L' = A.

    Raises:
        InvalidParameterError: a matrix is not positive definite; the message names the first such row.

    Example:
        >>> cholesky(np.array([[4.0]]))
        array([[2.]])
    """
    if is_numpy(matrix) and small_matrices.pays(matrix):
        factor = small_matrices.cholesky(matrix)
        if not np.isnan(factor[..., -1, -1]).any():
            return factor
    try:
        return namespace(matrix).linalg.cholesky(matrix)
    except np.linalg.LinAlgError as error:
        bad = np.argwhere(~np.asarray(is_positive_definite(matrix)))
        row = f" at row {tuple(int(i) for i in bad[0])}" if len(bad) and bad.shape[1] else ""
        raise InvalidParameterError(f"a matrix is not positive definite{row}") from error


def is_positive_definite(matrix: Array) -> Array:
    """Whether each symmetric matrix has positive eigenvalues only (all pivots of Cholesky's factorisation exist).

    Returns:
        Booleans, (*batch,).

    Example:
        >>> is_positive_definite(np.stack([np.eye(2), np.zeros((2, 2))])).tolist()
        [True, False]
    """
    with np.errstate(invalid="ignore"):
        if matrix.shape[-1] == 1:
            return matrix[..., 0, 0] > 0
        if not is_numpy(matrix):
            return namespace(matrix).linalg.eigvalsh(matrix)[..., 0] > 0
        return ~np.isnan(small_matrices.cholesky(matrix)[..., -1, -1])


def logdet(matrix: Array) -> Array:
    """log det A; -inf where it is zero and nan where it is negative.

    Example:
        >>> logdet(np.eye(2)), logdet(-np.eye(1))
        (0.0, nan)
    """
    d = matrix.shape[-1]
    if d == 1:
        return log(as_scalar(matrix[..., 0, 0]))
    if matrix.shape == (2, 2) and type(matrix) is np.ndarray and matrix.dtype == np.float64:
        (a, b), (c, e) = matrix.tolist()
        if a * e - b * c > 1e-3 * abs(a * e):
            return log(a * e - b * c)
    if d == 2:
        with np.errstate(invalid="ignore", over="ignore"):
            det = matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0]
        # Cancellation may cost the sign of a nearly singular determinant, so only clear cases take the short way.
        if is_numpy(matrix) and np.all(det > 1e-3 * np.abs(matrix[..., 0, 0] * matrix[..., 1, 1])):
            return log(as_scalar(det))
    elif is_numpy(matrix) and small_matrices.pays(matrix):
        pivots = small_matrices.pivots(matrix)
        if np.all(pivots > 0):
            return 2.0 * np.log(pivots).sum(axis=-1)
    xp = namespace(matrix)
    with np.errstate(all="ignore"):
        sign, value = xp.linalg.slogdet(matrix)
    return as_scalar(xp.where(sign >= 0, value, math.nan))


def inv(matrix: Array) -> Array:
    """The inverses; nan in the rows that are singular.

    Example:
        >>> inv(np.stack([2.0 * np.eye(2), np.zeros((2, 2))]))[:, 0, 0].tolist()
        [0.5, nan]
    """
    if matrix.shape[-1] == 1:
        return reciprocal(matrix)
    if not is_numpy(matrix):
        return namespace(matrix).linalg.inv(matrix)
    try:
        with np.errstate(all="ignore"):
            return np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return _rows(np.linalg.inv, matrix, matrix.shape[-1])


def inv_psd(matrix: Array) -> Array:
    """The symmetric inverses of symmetric matrices; rows that are not positive definite go the way of ``inv``.

    Example:
        >>> inv_psd(np.array([[4.0]])).tolist()
        [[0.25]]
    """
    if is_numpy(matrix) and small_matrices.pays(matrix):
        result = small_matrices.inv(matrix)
        bad = np.isnan(result[..., -1, -1])
        if bad.any():
            result[bad] = symmetrise(inv(np.ascontiguousarray(matrix[bad])))
        return result
    return matrix if matrix.shape[-1] == 0 else reciprocal(matrix) if matrix.shape[-1] == 1 else symmetrise(inv(matrix))


def solve(a: Array, b: Array) -> Array:
    """X with A X = B for (*batch, d, d) and (*batch, d, k); nan in the rows whose A is singular.

    Example:
        >>> solve(2.0 * np.eye(2), np.ones((2, 1))).tolist()
        [[0.5], [0.5]]
    """
    if a.shape[-1] == 1:
        with np.errstate(divide="ignore", invalid="ignore"):
            return b / a
    if not is_numpy(a, b):
        return namespace(a, b).linalg.solve(a, b)
    try:
        with np.errstate(all="ignore"):
            return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        return _rows(np.linalg.solve, a, b.shape[-1], b)


def solve_vector(a: Array, b: Array) -> Array:
    """x with A x = b for (*batch, d, d) and (*batch, d).

    Example:
        >>> solve_vector(2.0 * np.eye(2), np.ones(2))
        array([0.5, 0.5])
    """
    return solve(a, b[..., None])[..., 0]


def solve_psd(a: Array, b: Array) -> Array:
    """X with A X = B for symmetric positive definite A; (*batch, d, d) and (*batch, d, k).

    Example:
        >>> solve_psd(2.0 * np.eye(2), np.ones((2, 1))).tolist()
        [[0.5], [0.5]]
    """
    if is_numpy(a, b) and small_matrices.pays(a):
        result = small_matrices.inv(a) @ b
        return result if not np.isnan(result[..., -1, :]).any() else solve(a, b)
    return solve(a, b)


def _rows(function: Array, matrix: Array, columns: int, *others: Array) -> Array:
    """Row by row, because LAPACK's wrapper gives up a whole batch for one singular matrix."""
    batch = np.broadcast_shapes(matrix.shape[:-2], *(other.shape[:-2] for other in others))
    full = [np.broadcast_to(x, (*batch, *x.shape[-2:])).reshape(-1, *x.shape[-2:]) for x in (matrix, *others)]
    result = np.full((len(full[0]), matrix.shape[-1], columns), math.nan, dtype=np.result_type(matrix, *others))
    for i in range(len(result)):
        try:
            with np.errstate(all="ignore"):
                result[i] = function(*(x[i] for x in full))
        except np.linalg.LinAlgError:
            continue
    return result.reshape(*batch, matrix.shape[-1], columns)
