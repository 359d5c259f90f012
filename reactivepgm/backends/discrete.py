"""Regions of categorical variables, traced: log potentials go through the plan's contraction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax.numpy as jnp
import numpy as np

from reactivepgm.backends.beliefs import TracedBeliefs
from reactivepgm.backends.discrete_run import DiscreteRun
from reactivepgm.backends.inbox import Senders, TracedInbox
from reactivepgm.backends.matrices import batch_first, batch_last
from reactivepgm.backends.refusal import refuse
from reactivepgm.distributions import DISCRETE, Bernoulli, Categorical, Contingency, Distribution
from reactivepgm.errors import ProductError
from reactivepgm.numerics.array import Array
from reactivepgm.plan.contraction_steps import CycleError
from reactivepgm.plan.discrete_forest import DiscreteForest
from reactivepgm.plan.inbox import as_binary
from reactivepgm.plan.kernels import KernelCluster
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.structure import Edge, Structure


class DiscreteRegion:
    """Updates the discrete regions of a batch."""

    def __init__(self, structure: Structure, batch: Batch, kernels: Sequence[KernelCluster], is_wide: bool) -> None:
        self._structure, self._batch, self._kernels, self._is_wide = structure, batch, kernels, is_wide
        self._senders = Senders(structure, batch.single)
        self._arrays = list(batch.elements)
        self._local = {array: i for i, array in enumerate(self._arrays)}
        self._sizes = [batch.size(array, structure) for array in self._arrays]
        self._families = [(self._address(kernel.out), self._address(kernel.ins[0])) for kernel in kernels]

    def _address(self, edge: Edge) -> tuple[int, np.ndarray]:
        return self._local[edge.array], edge.place.index

    def run(self, beliefs: TracedBeliefs) -> None:
        """Replace marginals and joints of the batch by those of the exact joint posterior."""
        inboxes = {
            a: TracedInbox(self._structure.arrays[a], size) for a, size in zip(self._arrays, self._sizes, strict=True)
        }
        self._senders.send(beliefs, inboxes)
        for box, kernel in ((box, self._kernels[0]) for box in inboxes.values() if box.group not in (None, DISCRETE)):
            refuse(kernel.cluster.family.site, f"a message that is not discrete to `{box.array.name}`")
        values = [kernel.discrete(beliefs) for kernel in self._kernels]
        cardinalities = self._cardinalities(values, inboxes)
        try:
            forest = DiscreteForest(self._sizes, cardinalities, self._families)
        except CycleError:
            refuse(self._kernels[0].cluster.family.site, "a region with cycles")
        run = self._loaded(forest, [inboxes[a] for a in self._arrays], values)
        run.run()
        for local, array in enumerate(self._arrays):
            known = run.known[forest.array_label[local]][:, forest.places[local]]
            p = batch_first(known / known.sum(axis=0))
            belief: Distribution = Categorical._of(p)
            if inboxes[array].holds_only(Bernoulli):
                belief = as_binary(belief)
            beliefs.note(array, jnp.isfinite(p).all(axis=-1), self._batch.elements[array])
            beliefs.replace(array, self._batch.elements[array], belief)
        for number, kernel in enumerate(self._kernels):
            beliefs.replace_joint(kernel.cluster, partial(self._joint, forest, run, number))

    def _loaded(self, forest: DiscreteForest, inboxes: list[TracedInbox], values: Sequence[Array]) -> DiscreteRun:
        known = []
        for label, k in enumerate(forest.label_sizes):
            parts = [
                inboxes[i].naturals[0].T if inboxes[i].group is not None else jnp.zeros((k, self._sizes[i]))
                for i in range(len(inboxes)) if forest.array_label[i] == label
            ]
            known.append(_entered(jnp.concatenate(parts, axis=-1)))
        elements = {
            (a, b): jnp.ones((forest.label_sizes[b], forest.label_sizes[a], size))
            for (a, b), size in forest.plan.pools.items()
        }
        shared = {}
        for number, (out, into) in enumerate(self._families):
            pool = forest.array_label[into[0]], forest.array_label[out[0]]
            base = forest.plan.bases[number]
            potentials = _entered(batch_last(values[number]))
            elements[pool] = elements[pool].at[..., base : base + len(out[1])].set(potentials)
            if potentials.shape[-1] == 1 and forest.plan.pools[pool] == len(out[1]):
                shared[pool] = potentials
        return DiscreteRun(forest.plan, forest.label_sizes, elements, shared, known, self._is_wide)

    def _joint(self, forest: DiscreteForest, run: DiscreteRun, number: int) -> Distribution:
        (out, index), (into, _) = self._families[number]
        a, b = forest.array_label[into], forest.array_label[out]
        base = forest.plan.bases[number]
        potentials = run.elements[a, b][..., base : base + len(index)]
        told = run.down[b][..., forest.plan.edges_of(number, 0)], run.down[a][..., forest.plan.edges_of(number, 1)]
        both = potentials * told[0][:, None] * told[1][None]
        return Contingency._of(batch_first(both / both.sum(axis=(0, 1))), 2)

    def _cardinalities(self, values: Sequence[Array], inboxes: dict[int, TracedInbox]) -> tuple[int, ...]:
        found = {a: box.naturals[0].shape[-1] for a, box in inboxes.items() if box.group is not None}
        for kernel, value in zip(self._kernels, values, strict=True):
            for edge, k in ((kernel.out, value.shape[-2]), (kernel.ins[0], value.shape[-1])):
                if found.setdefault(edge.array, k) != k:
                    raise ProductError(
                        f"`{self._structure.arrays[edge.array].name}` has {found[edge.array]} categories in one factor and"
                        f" {k} in another: {kernel.cluster.family.site}"
                    )
        return tuple(found[a] for a in self._arrays)


def _entered(logs: Array) -> Array:
    """Exponentials relative to the largest over all axes but the last."""
    return jnp.exp(logs - logs.max(axis=tuple(range(logs.ndim - 1))))
