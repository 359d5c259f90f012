"""A reference into an array of variables: ``x``, ``x[3]``, ``x[1:]``, ``x[i, j]``."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import ForgottenTildeError, ModelError, UndeclaredVariableError
from reactivepgm.graph.awaited import AwaitedFactor
from reactivepgm.graph.operand import INSTEAD, Operand
from reactivepgm.graph.pending import Undrawn
from reactivepgm.graph.site import caller_site
from reactivepgm.graph.variable import VariableArray


class Reference(Operand):
    """Some elements of a variable array, in the reference's own shape.

    Elements that follow one another are kept as the first number alone, so that ``x[t]`` in a loop stays cheap.

    Args:
        array: the array referred to.
        first: number of the first element, where elements are contiguous.
        shape: shape of the reference.
        numbers: element numbers (*shape) where they are not contiguous.
    """

    __slots__ = ("array", "first", "numbers", "shape")

    def __init__(
        self, array: VariableArray, first: int, shape: tuple[int, ...], numbers: NDArray[np.intp] | None = None
    ) -> None:
        self.array = array
        self.first = first
        self.shape = shape
        self.numbers = numbers

    @property
    def builder(self) -> Any:
        """The builder whose model this belongs to."""
        if self.array.builder is None:
            raise ModelError(
                caller_site().letter(f"the model of {self.spelled} is finished", write="the statement inside the model")
            )
        return self.array.builder

    @property
    def elements(self) -> NDArray[np.intp]:
        """Element numbers in the array, (*shape)."""
        if self.numbers is not None:
            return self.numbers
        return np.arange(self.first, self.first + prod(self.shape)).reshape(self.shape)

    @property
    def kind(self) -> str:
        """The array's kind: "random", "data" or "constant"."""
        return self.array.kind

    @property
    def is_fixed(self) -> bool:
        """Whether it is data or a constant."""
        return self.array.kind != "random"

    @property
    def name(self) -> str:
        """The array's name."""
        return self.array.name

    @property
    def is_whole(self) -> bool:
        """Whether all elements of the array are referred to, in order."""
        return self.numbers is None and self.first == 0 and prod(self.shape) == self.array.size

    @property
    def spelled(self) -> str:
        """How messages call it: kind and name, with the index where it is one element."""
        name = self.array.name if self.shape or self.is_whole else self.array.element_name(self.first)
        return f"the {self.array.kind} variable {name}"

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The elements with their axes in reverse order; of data and constants the transposed value."""
        if self.kind != "random":
            return self.builder.function_of(np.transpose, (self,), {})
        numbers = self.elements.T
        return Reference(self.array, self.first, numbers.shape, None if self.ndim < 2 else numbers)

    def __getitem__(self, key: Any) -> Reference:
        shape = self.shape
        if type(key) is int and shape and self.numbers is None:
            size = shape[0]
            place = key + size if key < 0 else key
            if 0 <= place < size:
                if len(shape) == 1:
                    return Reference(self.array, self.first + place, ())
                if len(shape) == 2:
                    return Reference(self.array, self.first + place * shape[1], shape[1:])
                return Reference(self.array, self.first + place * prod(shape[1:]), shape[1:])
        if type(key) is tuple and self.numbers is None and len(key) <= len(shape) and all(type(k) is int for k in key):
            chosen = self
            for k in key:
                chosen = chosen[k]
            return chosen
        return self._selected(key)

    def _selected(self, key: Any) -> Reference:
        if isinstance(key, Operand):
            key.__index__()
        if self.array.kind == "data" and self.array.value_shape is None and key is Ellipsis:
            return self
        try:
            chosen = self.elements[key]
        except IndexError as error:
            if not self.shape and self.array.builder is not None and self.array.builder.vectors.holds(self):
                return self.array.builder.as_rows(self)[key]  # type: ignore[no-any-return]
            raise UndeclaredVariableError(self._outside(key)) from error
        numbers = np.asarray(chosen, dtype=np.intp)
        first = int(numbers.flat[0]) if numbers.size else 0
        if numbers.size == 1 or np.array_equal(numbers.ravel(), np.arange(first, first + numbers.size)):
            return Reference(self.array, first, numbers.shape)
        return Reference(self.array, first, numbers.shape, numbers)

    def _outside(self, key: Any) -> str:
        name = self.array.name
        shown = ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)
        if self.array.kind == "data":
            fix = f"data of at least that size for {name}, or an index inside {self.shape}"
        elif self.shape == ():
            fix = f"{name} = randomvar(n)  before the first use of {name}[{shown}]"
        else:
            fix = f"{name} = randomvar(...)  with the size that {name}[{shown}] needs"
        if self.shape and not self.size:
            fix = f"a model for data that may be empty: no index of {name}, or  if len({name}):  before it"
        declared = "is a single variable" if self.shape == () else f"has shape {self.shape}"
        return caller_site().letter(f"{name}[{shown}] was never declared: {name} {declared}", write=fix)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(value, AwaitedFactor):
            value.tie(self, key)
            return
        site = caller_site()
        left, _, right = site.text.partition("=")
        is_call = bool(right) and "~" not in right
        cure = f"{left.strip()} = ~{right.strip()}" if is_call else f"{self.name}[...] = ~F(...)  as a statement of its own"
        if isinstance(value, Undrawn):
            value.is_drawn = True
            raise ForgottenTildeError(value.letter(site))
        raise ModelError(
            site.letter(f"an element of {self.spelled} is drawn from a factor, not assigned {value!r}", write=cure)
        )

    def __len__(self) -> int:
        if not self.shape:
            if self.array.builder is not None and self.array.builder.vectors.holds(self):
                return len(self.array.builder.as_rows(self))
            raise ModelError(caller_site().letter(f"{self.spelled} has no length", write=f"{self.name} = randomvar(n)"))
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __invert__(self) -> Any:
        return self.builder.inverted(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Reference):
            same = self.array is other.array and self.shape == other.shape
            return same and np.array_equal(self.elements, other.elements)
        if isinstance(other, (bool, int, float, complex, np.ndarray, np.generic)):
            self._refuse("compared", INSTEAD)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((id(self.array), self.first, self.shape))

    def __repr__(self) -> str:
        name = self.array.name
        if self.is_whole:
            return name
        return self.array.element_name(self.first) if not self.shape else f"{name}[{self.elements.tolist()}]"


def whole(array: VariableArray) -> Reference:
    """A reference to all of an array.

    Example:
        >>> from reactivepgm.graph.site import Site
        >>> x = whole(VariableArray(0, "x", "random", (3,), Site("m.py", 1, "")))
        >>> x[-1].elements.tolist(), x[1:].elements.tolist()
        (2, [1, 2])
    """
    return Reference(array, 0, array.shape)
