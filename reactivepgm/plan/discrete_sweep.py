"""Regions in which every joint cluster is a discrete kernel: handed to the contraction engine as log potentials."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from reactivepgm.distributions import Bernoulli, Categorical, Contingency, Distribution
from reactivepgm.errors import ProductError
from reactivepgm.numerics.array import Array
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.discrete_forest import ContradictionError, DiscreteBeliefs, DiscreteForest
from reactivepgm.plan.inbox import Inbox, as_binary
from reactivepgm.plan.kernels import KernelCluster
from reactivepgm.plan.outbound import RuleTable, Surroundings
from reactivepgm.plan.pipeline import look
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.remembered import Remembered
from reactivepgm.plan.star_sweep import Senders, typical
from reactivepgm.plan.structure import Cluster, Structure

_FORESTS: Remembered[DiscreteForest] = Remembered()


class DiscreteSweep:
    """Updates regions of categorical variables exactly by tree contraction."""

    name = "discrete contraction"

    def __init__(self, structure: Structure, batch: Batch, kernels: Sequence[KernelCluster]) -> None:
        self._structure = structure
        self._batch = batch
        self._senders = Senders(structure, batch.single, in_region=True)
        self.own = self._senders.own
        self._kernels = tuple(kernels)
        self._arrays = list(batch.elements)
        self._local = {array: i for i, array in enumerate(self._arrays)}
        self._sizes = [batch.size(array, structure) for array in self._arrays]
        self._families = [
            (
                (self._local[kernel.out.array], kernel.out.place.index),
                (self._local[kernel.ins[0].array], kernel.ins[0].place.index),
            )
            for kernel in self._kernels
        ]
        self._unary: list[Array] = []
        self._forest: DiscreteForest | None = None
        self._cardinalities: tuple[int, ...] = ()
        self._solution: DiscreteBeliefs | None = None

    def run(self, beliefs: Beliefs) -> None:
        """Replace marginals and joints of the batch by those of the exact joint posterior."""
        arrays = self._structure.arrays
        inboxes = {a: Inbox(arrays[a], size) for a, size in zip(self._arrays, self._sizes, strict=True)}
        self._senders.send(beliefs, inboxes)
        values = [kernel.discrete(beliefs) for kernel in self._kernels]
        cardinalities = self._cardinalities_of(values, inboxes)
        if self._forest is None or cardinalities != self._cardinalities:
            make = partial(DiscreteForest, self._sizes, cardinalities, self._families)
            self._forest = _FORESTS(self._sizes, cardinalities, self._families, make)
            self._cardinalities = cardinalities
        unary = [
            inboxes[a].naturals[0] if inboxes[a].naturals else np.zeros((size, k))
            for a, size, k in zip(self._arrays, self._sizes, cardinalities, strict=True)
        ]
        try:
            solution = self._forest.solve(unary, values)
        except ContradictionError as error:
            array = arrays[self._arrays[error.array]]
            raise ProductError(
                f"the messages at element {error.element} of `{array.name}` ({array.site}) exclude every category"
            ) from None
        for local, array_number in enumerate(self._arrays):
            belief: Distribution = Categorical._of(solution.marginals[local])
            if inboxes[array_number].holds_only(Bernoulli):
                belief = as_binary(belief)
            beliefs.replace(array_number, self._batch.elements[array_number], belief)
        for number, kernel in enumerate(self._kernels):
            beliefs.replace_joint(kernel.cluster, partial(_joint, solution, number))
        self._solution, self._unary = solution, unary
        look(self, beliefs, [kernel.cluster for kernel in self._kernels])

    def log_scale(self, beliefs: Beliefs) -> float:
        """The log of the sum over the region: the contraction's own constant, and the scale of every unary message."""
        assert self._solution is not None
        points: dict[int, Array] = {}
        total = self._solution.log_partition
        for array, unary in zip(self._arrays, self._unary, strict=True):
            belief = beliefs.marginals[array]
            assert belief is not None
            points[array] = typical(belief, len(unary))
            total -= float(unary[np.arange(len(unary)), points[array].astype(int)].sum())
        return total + self._senders.log_densities(beliefs, points)

    def message(self, beliefs: Beliefs, cluster: Cluster, interface: str) -> Distribution:
        """A cluster's message towards one of its interfaces, from the current beliefs."""
        if not cluster.is_joint:
            return self._senders.message(cluster, beliefs)
        assert self._solution is not None
        (number,) = (n for n, kernel in enumerate(self._kernels) if kernel.cluster is cluster)
        inputs = {
            "m_" + edge.interface: Categorical._of(np.exp(logs))
            for edge, logs in zip(cluster.edges, self._solution.messages(number), strict=True)
            if edge.interface != interface
        }
        outside = Surroundings(self._structure, cluster).read(beliefs)
        return RuleTable(cluster).message(interface, {**inputs, **outside})

    def _cardinalities_of(self, values: Sequence[Array], inboxes: dict[int, Inbox]) -> tuple[int, ...]:
        found: dict[int, int] = {a: box.naturals[0].shape[-1] for a, box in inboxes.items() if box.naturals}
        for kernel, value in zip(self._kernels, values, strict=True):
            for edge, k in ((kernel.out, value.shape[-2]), (kernel.ins[0], value.shape[-1])):
                if found.setdefault(edge.array, k) != k:
                    array = self._structure.arrays[edge.array]
                    raise ProductError(
                        f"`{array.name}` has {found[edge.array]} categories in one factor and {k} in another:"
                        f" {kernel.cluster.family.site}"
                    )
        return tuple(found[a] for a in self._arrays)


def _joint(solution: DiscreteBeliefs, number: int) -> Distribution:
    return Contingency._of(solution.joints[number], 2)
