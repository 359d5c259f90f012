"""Exact Gaussian inference on a forest of linear factors: planned once, solved for any numbers.

    p(x) ∝ prod_rows N(x_out; sum_k A_k x_in_k + b, C) · prod_x exp(eta'x - x'Jx/2) · prod_x N(x; m, P)

All marginals, messages and pairwise joints come out of one contraction up and one expansion down.  Singular C, A
and P are ordinary; flat roots are allowed wherever the answer exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reactivepgm.plan.contraction import Contraction, Held
from reactivepgm.plan.contraction_steps import CycleError, IntArray, Pool, Structure
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_beliefs import GaussianBeliefs
from reactivepgm.plan.gaussian_contraction import Sweep
from reactivepgm.plan.gaussian_storage import Block, Elements, PlaceError, Rows
from reactivepgm.plan.small_matrices import (
    Bools,
    Floats,
    batch_last,
    inverse,
    is_definite,
    logdet,
    matmul,
    matvec,
    symmetrise,
    transpose,
)

__all__ = ["CycleError", "Factors", "GaussianForest", "GaussianKernelArrays", "GaussianUnary", "ImproperError"]


class GaussianForest:
    """The structure of a forest: arrays of variables and families of factors.

    Args:
        sizes: the number of variables in each array.
        dims: their dimension.
        families: which elements every family joins.

    Raises:
        CycleError: the graph is not a forest.

    >>> walk = GaussianForest([3], [1], [Factors((0, np.array([1, 2])), ((0, np.array([0, 1])),))])
    >>> unary = GaussianUnary(np.array([[0.0], [0.0], [4.0]]), np.array([[[1.0]], [[0.0]], [[1.0]]]))
    >>> beliefs = walk.solve([unary], [GaussianKernelArrays((None,), None, np.ones((1, 1, 1)))])
    >>> [round(float(x), 12) for x in beliefs.mean[0][:, 0]]
    [1.0, 2.0, 3.0]
    """

    def __init__(self, sizes: Sequence[int], dims: Sequence[int], families: Sequence[Factors]) -> None:
        self.sizes, self.dims, self.families = list(sizes), list(dims), list(families)
        self.label_dims = sorted(set(self.dims)) or [1]
        self.array_label = [self.label_dims.index(d) for d in self.dims]
        self.offset = np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.intp)
        self.label = np.repeat(np.array(self.array_label, dtype=np.intp), self.sizes)
        self.ends = [tuple(self.offset[a] + index for a, index in f.ends) for f in self.families]
        total = int(self.offset[-1])
        outs = np.concatenate([e[0] for e in self.ends]) if self.ends else np.empty(0, dtype=np.intp)
        self._crowded = outs.size > 0 and int(np.bincount(outs, minlength=total).max(initial=0)) > 1
        self._plans: dict[tuple[tuple[bool, ...], bool], Contraction] = {}
        self._flat_plan: tuple[tuple[tuple[bool, ...], bytes], Contraction] | None = None
        # The place of each array within its label's storage.
        within = np.zeros(len(self.label_dims), dtype=int)
        self.places: list[slice] = []
        for label, size in zip(self.array_label, self.sizes, strict=True):
            self.places.append(slice(int(within[label]), int(within[label]) + size))
            within[label] += size
        self.label_sizes = [int(n) for n in within]
        self.plan(tuple(False for _ in self.families))

    def plan(self, deterministic: tuple[bool, ...], whole: bool = True) -> Contraction:
        """The rounds, given which families are deterministic.

        Of several factors that draw one element, one stays in moment form: a deterministic one if there is one.
        """
        key = (deterministic if self._crowded else (), whole)
        found = self._plans.get(key)
        if found is None:
            structure = Structure(self.label, self.ends, self._modes(deterministic), len(self.label_dims))
            found = Contraction(structure, whole)
            self._plans[key] = found
        return found

    def _plan_for_flat(self, deterministic: tuple[bool, ...], flat: IntArray) -> Contraction:
        """The rounds where these roots are flat: they receive before they send.

        Those that fix a longer vector without noise are the last: what they send is certain in some directions only.
        """
        reluctant = np.zeros(int(self.offset[-1]), dtype=bool)
        for number, family in enumerate(self.families):
            for (array, index), ends in zip(family.ins, self.ends[number][1:], strict=True):
                if deterministic[number] and index.size and self.dims[array] < self.dims[family.out[0]]:
                    reluctant[ends] = True
        key = (deterministic, flat.tobytes())
        kept = self._flat_plan
        if kept is None or kept[0] != key:
            structure = Structure(self.label, self.ends, self._modes(deterministic), len(self.label_dims))
            kept = self._flat_plan = key, Contraction(structure, held=Held(flat, reluctant[flat]))
        return kept[1]

    def _modes(self, deterministic: tuple[bool, ...]) -> list[tuple[IntArray | int, ...]]:
        modes: list[tuple[IntArray | int, ...]] = [(1,) + (0,) * (len(e) - 1) for e in self.ends]
        if not self._crowded:
            return modes
        taken = np.zeros(int(self.offset[-1]), dtype=bool)
        for number in sorted(range(len(self.ends)), key=lambda k: not deterministic[k]):
            out = self.ends[number][0]
            first = np.zeros(out.size, dtype=bool)
            first[np.unique(out, return_index=True)[1]] = True
            first &= ~taken[out]
            taken[out] = True
            modes[number] = (first.astype(np.intp), *modes[number][1:])
        return modes

    def solve(
        self, unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays]
    ) -> GaussianBeliefs:
        """All marginals and messages for these numbers.

        Raises:
            ImproperError: nothing determines a variable.
        """
        sweep, _ = self._load(unary, kernels, None)
        try:
            sweep.up()
            sweep.down()
            marginals = [sweep.marginals(label) for label in range(len(self.label_dims))]
        except PlaceError as error:
            raise self.improper(error.label, error.position, error.reason) from None
        sweep.release()
        return GaussianBeliefs(self, sweep, marginals, unary, kernels)

    def log_partition(self, unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays]) -> float:
        """log of the integral over everything; factors and moment priors count as normalised densities."""
        sweep, constant = self._load(unary, kernels, [])
        try:
            sweep.up()
        except PlaceError as error:
            raise self.improper(error.label, error.position, error.reason) from None
        return constant + sum(float(term.sum()) for term in sweep.log or ())

    def improper(self, label: int, position: int, reason: str = "nothing determines it") -> ImproperError:
        """The error for a place in a label's storage."""
        for array, place in enumerate(self.places):
            if self.array_label[array] == label and place.start <= position < place.stop:
                return ImproperError(array, position - place.start, reason)
        raise AssertionError("no such place")

    # -- numbers into storage -------------------------------------------------------------------------------

    def _load(
        self, unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays], log: list[Floats] | None
    ) -> tuple[Sweep, float]:
        deterministic = tuple(k.covariance is None for k in kernels)
        plan = self.plan(deterministic)
        constant = 0.0
        information, contributors, has, flat = [], [], [], []
        careful = False
        elements = self._given(plan, kernels)
        block = Block(self._room(plan, elements))
        for label, d in enumerate(self.label_dims):
            n = self.label_sizes[label]
            J, eta, C, m = block.take(d, d, n), block.take(d, n), block.take(d, d, n), block.take(d, n)
            prior = np.zeros(n, dtype=bool)
            drawn = np.zeros(n, dtype=bool)
            members = self.label == label
            drawn[plan.var_slot[members]] = plan.moment_edge[members] >= 0
            for array, said in enumerate(unary):
                if self.array_label[array] != label or not self.sizes[array]:
                    continue
                place = self.places[array]
                J[..., place] = np.moveaxis(np.asarray(said.precision), 0, -1)
                eta[..., place] = np.asarray(said.weighted_mean).T
                if said.elements is not None and len(said.elements):
                    constant += self._priors(said, array, (J, eta, C, m), prior, drawn)
            constant += _settle_roots((J, eta, C, m), prior, ~drawn & ~prior)
            flat.append(np.flatnonzero(members)[(~drawn & ~prior)[plan.var_slot[members]]])
            careful = careful or flat[-1].size > 0
            information.append((J, eta))
            contributors.append((C, m))
            has.append(prior)
        if careful:
            plan = self._plan_for_flat(deterministic, np.concatenate(flat))
            elements = {}
            block = Block(self._room(plan, elements))
        dims = self.label_dims
        rows: dict[int, Rows] = {}
        if not elements:
            elements = {(a, b): Elements(dims[a], dims[b], size, careful, block) for (a, b), size in plan.pools.items()}
            for number, (factors, numbers) in enumerate(zip(self.families, kernels, strict=True)):
                if factors.rows:
                    constant += self._fill(plan, number, numbers, elements, rows)
        sweep = Sweep(
            plan, self.label_dims, elements, rows, information, contributors, has if careful else None, log, block
        )
        return sweep, constant

    def _given(self, plan: Contraction, kernels: Sequence[GaussianKernelArrays]) -> dict[Pool, Elements]:
        """The elements of the only family as its numbers stand, where nothing but paths is made of it; else none."""
        present = [number for number, family in enumerate(self.families) if family.rows]
        if len(present) != 1 or len(self.families[present[0]].ins) != 1:
            return {}
        (number,) = present
        n, (out, to) = self.families[number].rows, (self.array_label[a] for a, _ in self.families[number].ends)
        first = int(plan.edge_base[number])
        if plan.pools != {(to, out): n} or not (plan.edge_mode[first : first + n] == 1).all():
            return {}
        numbers = kernels[number]
        A = _matrix(numbers.matrices[0], self.label_dims[out], self.label_dims[to])
        C, b = (None if x is None else np.moveaxis(np.asarray(x), 0, -1) for x in (numbers.covariance, numbers.offset))
        return {(to, out): Elements.given(A, C, b, n)}

    def _room(self, plan: Contraction, given: Mapping[Pool, Elements]) -> int:
        """How many numbers there are on the way up."""
        dims = self.label_dims
        told = sum(2 * d * (d + 1) * n for d, n in zip(dims, self.label_sizes, strict=True))
        pools = ((pool, size) for pool, size in plan.pools.items() if pool not in given)
        elements = sum(Elements.room(dims[a], dims[b], size) for (a, b), size in pools)
        return told + elements + Sweep.room(plan, dims)

    def _priors(
        self, numbers: GaussianUnary, array: int, storage: tuple[Floats, ...], prior: Bools, drawn: Bools
    ) -> float:
        """Priors in moment form; where a factor draws the element already, the prior turns into information."""
        J, eta, C, m = storage
        at = self.places[array].start + np.asarray(numbers.elements)
        P, mean = batch_last(numbers.covariance, at.size), batch_last(numbers.mean, at.size)
        free = ~drawn[at]
        C[..., at[free]], m[..., at[free]], prior[at[free]] = P[..., free], mean[..., free], True
        if free.all():
            return 0.0
        P, mean, place = P[..., ~free], mean[..., ~free], at[~free]
        precision, weighted, log = self._inverted(P, mean, array, place - self.places[array].start)
        J[..., place] += precision
        eta[..., place] += weighted
        return log

    def _inverted(
        self, C: Floats, m: Floats, array: int, elements: IntArray
    ) -> tuple[Floats, Floats, float]:
        definite = is_definite(C)
        if not definite.all():
            raise ImproperError(
                array, int(elements[np.flatnonzero(~definite)[0]]),
                "it is drawn twice, and the second time with a singular covariance",
            )
        precision = symmetrise(inverse(C))
        weighted = matvec(precision, m)
        log = -0.5 * float((logdet(C) + (m * weighted).sum(axis=0) + C.shape[0] * np.log(2 * np.pi)).sum())
        return precision, weighted, log

    def _fill(
        self, plan: Contraction, number: int, numbers: GaussianKernelArrays, elements: dict[tuple[int, int], Elements],
        rows: dict[int, Rows],
    ) -> float:
        """Writes H = [[0, A'], [A, -C]], s = (0, -b) of a family; where another factor draws too, its inverse form."""
        factors = self.families[number]
        n = factors.rows
        labels = [self.array_label[a] for a, _ in factors.ends]
        d = [self.label_dims[label] for label in labels]
        first = int(plan.edge_base[number])
        moment = plan.edge_mode[first : first + n] == 1
        A = [_matrix(A, d[0], e) for A, e in zip(numbers.matrices, d[1:], strict=True)]
        C, b = numbers.covariance, numbers.offset
        if len(d) == 2 and moment.all():
            pool = elements[labels[1], labels[0]]
            at = slice(plan.bases[number], plan.bases[number] + n)
            pool.cross[..., at] = A[0]
            pool.b[..., at] = 0.0 if C is None else np.negative(np.moveaxis(np.asarray(C), 0, -1))
            pool.b_vector[:, at] = 0.0 if b is None else np.negative(np.moveaxis(np.asarray(b), 0, -1))
            if pool.b_moment is not None:
                pool.b_moment[at] = True
            return 0.0
        blocks = {(i, j): np.zeros((d[i], d[j], n)) for i in range(len(d)) for j in range(i + 1)}
        vectors = [np.zeros((e, n)) for e in d]
        if C is not None:
            blocks[0, 0][...] = np.negative(np.moveaxis(np.asarray(C), 0, -1))
        if b is not None:
            vectors[0][...] = np.negative(np.moveaxis(np.asarray(b), 0, -1))
        for k, matrix in enumerate(A, 1):
            blocks[k, 0][...] = transpose(matrix)
        constant = 0.0
        if not moment.all():
            constant = self._turn(blocks, vectors, ~moment, *factors.out)
        if len(d) == 3:
            nothing = np.zeros(n, dtype=bool)
            rows[number] = Rows(blocks, vectors, [moment, nothing, nothing])
            return constant
        pool = elements[labels[1], labels[0]]
        at = slice(plan.bases[number], plan.bases[number] + n)
        pool.a[..., at], pool.a_vector[:, at] = blocks[1, 1], vectors[1]
        pool.b[..., at], pool.b_vector[:, at] = blocks[0, 0], vectors[0]
        pool.cross[..., at] = transpose(blocks[1, 0])
        if pool.b_moment is not None:
            pool.b_moment[at] = moment
        return constant

    def _turn(
        self, blocks: dict[tuple[int, int], Floats], vectors: list[Floats], turn: Bools, array: int, out: IntArray
    ) -> float:
        """Rows whose out end becomes an info end: N(r; A l + b, C) as information about (r, l)."""
        C, b = -blocks[0, 0][..., turn], -vectors[0][:, turn]
        precision, weighted, constant = self._inverted(C, b, array, out[turn])
        A = [transpose(blocks[k, 0][..., turn]) for k in range(1, len(vectors))]
        blocks[0, 0][..., turn], vectors[0][:, turn] = precision, weighted
        for k, matrix in enumerate(A, 1):
            across = matmul(transpose(matrix), precision)
            blocks[k, 0][..., turn] = -across
            vectors[k][:, turn] = -matvec(transpose(matrix), weighted)
            for j in range(1, k + 1):
                blocks[k, j][..., turn] = matmul(across, A[j - 1])
        return constant


def _matrix(A: NDArray[np.float64] | None, d_out: int, d_in: int) -> Floats:
    if A is None:
        return np.eye(d_out, d_in)[:, :, None]
    return np.moveaxis(np.asarray(A, dtype=np.float64), 0, -1)


def _settle_roots(storage: tuple[Floats, ...], prior: Bools, bare: Bools) -> float:
    """A root that only information speaks of takes it as its prior, where it is one."""
    J, eta, C, m = storage
    if not bare.any():
        return 0.0
    at = np.flatnonzero(bare)
    at = at[is_definite(J[..., at])]
    if not at.size:
        return 0.0
    covariance = symmetrise(inverse(J[..., at]))
    mean = matvec(covariance, eta[..., at])
    log = 0.5 * (logdet(covariance) + (mean * eta[..., at]).sum(axis=0) + J.shape[0] * np.log(2 * np.pi))
    C[..., at], m[..., at], prior[at] = covariance, mean, True
    J[..., at], eta[..., at] = 0.0, 0.0
    return float(log.sum())
