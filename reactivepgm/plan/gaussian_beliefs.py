"""What a solved Gaussian forest knows: marginals, messages at every end, joints and terms of the free energy.

With J the information from `out`'s side and M = J (I + C J)^-1, what it says about sum_k A_k in_k + b:

    Cov(out, in)  = (I + C J)^-1 A Cov(in)
    Cov(in1, in2) = -(I + P1 A1'M A1)^-1 P1 A1'M A2 Cov(in2),     P1 the message from in1

and no singular covariance is ever inverted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from reactivepgm.plan.gaussian_arrays import GaussianKernelArrays, GaussianMessage, GaussianUnary
from reactivepgm.plan.gaussian_contraction import Sweep
from reactivepgm.plan.small_matrices import (
    Bools,
    Floats,
    batch_first,
    identity_plus,
    inverse,
    is_definite,
    logdet,
    matmul,
    matvec,
    symmetrise,
    transpose,
)

if TYPE_CHECKING:
    from reactivepgm.plan.gaussian_forest import GaussianForest


class GaussianBeliefs:
    """Posterior of a Gaussian forest; arrays are batch-first for the reader, (n, d) and (n, d, d).

    Attributes:
        mean: for each array, (n, d).
        covariance: for each array, (n, d, d); singular ones included.
    """

    def __init__(
        self, forest: GaussianForest, sweep: Sweep, marginals: list[tuple[Floats, Floats]],
        unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays],
    ) -> None:
        self._forest, self._sweep, self._unary, self._kernels = forest, sweep, unary, kernels
        self._marginals = marginals
        places = list(zip(forest.array_label, forest.places, strict=True))
        self.covariance = [batch_first(marginals[label][0][..., place]) for label, place in places]
        self.mean = [batch_first(marginals[label][1][..., place]) for label, place in places]

    @property
    def log_partition(self) -> float:
        """The log evidence, computed when asked for; unaries in information form count as exp(eta'x - x'Jx/2)."""
        return self._forest.log_partition(self._unary, self._kernels)

    # -- messages -------------------------------------------------------------------------------------------

    def out_information(self, family: int) -> tuple[Floats, Floats]:
        """The message from `out` to the factors: (weighted mean (rows, d), precision (rows, d, d))."""
        J, eta = self._out(family)
        return batch_first(eta), batch_first(J)

    def in_messages(self, family: int) -> tuple[GaussianMessage, ...]:
        """The messages from the inputs to the factors."""
        result = []
        for end in range(1, len(self._forest.families[family].ends)):
            moment, matrix, vector = self._end(family, end)
            result.append(GaussianMessage(moment, batch_first(vector), batch_first(matrix)))
        return tuple(result)

    def _end(self, family: int, end: int) -> tuple[bool | Bools, Floats, Floats]:
        label = self._label(family, end)
        at = self._sweep.plan.edges_of(family, end)
        matrix, vector = self._sweep.to_factor[label][..., at], self._sweep.to_factor_vector[label][..., at]
        flags = self._sweep.to_factor_moment
        if flags is None:
            return True, matrix, vector
        some = flags[label][at]
        return (bool(some[0]) if some.size and bool((some == some[0]).all()) else some), matrix, vector

    def _out(self, family: int) -> tuple[Floats, Floats]:
        label = self._label(family, 0)
        plan, sweep = self._sweep.plan, self._sweep
        at = plan.edges_of(family, 0)
        J, eta = sweep.to_factor[label][..., at], sweep.to_factor_vector[label][..., at]
        first = plan.edge_base[family]
        turned = plan.edge_mode[first : first + self._forest.families[family].rows] == 0
        if sweep.to_factor_moment is not None:
            turned = turned & sweep.to_factor_moment[label][at]
        if turned.any():    # another factor draws the element too, and its message is in moment form
            P, m = J[..., turned], eta[..., turned]
            if not is_definite(P).all():
                array, elements = self._forest.families[family].out
                row = int(np.flatnonzero(turned)[np.flatnonzero(~is_definite(P))[0]])
                raise self._forest.improper(
                    label, self._forest.places[array].start + int(elements[row]),
                    "it is drawn twice, and the message between has a singular covariance",
                )
            J, eta = J.copy(), eta.copy()
            J[..., turned] = symmetrise(inverse(P))
            eta[..., turned] = matvec(J[..., turned], m)
        return J, eta

    def _label(self, family: int, end: int) -> int:
        return self._forest.array_label[self._forest.families[family].ends[end][0]]

    def _moments(self, family: int, end: int) -> tuple[Floats, Floats]:
        array, elements = self._forest.families[family].ends[end]
        V, m = self._marginals[self._forest.array_label[array]]
        at = elements + self._forest.places[array].start
        return V[..., at], m[..., at]

    def _kernel(self, family: int) -> tuple[list[Floats], Floats | None]:
        numbers, ends = self._kernels[family], self._forest.families[family].ends
        d = [self._forest.dims[a] for a, _ in ends]
        matrices = [
            np.eye(d[0], e)[:, :, None] if A is None else np.moveaxis(np.asarray(A, dtype=np.float64), 0, -1)
            for A, e in zip(numbers.matrices, d[1:], strict=True)
        ]
        C = None if numbers.covariance is None else np.moveaxis(np.asarray(numbers.covariance), 0, -1)
        return matrices, C

    # -- joints ---------------------------------------------------------------------------------------------

    def joint(self, family: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Joint moments of a one-input family: (mean_out, mean_in, V_out, V_in, V_out_in), or of both inputs.

        For a two-input family the same of (in1, in2): (mean_1, mean_2, V_1, V_2, V_12).
        """
        if len(self._forest.families[family].ins) == 2:
            return self._joint_of_inputs(family)
        (A,), C = self._kernel(family)
        V_out, m_out = self._moments(family, 0)
        V_in, m_in = self._moments(family, 1)
        across = matmul(A, V_in)
        if C is not None:
            J, _ = self._out(family)
            across = matmul(inverse(identity_plus(matmul(C, J))), across)
        return batch_first(m_out), batch_first(m_in), batch_first(V_out), batch_first(V_in), batch_first(across)

    def _joint_of_inputs(self, family: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        (A1, A2), M = self._told(family)
        V1, m1 = self._moments(family, 1)
        V2, m2 = self._moments(family, 2)
        J1, J12 = matmul(matmul(transpose(A1), M), A1), matmul(matmul(transpose(A1), M), A2)
        moment1, P1, _ = self._end(family, 1)
        moment2, P2, _ = self._end(family, 2)
        first, second = _flags(moment1, V1), _flags(moment2, V1)
        across = np.empty((V1.shape[0], V2.shape[0], V1.shape[2]))
        if first.any():
            r = first
            S = identity_plus(matmul(P1[..., r], J1[..., r]))
            across[..., r] = -matmul(matmul(matmul(inverse(S), P1[..., r]), J12[..., r]), V2[..., r])
        J2 = matmul(matmul(transpose(A2), M), A2)
        r = ~first & second
        if r.any():
            S = identity_plus(matmul(P2[..., r], J2[..., r]))
            other = matmul(matmul(matmul(inverse(S), P2[..., r]), transpose(J12[..., r])), V1[..., r])
            across[..., r] = -transpose(other)
        r = ~first & ~second
        if r.any():
            d1, d2 = V1.shape[0], V2.shape[0]
            whole = np.empty((d1 + d2, d1 + d2, int(r.sum())))
            whole[:d1, :d1], whole[d1:, d1:] = P1[..., r] + J1[..., r], P2[..., r] + J2[..., r]
            whole[:d1, d1:], whole[d1:, :d1] = J12[..., r], transpose(J12[..., r])
            across[..., r] = inverse(whole)[:d1, d1:]
        return batch_first(m1), batch_first(m2), batch_first(V1), batch_first(V2), batch_first(across)

    def _told(self, family: int) -> tuple[list[Floats], Floats]:
        """The matrices, and what `out` says about their sum: M = J (I + C J)^-1."""
        A, C = self._kernel(family)
        J, _ = self._out(family)
        if C is None:
            return A, J
        return A, symmetrise(matmul(J, inverse(identity_plus(matmul(C, J)))))

    # -- terms of the free energy ---------------------------------------------------------------------------

    def conditional_entropy_terms(self, family: int) -> Floats:
        """½ log det(I + C J_out) for each row: how much `out`'s side narrows the noise."""
        _, C = self._kernel(family)
        J, _ = self._out(family)
        if C is None:
            return np.zeros(J.shape[2])
        return 0.5 * logdet(identity_plus(matmul(C, J)))

    def mutual_information(self, family: int) -> Floats:
        """I(in1; in2) under the joint posterior for each row of a two-input family, singular covariances included.

        With J2 = A2'M A2 before and J2~ after in1 is integrated out: ½ [log det(I + P2 J2) - log det(I + P2 J2~)].
        """
        (A1, A2), M = self._told(family)
        moment1, P1, _ = self._end(family, 1)
        moment2, P2, _ = self._end(family, 2)
        first, second = _flags(moment1, P1), _flags(moment2, P2)
        after = np.empty_like(np.broadcast_to(M, (*M.shape[:2], first.size)))
        A1 = np.broadcast_to(A1, (*A1.shape[:2], first.size))
        if first.any():
            r = first
            S = matmul(matmul(matmul(A1[..., r], P1[..., r]), transpose(A1[..., r])), M[..., r])
            after[..., r] = symmetrise(matmul(M[..., r], inverse(identity_plus(S))))
        r = ~first
        if r.any():
            X = matmul(transpose(A1[..., r]), M[..., r])
            own = inverse(P1[..., r] + matmul(X, A1[..., r]))
            after[..., r] = M[..., r] - symmetrise(matmul(matmul(transpose(X), own), X))
        J2 = matmul(matmul(transpose(A2), M), A2)
        rest = matmul(matmul(transpose(A2), after), A2)
        result = np.empty(first.size)
        for r, moment in ((second, True), (~second, False)):
            if r.any():
                P, J, K = P2[..., r], J2[..., r], rest[..., r]
                if moment:
                    before, behind = identity_plus(matmul(P, J)), identity_plus(matmul(P, K))
                else:
                    before, behind = P + J, P + K
                result[r] = 0.5 * (logdet(before) - logdet(behind))
        return result


def _flags(moment: bool | Bools, like: Floats) -> Bools:
    return np.broadcast_to(np.asarray(moment), (like.shape[-1],))
