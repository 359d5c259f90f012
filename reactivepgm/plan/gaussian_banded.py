"""What each variable of a Gaussian chain hears from its two sides, from LAPACK's banded Cholesky run both ways.

With R_k = inv(C_k) the chain's precision has diagonal blocks D_k = J_k + A_k'R_k A_k + R_{k-1} and blocks -R_k A_k
below.  Its block pivots from the front are P, from the back Q; x is its solution, e_k = x_{k+1} - A_k x_k - b_k:

    before and at x_k    covariance W = inv(P_k - A'R A)      mean x_k - W A'R e_k
    at and behind x_k    precision  G = Q_k - R_{k-1}         weighted mean G x_k + R_{k-1} e_{k-1}

The differences lose diag(D) diag(W) in accuracy, the inverses diag(C) diag(R).  Where that is more than four digits,
nothing is returned, and the kernels are composed instead.  Short chains take about a quarter of the time, chains of
10^4 in four dimensions three quarters; beyond the processor's cache there is nothing left to gain, and it is not tried.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reactivepgm.numerics.deferred import Deferred
from reactivepgm.plan.small_matrices import Floats, inverse, matmul, matvec, symmetrise, transpose

_LAPACK = Deferred("scipy.linalg.lapack")
_LOSS = 1e4   # by which rounding errors may grow beyond those of the kernel form

_NUMBERS = 250_000   # in the precision's diagonal blocks; above, memory decides, and kernels need less

Sides = tuple[tuple[Floats, Floats], tuple[Floats, Floats]]


def both_sides(
    own: tuple[Floats, Floats], kernel: tuple[Floats, Floats, Floats], first: tuple[Floats, Floats]
) -> Sides | None:
    """Moments at each variable but the last given its past, information at each but the first given its future.

    Args:
        own: information J (d, d, m + 1) and eta (d, m + 1) at the variables, which both sides count; overwritten.
        kernel: A (d, d, m), b (d, m) and C (d, d, m) of each gap, or with 1 for m where all gaps share it.
        first: covariance (d, d, 1) and mean (d, 1) of the first variable's contributor.

    Returns:
        (W, mean) of the variables 0 .. m - 1 and (G, weighted mean) of 1 .. m; None where they would be inaccurate.
    """
    (J, eta), (A, b, C), (C0, m0) = own, kernel, first
    if J.size > _NUMBERS:
        return None
    with np.errstate(all="ignore"):    # overflow and 0/0 end in the guard
        R0 = _regular_inverse(C0)
        if R0 is None or _regular_inverse(C[..., :1]) is None:
            return None
        R = _regular_inverse(C)
        if R is None:
            return None
        AR = matmul(transpose(A), R)
        ahead = symmetrise(matmul(AR, A))
        D, h, end = J, eta, (J[..., -1].copy(), eta[:, -1].copy())
        D[..., 1:] += R
        D[..., :-1] += ahead
        D[..., :1] += R0
        h[:, 1:] += matvec(R, b)
        h[:, :-1] -= matvec(AR, b)
        h[:, :1] += matvec(R0, m0)
        d, n = h.shape
        factor = _factorised(D, transpose(AR))
        if factor is None:
            return None
        x, _ = _LAPACK.dpbtrs(factor, h.T.reshape(-1), lower=1)
        x = np.ascontiguousarray(x.reshape(n, d).T)
        W = np.empty((d, d, n - 1))
        for at in blocks(n - 1):
            past = _pivots(factor, d, at)
            past -= _part(ahead, at)
            found = _inverse_or_none(past)
            if found is None or not _within(D[..., at], found):
                return None
            W[..., at] = found
        del factor    # the arrays here are many and large
        factor = _factorised(D[..., ::-1], AR[..., ::-1])
        del D, ahead, J
        if factor is None:
            return None
        G = np.empty((d, d, n - 1))
        for at in blocks(n - 1):
            G[..., at] = _pivots(factor, d, slice(n - 1 - at.stop, n - 1 - at.start))[..., ::-1]
            G[..., at] -= _part(R, at)
        del factor
        G[..., -1] = end[0]    # without the rounding
        e = x[:, 1:] - matvec(A, x[:, :-1]) - b
        mean = x[:, :-1] - matvec(W, matvec(AR, e))
        weighted = matvec(G, x[:, 1:]) + matvec(R, e)
        weighted[:, -1] = end[1]
        return (W, mean), (G, weighted)


def blocks(n: int, size: int = 4096) -> Iterator[slice]:
    """Rows whose matrices lie in the cache together.

    >>> [(at.start, at.stop) for at in blocks(5, 2)]
    [(0, 2), (2, 4), (4, 5)]
    """
    return (slice(first, min(first + size, n)) for first in range(0, n, size))


def _part(array: Floats, at: slice) -> Floats:
    """Some of the rows, of what is shared the one."""
    return array if array.shape[-1] == 1 else array[..., at]


def _regular_inverse(C: Floats) -> Floats | None:
    R = _inverse_or_none(C)
    return R if R is not None and _within(C, R) else None


def _inverse_or_none(C: Floats) -> Floats | None:
    try:
        return symmetrise(inverse(C))
    except np.linalg.LinAlgError:
        return None


def _within(A: Floats, B: Floats) -> bool:
    a, b = np.einsum("iin->in", A), np.einsum("iin->in", B)
    return bool(((a > 0.0) & (b > 0.0) & (a * b <= _LOSS)).all())


def _factorised(D: Floats, below: Floats) -> Floats | None:
    """The Cholesky factor, in LAPACK's lower band storage, of blocks D on the diagonal and minus ``below`` under it."""
    d, n = D.shape[1:]
    band = np.zeros((n, d, 2 * d))    # block, column, distance below the diagonal
    for c in range(d):
        band[:, c, : d - c] = D[c:, c].T
        np.negative(below[:, c].T, out=band[:-1, c, d - c : 2 * d - c])
    factor, failed = _LAPACK.dpbtrf(band.reshape(n * d, 2 * d).T, lower=1, overwrite_ab=1)
    return None if failed else factor


def _pivots(factor: Floats, d: int, at: slice) -> Floats:
    """Some block pivots: each diagonal block of the factor times its transpose."""
    band = factor.T.reshape(-1, d, 2 * d)[at]
    L = np.zeros((d, d, band.shape[0]))
    for c in range(d):
        L[c:, c] = band[:, c, : d - c].T
    return matmul(L, transpose(L))
