"""Which arrays and families belong together, so that n variables are drawn once: plates, and the labels of edges.

A plate holds the arrays and families whose elements and rows correspond one to one, as the variables of a chain and the
factors between them do. An edge that reaches only some elements says which.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray

from reactivepgm.graph.binding import FixedBinding, MixedBinding, RandomBinding
from reactivepgm.graph.family import Family
from reactivepgm.graph.variable import VariableArray

IntArray = NDArray[np.intp]
Item = tuple[str, Hashable]


@dataclass(eq=False)
class Plate:
    """Arrays and families of equally many members.

    Args:
        shape: how many members there are.
        arrays: names of the arrays.
        families: numbers of the families.
        inner: plates repeated in each member of this one.
        within: how many axes of the shape the plates around this one already count.
    """

    shape: tuple[int, ...] = ()
    arrays: list[str] = field(default_factory=list)
    families: list[int] = field(default_factory=list)
    inner: list[Plate] = field(default_factory=list)
    within: int = 0

    @property
    def label(self) -> str:
        """The number of members: ``"100"`` or ``"20 × 3"``."""
        return " × ".join(map(str, self.shape[self.within :]))


def plates_of(arrays: tuple[VariableArray, ...], families: tuple[Family, ...]) -> list[Plate]:
    """The outermost plates of a graph, with those inside them."""
    known = {array.name: array for array in arrays}
    group = _Groups()
    for family in families:
        linked = [(array, size) for array, rows, size, is_one_to_one in _links(family, known) if is_one_to_one and size > 1]
        # A family of 19 rows between 20 states belongs to them, unless something else there has 19 members, too.
        exact = [array for array, size in linked if size == family.rows]
        for array in exact or [array for array, size in linked if 2 * family.rows > size]:
            group.join(("family", family.id), ("array", array.name))
        _join_components(family, group)
    found: dict[Item, Plate] = {}
    for array in arrays:
        if array.size > 1:
            root = group.root(("array", array.name))
            found.setdefault(root, Plate()).arrays.append(array.name)
    for family in families:
        if family.rows > 1:
            root = group.root(("family", family.id))
            found.setdefault(root, Plate()).families.append(family.id)
    for plate in found.values():
        plate.shape = _shape([known[name] for name in plate.arrays], [families[id].rows for id in plate.families])
    return _nested(list(found.values()), known, families)


def _shape(arrays: list[VariableArray], rows: list[int]) -> tuple[int, ...]:
    """The largest shape of a random array; of data alone, as many leading axes as make up the rows."""
    random = [array.shape for array in arrays if array.kind == "random"]
    if random:
        return max(random, key=prod)
    count = max(rows, default=0)
    shapes = [array.shape[:k] for array in arrays for k in range(1, len(array.shape) + 1)]
    fitting = [shape for shape in shapes if prod(shape) == count]
    return fitting[0] if fitting else (count,) if count else max((array.shape for array in arrays), key=prod)


class _Groups:
    """Union and find."""

    def __init__(self) -> None:
        self._parent: dict[Item, Item] = {}

    def root(self, item: Item) -> Item:
        parent = self._parent.setdefault(item, item)
        while parent != item:
            item, parent = parent, self._parent[parent]
        return item

    def join(self, one: Item, other: Item) -> None:
        self._parent[self.root(one)] = self.root(other)


def _links(family: Family, known: dict[str, VariableArray]) -> Iterator[tuple[VariableArray, int, int, bool]]:
    """(array, rows, members of the array, whether rows and members correspond) for each edge of a family."""
    for binding in family.bindings.values():
        if isinstance(binding, FixedBinding):
            for name in binding.names:
                sizes = [prod(known[name].shape[:k]) for k in range(1, len(known[name].shape) + 1)] or [1]
                yield known[name], family.rows, family.rows if family.rows in sizes else sizes[0], binding.source.is_rowwise
        elif binding.index.ndim == 1:
            array = binding.arrays[0]
            yield array, family.rows, array.size, is_one_to_one(binding.index)


def is_one_to_one(index: IntArray) -> bool:
    """Whether no element is named twice."""
    return len(index) < 2 or bool((np.diff(index) > 0).all()) or len(np.unique(index)) == len(index)


def _join_components(family: Family, group: _Groups) -> None:
    """The means and the precisions of a mixture's components are numbered alike."""
    plural: dict[int, VariableArray] = {}
    for binding in family.bindings.values():
        if isinstance(binding, RandomBinding) and not isinstance(binding, MixedBinding) and binding.index.ndim == 2:
            array = binding.arrays[0]
            if len(set(map(id, binding.arrays))) == 1 and array.size == binding.index.shape[1] > 1:
                first = plural.setdefault(array.size, array)
                group.join(("array", first.name), ("array", array.name))


