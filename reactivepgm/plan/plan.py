"""A plan: which batches are updated, in which order, each by which sweep.

The order of an iteration is fixed before anything runs: batches without an initial marginal go first, as soon as what
they need is there; then those with one; both in the order of the statements. What is needed and has no initial value is
an error that names it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import DISCRETE, MV_NORMAL, NORMAL, Distribution, Group, concatenate
from reactivepgm.errors import InferenceError, MissingInitialError, ModelError
from reactivepgm.graph import Family, Graph, ProjectedTo
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.borders import Border, Crossing, cut, delaying
from reactivepgm.plan.choice_sweep import ChoiceSweep, is_choice
from reactivepgm.plan.contraction import CycleError
from reactivepgm.plan.discrete_sweep import DiscreteSweep
from reactivepgm.plan.energy import FreeEnergy
from reactivepgm.plan.forms import fixed_marginals
from reactivepgm.plan.function_kernel import is_function, kernel_of, reads_own_message
from reactivepgm.plan.function_sweep import FunctionSweep
from reactivepgm.plan.gaussian_sweep import GaussianSweep, NotNormalError
from reactivepgm.plan.gradient_site import by_gradients
from reactivepgm.plan.gradient_sweep import GradientSweep
from reactivepgm.plan.kernels import KernelCluster, flat_messages
from reactivepgm.plan.loopy_sweep import LoopySchedule, LoopySweep
from reactivepgm.plan.mailroom import Expected
from reactivepgm.plan.own_edges import OwnEdges
from reactivepgm.plan.pipeline import stage_of
from reactivepgm.plan.regions import Batch, batches_of
from reactivepgm.plan.star_sweep import StarSweep
from reactivepgm.plan.structure import Cluster, Structure, structure_of
from reactivepgm.plan.tree_sweep import TreeSweep
from reactivepgm.rulebook import DiscreteKernel, GaussianKernel

IntArray = NDArray[np.intp]


class Sweep(Protocol):
    """One way to update the regions of a batch."""

    name: str
    own: OwnEdges
    """The edges whose messages depend on what comes in on them."""

    def run(self, beliefs: Beliefs) -> None:
        """Update marginals and joints of the batch from the freshest beliefs about the others."""

    def message(self, beliefs: Beliefs, cluster: Cluster, interface: str) -> Distribution:
        """The message that a cluster sends towards one of its interfaces, from the current beliefs."""


class Plan:
    """Everything about an inference that follows from the shape of its graph."""

    def __init__(
        self,
        graph: Graph,
        initial: frozenset[int] = frozenset(),
        initial_joints: frozenset[tuple[int, int]] = frozenset(),
        schedule: LoopySchedule | None = None,
        has_time: bool = False,
    ) -> None:
        self.graph = graph
        self.structure = structure_of(graph)
        self.crossings: list[Crossing] = []
        """The joint clusters that delays cut, in the order of the statements."""
        self._fixed = fixed_marginals(self.structure)
        batches = [batch for batch in batches_of(self._cut(has_time)) if not self._fixed.keys() >= batch.elements.keys()]
        self._place_borders(batches)
        self.batches = _ordered(self.structure, batches, initial | self._fixed.keys(), initial_joints)
        self.free_energy = FreeEnergy(self.structure)
        self._schedule = schedule or LoopySchedule()
        self.messages: Mapping[int, Distribution] = {}
        """Initial messages by array, for regions with cycles."""
        self.edge_messages: Mapping[tuple[int, str], Distribution] = {}
        """Initial messages by family id and interface, for regions with cycles."""
        self._sweeps: list[Sweep | None] = [None] * len(self.batches)

    def beliefs(self) -> Beliefs:
        """Fresh, empty beliefs for this plan."""
        beliefs = Beliefs(self.structure)
        for array, marginal in self._fixed.items():
            beliefs.fix(array, marginal)
        return beliefs

    def message(self, beliefs: Beliefs, family: Family, interface: str) -> Distribution:
        """The message of a family towards one interface, a row each; its regions have been updated.

        Raises:
            KeyError: the interface is clamped.
        """
        pieces: dict[bytes, tuple[IntArray | None, Distribution]] = {}
        for batch, sweep in zip(self.batches, self._sweeps, strict=True):
            for cluster in batch.clusters:
                if cluster.family is family and interface in cluster.names:
                    assert sweep is not None
                    key = b"" if cluster.rows is None else cluster.rows.tobytes()
                    if key not in pieces:
                        pieces[key] = cluster.rows, sweep.message(beliefs, cluster, interface)
        if not pieces:
            raise KeyError(interface)
        return _joined(list(pieces.values()))

    def _cut(self, has_time: bool) -> Structure:
        """The structure with its regions cut where messages may be delayed."""
        stages = delaying(self.graph)
        for id, stage in stages.items():
            if not has_time:
                raise ModelError(
                    self.graph.family(id).site.letter(
                        f"the pipeline {stage!r} delays messages, and there is no time here in which they could come",
                        write="update(...) on a live graph instead, or a pipeline without the delaying stage",
                    )
                )
        return cut(self.structure, stages) if stages else self.structure

    def _place_borders(self, batches: Sequence[Batch]) -> None:
        """A border for every cluster whose messages may be delayed, a crossing for every joint one that is cut."""
        borders, crossings = self.structure.borders, self.structure.crossings
        for cluster in (cluster for batch in batches for cluster in batch.clusters):
            stage = stage_of(cluster.family)
            if stage is not None and stage.delays:
                borders[cluster] = Border(cluster, stage)
                if cluster.whole is not None:
                    if cluster.whole not in crossings:
                        crossings[cluster.whole] = Crossing(self.structure, cluster.whole)
                        self.crossings.append(crossings[cluster.whole])
                    crossings[cluster.whole].borders.append(borders[cluster])

    def update(self, number: int, beliefs: Beliefs) -> None:
        """Update one batch; its sweep is chosen when its inputs are first known."""
        batch = self.batches[number]
        self._sweeps[number] = self._sweeps[number] or self._choose(batch, beliefs)
        self._sweeps[number] = self._run(batch, self._sweeps[number], beliefs)

    def _run(self, batch: Batch, sweep: Sweep | None, beliefs: Beliefs) -> Sweep:
        """The sweep that has updated a batch: the given one, or what takes its place where that cannot."""
        sweep = self._instruct(sweep or self._choose(batch, beliefs))
        try:
            sweep.run(beliefs)
        except CycleError:
            sweep = self._instruct(self._loopy(batch, beliefs))
            sweep.run(beliefs)
        except NotNormalError:
            sweep = self._instruct(self._by_rules(batch, beliefs))
            sweep.run(beliefs)
        return sweep

    def _instruct(self, sweep: Sweep) -> Sweep:
        sweep.own.initial, sweep.own.damping = self.messages, self._schedule.damping
        return sweep

    def iterate(self, beliefs: Beliefs) -> None:
        """Update every batch once, in order."""
        for number in range(len(self.batches)):
            self.update(number, beliefs)

    @property
    def loopy(self) -> list[LoopySweep]:
        """The sweeps of regions with cycles."""
        return [sweep for sweep in self._sweeps if isinstance(sweep, LoopySweep)]

    def log_scale(self, beliefs: Beliefs) -> float:
        """The log evidence from the scales of messages: where the graph is one exact region, equal to -F.

        Raises:
            InferenceError: mean-field cuts, cycles or factors without kernels: messages have no exact scale there.
        """
        sweeps = [s for s in self._sweeps if isinstance(s, StarSweep | GaussianSweep | DiscreteSweep)]
        cut = any(len(clusters) > 1 for clusters in self.structure.clusters.values())
        if cut or len(sweeps) < len(self.batches) or self.expected_again:
            raise InferenceError(
                "log_scale is the evidence of a model without mean-field cuts and cycles, solved by messages with a known"
                " scale; for this one use free_energy=True, which bounds it"
            )
        return sum(sweep.log_scale(beliefs) for sweep in sweeps)

    @property
    def expected_again(self) -> list[OwnEdges]:
        """Messages that depend on what comes in on their own edges: computed anew in every iteration."""
        return [sweep.own for sweep in self._sweeps if sweep is not None and sweep.own.is_read]

    @property
    def approximated(self) -> list[FunctionSweep | GradientSweep]:
        """The sweeps of regions with functions, which are approximated anew in every iteration."""
        return [sweep for sweep in self._sweeps if isinstance(sweep, FunctionSweep | GradientSweep)]

    def describe(self) -> str:
        """The batches in order: variables, colour, sweep; a line each."""
        lines = []
        for batch, sweep in zip(self.batches, self._sweeps, strict=True):
            names = ", ".join(self.structure.arrays[array].name for array in batch.elements)
            lines.append(f"{names}: colour {batch.colour}, {'not yet run' if sweep is None else sweep.name}")
        return "\n".join(lines)

    def _choose(self, batch: Batch, beliefs: Beliefs) -> Sweep:
        if not batch.joint and not batch.cut:
            return StarSweep(self.structure, batch)
        if any(map(by_gradients, batch.joint)):
            return GradientSweep(self.structure, batch, self._run)
        kernels = [kernel_of(self.structure, cluster) for cluster in batch.joint]
        stages = [stage_of(cluster.family) for cluster in batch.joint]
        is_plain = not batch.cut and all(stage is None or stage.is_tap for stage in stages)
        kinds = {kernel.kind(beliefs) for kernel in kernels} if is_plain else set()
        if kinds == {GaussianKernel} and self._leaves(batch, NORMAL, MV_NORMAL):
            has_functions = any(map(is_function, batch.joint))
            # Whoever gives the first messages of a cycle wants messages to go round it.
            is_begun = any(array in batch.elements for array in self.messages) or bool(self.edge_messages)
            return (FunctionSweep if has_functions else GaussianSweep)(self.structure, batch, kernels, not is_begun)
        if kinds == {DiscreteKernel} and self._leaves(batch, DISCRETE):
            return DiscreteSweep(self.structure, batch, kernels)
        return self._by_rules(batch, beliefs)

    def _by_rules(self, batch: Batch, beliefs: Beliefs) -> Sweep:
        if is_choice(batch):
            return ChoiceSweep(self.structure, batch)
        if any(reads_own_message(cluster) for cluster in batch.joint):
            return self._loopy(batch, beliefs)  # messages of functions wait for those on their own edges
        try:
            return TreeSweep(self.structure, batch, self._expected(batch, beliefs))
        except CycleError:
            return self._loopy(batch, beliefs)

    def _leaves(self, batch: Batch, *groups: Group) -> bool:
        """Whether the forms of messages leave members of some families as they are."""
        messages = [f.message for a in batch.elements if (f := self.structure.forms.get(a)) and f.message is not None]
        return all(isinstance(form, ProjectedTo) and form.family.group in groups for form in messages)

    def _loopy(self, batch: Batch, beliefs: Beliefs) -> LoopySweep:
        expected = self._expected(batch, beliefs)
        return LoopySweep(self.structure, batch, expected, self._schedule, self.messages, self.edge_messages)

    def _expected(self, batch: Batch, beliefs: Beliefs) -> Expected:
        plain = [cluster for cluster in batch.joint if not is_function(cluster)]
        return flat_messages([KernelCluster(self.structure, cluster) for cluster in plain], beliefs)


def _ordered(
    structure: Structure, batches: list[Batch], initial: frozenset[int], joints: frozenset[tuple[int, int]]
) -> list[Batch]:
    """Batches in the order of an iteration; raises MissingInitialError where a need can never be met."""
    parts = Counter(array for batch in batches for array in batch.elements)
    pending = list(batches)
    order: list[Batch] = []
    ready_arrays = set(initial)
    ready_joints = set(joints)

    def needs(batch: Batch) -> list[str]:
        missing = []
        for cluster in batch.clusters:
            for other in _others(structure, cluster):
                if other.is_joint:
                    if (other.family.id, other.number) not in ready_joints:
                        missing.append("q(" + ", ".join(other.names) + f") of {other.family.node.name}")
                else:
                    missing += [structure.arrays[e.array].name for e in other.edges if e.array not in ready_arrays]
        return missing

    while pending:
        able = [batch for batch in pending if not needs(batch)]
        if not able:
            raise MissingInitialError(_letter(structure, pending, {name for batch in pending for name in needs(batch)}))
        chosen = next((batch for batch in able if not initial.issuperset(batch.elements)), able[0])
        pending.remove(chosen)
        order.append(chosen)
        for array in chosen.elements:
            parts[array] -= 1
            if parts[array] == 0:
                ready_arrays.add(array)
        ready_joints |= {(cluster.family.id, cluster.number) for cluster in chosen.joint}
        for cluster in chosen.cut:
            if cluster.whole is not None and all(edge.array in ready_arrays for edge in cluster.whole.edges):
                ready_joints.add((cluster.family.id, cluster.number))
    return order


def _joined(pieces: list[tuple[IntArray | None, Distribution]]) -> Distribution:
    """The messages of some rows each, in the order of the rows."""
    if len(pieces) == 1:
        return pieces[0][1]
    rows = [np.arange(0) if chosen is None else chosen for chosen, _ in pieces]
    whole = concatenate([message.broadcast_to((len(r),)) for r, (_, message) in zip(rows, pieces, strict=True)])
    return whole[np.argsort(np.concatenate(rows))]


def _others(structure: Structure, cluster: Cluster) -> list[Cluster]:
    return [other for other in structure.clusters[cluster.family.id] if other.number != cluster.number]


def _letter(structure: Structure, pending: list[Batch], names: set[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in sorted(names))
    drawn = [
        f"  {structure.arrays[array].name} is drawn at {structure.arrays[array].site}"
        for batch in pending
        for array in batch.elements
        if structure.arrays[array].name in names
    ]
    first = next((array for batch in pending for array in batch.elements if structure.arrays[array].name in names), None)
    example = "" if first is None else _example(structure, first)
    return "\n".join(
        [
            f"initial marginals are needed: no update can begin without one of {listed}",
            *dict.fromkeys(drawn),
            f"  add  initialisation={{{example}}}",
        ]
    )


def _example(structure: Structure, array: int) -> str:
    """An initial marginal to copy, in the family that draws the variable."""
    shown = {
        "Normal": "Normal(mean=0.0, variance=1.0)",
        "MvNormal": "MvNormal(mean=np.zeros(d), covariance=np.eye(d))",
        "Gamma": "Gamma(shape=1.0, rate=1.0)",
        "Beta": "Beta(1.0, 1.0)",
        "Bernoulli": "Bernoulli(0.5)",
        "Wishart": "Wishart(d + 1.0, np.eye(d))",
    }
    for family in structure.families:
        for cluster in structure.clusters[family.id]:
            output = family.node.interfaces[0].name
            if any(edge.array == array and edge.interface == output for edge in cluster.edges):
                fitting = [text for name, text in shown.items() if family.node.name.startswith(name)]
                return f'"{structure.arrays[array].name}": {fitting[-1] if fitting else family.node.name + "(...)"}'
    return f'"{structure.arrays[array].name}": ...'
