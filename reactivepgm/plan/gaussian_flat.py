"""Elimination where a variable has no moment contributor: flat roots, and what hangs on them.

A root without a proper prior brings information J only.  Where J is numerically positive definite, W = J and the
variable goes as usual.  Where it is not, it can only leave together with a moment end r of its element: with
K = [[J, A'], [A, H_rr]] over (x, nu_r),

    H_rr' = -(K^-1)_rr      s_r' = (K^-1 s)_r      H_rb' = (K^-1 X_b)_r      H_bb' = H_bb - X_b' K^-1 X_b

and r becomes an info end.  With neither, nothing determines the variable, and no pseudo-inverse is put in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reactivepgm.plan.gaussian_elements import (
    Pair,
    info_contact,
    log_integral,
    moment_contact,
    send,
)
from reactivepgm.plan.gaussian_rounding import RANK, decided, of_nullity
from reactivepgm.plan.small_matrices import (
    Bools,
    Floats,
    dot,
    inverse,
    is_definite,
    logdet,
    matmul,
    matvec,
    symmetrise,
    transpose,
)

CERTAIN_AND_FLAT = (
    "it has no prior, and what it says through a factor without noise is certain in some directions and flat in the"
    " others, which no message to another factor can express; give it a proper prior, however wide, or the factor noise"
)


class UndeterminedError(Exception):
    """A variable that cannot be eliminated, by its place in the batch, and why."""

    def __init__(self, place: int, reason: str = "nothing determines it") -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason


@dataclass(slots=True)
class Variable:
    """What is known at variables: information (J, eta) and, where ``has``, a moment contributor (C, m)."""

    J: Floats
    eta: Floats
    C: Floats
    m: Floats
    has: Bools

    def __getitem__(self, rows: Bools) -> Variable:
        return Variable(self.J[..., rows], self.eta[..., rows], self.C[..., rows], self.m[..., rows], self.has[rows])


@dataclass(slots=True)
class Triple:
    """Two ends a, b around a variable x: blocks of the ends, and the cross blocks to the contacts of x.

    ``Xa`` (da, dx, n), ``Xb`` (db, dx, n), ``Hab`` (da, db, n); at a moment contact ``a_side`` the variable's
    moment contributor is the element at ``a`` itself, with block ``near`` and vector ``near_vector``.
    """

    Ha: Floats
    sa: Floats
    Hb: Floats
    sb: Floats
    Hab: Floats
    Xa: Floats
    Xb: Floats
    a_moment: Bools
    b_moment: Bools

    def __getitem__(self, rows: Bools) -> Triple:
        return Triple(
            self.Ha[..., rows], self.sa[..., rows], self.Hb[..., rows], self.sb[..., rows], self.Hab[..., rows],
            self.Xa[..., rows], self.Xb[..., rows], self.a_moment[rows], self.b_moment[rows],
        )

    def turned(self) -> Triple:
        """The same with a and b exchanged."""
        return Triple(self.Hb, self.sb, self.Ha, self.sa, transpose(self.Hab), self.Xb, self.Xa,
                      self.b_moment, self.a_moment)

    def put(self, rows: Bools, part: Triple) -> None:
        """Writes the ends of ``part`` into some rows."""
        for whole, some in ((self.Ha, part.Ha), (self.sa, part.sa), (self.Hb, part.Hb), (self.sb, part.sb),
                            (self.Hab, part.Hab)):
            whole[..., rows] = some
        self.a_moment[rows], self.b_moment[rows] = part.a_moment, part.b_moment


def join(triple: Triple, W: Floats, u: Floats) -> Triple:
    """Eliminates a variable whose contacts with both ends are one and the same."""
    XW = matmul(triple.Xa, W)
    return Triple(
        triple.Ha - symmetrise(matmul(XW, transpose(triple.Xa))), triple.sa - matvec(triple.Xa, u),
        triple.Hb - symmetrise(matmul(matmul(triple.Xb, W), transpose(triple.Xb))), triple.sb - matvec(triple.Xb, u),
        triple.Hab - matmul(XW, transpose(triple.Xb)), triple.Xa, triple.Xb, triple.a_moment, triple.b_moment,
    )


def join_kernel(triple: Triple, C: Floats, m: Floats, J: Floats, eta: Floats) -> Triple:
    """Eliminates a variable whose moment contributor (C, m) is the element at ``a``: kernels in a row compose."""
    if C.shape[0] == 1:
        D = 1.0 / (1.0 + C * J)
        JD, DC = J * D, D * C
    else:
        S = matmul(C, J)
        for i in range(S.shape[0]):
            S[i, i] += 1.0
        D = inverse(S)
        JD, DC = symmetrise(matmul(J, D)), symmetrise(matmul(D, C))
    u_nu = matvec(JD, m) - matvec(transpose(D), eta)
    u_v = matvec(D, m) + matvec(DC, eta)
    return Triple(
        triple.Ha + symmetrise(matmul(matmul(triple.Xa, JD), transpose(triple.Xa))),
        triple.sa - matvec(triple.Xa, u_nu),
        triple.Hb - symmetrise(matmul(matmul(triple.Xb, DC), transpose(triple.Xb))),
        triple.sb - matvec(triple.Xb, u_v),
        triple.Hab + matmul(matmul(triple.Xa, transpose(D)), transpose(triple.Xb)), triple.Xa, triple.Xb,
        triple.a_moment, triple.b_moment,
    )


def send_carefully(
    pair: Pair, x: Variable, log: list[Floats] | None, failed: Bools | None = None
) -> tuple[Floats, Floats, Bools]:
    """Sends through a pair, row by row in the way that its modes ask for; the last result flags moment messages.

    Args:
        pair: the elements.
        x: what is known at the near end.
        log: receives the logs of the integrals.
        failed: receives the rows that cannot be sent, instead of the error.

    Raises:
        UndeterminedError: neither information nor a moment end determines a variable.
    """
    assert pair.near_moment is not None and pair.far_moment is not None
    H, s = np.zeros_like(pair.far), np.zeros_like(pair.far_vector)
    moment = pair.far_moment.copy()
    for rows, kind in _kinds(pair.near_moment, x, pair.near):
        part = Pair(pair.near[..., rows], pair.near_vector[..., rows], pair.far[..., rows], pair.far_vector[..., rows],
                    pair.cross[..., rows])
        at = x[rows]
        if kind == "moment":
            C, m = -part.near, -part.near_vector
            H[..., rows], s[..., rows] = send(part, *moment_contact(C, m, at.J, at.eta))
            _note(log, log_integral, C, m, at.J, at.eta)
            continue
        J, eta = at.J + part.near, at.eta + part.near_vector
        if kind == "proper":
            H[..., rows], s[..., rows] = send(part, *info_contact(at.C, at.m, J, eta))
            _note(log, log_integral, at.C, at.m, J, eta)
        elif kind == "definite":
            W = symmetrise(inverse(J))
            far, s[..., rows] = send(part, W, matvec(W, eta))
            H[..., rows] = decided(far, part.far, moment[rows])
            _note(log, log_information, J, eta)
        else:
            none = Triple(part.far, part.far_vector, part.near[:0, :0], part.near_vector[:0], part.cross[:, :0],
                          part.cross, part.near[:0], moment[rows], np.zeros(int(rows.sum()), dtype=bool))
            fine = _pivoted(none, J, rows, failed)
            result = _pivot(none[fine], J[..., fine], eta[:, fine], log)
            rows[rows] = fine
            H[..., rows], s[..., rows], moment[rows] = result.Ha, result.sa, False
    return H, s, moment


def join_carefully(
    triple: Triple, near: Pair, x: Variable, kernel: bool, log: list[Floats] | None, failed: Bools | None = None
) -> Triple:
    """Eliminates x between two ends; ``near`` carries the block that may be the moment contributor.

    Args:
        triple: the two ends.
        near: its ``near`` fields are the block of x in the element at ``a``, with their flags.
        x: the information and the moment contributor at x, the block of x in the element at ``b`` included.
        kernel: a moment contact joins only ``a`` (compression); else both ends (reduction).
        log: receives the logs of the integrals.
        failed: receives the rows where x cannot be eliminated, instead of the error.

    Raises:
        UndeterminedError: neither information nor a moment end determines a variable.
    """
    assert near.near_moment is not None
    result = Triple(triple.Ha.copy(), triple.sa.copy(), triple.Hb.copy(), triple.sb.copy(), triple.Hab.copy(),
                    triple.Xa, triple.Xb, triple.a_moment.copy(), triple.b_moment.copy())
    for rows, kind in _kinds(near.near_moment, x, near.near):
        part, at = triple[rows], x[rows]
        block, vector = near.near[..., rows], near.near_vector[..., rows]
        if kind == "moment":
            if kernel:
                result.put(rows, join_kernel(part, -block, -vector, at.J, at.eta))
            else:
                result.put(rows, join(part, *moment_contact(-block, -vector, at.J, at.eta)))
            _note(log, log_integral, -block, -vector, at.J, at.eta)
            continue
        J, eta = at.J + block, at.eta + vector
        if kind == "proper":
            result.put(rows, join(part, *info_contact(at.C, at.m, J, eta)))
            _note(log, log_integral, at.C, at.m, J, eta)
        elif kind == "definite":
            W = symmetrise(inverse(J))
            joined = join(part, W, matvec(W, eta))
            joined.Ha = decided(joined.Ha, part.Ha, part.a_moment)
            joined.Hb = decided(joined.Hb, part.Hb, part.b_moment)
            result.put(rows, joined)
            _note(log, log_information, J, eta)
        else:
            first = part.a_moment.copy()
            first[first] = _regular(_saddle(part[first], J[..., first]))
            for some, turn in ((first, False), (~first, True)):
                if some.any():
                    where = rows.copy()
                    where[rows] = some
                    side = part[some].turned() if turn else part[some]
                    fine = _pivoted(side, J[..., some], where, failed)
                    done = _pivot(side[fine], J[..., some][..., fine], eta[..., some][..., fine], log)
                    where[where] = fine
                    result.put(where, done.turned() if turn else done)
    return result


def log_information(J: Floats, eta: Floats) -> Floats:
    """log of the integral of exp(eta'x - x'Jx/2)."""
    result: Floats = 0.5 * (dot(eta, matvec(inverse(J), eta)) - logdet(J) + J.shape[0] * np.log(2 * np.pi))
    return result


def _note(log: list[Floats] | None, term: object, *arguments: Floats) -> None:
    if log is not None and callable(term):
        log.append(term(*arguments))


def _kinds(near_moment: Bools, x: Variable, near: Floats) -> list[tuple[Bools, str]]:
    proper = ~near_moment & x.has
    bare = ~near_moment & ~x.has
    definite = bare.copy()
    if bare.any():
        definite[bare] = is_definite(x.J[..., bare] + near[..., bare])
    kinds = ((near_moment, "moment"), (proper, "proper"), (definite, "definite"), (bare & ~definite, "flat"))
    return [(rows, kind) for rows, kind in kinds if rows.any()]


def _pivoted(triple: Triple, J: Floats, rows: Bools, failed: Bools | None) -> Bools:
    """Where a flat variable can go together with the moment end ``a``; the others are noted, or the first one blamed."""
    fine = triple.a_moment.copy()
    fine[fine] = _regular(_saddle(triple[fine], J[..., fine]))
    if fine.all():
        return fine
    lost = np.flatnonzero(rows)[~fine]
    if failed is not None:
        failed[lost] = True
        return fine
    at = int(np.flatnonzero(~fine)[0])
    A, information = triple.Xa[..., at], J[..., at]
    reaches = bool(triple.a_moment[at]) and np.linalg.matrix_rank(np.concatenate([information, A])) == A.shape[1]
    raise UndeterminedError(int(lost[0]), CERTAIN_AND_FLAT if reaches else "nothing determines it")


def _saddle(triple: Triple, J: Floats) -> Floats:
    dx, da = J.shape[0], triple.Ha.shape[0]
    K = np.empty((dx + da, dx + da, J.shape[2]))
    K[:dx, :dx], K[dx:, :dx], K[:dx, dx:], K[dx:, dx:] = J, triple.Xa, transpose(triple.Xa), triple.Ha
    return K


def _regular(K: Floats) -> Bools:
    """Where a symmetric matrix is numerically invertible, its axes brought to unit size first."""
    size = np.abs(K).max(axis=1)
    fine = (size > 0.0).all(axis=0) & np.isfinite(K).all(axis=(0, 1))
    scaled = np.where(fine, K, np.eye(K.shape[0])[:, :, None])
    for _ in range(3):
        root = np.sqrt(np.abs(scaled).max(axis=1))
        scaled = scaled / (root[:, None] * root[None])
    values = np.linalg.svd(np.moveaxis(scaled, 2, 0), compute_uv=False)
    result: Bools = fine & (values[:, -1] > RANK * values[:, 0])
    return result


def _pivot(triple: Triple, J: Floats, eta: Floats, log: list[Floats] | None) -> Triple:
    dx = J.shape[0]
    K = _saddle(triple, J)
    inverted = symmetrise(inverse(K))
    s = np.concatenate([eta, triple.sa])
    X = np.concatenate([transpose(triple.Xb), triple.Hab])     # (x and nu_a, b)
    solved, moved = matvec(inverted, s), matmul(inverted, X)
    if log is not None:
        constant = (dx - triple.Ha.shape[0]) * np.log(2 * np.pi)
        log.append(0.5 * (dot(s, solved) - logdet(K) + constant))
    Hb = triple.Hb - symmetrise(matmul(transpose(X), moved)) if X.shape[1] else triple.Hb
    return Triple(
        of_nullity(-inverted[dx:, dx:], J, triple.Xa), solved[dx:],
        decided(Hb, triple.Hb, triple.b_moment) if X.shape[1] else Hb,
        triple.sb - matvec(transpose(X), solved) if X.shape[1] else triple.sb, moved[dx:], triple.Xa, triple.Xb,
        np.zeros_like(triple.a_moment), triple.b_moment,
    )
