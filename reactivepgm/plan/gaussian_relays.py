"""Relays: variables that only hand on, z = A x + b without noise to y = B z + c + N(0, C), and nothing else is said of z.

    y = B A x + (B b + c) + N(0, C)      is contracted in place of both factors
    z has mean A m_x + b and covariance A V_x A',   Cov(y, z) = (I + C J)^-1 B A V_x A'
    z hears from y   B'M B and B'((I + J C)^-1 eta - M c),   M = J (I + C J)^-1,   (J, eta) the message from y

The transition of a state-space model, ``x[t] = ~MvNormal(mean=A @ x[t - 1], ...)``, is two factors and a relay.  Without
them the chain has half as many links, and nothing is kept for a relay until somebody reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reactivepgm.numerics.array import Array
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianMessage, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_beliefs import GaussianBeliefs
from reactivepgm.plan.gaussian_forest import GaussianForest
from reactivepgm.plan.small_matrices import Floats


@dataclass(frozen=True)
class Relay:
    """One array of relays.

    Args:
        array: theirs.
        before: the family that draws them, without noise.
        after: the family that reads them.
    """

    array: int
    before: int
    after: int


class RelayedForest:
    """A forest of which the relays are left out while it is contracted.

    Takes what ``GaussianForest`` takes, and which families have no noise.

    >>> row = np.arange(2)
    >>> families = [Factors((1, row), ((0, row),)), Factors((2, row), ((1, row),))]
    >>> forest = RelayedForest([2, 2, 2], [1, 1, 1], families, [True, False])
    >>> said = [GaussianUnary(np.full((2, 1), 3.0), np.ones((2, 1, 1))), *[GaussianUnary.flat(2, 1)] * 2]
    >>> twice = GaussianKernelArrays((np.full((1, 1, 1), 2.0),))
    >>> beliefs = forest.solve(said, [twice, GaussianKernelArrays((None,), None, np.ones((1, 1, 1)))])
    >>> beliefs.mean[1][:, 0].tolist(), beliefs.covariance[2][:, 0, 0].tolist()
    ([6.0, 6.0], [5.0, 5.0])
    """

    def __init__(
        self, sizes: Sequence[int], dims: Sequence[int], families: Sequence[Factors], noiseless: Sequence[bool] = ()
    ) -> None:
        self._given = list(sizes), list(dims), list(families)
        self.relays = _relays(sizes, families, noiseless) if any(noiseless) else []
        left_out = {relay.array for relay in self.relays}
        self.arrays = [array for array in range(len(sizes)) if array not in left_out]
        number = {array: i for i, array in enumerate(self.arrays)}
        self._fused = {relay.after: relay for relay in self.relays}
        drawing = {relay.before for relay in self.relays}
        self.families = [n for n in range(len(families)) if n not in drawing]
        self.rest = GaussianForest(
            [sizes[a] for a in self.arrays],
            [dims[a] for a in self.arrays],
            [self._short(n, number) for n in self.families],
        )

    def _short(self, number: int, arrays: dict[int, int]) -> Factors:
        """A family among the arrays that stay."""
        family = self._given[2][number]
        ins = family.ins
        if number in self._fused:
            ins = self._given[2][self._fused[number].before].ins
        out, *rest = ((arrays[array], index) for array, index in (family.out, *ins))
        return Factors(out, tuple(rest))

    @cached_property
    def whole(self) -> GaussianForest:
        """The forest with every relay in it."""
        return GaussianForest(*self._given) if self.relays else self.rest

    def row_inputs(self, family: int) -> tuple[int, np.ndarray[tuple[int], np.dtype[np.intp]]]:
        """The array and the elements that a family with one input reads."""
        return self._given[2][family].ins[0]

    def solve(
        self, unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays]
    ) -> GaussianBeliefs | RelayedBeliefs:
        """All marginals and messages for these numbers; see ``GaussianForest.solve``.

        Raises:
            ImproperError: nothing determines a variable.
        """
        may = all(unary[r.array].is_flat and kernels[r.before].covariance is None for r in self.relays)
        if not self.relays or not may:
            return self.whole.solve(unary, kernels)
        fused = [
            through(kernels[self._fused[n].before], kernels[n]) if n in self._fused else kernels[n] for n in self.families
        ]
        try:
            rest = self.rest.solve([unary[a] for a in self.arrays], fused)
        except ImproperError as error:
            raise ImproperError(self.arrays[error.array], error.element, error.reason) from None
        return RelayedBeliefs(self, rest, unary, kernels)


class RelayedBeliefs:
    """The posterior of a forest with relays, with the same faces as ``GaussianBeliefs``.

    Attributes:
        mean: for each array, (n, d); those of relays are computed when asked for.
        covariance: for each array, (n, d, d).
    """

    def __init__(
        self, forest: RelayedForest, rest: GaussianBeliefs, unary: Sequence[GaussianUnary],
        kernels: Sequence[GaussianKernelArrays],
    ) -> None:
        self._forest, self._rest, self._unary, self._kernels = forest, rest, unary, kernels
        self._place = {array: i for i, array in enumerate(forest.arrays)}
        self._number = {n: i for i, n in enumerate(forest.families)}
        self._relay = {relay.array: relay for relay in forest.relays}
        self._before = {relay.before: relay for relay in forest.relays}
        self._after = {relay.after: relay for relay in forest.relays}
        self._found: dict[int, tuple[Floats, Floats]] = {}
        self.mean = Moments(self, 0)
        self.covariance = Moments(self, 1)

    def is_pending(self, array: int) -> bool:
        """Whether the marginals of an array are yet to be computed."""
        return array in self._relay and array not in self._found

    def moments(self, array: int) -> tuple[Floats, Floats]:
        """Means and covariances of an array."""
        if array in self._place:
            i = self._place[array]
            return self._rest.mean[i], self._rest.covariance[i]
        if array not in self._found:
            before = self._relay[array].before
            self._found[array] = pushed(self._kernels[before], *self._inputs(before))
        return self._found[array]

    def _inputs(self, family: int) -> tuple[Floats, Floats]:
        """Moments of what a family reads, a row each."""
        array, index = self._forest.row_inputs(family)
        mean, covariance = self.moments(array)
        return mean[index], covariance[index]

    @property
    def log_partition(self) -> float:
        """The log evidence; see ``GaussianBeliefs.log_partition``."""
        return self._rest.log_partition

    @cached_property
    def _all(self) -> GaussianBeliefs:
        """The solution of the whole forest, for messages that contraction does not leave in moment form."""
        return self._forest.whole.solve(self._unary, self._kernels)

    def out_information(self, family: int) -> tuple[Floats, Floats]:
        """The message from `out` to the factors: (weighted mean (rows, d), precision (rows, d, d))."""
        if family not in self._before:
            return self._rest.out_information(self._number[family])
        after = self._before[family].after
        eta, J = self._rest.out_information(self._number[after])
        kernel = self._kernels[after]
        if kernel.covariance is not None:
            keep = np.linalg.inv(np.eye(J.shape[-1]) + J @ kernel.covariance)
            eta, J = _times(keep, eta), keep @ J
        if kernel.offset is not None:
            eta = eta - _times(J, kernel.offset)
        B = kernel.matrices[0]
        if B is not None:
            back = B.swapaxes(-1, -2)
            eta, J = _times(back, eta), back @ J @ B
        return eta, 0.5 * (J + J.swapaxes(-1, -2))

    def in_messages(self, family: int) -> tuple[GaussianMessage, ...]:
        """The messages from the inputs to the factors."""
        if family in self._before:
            return self._rest.in_messages(self._number[self._before[family].after])
        messages = self._rest.in_messages(self._number[family])
        if family not in self._after:
            return messages
        (message,) = messages
        if message.moment is not True:
            return self._all.in_messages(family)
        vector, matrix = pushed(self._kernels[self._after[family].before], message.vector, message.matrix)
        return (GaussianMessage(True, vector, matrix),)

    def joint(self, family: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Joint moments of a family; see ``GaussianBeliefs.joint``."""
        if family not in self._before and family not in self._after:
            return self._rest.joint(self._number[family])
        array, index = self._forest.row_inputs(family)
        mean, covariance = self.moments(array)
        m, V = mean[index], covariance[index]
        kernel = self._kernels[family]
        A = kernel.matrices[0]
        across = V if A is None else A @ V
        if family in self._before:
            mean, covariance = self.moments(self._before[family].array)
            return mean, m, covariance, V, across
        mean, _, covariance, _, _ = self._rest.joint(self._number[family])
        if kernel.covariance is not None:
            _, J = self._rest.out_information(self._number[family])
            across = np.linalg.solve(np.eye(J.shape[-1]) + kernel.covariance @ J, across)
        return mean, m, covariance, V, across

    def conditional_entropy_terms(self, family: int) -> Floats:
        """½ log det(I + C J_out) for each row."""
        if family in self._before:
            return np.zeros(self._forest.row_inputs(family)[1].size)
        return self._rest.conditional_entropy_terms(self._number[family])

    def mutual_information(self, family: int) -> Floats:
        """I(in1; in2) for each row of a two-input family."""
        return self._rest.mutual_information(self._number[family])


