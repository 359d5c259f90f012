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

from reactivepgm.plan.small_matrices import (
    Bools,
    Floats,
    dot,
    identity_plus,
    inverse,
    logdet,
    matmul,
    matvec,
    symmetrise,
    transpose,
)


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
