"""All messages along a Gaussian chain by odd-even elimination of kernels.

A chain is variables 0..m with an element N(x_{k+1}; A_k x_k + b_k, C_k) exp(h'x_k - x_k'H x_k / 2) in each gap, in the
hybrid form, information (J, eta) at each variable and a moment contributor (C0, m0) at the first.  Every other
variable is eliminated, which composes the two kernels beside it (Särkkä & García-Fernández 2021), until one gap is
left; undone in reverse, each level's messages follow from those of the level above.  Singular C and A are ordinary.
Chains of regular kernels take the quicker ways of ``gaussian_tridiagonal`` and ``gaussian_banded``.
A gap without an element (A = 0, and the next variable's contributor for its covariance and offset) starts a new
chain, so that many chains make one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reactivepgm.plan.gaussian_banded import blocks, both_sides
from reactivepgm.plan.gaussian_elements import info_contact, log_integral, moment_contact
from reactivepgm.plan.gaussian_tridiagonal import tridiagonal_messages
from reactivepgm.plan.small_matrices import Floats, inverse, matmul, matvec, symmetrise, transpose


@dataclass(slots=True)
class Chain:
    """One level of a chain, batch-last.

    Args:
        left: blocks (d, d, m) of the elements at the variable before the gap, and ``left_vector`` (d, m).
        cross: A, from the variable before to the one behind, (d, d, m).
        right: blocks at the variable behind the gap: -C, and ``right_vector``: -b.
        J: information at the variables, (d, d, m + 1), and ``eta`` (d, m + 1).
    """

    left: Floats
    left_vector: Floats
    cross: Floats
    right: Floats
    right_vector: Floats
    J: Floats
    eta: Floats

    def messages(
        self, C0: Floats, m0: Floats, log: list[Floats] | None = None
    ) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Into the variable behind each gap, in moment form (-C, -m), and into the one before, as information.

        Args:
            C0: covariance (d, d, 1) of the first variable's contributor.
            m0: its mean (d, 1).
            log: receives the logs of the integrals over all but the last variable.
        """
        found = self._by_factorisation(C0, m0)
        if found is not None:
            if log is not None:    # each variable in turn, met by what lies before it
                (H, s), _ = found
                before, mean = np.concatenate([C0, -H[..., :-1]], axis=2), np.concatenate([m0, -s[:, :-1]], axis=1)
                log.append(log_integral(before, mean, self.J[..., :-1] + self.left, self.eta[:, :-1] + self.left_vector))
            return found
        levels = [self]
        while levels[-1].cross.shape[2] > 1:
            levels.append(levels[-1]._halved(log))
        top = levels[-1]
        J, eta = top.J[..., :1] + top.left, top.eta[:, :1] + top.left_vector
        if log is not None:
            log.append(log_integral(C0, m0, J, eta))
        forward = top._forward(slice(0, 1), *info_contact(C0, m0, J, eta))
        backward = top._backward(slice(0, 1), top.J[..., 1:], top.eta[:, 1:])
        del levels[-1], top
        while levels:
            forward, backward = levels.pop()._refined(C0, m0, forward, backward)
        return forward, backward

    def _by_factorisation(
        self, C0: Floats, m0: Floats
    ) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]] | None:
        """The same from a factorisation of the whole precision, where that is accurate."""
        if self.cross.shape[0] == 1:
            messages = tridiagonal_messages(
                (self.left[0, 0], self.left_vector[0]), (self.cross[0, 0], -self.right_vector[0], -self.right[0, 0]),
                (self.J[0, 0], self.eta[0]), (float(C0[0, 0, 0]), float(m0[0, 0])),
            )
            if messages is None:
                return None
            (C, m), (K, k) = messages
            K += self.left[0, 0]
            k += self.left_vector[0]
            return ((np.negative(C, out=C)[None, None], np.negative(m, out=m)[None]), (K[None, None], k[None]))
        J, eta = self.J.copy(), self.eta.copy()
        J[..., :-1] += self.left
        eta[:, :-1] += self.left_vector
        kernel = _once(self.cross), -_once(self.right_vector), -_once(self.right)
        sides = both_sides((J, eta), kernel, (C0, m0))
        if sides is None:
            return None
        for at in blocks(self.cross.shape[2]):    # in place: the arrays are large
            for (matrix, vector), send in zip(sides, (self._forward, self._backward), strict=True):
                matrix[..., at], vector[:, at] = send(at, matrix[..., at], vector[:, at])
        return sides

    def _forward(self, at: slice, W: Floats, u: Floats) -> tuple[Floats, Floats]:
        A = self.cross[..., at]
        H = self.right[..., at] - symmetrise(matmul(matmul(A, W), transpose(A)))
        return H, self.right_vector[:, at] - matvec(A, u)

    def _backward(self, at: slice, J: Floats, eta: Floats) -> tuple[Floats, Floats]:
        W, u = moment_contact(-self.right[..., at], -self.right_vector[:, at], J, eta)
        A = transpose(self.cross[..., at])
        H = self.left[..., at] - symmetrise(matmul(matmul(A, W), transpose(A)))
        return H, self.left_vector[:, at] - matvec(A, u)

    def _halved(self, log: list[Floats] | None) -> Chain:
        """Eliminates the variables 1, 3, 5, .. that have a gap on both sides."""
        d, m = self.left_vector.shape
        h = m // 2
        f, g, x = slice(0, 2 * h, 2), slice(1, 2 * h, 2), slice(1, 2 * h, 2)
        J, eta = self.J[..., x] + self.left[..., g], self.eta[:, x] + self.left_vector[:, g]
        C, b = -self.right[..., f], -self.right_vector[:, f]
        if log is not None:
            log.append(log_integral(C, b, J, eta))
        size = m - h
        result = Chain(np.empty((d, d, size)), np.empty((d, size)), np.empty((d, d, size)), np.empty((d, d, size)),
                       np.empty((d, size)), self.J[..., ::2], self.eta[:, ::2])
        if m % 2:    # the last element has no partner, and the last variable stays
            for new, old in ((result.left, self.left), (result.left_vector, self.left_vector),
                             (result.cross, self.cross), (result.right, self.right),
                             (result.right_vector, self.right_vector)):
                new[..., -1] = old[..., -1]
            result.J = np.concatenate([self.J[..., : m : 2], self.J[..., m:]], axis=2)
            result.eta = np.concatenate([self.eta[:, : m : 2], self.eta[:, m:]], axis=1)
        CJ = matmul(C, J)
        for i in range(d):
            CJ[i, i] += 1.0
        D = inverse(CJ)
        JD, DC = symmetrise(matmul(J, D)), symmetrise(matmul(D, C))
        before, after = self.cross[..., f], self.cross[..., g]
        across = matmul(after, D)
        result.left[..., :h] = self.left[..., f] + symmetrise(matmul(matmul(transpose(before), JD), before))
        result.left_vector[:, :h] = self.left_vector[:, f] - matvec(
            transpose(before), matvec(JD, b) - matvec(transpose(D), eta))
        result.cross[..., :h] = matmul(across, before)
        result.right[..., :h] = self.right[..., g] - symmetrise(matmul(matmul(after, DC), transpose(after)))
        result.right_vector[:, :h] = self.right_vector[:, g] - matvec(across, b) - matvec(after, matvec(DC, eta))
        return result

    def _refined(
        self, C0: Floats, m0: Floats, forward: tuple[Floats, Floats], backward: tuple[Floats, Floats]
    ) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Messages over every gap from those over pairs of gaps."""
        d, m = self.left_vector.shape
        h = m // 2
        H, s = np.empty((d, d, m)), np.empty((d, m))
        K, k = np.empty((d, d, m)), np.empty((d, m))
        odd, even = slice(1, 2 * h, 2), slice(0, 2 * h, 2)
        H[..., odd], s[:, odd] = forward[0][..., :h], forward[1][:, :h]
        K[..., even], k[:, even] = backward[0][..., :h], backward[1][:, :h]
        if m % 2:
            H[..., -1], s[:, -1] = forward[0][..., -1], forward[1][:, -1]
            K[..., -1], k[:, -1] = backward[0][..., -1], backward[1][:, -1]
        # Into 1, 3, ..: from 0, 2, .. which have heard from before them.
        C, mean = np.empty((d, d, h)), np.empty((d, h))
        C[..., :1], mean[:, :1] = C0, m0
        C[..., 1:], mean[:, 1:] = -H[..., 1 : 2 * h - 1 : 2], -s[:, 1 : 2 * h - 1 : 2]
        J, eta = self.J[..., even] + self.left[..., even], self.eta[:, even] + self.left_vector[:, even]
        H[..., even], s[:, even] = self._forward(even, *info_contact(C, mean, J, eta))
        # And from 2, 4, .. which have heard from behind them.
        behind = slice(2, 2 * h + 1, 2)
        J, eta = self.J[..., behind].copy(), self.eta[:, behind].copy()
        heard = slice(2, m, 2)
        size = len(range(2, m, 2))
        J[..., :size] += K[..., heard]
        eta[:, :size] += k[:, heard]
        K[..., odd], k[:, odd] = self._backward(odd, J, eta)
        return (H, s), (K, k)


def _once(array: Floats) -> Floats:
    """What all gaps share, one time."""
    return array[..., :1] if array.strides[-1] == 0 else array