class Moments:
    """One of the two moments, by array, of beliefs that compute some of them when they are read."""

    def __init__(self, beliefs: object, which: int) -> None:
        self._beliefs, self._which = beliefs, which

    def __getitem__(self, array: int) -> Floats:
        found: tuple[Floats, Floats] = self._beliefs.moments(array)  # type: ignore[attr-defined]
        return found[self._which]


def through(first: GaussianKernelArrays, second: GaussianKernelArrays) -> GaussianKernelArrays:
    """Two factors in a row as one, of which the first has no noise.

    >>> double = GaussianKernelArrays((np.full((1, 1, 1), 2.0),), np.ones((1, 1)))
    >>> both = through(double, GaussianKernelArrays((np.full((1, 1, 1), 3.0),), np.ones((1, 1))))
    >>> both.matrices[0].tolist(), both.offset.tolist()
    ([[[6.0]]], [[4.0]])
    """
    (A,), (B,) = first.matrices, second.matrices
    offset = first.offset
    if B is not None and offset is not None:
        offset = _times(B, offset)
    if second.offset is not None:
        offset = second.offset if offset is None else offset + second.offset
    matrix = A if B is None else B if A is None else B @ A
    return GaussianKernelArrays((matrix,), offset, second.covariance)


def pushed(kernel: GaussianKernelArrays, mean: Array, covariance: Array) -> tuple[Floats, Floats]:
    """Means and covariances behind a factor without noise.

    >>> pushed(GaussianKernelArrays((np.full((1, 1, 1), 2.0),)), np.ones((3, 1)), np.ones((3, 1, 1)))[1].ravel().tolist()
    [4.0, 4.0, 4.0]
    """
    (A,) = kernel.matrices
    if A is not None:
        mean, covariance = _times(A, mean), A @ covariance @ A.swapaxes(-1, -2)
        covariance = 0.5 * (covariance + covariance.swapaxes(-1, -2))
    return mean if kernel.offset is None else mean + kernel.offset, covariance


