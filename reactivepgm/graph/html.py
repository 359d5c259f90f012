"""Graphs, factors and variables in HTML: the picture inline where Graphviz is there, else the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reactivepgm.distributions.html import html_table, preformatted
from reactivepgm.graph.listing import carried, clusters_text, options_text

if TYPE_CHECKING:
    from reactivepgm.graph.family import Family
    from reactivepgm.graph.graph import Graph
    from reactivepgm.graph.variable import VariableArray


def html_of_drawing(svg: str | None, text: str) -> str:
    """A picture on its own white ground, whatever the page's colours; the text where there is no picture."""
    if svg is None:
        return preformatted(text)
    inline = re.sub(r"^.*?(?=<svg)", "", svg, count=1, flags=re.DOTALL)
    inline = inline.replace("<svg ", '<svg style="max-width:100%;height:auto;border-radius:6px" ', 1)
    return f"<div>{inline}</div>"


def html_of_graph(graph: Graph) -> str:
    """The picture, and what it is a picture of."""
    drawn = graph.draw()._repr_html_()
    return f"<div>{html_table((), [], title=repr(graph)[1:-1])}{drawn}</div>"


def html_of_families(families: tuple[Family, ...], title: str) -> str:
    """A row a family: count, node, what sits on its interfaces, factorisation, options, line."""
    rows = []
    for family in families:
        edges = ", ".join(f"{name}: {carried(binding)}" for name, binding in family.bindings.items())
        q = clusters_text(family) + options_text(family)
        rows.append([family.rows, family.node.name, edges, q, f"{family.site.line}: {family.site.text}"])
    return html_table(["rows", "node", "interfaces", "q", "line"], rows, title=title, numbers=[0])


def html_of_arrays(arrays: tuple[VariableArray, ...], title: str) -> str:
    """A row an array: name, kind, shape, line."""
    rows = [
        [array.name, array.kind, " × ".join(map(str, array.shape)) or "1", f"{array.site.line}: {array.site.text}"]
        for array in arrays
    ]
    return html_table(["name", "kind", "shape", "line"], rows, title=title)
