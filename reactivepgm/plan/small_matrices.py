"""Small matrices by the thousand, batch last: (d, e, n) arrays, one pass over contiguous memory an operation.

Loops run over the small axes and vectors over the batch, which is faster than one small matrix at a time until the
matrices are no longer small; then LAPACK takes over.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LOOP_LIMIT = 6   # above, one small matrix product at a time is faster


def transpose(A: Floats) -> Floats:
    """Swaps the two event axes."""
    return A.swapaxes(0, 1)


def matmul(A: Floats, B: Floats) -> Floats:
    """Products of (i, k, n) and (k, j, n), the batch last.

    >>> matmul(np.ones((2, 3, 5)), np.ones((3, 1, 5))).shape
    (2, 1, 5)
    """
    k = B.shape[0]
    if k == 1:
        return A * B
    if k > _LOOP_LIMIT:
        return np.ascontiguousarray(np.moveaxis(np.moveaxis(A, 2, 0) @ np.moveaxis(B, 2, 0), 0, 2))
    result: Floats = np.einsum("ikn,kjn->ijn", A, B)
    return result


def matvec(A: Floats, v: Floats) -> Floats:
    """Products of (i, k, n) and (k, n).

    >>> matvec(np.ones((2, 3, 5)), np.ones((3, 5))).shape
    (2, 5)
    """
    if v.shape[0] == 1:
        return A[:, 0] * v
    result: Floats = np.einsum("ikn,kn->in", A, v)
    return result


def dot(v: Floats, w: Floats) -> Floats:
    """Inner products of (d, n) with (d, n)."""
    total: Floats = v[0] * w[0]
    for j in range(1, v.shape[0]):
        total = total + v[j] * w[j]
    return total


def symmetrise(A: Floats) -> Floats:
    """The mean of a matrix and its transpose: rounding must not tilt a covariance."""
    return A if A.shape[0] == 1 else 0.5 * (A + transpose(A))


def identity_plus(A: Floats) -> Floats:
    """I + A; ``A`` is overwritten."""
    for i in range(A.shape[0]):
        A[i, i] += 1.0
    return A


def inverse(A: Floats) -> Floats:
    """Inverses of (d, d, n); raises ``numpy.linalg.LinAlgError`` at an exactly singular one."""
    d = A.shape[0]
    if d == 1:
        scalar: Floats = 1.0 / A
        return scalar
    if d > _LOOP_LIMIT:
        return _lapack_inverse(A)
    # Gauss-Jordan in the given order of the axes; where a pivot is small beside its column, LAPACK reorders.
    both = np.zeros((d, 2 * d, A.shape[2]))
    both[:, :d] = A
    for i in range(d):
        both[i, d + i] = 1.0
    weak = np.zeros(A.shape[2], dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for i in range(d):
            size = np.abs(both[i:, i])
            weak |= ~(size[0] >= 0.1 * size.max(axis=0)) | (size[0] == 0.0)
            both[i, i + 1 : d + i + 1] *= 1.0 / both[i, i]
            for j in range(d):
                if j != i:
                    both[j, i + 1 : d + i + 1] -= both[j, i] * both[i, i + 1 : d + i + 1]
    result = both[:, d:]
    if weak.any():
        result[..., weak] = _lapack_inverse(A[..., weak])
    return result


def _lapack_inverse(A: Floats) -> Floats:
    return np.ascontiguousarray(np.moveaxis(np.linalg.inv(np.moveaxis(A, 2, 0)), 0, 2))


def logdet(A: Floats) -> Floats:
    """Log of the absolute determinant of (d, d, n)."""
    if A.shape[0] == 1:
        scalar: Floats = np.log(np.abs(A[0, 0]))
        return scalar
    result: Floats = np.linalg.slogdet(np.moveaxis(A, 2, 0))[1]
    return result


def is_definite(J: Floats, tolerance: float = 1e-13) -> Bools:
    """Where (d, d, n) is numerically positive definite, whatever the units of its axes."""
    d = J.shape[0]
    if d == 1:
        scalar: Bools = np.isfinite(J[0, 0]) & (J[0, 0] > 0.0)
        return scalar
    diagonal = np.einsum("iin->in", J)
    positive = (diagonal > 0.0).all(axis=0) & np.isfinite(J).all(axis=(0, 1))
    root = np.sqrt(np.where(positive, diagonal, 1.0))
    scaled = np.moveaxis(np.where(positive, J / (root[:, None] * root[None]), 0.0), 2, 0)
    result: Bools = positive & (np.linalg.eigvalsh(scaled)[:, 0] > tolerance * d)
    return result


def batch_last(A: Floats, n: int) -> Floats:
    """A (rows or 1, ..) array as a contiguous (.., n) one."""
    A = np.asarray(A, dtype=np.float64)
    if A.shape[0] != n:
        A = np.broadcast_to(A, (n, *A.shape[1:]))
    return np.array(np.moveaxis(A, 0, -1), order="C")


def batch_first(A: Floats) -> Floats:
    """The reader's shape (n, ..) of a (.., n) array, without a copy."""
    return np.moveaxis(A, -1, 0)
