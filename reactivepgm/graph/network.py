"""The graph as networkx sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reactivepgm.graph.binding import FixedBinding
from reactivepgm.graph.family import Family
from reactivepgm.graph.source import DataSource, Source
from reactivepgm.graph.variable import VariableArray

if TYPE_CHECKING:
    from reactivepgm.graph.graph import Graph


def as_networkx(graph: Graph, expand: bool) -> Any:
    """A bipartite multigraph of variables and factors.

    Collapsed, nodes are array names and ``("factor", id)``; expanded, ``(name, element)`` and ``("factor", id, row)``.
    Data are nodes in both. Where a factor reads one datum, that is its element; where it reads an expression over data,
    the element is None: all of them.

    Variables have the attributes ``bipartite="variable"``, ``kind`` ("random", "data", "constant"), ``observed`` (data
    that are some factor's output), ``shape`` (collapsed) or ``label`` (expanded), ``site`` and ``line``. Factors have
    ``bipartite="factor"``, ``kind`` ("stochastic", "deterministic"), ``node``, ``rows`` (collapsed),
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
    import networkx as nx  # not before it is used: a twentieth of a second

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
    known = {array.name: array for array in graph.arrays}
    for family in graph.families:
        for row in range(family.rows):
            network.add_node(("factor", family.id, row), **_described(family))
        for interface, binding in family.bindings.items():
            cluster = _cluster(family, interface)
            if isinstance(binding, FixedBinding):
                for row in range(family.rows):
                    _datum(network, family, interface, [(known[n], datum_of(binding.source, row)) for n in binding.names], row)
                continue
            for name in binding.names:
                for row in range(family.rows):
                    _datum(network, family, interface, [(known[name], None)], row)
            for _, array, index in binding.components():
                for row, element in enumerate(index.tolist()):
                    network.add_edge(("factor", family.id, row), (array.name, element), interface=interface, cluster=cluster)
    return network


def _datum(network: Any, family: Family, interface: str, data: list[tuple[VariableArray, int | None]], row: int) -> None:
    """Data as nodes, with the edges to one factor."""
    for array, element in data:
        me = (array.name, element)
        is_output = interface == family.interfaces[0]
        if me not in network:
            network.add_node(
                me,
                bipartite="variable",
                kind="data",
                observed=is_output,
                label=datum_name(array, element),
                site=array.site,
                line=array.site.line,
            )
        network.nodes[me]["observed"] |= is_output
        network.add_edge(("factor", family.id, row), me, interface=interface, cluster=_cluster(family, interface))


def datum_of(source: Source, row: int) -> int | None:
    """Which of its data a row reads, numbered by whole values; None where it is an expression or a part of one."""
    if not isinstance(source, DataSource) or source.is_scattered:
        return None
    return int(np.asarray(source.index)[row] if source.is_rowwise else np.asarray(source.index))


def datum_name(array: VariableArray, element: int | None) -> str:
    """``y[3]``; ``y`` where it is all of them, or the only one."""
    return array.name if element is None or not array.shape else f"{array.name}[{element}]"


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
