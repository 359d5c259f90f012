"""The graph for the eye: a table in text, and a picture by Graphviz."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reactivepgm.graph.binding import Binding, FixedBinding

if TYPE_CHECKING:
    from reactivepgm.graph.graph import Graph


def describe(graph: Graph) -> str:
    """Arrays with their shapes; families with rows, edges, clusters, options and lines."""
    lines = [repr(graph)[1:-1], ""]
    for array in graph.arrays:
        hidden = " (anonymous)" if array.anonymous else ""
        lines.append(f"  {array.kind:8} {array.name}{list(array.shape) or ''}{hidden}   {array.site.line}: {array.site.text}")
    lines.append("")
    for family in graph.families:
        q = " ".join(f"q({', '.join(cluster)})" for cluster in family.clusters)
        edges = ", ".join(f"{name}: {_carried(binding)}" for name, binding in family.bindings.items())
        lines.append(f"  {family.rows:>6} x {family.node.name}({edges})")
        lines.append(f"           {q}{_options(family)}   {family.site.line}: {family.site.text}")
    return "\n".join(lines)


def _carried(binding: Binding) -> str:
    if isinstance(binding, FixedBinding):
        return ", ".join(binding.names) or "constant"
    return ", ".join(dict.fromkeys(array.name for _, array, _ in binding.components()))


def _options(family: Any) -> str:
    meta = "" if family.meta is None else f" meta={family.meta!r}"
    return meta + ("" if family.pipeline is None else f" pipeline={family.pipeline!r}")


def draw(graph: Graph, path: str | None, format: str) -> Any:
    """A ``graphviz.Graph`` with arrays and families as plates, rendered to ``path`` if given.

    Where the Graphviz package or its ``dot`` program is missing, the description in text, which says so.
    """
    try:
        import graphviz
    except ImportError:
        graphviz = None
    if graphviz is None or shutil.which("dot") is None:
        text = f"(Graphviz is missing, so this is text: install the graphviz package and the dot program)\n{describe(graph)}"
        if path is not None:
            Path(path).with_suffix(".txt").write_text(text, encoding="utf-8")
        return text
    picture = _dot(graph, graphviz.Graph(format=format))
    if path is not None:
        picture.render(outfile=path, cleanup=True)
    return picture


def _dot(graph: Graph, picture: Any) -> Any:
    network = graph.to_networkx()
    for name, attributes in network.nodes(data=True):
        if attributes["bipartite"] == "factor":
            label = f"{attributes['node']} × {attributes['rows']}" if attributes["rows"] > 1 else attributes["node"]
            picture.node(str(name), label=label, shape="box", style="filled", fillcolor="#eeeeee")
        else:
            label = f"{name}{list(attributes['shape'])}" if attributes["shape"] else name
            shade = {"data": "#cfe8ff", "constant": "#f5f5f5"}.get(attributes["kind"], "white")
            picture.node(str(name), label=label, shape="ellipse", style="filled", fillcolor=shade)
    for left, right, attributes in network.edges(data=True):
        picture.edge(str(left), str(right), label=attributes["interface"], fontsize="9")
    return picture
