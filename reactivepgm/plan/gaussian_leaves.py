"""Leaves: what they say to the variables that they hang on is added up there, and they are not contracted.

    t_n = A_n w + b_n + N(0, C_n),   exp(eta_n't_n - t_n'J_n t_n/2) at t_n,   D_n = inv(I + C_n J_n)
    w hears   J = sum A_n'(J_n D_n) A_n,    eta = sum A_n'(D_n'eta_n - J_n D_n b_n)
    given N(w; m, V), t_n has mean D_n (A_n m + b_n + C_n eta_n) and covariance D_n A_n V A_n'D_n' + D_n C_n

A regression on n rows is this with w its weights, one for all rows, so that it costs two matrix products and keeps nothing
for a row. The leaves' own marginals follow from that of w, without w's cavities, and are computed when somebody asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np

from reactivepgm.numerics.array import Array
from reactivepgm.plan.contraction_steps import IntArray
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianMessage, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_beliefs import GaussianBeliefs
from reactivepgm.plan.gaussian_relays import Moments, RelayedBeliefs, RelayedForest
from reactivepgm.plan.place import Place
from reactivepgm.plan.small_matrices import Floats

_FEWEST = 16
_BLOCK = 4096
"""Rows whose weighted copies lie in the cache together."""


@dataclass(frozen=True)
class Leaves:
    """The leaves of one family, with the numbers of one solution.

    Args:
        A: (n or 1, e, d).
        b: (n or 1, e), or None.
        C: (n or 1, e, e), or None.
        eta: (n, e).
        J: (n, e, e).
    """

    A: Floats
    b: Floats | None
    C: Floats | None
    eta: Floats
    J: Floats

    @cached_property
    def shrinkage(self) -> Floats | None:
        """D, (n, e, e); None where it is the identity."""
        if self.C is None:
            return None
        if self.J.shape[-1] == 1:
            return 1.0 / (1.0 + self.C * self.J)
        return np.asarray(np.linalg.inv(np.eye(self.J.shape[-1]) + self.C @ self.J))

    @cached_property
    def told(self) -> tuple[Floats, Floats]:
        """What each row says about A w: precision J D (n, e, e), and weighted mean (n, e)."""
        M, v = self.J, self.eta
        if self.shrinkage is not None:
            M = _symmetric(M @ self.shrinkage if M.shape[-1] > 1 else M * self.shrinkage)
            v = _times(_transposed(self.shrinkage), v)
        return M, v if self.b is None else v - _times(M, self.b)

    def each(self) -> tuple[Floats, Floats]:
        """What a variable hears from each leaf: precisions (n, d, d) and weighted means (n, d)."""
        M, v = self.told
        n, e = v.shape
        if len(self.A) == 1:
            A = self.A[0]
            d = A.shape[1]
            return (M.reshape(n, e * e) @ np.kron(A, A)).reshape(n, d, d), v @ A
        A = self.A
        weighted = M * A if e == 1 else M @ A
        return _symmetric(_transposed(A) @ weighted), (_transposed(A) @ v[..., None])[..., 0]

    def pooled(self) -> tuple[Floats, Floats]:
        """What one variable hears from all: precision (d, d) and weighted mean (d,)."""
        M, v = self.told
        n, e = v.shape
        if len(self.A) == 1:
            A = self.A[0]
            return _symmetric(A.T @ M.sum(axis=0) @ A), A.T @ v.sum(axis=0)
        flat = np.ascontiguousarray(self.A).reshape(n * e, -1)
        vector = flat.T @ v.reshape(-1)
        if e == 1 and (M[0] == M).all():
            return M[0, 0, 0] * (flat.T @ flat), vector
        matrix = np.zeros((flat.shape[1], flat.shape[1]))
        for first in range(0, n, _BLOCK):
            A, some = self.A[first : first + _BLOCK], M[first : first + _BLOCK]
            weighted = (some * A if e == 1 else some @ A).reshape(-1, flat.shape[1])
            matrix += A.reshape(weighted.shape).T @ weighted
        return _symmetric(matrix), vector

    def log_integral(self) -> float:
        """The constant that integrating the leaves leaves behind."""
        M, _ = self.told
        total = 0.0
        if self.C is not None and self.shrinkage is not None:
            DC = self.shrinkage * self.C if M.shape[-1] == 1 else self.shrinkage @ self.C
            total += 0.5 * float((self.eta * _times(DC, self.eta)).sum() + np.linalg.slogdet(self.shrinkage)[1].sum())
        if self.b is not None:
            heard = self.eta if self.shrinkage is None else _times(_transposed(self.shrinkage), self.eta)
            total += float((self.b * (heard - 0.5 * _times(M, self.b))).sum())
        return total

    def marginals(self, m: Floats, V: Floats) -> tuple[Floats, Floats]:
        """Means (n, e) and covariances (n, e, e).

        Args:
            m: mean of the variable that all hang on (d,), or of the one that each hangs on (n, d).
            V: its covariance, (d, d) or (n, d, d).
        """
        n, e = self.eta.shape
        mean = self.A @ m if m.ndim == 1 else m @ self.A[0].T if len(self.A) == 1 else _times(self.A, m)
        if V.ndim == 3 and len(self.A) == 1:
            A = self.A[0]
            covariance = (V.reshape(n, -1) @ np.kron(A, A).T).reshape(n, e, e)
        elif e == 1:
            rows = self.A[:, 0]
            turned = rows @ V if V.ndim == 2 else (rows[:, None] @ V)[:, 0]
            covariance = np.einsum("ni,ni->n", turned, rows)[:, None, None]
        else:
            covariance = self.A @ V @ _transposed(self.A)
        if self.b is not None:
            mean = mean + self.b
        if self.C is not None and self.shrinkage is not None:
            D = self.shrinkage
            mean = _times(D, mean + _times(self.C, self.eta))
            covariance = D * D * covariance + D * self.C if e == 1 else _symmetric(D @ (covariance @ _transposed(D) + self.C))
        return np.broadcast_to(mean, (n, e)), np.broadcast_to(covariance, (n, e, e))

    def across(self, V: Floats) -> Floats:
        """Covariances of leaf and variable, (n, e, d)."""
        AV = self.A @ V
        if self.shrinkage is not None:
            AV = self.shrinkage * AV if AV.shape[-2] == 1 else self.shrinkage @ AV
        return np.broadcast_to(AV, (len(self.eta), *AV.shape[1:]))


@dataclass(frozen=True)
class Pooled:
    """A forest's numbers after its leaves have spoken.

    Args:
        leaves: by family, those that were pooled.
        told: by array that remains, what its variables hear by themselves and from their leaves.
        families: the families that remain.
    """

    leaves: dict[int, Leaves]
    told: dict[int, GaussianUnary]
    families: list[int]


class PooledForest:
    """A forest of which the leaves are pooled, and the rest is contracted.

    Takes what ``GaussianForest`` takes.

    >>> line = PooledForest([1, 16], [1, 1], [Factors((1, np.arange(16)), ((0, np.zeros(16, int)),))])
    >>> flat = GaussianUnary(np.zeros((1, 1)), np.zeros((1, 1, 1)))
    >>> told = GaussianUnary(np.full((16, 1), 2.0), np.ones((16, 1, 1)))
    >>> beliefs = line.solve([flat, told], [GaussianKernelArrays((None,), None, np.ones((1, 1, 1)))])
    >>> round(float(beliefs.mean[0][0, 0]), 12), round(float(beliefs.covariance[0][0, 0, 0]), 12)
    (2.0, 0.125)
    """

    def __init__(
        self, sizes: Sequence[int], dims: Sequence[int], families: Sequence[Factors], noiseless: Sequence[bool] = ()
    ) -> None:
        self._given = list(sizes), list(dims), list(families)
        self._noiseless = list(noiseless) or [False] * len(families)
        used = [array for family in families for array in dict.fromkeys(array for array, _ in family.ends)]
        self.leaves = {n: family.out[0] for n, family in enumerate(families) if _hangs(family, sizes, used)}
        hung = set(self.leaves.values())
        self.arrays = [array for array in range(len(sizes)) if array not in hung]
        number = {array: i for i, array in enumerate(self.arrays)}
        self.families = [n for n in range(len(families)) if n not in self.leaves]
        self.rest = RelayedForest(
            [sizes[a] for a in self.arrays],
            [dims[a] for a in self.arrays],
            [_renumbered(families[n], number) for n in self.families],
            [self._noiseless[n] for n in self.families],
        )

    @cached_property
    def whole(self) -> RelayedForest:
        """The forest with every leaf in it."""
        return RelayedForest(*self._given, self._noiseless) if self.leaves else self.rest

    def branches(self, family: int) -> tuple[int, IntArray]:
        """The array and the elements that a family's leaves hang on."""
        return self._given[2][family].ins[0]

    def solve(
        self, unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays]
    ) -> GaussianBeliefs | RelayedBeliefs | PooledBeliefs:
        """All marginals and messages for these numbers; see ``GaussianForest.solve``.

        Raises:
            ImproperError: nothing determines a variable.
        """
        return self.contract(self.pool(unary, kernels), unary, kernels)

    def pool(self, unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays]) -> Pooled:
        """What the leaves say where they hang, added to what the variables there hear; nothing has been solved yet."""
        if not self.leaves or any(unary[array].elements is not None for array in self.leaves.values()):
            return Pooled({}, dict(enumerate(unary)), list(range(len(kernels))))
        dims = self._given[1]
        leaves = {n: _leaves(kernels[n], unary[array], dims[array]) for n, array in self.leaves.items()}
        told = {array: unary[array] for array in self.arrays}
        for n, found in leaves.items():
            array, index = self._given[2][n].ins[0]
            said = told[array]
            if said is unary[array]:
                said = replace(said, weighted_mean=np.array(said.weighted_mean), precision=np.array(said.precision))
                told[array] = said
            place = Place(index, self._given[0][array])
            precision, weighted = found.pooled() if place.kind == "one" else found.each()
            if place.kind == "one":
                said.precision[index[0]] += precision
                said.weighted_mean[index[0]] += weighted
            else:
                place.add(said.precision, precision)
                place.add(said.weighted_mean, weighted)
        return Pooled(leaves, told, self.families)

    def contract(
        self, pooled: Pooled, unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays]
    ) -> GaussianBeliefs | RelayedBeliefs | PooledBeliefs:
        """The marginals and messages that follow from what was pooled.

        Raises:
            ImproperError: nothing determines a variable.
        """
        if not pooled.leaves:
            return self.whole.solve([pooled.told[a] for a in range(len(unary))], kernels)
        try:
            rest = self.rest.solve([pooled.told[a] for a in self.arrays], [kernels[n] for n in self.families])
        except ImproperError as error:
            raise ImproperError(self.arrays[error.array], error.element, error.reason) from None
        return PooledBeliefs(self, pooled.leaves, rest, unary, kernels)


