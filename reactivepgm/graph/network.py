"""The graph as networkx sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx

from reactivepgm.graph.binding import FixedBinding
from reactivepgm.graph.family import Family

if TYPE_CHECKING:
    from reactivepgm.graph.graph import Graph


def as_networkx(graph: Graph, expand: bool) -> Any:
    """A bipartite multigraph of variables and factors.

    Collapsed, nodes are array names and ``("factor", id)``; expanded, ``(name, element)`` and ``("factor", id, row)``,
    for the random variables; what data a factor reads is then its attribute ``fixed``.

    Variables have the attributes ``bipartite="variable"``, ``kind`` ("random", "data", "constant"), ``observed`` (data
    that are some factor's output), ``shape`` (collapsed) or ``label`` (expanded), ``site`` and ``line``. Factors have
    ``bipartite="factor"``, ``kind`` ("stochastic", "deterministic"), ``node``, ``rows`` (collapsed) or ``fixed`` (expanded),
    ``observed`` (whether the output is), ``clusters``, ``site`` and ``line``. Edges have ``interface`` and ``cluster``, the
    number of the cluster that it is in.

    Example:
        >>> from reactivepgm import Bernoulli, Beta, model
        >>> @model
        ... def coin(y):
        ...     p = ~Beta(1.0, 1.0)
        ...     y[:] = ~Bernoulli(p)
        >>> network = coin().build({"y": [1, 0]}).to_networkx()
        >>> network.nodes["y"]["observed"], network.nodes["factor", 1]["rows"]
        (True, 2)
    """
    network = nx.MultiGraph()
    return _expanded(graph, network) if expand else _collapsed(graph, network)


def _collapsed(graph: Graph, network: Any) -> Any:
    observed = {name for family in graph.families if is_observed(family) for name in output_of(family).names}
    for array in graph.arrays:
        network.add_node(
            array.name,
            bipartite="variable",
            kind=array.kind,
            observed=array.name in observed,
            shape=array.shape,
            site=array.site,
            line=array.site.line,
        )
    for family in graph.families:
        me = ("factor", family.id)
        network.add_node(me, rows=family.rows, **_described(family))
        for interface, binding in family.bindings.items():
            cluster = _cluster(family, interface)
            for name in binding.names:
                network.add_edge(me, name, interface=interface, cluster=cluster)
            if not isinstance(binding, FixedBinding):
                for _, array, _ in binding.components():
                    network.add_edge(me, array.name, interface=interface, cluster=cluster)
    return network


def _expanded(graph: Graph, network: Any) -> Any:
    for array in graph.random:
        for element in range(array.size):
            network.add_node(
                (array.name, element),
                bipartite="variable",
                kind="random",
                observed=False,
                label=array.element_name(element),
                site=array.site,
                line=array.site.line,
            )
    for family in graph.families:
        fixed: dict[str, tuple[str, ...]] = {n: b.names for n, b in family.fixed.items()}
        for row in range(family.rows):
            network.add_node(("factor", family.id, row), fixed=fixed, **_described(family))
        for interface, binding in family.random.items():
            cluster = _cluster(family, interface)
            for _, array, index in binding.components():
                for row, element in enumerate(index.tolist()):
                    network.add_edge(("factor", family.id, row), (array.name, element), interface=interface, cluster=cluster)
    return network


def _described(family: Family) -> dict[str, Any]:
    return {
        "bipartite": "factor",
        "kind": family.node.kind,
        "node": family.node.name,
        "observed": is_observed(family),
        "clusters": family.clusters,
        "site": family.site,
        "line": family.site.line,
    }


def _cluster(family: Family, interface: str) -> int:
    return next(k for k, cluster in enumerate(family.clusters) if interface in cluster)


def output_of(family: Family) -> Any:
    """What sits on the first interface."""
    return next(iter(family.bindings.values()))


def is_observed(family: Family) -> bool:
    """Whether the output is data."""
    output = output_of(family)
    return isinstance(output, FixedBinding) and bool(output.names)
