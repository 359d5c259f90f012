"""The graph as networkx sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx

from reactivepgm.graph.binding import FixedBinding

if TYPE_CHECKING:
    from reactivepgm.graph.graph import Graph


def as_networkx(graph: Graph, expand: bool) -> Any:
    """A bipartite multigraph; node attributes say ``bipartite`` ("variable" or "factor"), edge attributes ``interface``.

    Collapsed, nodes are array names and ``("factor", id)``; expanded, ``(name, element)`` and ``("factor", id, row)``.
    """
    network = nx.MultiGraph()
    return _expanded(graph, network) if expand else _collapsed(graph, network)


def _collapsed(graph: Graph, network: Any) -> Any:
    for array in graph.arrays:
        network.add_node(array.name, bipartite="variable", kind=array.kind, shape=array.shape, line=array.site.line)
    for family in graph.families:
        me = ("factor", family.id)
        network.add_node(me, bipartite="factor", node=family.node.name, rows=family.rows, line=family.site.line)
        for interface, binding in family.bindings.items():
            if isinstance(binding, FixedBinding):
                for name in binding.names:
                    network.add_edge(me, name, interface=interface)
            else:
                for _, array, _ in binding.components():
                    network.add_edge(me, array.name, interface=interface)
    return network


def _expanded(graph: Graph, network: Any) -> Any:
    for array in graph.random:
        for element in range(array.size):
            network.add_node((array.name, element), bipartite="variable", kind="random", label=array.element_name(element))
    for family in graph.families:
        fixed: dict[str, tuple[str, ...]] = {n: b.names for n, b in family.fixed.items()}
        for row in range(family.rows):
            network.add_node(
                ("factor", family.id, row),
                bipartite="factor",
                node=family.node.name,
                line=family.site.line,
                fixed=fixed,
            )
        for interface, binding in family.random.items():
            for _, array, index in binding.components():
                for row, element in enumerate(index.tolist()):
                    network.add_edge(("factor", family.id, row), (array.name, element), interface=interface)
    return network
