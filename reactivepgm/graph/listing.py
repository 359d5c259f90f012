"""The graph as text: arrays with their shapes, families with rows, edges, clusters, options and lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from reactivepgm.graph.binding import Binding, FixedBinding, MixedBinding
from reactivepgm.graph.family import Family
from reactivepgm.graph.forms import Composite, FixedMarginal, Form, PointMassForm, ProjectedTo, SampleList
from reactivepgm.graph.plates import Plate, plates_of, reach
from reactivepgm.graph.source import ConstantSource
from reactivepgm.graph.variable import VariableArray

if TYPE_CHECKING:
    from reactivepgm.graph.graph import Graph


def describe(graph: Graph) -> str:
    """All arrays, then all families, each with its line in the model."""
    lines = [repr(graph)[1:-1], ""]
    for array in graph.arrays:
        forms = "".join(f"   {text}" for text in form_texts(graph, array))
        lines.append(f"  {array_line(array)}{forms}   {array.site.line}: {array.site.text}")
    lines.append("")
    for family in graph.families:
        lines.append(f"  {family.rows:>6} x {factor_text(family)}")
        lines.append(f"           {clusters_text(family)}{options_text(family)}   {family.site.line}: {family.site.text}")
    return "\n".join(lines)


def array_line(array: VariableArray) -> str:
    """Kind, name and shape of an array."""
    hidden = " (anonymous)" if array.anonymous else ""
    return f"{array.kind:8} {array.name}{list(array.shape) or ''}{hidden}"


def form_texts(graph: Graph, array: VariableArray) -> list[str]:
    """The forms of an array's marginal and messages: ``q(x) :: PointMassForm(...)``, ``mu(x) :: ProjectedTo(...)``."""
    forms = graph.forms.get(array.id)
    if forms is None:
        return []
    kinds = {"q": forms.marginal, "mu": forms.message}
    return [f"{kind}({array.name}) :: {form!r}" for kind, form in kinds.items() if form is not None]


def form_names(graph: Graph, array: VariableArray) -> list[str]:
    """The forms of an array in a word each, for pictures: ``PointMass``, ``SampleList(1000)``, ``mu: Beta``."""
    forms = graph.forms.get(array.id)
    if forms is None:
        return []
    kinds = {"": forms.marginal, "mu: ": forms.message}
    return [prefix + _form_name(form) for prefix, form in kinds.items() if form is not None]


def _form_name(form: Form) -> str:
    if isinstance(form, SampleList):
        return f"SampleList({form.n})"
    if isinstance(form, ProjectedTo):
        return str(form.family.__name__)
    if isinstance(form, (PointMassForm, FixedMarginal, Composite)):
        return type(form).__name__.removesuffix("Form")
    return repr(form)


def factor_text(family: Family) -> str:
    """The node with what sits on each interface: ``NormalMeanVariance(out: x, mean: constant, variance: constant)``."""
    edges = ", ".join(f"{name}: {carried(binding)}" for name, binding in family.bindings.items())
    return f"{family.node.name}({edges})"


def clusters_text(family: Family) -> str:
    """The factorisation: ``q(out, mean) q(precision)``."""
    return " ".join(f"q({', '.join(cluster)})" for cluster in family.clusters)


def options_text(family: Family) -> str:
    """Meta and pipeline, where there are any."""
    meta = "" if family.option is None else f" meta={family.option!r}"
    return meta + ("" if family.pipeline is None else f" pipeline={family.pipeline!r}")


def carried(binding: Binding) -> str:
    """The names of what sits on an interface; "constant" for values written in the model."""
    if isinstance(binding, FixedBinding):
        return ", ".join(binding.names) or "constant"
    names = list(dict.fromkeys(array.name for _, array, _ in binding.components()))
    if isinstance(binding, MixedBinding):
        names += [*binding.names, *(["constant"] if any(not part.names for part in binding.clamped.values()) else [])]
    return ", ".join(names)


def short(value: Any) -> str:
    """A number, a short vector, or the shape of what is longer.

    Example:
        >>> short(2.0), short([0.5, 0.5]), short(np.ones((3, 4))), short(np.arange(9.0))
        ('2', '[0.5, 0.5]', '1 (3×4)', '(9)')
    """
    array = np.asarray(value)
    if array.size > 4 or not np.issubdtype(array.dtype, np.number):
        same = array.size and np.issubdtype(array.dtype, np.number) and bool((array == array.flat[0]).all())
        shape = "×".join(map(str, array.shape))
        return f"{_plain(array.flat[0])} ({shape})" if same else f"({shape})" if shape else str(value)[:20]
    if array.ndim == 0:
        return _plain(array)
    return "[" + ", ".join(short(part) for part in array) + "]"


def _plain(value: Any) -> str:
    return f"{float(value):.4g}"


def plates_text(graph: Graph) -> str:
    """Plates as boxes in text, what is not in a plate first."""
    plates = plates_of(graph.arrays, graph.families)
    arrays = {name for plate in _all(plates) for name in plate.arrays}
    families = {id for plate in _all(plates) for id in plate.families}
    lines = [_variable_text(graph, a) for a in graph.arrays if a.name not in arrays and a.kind != "constant"]
    lines += [_family_text(f) for f in graph.families if f.id not in families]
    for plate in plates:
        lines += _box(graph, plate)
    return "\n".join(lines)


def _all(plates: list[Plate]) -> Iterator[Plate]:
    for plate in plates:
        yield plate
        yield from _all(plate.inner)


def _box(graph: Graph, plate: Plate) -> list[str]:
    inside = [_variable_text(graph, array) for array in graph.arrays if array.name in plate.arrays]
    inside += [_family_text(graph.families[id]) for id in plate.families]
    for inner in plate.inner:
        inside += _box(graph, inner)
    width = max(map(len, inside), default=0)
    top = f"┌─ {plate.label} " + "─" * (width - len(plate.label)) + "─┐"
    span = max(len(top) - 4, width)
    return [top, *(f"│ {line:<{span}} │" for line in inside), "└" + "─" * (len(top) - 2) + "┘"]


def _variable_text(graph: Graph, array: VariableArray) -> str:
    mark = "●" if array.kind == "data" else "○"
    forms = "".join(f" :: {name}" for name in form_names(graph, array))
    return f"{mark} {array.name}" + (" (anonymous)" if array.anonymous else "") + forms


def _family_text(family: Family) -> str:
    inputs = ", ".join(f"{name}: {_reached(b)}" for name, b in list(family.bindings.items())[1:])
    out = _reached(next(iter(family.bindings.values())))
    several = sum(1 for cluster in family.clusters if set(cluster) & set(family.random)) > 1
    return f"■ {family.node.name}({inputs}) → {out}" + (f"   {clusters_text(family)}" if several else "")


def _reached(binding: Binding) -> str:
    """What sits on an interface, with the elements it reaches, or the constant itself."""
    if isinstance(binding, FixedBinding):
        source = binding.source
        return short(source.value) if isinstance(source, ConstantSource) else carried(binding)
    if isinstance(binding, MixedBinding) or binding.index.ndim == 2:
        return carried(binding)
    array = binding.arrays[0]
    return array.name + reach(array, binding.index)
