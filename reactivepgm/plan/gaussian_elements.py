"""The hybrid form of linear-Gaussian factors: symmetric blocks over ends, and the elimination of a variable.

An element over its ends is exp(s'v - v'Hv/2) with one contact v for each end.  At an *info* end v is the variable
itself (block H = J, vector s = eta); at a *moment* end v is the dual of the variable (H = -C, s = -b), joined to it
by exp(v'x).  The factor N(r; A l + b, C) is therefore H = [[0, A'], [A, -C]], s = (0, -b), singular C included.

Eliminating x, with information (J, eta) and one moment contributor (C, m), where D = inv(I + C J):

    contact v  (info side)     W^-1 = D C       u = D (m + C eta)
    contact nu (moment side)   W^-1 = -J D      u = J D m - D' eta
    others                     H_kl -= X_k W^-1 X_l',    s_k -= X_k u      (X_k the block between k and x)

Arrays run batch-last, (d, e, n), so that every operation is one pass over contiguous memory (Särkkä &
García-Fernández 2021 give the same composition in kernel form).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LOOP_LIMIT = 6   # below, passes over the batch are faster than one small matrix at a time


@dataclass(slots=True)
class Pair:
    """A two-ended element seen from one end: ``near`` is eliminated or sent from, ``far`` receives.

    ``near`` (d, d, n), ``far`` (e, e, n), ``cross`` (e, d, n); the flags say which ends are moment ends.
    """

    near: Floats
    near_vector: Floats
    far: Floats
    far_vector: Floats
    cross: Floats
    near_moment: Bools | None = None
    far_moment: Bools | None = None

    def reversed(self) -> Pair:
        """The same element seen from the other end."""
        return Pair(self.far, self.far_vector, self.near, self.near_vector, transpose(self.cross),
                    self.far_moment, self.near_moment)


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
    total = A[:, 0, None] * B[None, 0]
    for j in range(1, k):
        total += A[:, j, None] * B[None, j]
    return total


def matvec(A: Floats, v: Floats) -> Floats:
    """Products of (i, k, n) and (k, n).

    >>> matvec(np.ones((2, 3, 5)), np.ones((3, 5))).shape
    (2, 5)
    """
    total = A[:, 0] * v[0]
    for j in range(1, v.shape[0]):
        total += A[:, j] * v[j]
    return total


def dot(v: Floats, w: Floats) -> Floats:
    """Inner products of (d, n) with (d, n)."""
    total = v[0] * w[0]
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
        return 1.0 / A
    return np.ascontiguousarray(np.moveaxis(np.linalg.inv(np.moveaxis(A, 2, 0)), 0, 2))


def logdet(A: Floats) -> Floats:
    """Log of the absolute determinant of (d, d, n)."""
    if A.shape[0] == 1:
        return np.log(np.abs(A[0, 0]))
    result: Floats = np.linalg.slogdet(np.moveaxis(A, 2, 0))[1]
    return result


def moment_contact(C: Floats, m: Floats, J: Floats, eta: Floats) -> tuple[Floats, Floats]:
    """W^-1 and u at the contact of the moment contributor (C, m) itself, met by information (J, eta)."""
    if C.shape[0] == 1:
        D = 1.0 / (1.0 + C * J)
        JD = J * D
        return -JD, JD[0] * m - D[0] * eta
    D = inverse(identity_plus(matmul(C, J)))
    JD = symmetrise(matmul(J, D))
    return -JD, matvec(JD, m) - matvec(transpose(D), eta)


def info_contact(C: Floats, m: Floats, J: Floats, eta: Floats) -> tuple[Floats, Floats]:
    """W^-1 and u at an info contact: the covariance and the mean of (C, m) after information (J, eta)."""
    if C.shape[0] == 1:
        D = 1.0 / (1.0 + C * J)
        return D * C, D[0] * (m + C[0] * eta)
    D = inverse(identity_plus(matmul(C, J)))
    return symmetrise(matmul(D, C)), matvec(D, m + matvec(C, eta))


def send(pair: Pair, W: Floats, u: Floats) -> tuple[Floats, Floats]:
    """What the far end hears once the near one is eliminated with ``W`` = W^-1 and ``u`` at its contact."""
    X = pair.cross
    H = pair.far - symmetrise(matmul(matmul(X, W), transpose(X)))
    return H, pair.far_vector - matvec(X, u)


def log_integral(C: Floats, m: Floats, J: Floats, eta: Floats) -> Floats:
    """log of the integral of N(x; m, C) exp(eta'x - x'Jx/2), also where C is singular, (n,)."""
    S = identity_plus(matmul(C, J) + 0.0)
    D = inverse(S)
    JD = symmetrise(matmul(J, D))
    quadratic = dot(eta, matvec(symmetrise(matmul(D, C)), eta)) - dot(m, matvec(JD, m))
    return 0.5 * (quadratic - logdet(S)) + dot(m, matvec(transpose(D), eta))


def is_definite(J: Floats, tolerance: float = 1e-13) -> Bools:
    """Where (d, d, n) is numerically positive definite, whatever the units of its axes."""
    d = J.shape[0]
    if d == 1:
        return np.isfinite(J[0, 0]) & (J[0, 0] > 0.0)
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
