"""The plan of one part of a divided model: a shard's, or that of the global part in which the shards meet.

The free energy of the whole is the sum of the parts': every part counts its own factors and variables, and of the shared
variables only the edges that it has; the global part counts the variables themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ModelError
from reactivepgm.graph import Graph, RandomBinding
from reactivepgm.plan.arrangement import Arrangement
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.energy import FreeEnergy
from reactivepgm.plan.function_kernel import kernel_of
from reactivepgm.plan.kernels import KernelCluster, Shape
from reactivepgm.plan.meeting import MeetingGaussian, MeetingStar, Outside, SharedGaussian, SharedStar, Told
from reactivepgm.plan.plan import Plan, Sweep
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.structure import Structure
from reactivepgm.rulebook import GaussianKernel

IntArray = NDArray[np.intp]
ById = Mapping[int, Distribution]


class PartEnergy(FreeEnergy):
    """The free energy of a shard: shared variables count elsewhere."""

    def __init__(self, structure: Structure, shared: Mapping[int, IntArray]) -> None:
        super().__init__(structure)
        self._shared = shared

    def net_coefficients(self, beliefs: Beliefs) -> list[NDArray[np.float64]]:
        """How often the shard counts the entropy of each element: of shared ones only what its own edges cost."""
        is_new = self._coefficients is None
        found = super().net_coefficients(beliefs)
        if is_new:
            for array, elements in self._shared.items():
                found[array][elements] += 1.0
        return found


class PartPlan(Plan):
    """A plan that follows an arrangement.

    Args:
        graph: the part.
        arrangement: what it has to know of the whole.
    """

    def __init__(self, graph: Graph, arrangement: Arrangement) -> None:
        everything = frozenset(range(len(graph.random)))
        joints = frozenset((family.id, number) for family in graph.families for number in range(len(family.clusters)))
        super().__init__(graph, everything, joints)
        self.arrangement = arrangement
        number = self.structure.number
        self.shared = {number[id]: found for id, found in arrangement.shared.items() if id in number and len(found)}
        """By array, the shared elements of the part."""
        self.ids = [array.id for array in self.structure.arrays]
        pairs = [arrangement.batch(self.structure, n, split=self.splits) for n in range(len(arrangement.meetings))]
        self.number_of: dict[int, int] = {}
        """From the batches of the whole to those of the part."""
        self.batches = []
        for n, (own, _) in enumerate(pairs):
            if own is not None and not (self.splits and arrangement.meetings[n] == "joint"):
                self.number_of[n] = len(self.batches)
                self.batches.append(own)
        self._sweeps: list[Sweep | None] = [None] * len(self.batches)
        self.met = {n: own if arrangement.meetings[n] == "joint" else shared for n, (own, shared) in enumerate(pairs)}
        """The batches in which the parts meet."""

    splits = True
    """Whether shared elements are updated elsewhere."""

    def step(self, number: int, beliefs: Beliefs) -> None:
        """Update what the part has of its own in a batch of the whole."""
        if number in self.number_of:
            self.update(self.number_of[number], beliefs)
            if self.loopy:
                raise ModelError(
                    f"{', '.join(self.structure.arrays[a].name for a in self.batches[self.number_of[number]].elements)} form a"
                    " region with cycles, which goes by loopy belief propagation; that is not done on shards\n"
                    "  write  infer(...) without executor="
                )


class ShardPlan(PartPlan):
    """The plan of a shard."""

    def __init__(self, graph: Graph, arrangement: Arrangement) -> None:
        super().__init__(graph, arrangement)
        self.free_energy = PartEnergy(self.structure, self.shared)
        self._meeting: dict[int, SharedStar | SharedGaussian] = {}

    def tell(self, number: int, beliefs: Beliefs, shapes: Mapping[int, Shape]) -> dict[int, Told]:
        """By array id, what the shard's rows say to the shared elements in a batch of the whole."""
        if number not in self._meeting:
            self._meeting[number] = self._made(number, beliefs)
        known = {self.structure.number[id]: shape for id, shape in shapes.items() if id in self.structure.number}
        return {self.ids[a]: told for a, told in self._meeting[number].tell(beliefs, known).items()}

    def take(self, number: int, beliefs: Beliefs, marginals: ById) -> None:
        """The new marginals of the shared elements in a batch; what depends on them in their region follows."""
        batch = self.met[number]
        assert batch is not None
        taken = {}
        for id, belief in marginals.items():
            array = self.structure.number[id]
            chosen = batch.elements[array]
            taken[array] = belief if chosen is None else belief[np.isin(self.shared[array], chosen)]
        self._meeting[number].take(beliefs, taken)
        self.restore(beliefs, marginals)

    def restore(self, beliefs: Beliefs, marginals: ById) -> None:
        """Marginals of shared elements, by array id."""
        for id, belief in marginals.items():
            array = self.structure.number[id]
            elements = self.shared[array]
            whole = len(elements) == self.structure.arrays[array].size
            beliefs.fix(array, belief, None if whole else elements)

    def _made(self, number: int, beliefs: Beliefs) -> SharedStar | SharedGaussian:
        batch = self.met[number]
        assert batch is not None
        if self.arrangement.meetings[number] == "star":
            return SharedStar(self.structure, batch)
        kernels = [kernel_of(self.structure, cluster) for cluster in batch.joint]
        check_gaussian(kernels, beliefs)
        return SharedGaussian(self.structure, batch, kernels, _within(batch, self.shared))


