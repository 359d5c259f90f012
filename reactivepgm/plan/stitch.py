"""A plan for one-row families, stitched into straight-line calls of the rules.

On single variables a batched sweep spends its time on bookkeeping. Here the sweep runs once on example data, by the same
rules and in the same order, and every call is recorded in a script; from then on an update is that script.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    MvNormalWeightedMeanPrecision,
    NormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.graph import Family, FixedBinding, Graph
from reactivepgm.nodes import DELTA
from reactivepgm.numerics.array import as_scalar
from reactivepgm.plan.beliefs import as_posterior
from reactivepgm.plan.exchange import Exchange, OwnMessage
from reactivepgm.plan.own_edges import own_inputs
from reactivepgm.plan.pipeline import stage_of
from reactivepgm.plan.plan import Plan
from reactivepgm.plan.recorder import CannotStitchError, Recorder
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.script import Slot
from reactivepgm.plan.stitched_data import point_of
from reactivepgm.plan.structure import Cluster, Structure
from reactivepgm.plan.tilted_energy import energy_of_scale
from reactivepgm.rulebook import find_average_energy, find_log_scale, find_marginal_rule, find_rule, has_rule, split_joints

_CAVITIES = (NormalWeightedMeanPrecision, MvNormalWeightedMeanPrecision)


class Stitched:
    """A recorded update of a graph of single variables.

    Args:
        graph: every random array has one element, every family one row, and no interface is plural.
        data: example values by name, which fix the types.
        initial: initial marginals by array id, for what is read before it is updated.

    Raises:
        CannotStitchError: the graph needs the batched plan.
    """

    def __init__(self, graph: Graph, data: Mapping[str, Any], initial: Mapping[int, Distribution]) -> None:
        arrays = [array for array in graph.random if array.size]
        if any(array.size != 1 for array in arrays) or any(family.rows > 1 for family in graph.families):
            raise CannotStitchError("several rows")
        if graph.forms:
            raise CannotStitchError("forms")
        if any(stage_of(family) is not None for family in graph.families):
            raise CannotStitchError("a pipeline")
        if any(family.node.key == DELTA.key for family in graph.families):
            raise CannotStitchError("a function, which is approximated anew around every result")
        plan = Plan(graph, frozenset(i for i, array in enumerate(arrays) if array.id in initial))
        self.graph = graph
        self._recorder = Recorder()
        self.script = self._recorder.script
        self.inputs = {name: self.script.input(f"d_{name}", value) for name, value in data.items()}
        self.carried: dict[Slot, Slot] = {}
        """State: the parameter that holds a marginal before the update, and the slot that holds it after."""
        self.state: dict[int, Slot] = {}
        self._structure: Structure = plan.structure
        self._initial = initial
        self._before: dict[int, Slot] = {}
        self._marginals: dict[int, Slot] = {}
        self._joints: dict[tuple[int, int], Slot] = {}
        self._unheard: set[int] = set()
        """Families whose output receives a flat message: energy and conditional entropy cancel."""
        self._points: dict[tuple[int, str], Slot] = {}
        self._cavities: dict[int, tuple[str, Slot]] = {}
        """By family, the interface whose message reads what comes in on it, and that."""
        for family in self._structure.families:
            self._clamp(family)
        for batch in plan.batches:
            self._update(batch)
        for array, before in self._before.items():
            after = self._marginals[array]
            if type(self.script.values[before]) is not type(self.script.values[after]):
                raise CannotStitchError("an initial marginal is of another family than the posterior")
            self.carried[before] = after
            self.state[self._structure.arrays[array].id] = before
        self._score: Slot | None = None

    # -- what the script gives

    def posterior(self, name: str) -> Slot:
        """The slot of a variable's posterior."""
        for number, array in enumerate(self._structure.arrays):
            if array.name == name:
                return self._marginals[number]
        raise KeyError(name)

    def prediction(self, family: Family) -> Slot:
        """The slot of the predictive message towards the output of a factor, from the marginals of its inputs."""
        output = family.node.interfaces[0].name
        inputs = {}
        for name, binding in family.bindings.items():
            if isinstance(binding, FixedBinding):
                if name != output:
                    inputs[name] = self._value(family, name, binding)
            else:
                inputs[name] = self._marginals[self._structure.number[binding.array.id]]
        missing: LookupError | None = None
        for role in ("m_", "q_"):
            named = {role + name: slot for name, slot in inputs.items()}
            types = {name: type(self.script.values[slot]) for name, slot in named.items()}
            try:
                rule = find_rule(family.node, output, types, family.meta, site=family.site)
            except LookupError as error:
                missing = error
            else:
                return self._recorder.call(rule, named, family, output)
        assert missing is not None
        raise missing

    def free_energy(self) -> Slot:
        """The slot of the Bethe free energy."""
        if self._score is None:
            terms = []
            counts = [float(degree[0]) - 1.0 for degree in self._structure.degrees]
            for family in self._structure.families:
                if family.node.kind == "stochastic" and family.id not in self._unheard:
                    terms.append((1.0, self._energy(family)))
                for cluster in self._structure.clusters[family.id]:
                    terms += self._entropies(cluster, counts)
            for array, count in enumerate(counts):
                if count and not isinstance(self.script.values[self._marginals[array]], PointMass):
                    terms.append((count, self.script.call(_entropy, self._marginals[array])))
            self._score = self.script.call(partial(_weighted, tuple(w for w, _ in terms)), *(slot for _, slot in terms))
        return self._score

    # -- recording

    def _clamp(self, family: Family) -> None:
        for name, binding in family.bindings.items():
            if not isinstance(binding, FixedBinding):
                if any(component is not None for component, _, _ in binding.components()):
                    raise CannotStitchError("a plural interface")
                continue
            self._points[family.id, name] = self._value(family, name, binding)

    def _value(self, family: Family, name: str, binding: FixedBinding) -> Slot:
        if not binding.names:
            return self.script.constant(binding.resolve({}))
        return point_of(self.script, self.inputs, family, name, binding)

    def _marginal(self, array: int) -> Slot:
        """The current marginal; the state's where it is read before it is updated."""
        slot = self._marginals.get(array) or self._before.get(array)
        if slot is None:
            belief = as_posterior(self._initial[self._structure.arrays[array].id])
            slot = self._before[array] = self.script.input(f"q_{array}", belief)
        return slot

    def _outside(self, cluster: Cluster, role: str = "q") -> dict[str, Slot]:
        family = cluster.family
        found: dict[str, Slot] = {}
        for other in self._structure.clusters[family.id]:
            if other.number == cluster.number:
                continue
            if other.is_joint:
                if (family.id, other.number) not in self._joints:
                    raise CannotStitchError("a joint that is read before it is updated")
                found[f"{role}_" + "_".join(other.names)] = self._joints[family.id, other.number]
            else:
                found[f"{role}_" + other.names[0]] = self._marginal(other.edges[0].array)
        for name, binding in family.bindings.items():
            if isinstance(binding, FixedBinding):
                found[f"{role}_" + name] = self._points[family.id, name]
        return found

    def _reads_own(self, cluster: Cluster, inputs: Mapping[str, Slot]) -> bool:
        """Whether the rule for these inputs reads the message on its own edge."""
        roles = own_inputs(cluster)
        if "q" in roles:
            raise CannotStitchError("a rule that expands its factor around the marginal on its own edge")
        family, to = cluster.family, cluster.names[0]
        types = self._recorder.types(inputs)
        return "m" in roles and any(
            has_rule(family.node, to, {**types, "m_" + to: kind}, family.meta) for kind in _CAVITIES
        )

    def _update(self, batch: Batch) -> None:
        record = self._recorder
        unary: dict[int, list[Slot]] = {array: [] for array in batch.elements}
        owns: list[OwnMessage] = []
        for cluster in batch.single:
            inputs = self._outside(cluster)
            if self._reads_own(cluster, inputs):
                owns.append(OwnMessage(record, cluster, inputs))
            else:
                message = record.rule(find_rule, cluster, cluster.names[0], inputs)
                unary[cluster.edges[0].array].append(message)
        if len(owns) > 1:
            raise CannotStitchError("own messages that depend on each other")
        own = owns[0] if owns else None
        ups: Mapping[int, Mapping[int, Slot]] = {array: {} for array in batch.elements}
        if batch.joint:
            exchange = Exchange(record, self._structure, batch, unary, [self._outside(c) for c in batch.joint])
            exchange.run(own)
            ups = exchange.ups
            for c, cluster in enumerate(batch.joint):
                self._keep_joint(cluster, exchange.joint_inputs(c))
        elif own is not None:
            unary[own.array].append(own.send(unary[own.array]))
        if own is not None and own.cavity is not None:
            self._cavities[own.cluster.family.id] = own.cluster.names[0], own.cavity
        for array, messages in unary.items():
            belief = record.product([*messages, *ups[array].values()])
            if belief is None or _is_flat(self.script.values[belief]):
                raise CannotStitchError("a variable without messages")
            self._marginals[array] = record.posterior(belief)

    def _keep_joint(self, cluster: Cluster, inputs: dict[str, Slot] | None) -> None:
        """Record the joint; what nobody reads is not replayed."""
        if inputs is None:
            self._unheard.add(cluster.family.id)
            return
        if cluster.family.node.kind != "stochastic":
            return
        try:
            joint = self._recorder.rule(find_marginal_rule, cluster, "_".join(cluster.names), inputs)
        except LookupError:
            return
        if isinstance(self.script.values[joint], Factorized):
            raise CannotStitchError("a joint that falls apart")
        self._joints[cluster.family.id, cluster.number] = joint

    # -- the score

    def _energy(self, family: Family) -> Slot:
        inputs = self._outside(Cluster(family, -1, ()))
        tilted = self._tilted(family, inputs)
        if tilted is not None:
            return tilted
        values = {name: self.script.values[slot] for name, slot in inputs.items()}
        assert split_joints(family.node, values).keys() == values.keys()
        rule = find_average_energy(
            family.node, {name: type(value) for name, value in values.items()}, family.meta, site=family.site
        )
        return self._recorder.call(rule, inputs, family, "")

    def _tilted(self, family: Family, inputs: Mapping[str, Slot]) -> Slot | None:
        """The energy of a factor whose message keeps moments, where a rule knows their scale."""
        if family.id not in self._cavities:
            return None
        own, cavity = self._cavities[family.id]
        rest = {name: slot for name, slot in inputs.items() if name != "q_" + own} | {"m_" + own: cavity}
        rule = find_log_scale(family.node, own, self._recorder.types(rest), family.meta)
        if rule is None:
            return None
        scale = self._recorder.call(rule, rest, family, own)
        return self.script.call(_tilted, scale, inputs["q_" + own], cavity)

    def _entropies(self, cluster: Cluster, counts: list[float]) -> list[tuple[float, Slot]]:
        if not cluster.is_joint:
            counts[cluster.edges[0].array] -= 1.0
            return []
        if cluster.family.node.kind == "stochastic" and cluster.family.id not in self._unheard:
            key = (cluster.family.id, cluster.number)
            if key not in self._joints:
                raise CannotStitchError("no joint for the free energy")
            return [(-1.0, self.script.call(_entropy, self._joints[key]))]
        output = cluster.family.node.interfaces[0].name
        ins = [edge for edge in cluster.edges if edge.interface != output]
        if output not in cluster.names:
            ins = ins[1:]
        if len(ins) > 1 and cluster.family.id not in self._unheard:
            raise CannotStitchError("the entropy of two inputs")
        for edge in ins:
            counts[edge.array] -= 1.0
        return []


def _entropy(belief: Distribution) -> Any:
    return belief.entropy()


def _tilted(scale: Any, q: Any, m: Any) -> Any:
    return energy_of_scale(scale, q, m, isinstance(m, UnivariateNormal))


def _is_flat(belief: Distribution) -> bool:
    return isinstance(belief, UnivariateNormal) and belief.precision == 0.0


def _weighted(weights: tuple[float, ...], *terms: float) -> float:
    total = 0.0
    for weight, term in zip(weights, terms, strict=True):
        total = total + weight * as_scalar(term)
    return total