def _relays(sizes: Sequence[int], families: Sequence[Factors], noiseless: Sequence[bool]) -> list[Relay]:
    """The arrays that one family draws without noise, in order, another reads, in order, and nothing else touches."""
    touched: list[list[int]] = [[] for _ in sizes]
    for number, family in enumerate(families):
        for array, _ in family.ends:
            touched[array].append(number)
    found: list[Relay] = []
    taken: set[int] = set()
    for array, around in enumerate(touched):
        if len(around) != 2 or around[0] == around[1] or not taken.isdisjoint(around):
            continue
        before, after = sorted(around, key=lambda n: families[n].out[0] != array)
        first, second = families[before], families[after]
        if not noiseless[before] or first.out[0] != array or second.out[0] == array:
            continue
        if len(first.ins) == len(second.ins) == 1 and _is_all(first.out[1], sizes[array]) and _is_all(
            second.ins[0][1], sizes[array]
        ):
            found.append(Relay(array, before, after))
            taken |= {before, after}
    return found


def _is_all(index: np.ndarray[tuple[int], np.dtype[np.intp]], size: int) -> bool:
    return len(index) == size and bool((index == np.arange(size)).all())


def _times(matrix: Array, vector: Array) -> Floats:
    product: Floats = (matrix @ vector[..., None])[..., 0]
    return product