def _nested(plates: list[Plate], known: dict[str, VariableArray], families: tuple[Family, ...]) -> list[Plate]:
    """Puts a plate of n × m into the plate of n whose members each of its rows of m refers to, where that is unique."""
    home = {name: plate for plate in plates for name in plate.arrays}
    outer: dict[int, set[int]] = {}
    for number, plate in enumerate(plates):
        for family in (families[id] for id in plate.families):
            for binding in family.bindings.values():
                if isinstance(binding, FixedBinding) or binding.index.ndim != 1:
                    continue
                other = home.get(binding.arrays[0].name)
                if other is None or other is plate or len(plate.shape) < 2:
                    continue
                repeated = np.repeat(np.arange(plate.shape[0]), prod(plate.shape[1:]))
                is_outer = other.shape == plate.shape[:1] and np.array_equal(binding.index, repeated)
                outer.setdefault(number, set()).add(plates.index(other) if is_outer else -1)
    inner: set[int] = set()
    for number, candidates in outer.items():
        if len(candidates) == 1 and -1 not in candidates:
            plate, (host,) = plates[number], candidates
            plates[host].inner.append(plate)
            plate.within = 1
            inner.add(number)
    return [plate for number, plate in enumerate(plates) if number not in inner]


def reach(array: VariableArray, index: IntArray) -> str:
    """Which elements an edge reaches, as a subscript: empty where it is all of them in order, or no short rule.

    Example:
        >>> from reactivepgm.graph import Site
        >>> x = VariableArray(0, "x", "random", (10,), Site("m.py", 1, ""))
        >>> reach(x, np.arange(1, 10)), reach(x, np.array([0])), reach(x, np.arange(10)), reach(x, np.arange(0, 10, 3))
        ('[1:]', '[0]', '', '[::3]')
        >>> reach(x, np.arange(9))
        '[:-1]'
    """
    if array.size <= 1 or not len(index):
        return ""
    first, last = int(index[0]), int(index[-1])
    if (index == first).all():
        return array.element_name(first)[len(array.name) :]
    step = int(index[1]) - first
    if len(array.shape) != 1 or step < 1 or not bool((np.diff(index) == step).all()) or len(index) == array.size:
        return ""
    start = "" if first == 0 else str(first)
    behind = array.size - 1 - last
    stop = "" if behind < step else str(-behind) if behind < last else str(last + 1)
    return f"[{start}:{stop}{f':{step}' if step > 1 else ''}]"


def lags(family: Family) -> dict[str, str]:
    """How the edges into one array are shifted against the output: ``{"out": "t", "mean": "t − 1"}``; empty where not.

    Only where the family links an array to itself by a constant distance.
    """
    output = next(iter(family.bindings.values()))
    if not isinstance(output, RandomBinding) or output.index.ndim != 1 or family.rows < 2:
        return {}
    found = {}
    for name, binding in family.random.items():
        if binding.index.ndim == 1 and binding.arrays[0] is output.arrays[0]:
            shift = binding.index - output.index
            if len(np.unique(shift)) != 1:
                return {}
            distance = int(shift[0])
            found[name] = "t" if distance == 0 else f"t {'−' if distance < 0 else '+'} {abs(distance)}"
    return found if len(found) > 1 else {}
