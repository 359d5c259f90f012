"""A constant made by hand: one shared copy that acts like its value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reactivepgm.graph.reference import Reference
from reactivepgm.graph.variable import VariableArray


class ConstantReference(Reference):
    """What ``constvar`` gives: in a factor it is the same constant each time, elsewhere it is its value.

    Args:
        array: the array that holds the value.

    Example:
        >>> from reactivepgm.graph import GraphBuilder
        >>> c = GraphBuilder().constant([1.0, 2.0], "c")
        >>> c[1], c.value, len(c)
        (2.0, [1.0, 2.0], 2)
    """

    __slots__ = ()

    def __init__(self, array: VariableArray) -> None:
        super().__init__(array, 0, array.shape)

    @property
    def value(self) -> Any:
        """The value."""
        return self.array.value

    def __getitem__(self, key: Any) -> Any:
        return self.array.value[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.array.value)

    def __bool__(self) -> bool:
        return bool(self.array.value)

    def __float__(self) -> float:
        return float(self.array.value)

    def __int__(self) -> int:
        return int(self.array.value)

    def __index__(self) -> int:
        return int(self.array.value.__index__())

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.array.value, dtype=dtype)

    def __lt__(self, other: Any) -> Any:
        return self.array.value < other

    def __le__(self, other: Any) -> Any:
        return self.array.value <= other

    def __gt__(self, other: Any) -> Any:
        return self.array.value > other

    def __ge__(self, other: Any) -> Any:
        return self.array.value >= other

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Reference):
            return self.array is other.array
        return bool(np.all(self.array.value == other))

    def __hash__(self) -> int:
        return id(self.array)
