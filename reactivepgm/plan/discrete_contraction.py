"""Runs the rounds of a contraction on discrete potentials, in either arithmetic.

Per label (number of categories): at variables the product of what is known, which grows on the way up; at edges the
messages both ways.  A composite is sum_x left(l, x) known(x) right(x, r).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reactivepgm.plan.contraction import Contraction
from reactivepgm.plan.contraction_steps import Compress, Expand, Index, Path, Pool, Rake, Scatter, position
from reactivepgm.plan.discrete_chain import DiscreteChain
from reactivepgm.plan.discrete_elements import Arithmetic
from reactivepgm.plan.small_matrices import Floats, transpose


class EmptyError(Exception):
    """Everything is excluded at a variable, by its label and its position within the label."""

    def __init__(self, label: int, position: int) -> None:
        super().__init__(label, position)
        self.label = label
        self.position = position


class DiscreteRun:
    """One contraction with potentials in it.

    Args:
        plan: the rounds.
        sizes: the number of categories of each label.
        elements: pools of potentials (L_b, K_a, elements), the originals filled in.
        unary: for each label (K, V), rescaled.
        arithmetic: scaled numbers or logs.
    """

    def __init__(
        self, plan: Contraction, sizes: Sequence[int], elements: dict[Pool, Floats], unary: list[Floats],
        arithmetic: Arithmetic,
    ) -> None:
        self.plan, self.elements, self.unary, self.do = plan, elements, unary, arithmetic
        self.known = [u.copy() for u in unary]
        shapes = [(k, n + 1) for k, n in zip(sizes, plan.edge_sizes, strict=True)]    # the last pads: no message
        self.to_variable = [np.full(shape, arithmetic.one) for shape in shapes]
        self.to_factor = [np.full(shape, arithmetic.one) for shape in shapes]
        self.log_scale = 0.0

    def up(self) -> None:
        """Contracts everything, and gathers the log of the partition function."""
        for half in self.plan.halves:
            for step in half.steps:
                if isinstance(step, Rake):
                    self._rake(step)
                elif isinstance(step, Compress):
                    self._compress(step)
                elif isinstance(step, Path):
                    self._path(step)
        for root in self.plan.roots:
            known = self._known(root.label, root.variable)
            self.log_scale += float(np.log(np.exp(self.do.leave(known)).sum(axis=0)).sum())

    def down(self) -> None:
        """Expands in reverse; afterwards ``known`` holds the unnormalised marginals."""
        for expand in self.plan.roots:
            self._expand(expand)
        for half in reversed(self.plan.halves):
            for step in half.steps:
                if isinstance(step, Rake):
                    labels = step.pool if step.side == 0 else (step.pool[1], step.pool[0])
                    self._answer(step.pool, step.element, 1 - step.side, labels[1], step.target, labels[0], step.source)
                elif isinstance(step, Compress):
                    for k in (0, 1):
                        self._answer(step.pools[k], step.elements[k], 1 - step.sides[k], step.labels[2 * k],
                                     step.outer[k], step.labels[1], step.inner[k])
            for expand in half.expands:
                self._expand(expand)

    def _known(self, label: int, variable: Index) -> Floats:
        """What is known at variables that are about to go; their product may have left nothing."""
        known, scale = self.do.rescale(self.known[label][..., variable])
        possible = np.isfinite(known).any(axis=0) if self.do.one == 0.0 else None
        if possible is not None and not possible.all():
            raise EmptyError(label, position(variable, int(np.flatnonzero(~possible)[0])))
        self.log_scale += float(scale.sum())
        return known

    def _across(self, pool: Pool, at: Index, side: int) -> Floats:
        """Potentials (far, near, n) seen from the end ``side``."""
        potentials = self.elements[pool][..., at]
        return potentials if side == 0 else transpose(potentials)

    def _rake(self, step: Rake) -> None:
        labels = step.pool if step.side == 0 else (step.pool[1], step.pool[0])
        known = self._known(labels[0], step.variable)
        message, scale = self.do.rescale(self.do.apply(self._across(step.pool, step.element, step.side), known))
        self.log_scale += float(scale.sum())
        self.to_variable[labels[1]][..., step.target] = message
        self._collect(labels[1], step.into)

    def _collect(self, label: int, into: Scatter) -> None:
        message = self.to_variable[label][..., into.edges]
        if into.starts is not None:
            message = self.do.product(message, into.starts)
        known = self.known[label]
        known[..., into.variables] = self.do.times(known[..., into.variables], message)

    def _compress(self, step: Compress) -> None:
        known = self._known(step.labels[1], step.variable)
        left = self._across(step.pools[0], step.elements[0], 1 - step.sides[0])        # (x, left)
        right = self._across(step.pools[1], step.elements[1], step.sides[1])           # (right, x)
        whole, scale = self.do.rescale(self.do.compose(right, self.do.times(left, known[:, None])))
        self.log_scale += float(scale.sum())
        self.elements[step.pool][..., step.element] = whole

    def _path(self, step: Path) -> None:
        """Solves a run of potentials: everything that its variables hear is known at once."""
        label, do = step.label, self.do
        known = self._known(label, step.variable)
        cross = self.elements[label, label][..., step.element]
        if step.real is not None:
            spread = np.full((*cross.shape[:2], step.size - 1), do.one)
            spread[..., step.real] = cross
            cross = spread
        ahead, back, scale = DiscreteChain(cross, known, do).messages()
        heard = do.times(known[:, 1:], ahead)
        if do.one == 0.0:
            possible = np.isfinite(heard).any(axis=0)
            if not possible.all():
                raise EmptyError(label, position(step.variable, 1 + int(np.flatnonzero(~possible)[0])))
        self.log_scale += scale + float(np.log(np.exp(do.leave(heard[:, -1])).sum()))
        if step.real is not None:
            ahead, back = ahead[:, step.real], back[:, step.real]
        self.to_variable[label][..., step.right] = ahead
        self.to_variable[label][..., step.left] = back

    def _answer(
        self, pool: Pool, element: Index, side: int, label: int, source: Index, far: int, target: Index
    ) -> None:
        message = self.do.apply(self._across(pool, element, side), self.to_factor[label][..., source])
        self.to_variable[far][..., target] = self.do.rescale(message)[0]

    def _expand(self, step: Expand) -> None:
        label, at = step.label, step.variable
        base = self.unary[label][..., at]
        edges = step.edges if isinstance(step.edges, tuple) else (step.edges,)
        heard = [self.to_variable[label][..., e] for e in edges]
        if not isinstance(step.edges, tuple):
            others = self.do.times(self.do.exclusive(heard[0]), base[..., None])
            self.to_factor[label][..., step.edges] = self.do.rescale(others)[0]
            self.known[label][..., at] = self.do.rescale(self.do.times(self.do.total(heard[0]), base))[0]
            return
        prefix = base
        prefixes = []
        for message in heard:
            prefixes.append(prefix)
            prefix = self.do.times(prefix, message)
        self.known[label][..., at] = prefix
        suffix: Floats | None = None
        for k in range(len(edges) - 1, -1, -1):
            others = prefixes[k] if suffix is None else self.do.times(prefixes[k], suffix)
            self.to_factor[label][..., edges[k]] = self.do.rescale(others)[0]
            suffix = heard[k] if suffix is None else self.do.times(suffix, heard[k])