class PooledBeliefs:
    """The posterior of a pooled forest, with the same faces as ``GaussianBeliefs``.

    Attributes:
        mean: for each array, (n, d); those of leaves are computed when asked for.
        covariance: for each array, (n, d, d).
    """

    def __init__(
        self, forest: PooledForest, leaves: dict[int, Leaves], rest: GaussianBeliefs | RelayedBeliefs,
        unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays],
    ) -> None:
        self._forest, self._leaves, self._rest, self._unary, self._kernels = forest, leaves, rest, unary, kernels
        self._place = {array: i for i, array in enumerate(forest.arrays)}
        self._family = {array: n for n, array in forest.leaves.items()}
        self._number = {n: i for i, n in enumerate(forest.families)}
        self._found: dict[int, tuple[Floats, Floats]] = {}
        self.mean = Moments(self, 0)
        self.covariance = Moments(self, 1)

    def is_pending(self, array: int) -> bool:
        """Whether the marginals of an array are yet to be computed."""
        if array in self._family:
            return array not in self._found
        return isinstance(self._rest, RelayedBeliefs) and self._rest.is_pending(self._place[array])

    def moments(self, array: int) -> tuple[Floats, Floats]:
        """Means and covariances of an array."""
        if array in self._place:
            i = self._place[array]
            return self._rest.mean[i], self._rest.covariance[i]
        if array not in self._found:
            family = self._family[array]
            m, V = self._hub(family)
            self._found[array] = self._leaves[family].marginals(m, V)
        return self._found[array]

    def _hub(self, family: int) -> tuple[Floats, Floats]:
        """Moments of the variable that all leaves of a family hang on, or of the one that each hangs on."""
        array, index = self._forest.branches(family)
        mean, covariance = self.moments(array)
        place = Place(index, len(mean))
        if place.kind == "one":
            return mean[index[0]], covariance[index[0]]
        return mean[place.selector], covariance[place.selector]

    @property
    def log_partition(self) -> float:
        """The log evidence; see ``GaussianBeliefs.log_partition``."""
        return self._rest.log_partition + sum(leaves.log_integral() for leaves in self._leaves.values())

    @cached_property
    def _all(self) -> GaussianBeliefs | RelayedBeliefs:
        """The solution of the whole forest, for messages out of single rows."""
        return self._forest.whole.solve(self._unary, self._kernels)

    def out_information(self, family: int) -> tuple[Floats, Floats]:
        """The message from `out` to the factors: (weighted mean (rows, d), precision (rows, d, d))."""
        if family in self._leaves:
            return self._leaves[family].eta, self._leaves[family].J
        return self._rest.out_information(self._number[family])

    def in_messages(self, family: int) -> tuple[GaussianMessage, ...]:
        """The messages from the inputs to the factors."""
        if family in self._leaves:
            return self._all.in_messages(family)
        return self._rest.in_messages(self._number[family])

    def joint(self, family: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Joint moments of a family; see ``GaussianBeliefs.joint``."""
        if family not in self._leaves:
            return self._rest.joint(self._number[family])
        leaves = self._leaves[family]
        m, V = self._hub(family)
        n = len(leaves.eta)
        mean, covariance = self.moments(self._forest.leaves[family])
        m, V = np.broadcast_to(m, (n, m.shape[-1])), np.broadcast_to(V, (n, *V.shape[-2:]))
        return mean, m, covariance, V, leaves.across(V)

    def conditional_entropy_terms(self, family: int) -> Floats:
        """½ log det(I + C J_out) for each row."""
        if family not in self._leaves:
            return self._rest.conditional_entropy_terms(self._number[family])
        D = self._leaves[family].shrinkage
        if D is None:
            return np.zeros(len(self._leaves[family].eta))
        return np.asarray(-0.5 * np.linalg.slogdet(D)[1])

    def mutual_information(self, family: int) -> Floats:
        """I(in1; in2) for each row of a two-input family."""
        return self._rest.mutual_information(self._number[family])


def _hangs(family: Factors, sizes: Sequence[int], used: Sequence[int]) -> bool:
    """Whether a family draws all of an array that nothing else touches, in order."""
    array, index = family.out
    if len(family.ins) != 1 or family.rows < _FEWEST or family.rows != sizes[array] or used.count(array) != 1:
        return False
    return family.ins[0][0] != array and _is_all(index)


def _is_all(index: IntArray) -> bool:
    return bool((index == np.arange(len(index))).all())


def _renumbered(family: Factors, number: dict[int, int]) -> Factors:
    out, *ins = ((number[array], index) for array, index in chain(family.ends))
    return Factors(out, tuple(ins))


def _leaves(kernel: GaussianKernelArrays, unary: GaussianUnary, dimension: int) -> Leaves:
    (A,) = kernel.matrices
    A = np.eye(dimension)[None] if A is None else np.asarray(A, dtype=np.float64)
    b = None if kernel.offset is None else np.asarray(kernel.offset, dtype=np.float64)
    C = None if kernel.covariance is None else np.asarray(kernel.covariance, dtype=np.float64)
    return Leaves(A, b, C, np.asarray(unary.weighted_mean), np.asarray(unary.precision))


def _times(matrix: Array, vector: Array) -> Floats:
    product: Floats = matrix[..., 0] * vector if matrix.shape[-1] == 1 else (matrix @ vector[..., None])[..., 0]
    return product


def _transposed(matrix: Array) -> Floats:
    swapped: Floats = matrix.swapaxes(-1, -2)
    return swapped


def _symmetric(matrix: Array) -> Floats:
    return np.asarray(matrix if matrix.shape[-1] == 1 else 0.5 * (matrix + _transposed(matrix)))
