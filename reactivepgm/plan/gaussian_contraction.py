"""A Gaussian contraction with its way down: what was eliminated is expanded, all its messages at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from reactivepgm.plan.contraction_steps import (
    Compress,
    Expand,
    Index,
    Rake,
    Reduce,
    numbers_of,
)
from reactivepgm.plan.gaussian_ascent import Ascent
from reactivepgm.plan.gaussian_banded import blocks
from reactivepgm.plan.gaussian_elements import (
    Pair,
    info_contact,
    moment_contact,
    send,
)
from reactivepgm.plan.gaussian_flat import (
    CERTAIN_AND_FLAT,
    Variable,
    join,
    join_carefully,
    send_carefully,
)
from reactivepgm.plan.gaussian_partial import Partial, Partials, through, through_row
from reactivepgm.plan.gaussian_storage import PlaceError
from reactivepgm.plan.small_matrices import (
    Bools,
    Floats,
    inverse,
    is_definite,
    symmetrise,
    transpose,
)


class Sweep(Ascent):
    """Both ways: messages at every edge, and marginals."""

    def down(self) -> None:
        """Undoes the rounds: afterwards both messages at every edge are known, and so are all marginals.

        Raises:
            PlaceError: a message cannot be expressed.
        """
        self.log = None
        sizes = [H.shape[-1] for H in self.to_variable]
        self.to_factor = [np.zeros((d, d, n)) for d, n in zip(self.dims, sizes, strict=True)]
        self.to_factor_vector = [np.zeros((d, n)) for d, n in zip(self.dims, sizes, strict=True)]
        self.partials = [Partials(J.shape[-1]) for J in self.J] if self.has is not None else []
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
        self, pair: Pair, label: int, source: Index, mode: int, far: int, target: Index, variable: Index | None,
        row: tuple[Bools, Callable[[Bools], list[tuple[Bools, Partial]]]] | None = None,
    ) -> None:
        """Sends into a removed variable what its element hears from elsewhere."""
        matrix, vector = self.to_factor[label][..., source], self.to_factor_vector[label][..., source]
        if self.has is not None and self.to_factor_moment is not None and self.to_variable_moment is not None:
            x = _at_edge(matrix, vector, self.to_factor_moment[label][source])
            failed = np.zeros(x.has.size, dtype=bool)
            H, s, moment = send_carefully(pair, x, None, failed)
            if row is not None:
                failed |= row[0]
            if failed.any():
                if variable is None or pair.far_moment is None or not pair.far_moment[failed].all():
                    raise self._blame(label, source, int(failed.argmax()))
                moment[failed] = True
                at = numbers_of(variable)[failed]
                parts = [(slice(None), through(pair, x)[failed])] if row is None else row[1](failed)
                for some, part in parts:
                    self.partials[far].add(at[some], part)
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
        row = None
        if self.has is not None and self.to_factor_moment is not None:
            x = _at_edge(matrix, vector, self.to_factor_moment[step.labels[1]][first])
            failed = np.zeros(x.has.size, dtype=bool)
            joined = join_carefully(triple, near, x, False, None, failed)
            row = failed, partial(self._through_row, step)
        elif step.modes[1]:
            joined = join(triple, *moment_contact(-near.near, -near.near_vector, matrix, vector))
        else:
            joined = join(triple, *info_contact(matrix, vector, near.near, near.near_vector))
        pair = Pair(joined.Ha, joined.sa, joined.Hb, joined.sb, transpose(joined.Hab), joined.a_moment, joined.b_moment)
        self._answer(pair, step.labels[2], second, step.modes[2], step.labels[0], step.source,
                     step.variable if step.modes[0] else None, row)

    def _through_row(self, step: Reduce, some: Bools) -> list[tuple[Bools, Partial]]:
        """From both inputs of three-ended rows to their output."""
        assert self.to_factor_moment is not None
        rows, at = self.rows[step.family], numbers_of(step.row)[some]
        inputs = []
        for end, label, edge in zip(step.rest, step.labels[1:], step.edges, strict=True):
            e = numbers_of(edge)[some]
            inputs.append((rows.block(step.end, end, at), self.to_factor[label][..., e],
                           self.to_factor_vector[label][..., e], self.to_factor_moment[label][e]))
        return through_row((-rows.vectors[step.end][:, at], -rows.block(step.end, step.end, at)), inputs)

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
                self._emit(label, e, at, C, m, others[k], other_vectors[k], has)
            if blocks:
                total, total_vector = others[-1] + blocks[-1], other_vectors[-1] + vectors[-1]
        else:
            block, vector = H[..., step.edges], s[..., step.edges]
            self._emit(label, step.edges, at, C[..., None], m[..., None], J[..., None] + _exclusive(block),
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
        self, label: int, edge: Index, variable: Index, C: Floats, m: Floats, J: Floats, eta: Floats,
        has: Bools | None,
    ) -> None:
        shape = J.shape
        if J.ndim > 3:    # many edges of few variables: one long batch
            d = shape[0]
            C, m = np.broadcast_to(C, shape).reshape(d, d, -1), np.broadcast_to(m, shape[1:]).reshape(d, -1)
            J, eta = J.reshape(d, d, -1), eta.reshape(d, -1)
        if has is None and isinstance(edge, slice) and len(shape) == 3:
            matrix, vector = self.to_factor[label][..., edge], self.to_factor_vector[label][..., edge]
            for some in blocks(shape[2]):
                matrix[..., some], vector[:, some] = info_contact(C[..., some], m[:, some], J[..., some], eta[:, some])
            return
        matrix, vector = info_contact(C, m, J, eta)
        if has is not None and self.to_factor_moment is not None:
            flags = np.broadcast_to(has, shape[2:]).reshape(-1)
            numbers = numbers_of(variable).repeat(flags.size // has.shape[0])
            lost = self.partials[label].complete(numbers, J, eta, matrix, vector)
            if lost is not None:
                raise PlaceError(label, int(numbers[lost.argmax()]), CERTAIN_AND_FLAT)
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
        matrix, vector = np.empty(J.shape), np.empty(eta.shape)
        for at in blocks(J.shape[-1]):
            matrix[..., at], vector[:, at] = info_contact(
                self.C[label][..., at], self.m[label][:, at], J[..., at], eta[:, at])
        if self.has is not None:
            self.partials[label].complete(np.arange(J.shape[-1]), J, eta, matrix, vector)
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
        return PlaceError(label, int(self.plan.var_slot[self.plan.edge_var[number]]), CERTAIN_AND_FLAT)


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

