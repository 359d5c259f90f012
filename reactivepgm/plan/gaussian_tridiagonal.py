"""All messages along a scalar Gaussian chain from LAPACK's tridiagonal factorisation, run both ways.

With R = 1/C the chain's precision has diagonal d_k = J_k + A_k² R_k + R_{k-1} and off-diagonal -A_k R_k.  Its pivots from
the front are p, from the back r; what the front alone says of x_k is q = p - A² R, the back alone of x_{k+1} g = r - R:

    forward into x_{k+1}    variance C p_k / q_k           mean A (x_k - A R e_k / q_k) + b
    backward into x_k       precision A² R g_{k+1} / r     weighted mean A R (g (x_{k+1} - b) + R e_k) / r

where x are the posterior means, from one more solve, and e_k = x_{k+1} - A x_k - b.  One pass in compiled code replaces a
score of levels, but the differences lose d/q and d/g in accuracy, and C must not be zero.  Where more than four
digits would go, nothing is returned, and the kernels are composed instead.
"""

from __future__ import annotations

import numpy as np

from reactivepgm.numerics.deferred import Deferred
from reactivepgm.plan.small_matrices import Bools, Floats

_LAPACK = Deferred("scipy.linalg.lapack")
_LOSS = 1e4   # by which rounding errors may grow beyond those of the kernel form

Messages = tuple[tuple[Floats, Floats], tuple[Floats, Floats]]


def tridiagonal_messages(
    left: tuple[Floats, Floats], kernel: tuple[Floats, Floats, Floats], information: tuple[Floats, Floats],
    first: tuple[float, float],
) -> Messages | None:
    """Messages over all gaps of a scalar chain of m + 1 variables, or None where they would be inaccurate.

    Args:
        left: information about the variable before each gap, J and eta (m,).
        kernel: A, b and C (m,) of each gap.
        information: J and eta (m + 1,) at the variables.
        first: variance and mean of the first variable's contributor.

    Returns:
        Forward (variance, mean) and backward (precision, weighted mean), each (m,), ``left`` not counted.

    >>> one, none = np.ones(2), np.zeros(2)
    >>> forward, _ = tridiagonal_messages((none, none), (one, none, one), (np.ones(3), np.ones(3)), (1.0, 0.0))
    >>> [round(float(v), 12) for v in forward[0]]
    [1.5, 1.6]
    """
    A, b, C = kernel
    C0, m0 = first
    if not (C0 > 0.0 and C.min() > 0.0):
        return None
    with np.errstate(all="ignore"):    # overflow and 0/0 end in the guard
        # In place wherever possible: fresh memory costs more than the arithmetic.
        R = 1.0 / C
        AR = A * R
        ahead = A * AR
        d, h = information[0].copy(), information[1].copy()
        d[:-1] += left[0]
        h[:-1] += left[1]
        silent = None if d.all() else _silent(d, A)
        d[0] += 1.0 / C0
        d[1:] += R
        d[:-1] += ahead
        push = b * R
        h[0] += m0 / C0
        h[1:] += push
        h[:-1] -= np.multiply(push, A, out=push)
        limit = d / _LOSS
        r, _, failed = _LAPACK.dpttrf(d[::-1], np.negative(AR[::-1]), overwrite_e=1)
        if failed:
            return None
        p, factor, failed = _LAPACK.dpttrf(d, np.negative(AR, out=push), overwrite_d=1, overwrite_e=1)
        if failed:
            return None
        x, _ = _LAPACK.dpttrs(p, factor, h, overwrite_b=1)
        p, r = p[:-1], r[-2::-1]
        q, g = np.subtract(p, ahead), np.subtract(r, R, out=factor)
        heard = g >= limit[1:]
        if silent is not None:
            heard |= silent
        if not (heard.all() and (q >= limit[:-1]).all()):
            return None
        mean, e = np.multiply(A, x[:-1]), limit[1:]
        np.subtract(x[1:], mean, out=e)
        e -= b
        np.multiply(AR, e, out=mean)
        mean /= q
        np.subtract(x[:-1], mean, out=mean)
        mean *= A
        mean += b
        variance = p
        variance *= C
        variance /= q
        share = np.divide(AR, r, out=AR)
        precision = np.multiply(A, share, out=ahead)
        precision *= g
        weighted = np.subtract(x[1:], b, out=q)
        weighted *= g
        weighted += np.multiply(R, e, out=e)
        weighted *= share
        if silent is not None:
            precision[silent], weighted[silent] = 0.0, 0.0
        return (variance, mean), (precision, weighted)


def _silent(own: Floats, A: Floats) -> Bools | None:
    """Gaps behind which nothing is known up to the next cut, where a difference would leave rounding instead of zero."""
    informed = own != 0.0
    if informed.all():
        return None
    m = A.size
    place = np.arange(m + 1)
    none = m + 1
    source = np.minimum.accumulate(np.where(informed, place, none)[::-1])[::-1]      # the next variable that knows
    cut = np.minimum.accumulate(np.where(A == 0.0, place[:m], none)[::-1])[::-1]     # the next gap that is one
    beyond = np.append(cut[1:], none)     # seen from the variable behind a gap
    result: Bools = source[1:] > np.minimum(beyond, m)
    return result
