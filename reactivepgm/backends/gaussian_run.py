"""Runs the rounds of a Gaussian contraction on traced arrays: the same steps as NumPy takes, and nothing is overwritten.

Only what every directed model with proper priors needs: each variable is drawn by one factor or has a prior of its own, so
that all messages keep the form that the plan gives them.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from reactivepgm.backends.gaussian_path import Chain, chain_messages
from reactivepgm.backends.matrices import (
    identity_plus,
    info_contact,
    inverse,
    matmul,
    matvec,
    moment_contact,
    symmetrise,
    transpose,
)
from reactivepgm.backends.scatter import segments_summed
from reactivepgm.numerics.array import Array
from reactivepgm.plan.contraction import Contraction
from reactivepgm.plan.contraction_steps import Compress, Expand, Index, Path, Pool, Rake, Scatter, position

Pair = tuple[Array, Array]


class Elements:
    """The two-ended elements of one pool: blocks of the ends a and b, and the cross block (b, a)."""

    def __init__(self, da: int, db: int, size: int) -> None:
        self.a, self.a_vector = jnp.zeros((da, da, size)), jnp.zeros((da, size))
        self.b, self.b_vector = jnp.zeros((db, db, size)), jnp.zeros((db, size))
        self.cross = jnp.zeros((db, da, size))

    def write(self, at: Index, a: Pair, b: Pair, cross: Array) -> None:
        """Puts some elements in their places."""
        self.a, self.a_vector = self.a.at[..., at].set(a[0]), self.a_vector.at[..., at].set(a[1])
        self.b, self.b_vector = self.b.at[..., at].set(b[0]), self.b_vector.at[..., at].set(b[1])
        self.cross = self.cross.at[..., at].set(cross)

    def seen(self, at: Index, side: int) -> tuple[Pair, Pair, Array]:
        """Near end, far end and the cross block (far, near), from the end ``side``."""
        a, b = (self.a[..., at], self.a_vector[..., at]), (self.b[..., at], self.b_vector[..., at])
        cross = self.cross[..., at]
        return (a, b, cross) if side == 0 else (b, a, transpose(cross))


class GaussianRun:
    """One contraction with numbers in it.

    Args:
        plan: the rounds.
        dims: the dimension of each label.
        elements: the pools, originals filled in.
        told: information (J, eta) for each label, (d, d, V) and (d, V).
        priors: contributors (C, m) of the moment priors for each label, zeros elsewhere.
        is_wide: see ``gaussian_path``.
    """

    def __init__(
        self, plan: Contraction, dims: Sequence[int], elements: dict[Pool, Elements], told: list[Pair], priors: list[Pair],
        is_wide: bool,
    ) -> None:
        self.plan, self.elements, self._told, self._is_wide = plan, elements, told, is_wide
        self.J, self.eta = [J for J, _ in told], [eta for _, eta in told]
        self.C, self.m = [C for C, _ in priors], [m for _, m in priors]
        sizes = [n + 1 for n in plan.edge_sizes]  # the last is the padding: no message
        self.up_matrix = [jnp.zeros((d, d, n)) for d, n in zip(dims, sizes, strict=True)]
        self.up_vector = [jnp.zeros((d, n)) for d, n in zip(dims, sizes, strict=True)]
        self.down_matrix, self.down_vector = list(self.up_matrix), list(self.up_vector)

    def run(self) -> None:
        """Contracts and expands; afterwards both messages at every edge are known, and so are all marginals."""
        for half in self.plan.halves:
            for step in half.steps:
                if isinstance(step, Rake):
                    self._rake(step)
                elif isinstance(step, Compress):
                    self._compress(step)
                elif isinstance(step, Path):
                    self._path(step)
                else:
                    raise NotImplementedError(type(step).__name__)
        for expand in self.plan.roots:
            self._expand(expand)
        for half in reversed(self.plan.halves):
            for step in half.steps:
                if isinstance(step, Rake):
                    labels = step.pool if step.side == 0 else step.pool[::-1]
                    seen = self.elements[step.pool].seen(step.element, 1 - step.side)
                    self._answer(seen, labels[1], step.target, step.modes[1], labels[0], step.source,
                                 step.variable if step.modes[0] else None)
                elif isinstance(step, Compress):
                    for k in (0, 1):
                        seen = self.elements[step.pools[k]].seen(step.elements[k], 1 - step.sides[k])
                        self._answer(seen, step.labels[2 * k], step.outer[k], step.modes[3 * k], step.labels[1],
                                     step.inner[k], step.variable if step.modes[1 + k] else None)
            for expand in half.expands:
                self._expand(expand)

    def marginals(self, label: int) -> Pair:
        """Covariances and means of all variables of one label."""
        return info_contact(self.C[label], self.m[label], self.J[label], self.eta[label])

    def _put_up(self, label: int, at: Index, message: Pair) -> None:
        self.up_matrix[label] = self.up_matrix[label].at[..., at].set(message[0])
        self.up_vector[label] = self.up_vector[label].at[..., at].set(message[1])

    def _heard(self, label: int, at: Index) -> Pair:
        return self.up_matrix[label][..., at], self.up_vector[label][..., at]

    def _settle(self, label: int, at: Index, message: Pair) -> None:
        """A message at a variable's moment edge becomes its contributor."""
        self.C[label] = self.C[label].at[..., at].set(-message[0])
        self.m[label] = self.m[label].at[..., at].set(-message[1])

    # -- up -------------------------------------------------------------------------------------------------

    def _eliminated(self, near: Pair, label: int, variable: Index, mode: int) -> Pair:
        """W^-1 and u at the contact of a variable that goes."""
        J, eta = self.J[label][..., variable], self.eta[label][..., variable]
        if mode:
            return moment_contact(-near[0], -near[1], J, eta)
        return info_contact(self.C[label][..., variable], self.m[label][..., variable], J + near[0], eta + near[1])

    def _rake(self, step: Rake) -> None:
        labels = step.pool if step.side == 0 else step.pool[::-1]
        near, far, cross = self.elements[step.pool].seen(step.element, step.side)
        message = _sent(far, cross, self._eliminated(near, labels[0], step.variable, step.modes[0]))
        self._put_up(labels[1], step.target, message)
        self._collect(labels[1], step.into, message, step.modes[1])

    def _collect(self, label: int, into: Scatter, message: Pair, mode: int) -> None:
        if mode:
            self._settle(label, into.variables, message)
            return
        H, s = (segments_summed(part, into.starts) for part in message)
        self.J[label] = self.J[label].at[..., into.variables].add(H)
        self.eta[label] = self.eta[label].at[..., into.variables].add(s)

    def _compress(self, step: Compress) -> None:
        left_near, left, left_cross = self.elements[step.pools[0]].seen(step.elements[0], step.sides[0])
        right_near, right, right_cross = self.elements[step.pools[1]].seen(step.elements[1], step.sides[1])
        label, at = step.labels[1], step.variable
        J, eta = self.J[label][..., at] + right_near[0], self.eta[label][..., at] + right_near[1]
        if step.modes[1]:
            # The contact with the left is the contributor itself, that with the right the variable's information.
            C, m = -left_near[0], -left_near[1]
            D = inverse(identity_plus(matmul(C, J)))
            JD, DC = symmetrise(matmul(J, D)), symmetrise(matmul(D, C))
            a = left[0] + symmetrise(matmul(matmul(left_cross, JD), transpose(left_cross)))
            a_vector = left[1] - matvec(left_cross, matvec(JD, m) - matvec(transpose(D), eta))
            b = right[0] - symmetrise(matmul(matmul(right_cross, DC), transpose(right_cross)))
            b_vector = right[1] - matvec(right_cross, matvec(D, m + matvec(C, eta)))
            across = matmul(matmul(right_cross, D), transpose(left_cross))
        else:
            C, m = self.C[label][..., at], self.m[label][..., at]
            W, u = info_contact(C, m, J + left_near[0], eta + left_near[1])
            a, a_vector = _sent(left, left_cross, (W, u))
            b, b_vector = _sent(right, right_cross, (W, u))
            across = -matmul(matmul(right_cross, W), transpose(left_cross))
        self.elements[step.pool].write(step.element, (a, a_vector), (b, b_vector), across)

    def _path(self, step: Path) -> None:
        label, at = step.label, step.element
        pool = self.elements[label, label]
        C, m = self.C[label], self.m[label]
        blocks = [pool.a[..., at], pool.a_vector[..., at], pool.cross[..., at], -pool.b[..., at], -pool.b_vector[..., at]]
        if step.real is not None:
            # A gap without a factor: nothing passes, and the next chain's own contributor is the noise.
            assert step.followers is not None
            gaps = np.setdiff1d(np.arange(step.size - 1), step.real)
            blocks = [jnp.zeros((*b.shape[:-1], step.size - 1)).at[..., step.real].set(b) for b in blocks]
            blocks[3] = blocks[3].at[..., gaps].set(C[..., step.followers])
            blocks[4] = blocks[4].at[..., gaps].set(m[..., step.followers])
        v, first = step.variable, position(step.variable, 0)
        start = C[..., first : first + 1], m[..., first : first + 1]
        ahead, back = chain_messages(Chain(*blocks), self.J[label][..., v], self.eta[label][..., v], start, self._is_wide)
        if step.real is not None:
            ahead = ahead[0][..., step.real], ahead[1][..., step.real]
            back = back[0][..., step.real], back[1][..., step.real]
        ahead = -ahead[0], -ahead[1]
        self._settle(label, step.drawn, ahead)
        self._put_up(label, step.right, ahead)
        self._put_up(label, step.left, back)

    # -- down -----------------------------------------------------------------------------------------------

    def _answer(
        self, seen: tuple[Pair, Pair, Array], label: int, source: Index, mode: int, far: int, target: Index,
        variable: Index | None,
    ) -> None:
        """Sends into a removed variable what its element hears from elsewhere."""
        near, end, cross = seen
        matrix, vector = self.down_matrix[label][..., source], self.down_vector[label][..., source]
        if mode:
            contact = moment_contact(-near[0], -near[1], matrix, vector)
        else:
            contact = info_contact(matrix, vector, *near)
        message = _sent(end, cross, contact)
        self._put_up(far, target, message)
        if variable is not None:
            self._settle(far, variable, message)

    def _expand(self, step: Expand) -> None:
        label, at = step.label, step.variable
        J, eta = self._told[label][0][..., at], self._told[label][1][..., at]
        C, m = self.C[label][..., at], self.m[label][..., at]
        if isinstance(step.edges, tuple):
            heard = [self._heard(label, e) for e in step.edges]
            others = [all_but_one(base, [h[k] for h in heard]) for k, base in enumerate((J, eta))]
            for k, e in enumerate(step.edges):
                self._put_down(label, e, info_contact(C, m, others[0][k], others[1][k]))
            if heard:
                J, eta = others[0][-1] + heard[-1][0], others[1][-1] + heard[-1][1]
        else:
            H, s = self._heard(label, step.edges)
            shape = H.shape
            d = shape[0]
            told = (J[..., None] + exclusive(H)).reshape(d, d, -1), (eta[..., None] + exclusive(s)).reshape(d, -1)
            around = jnp.broadcast_to(C[..., None], shape).reshape(d, d, -1)
            middle = jnp.broadcast_to(m[..., None], shape[1:]).reshape(d, -1)
            matrix, vector = info_contact(around, middle, *told)
            self._put_down(label, step.edges, (matrix.reshape(shape), vector.reshape(shape[1:])))
            J, eta = J + H.sum(axis=-1), eta + s.sum(axis=-1)
        self.J[label], self.eta[label] = self.J[label].at[..., at].set(J), self.eta[label].at[..., at].set(eta)
        if step.moment is not None:
            self._put_down(label, step.moment, (J, eta))

    def _put_down(self, label: int, at: Index, message: Pair) -> None:
        self.down_matrix[label] = self.down_matrix[label].at[..., at].set(message[0])
        self.down_vector[label] = self.down_vector[label].at[..., at].set(message[1])


def _sent(far: Pair, cross: Array, contact: Pair) -> Pair:
    """What the far end hears once the near one is eliminated."""
    W, u = contact
    return far[0] - symmetrise(matmul(matmul(cross, W), transpose(cross))), far[1] - matvec(cross, u)


def all_but_one(base: Array, terms: list[Array]) -> list[Array]:
    """base + the sum of all terms but the k-th, by prefix and suffix."""
    result = []
    for k in range(len(terms)):
        total = base
        for i, term in enumerate(terms):
            total = total if i == k else total + term
        result.append(total)
    return result


def exclusive(terms: Array) -> Array:
    """Sums over the last axis of all but each own term, by prefix and suffix."""
    none = jnp.zeros_like(terms[..., :1])
    prefix = jnp.concatenate([none, jnp.cumsum(terms[..., :-1], axis=-1)], axis=-1)
    suffix = jnp.concatenate([jnp.cumsum(terms[..., :0:-1], axis=-1)[..., ::-1], none], axis=-1)
    return prefix + suffix


