"""Forests that were planned before: the same structure with other numbers is not planned again.

A plan depends on which elements the factors join and on their dimensions alone, so that is what is compared, index by
index; data, constants and parameters may all be others. How many are kept is bounded by the indices in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Ends = Sequence[tuple[int, NDArray[np.intp]]]
Forest = TypeVar("Forest")
_ROOM = 1_000_000


class Remembered(Generic[Forest]):
    """Makes forests, or finds them among the last ones.

    Args:
        room: how many indices those that are kept may have together; a forest with more is not kept.

    Example:
        >>> made, ends = [], [((0, np.array([1, 2])), (0, np.array([0, 1])))]
        >>> forests = Remembered()
        >>> one = forests([3], [1], ends, lambda: made.append("planned") or len(made))
        >>> again = forests([3], [1], [((0, np.array([1, 2])), (0, np.array([0, 1])))], lambda: made.append("planned"))
        >>> one == again, made
        (True, ['planned'])
    """

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._kept: list[tuple[object, list[NDArray[np.intp]], Forest]] = []
        self._lock = Lock()

    def __call__(
        self, sizes: Sequence[int], dims: Sequence[int], families: Sequence[Ends], make: Callable[[], Forest]
    ) -> Forest:
        """The forest of this structure.

        Args:
            sizes: the number of variables in each array.
            dims: their dimension.
            families: the ends of every family: array and elements.
            make: plans it.
        """
        key = tuple(sizes), tuple(dims), tuple(tuple((array, len(index)) for array, index in ends) for ends in families)
        indices = [index for ends in families for _, index in ends]
        with self._lock:
            for position, (known, before, forest) in enumerate(self._kept):
                if known == key and all(map(np.array_equal, before, indices)):
                    self._kept.append(self._kept.pop(position))
                    return forest
        forest = make()
        size = sum(map(len, indices))
        if size <= self._room:
            with self._lock:
                self._kept.append((key, [index.copy() for index in indices], forest))
                while sum(len(index) for _, before, _ in self._kept for index in before) > self._room:
                    del self._kept[0]
        return forest

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
