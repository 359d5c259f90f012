"""A part of a graph: some rows of its families, some elements of its arrays, and the data of these rows alone.

Element j of an array in the part is element ``elements[j]`` of the whole; row i of a family is row ``rows[i]``. Fixed values
are read once and cut, so that a part holds, and takes along to another process, no datum of another part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.graph.binding import Binding, FixedBinding, MixedBinding, RandomBinding
from reactivepgm.graph.family import Family
from reactivepgm.graph.graph import Graph
from reactivepgm.graph.variable import VariableArray

IntArray = NDArray[np.intp]


class HeldSource:
    """Values that were read before.

    Args:
        value: (rows, *event), or (*event) where all rows share it.
        is_rowwise: whether there is a row axis.
    """

    names: tuple[str, ...] = ()

    def __init__(self, value: Any, is_rowwise: bool) -> None:
        self.value = value
        self.is_rowwise = is_rowwise

    def read(self, values: Mapping[str, Any]) -> Any:
        """The values."""
        return self.value

    def canonical(self, rows: int) -> tuple[Any, ...]:
        """The value for every row."""
        value = np.asarray(self.value)
        return ("constant", value if self.is_rowwise else np.broadcast_to(value, (rows, *value.shape)))


class Cutter:
    """Cuts parts out of one graph.

    Args:
        graph: the whole.
        data: values by name, as ``graph.read_data`` gives them.

    Example:
        >>> import numpy as np
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> from reactivepgm.graph import GraphBuilder, Site
        >>> site = Site("m.py", 1, "x = ~NormalMeanVariance(0.0, 1.0)")
        >>> builder = GraphBuilder()
        >>> x = builder.random("x", (5,), site)
        >>> _ = builder.add(NormalMeanVariance, {"out": x, "mean": 0.0, "variance": 1.0}, site=site)
        >>> graph = builder.finish()
        >>> part = Cutter(graph, {}).part({0: np.array([1, 3])}, {x.array.id: np.array([1, 3])})
        >>> part.variable("x").shape, part.families[0].rows
        ((2,), 2)
    """

    def __init__(self, graph: Graph, data: Mapping[str, Any]) -> None:
        self._graph = graph
        self._data = data
        self._read: dict[FixedBinding, Any] = {}

    def part(self, rows: Mapping[int, IntArray], elements: Mapping[int, IntArray]) -> Graph:
        """The part with these rows and elements.

        Args:
            rows: by family id, in increasing order; a family that is absent has none.
            elements: by array id, in increasing order, at least those the rows refer to; an array that is absent has none.
        """
        none = np.zeros(0, dtype=np.intp)
        kept = {array.id: elements.get(array.id, none) for array in self._graph.random}
        arrays = {array.id: _cut_array(array, kept[array.id]) for array in self._graph.random}
        families = tuple(self._family(f, rows.get(f.id, none), arrays, kept) for f in self._graph.families)
        return Graph(tuple(arrays.values()), families, forms=self._graph.forms)

    def _family(
        self, family: Family, rows: IntArray, arrays: Mapping[int, VariableArray], kept: Mapping[int, IntArray]
    ) -> Family:
        chosen = as_slice(rows)
        bindings = {name: self._binding(b, chosen, len(rows), arrays, kept) for name, b in family.bindings.items()}
        return replace(family, rows=len(rows), bindings=bindings)

    def _binding(
        self,
        binding: Binding,
        chosen: slice | IntArray,
        rows: int,
        arrays: Mapping[int, VariableArray],
        kept: Mapping[int, IntArray],
    ) -> Binding:
        if isinstance(binding, FixedBinding):
            return self._fixed(binding, chosen, rows)
        if isinstance(binding, MixedBinding):
            parts: dict[int, RandomBinding | FixedBinding] = {}
            for number, array, index in binding.components():
                assert number is not None
                parts[number] = RandomBinding((arrays[array.id],), _renumbered(index[chosen], kept[array.id], array.size))
            for number, fixed in binding.clamped.items():
                parts[number] = self._fixed(fixed, chosen, rows)
            return MixedBinding([parts[number] for number in range(binding.width)])
        if binding.index.ndim == 1 or len(binding.arrays) == 1:
            (array,) = binding.arrays
            moved = _renumbered(binding.index[chosen], kept[array.id], array.size)
        else:
            columns = [_renumbered(index[chosen], kept[array.id], array.size) for _, array, index in binding.components()]
            moved = np.stack(columns, axis=1)
        return RandomBinding(tuple(arrays[array.id] for array in binding.arrays), moved)

    def _fixed(self, binding: FixedBinding, chosen: slice | IntArray, rows: int) -> FixedBinding:
        source = binding.source
        if binding not in self._read:
            self._read[binding] = source.read(self._data)
        value = self._read[binding]
        held = HeldSource(np.asarray(value)[chosen] if source.is_rowwise else value, source.is_rowwise)
        made = FixedBinding(held, rows, binding.node, binding.interface, binding.site, is_plural=binding.is_plural)
        made.categories = binding.categories
        return made


def as_slice(index: IntArray) -> slice | IntArray:
    """The slice that equals an increasing index array, where one does: slicing copies nothing."""
    if len(index) and index[-1] - index[0] == len(index) - 1:
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


def _cut_array(array: VariableArray, elements: IntArray) -> VariableArray:
    shape = array.shape if len(elements) == array.size else (len(elements),)
    made = VariableArray(array.id, array.name, array.kind, shape, array.site, anonymous=array.anonymous, scope=array.scope)
    made.is_unfactorised, made.rank = array.is_unfactorised, array.rank
    return made


def _renumbered(index: IntArray, kept: IntArray, size: int) -> IntArray:
    if len(kept) == size:
        return index
    chosen = as_slice(kept)
    if isinstance(chosen, slice):
        moved: IntArray = index - np.intp(chosen.start)
        return moved
    places: IntArray = np.searchsorted(kept, index).astype(np.intp)
    return places
