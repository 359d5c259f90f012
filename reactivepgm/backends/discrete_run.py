"""Runs the rounds of a discrete contraction on traced arrays, in scaled numbers: the largest of each message is one.

A path is one scan with both directions side by side, a step (predict, rescale, weigh) each way:

    ahead    m <- A (known * m) / max          back    k <- A' (known * k) / max

On a wide machine the matrices A diag(known) compose associatively instead (Särkkä & García-Fernández 2021). Where every
category is excluded the numbers end as nan, which is found afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from reactivepgm.backends.scatter import segments_summed
from reactivepgm.numerics.array import Array
from reactivepgm.plan.contraction import Contraction
from reactivepgm.plan.contraction_steps import Compress, Expand, Index, Path, Pool, Rake

_FEW = 8


def rescaled(values: Array) -> Array:
    """Divided by the largest entry over all axes but the last."""
    top = values[0] if values.ndim > 1 else values
    if values.ndim == 2:
        for k in range(1, values.shape[0]):
            top = jnp.maximum(top, values[k])
        return values / top
    return values / values.max(axis=tuple(range(values.ndim - 1)))


def applied(A: Array, v: Array) -> Array:
    """Matrix (K, L, n) times vector (L, n)."""
    if v.shape[0] > _FEW:
        return jnp.einsum("kln,ln->kn", jnp.broadcast_to(A, (*A.shape[:2], v.shape[1])), v)
    total = A[:, 0] * v[0]
    for k in range(1, v.shape[0]):
        total = total + A[:, k] * v[k]
    return total


def composed(A: Array, B: Array) -> Array:
    """Matrix (K, L, n) times matrix (L, M, n)."""
    return jnp.einsum("kln,lmn->kmn", A, B)


class DiscreteRun:
    """One contraction with potentials in it.

    Args:
        plan: the rounds.
        sizes: the number of categories of each label.
        elements: pools of potentials (K_b, K_a, elements), the originals filled in.
        shared: by pool, the potentials (K_b, K_a, 1) of all its elements where they are alike.
        unary: for each label (K, V), rescaled.
        is_wide: whether width is free and steps are dear.
    """

    def __init__(
        self, plan: Contraction, sizes: Sequence[int], elements: dict[Pool, Array], shared: dict[Pool, Array],
        unary: list[Array], is_wide: bool,
    ) -> None:
        self.shared = shared
        self.plan, self.elements, self._unary, self._is_wide = plan, elements, unary, is_wide
        self.known = list(unary)
        shapes = [(k, n + 1) for k, n in zip(sizes, plan.edge_sizes, strict=True)]  # the last pads: no message
        self.up = [jnp.ones(shape) for shape in shapes]
        self.down = list(self.up)

    def run(self) -> None:
        """Contracts and expands; afterwards ``known`` holds the unnormalised marginals."""
        for half in self.plan.halves:
            for step in half.steps:
                if isinstance(step, Rake):
                    self._rake(step)
                elif isinstance(step, Compress):
                    self._compress(step)
                elif isinstance(step, Path):
                    self._path(step)
        for expand in self.plan.roots:
            self._expand(expand)
        for half in reversed(self.plan.halves):
            for step in half.steps:
                if isinstance(step, Rake):
                    labels = step.pool if step.side == 0 else step.pool[::-1]
                    self._answer(step.pool, step.element, 1 - step.side, labels[1], step.target, labels[0], step.source)
                elif isinstance(step, Compress):
                    for k in (0, 1):
                        self._answer(step.pools[k], step.elements[k], 1 - step.sides[k], step.labels[2 * k],
                                     step.outer[k], step.labels[1], step.inner[k])
            for expand in half.expands:
                self._expand(expand)

    def _across(self, pool: Pool, at: Index, side: int) -> Array:
        """Potentials (far, near, n) seen from the end ``side``."""
        potentials = self.elements[pool][..., at]
        return potentials if side == 0 else jnp.swapaxes(potentials, 0, 1)

    def _rake(self, step: Rake) -> None:
        labels = step.pool if step.side == 0 else step.pool[::-1]
        known = rescaled(self.known[labels[0]][..., step.variable])
        message = rescaled(applied(self._across(step.pool, step.element, step.side), known))
        self.up[labels[1]] = self.up[labels[1]].at[..., step.target].set(message)
        if step.into.starts is not None:
            # Logs add up without underflow; a zero stays one.
            message = segments_summed(jnp.log(message), step.into.starts)
            message = jnp.exp(message - message.max(axis=0))
        known = self.known[labels[1]]
        self.known[labels[1]] = known.at[..., step.into.variables].multiply(message)

    def _compress(self, step: Compress) -> None:
        known = rescaled(self.known[step.labels[1]][..., step.variable])
        left = self._across(step.pools[0], step.elements[0], 1 - step.sides[0])
        right = self._across(step.pools[1], step.elements[1], step.sides[1])
        whole = rescaled(composed(right, left * known[:, None]))
        self.elements[step.pool] = self.elements[step.pool].at[..., step.element].set(whole)

    def _path(self, step: Path) -> None:
        label = step.label
        known = rescaled(self.known[label][..., step.variable])
        alike = self.shared.get((label, label))
        cross = self.elements[label, label][..., step.element] if alike is None or step.real is not None else alike
        if step.real is not None:
            cross = jnp.ones((*cross.shape[:2], step.size - 1)).at[..., step.real].set(cross)
        ahead, back = (by_composition if self._is_wide else by_scan)(cross, known)
        if step.real is not None:
            ahead, back = ahead[:, step.real], back[:, step.real]
        self.up[label] = self.up[label].at[..., step.right].set(ahead).at[..., step.left].set(back)

    def _answer(
        self, pool: Pool, element: Index, side: int, label: int, source: Index, far: int, target: Index
    ) -> None:
        message = rescaled(applied(self._across(pool, element, side), self.down[label][..., source]))
        self.up[far] = self.up[far].at[..., target].set(message)

    def _expand(self, step: Expand) -> None:
        label, at = step.label, step.variable
        base = self._unary[label][..., at]
        if not isinstance(step.edges, tuple):
            heard = self.up[label][..., step.edges]
            others = rescaled((_exclusive(heard) * base[..., None]).reshape(len(base), -1)).reshape(heard.shape)
            self.down[label] = self.down[label].at[..., step.edges].set(others)
            self.known[label] = self.known[label].at[..., at].set(rescaled(heard.prod(axis=-1) * base))
            return
        heard = [self.up[label][..., e] for e in step.edges]
        for k, e in enumerate(step.edges):
            others = base
            for i, message in enumerate(heard):
                others = others if i == k else others * message
            self.down[label] = self.down[label].at[..., e].set(rescaled(others))
        for message in heard:
            base = base * message
        self.known[label] = self.known[label].at[..., at].set(base)


def by_scan(cross: Array, known: Array) -> tuple[Array, Array]:
    """Messages into the variable behind each gap, and into the one before it.

    Args:
        cross: (K, K, m), or (K, K, 1) where all gaps are alike.
        known: (K, m + 1).
    """
    pair = tuple[Array, Array]

    def step(carry: pair, inputs: tuple[Array, ...]) -> tuple[pair, pair]:
        (m, k), (before, behind, *own) = carry, inputs
        A, B = own or (cross[..., 0], cross[..., 0])
        # Small products as sums of whole arrays: XLA makes one kernel of each, and many of products written out.
        m, k = (A * (before * m)).sum(axis=1), (B * (behind * k)[:, None]).sum(axis=0)
        m, k = m / m.max(), k / k.max()
        return (m, k), (m, k)

    xs: tuple[Array, ...] = known[:, :-1].T, known[:, :0:-1].T
    if cross.shape[-1] > 1:
        A = jnp.moveaxis(cross, -1, 0)
        xs = *xs, A, A[::-1]
    one = jnp.ones_like(known[:, 0])
    _, (ahead, back) = jax.lax.scan(step, (one, one), xs)
    return ahead.T, back[::-1].T


def by_composition(cross: Array, known: Array) -> tuple[Array, Array]:
    """The same by prefixes and suffixes of matrix products."""
    def join(one: Array, two: Array) -> Array:
        return rescaled(composed(two, one))

    prefix = jax.lax.associative_scan(join, cross * known[None, :, :-1], axis=2)
    suffix = jax.lax.associative_scan(
        lambda later, earlier: join(earlier, later), cross * known[:, None, 1:], axis=2, reverse=True
    )
    return rescaled(prefix.sum(axis=1)), rescaled(suffix.sum(axis=0))


def _exclusive(terms: Array) -> Array:
    """Products over the last axis of all but each own, by prefix and suffix: zeros may stand among them."""
    one = jnp.ones_like(terms[..., :1])
    prefix = jnp.concatenate([one, jnp.cumprod(terms[..., :-1], axis=-1)], axis=-1)
    suffix = jnp.concatenate([jnp.cumprod(terms[..., :0:-1], axis=-1)[..., ::-1], one], axis=-1)
    return prefix * suffix
