"""The message of a cluster towards one of its interfaces, all rows in one call of one rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution, Group, Uninformative
from reactivepgm.errors import DataError, NoRuleError, ProductError, ReactivePGMError
from reactivepgm.graph import Family, RandomBinding
from reactivepgm.graph.binding import MixedBinding
from reactivepgm.plan.beliefs import Beliefs, Mask, component_name
from reactivepgm.plan.components import stacked
from reactivepgm.plan.events import noted
from reactivepgm.plan.inbox import naturals_of
from reactivepgm.plan.place import Place
from reactivepgm.plan.sampled import average_message, has_samples
from reactivepgm.plan.structure import Cluster, Edge, Structure, edges_of
from reactivepgm.rulebook import fallback_rule, find_marginal_rule, find_rule, has_rule

IntArray = NDArray[np.intp]


class Surroundings:
    """What the rules of a cluster read from outside it: marginals and joints of the family's other clusters, and data.

    Args:
        structure: where the family's other clusters are.
        cluster: whose surroundings.
        component: of plural interfaces only this component is read; all of them by default.
    """

    def __init__(self, structure: Structure, cluster: Cluster, component: int | None = None) -> None:
        family = cluster.family
        own = set(cluster.names)
        self.cluster = cluster
        self._readers: list[tuple[str, Callable[[Beliefs], Distribution]]] = []
        for other in {other.number: other for other in structure.clusters[family.id]}.values():
            if other.number == cluster.number:
                continue
            if other.is_joint:
                key = (family.id, other.number)
                self._readers.append(("q_" + "_".join(other.names), _joint_reader(key, cluster.rows)))
            else:
                name = other.names[0]
                self._readers.append(("q_" + name, marginal_reader(structure, cluster, name, component)))
        self.is_fixed = not self._readers
        """Whether nothing but data is read."""
        plural = {interface.name for interface in family.node.interfaces if interface.plural}
        for name, binding in family.bindings.items():
            if name not in own and not isinstance(binding, RandomBinding):
                chosen = component if name in plural else None
                self._readers.append(("q_" + name, _fixed_reader(cluster, name, chosen)))

    def read(self, beliefs: Beliefs) -> dict[str, Distribution]:
        """The inputs by their names in a rule's signature, each with batch shape (rows,) or one that broadcasts to it."""
        return {name: reader(beliefs) for name, reader in self._readers}


def _joint_reader(key: tuple[int, int], rows: IntArray | None) -> Callable[[Beliefs], Distribution]:
    def read(beliefs: Beliefs) -> Distribution:
        joint = beliefs.joint(key)
        return joint if rows is None else joint[rows]

    return read


def _fixed_reader(cluster: Cluster, name: str, component: int | None = None) -> Callable[[Beliefs], Distribution]:
    def read(beliefs: Beliefs) -> Distribution:
        value = beliefs.fixed(cluster.family, name)
        if component is not None:
            value = value[..., component]
        if cluster.rows is None or not value.batch_shape or value.batch_shape[0] == 1:
            return value
        return value[cluster.rows]

    return read


def marginal_reader(
    structure: Structure, cluster: Cluster, name: str, component: int | None = None
) -> Callable[[Beliefs], Distribution]:
    """Reads the marginals on one interface of a cluster's family, an entry a row (or one for all).

    On a plural interface they are those of one component, or of all of them side by side.
    """
    edges = edges_of(cluster.family, name, structure.number)
    if cluster.rows is not None:
        edges = [edge.rows(cluster.rows) for edge in edges]
    if edges[0].component is None:
        return _element_reader(edges[0])
    every = {edge.component: _element_reader(edge) for edge in edges}
    binding = cluster.family.bindings[name]
    if isinstance(binding, MixedBinding):
        every |= {k: _fixed_reader(cluster, component_name(name, k)) for k in binding.clamped}
    if component is not None:
        return every[component]
    readers = [every[k] for k in range(len(every))]

    def read(beliefs: Beliefs) -> Distribution:
        return stacked([reader(beliefs) for reader in readers], name, cluster.family.site)

    return read


def _element_reader(edge: Edge) -> Callable[[Beliefs], Distribution]:
    array, place = edge.array, edge.place
    if place.kind == "all":

        def read_all(beliefs: Beliefs) -> Distribution:
            return _known(beliefs, array)

        return read_all
    selector = place.selector

    def read(beliefs: Beliefs) -> Distribution:
        return _known(beliefs, array)[selector]

    return read


def _known(beliefs: Beliefs, array: int) -> Distribution:
    belief = beliefs.marginals[array]
    assert belief is not None, "the order of updates was checked when the plan was made"
    return belief