class GlobalPlan(PartPlan):
    """The plan of the global part: it updates the shared elements from its own messages and from those of the shards."""

    splits = False

    def __init__(self, graph: Graph, arrangement: Arrangement) -> None:
        super().__init__(graph, arrangement)
        families = {
            self.structure.number[array.id]: family
            for family in graph.families
            for binding in family.bindings.values()
            if isinstance(binding, RandomBinding)
            for array in binding.arrays
            if array.id in self.structure.number
        }
        self.outside = Outside(families, self.shared)

    def hear(self, told: Mapping[int, Told]) -> None:
        """What the shards say, by array id; the next step takes it in."""
        self.outside.told = {self.structure.number[id]: found for id, found in told.items()}

    def step(self, number: int, beliefs: Beliefs) -> None:
        """Update the global part of a batch, and the shared elements in it."""
        super().step(number, beliefs)
        if self.arrangement.meetings[number] != "none":
            sweep = self._sweeps[self.number_of[number]]
            if not isinstance(sweep, MeetingStar | MeetingGaussian):  # it gave way to one that hears no shards
                names = ", ".join(self.structure.arrays[a].name for a in self.batches[self.number_of[number]].elements)
                raise ModelError(
                    f"the shared variables {names} form a region with too many cycles to be solved whole; that is not done on"
                    " shards\n  write  infer(...) without executor="
                )

    def shapes(self, number: int, beliefs: Beliefs) -> dict[int, Shape]:
        """By array id, the event shapes of variables in a batch, as far as the global part knows them."""
        at = self.number_of[number]
        sweep = self._sweeps[at] = self._sweeps[at] or self._choose(self.batches[at], beliefs)
        assert isinstance(sweep, MeetingStar | MeetingGaussian)
        return {self.ids[a]: shape for a, shape in sweep.shapes(beliefs).items()}

    def marginals(self, beliefs: Beliefs, number: int | None = None) -> dict[int, Distribution]:
        """By array id, the marginals of the shared elements, of one batch or of all, as far as they are known."""
        batch = None if number is None else self.batches[self.number_of[number]]
        found = {}
        for array, elements in self.shared.items():
            belief = beliefs.marginals[array]
            if belief is not None and (batch is None or array in batch.elements):
                found[self.ids[array]] = belief.broadcast_to((self.structure.arrays[array].size,))[elements]
        return found

    def _choose(self, batch: Batch, beliefs: Beliefs) -> Sweep:
        number = next(n for n, at in self.number_of.items() if self.batches[at] is batch)
        meeting = self.arrangement.meetings[number]
        if meeting == "none":
            return super()._choose(batch, beliefs)
        if meeting == "star":
            return MeetingStar(self.structure, batch, self.outside)
        kernels = [kernel_of(self.structure, cluster) for cluster in batch.joint]
        check_gaussian(kernels, beliefs)
        return MeetingGaussian(self.structure, batch, kernels, self.outside)


def check_gaussian(kernels: list[KernelCluster], beliefs: Beliefs) -> None:
    """Raise for a region around shared elements that is not linear-Gaussian."""
    for kernel in kernels:
        if kernel.kind(beliefs) is not GaussianKernel:
            raise ModelError(
                kernel.cluster.family.site.letter(
                    f"{kernel.cluster.family.node.name} lies in one region with shared variables and is not linear-Gaussian;"
                    " on shards only normal messages go through such a region",
                    write="a factorisation that cuts the shared variables off, such as MeanField(); or infer(...) without"
                    " executor=",
                )
            )


def _within(batch: Batch, shared: Mapping[int, IntArray]) -> dict[int, IntArray]:
    """The shared elements by their places in a batch."""
    found = {}
    for array, elements in shared.items():
        if array in batch.elements:
            chosen = batch.elements[array]
            found[array] = elements if chosen is None else np.flatnonzero(np.isin(chosen, elements))
    return found
