"""Exact inference on a forest of categorical variables: planned once, solved for any potentials.

    p(x) ∝ prod_rows psi(x_out, x_in) · prod_x phi(x)

Everything is tried with scaled numbers; where they would underflow, or nothing is left, logs take over.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from reactivepgm.errors import ProductError
from reactivepgm.numerics.array import Array
from reactivepgm.plan.contraction import Contraction
from reactivepgm.plan.contraction_steps import IntArray, Pool, Structure
from reactivepgm.plan.discrete_contraction import DiscreteRun, EmptyError
from reactivepgm.plan.discrete_elements import Arithmetic, Logs, Scaled
from reactivepgm.plan.small_matrices import Floats, batch_first, batch_last

End = tuple[int, IntArray]


class ContradictionError(ProductError):
    """The potentials exclude every category of an element."""

    def __init__(self, array: int, element: int) -> None:
        super().__init__(f"every category of element {element} of array {array} is excluded")
        self.array = array
        self.element = element


class DiscreteForest:
    """The structure of a forest: arrays of categorical variables and families of pairs.

    Args:
        sizes: the number of variables in each array.
        cardinalities: their number of categories.
        families: (out, in) ends of every family: array number and element indices (rows,).

    Raises:
        CycleError: the graph is not a forest.

    >>> pair = DiscreteForest([1, 1], [2, 2], [((1, np.array([0])), (0, np.array([0])))])
    >>> copy = np.log(np.array([[[0.9, 0.2], [0.1, 0.8]]]))
    >>> beliefs = pair.solve([np.log([[0.5, 0.5]]), np.zeros((1, 2))], [copy])
    >>> beliefs.marginals[1].round(12)
    array([[0.55, 0.45]])
    """

    def __init__(self, sizes: Sequence[int], cardinalities: Sequence[int], families: Sequence[tuple[End, End]]) -> None:
        self.sizes, self.cardinalities, self.families = list(sizes), list(cardinalities), list(families)
        self.label_sizes = sorted(set(self.cardinalities)) or [1]
        self.array_label = [self.label_sizes.index(k) for k in self.cardinalities]
        offset = np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.intp)
        label = np.repeat(np.array(self.array_label, dtype=np.intp), self.sizes)
        ends = [(offset[out[0]] + out[1], offset[into[0]] + into[1]) for out, into in self.families]
        self.plan = Contraction(Structure(label, ends, [(0, 0)] * len(ends), len(self.label_sizes), (0, 0)))
        within = np.zeros(len(self.label_sizes), dtype=int)
        self.places: list[slice] = []
        for number, size in zip(self.array_label, self.sizes, strict=True):
            self.places.append(slice(int(within[number]), int(within[number]) + size))
            within[number] += size
        self.counts = [int(n) for n in within]

    def solve(self, unary: Sequence[Array], kernels: Sequence[Array]) -> DiscreteBeliefs:
        """All marginals, joints and messages.

        Args:
            unary: log potentials (n, K) of every array.
            kernels: log potentials (rows or 1, K_out, K_in) of every family.

        Raises:
            ContradictionError: nothing is possible.
        """
        try:
            with np.errstate(under="raise", divide="raise", invalid="raise", over="raise"):
                return self._solve(unary, kernels, Scaled())
        except FloatingPointError:
            return self._solve(unary, kernels, Logs())

    def _solve(self, unary: Sequence[Array], kernels: Sequence[Array], arithmetic: Arithmetic) -> DiscreteBeliefs:
        constant = 0.0
        known = []
        for label, k in enumerate(self.label_sizes):
            values = np.full((k, self.counts[label]), arithmetic.one)
            for array, potentials in enumerate(unary):
                if self.array_label[array] == label and self.sizes[array]:
                    logs = np.ascontiguousarray(np.asarray(potentials, dtype=np.float64).T)
                    values[:, self.places[array]], scale = arithmetic.enter(logs)
                    constant += float(scale.sum())
            known.append(values)
        elements: dict[Pool, Floats] = {
            (a, b): np.empty((self.label_sizes[b], self.label_sizes[a], size))
            for (a, b), size in self.plan.pools.items()
        }
        for number, (out, into) in enumerate(self.families):
            rows = out[1].size
            if rows:
                given = np.asarray(kernels[number], dtype=np.float64)
                potentials, scale = arithmetic.enter(batch_last(given, given.shape[0]))
                pool = (self.array_label[into[0]], self.array_label[out[0]])
                base = self.plan.bases[number]
                elements[pool][..., base : base + rows] = potentials
                constant += float(scale.sum()) * (rows if given.shape[0] == 1 else 1)
        run = DiscreteRun(self.plan, self.label_sizes, elements, known, arithmetic)
        try:
            run.up()
            run.down()
        except EmptyError as error:
            raise self._contradiction(error.label, error.position) from None
        return DiscreteBeliefs(self, run, constant + run.log_scale)

    def _contradiction(self, label: int, position: int) -> ContradictionError:
        for array, place in enumerate(self.places):
            if self.array_label[array] == label and place.start <= position < place.stop:
                return ContradictionError(array, position - place.start)
        raise AssertionError("no such place")


class DiscreteBeliefs:
    """Posterior of a discrete forest, batch-first.

    Attributes:
        log_partition: the log of the sum over everything of all potentials.
    """

    def __init__(self, forest: DiscreteForest, run: DiscreteRun, log_partition: float) -> None:
        self._forest, self._run, self.log_partition = forest, run, log_partition

    @cached_property
    def marginals(self) -> list[Floats]:
        """p (n, K) of every array."""
        whole = [_normalised(self._run, values) for values in self._run.known]
        return [
            batch_first(whole[label][:, place])
            for label, place in zip(self._forest.array_label, self._forest.places, strict=True)
        ]

    @cached_property
    def joints(self) -> list[Floats]:
        """p(out, in) of every family, (rows, K_out, K_in)."""
        return [self._joint(number) for number in range(len(self._forest.families))]

    def messages(self, family: int) -> tuple[Floats, Floats]:
        """Log messages from `out` and from `in` to the factors, normalised, (rows, K)."""
        result = []
        for end in (0, 1):
            logs = self._run.do.leave(self._message(family, end))
            logs = logs - np.logaddexp.reduce(logs, axis=0)
            result.append(batch_first(logs))
        return result[0], result[1]

    def _message(self, family: int, end: int) -> Floats:
        label = self._forest.array_label[self._forest.families[family][end][0]]
        return self._run.to_factor[label][..., self._forest.plan.edges_of(family, end)]

    def _joint(self, family: int) -> Floats:
        forest, run = self._forest, self._run
        out, into = forest.families[family]
        if not out[1].size:
            return np.zeros((0, forest.cardinalities[out[0]], forest.cardinalities[into[0]]))
        base = forest.plan.bases[family]
        potentials = run.elements[forest.array_label[into[0]], forest.array_label[out[0]]]
        both = run.do.times(potentials[..., base : base + out[1].size], self._message(family, 0)[:, None])
        both = run.do.times(both, self._message(family, 1)[None])
        return batch_first(_normalised(run, both))


def _normalised(run: DiscreteRun, values: Floats) -> Floats:
    """Probabilities over all axes but the last."""
    axes = tuple(range(values.ndim - 1))
    if run.do.one == 0.0:
        values = np.exp(values - values.max(axis=axes))
    result: Floats = values / values.sum(axis=axes)
    return result
