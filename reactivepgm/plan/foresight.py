"""What every message, marginal and joint will be, before any data: classes propagated through the rules' signatures.

A fixed input is a point mass; a message is what its rule's return annotation says; a marginal is the product of its
messages in posterior form. Batches are visited in the order of an iteration, so each sees the marginals that the
earlier ones leave behind. Nothing here depends on how many rows a family has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reactivepgm.distributions import (
    DISCRETE,
    MV_NORMAL,
    NORMAL,
    Bernoulli,
    Categorical,
    Contingency,
    Distribution,
    Factorized,
    Group,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    NormalFamily,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    Uninformative,
)
from reactivepgm.errors import NoRuleError, ProductError
from reactivepgm.graph import RandomBinding
from reactivepgm.graph.binding import MixedBinding
from reactivepgm.plan.choice_sweep import ChoiceSweep, is_choice
from reactivepgm.plan.clash import Sent, clashes
from reactivepgm.plan.discrete_sweep import DiscreteSweep
from reactivepgm.plan.forecast import Forecast, Forecaster
from reactivepgm.plan.function_kernel import is_function, reads_own, reads_own_message
from reactivepgm.plan.function_sweep import FunctionSweep
from reactivepgm.plan.gaussian_sweep import GaussianSweep
from reactivepgm.plan.gradient_site import by_gradients
from reactivepgm.plan.gradient_sweep import GradientSweep
from reactivepgm.plan.kernels import may_have_kernel
from reactivepgm.plan.kinds import (
    POINT,
    Kind,
    Kinds,
    binary_or_not,
    kinds_in,
    of_rank,
    posterior_kinds,
    product_kinds,
    union,
)
from reactivepgm.plan.loopy_sweep import LoopySweep
from reactivepgm.plan.mailroom import advice
from reactivepgm.plan.own_edges import own_inputs
from reactivepgm.plan.pipeline import stage_of
from reactivepgm.plan.ranks import ranks_of
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.star_sweep import StarSweep
from reactivepgm.plan.structure import Cluster, Edge, Structure
from reactivepgm.plan.tree_sweep import TreeSweep
from reactivepgm.rulebook import DiscreteKernel, GaussianKernel


@dataclass
class BatchForecast:
    """One batch: which sweep will run (None: decided when run), its rule calls, and what its marginals will be."""

    batch: Batch
    sweep: str | None
    calls: list[Forecast] = field(default_factory=list)
    marginals: dict[int, Kinds] = field(default_factory=dict)


class Foresight:
    """Walks through one iteration with classes in the place of beliefs.

    Args:
        structure: the plan's structure.
        batches: the plan's batches in order.
        initial: what the initial marginals are, by array.
        has_cycle: tells whether a batch's regions have cycles; without it, both is reckoned with.
    """

    def __init__(
        self,
        structure: Structure,
        batches: Sequence[Batch],
        initial: Mapping[int, Kinds],
        has_cycle: Callable[[Batch], bool] | None = None,
    ) -> None:
        self.structure = structure
        self.batches = batches
        self.marginals: dict[int, Kinds] = {a: self._formed(a, posterior_kinds(kinds)) for a, kinds in initial.items()}
        self.joints: dict[tuple[int, int], Kinds] = {}
        self.assumed: Mapping[int, Kinds] = {}
        """What marginals are taken to be where nothing tells, for a first look round a cycle."""
        self.missing: list[NoRuleError | ProductError] = []
        """The errors that an iteration is certain to meet, in order."""
        self._has_cycle = has_cycle
        self._forecast = Forecaster()
        self._ranks = ranks_of(structure)

    def iterate(self) -> list[BatchForecast]:
        """What one iteration does, batch by batch."""
        return [self._batch(batch) for batch in self.batches]

    def energies(self) -> list[Forecast]:
        """The average-energy rules, given the marginals after the last iteration."""
        calls = []
        for family in self.structure.families:
            if family.node.kind == "stochastic":
                inputs = {name: _whole(kinds) for name, kinds in self._outside(Cluster(family, -1, ())).items()}
                call = self._forecast("energy", family, "", inputs)
                calls.append(call)
                # Where messages flow in a factor and nothing is heard at its output, its energy is not asked for.
                is_certain = not any(cluster.is_joint for cluster in self.structure.clusters[family.id])
                if call.missing is not None and is_certain:
                    self.missing.append(call.missing)
        return calls

    def _batch(self, batch: Batch) -> BatchForecast:
        messages: dict[int, list[Kinds]] = {array: [] for array in batch.elements}
        seen = BatchForecast(batch, None)
        sent: list[Sent] = []
        for cluster in batch.single:
            call = self._noted(seen, self._single(cluster))
            for edge in cluster.edges:
                messages[edge.array].append(self._at(edge, call))
                sent.append((edge, cluster.family, messages[edge.array][-1]))
        self.missing += clashes(self.structure, sent)
        if not batch.joint:
            seen.sweep = StarSweep.name
            seen.marginals = {array: self._formed(array, product_kinds(said)) for array, said in messages.items()}
        else:
            self._joint(seen, messages)
        self.marginals.update((a, self.assumed.get(a) if kinds is None else kinds) for a, kinds in seen.marginals.items())
        return seen

    def _single(self, cluster: Cluster) -> Forecast:
        """The message of a cluster of one interface, by a rule that reads what comes in on the same edge if there is one."""
        family, to, outside = cluster.family, cluster.names[0], self._outside(cluster)
        plain = self._forecast("rule", family, to, outside)
        roles = own_inputs(cluster)
        array = cluster.edges[0].array
        forms = self.structure.forms.get(array)
        if not roles or (forms is not None and forms.marginal is not None and plain.rules):
            return plain
        rank = self._ranks.get(array)
        read: dict[str, Kinds] = {"q": self.marginals.get(array) or of_rank(_NORMALS, rank), "m": of_rank(_MESSAGES, rank)}
        for role in ("q", "m"):
            call = self._forecast("rule", family, to, {**outside, f"{role}_{to}": read[role]})
            if role in roles and call.rules:
                return call
        return plain

    def _formed(self, array: int, kinds: Kinds) -> Kinds:
        """Form constraints on a variable are applied when the model runs."""
        return None if array in self.structure.forms else kinds

    def _at(self, edge: Edge, call: Forecast) -> Kinds:
        forms = self.structure.forms.get(edge.array)
        if forms is not None and forms.message is not None:
            return None
        return of_rank(call.gives, self._ranks.get(edge.array))

    def _noted(
        self, seen: BatchForecast, call: Forecast, is_certain: bool = True, cluster: Cluster | None = None
    ) -> Forecast:
        seen.calls.append(call)
        if call.missing is not None and is_certain:
            apart = advice(cluster) if cluster is not None and call.kind == "rule" else None
            self.missing.append(call.missing if apart is None else NoRuleError(f"{call.missing}\n{apart}"))
        return call

    def _outside(self, cluster: Cluster) -> dict[str, Kinds]:
        """The classes of what a cluster's rules read from outside it, by the inputs' names."""
        family = cluster.family
        found: dict[str, Kinds] = {}
        for other in self.structure.clusters[family.id]:
            if other.number == cluster.number:
                continue
            name = "q_" + "_".join(other.names)
            if other.is_joint:
                found[name] = self.joints.get((family.id, other.number))
            else:
                parts = [self.marginals.get(edge.array) for edge in other.edges]
                found[name] = union([*parts, *([found[name]] if name in found else [])])
        own = set(cluster.names)
        for name, binding in family.bindings.items():
            if isinstance(binding, MixedBinding):
                found.update({"q_" + name: None} if "q_" + name in found else {})
            elif name not in own and not isinstance(binding, RandomBinding):
                found["q_" + name] = POINT
        return found

    # -- regions in which messages flow ---------------------------------------------------------------------------

    def _joint(self, seen: BatchForecast, messages: dict[int, list[Kinds]]) -> None:
        if any(map(by_gradients, seen.batch.joint)):
            seen.sweep = GradientSweep.name
            self._open(seen, messages)
            return
        if is_choice(seen.batch):
            seen.sweep = ChoiceSweep.name
            switches = {edge.array for cluster in seen.batch.joint for edge in cluster.edges if edge.interface == "switch"}
            for array, said in messages.items():
                # The others are mixtures; what is averaged over them is computed component by component.
                seen.marginals[array] = self._formed(array, _binary(said)) if array in switches else None
            return
        kernels = [self._kernel(cluster) for cluster in seen.batch.joint]
        given = [_kernel_type(kernel) for kernel in kernels]
        cycles = None if self._has_cycle is None else self._has_cycle(seen.batch)
        forms = (self.structure.forms.get(array) for array in messages)
        stages = [stage_of(cluster.family) for cluster in seen.batch.joint]
        maps = any(stage is not None and not stage.is_tap for stage in stages)
        foreign = given[0] is GaussianKernel and any(not _may_be_normal(kinds) for said in messages.values() for kinds in said)
        if None in given or maps or foreign or any(form is not None and form.message is not None for form in forms):
            self._open(seen, messages)
        elif set(given) in ({GaussianKernel}, {DiscreteKernel}) and (cycles is not True or _is_whole(seen, given, stages)):
            seen.calls += [kernel for kernel in kernels if kernel is not None]
            self._contracted(seen, messages, given[0] is GaussianKernel, cycles)
        else:
            is_flooded = cycles or any(map(reads_own_message, seen.batch.joint))
            seen.sweep = LoopySweep.name if is_flooded else None if cycles is None else TreeSweep.name
            _Rounds(self, seen, messages, dict(zip(seen.batch.joint, given, strict=True))).run()

    def _open(self, seen: BatchForecast, messages: dict[int, list[Kinds]]) -> None:
        """The kernels depend on classes that are not known yet, or forms of messages have a say."""
        seen.marginals = dict.fromkeys(messages)
        for cluster in seen.batch.joint:
            self.joints[cluster.family.id, cluster.number] = None

    def _contracted(
        self, seen: BatchForecast, messages: dict[int, list[Kinds]], is_gaussian: bool, cycles: bool | None
    ) -> None:
        """Contraction gives all marginals and joints; where cycles may turn up, the joints may come from rules instead."""
        seen.sweep = GaussianSweep.name if is_gaussian else DiscreteSweep.name
        if cycles:
            seen.sweep = GaussianSweep.whole
        if any(map(is_function, seen.batch.joint)):
            seen.sweep = FunctionSweep.name
        for array, said in messages.items():
            kinds = of_rank(_NORMALS, self._ranks.get(array)) if is_gaussian else _binary(said)
            seen.marginals[array] = self._formed(array, kinds)
        exact, by_rule = _JOINTS[is_gaussian]
        for cluster in seen.batch.joint:
            self.joints[cluster.family.id, cluster.number] = exact if cycles is False else exact | by_rule

    def _kernel(self, cluster: Cluster) -> Forecast | None:
        if not may_have_kernel(cluster):
            return None
        out, *ins = (edge.interface for edge in cluster.edges)
        return self._forecast("kernel", cluster.family, f"{out}|{','.join(ins)}", self._outside(cluster))


def _is_whole(seen: BatchForecast, given: Sequence[object], stages: Sequence[object]) -> bool:
    """Whether cycles of linear-Gaussian factors are solved by dense algebra; very large ones turn out otherwise."""
    return set(given) == {GaussianKernel} and not any(map(is_function, seen.batch.joint)) and not any(stages)


_MESSAGES: Kinds = frozenset({NormalWeightedMeanPrecision, MvNormalWeightedMeanPrecision})
_NORMALS: Kinds = frozenset({NormalMeanVariance, MvNormalMeanCovariance})
_JOINTS: dict[bool, tuple[frozenset[Kind], frozenset[Kind]]] = {
    True: (frozenset({MvNormalMeanCovariance}), frozenset({MvNormalWeightedMeanPrecision})),
    False: (frozenset({Contingency}), frozenset({Categorical, Factorized})),
}


class _Rounds:
    """Sum-product by the ordinary rules, in rounds or floods: one exponential family a variable."""

    def __init__(
        self, owner: Foresight, seen: BatchForecast, messages: dict[int, list[Kinds]], given: Mapping[Cluster, object]
    ) -> None:
        self._owner, self._seen, self._messages, self._given = owner, seen, messages, given
        self._flowing = {array: self._from_outside(said) for array, said in messages.items()}

    def run(self) -> None:
        """Forecasts all messages, joints and marginals of the region."""
        for _ in range(len(self._flowing) + 2):
            before = dict(self._flowing)
            for cluster in self._given:
                for edge in cluster.edges:
                    if not self._is_settled(edge.array):
                        self._meet(edge.array, self._owner._at(edge, self._message(cluster, edge)))
            if self._flowing == before:
                break
        for cluster in self._given:
            for edge in cluster.edges:
                self._owner._noted(self._seen, self._message(cluster, edge), self._is_sent(cluster, edge), cluster)
            self._joint(cluster)
        for array, said in self._messages.items():
            kinds = _binary(said) if self._flowing[array] == kinds_in(DISCRETE) else posterior_kinds(self._flowing[array])
            self._seen.marginals[array] = self._owner._formed(array, kinds or None)

    def _from_outside(self, said: list[Kinds]) -> Kinds:
        """What variables send where the messages of the single clusters tell; an empty set until some message does."""
        return union(_pooled(kinds) for kinds in said)

    def _is_settled(self, array: int) -> bool:
        return any(kinds is not None and kinds - {Uninformative} for kinds in self._messages[array])

    def _meet(self, array: int, kinds: Kinds) -> None:
        self._flowing[array] = union([self._flowing[array], _pooled(kinds)])

    def _flat(self, cluster: Cluster, edge: Edge) -> Kinds:
        """What a variable sends that nothing has reached yet: the family of the factor, or what a kernel tells."""
        kind = self._given[cluster]
        if kind is DiscreteKernel:
            return kinds_in(DISCRETE)
        if kind is GaussianKernel:
            return of_rank(union([kinds_in(NORMAL), kinds_in(MV_NORMAL)]), self._owner._ranks.get(edge.array))
        target = cluster.family.node.target
        like: Group | None = target.group if isinstance(target, type) and issubclass(target, Distribution) else None
        return None if like is None else kinds_in(like)

    def _incoming(self, cluster: Cluster, but: Edge | None) -> dict[str, Kinds]:
        found: dict[str, Kinds] = {}
        for edge in cluster.edges:
            if edge is not but:
                kinds = self._flowing[edge.array]
                if not self._is_settled(edge.array):
                    kinds = union([kinds, self._flat(cluster, edge)])
                found["m_" + edge.interface] = kinds
        return found

    def _message(self, cluster: Cluster, edge: Edge) -> Forecast:
        but = None if not is_function(cluster) and reads_own(cluster, edge.interface) else edge
        inputs = {**self._incoming(cluster, but), **self._owner._outside(cluster)}
        return self._owner._forecast("rule", cluster.family, edge.interface, inputs)

    def _is_sent(self, cluster: Cluster, edge: Edge) -> bool:
        """Whether the message is computed for certain: no rule is called for one that says nothing."""
        family = cluster.family
        output = family.node.interfaces[0].name
        conditional = len(self._owner.structure.clusters[family.id]) == 1 and family.node.kind == "stochastic"
        if any(e.component is not None for e in cluster.edges):
            return False
        if not conditional or output not in cluster.names or edge.interface == output:
            return True
        return any(e.interface == output and self._is_settled(e.array) for e in cluster.edges)

    def _joint(self, cluster: Cluster) -> None:
        family, key = cluster.family, (cluster.family.id, cluster.number)
        self._owner.joints[key] = None
        if family.node.kind != "stochastic" or any(edge.component is not None for edge in cluster.edges):
            return
        inputs = {**self._incoming(cluster, None), **self._owner._outside(cluster)}
        call = self._owner._forecast("marginal", family, "_".join(cluster.names), inputs)
        is_read = len(self._owner.structure.clusters[family.id]) > 1
        self._owner._noted(self._seen, call, is_read)
        self._owner.joints[key] = call.gives


def check_rules(
    structure: Structure, batches: Sequence[Batch], initial: Mapping[int, Kinds], is_scored: bool = False
) -> None:
    """Raise the first error about a missing rule or product that the first iteration is certain to meet.

    Args:
        structure: the plan's structure.
        batches: the plan's batches in order.
        initial: what the initial marginals are, by array.
        is_scored: whether the free energy will be asked for.

    Raises:
        NoRuleError: before any data are read; the letter names the model's line.
        ProductError: likewise, where messages meet that do not multiply into one family.
    """
    foresight = Foresight(structure, batches, initial)
    foresight.iterate()
    if is_scored:
        foresight.energies()
    if foresight.missing:
        raise foresight.missing[0]


def _kernel_type(kernel: Forecast | None) -> object:
    """The kernel's type, "none" where the factor has none for certain, None where that is decided when run."""
    if kernel is None:
        return "none"
    if not kernel.rules:
        return None if kernel.is_open or not kernel.is_partial else "none"
    returned = {rule.signature.returns for rule in kernel.rules}
    return returned.pop() if len(returned) == 1 and not kernel.is_partial else None


def _may_be_normal(kinds: Kinds) -> bool:
    """Whether a message may enter a region of linear-Gaussian kernels as it is."""
    return kinds is None or all(issubclass(kind, NormalFamily | PointMass | Uninformative) for kind in kinds)


def _whole(kinds: Kinds) -> Kinds:
    """A joint that may fall apart reaches the energy rule in parts, whose classes are not known."""
    return None if kinds is not None and Factorized in kinds else kinds


def _pooled(kinds: Kinds) -> Kinds:
    """The form in which messages leave a variable: the canonical class of their families, which alone add up."""
    if kinds is None:
        return None
    groups = dict.fromkeys(kind.group for kind in kinds if kind.group is not None)
    return union(kinds_in(group) for group in groups)


def _binary(said: list[Kinds]) -> Kinds:
    if any(kinds is None for kinds in said):
        return frozenset({Bernoulli, *(kinds_in(DISCRETE) or ())})
    return binary_or_not([left for kinds in said if (left := (kinds or frozenset()) - {Uninformative})])
