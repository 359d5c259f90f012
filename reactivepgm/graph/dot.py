"""A graph in the language of Graphviz: variables round, factors small squares, plates dashed, observations grey.

A dashed edge is one at which q falls apart: its variable belongs to a cluster of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from reactivepgm.graph.binding import Binding, FixedBinding
from reactivepgm.graph.family import Family
from reactivepgm.graph.listing import form_names, short
from reactivepgm.graph.network import datum_name, datum_of, is_observed, output_of
from reactivepgm.graph.plates import Plate, lags, plates_of, reach
from reactivepgm.graph.source import ConstantSource
from reactivepgm.graph.variable import VariableArray

if TYPE_CHECKING:
    from reactivepgm.graph.graph import Graph

_INK, _FAINT, _CUT, _SHADE = "#1f2933", "#6b7280", "#b45309", "#d5dae1"
_SYMBOLS = {"addition": "+", "subtraction": "−", "multiplication": "×", "dot": "·"}
_HEAD = f"""graph [rankdir=TB, bgcolor=white, pad=0.15, nodesep=0.28, ranksep=0.28, fontname="Helvetica", fontsize=9,
    fontcolor="{_FAINT}", labelloc=b, labeljust=r, outputorder=edgesfirst]
  node [fontname="Helvetica", fontsize=12, fontcolor="{_INK}", color="{_INK}", penwidth=1.1]
  edge [fontname="Helvetica", fontsize=8, fontcolor="{_FAINT}", color="{_INK}", penwidth=0.9, arrowsize=0.55]"""


def dot_source(graph: Graph, expand: bool = False) -> str:
    """The picture as text that the program ``dot`` reads."""
    picture = _Expanded(graph) if expand else _Picture(graph)
    return picture.source()


class _Picture:
    """Arrays and families, each drawn once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        used = {name for family in graph.families for b in family.bindings.values() for name in b.names}
        self._arrays = {a.name: a for a in graph.arrays if a.kind == "random" or (a.kind == "data" and a.name in used)}
        self._number = {name: k for k, name in enumerate(self._arrays)}
        self._observed = {name for family in graph.families if is_observed(family) for name in output_of(family).names}
        self._lines: list[str] = []

    def source(self) -> str:
        plates = plates_of(tuple(self._arrays.values()), self._graph.families)
        inside = set()
        for number, plate in enumerate(plates):
            inside |= self._plate(plate, str(number), "  ")
        for name, array in self._arrays.items():
            if ("array", name) not in inside:
                self._lines.append("  " + self._variable(array))
        for family in self._graph.families:
            if ("family", family.id) not in inside:
                self._lines.append("  " + self._factor(family))
        for family in self._graph.families:
            self._edges(family)
        return _document(self._lines, any(_is_cut(family) for family in self._graph.families))

    def _plate(self, plate: Plate, number: str, indent: str) -> set[tuple[str, Any]]:
        self._lines.append(
            f'{indent}subgraph cluster_{number} {{ style="dashed,rounded"; color="{_FAINT}"; penwidth=0.8; margin=10;'
            f' label=<<FONT POINT-SIZE="10">{escape(plate.label)}</FONT>>; labelloc=b; labeljust=r;'
        )
        inside: set[tuple[str, Any]] = set()
        for name in plate.arrays:
            inside.add(("array", name))
            self._lines.append(f"{indent}  {self._variable(self._arrays[name])}")
        for id in plate.families:
            inside.add(("family", id))
            self._lines.append(f"{indent}  {self._factor(self._graph.families[id])}")
        for k, inner in enumerate(plate.inner):
            inside |= self._plate(inner, f"{number}_{k}", indent + "  ")
        self._lines.append(indent + "}")
        return inside

    def _variable(self, array: VariableArray) -> str:
        forms = form_names(self._graph, array)
        return _round(f"v{self._number[array.name]}", array.name, array, array.name in self._observed, forms)

    def _factor(self, family: Family) -> str:
        return _square(f"f{family.id}", family, _constants(family))

    def _edges(self, family: Family) -> None:
        shifted = lags(family)
        for name, binding in family.bindings.items():
            for data in binding.names:
                self._edge(family, name, f"v{self._number[data]}", "")
            if isinstance(binding, FixedBinding):
                continue
            seen = set()
            for _, array, index in binding.components():
                where = shifted.get(name, "" if binding.index.ndim == 2 else reach(array, index))
                if (array.name, where) not in seen:
                    seen.add((array.name, where))
                    self._edge(family, name, f"v{self._number[array.name]}", where)

    def _edge(self, family: Family, interface: str, variable: str, where: str) -> None:
        self._lines.append("  " + _line(family, interface, variable, f"f{family.id}", where))


