"""Whether two graphs say the same: arrays by name, families merged by kind, rows in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reactivepgm.graph.binding import FixedBinding, MixedBinding
from reactivepgm.graph.family import Family

if TYPE_CHECKING:
    from reactivepgm.graph.graph import Graph

Part = tuple[Any, ...]


def is_same(left: Graph, right: Graph) -> bool:
    """Whether two graphs have equal arrays, forms and factors; statements and their order do not count.

    Anonymous variables correspond in the order in which they were made.
    """
    names = _names(left), _names(right)
    if _declared(left, names[0]) != _declared(right, names[1]):
        return False
    mine, yours = _merged(left, names[0]), _merged(right, names[1])
    if set(mine) != set(yours):
        return False
    return all(_equal_tables(mine[key], yours[key]) for key in mine)


def _names(graph: Graph) -> dict[int, str]:
    """Canonical names: anonymous arrays are numbered anew."""
    anonymous = [a.id for a in graph.arrays if a.anonymous and a.kind == "random"]
    renamed = {id: f"_{number}" for number, id in enumerate(anonymous)}
    return {a.id: renamed.get(a.id, a.name) for a in graph.arrays}


def _declared(graph: Graph, names: dict[int, str]) -> set[Part]:
    shapes = {a.id: (a.size,) if a.anonymous else a.shape for a in graph.arrays}
    return {(names[a.id], a.kind, shapes[a.id], graph.forms.get(a.id)) for a in graph.arrays if a.kind != "constant"}


def _merged(graph: Graph, names: dict[int, str]) -> dict[Part, list[np.ndarray[Any, Any]]]:
    """For each kind of factor the columns of all its rows, sorted."""
    tables: dict[Part, list[list[np.ndarray[Any, Any]]]] = {}
    for family in graph.families:
        key, columns = _described(family, names)
        tables.setdefault(key, []).append(columns)
    merged = {}
    for key, parts in tables.items():
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        order = np.lexsort(columns[::-1]) if columns else np.zeros(0, dtype=int)
        merged[key] = [c[order] for c in columns]
    return merged


def _described(family: Family, names: dict[int, str]) -> tuple[Part, list[np.ndarray[Any, Any]]]:
    """What must agree exactly, and one number a row and column for the rest."""
    key: list[Any] = [family.node, family.clusters, _plain(family.option), _plain(family.pipeline)]
    columns: list[np.ndarray[Any, Any]] = []
    for interface, binding in family.bindings.items():
        if isinstance(binding, FixedBinding):
            label, found = _flattened(binding.source.canonical(family.rows), family.rows)
            key.append((interface, label))
            columns += found
        else:
            for component, array, index in binding.components():
                key.append((interface, component, names[array.id]))
                columns.append(index)
            for component, part in binding.clamped.items() if isinstance(binding, MixedBinding) else ():
                label, found = _flattened(part.source.canonical(family.rows), family.rows)
                key.append((interface, component, label))
                columns += found
    return tuple(key), columns


def _flattened(part: Part, rows: int) -> tuple[Part, list[np.ndarray[Any, Any]]]:
    """Arrays become columns, everything else stays in the label."""
    label: list[Any] = []
    columns: list[np.ndarray[Any, Any]] = []
    for item in part:
        if isinstance(item, np.ndarray):
            label.append(item.shape[1:])
            columns += list(item.reshape(rows, -1).T)
        elif isinstance(item, tuple) and item and isinstance(item[0], str):
            inner, found = _flattened(item, rows)
            label.append(inner)
            columns += found
        else:
            label.append(item)
    return tuple(label), columns


def _plain(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _equal_tables(left: list[np.ndarray[Any, Any]], right: list[np.ndarray[Any, Any]]) -> bool:
    return len(left) == len(right) and all(len(a) == len(b) and np.array_equal(a, b) for a, b in zip(left, right, strict=True))
