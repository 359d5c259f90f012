"""An array that nobody declared: drawing ``x[0]``, ``x[1]``, ... lets it grow by one element at a time."""

from __future__ import annotations

from typing import Any

from reactivepgm.errors import UndeclaredVariableError
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import caller_site
from reactivepgm.graph.variable import VariableArray


class GrowingReference(Reference):
    """All elements drawn so far; what lies beyond is undeclared.

    Args:
        array: the array.
        first: number of its first element that belongs to the reference.

    Example:
        >>> from reactivepgm.graph import GraphBuilder
        >>> x = GraphBuilder().growing("x")
        >>> x.drawn(0), x.drawn(1), len(x)
        (x[0], x[1], 2)
    """

    __slots__ = ()

    def __init__(self, array: VariableArray, first: int = 0) -> None:
        super().__init__(array, first, (0,))

    def drawn(self, key: Any) -> Reference:
        """The element that a statement draws: one that exists, or the next one.

        Raises:
            UndeclaredVariableError: any other index.
        """
        count = self.shape[0]
        if type(key) is int and key == count and self.array.size == self.first + count:
            self.array.grow(1)
            self.shape = (count + 1,)
        return self[key]

    def _outside(self, key: Any) -> str:
        name, count = self.array.name, self.shape[0]
        shown = ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)
        so_far = f"{name}[0] to {name}[{count - 1}] are drawn so far" if count else f"no element of {name} is drawn yet"
        return caller_site().letter(
            f"{name}[{shown}] was never declared: {so_far}", write=f"{name} = randomvar(n)  before the first use of {name}[...]"
        )

    def __getitem__(self, key: Any) -> Reference:
        if self.shape == (0,):
            raise UndeclaredVariableError(self._outside(key))
        return super().__getitem__(key)