class _Expanded:
    """Every variable and every factor by itself."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._lines: list[str] = []
        self._drawn: dict[tuple[str, Any], str] = {}

    def source(self) -> str:
        for array in self._graph.random:
            for element in range(array.size):
                self._node(array, element, array.element_name(element), False)
        for family in self._graph.families:
            for row in range(family.rows):
                me = f"f{family.id}_{row}"
                self._lines.append("  " + _square(me, family, _constants(family)))
                for name, binding in family.bindings.items():
                    for variable in self._ends(family, name, binding, row):
                        self._lines.append("  " + _line(family, name, variable, me, ""))
        return _document(self._lines, any(_is_cut(family) for family in self._graph.families))

    def _ends(self, family: Family, name: str, binding: Binding, row: int) -> Iterable[str]:
        source = binding.source if isinstance(binding, FixedBinding) else None
        for data in binding.names:
            array = self._graph.variable(data)
            element = None if source is None else datum_of(source, row)
            yield self._node(array, element, datum_name(array, element), name == family.interfaces[0])
        if not isinstance(binding, FixedBinding):
            for _, array, index in binding.components():
                yield self._node(array, int(index[row]), array.element_name(int(index[row])), False)

    def _node(self, array: VariableArray, element: int | None, label: str, observed: bool) -> str:
        key = (array.name, element)
        if key not in self._drawn:
            self._drawn[key] = f"v{len(self._drawn)}"
            self._lines.append("  " + _round(self._drawn[key], label, array, observed, form_names(self._graph, array)))
        return self._drawn[key]


def _document(lines: list[str], has_cut: bool) -> str:
    note = f'  label=<<FONT COLOR="{_CUT}">dashed edges: q is cut there</FONT>>; labeljust=l\n' if has_cut else ""
    return "digraph {\n  " + _HEAD + "\n" + note + "\n".join(lines) + "\n}\n"


def _round(id: str, label: str, array: VariableArray, observed: bool, forms: list[str]) -> str:
    """A variable: a circle, grey if observed; a dot with its name if it is an input; a small empty one if it has no name;
    the forms of its belief below its name."""
    if array.anonymous:
        return f'{id} [label="", shape=circle, width=0.16, style=filled, fillcolor=white, tooltip={_quoted(array.site.text)}]'
    tip = f"tooltip={_quoted(str(array.site))}"
    if array.kind == "data" and not observed:
        text = f'<FONT POINT-SIZE="11">{escape(label)}</FONT>'
        cells = f'<TR><TD PORT="f"><FONT POINT-SIZE="11">●</FONT></TD><TD>{text}</TD></TR>'
        return f"{id} [shape=plain, label=<{_table(cells)}>, {tip}]"
    fill = _SHADE if observed else "white"
    look = f'shape=ellipse, height=0.46, width=0.46, margin="0.06,0.03", style=filled, fillcolor="{fill}"'
    text = _quoted(label)
    if forms:
        lines = "<BR/>".join(map(escape, forms))
        text = f'<{escape(label)}<BR/><FONT POINT-SIZE="8" COLOR="{_CUT}">{lines}</FONT>>'
    return f"{id} [label={text}, {look}, {tip}]"


def _square(id: str, family: Family, constants: list[str]) -> str:
    """A factor: a small square, its name and its constants beside it."""
    symbol = _SYMBOLS.get(family.node.key)
    tip = f"tooltip={_quoted(str(family.site))}"
    if symbol is not None:
        cell = 'PORT="f" BORDER="1" WIDTH="15" HEIGHT="15" FIXEDSIZE="TRUE" BGCOLOR="white"'
        mark = f'<TD {cell}><FONT POINT-SIZE="11">{symbol}</FONT></TD>'
    else:
        mark = f'<TD PORT="f" WIDTH="9" HEIGHT="9" FIXEDSIZE="TRUE" BGCOLOR="{_INK}"></TD>'
    notes = [] if symbol is not None else [(family.node.name, 9, _INK)]
    notes += [(text, 8, _FAINT) for text in constants]
    if _is_cut(family):
        random = set(family.random)
        notes.append((" ".join(f"q({', '.join(c)})" for c in family.clusters if set(c) & random), 8, _CUT))
    cells = '<FONT POINT-SIZE="{}" COLOR="{}">{}</FONT><BR ALIGN="LEFT"/>'
    lines = "".join(cells.format(size, colour, escape(text)) for text, size, colour in notes)
    beside = f'<TD ALIGN="LEFT">{lines}</TD>' if notes else ""
    # Some room to the left too, so that edges meet the square straight.
    room = '<TD WIDTH="22"></TD>' if notes else ""
    return f"{id} [shape=plain, label=<{_table(f'<TR>{room}{mark}{beside}</TR>')}>, {tip}]"


def _table(rows: str) -> str:
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="0">{rows}</TABLE>'


def _line(family: Family, interface: str, variable: str, factor: str, where: str) -> str:
    is_output = interface == family.interfaces[0]
    label = where if is_output or len(family.interfaces) <= 2 or family.node.key in _SYMBOLS else f"{interface} {where}".strip()
    label = label.replace(f"{interface} t", f"{interface}: t")
    cluster = next(cluster for cluster in family.clusters if interface in cluster)
    styles = [f'label="  {label} "'] if label else []
    if _is_cut(family) and len(cluster) == 1 and interface in family.random:
        styles.append(f'style=dashed, color="{_CUT}"')
    if is_output:
        return f"{factor}:f -> {variable} [{', '.join([*styles, 'weight=6'])}]"
    if where.startswith("t"):  # a chain: the factor stands above its variable, both edges run down to it
        return f"{factor}:f -> {variable} [{', '.join([*styles, 'dir=none'])}]"
    return f"{variable} -> {factor}:f [{', '.join([*styles, 'arrowhead=none', 'weight=2'])}]"


def _is_cut(family: Family) -> bool:
    """Whether random variables of one factor fall into several clusters."""
    return sum(1 for cluster in family.clusters if set(cluster) & set(family.random)) > 1


def _constants(family: Family) -> list[str]:
    found = []
    for name, binding in family.fixed.items():
        if isinstance(binding.source, ConstantSource):
            found.append(f"{name} = {short(binding.source.value)}")
    return found


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


