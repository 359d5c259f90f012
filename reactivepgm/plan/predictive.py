"""The predictive message: what a factor says about its output, given the marginals of its inputs.

Exact where the output is a leaf of a tree, because there the marginal of an input without that leaf is the message that
the input sends to it.
"""

from __future__ import annotations

from typing import Any

from reactivepgm.distributions import Distribution
from reactivepgm.graph import Family, Graph, RandomBinding
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.outbound import marginal_reader
from reactivepgm.plan.structure import Cluster, structure_of
from reactivepgm.rulebook import find_rule


def predictive_message(graph: Graph, beliefs: Beliefs, family: Family) -> Distribution:
    """The message towards the output of a family that is not among those that shaped the beliefs.

    Args:
        graph: the graph that has the family.
        beliefs: marginals of all its arrays, and the clamped values of the family.
        family: the factors whose output is predicted, batch shape (rows,).

    Raises:
        NoRuleError: the node has no rule towards its output from these inputs.
    """
    structure = structure_of(graph)
    output = family.node.interfaces[0].name
    whole = Cluster(family, -1, ())
    inputs: dict[str, Distribution] = {}
    for name, binding in family.bindings.items():
        if isinstance(binding, RandomBinding):
            inputs[name] = marginal_reader(structure, whole, name)(beliefs)
        elif name != output:
            inputs[name] = beliefs.fixed(family, name)
    missing: LookupError | None = None
    for role in ("m_", "q_"):
        named: dict[str, Any] = {role + name: value for name, value in inputs.items()}
        types = {name: type(value) for name, value in named.items()}
        try:
            rule = find_rule(family.node, output, types, family.meta, site=family.site)
        except LookupError as error:
            missing = error
        else:
            result: Distribution = rule(meta=family.meta, node=family.node, to=output, **named)
            return result
    assert missing is not None
    raise missing