@dataclass(eq=False)
class RuleTable:
    """The rules of one cluster, looked up once for each combination of input types."""

    cluster: Cluster

    def __post_init__(self) -> None:
        self._found: dict[Any, Any] = {}

    def message(self, to: str, inputs: Mapping[str, Distribution], component: int | None = None) -> Distribution:
        """The message towards interface ``to``, or towards one component of it.

        Raises:
            NoRuleError: none applies, or none that takes one component alone.
        """
        return self._call(find_rule, to, inputs, component)

    def has(self, to: str, inputs: Mapping[str, Distribution | type]) -> bool:
        """Whether there is a rule for inputs of these types."""
        types = {name: value if isinstance(value, type) else type(value) for name, value in inputs.items()}
        return has_rule(self.cluster.family.node, to, types, self.cluster.family.meta)

    def joint(self, inputs: Mapping[str, Distribution], names: str | None = None) -> Distribution:
        """The joint marginal of the whole cluster, or of the named part of it."""
        return self._call(find_marginal_rule, names or "_".join(self.cluster.names), inputs)

    def _call(
        self, find: Callable[..., Any], to: str, inputs: Mapping[str, Distribution], component: int | None = None
    ) -> Distribution:
        family = self.cluster.family
        key = (to, find is find_rule, component, *inputs, *map(type, inputs.values()))
        rule = self._found.get(key)
        if rule is None:
            types = {name: type(value) for name, value in inputs.items()}
            try:
                rule = find(family.node, to, types, family.meta, site=family.site)
                if component is not None and "index" not in rule.signature.extras:
                    raise NoRuleError(f"{rule} takes all components")
                self._found[key] = rule
            except NoRuleError:
                if component is not None:
                    raise
                averaged = self._averaged(find, to, inputs)
                if averaged is not None:
                    return averaged
                if family.fallback is None:
                    raise
                kind = "rule" if find is find_rule else "marginal"
                rule = self._found[key] = fallback_rule(kind, family.node, to, types, family.fallback, family.site)
        with noted("message rule" if find is find_rule else "joint rule", family, self.cluster.size, to, inputs):
            try:
                result: Distribution = rule(meta=family.meta, node=family.node, to=to, index=component, **inputs)
            except ReactivePGMError:
                raise
            except ValueError as error:
                raise misfit(family, inputs, error) from error
        return result

    def _averaged(self, find: Callable[..., Any], to: str, inputs: Mapping[str, Distribution]) -> Distribution | None:
        """The message from lists of samples, sample by sample, where no rule takes them as they are."""
        if find is not find_rule or not has_samples(inputs):
            return None
        return average_message(lambda points: self._call(find, to, points), inputs)


def misfit(family: Family, inputs: Mapping[str, Distribution], error: ValueError) -> DataError:
    """The error for inputs whose shapes do not go together, in place of what the array library says of them."""
    shapes = ", ".join(f"{name.partition('_')[2]} {value.event_shape}" for name, value in inputs.items())
    return DataError(
        f"the shapes on {family.node.name} do not fit: {shapes}\n  at   {family.site}\n"
        f"  write  variables, data and constants of one dimension ({error})"
    )


def towards(edge: Edge, message: Distribution, rows: int) -> Distribution:
    """The part of a message that belongs to one edge: itself, or one component of a plural interface."""
    if edge.component is None:
        return message
    return message.broadcast_to((rows, message.batch_shape[-1]))[:, edge.component]


def heard(message: Distribution, size: int, missing: Mask, rows: IntArray | None = None) -> Distribution:
    """A message as its variables hear it: flat where the observation behind it is missing.

    Args:
        message: one entry a row.
        size: the number of rows.
        missing: (size,) True where nothing is heard; None: nowhere.
        rows: the rows that the message has, where it has not all.

    Raises:
        ProductError: some rows are missing, and no message of the family is flat.
    """
    if missing is None or not missing.any():
        return message
    if missing.all():
        return Uninformative()
    group: Group | None = getattr(message, "group", None)
    if group is None:
        raise ProductError(f"a {type(message).__name__} message has rows whose observation is missing")
    count = size if rows is None else len(rows)
    parts = []
    for part in naturals_of(message, count):
        whole = np.zeros((size, *part.shape[1:]))
        whole[slice(None) if rows is None else rows] = part
        whole[missing] = 0.0
        parts.append(whole)
    return group.from_naturals(*parts)


__all__ = ["Place", "RuleTable", "Surroundings", "heard", "towards"]
