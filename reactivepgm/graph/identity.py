"""Two names for one variable: what a model inside a model returns *is* the variable that the statement draws.

While the model runs the two keep their own elements; when it is finished every row that mentions the inner one comes to
mention the outer one, and the inner elements are gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import ModelError
from reactivepgm.graph.binding import Binding, FixedBinding, MixedBinding, RandomBinding
from reactivepgm.graph.column import DataColumn
from reactivepgm.graph.family import Family
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site
from reactivepgm.graph.source import SelectedSource
from reactivepgm.graph.variable import VariableArray

IntArray = NDArray[np.intp]
Home = tuple[VariableArray, tuple[int, ...] | None]
"""Where elements went: an array, and of data the shape of one element's value."""


@dataclass
class Moved:
    """Of one array: for each element the number of its home and its element there. Home 0 is the array itself."""

    homes: list[Home]
    home: IntArray
    element: IntArray

    @property
    def remaining(self) -> int:
        """How many elements stay."""
        return int((self.home == 0).sum())


class Identities:
    """Which elements are other elements by another name."""

    def __init__(self) -> None:
        self._moves: dict[VariableArray, dict[int, tuple[Home, int]]] = {}
        self._settled: dict[VariableArray, Moved] = {}

    def __bool__(self) -> bool:
        return bool(self._moves)

    def target(self, reference: Reference) -> Reference | None:
        """What a single variable was identified with already, if anything."""
        moves = self._moves.get(reference.array)
        if moves is None or reference.first not in moves or reference.shape:
            return None
        (array, event), element = moves[reference.first]
        return Reference(array, element * prod(event or ()), event or ())

    def add(self, inner: Reference, outer: Reference, site: Site) -> None:
        """Identify random variables with others, or with data.

        Raises:
            ModelError: shapes that do not fit, or a variable that would be two others.
        """
        shape = inner.shape
        if outer.shape[: len(shape)] != shape or (outer.kind == "random" and outer.shape != shape):
            raise ModelError(
                site.letter(
                    f"what is returned has shape {shape}, and {outer!r} has shape {outer.shape}",
                    write="a target of the same shape",
                )
            )
        event: tuple[int, ...] | None = outer.shape[len(shape) :]
        if outer.kind == "data" and outer.array.value_shape is None:
            event = None
        moves = self._moves.setdefault(inner.array, {})
        home = (outer.array, event)
        block = prod(event or ()) or 1
        if not shape:
            pairs: Any = ((inner.first, outer.first),)
        else:
            firsts = outer.elements.reshape(inner.size, -1)[:, 0]
            pairs = zip(inner.elements.ravel().tolist(), firsts.tolist(), strict=True)
        for element, first in pairs:
            if element in moves:
                raise ModelError(
                    site.letter(f"{inner!r} would be two variables at once: {outer!r} and another", write="one target for it")
                )
            moves[element] = (home, first // block)

    def settle(self) -> None:
        """Follow chains and number what remains; to be called before the arrays take their final shapes."""
        for array, moves in self._moves.items():
            homes: list[Home] = [(array, ())]
            numbers: dict[Any, int] = {}
            home, element = np.zeros(array.size, dtype=np.intp), np.zeros(array.size, dtype=np.intp)
            for inner, place in moves.items():
                while (further := self._moves.get(place[0][0])) is not None and place[1] in further:
                    place = further[place[1]]
                key = (place[0][0].id, place[0][1])
                if key not in numbers:
                    numbers[key] = len(homes)
                    homes.append(place[0])
                home[inner], element[inner] = numbers[key], place[1]
            stays = home == 0
            element[stays] = np.arange(stays.sum())
            self._settled[array] = Moved(homes, home, element)
        for moved in self._settled.values():
            for number, (array, _) in enumerate(moved.homes[1:], 1):
                if (other := self._settled.get(array)) is not None:
                    here = moved.home == number
                    moved.element[here] = other.element[moved.element[here]]
        for array in self._moves:
            array.keep(self._settled[array].remaining)

    def is_gone(self, array: VariableArray) -> bool:
        """Whether all elements of an array were identified with others."""
        moved = self._settled.get(array)
        return moved is not None and moved.remaining == 0 and len(moved.home) > 0

    def aliases(self) -> Iterator[tuple[str, VariableArray]]:
        """The names of arrays that are gone, and what they are now where that is one array."""
        for array in self._moves:
            moved = self._settled[array]
            if self.is_gone(array) and len(moved.homes) == 2:
                yield array.name, moved.homes[1][0]

    def resolved(self, value: Any) -> Any:
        """A reference, or a container of references, in terms of what remains."""
        if isinstance(value, Reference):
            return self._resolved(value)
        if type(value) in (tuple, list):
            return type(value)(self.resolved(part) for part in value)
        if type(value) is dict:
            return {key: self.resolved(part) for key, part in value.items()}
        return value

    def _resolved(self, reference: Reference) -> Reference:
        moved = self._settled.get(reference.array)
        if moved is None or reference.kind != "random":
            return reference
        homes = np.unique(moved.home[reference.elements])
        if len(homes) != 1:
            return reference
        array, event = moved.homes[int(homes[0])]
        numbers = moved.element[reference.elements]
        if array.kind == "data" and event:
            numbers = numbers[..., None] * prod(event) + np.arange(prod(event))
            numbers = numbers.reshape(*reference.shape, *event)
        return Reference(array, int(numbers.flat[0]) if numbers.size else 0, numbers.shape, numbers)

    def applied(self, family: Family) -> list[tuple[IntArray | None, Family]]:
        """A family in terms of what remains: itself, or one for each kind of rows it now has, with those rows."""
        codes = []
        for binding in family.bindings.values():
            if isinstance(binding, RandomBinding):
                for _, array, index in binding.components():
                    moved = self._settled.get(array)
                    if moved is not None:
                        codes.append(moved.home[index])
        if not codes:
            return [(None, family)]
        kinds, inverse = np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)
        if len(kinds) == 1:
            return [(None, self._rewritten(family, None))]
        every = [np.flatnonzero(inverse.reshape(-1) == kind) for kind in range(len(kinds))]
        every.sort(key=lambda rows: int(rows[0]))
        return [(rows, self._rewritten(family, rows)) for rows in every]

    def _rewritten(self, family: Family, rows: IntArray | None) -> Family:
        bindings = {name: self._binding(family, name, binding, rows) for name, binding in family.bindings.items()}
        count = family.rows if rows is None else len(rows)
        fixed = {name for name, binding in bindings.items() if isinstance(binding, FixedBinding)}
        position = {name: i for i, name in enumerate(bindings)}
        parts = [tuple(n for n in cluster if n not in fixed) for cluster in family.clusters]
        clusters = [part for part in parts if part] + [(name,) for name in fixed]
        labels = {
            name: tuple(dict.fromkeys((*family.labels.get(name, ()), *_names(binding)))) for name, binding in bindings.items()
        }
        ordered = tuple(sorted(clusters, key=lambda cluster: position[cluster[0]]))
        return replace(family, rows=count, bindings=bindings, clusters=ordered, labels=labels)

    def _binding(self, family: Family, name: str, binding: Binding, rows: IntArray | None) -> Binding:
        if isinstance(binding, FixedBinding):
            return binding if rows is None else _selected(binding, rows)
        count = family.rows if rows is None else len(rows)
        parts: dict[int | None, Any] = {}
        for component, array, index in binding.components():
            index = index if rows is None else index[rows]
            moved = self._settled.get(array)
            home: Home = (array, ())
            if moved is not None:
                home = moved.homes[int(moved.home[index[0]])] if len(index) else home
                index = moved.element[index]
            parts[component] = _bound(family, name, home, index)
        if None in parts:
            made: Binding = parts[None]
            return made
        if isinstance(binding, MixedBinding):
            parts.update({k: part if rows is None else _selected(part, rows) for k, part in binding.clamped.items()})
        return MixedBinding.of([parts[k] for k in range(len(parts))], count, family.node, name, family.site)


def _bound(family: Family, name: str, home: Home, index: IntArray) -> RandomBinding | FixedBinding:
    array, event = home
    if array.kind == "random":
        return RandomBinding((array,), index)
    column = DataColumn(array, event)
    column.buffer.extend(index * column.block)
    return FixedBinding(column.settled(len(index)), len(index), family.node, name, family.site)


def _selected(binding: FixedBinding, rows: IntArray) -> FixedBinding:
    source = binding.source
    if source.is_rowwise:
        source = SelectedSource(source, rows)
    return FixedBinding(source, len(rows), binding.node, binding.interface, binding.site, is_plural=binding.is_plural)


def _names(binding: Binding) -> tuple[str, ...]:
    if isinstance(binding, RandomBinding):
        return tuple(array.name for _, array, _ in binding.components() if not array.anonymous)
    return binding.names
