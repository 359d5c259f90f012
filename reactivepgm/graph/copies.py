"""One graph, many times side by side: every array gets a leading axis of copies, every family the rows of all.

Copy k of element i is element ``k * size + i``; copy k of row r is row ``k * rows + r``. Data come as one value a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from reactivepgm.graph.binding import Binding, FixedBinding, MixedBinding, RandomBinding
from reactivepgm.graph.family import Family
from reactivepgm.graph.graph import Graph
from reactivepgm.graph.source import ConstantSource, Source
from reactivepgm.graph.variable import VariableArray


class CopiedSource:
    """The values of a source for every copy of its data, copy after copy.

    Args:
        source: what one copy reads.
        copies: how many there are.
        rows: rows of one copy.
    """

    is_rowwise = True

    def __init__(self, source: Source, copies: int, rows: int) -> None:
        self.source = source
        self.copies = copies
        self.rows = rows
        self.names = source.names

    def read(self, values: Mapping[str, Any]) -> Any:
        """(copies * rows, *event)."""
        read = [
            np.asarray(self.source.read({name: values[name][copy] for name in self.names})) for copy in range(self.copies)
        ]
        if self.source.is_rowwise:
            return np.concatenate(read)
        return np.repeat(np.stack(read), self.rows, axis=0)

    def canonical(self, rows: int) -> tuple[Any, ...]:
        """What the source says, and how often."""
        return ("copies", self.copies, *self.source.canonical(self.rows))


def copied(graph: Graph, copies: int) -> Graph:
    """The graph of several independent copies of a graph; data of every name are sequences with one value a copy.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> from reactivepgm.graph import GraphBuilder, Site
        >>> site = Site("m.py", 1, "x = ~NormalMeanVariance(0.0, 1.0)")
        >>> builder = GraphBuilder()
        >>> x = builder.random("x", (5,), site)
        >>> _ = builder.add(NormalMeanVariance, {"out": x, "mean": 0.0, "variance": 1.0}, site=site)
        >>> copied(builder.finish(), 3).variable("x").shape
        (3, 5)
    """
    arrays = {array.id: _copied_array(array, copies) for array in graph.arrays}
    families = tuple(_copied_family(family, arrays, copies) for family in graph.families)
    aliases = {name: arrays[array.id] for name, array in graph.aliases.items()}
    return Graph(tuple(arrays.values()), families, graph.options, aliases, graph.forms)


def _copied_array(array: VariableArray, copies: int) -> VariableArray:
    shape = (copies, *array.shape)
    made = VariableArray(array.id, array.name, array.kind, shape, array.site, anonymous=array.anonymous, scope=array.scope)
    made.constraints = array.constraints
    made.is_unfactorised = array.is_unfactorised
    return made


def _copied_family(family: Family, arrays: Mapping[int, VariableArray], copies: int) -> Family:
    bindings = {name: _copied_binding(binding, family.rows, arrays, copies) for name, binding in family.bindings.items()}
    return replace(family, rows=family.rows * copies, bindings=bindings)


def _copied_binding(binding: Binding, rows: int, arrays: Mapping[int, VariableArray], copies: int) -> Binding:
    if isinstance(binding, FixedBinding):
        source = _copied_source(binding.source, copies, rows)
        return FixedBinding(
            source, rows * copies, binding.node, binding.interface, binding.site, is_plural=binding.is_plural
        )
    if isinstance(binding, MixedBinding):
        parts: dict[int, RandomBinding | FixedBinding] = {}
        for number, array, index in binding.components():
            assert number is not None
            parts[number] = _copied_random(RandomBinding((array,), index), arrays, copies)
        for number, fixed in binding.clamped.items():
            copied_part = _copied_binding(fixed, rows, arrays, copies)
            assert isinstance(copied_part, FixedBinding)
            parts[number] = copied_part
        return MixedBinding([parts[number] for number in range(binding.width)])
    return _copied_random(binding, arrays, copies)


def _copied_random(binding: RandomBinding, arrays: Mapping[int, VariableArray], copies: int) -> RandomBinding:
    index = binding.index
    sizes = np.array([array.size for array in binding.arrays])
    if index.ndim == 1:
        shift = np.arange(copies)[:, None] * sizes[0]
    else:
        shift = (np.arange(copies)[:, None] * np.broadcast_to(sizes, index.shape[1:]))[:, None, :]
    moved = (index[None] + shift).reshape(-1, *index.shape[1:])
    return RandomBinding(tuple(arrays[array.id] for array in binding.arrays), moved)


def _copied_source(source: Source, copies: int, rows: int) -> Source:
    if not isinstance(source, ConstantSource):
        return CopiedSource(source, copies, rows)
    if not source.is_rowwise:
        return source
    value = np.asarray(source.value)
    return ConstantSource(np.tile(value, (copies, *[1] * (value.ndim - 1))), is_rowwise=True)
