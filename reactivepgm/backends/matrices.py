"""Small matrices of traced arrays, batch last: (d, e, n), written out over the short axes so that XLA fuses them.

What ``plan.small_matrices`` does in place for NumPy is done here without changing anything. Inverses are by Gauss and
Jordan with rows exchanged where a pivot is small, chosen by the numbers without a branch; those of large matrices by LAPACK.
"""

from __future__ import annotations

import jax.numpy as jnp

from reactivepgm.numerics.array import Array

_LARGEST = 6


def transpose(A: Array) -> Array:
    """Swaps the two event axes."""
    return jnp.swapaxes(A, 0, 1)


def matmul(A: Array, B: Array) -> Array:
    """Products of (i, k, n) and (k, j, n); an n of one belongs to all."""
    k = B.shape[0]
    if k > _LARGEST:
        return jnp.moveaxis(jnp.moveaxis(A, 2, 0) @ jnp.moveaxis(B, 2, 0), 0, 2)
    total = A[:, 0, None] * B[None, 0]
    for i in range(1, k):
        total = total + A[:, i, None] * B[None, i]
    return total


def matvec(A: Array, v: Array) -> Array:
    """Products of (i, k, n) and (k, n)."""
    return matmul(A, v[:, None])[:, 0]


def dot(v: Array, w: Array) -> Array:
    """Inner products of (d, n) with (d, n)."""
    return (v * w).sum(axis=0)


def symmetrise(A: Array) -> Array:
    """The mean of a matrix and its transpose."""
    return A if A.shape[0] == 1 else 0.5 * (A + transpose(A))


def identity_plus(A: Array) -> Array:
    """I + A."""
    return A + jnp.eye(A.shape[0], dtype=A.dtype)[:, :, None]


def inverse(A: Array) -> Array:
    """Inverses of (d, d, n); not finite where a matrix is singular."""
    d = A.shape[0]
    if d == 1:
        return 1.0 / A
    if d > _LARGEST:
        return jnp.moveaxis(jnp.linalg.inv(jnp.moveaxis(A, 2, 0)), 0, 2)
    if d == 2:
        determinant = A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0]
        return jnp.stack([jnp.stack([A[1, 1], -A[0, 1]]), jnp.stack([-A[1, 0], A[0, 0]])]) / determinant
    one = jnp.broadcast_to(jnp.eye(d, dtype=A.dtype)[:, :, None], A.shape)
    rows = list(jnp.concatenate([A, one], axis=1))
    for i in range(d):
        for k in range(i + 1, d):
            larger = jnp.abs(rows[k][i]) > jnp.abs(rows[i][i])
            rows[i], rows[k] = jnp.where(larger, rows[k], rows[i]), jnp.where(larger, rows[i], rows[k])
        rows[i] = rows[i] / rows[i][i]
        rows = [row if k == i else row - row[i] * rows[i] for k, row in enumerate(rows)]
    return jnp.stack([row[d:] for row in rows])


def logdet(A: Array) -> Array:
    """Log of the absolute determinant of (d, d, n)."""
    if A.shape[0] == 1:
        return jnp.log(jnp.abs(A[0, 0]))
    if A.shape[0] == 2:
        return jnp.log(jnp.abs(A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0]))
    return jnp.linalg.slogdet(jnp.moveaxis(A, 2, 0))[1]


def batch_last(A: Array) -> Array:
    """A (rows or 1, ..) array as (.., rows or 1)."""
    return jnp.moveaxis(jnp.asarray(A), 0, -1)


def batch_first(A: Array) -> Array:
    """A (.., n) array as (n, ..)."""
    return jnp.moveaxis(A, -1, 0)


# -- the hybrid form; see ``plan.gaussian_elements`` ---------------------------------------------------------------------


def info_contact(C: Array, m: Array, J: Array, eta: Array) -> tuple[Array, Array]:
    """The covariance and the mean of (C, m) after information (J, eta)."""
    D = inverse(identity_plus(matmul(C, J)))
    return symmetrise(matmul(D, C)), matvec(D, m + matvec(C, eta))


def moment_contact(C: Array, m: Array, J: Array, eta: Array) -> tuple[Array, Array]:
    """W^-1 and u at the contact of the moment contributor (C, m) itself, met by information (J, eta)."""
    D = inverse(identity_plus(matmul(C, J)))
    JD = symmetrise(matmul(J, D))
    return -JD, matvec(JD, m) - matvec(transpose(D), eta)

