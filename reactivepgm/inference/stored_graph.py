"""A graph as JSON and arrays, and back.

Kept exactly: variable arrays, families, bindings, factorisations, forms, statements, constants. The data that a model was
built with are not kept. Nodes are kept by name and found again in the registry. What runs code of the user's (expressions over
data, functions as factors, pipelines, most meta objects) is kept as what it looked like, and refuses to run.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from reactivepgm.errors import StorageError
from reactivepgm.graph import Family, FixedBinding, Graph, RandomBinding, Site, VariableArray
from reactivepgm.graph.ancestral import plain_source
from reactivepgm.graph.binding import Binding, MixedBinding
from reactivepgm.graph.derived import ELEMENTWISE, BatchedSource
from reactivepgm.graph.scope import ROOT, Scope
from reactivepgm.graph.source import ConstantSource, DataSource, Source, StackedSource
from reactivepgm.inference.stored_form import restored_forms, stored_forms
from reactivepgm.inference.stored_value import Opaque, Reader, Writer
from reactivepgm.nodes import Interface, Node, node_of

Scopes = dict[tuple[str, ...], Scope]

_OPERATIONS = {function.__name__: function for function in ELEMENTWISE}


class StoredSource:
    """An expression over data that was not stored: it has its names, and no values.

    Args:
        names: the data it needed.
        is_rowwise: whether its value had a row axis.
        said: what it said, to compare graphs.
    """

    def __init__(self, names: tuple[str, ...], is_rowwise: bool, said: tuple[Any, ...]) -> None:
        self.names = names
        self.is_rowwise = is_rowwise
        self.said = said

    def read(self, values: Mapping[str, Any]) -> Any:
        """Nothing.

        Raises:
            StorageError: always.
        """
        raise StorageError(
            f"an expression over the data {', '.join(self.names)} was not stored with the result; infer again with the model"
        )

    def canonical(self, rows: int) -> tuple[Any, ...]:
        """What the expression said."""
        return self.said


def stored_graph(graph: Graph, writer: Writer) -> dict[str, Any]:
    """A graph as JSON; its arrays go to the writer."""
    return {
        "arrays": [_stored_array(array, writer) for array in graph.arrays],
        "families": [_stored_family(family, writer) for family in graph.families],
        "options": writer.value(graph.options),
        "aliases": {name: array.id for name, array in graph.aliases.items()},
        "forms": stored_forms(graph.forms, writer),
    }


def restored_graph(stored: Any, reader: Reader) -> Graph:
    """The graph again.

    Raises:
        StorageError: the parts do not fit together.
    """
    scopes: Scopes = {(): ROOT}
    arrays = tuple(_restored_array(id, part, scopes, reader) for id, part in enumerate(stored["arrays"]))
    families = tuple(_restored_family(id, part, arrays, scopes, reader) for id, part in enumerate(stored["families"]))
    aliases = {str(name): _array(number, arrays) for name, number in stored["aliases"].items()}
    forms = restored_forms(stored.get("forms", []), len(arrays), reader)
    graph = Graph(arrays, families, reader.value(stored["options"]), aliases, forms)
    for array in arrays:
        array.graph = graph
    return graph


def _stored_array(array: VariableArray, writer: Writer) -> dict[str, Any]:
    return {
        "name": array.name,
        "kind": array.kind,
        "shape": [int(size) for size in array.shape],
        "site": _stored_site(array.site),
        "anonymous": array.anonymous,
        "value_shape": None if array.value_shape is None else [int(size) for size in array.value_shape],
        "value": writer.value(array.value) if array.kind == "constant" else None,
        "constraints": writer.value(dict(array.constraints)),
        "scope": _stored_scope(array.scope),
        "is_unfactorised": bool(array.is_unfactorised),
    }


def _restored_array(id: int, stored: Any, scopes: Scopes, reader: Reader) -> VariableArray:
    if stored["kind"] not in ("random", "data", "constant"):
        raise StorageError(f"there is no kind of variable {stored['kind']!r}")
    value_shape = stored["value_shape"]
    array = VariableArray(
        id,
        str(stored["name"]),
        stored["kind"],
        _shape(stored["shape"]),
        _restored_site(stored["site"]),
        anonymous=bool(stored["anonymous"]),
        value_shape=None if value_shape is None else _shape(value_shape),
        value=reader.value(stored["value"]),
        scope=_restored_scope(stored["scope"], scopes),
    )
    array.is_unfactorised = bool(stored["is_unfactorised"])
    array.constraints = reader.value(stored["constraints"])
    return array


def _shape(stored: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in stored)


def _stored_scope(scope: Scope) -> list[list[str]]:
    return [list(scope.path), list(scope.models)]


def _restored_scope(stored: Any, scopes: Scopes) -> Scope:
    """One scope for one path."""
    path, models = (tuple(str(part) for part in parts) for parts in stored)
    return scopes.setdefault(path, Scope(path, models))


def _stored_site(site: Site) -> list[Any]:
    return [site.file, site.line, site.text]


def _restored_site(stored: Any) -> Site:
    file, line, text = stored
    return Site(str(file), int(line), str(text))


def _stored_family(family: Family, writer: Writer) -> dict[str, Any]:
    return {
        "node": _stored_node(family.node),
        "rows": int(family.rows),
        "bindings": {name: _stored_binding(binding, writer) for name, binding in family.bindings.items()},
        "clusters": [list(cluster) for cluster in family.clusters],
        "meta": writer.value(family.option),
        "pipeline": writer.value(family.pipeline),
        "site": _stored_site(family.site),
        "factorisation_given": bool(family.factorisation_given),
        "labels": {name: list(labels) for name, labels in family.labels.items()},
        "scope": _stored_scope(family.scope),
    }


def _restored_family(
    id: int, stored: Any, arrays: tuple[VariableArray, ...], scopes: Scopes, reader: Reader
) -> Family:
    node, rows, site = _restored_node(stored["node"]), int(stored["rows"]), _restored_site(stored["site"])
    bindings = {
        name: _restored_binding(part, rows, node, name, site, arrays, reader) for name, part in stored["bindings"].items()
    }
    clusters = tuple(tuple(str(name) for name in cluster) for cluster in stored["clusters"])
    if not bindings or sorted(name for cluster in clusters for name in cluster) != sorted(bindings):
        raise StorageError(f"the clusters {clusters} of a {node.name} family are no partition of its interfaces")
    return Family(
        id=id,
        node=node,
        rows=rows,
        bindings=bindings,
        clusters=clusters,
        meta=reader.value(stored["meta"]),
        pipeline=reader.value(stored["pipeline"]),
        site=site,
        factorisation_given=bool(stored["factorisation_given"]),
        labels={name: tuple(str(label) for label in labels) for name, labels in stored["labels"].items()},
        scope=_restored_scope(stored["scope"], scopes),
    )


def _stored_node(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "kind": node.kind,
        "key": node.key,
        "numbered": node.numbered,
        "is_registered": node_of(node.name) is node,
        "interfaces": [[i.name, list(i.aliases), i.event_rank, i.plural, i.support] for i in node.interfaces],
    }


def _restored_node(stored: Any) -> Node:
    """The registered node of the name, or one that looks like it and cannot be applied."""
    interfaces = tuple(Interface(name, tuple(aliases), *rest) for name, aliases, *rest in stored["interfaces"])
    known = node_of(str(stored["name"])) if stored["is_registered"] else None
    if known is not None and known.names == tuple(i.name for i in interfaces) and known.kind == stored["kind"]:
        return known
    absent = Opaque(f"the function of the node {stored['name']}")
    return Node(str(stored["name"]), stored["kind"], interfaces, absent, numbered=stored["numbered"], key=str(stored["key"]))


def _stored_binding(binding: Binding, writer: Writer) -> dict[str, Any]:
    if isinstance(binding, MixedBinding):
        fixed = {str(k): _stored_binding(part, writer) for k, part in binding.clamped.items()}
        random = {
            str(k): {"kind": "random", "arrays": [array.id], "index": writer.array(index)}
            for k, array, index in binding.components()
        }
        return {"kind": "mixed", "parts": {**fixed, **random}}
    if isinstance(binding, RandomBinding):
        return {"kind": "random", "arrays": [array.id for array in binding.arrays], "index": writer.array(binding.index)}
    return {"kind": "fixed", "source": _stored_source(binding.source, binding.rows, writer), "is_plural": binding.is_plural}


def _restored_binding(
    stored: Any, rows: int, node: Node, name: str, site: Site, arrays: tuple[VariableArray, ...], reader: Reader
) -> Binding:
    if stored["kind"] == "mixed":
        found = {int(k): _restored_binding(p, rows, node, name, site, arrays, reader) for k, p in stored["parts"].items()}
        return MixedBinding([found[k] for k in range(len(found))])
    if stored["kind"] == "random":
        return _restored_random(stored, rows, arrays, reader)
    source = _restored_source(stored["source"], arrays, reader)
    return FixedBinding(source, rows, node, name, site, is_plural=bool(stored["is_plural"]))


def _restored_random(stored: Any, rows: int, arrays: tuple[VariableArray, ...], reader: Reader) -> RandomBinding:
    chosen = tuple(_array(number, arrays, "random") for number in stored["arrays"])
    index = _index(reader.array(stored["index"]), None)
    if len(index) != rows or index.ndim not in (1, 2) or (len(chosen) > 1 and index.shape[1:] != (len(chosen),)):
        raise StorageError(f"an index of shape {index.shape} does not fit a family of {rows} rows")
    binding = RandomBinding(chosen, index)
    for _, array, elements in binding.components():
        _index(elements, array.size)
    return binding


def _array(number: Any, arrays: tuple[VariableArray, ...], kind: str | None = None) -> VariableArray:
    if type(number) is not int or not 0 <= number < len(arrays) or kind not in (None, arrays[number].kind):
        raise StorageError(f"there is no {f'{kind} ' if kind else ''}array number {number!r}")
    return arrays[number]


def _index(index: Any, size: int | None) -> Any:
    if index.dtype.kind != "i" or (index.size and (index.min() < 0 or (size is not None and index.max() >= size))):
        raise StorageError("an index refers to an element that is not there")
    return index.astype(np.intp, copy=False)


def _stored_source(source: Source, rows: int, writer: Writer) -> dict[str, Any]:
    source = plain_source(source)
    if isinstance(source, ConstantSource):
        return {"kind": "constant", "value": writer.value(source.value, opaque=False), "is_rowwise": source.is_rowwise}
    if isinstance(source, DataSource):
        return {
            "kind": "data",
            "array": source.array.id,
            "event": None if source.event is None else [int(size) for size in source.event],
            "index": writer.array(np.asarray(source.index)),
            "is_rowwise": source.is_rowwise,
            "is_scattered": source.is_scattered,
        }
    if isinstance(source, StackedSource):
        return {"kind": "stack", "parts": [_stored_source(part, rows, writer) for part in source.parts], "rows": source.rows}
    if isinstance(source, BatchedSource) and _OPERATIONS.get(source.function.__name__) is source.function:
        parts = [_stored_source(part, rows, writer) for part in source.parts]
        return {"kind": "batched", "function": source.function.__name__, "parts": parts}
    return {
        "kind": "expression",
        "names": list(source.names),
        "is_rowwise": source.is_rowwise,
        "said": writer.value(source.canonical(rows)),
    }


def _restored_source(stored: Any, arrays: tuple[VariableArray, ...], reader: Reader) -> Source:
    kind = stored["kind"]
    if kind == "constant":
        return ConstantSource(reader.value(stored["value"]), bool(stored["is_rowwise"]))
    if kind == "data":
        index = _index(reader.array(stored["index"]), None)
        event = None if stored["event"] is None else _shape(stored["event"])
        array = _array(stored["array"], arrays, "data")
        plain = index if index.ndim else int(index)
        return DataSource(array, event, plain, bool(stored["is_rowwise"]), bool(stored["is_scattered"]))
    if kind == "stack":
        return StackedSource(tuple(_restored_source(part, arrays, reader) for part in stored["parts"]), int(stored["rows"]))
    if kind == "batched" and stored["function"] in _OPERATIONS:
        parts = tuple(_restored_source(part, arrays, reader) for part in stored["parts"])
        return BatchedSource(getattr(operator, stored["function"]), parts)
    if kind == "expression":
        names = tuple(str(name) for name in stored["names"])
        return StoredSource(names, bool(stored["is_rowwise"]), reader.value(stored["said"]))
    raise StorageError(f"the values of an interface cannot be read: {kind!r}")
