"""Runs the rounds of a contraction on Gaussian numbers: up, by elimination; down, by expansion.

Per label (dimension): at variables, information (J, eta) that grows on the way up and a moment contributor (C, m);
at edges, the factor-to-variable message as a block of the hybrid form and the variable-to-factor message, which is
information at a moment end and moments (covariance, mean) at an info end.  All arrays run batch-last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reactivepgm.plan.contraction import Contraction
from reactivepgm.plan.contraction_steps import (
    Compress,
    Expand,
    Index,
    Path,
    Pool,
    Rake,
    Reduce,
    Scatter,
    numbers_of,
    position,
)
from reactivepgm.plan.gaussian_chain import Chain
from reactivepgm.plan.gaussian_elements import (
    Pair,
    info_contact,
    log_integral,
    moment_contact,
    send,
)
from reactivepgm.plan.gaussian_flat import (
    Triple,
    UndeterminedError,
    Variable,
    join,
    join_carefully,
    join_kernel,
    log_information,
    send_carefully,
)
from reactivepgm.plan.small_matrices import (
    Bools,
    Floats,
    inverse,
    is_definite,
    symmetrise,
    transpose,
)

Row = dict[tuple[int, int], Floats]


class PlaceError(Exception):
    """Nothing determines a variable, by its label and its position within the label."""

    def __init__(self, label: int, position: int) -> None:
        super().__init__(label, position)
        self.label = label
        self.position = position


class Elements:
    """All elements of one pool, originals first: blocks of the ends a and b, and the cross block (b, a)."""

    __slots__ = ("a", "a_moment", "a_vector", "b", "b_moment", "b_vector", "cross")

    def __init__(self, da: int, db: int, size: int, careful: bool) -> None:
        self.a, self.b = np.zeros((da, da, size)), np.empty((db, db, size))
        self.a_vector, self.b_vector = np.zeros((da, size)), np.empty((db, size))
        self.cross = np.empty((db, da, size))
        self.a_moment: Bools | None = np.zeros(size, dtype=bool) if careful else None
        self.b_moment: Bools | None = np.zeros(size, dtype=bool) if careful else None

    def pair(self, at: Index, side: int) -> Pair:
        """Some elements, seen from the end ``side`` (0: a, 1: b)."""
        a_moment = None if self.a_moment is None else self.a_moment[at]
        b_moment = None if self.b_moment is None else self.b_moment[at]
        cross = self.cross[..., at]
        if side == 0:
            return Pair(self.a[..., at], self.a_vector[..., at], self.b[..., at], self.b_vector[..., at], cross,
                        a_moment, b_moment)
        return Pair(self.b[..., at], self.b_vector[..., at], self.a[..., at], self.a_vector[..., at],
                    transpose(cross), b_moment, a_moment)

    def write(self, at: slice, triple: Triple) -> None:
        """Stores composites."""
        self.a[..., at], self.a_vector[..., at] = triple.Ha, triple.sa
        self.b[..., at], self.b_vector[..., at] = triple.Hb, triple.sb
        self.cross[..., at] = transpose(triple.Hab)
        if self.a_moment is not None and self.b_moment is not None:
            self.a_moment[at], self.b_moment[at] = triple.a_moment, triple.b_moment


class Rows:
    """The rows of a family with three ends: blocks (i, j) for i >= j, vectors, and which ends are moment ends."""

    __slots__ = ("blocks", "moment", "vectors")

    def __init__(self, blocks: Row, vectors: list[Floats], moment: list[Bools]) -> None:
        self.blocks, self.vectors, self.moment = blocks, vectors, moment

    def block(self, i: int, j: int, at: Index) -> Floats:
        """The block between two ends."""
        return self.blocks[i, j][..., at] if i >= j else transpose(self.blocks[j, i][..., at])

    def triple(self, x: int, a: int, b: int, at: Index) -> Triple:
        """Some rows as two ends around a third."""
        return Triple(self.block(a, a, at), self.vectors[a][:, at], self.block(b, b, at), self.vectors[b][:, at],
                      self.block(a, b, at), self.block(a, x, at), self.block(b, x, at),
                      self.moment[a][at], self.moment[b][at])

    def near(self, x: int, at: Index) -> Pair:
        """The block of one end."""
        block, vector, moment = self.block(x, x, at), self.vectors[x][:, at], self.moment[x][at]
        return Pair(block, vector, block, vector, block, moment, moment)


class Sweep:
    """One contraction with numbers in it.

    Args:
        plan: the rounds.
        dims: the dimension of each label.
        elements: the pools, their originals filled in.
        rows: the three-ended families, by number.
        information: (J, eta) of the unaries, for each label (d, d, V), (d, V).
        contributors: (C, m) of the moment priors, for each label, zeros elsewhere.
        has: for each label which variables have such a prior; None where no variable is a flat root.
        log: receives logs of integrals, for the evidence.
    """

    def __init__(
        self, plan: Contraction, dims: Sequence[int], elements: dict[Pool, Elements], rows: dict[int, Rows],
        information: list[tuple[Floats, Floats]], contributors: list[tuple[Floats, Floats]],
        has: list[Bools] | None, log: list[Floats] | None = None,
    ) -> None:
        self.plan, self.dims, self.elements, self.rows, self.has, self.log = plan, dims, elements, rows, has, log
        self.unary = information
        self.J = [J.copy() for J, _ in information]
        self.eta = [eta.copy() for _, eta in information]
        self.C = [C for C, _ in contributors]
        self.m = [m for _, m in contributors]
        sizes = [n + 1 for n in plan.edge_sizes]     # the last is the padding: no message
        self.to_variable = [np.zeros((d, d, n)) for d, n in zip(dims, sizes, strict=True)]
        self.to_variable_vector = [np.zeros((d, n)) for d, n in zip(dims, sizes, strict=True)]
        self.to_factor = [np.zeros((d, d, n)) for d, n in zip(dims, sizes, strict=True)]
        self.to_factor_vector = [np.zeros((d, n)) for d, n in zip(dims, sizes, strict=True)]
        self.to_variable_moment = [np.zeros(n, dtype=bool) for n in sizes] if has is not None else None
        self.to_factor_moment = [np.zeros(n, dtype=bool) for n in sizes] if has is not None else None

    # -- up -------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Contracts everything; afterwards each tree's last variable knows all."""
        for half in self.plan.halves:
            for step in half.steps:
                if isinstance(step, Rake):
                    self._rake(step)
                elif isinstance(step, Compress):
                    self._compress(step)
                elif isinstance(step, Path):
                    self._path(step)
                else:
                    self._reduce(step)
        if self.log is not None:
            for root in self.plan.roots:
                self._conclude(root)

    def _rake(self, step: Rake) -> None:
        labels = step.pool if step.side == 0 else (step.pool[1], step.pool[0])
        pair = self.elements[step.pool].pair(step.element, step.side)
        self._send(pair, labels[0], step.variable, step.modes[0], labels[1], step.target)
        self._collect(labels[1], step.into, step.modes[1])

    def _send(self, pair: Pair, label: int, variable: Index, mode: int, far: int, target: Index) -> None:
        J, eta = self.J[label][..., variable], self.eta[label][..., variable]
        if self.has is not None and self.to_variable_moment is not None:
            x = Variable(J, eta, self.C[label][..., variable], self.m[label][..., variable], self.has[label][variable])
            try:
                H, s, moment = send_carefully(pair, x, self.log)
            except UndeterminedError as error:
                raise PlaceError(label, position(variable, error.place)) from None
            self.to_variable_moment[far][target] = moment
        else:
            if mode:
                C, m = -pair.near, -pair.near_vector
            else:
                C, m = self.C[label][..., variable], self.m[label][..., variable]
                J, eta = J + pair.near, eta + pair.near_vector
            H, s = send(pair, *(moment_contact if mode else info_contact)(C, m, J, eta))
            if self.log is not None:
                self.log.append(log_integral(C, m, J, eta))
        self.to_variable[far][..., target] = H
        self.to_variable_vector[far][..., target] = s

    def _collect(self, label: int, into: Scatter, mode: int) -> None:
        H, s = self.to_variable[label][..., into.edges], self.to_variable_vector[label][..., into.edges]
        if mode:
            if self.has is None or self.to_variable_moment is None:
                self.C[label][..., into.variables], self.m[label][..., into.variables] = -H, -s
                return
            moment = self.to_variable_moment[label][into.edges]
            variables = numbers_of(into.variables)
            at = variables[moment]
            self.C[label][..., at], self.m[label][..., at] = -H[..., moment], -s[..., moment]
            self.has[label][at] = True
            at = variables[~moment]
            self.J[label][..., at] += H[..., ~moment]
            self.eta[label][..., at] += s[..., ~moment]
            return
        if into.starts is not None:
            H, s = np.add.reduceat(H, into.starts, axis=-1), np.add.reduceat(s, into.starts, axis=-1)
        self.J[label][..., into.variables] += H
        self.eta[label][..., into.variables] += s

    def _compress(self, step: Compress) -> None:
        label = step.labels[1]
        left = self.elements[step.pools[0]].pair(step.elements[0], step.sides[0])
        right = self.elements[step.pools[1]].pair(step.elements[1], step.sides[1])
        J = self.J[label][..., step.variable] + right.near
        eta = self.eta[label][..., step.variable] + right.near_vector
        none = np.zeros((left.far.shape[0], right.far.shape[0], left.far.shape[2]))
        if self.has is not None:
            assert left.far_moment is not None and right.far_moment is not None
            triple = Triple(left.far, left.far_vector, right.far, right.far_vector, none, left.cross, right.cross,
                            left.far_moment, right.far_moment)
            result = self._join(triple, left, label, step.variable, J, eta, kernel=True)
        else:
            unused = np.empty(0, dtype=bool)
            triple = Triple(left.far, left.far_vector, right.far, right.far_vector, none, left.cross, right.cross,
                            unused, unused)
            if step.modes[1]:
                C, m = -left.near, -left.near_vector
                result = join_kernel(triple, C, m, J, eta)
            else:
                C, m = self.C[label][..., step.variable], self.m[label][..., step.variable]
                J, eta = J + left.near, eta + left.near_vector
                result = join(triple, *info_contact(C, m, J, eta))
            if self.log is not None:
                self.log.append(log_integral(C, m, J, eta))
        self.elements[step.pool].write(step.element, result)

    def _join(
        self, triple: Triple, near: Pair, label: int, variable: Index, J: Floats, eta: Floats, *, kernel: bool
    ) -> Triple:
        assert self.has is not None
        x = Variable(J, eta, self.C[label][..., variable], self.m[label][..., variable], self.has[label][variable])
        try:
            return join_carefully(triple, near, x, kernel, self.log)
        except UndeterminedError as error:
            raise PlaceError(label, position(variable, error.place)) from None

    def _reduce(self, step: Reduce) -> None:
        label = step.labels[0]
        J, eta = self.J[label][..., step.variable], self.eta[label][..., step.variable]
        rows = self.rows[step.family]
        triple = rows.triple(step.end, *step.rest, step.row)
        near = rows.near(step.end, step.row)
        if self.has is not None:
            result = self._join(triple, near, label, step.variable, J, eta, kernel=False)
        else:
            if step.modes[0]:
                C, m = -near.near, -near.near_vector
                result = join(triple, *moment_contact(C, m, J, eta))
            else:
                C, m = self.C[label][..., step.variable], self.m[label][..., step.variable]
                J, eta = J + near.near, eta + near.near_vector
                result = join(triple, *info_contact(C, m, J, eta))
            if self.log is not None:
                self.log.append(log_integral(C, m, J, eta))
        self.elements[step.pool].write(step.element, result)

    def _path(self, step: Path) -> None:
        """Solves a run of kernels: everything that its variables hear is known at once."""
        label, v, at = step.label, step.variable, step.element
        elements, C, m = self.elements[label, label], self.C[label], self.m[label]
        blocks = [elements.a[..., at], elements.a_vector[..., at], elements.cross[..., at], elements.b[..., at],
                  elements.b_vector[..., at]]
        if step.real is not None:
            spread = [np.zeros((*block.shape[:-1], step.size - 1)) for block in blocks]
            for whole, block in zip(spread, blocks, strict=True):
                whole[..., step.real] = block
            gap = np.ones(step.size - 1, dtype=bool)
            gap[step.real] = False
            spread[3][..., gap], spread[4][..., gap] = -C[..., step.followers], -m[..., step.followers]
            blocks = spread
        chain = Chain(blocks[0], blocks[1], blocks[2], blocks[3], blocks[4], self.J[label][..., v],
                      self.eta[label][..., v])
        first, last = position(v, 0), position(v, -1)
        (H, s), (K, k) = chain.messages(C[..., first : first + 1], m[..., first : first + 1], self.log)
        if self.log is not None:
            self.log.append(log_integral(-H[..., -1:], -s[..., -1:], self.J[label][..., last : last + 1],
                                         self.eta[label][..., last : last + 1]))
        if step.real is not None:
            H, s, K, k = H[..., step.real], s[..., step.real], K[..., step.real], k[..., step.real]
        C[..., step.drawn], m[..., step.drawn] = -H, -s
        self.to_variable[label][..., step.right], self.to_variable_vector[label][..., step.right] = H, s
        self.to_variable[label][..., step.left], self.to_variable_vector[label][..., step.left] = K, k

    def _conclude(self, root: Expand) -> None:
        assert self.log is not None
        label, at = root.label, numbers_of(root.variable)
        J, eta = self.J[label][..., at], self.eta[label][..., at]
        C, m = self.C[label][..., at], self.m[label][..., at]
        if self.has is None:
            self.log.append(log_integral(C, m, J, eta))
            return
        has = self.has[label][at]
        self.log.append(log_integral(C[..., has], m[..., has], J[..., has], eta[..., has]))
        self.log.append(log_information(J[..., ~has], eta[..., ~has]))

    # -- down -----------------------------------------------------------------------------------------------

    def down(self) -> None:
        """Undoes the rounds: afterwards both messages at every edge are known, and so are all marginals."""
        self.log = None
        for expand in self.plan.roots:
            self._expand(expand)
        for half in reversed(self.plan.halves):
            for step in half.steps:
                if isinstance(step, Rake):
                    labels = step.pool if step.side == 0 else (step.pool[1], step.pool[0])
                    pair = self.elements[step.pool].pair(step.element, 1 - step.side)
                    self._answer(pair, labels[1], step.target, step.modes[1], labels[0], step.source,
                                 step.variable if step.modes[0] else None)
                elif isinstance(step, Compress):
                    for k in (0, 1):
                        pair = self.elements[step.pools[k]].pair(step.elements[k], 1 - step.sides[k])
                        self._answer(pair, step.labels[2 * k], step.outer[k], step.modes[3 * k], step.labels[1],
                                     step.inner[k], step.variable if step.modes[1 + k] else None)
                elif isinstance(step, Reduce):
                    self._restore(step)
            for expand in half.expands:
                self._expand(expand)

    def _answer(
        self, pair: Pair, label: int, source: Index, mode: int, far: int, target: Index, variable: Index | None
    ) -> None:
        """Sends into a removed variable what its element hears from elsewhere."""
        matrix, vector = self.to_factor[label][..., source], self.to_factor_vector[label][..., source]
        if self.has is not None and self.to_factor_moment is not None and self.to_variable_moment is not None:
            has = self.to_factor_moment[label][source]
            try:
                H, s, moment = send_carefully(pair, _at_edge(matrix, vector, has), None)
            except UndeterminedError as error:
                raise self._blame(label, source, error.place) from None
            self.to_variable_moment[far][target] = moment
        elif mode:
            H, s = send(pair, *moment_contact(-pair.near, -pair.near_vector, matrix, vector))
        else:
            H, s = send(pair, *info_contact(matrix, vector, pair.near, pair.near_vector))
        self.to_variable[far][..., target] = H
        self.to_variable_vector[far][..., target] = s
        if variable is not None:
            self._settle(far, target, variable)

    def _settle(self, label: int, edge: Index, variable: Index) -> None:
        """The message at a variable's moment edge becomes its contributor."""
        H, s = self.to_variable[label][..., edge], self.to_variable_vector[label][..., edge]
        if self.has is None or self.to_variable_moment is None:
            self.C[label][..., variable], self.m[label][..., variable] = -H, -s
            return
        moment = self.to_variable_moment[label][edge]
        at = numbers_of(variable)
        self.C[label][..., at[moment]], self.m[label][..., at[moment]] = -H[..., moment], -s[..., moment]
        self.has[label][at] = moment

    def _restore(self, step: Reduce) -> None:
        """Into the leaf of a three-ended row, by way of both other ends."""
        rows, (first, second) = self.rows[step.family], step.edges
        a, b = step.rest
        matrix, vector = self.to_factor[step.labels[1]][..., first], self.to_factor_vector[step.labels[1]][..., first]
        triple = rows.triple(a, b, step.end, step.row)
        near = rows.near(a, step.row)
        if self.has is not None and self.to_factor_moment is not None:
            x = _at_edge(matrix, vector, self.to_factor_moment[step.labels[1]][first])
            try:
                joined = join_carefully(triple, near, x, False, None)
            except UndeterminedError as error:
                raise self._blame(step.labels[1], first, error.place) from None
        elif step.modes[1]:
            joined = join(triple, *moment_contact(-near.near, -near.near_vector, matrix, vector))
        else:
            joined = join(triple, *info_contact(matrix, vector, near.near, near.near_vector))
        pair = Pair(joined.Ha, joined.sa, joined.Hb, joined.sb, transpose(joined.Hab), joined.a_moment, joined.b_moment)
        self._answer(pair, step.labels[2], second, step.modes[2], step.labels[0], step.source,
                     step.variable if step.modes[0] else None)

    def _expand(self, step: Expand) -> None:
        label, at = step.label, step.variable
        J, eta = self.unary[label][0][..., at], self.unary[label][1][..., at]
        H, s = self.to_variable[label], self.to_variable_vector[label]
        has: Bools | None = None
        if self.has is not None and self.to_factor_moment is not None and self.to_variable_moment is not None:
            has = self.has[label][at]
            if step.moment is not None:    # an upward message in information form counts as information
                told = ~self.to_variable_moment[label][step.moment]
                J, eta = J + np.where(told, H[..., step.moment], 0.0), eta + np.where(told, s[..., step.moment], 0.0)
        C, m = self.C[label][..., at], self.m[label][..., at]
        total, total_vector = J, eta
        if isinstance(step.edges, tuple):
            blocks, vectors = [H[..., e] for e in step.edges], [s[..., e] for e in step.edges]
            others, other_vectors = _all_but_one(J, blocks), _all_but_one(eta, vectors)
            for k, e in enumerate(step.edges):
                self._emit(label, e, C, m, others[k], other_vectors[k], has)
            if blocks:
                total, total_vector = others[-1] + blocks[-1], other_vectors[-1] + vectors[-1]
        else:
            block, vector = H[..., step.edges], s[..., step.edges]
            self._emit(label, step.edges, C[..., None], m[..., None], J[..., None] + _exclusive(block),
                       eta[..., None] + _exclusive(vector), None if has is None else has[:, None])
            total, total_vector = J + block.sum(axis=-1), eta + vector.sum(axis=-1)
        self.J[label][..., at], self.eta[label][..., at] = total, total_vector
        if step.moment is not None:
            if has is not None and not has.all():    # leave out its own information
                mine = ~has
                total, total_vector = total.copy(), total_vector.copy()
                total[..., mine], total_vector[..., mine] = self._without(step, mine)
            self.to_factor[label][..., step.moment], self.to_factor_vector[label][..., step.moment] = \
                total, total_vector

    def _without(self, step: Expand, mine: Bools) -> tuple[Floats, Floats]:
        """The unary information and the info edges alone."""
        label, at = step.label, numbers_of(step.variable)[mine]
        J, eta = self.unary[label][0][..., at], self.unary[label][1][..., at]
        edges = step.edges if isinstance(step.edges, tuple) else tuple(step.edges.T)
        for e in edges:
            J = J + self.to_variable[label][..., numbers_of(e)[mine]]
            eta = eta + self.to_variable_vector[label][..., numbers_of(e)[mine]]
        return J, eta

    def _emit(
        self, label: int, edge: Index, C: Floats, m: Floats, J: Floats, eta: Floats, has: Bools | None
    ) -> None:
        shape = J.shape
        if J.ndim > 3:    # many edges of few variables: one long batch
            d = shape[0]
            C, m = np.broadcast_to(C, shape).reshape(d, d, -1), np.broadcast_to(m, shape[1:]).reshape(d, -1)
            J, eta = J.reshape(d, d, -1), eta.reshape(d, -1)
        matrix, vector = info_contact(C, m, J, eta)
        if has is not None and self.to_factor_moment is not None:
            flags = np.broadcast_to(has, shape[2:]).reshape(-1)
            matrix, vector = np.where(flags, matrix, J), np.where(flags, vector, eta)
            self.to_factor_moment[label][edge] = flags.reshape(shape[2:])
        if len(shape) > 3:
            matrix, vector = matrix.reshape(shape), vector.reshape(shape[1:])
        self.to_factor[label][..., edge], self.to_factor_vector[label][..., edge] = matrix, vector

    # -- results --------------------------------------------------------------------------------------------

    def marginals(self, label: int) -> tuple[Floats, Floats]:
        """Covariances and means of all variables of one label.

        Raises:
            PlaceError: nothing determines one of them.
        """
        J, eta = self.J[label], self.eta[label]
        matrix, vector = info_contact(self.C[label], self.m[label], J, eta)
        if self.has is not None:
            bare = ~self.has[label]
            if bare.any():
                definite = is_definite(J[..., bare])
                if not definite.all():
                    raise PlaceError(label, int(np.flatnonzero(bare)[np.flatnonzero(~definite)[0]]))
                V = symmetrise(inverse(J[..., bare]))
                matrix[..., bare] = V
                vector[..., bare] = np.einsum("ijn,jn->in", V, eta[..., bare])
        return matrix, vector

    def release(self) -> None:
        """Lets go of all but the messages to the factors."""
        self.elements, self.rows = {}, {}
        self.unary, self.J, self.eta, self.C, self.m = [], [], [], [], []
        self.to_variable, self.to_variable_vector = [], []

    def _blame(self, label: int, edge: Index, place: int) -> PlaceError:
        at = numbers_of(edge)[place]
        number = np.flatnonzero((self.plan.edge_label == label) & (self.plan.edge_slot == at))[0]
        return PlaceError(label, int(self.plan.var_slot[self.plan.edge_var[number]]))


def _at_edge(matrix: Floats, vector: Floats, has: Bools) -> Variable:
    """A message as what is known at a variable: information, or a moment contributor."""
    zero, none = np.zeros_like(matrix), np.zeros_like(vector)
    return Variable(np.where(has, zero, matrix), np.where(has, none, vector), np.where(has, matrix, zero),
                    np.where(has, vector, none), has)


def _all_but_one(base: Floats, terms: list[Floats]) -> list[Floats]:
    """base + the sum of all terms but the k-th, by prefix and suffix: never total minus own, which cancels."""
    if len(terms) < 2:
        return [base] * len(terms)
    prefix, suffix = [base], terms[-1]
    for term in terms[:-1]:
        prefix.append(prefix[-1] + term)
    result = [prefix[-1]]
    for k in range(len(terms) - 2, -1, -1):
        result.append(prefix[k] + suffix)
        suffix = suffix + terms[k]
    return result[::-1]


def _exclusive(terms: Floats) -> Floats:
    """Sums over the last axis of all but each own term."""
    result = np.zeros_like(terms)
    np.cumsum(terms[..., :-1], axis=-1, out=result[..., 1:])
    result[..., :-1] += np.cumsum(terms[..., :0:-1], axis=-1)[..., ::-1]
    return result

