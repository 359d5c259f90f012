"""Cholesky's factorisation of many small matrices at once: loops over d, vectors over the batch.

L_jj = sqrt(A_jj - sum_k L_jk^2)        L_ij = (A_ij - sum_k L_ik L_jk) / L_jj
A row that is not positive definite has nan from its first bad pivot on, so its last pivot tells. LAPACK through NumPy
costs 0.2 to 0.5 us a matrix whatever d is; these loops cost a few ns an entry once the batch axis is contiguous.
"""

import math

import numpy as np

from reactivepgm.numerics.array import Array

_LARGEST = 6
_FEWEST = 32


def pays(matrix: Array) -> bool:
    """Whether loops beat LAPACK: 1 < d <= 6 and at least 32 matrices.

    Example:
        >>> pays(np.zeros((100, 4, 4))), pays(np.zeros((4, 4)))
        (True, False)
    """
    return bool(1 < matrix.shape[-1] <= _LARGEST and matrix.size >= _FEWEST * matrix.shape[-1] ** 2)


def _factor(matrix: Array) -> list[list[Array]]:
    """L[i][j] for i >= j, each (rows,)."""
    d = matrix.shape[-1]
    flat = matrix.reshape(-1, d, d)
    columns = [[np.ascontiguousarray(flat[:, i, j]) for j in range(i + 1)] for i in range(d)]
    with np.errstate(all="ignore"):
        for j in range(d):
            pivot = columns[j][j]
            for k in range(j):
                pivot = pivot - columns[j][k] * columns[j][k]
            pivot = np.sqrt(np.where(pivot > 0, pivot, math.nan))
            columns[j][j] = pivot
            for i in range(j + 1, d):
                entry = columns[i][j]
                for k in range(j):
                    entry = entry - columns[i][k] * columns[j][k]
                columns[i][j] = entry / pivot
    return columns


def cholesky(matrix: Array) -> Array:
    """The lower factors (*batch, d, d); nan from the first bad pivot on where a matrix is not positive definite.

    Example:
        >>> cholesky(np.array([[4.0, 2.0], [2.0, 5.0]])).tolist()
        [[2.0, 0.0], [1.0, 2.0]]
    """
    d = matrix.shape[-1]
    columns = _factor(matrix)
    result = np.zeros((d, d, columns[0][0].size), dtype=matrix.dtype) if d else np.zeros(matrix.shape)
    for i in range(d):
        for j in range(i + 1):
            result[i, j] = columns[i][j]
    return np.moveaxis(result, -1, 0).reshape(matrix.shape)


def pivots(matrix: Array) -> Array:
    """The diagonals of the lower factors, (*batch, d).

    Example:
        >>> pivots(np.array([[4.0, 2.0], [2.0, 5.0]])).tolist()
        [2.0, 2.0]
    """
    columns = _factor(matrix)
    return np.stack([row[-1] for row in columns], axis=-1).reshape(matrix.shape[:-1])


def inv(matrix: Array) -> Array:
    """The inverses of positive definite matrices, exactly symmetric, with the batch axis contiguous in memory.

    Example:
        >>> inv(np.array([[4.0, 1.0], [1.0, 2.5]])).round(12).tolist()
        [[0.277777777778, -0.111111111111], [-0.111111111111, 0.444444444444]]
    """
    d = matrix.shape[-1]
    lower = _factor(matrix)
    with np.errstate(all="ignore"):
        # M = L^-1, by forward substitution.
        m: list[list[Array]] = [[None] * d for _ in range(d)]
        for i in range(d):
            m[i][i] = 1.0 / lower[i][i]
            for j in range(i):
                entry = lower[i][j] * m[j][j]
                for k in range(j + 1, i):
                    entry = entry + lower[i][k] * m[k][j]
                m[i][j] = -entry * m[i][i]
        result = np.empty((d, d, lower[0][0].size), dtype=matrix.dtype)
        for i in range(d):
            for j in range(i + 1):
                entry = m[d - 1][i] * m[d - 1][j]
                for k in range(i, d - 1):
                    entry = entry + m[k][i] * m[k][j]
                result[i, j] = result[j, i] = entry
    # A bad pivot spoils everything that follows it; say so in the last entry, which callers look at.
    return np.moveaxis(result, -1, 0).reshape(matrix.shape)
