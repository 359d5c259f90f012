"""A plan as one jitted program: iterations in a loop, every batch by its sweep, the free energy of each iteration beside.

The program is traced once for the shapes of the plan and of its values: constants, data and initial marginals are all
arguments, so that other numbers of the same shapes run what is compiled already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from reactivepgm.backends.attribution import attributed_to
from reactivepgm.backends.beliefs import Arrays, TracedBeliefs, blank, parameters_of
from reactivepgm.backends.discrete import DiscreteRegion
from reactivepgm.backends.energy import energy_terms
from reactivepgm.backends.gaussian import GaussianRegion
from reactivepgm.backends.inbox import Senders, TracedInbox
from reactivepgm.backends.refusal import refuse
from reactivepgm.distributions import Distribution
from reactivepgm.numerics.array import Array
from reactivepgm.plan.kernels import KernelCluster
from reactivepgm.plan.plan import Plan
from reactivepgm.plan.regions import Batch
from reactivepgm.rulebook import DiscreteKernel, GaussianKernel

State = dict[int, Arrays]


@dataclass(frozen=True)
class Wishes:
    """What a program is for.

    Attributes:
        iterations: how often every batch is updated.
        is_scored: whether the free energy of every iteration comes out.
        tolerance: stop when it changes by no more, relative to 1 + its size; None to go on.
        arrays: whose marginals come out.
    """

    iterations: int
    is_scored: bool
    tolerance: float | None
    arrays: tuple[int, ...]


@dataclass(frozen=True)
class Values:
    """The numbers that a program runs on, in the order of the plan.

    Attributes:
        fixed: the clamped values.
        missing: masks (rows,) of the families with missing observations.
        begun: parameters of the initial marginals by array.
    """

    fixed: tuple[Any, ...]
    missing: tuple[Any, ...]
    begun: State


@dataclass(frozen=True)
class Outcome:
    """What comes out of a program.

    Attributes:
        marginals: parameters by array.
        terms: (iterations, families + arrays), the free energy in parts; no columns where it was not asked for.
        done: how many iterations were run.
        is_settled: whether the tolerance was reached.
        bad: by array the first element whose product did not normalise.
    """

    marginals: State
    terms: Any
    done: Any
    is_settled: Any
    bad: dict[int, Any]


class Program:
    """A plan, compiled.

    Args:
        plan: whose shapes count, and nothing else.
        templates: the clamped values and initial marginals, for their kinds: by (family, interface), by family, by array.
        wishes: what comes out.
        values: numbers of the right shapes.

    Raises:
        ModelError: something in the plan cannot be compiled.
    """

    def __init__(
        self, plan: Plan, fixed: Mapping[tuple[int, str], Distribution], masked: Sequence[int],
        begun: Mapping[int, Distribution], wishes: Wishes, values: Values,
    ) -> None:
        self._plan, self._wishes = plan, wishes
        self._fixed = {key: blank(value) for key, value in fixed.items()}
        self._masked = tuple(masked)
        self._begun = {array: blank(belief) for array, belief in begun.items()}
        self.kinds: dict[int, Distribution] = {}
        """By array, a distribution of the kind of its posterior."""
        self._early: set[int] = set()
        self._is_wide = jax.default_backend() != "cpu"
        self.compilations = 0
        first = jax.eval_shape(self._first, values)
        self._after: dict[int, Any] = first[0]
        self._peels = not self._is_steady(values.begun)
        self._jitted = jax.jit(self._run)

    def __call__(self, values: Values) -> Outcome:
        """Run; compiled at the first call."""
        return Outcome(*self._jitted(values))

    # -- one iteration --------------------------------------------------------------------------------------

    def _iteration(
        self, values: Values, state: State, kinds: Mapping[int, Distribution]
    ) -> tuple[State, Array, dict[int, Array]]:
        """Marginals after an iteration, the parts of the score, and what did not normalise."""
        structure = self._plan.structure
        fixed = {key: kind.like(value) for (key, kind), value in zip(self._fixed.items(), values.fixed, strict=True)}
        missing: dict[int, Any] = {family.id: None for family in structure.families}
        missing.update(zip(self._masked, values.missing, strict=True))
        begun = {array: kinds[array].like(*parts) for array, parts in state.items()}
        beliefs = TracedBeliefs(structure, fixed, missing, begun)
        for batch in self._plan.batches:
            _update(self._plan, batch, beliefs, self._is_wide)
        terms = jnp.zeros(0)
        if self._wishes.is_scored or self._wishes.tolerance is not None:
            terms = energy_terms(structure, self._plan.free_energy, beliefs)
        self._early |= beliefs.followed.read_early & set(state)
        after: State = {}
        for array in range(len(structure.arrays)):
            belief = beliefs.marginals[array]
            assert belief is not None
            self.kinds[array] = blank(belief)
            after[array] = tuple(jnp.asarray(part) for part in parameters_of(belief))
        return after, terms, beliefs.bad

    def _first(self, values: Values) -> tuple[State, Array, dict[int, Array]]:
        return self._iteration(values, values.begun, self._begun)

    def _is_steady(self, begun: State) -> bool:
        """Whether what an iteration reads from before it keeps its kind and can have its final shape from the start."""
        for array in self._early:
            after = self._after[array]
            if type(self._begun[array]) is not type(self.kinds[array]) or len(begun[array]) != len(after):
                return False
            if any(np.shape(old) != new.shape for old, new in zip(begun[array], after, strict=True)):
                return False
        return True

    # -- all of them ----------------------------------------------------------------------------------------

    def _run(self, values: Values) -> tuple[State, Array, Array, Array, dict[int, Array]]:
        self.compilations += 1
        wishes, kept = self._wishes, (*self._early, *self._wishes.arrays)
        if wishes.iterations == 1:
            after, terms, bad = self._first(values)
            return {a: after[a] for a in wishes.arrays}, terms[None], jnp.asarray(1), jnp.asarray(False), bad
        done = 0
        if self._peels:
            after, terms, bad = self._first(values)
            state, done = {a: after[a] for a in kept}, 1
        else:
            shapes = self._after
            state = {a: tuple(jnp.zeros(s.shape, s.dtype) for s in shapes[a]) for a in kept}
            state.update({a: tuple(jnp.asarray(p) for p in values.begun[a]) for a in self._early})
            _, like, marks = jax.eval_shape(self._first, values)
            terms = jnp.zeros(like.shape, like.dtype)
            bad = {a: jnp.full((), self._plan.structure.arrays[a].size, mark.dtype) for a, mark in marks.items()}
        scores = jnp.zeros((wishes.iterations, *terms.shape), terms.dtype)
        scores = scores.at[0].set(terms) if done else scores

        def goes_on(carry: Any) -> Array:
            i, _, _, _, is_settled = carry
            return (i < wishes.iterations) & ~is_settled

        def body(carry: Any) -> Any:
            i, state, scores, bad, _ = carry
            after, terms, marks = self._iteration(values, state, self.kinds)
            scores = scores.at[i].set(terms)
            bad = {a: jnp.minimum(bad[a], mark) for a, mark in marks.items()}
            return i + 1, {a: after[a] for a in state}, scores, bad, self._settled(scores, i)

        start = (jnp.asarray(done), state, scores, bad, jnp.asarray(False))
        done, state, scores, bad, is_settled = jax.lax.while_loop(goes_on, body, start)
        return {a: state[a] for a in wishes.arrays}, scores, done, is_settled, bad

    def _settled(self, scores: Array, i: Array) -> Array:
        if self._wishes.tolerance is None:
            return jnp.asarray(False)
        now, before = scores[i].sum(), scores[i - 1].sum()
        return (i > 0) & (jnp.abs(now - before) <= self._wishes.tolerance * (1.0 + jnp.abs(now)))


def _update(plan: Plan, batch: Batch, beliefs: TracedBeliefs, is_wide: bool) -> None:
    """One batch, by the sweep that the plan would choose."""
    structure = plan.structure
    if not batch.joint:
        inboxes = {a: TracedInbox(structure.arrays[a], batch.size(a, structure)) for a in batch.elements}
        Senders(structure, batch.single).send(beliefs, inboxes)
        for array, box in inboxes.items():
            with attributed_to(next(c.family for c in batch.single if any(edge.array == array for edge in c.edges))):
                belief, proper = box.product()
            beliefs.note(array, proper, batch.elements[array])
            beliefs.replace(array, batch.elements[array], belief)
        return
    kernels = [KernelCluster(structure, cluster) for cluster in batch.joint]
    kinds = [kernel.kind(beliefs) for kernel in kernels]
    for kernel, kind in zip(kernels, kinds, strict=True):
        family = kernel.cluster.family
        if kind is None or kind is not kinds[0] or kind not in (GaussianKernel, DiscreteKernel):
            refuse(family.site, f"{family.node.name} between random variables, which has no kernel here and goes in rounds,")
        if kind is GaussianKernel and len(kernel.ins) > 1:
            refuse(family.site, f"{family.node.name} of two random variables")
    region = (GaussianRegion if kinds[0] is GaussianKernel else DiscreteRegion)(structure, batch, kernels, is_wide)
    with attributed_to(kernels[0].cluster.family):
        region.run(beliefs)


jax.tree_util.register_dataclass(Values, ["fixed", "missing", "begun"], [])
