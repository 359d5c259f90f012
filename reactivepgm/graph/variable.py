"""An array of variables: random, data or constant. ``x[t]`` is a reference into one."""

from __future__ import annotations

from math import prod
from typing import Any, Literal

import numpy as np

from reactivepgm.graph.scope import ROOT, Scope
from reactivepgm.graph.site import Site

Kind = Literal["random", "data", "constant"]


class VariableArray:
    """One named array of variables.

    Args:
        id: position among all arrays of the graph.
        name: the name it was declared or drawn under; unique in the graph.
        kind: "random", "data" or "constant".
        shape: the array's shape; () is a single variable. Of data whose value was known while building, the shape
            of the whole value.
        site: where it was declared or first drawn.
        anonymous: whether the library made the name up.
        value_shape: of data, the shape of one element's value; None while nobody knows.
        value: the constant's value; of data, the value known while building, else None.
        scope: the instance of a model inside the model that made it.

    Example:
        >>> VariableArray(0, "x", "random", (3, 2), Site("m.py", 1, "x = randomvar(3, 2)")).size
        6
    """

    __slots__ = (
        "_block",
        "_grown",
        "anonymous",
        "block",
        "builder",
        "constraints",
        "graph",
        "id",
        "is_unfactorised",
        "kind",
        "name",
        "rank",
        "scope",
        "shape",
        "site",
        "value",
        "value_shape",
    )

    def __init__(
        self,
        id: int,
        name: str,
        kind: Kind,
        shape: tuple[int, ...],
        site: Site,
        *,
        anonymous: bool = False,
        value_shape: tuple[int, ...] | None = (),
        value: Any = None,
        builder: Any = None,
        scope: Scope = ROOT,
    ) -> None:
        self.id = id
        self.name = name
        self.kind = kind
        self.shape = shape
        self.site = site
        self.anonymous = anonymous
        self.value_shape = value_shape
        self.value = value
        self.builder = builder
        self.graph: Any = None
        self.constraints: dict[str, Any] = {}
        self.scope = scope
        self.is_unfactorised = False
        """Whether data stay in their factors' clusters."""
        self.rank: int | None = None
        """The number of axes of one variable's value, as far as the factors that draw it tell."""
        self._grown = -1
        self._block: tuple[int, ...] | None = shape
        self.block = shape
        """The shape that one run of its statement gives it."""

    @property
    def size(self) -> int:
        """The number of variables."""
        return self._grown if self._grown >= 0 else prod(self.shape)

    def grow(self, count: int, block: tuple[int, ...] = ()) -> int:
        """Add elements drawn by another run of the same statement; the number of the first one.

        The shape follows when the graph is finished: (runs, *block) where all runs have one shape, else flat.
        """
        first = self._grown
        if first < 0:
            first = prod(self.shape)
        if block != self.block:
            self._block = None
        self._grown = first + count
        return first

    def keep(self, count: int) -> None:
        """Only so many elements remain, because the others turned out to be other variables."""
        if count != self.size:
            self._grown, self._block = count, None

    def settle(self) -> None:
        """Take the final shape; the builder calls this once."""
        if self._grown >= 0:
            block = self._block or ()
            self.shape = (self._grown // prod(block), *block) if prod(block) else (self._grown,)
            self._grown = -1
        self.builder = None

    @property
    def local_name(self) -> str:
        """The name inside its own model."""
        return self.name.removeprefix(self.scope.prefix)

    def element_name(self, element: int) -> str:
        """The name of one element, as errors print it.

        Example:
            >>> VariableArray(0, "x", "random", (3, 2), Site("m.py", 1, "")).element_name(5)
            'x[2, 1]'
        """
        if self.shape == () and self._grown < 0:
            return self.name
        if self._grown >= 0 or len(self.shape) == 1:
            return f"{self.name}[{element}]"
        return f"{self.name}[{', '.join(str(int(i)) for i in np.unravel_index(element, self.shape))}]"

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} {self.shape}>"
