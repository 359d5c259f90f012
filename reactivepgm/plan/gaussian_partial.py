"""What a flat variable says through a factor without noise: certain in some directions, flat in the others.

    N(x; A z + b, C) exp(eta'z - z'Jz/2)      over z, where J is singular and so is C beyond the range of A

is neither a mean with a covariance nor information.  It is kept as it stands, and met by information (J_x, eta_x):
with D = inv(I + C J_x), M = J_x D and L = J + A'M A,

    E[x] = D (b + C eta_x) + D A L^-1 (eta + A'(D'eta_x - M b))      V[x] = D C + D A L^-1 A'D'
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reactivepgm.plan.contraction_steps import IntArray
from reactivepgm.plan.gaussian_elements import Pair
from reactivepgm.plan.gaussian_flat import Variable
from reactivepgm.plan.small_matrices import (
    Bools,
    Floats,
    identity_plus,
    inverse,
    is_definite,
    matmul,
    matvec,
    symmetrise,
    transpose,
)


@dataclass(slots=True)
class Partial:
    """A batch of such messages: ``A`` (dx, dz, n), ``b`` (dx, n), ``C`` (dx, dx, n), ``J`` (dz, dz, n), ``eta`` (dz, n)."""

    A: Floats
    b: Floats
    C: Floats
    J: Floats
    eta: Floats

    def __getitem__(self, rows: IntArray | Bools) -> Partial:
        return Partial(self.A[..., rows], self.b[..., rows], self.C[..., rows], self.J[..., rows], self.eta[..., rows])

    def met_by(self, information: Floats, vector: Floats) -> tuple[Floats, Floats, Bools]:
        """Covariance and mean of x given information about it, and where that is enough to have them."""
        D = inverse(identity_plus(matmul(self.C, information)))
        M = symmetrise(matmul(information, D))
        total = self.J + symmetrise(matmul(matmul(transpose(self.A), M), self.A))
        enough = is_definite(total)
        total[..., ~enough] = np.eye(total.shape[0])[:, :, None]
        W = symmetrise(inverse(total))
        DA = matmul(D, self.A)
        known = self.eta + matvec(transpose(self.A), matvec(transpose(D), vector) - matvec(M, self.b))
        mean = matvec(D, self.b + matvec(self.C, vector)) + matvec(DA, matvec(W, known))
        return symmetrise(matmul(D, self.C)) + symmetrise(matmul(matmul(DA, W), transpose(DA))), mean, enough


def through(pair: Pair, x: Variable) -> Partial:
    """What is sent to the far end, a moment end, by a flat variable at the near end."""
    return Partial(pair.cross.copy(), -pair.far_vector, -pair.far, x.J + pair.near, x.eta + pair.near_vector)


def through_row(
    output: tuple[Floats, Floats], inputs: list[tuple[Floats, Floats, Floats, Bools]]
) -> list[tuple[Bools, Partial]]:
    """What is sent to the output of a factor with several inputs, some of them flat, by which of them are.

    Args:
        output: b and C of the factor.
        inputs: for each A, what it sends as a matrix and a vector, and where that is in moment form.
    """
    flags = np.stack([moment for *_, moment in inputs])
    result = []
    for kind in np.unique(flags, axis=1).T:
        rows = (flags == kind[:, None]).all(axis=0)
        b, C = output[0][:, rows], output[1][..., rows]
        flat = []
        for (A, matrix, vector, _), moment in zip(inputs, kind, strict=True):
            A, matrix, vector = A[..., rows], matrix[..., rows], vector[:, rows]
            if moment:
                b, C = b + matvec(A, vector), C + symmetrise(matmul(matmul(A, matrix), transpose(A)))
            else:
                flat.append((A, matrix, vector))
        if flat:
            sizes = np.cumsum([0, *(vector.shape[0] for *_, vector in flat)])
            J = np.zeros((sizes[-1], sizes[-1], b.shape[1]))
            for first, last, (_, matrix, _) in zip(sizes, sizes[1:], flat, strict=False):
                J[first:last, first:last] = matrix
            result.append((rows, Partial(np.concatenate([A for A, *_ in flat], axis=1), b, C, J,
                                         np.concatenate([vector for *_, vector in flat]))))
    return result


class Partials:
    """The variables of one label that have heard such a message.

    Args:
        size: how many variables there are.
    """

    def __init__(self, size: int) -> None:
        self._batch, self._slot = np.full(size, -1), np.zeros(size, dtype=np.intp)
        self._parts: list[Partial] = []

    def add(self, variables: IntArray, part: Partial) -> None:
        """Keeps a batch of messages."""
        self._batch[variables], self._slot[variables] = len(self._parts), np.arange(variables.size)
        self._parts.append(part)

    def complete(self, variables: IntArray, J: Floats, eta: Floats, matrix: Floats, vector: Floats) -> Bools | None:
        """Writes covariances and means of those of the variables that are partial; tells which are still not determined.

        Args:
            variables: their numbers, (n,).
            J: information about them, and ``eta``.
            matrix: covariances, overwritten, and ``vector``, means.
        """
        if not self._parts:
            return None
        lost = np.zeros(variables.size, dtype=bool)
        batch = self._batch[variables]
        for number, part in enumerate(self._parts):
            rows = np.flatnonzero(batch == number)
            if rows.size:
                matrix[..., rows], vector[:, rows], enough = part[self._slot[variables[rows]]].met_by(
                    J[..., rows], eta[:, rows])
                lost[rows[~enough]] = True
        return lost if lost.any() else None
