"""The way up of a Gaussian contraction: variables are eliminated, round by round.

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
from reactivepgm.plan.gaussian_storage import Block, Elements, PlaceError, Rows
from reactivepgm.plan.small_matrices import (
    Bools,
    Floats,
    is_definite,
)


class Ascent:
    """One contraction with numbers in it, and its way up.

    Args:
        plan: the rounds.
        dims: the dimension of each label.
        elements: the pools, their originals filled in.
        rows: the three-ended families, by number.
        information: (J, eta) of the unaries, for each label (d, d, V), (d, V).
        contributors: (C, m) of the moment priors, for each label, zeros elsewhere.
        has: for each label which variables have such a prior; None where no variable is a flat root.
        log: receives logs of integrals, for the evidence.
        block: where there is ``room`` for the rest.
    """

    def __init__(
        self, plan: Contraction, dims: Sequence[int], elements: dict[Pool, Elements], rows: dict[int, Rows],
        information: list[tuple[Floats, Floats]], contributors: list[tuple[Floats, Floats]],
        has: list[Bools] | None, log: list[Floats] | None, block: Block,
    ) -> None:
        self.plan, self.dims, self.elements, self.rows, self.has, self.log = plan, dims, elements, rows, has, log
        self.unary = information
        self.J, self.eta = [block.take(*J.shape) for J, _ in information], [block.take(*e.shape) for _, e in information]
        for J, eta, (unary, vector) in zip(self.J, self.eta, information, strict=True):
            J[...], eta[...] = unary, vector
        self.C = [C for C, _ in contributors]
        self.m = [m for _, m in contributors]
        sizes = [n + 1 for n in plan.edge_sizes]     # the last is the padding: no message
        self.to_variable = [block.take(d, d, n) for d, n in zip(dims, sizes, strict=True)]
        self.to_variable_vector = [block.take(d, n) for d, n in zip(dims, sizes, strict=True)]
        self.to_variable_moment = [np.zeros(n, dtype=bool) for n in sizes] if has is not None else None
        self.to_factor_moment = [np.zeros(n, dtype=bool) for n in sizes] if has is not None else None

    @staticmethod
    def room(plan: Contraction, dims: Sequence[int]) -> int:
        """How many numbers it takes, beside the elements and what is told about the variables."""
        return sum((n + e + 1) * d * (d + 1) for n, e, d in zip(plan.label_sizes, plan.edge_sizes, dims, strict=True))

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
        if self.has is not None:
            for root in self.plan.roots:
                at = numbers_of(root.variable)
                lost = ~self.has[root.label][at] & ~is_definite(self.J[root.label][..., at])
                if lost.any():
                    raise PlaceError(root.label, int(at[lost.argmax()]))
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
                raise PlaceError(label, position(variable, error.place), error.reason) from None
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
            raise PlaceError(label, position(variable, error.place), error.reason) from None

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
        if self.has is not None and self.to_variable_moment is not None:    # no flat variable is near a path
            self.has[label][step.drawn] = True
            self.to_variable_moment[label][step.right] = True
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
