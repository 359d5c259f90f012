"""Which elements of the data any factor reads; the others may stay without a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from reactivepgm.graph.ancestral import data_cells, data_sources
from reactivepgm.graph.binding import FixedBinding, MixedBinding
from reactivepgm.graph.family import Family
from reactivepgm.graph.variable import VariableArray


def elements_read(families: Iterable[Family], array: VariableArray) -> NDArray[np.bool_]:
    """Which elements of a data array factors read, in the array's shape.

    An expression over the whole array reads all of it, and so does what has values of a shape that nobody knows yet.

    Example:
        >>> from reactivepgm.graph import GraphBuilder
        >>> builder = GraphBuilder()
        >>> y = builder.data("y", (3,))
        >>> _ = builder.add("NormalMeanVariance", {"out": y[1:], "mean": 0.0, "variance": 1.0})
        >>> graph = builder.finish()
        >>> elements_read(graph.families, graph.data[0])
        array([False,  True,  True])
    """
    read = np.zeros(array.size, dtype=bool)
    for binding in _fixed(families):
        if array.name not in binding.names:
            continue
        sources = data_sources(binding.source)
        if sources is None:
            read[:] = True
        for source in sources or ():
            if source.array is not array:
                continue
            if source.event is None and not source.is_scattered:
                read[data_cells(source, binding.rows)] = True
            elif array.value_shape is None:
                read[:] = True
            else:
                read[data_cells(source, binding.rows) // prod(array.value_shape)] = True
    return read.reshape(array.shape)


def _fixed(families: Iterable[Family]) -> Iterator[FixedBinding]:
    for family in families:
        for binding in family.bindings.values():
            if isinstance(binding, FixedBinding):
                yield binding
            elif isinstance(binding, MixedBinding):
                yield from binding.clamped.values()
