"""A plan for a model whose initial marginals are missing: every variable is taken to start in the family of its prior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from reactivepgm.distributions import Distribution
from reactivepgm.errors import MissingInitialError
from reactivepgm.graph import Graph
from reactivepgm.plan import Plan
from reactivepgm.plan.foresight import Foresight
from reactivepgm.plan.kinds import Kinds
from reactivepgm.plan.structure import Structure, structure_of


def assumed_plan(graph: Graph, given: Mapping[int, Kinds]) -> tuple[Plan, dict[int, Kinds]]:
    """The plan, and what each array is taken to start as; ``given`` are those that have an initial marginal."""
    structure = structure_of(graph)
    joints = frozenset((c.family.id, c.number) for row in structure.clusters.values() for c in row if c.is_joint)
    assumed = {**_prior_kinds(structure), **given}
    return Plan(graph, frozenset(range(len(structure.arrays))), joints), assumed


def raise_true_cause(graph: Graph, initialisation: Mapping[str, Any], error: MissingInitialError) -> NoReturn:
    """Raise what initial marginals would not help against: a rule that no iteration can do without.

    Raises:
        NoRuleError: there is such a rule, and it is missing.
        MissingInitialError: otherwise, ``error`` itself.
    """
    names = [array.name for array in graph.random if array.size]
    beliefs = {number: initialisation.get(name) for number, name in enumerate(names)}
    given: dict[int, Kinds] = {n: frozenset({type(b)}) for n, b in beliefs.items() if isinstance(b, Distribution)}
    plan, assumed = assumed_plan(graph, given)
    foresight = Foresight(plan.structure, plan.batches, assumed)
    foresight.assumed = assumed
    foresight.iterate()
    raise foresight.missing[0] if foresight.missing else error


def _prior_kinds(structure: Structure) -> dict[int, Kinds]:
    """The class of the distribution that draws each array."""
    found: dict[int, Kinds] = {}
    for family in structure.families:
        target, output = family.node.target, family.node.interfaces[0].name
        if isinstance(target, type) and issubclass(target, Distribution) and target.parameter_ranks:
            for cluster in structure.clusters[family.id]:
                for edge in cluster.edges:
                    if edge.interface == output:
                        found.setdefault(edge.array, frozenset({target}))
    return found
