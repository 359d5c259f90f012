"""What a model computes with before there are numbers: operators that make factors or data expressions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from reactivepgm.distributions.marker import Symbolic
from reactivepgm.errors import ModelError, NoAttributeError
from reactivepgm.graph.site import caller_site

if TYPE_CHECKING:
    from reactivepgm.graph.builder import GraphBuilder

_OPERATORS: dict[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.true_divide: operator.truediv,
    np.matmul: operator.matmul,
    np.negative: operator.neg,
    np.power: operator.pow,
    np.floor_divide: operator.floordiv,
    np.remainder: operator.mod,
    np.absolute: operator.abs,
    np.logical_and: operator.and_,
    np.bitwise_and: operator.and_,
    np.logical_or: operator.or_,
    np.bitwise_xor: operator.xor,
    np.logical_xor: operator.xor,
    np.left_shift: operator.lshift,
    np.right_shift: operator.rshift,
    np.bitwise_or: operator.or_,
}


INSTEAD = "a model that does not branch on values; use a mixture, or pass a constant argument"

_FUNCTION = "z = ~f(x)  with a Python function f, for a deterministic factor"

_LIST = (
    "the list itself, as in dot([1.0, 2.0], [a, b]) or MvNormal(mean=[y[0], y[1]], ...);"
    " or z = ~f(x)  for a function of variables"
)
_OF_DATA = frozenset({"min", "max", "std", "var", "prod", "cumsum", "round", "reshape", "ravel", "transpose", "take", "repeat"})
"""The methods of arrays that data have as well."""


class Operand(Symbolic):
    """A reference to variables or an expression over data; Python's and NumPy's operators apply to it."""

    __slots__ = ()

    @property
    def builder(self) -> GraphBuilder:
        """The builder whose model this belongs to."""
        raise NotImplementedError

    @property
    def spelled(self) -> str:
        """How messages call it."""
        raise NotImplementedError

    def pending(self, constructor: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """What a distribution's constructor returns when an argument is symbolic: a factor that waits for its ``~``."""
        return self.builder.pending(constructor, tuple(args), dict(kwargs))

    @property
    def is_fixed(self) -> bool:
        """Whether it is data, a constant or made of these, so that any function of it has a value in the end."""
        return False

    def sum(self, axis: int | None = None) -> Any:
        """``np.sum``: of random variables a chain of additions."""
        return self.builder.function_of(np.sum, (self,), {} if axis is None else {"axis": axis})

    def mean(self, axis: int | None = None) -> Any:
        """``np.mean``: the sum divided by the number of elements."""
        return self.builder.function_of(np.mean, (self,), {} if axis is None else {"axis": axis})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in type(self).__slots__:
            raise AttributeError(name)
        if name in _OF_DATA and self.is_fixed:
            return lambda *args, **kwargs: self.builder.function_of(getattr(np, name), (self, *args), kwargs)
        cure = f"np.{name}(...)" if self.is_fixed else _FUNCTION
        raise NoAttributeError(caller_site().letter(f"{self.spelled} has no attribute {name}", write=cure))

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The axes in reverse order."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return self.builder.combine(operator.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return self.builder.combine(operator.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return self.builder.combine(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.builder.combine(operator.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return self.builder.combine(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.builder.combine(operator.mul, other, self)

    def __matmul__(self, other: Any) -> Any:
        return self.builder.combine(operator.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self.builder.combine(operator.matmul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return self.builder.combine(operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.builder.combine(operator.truediv, other, self)

    def __pow__(self, other: Any) -> Any:
        return self.builder.combine(operator.pow, self, other)

    def __rpow__(self, other: Any) -> Any:
        return self.builder.combine(operator.pow, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self.builder.combine(operator.floordiv, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self.builder.combine(operator.floordiv, other, self)

    def __mod__(self, other: Any) -> Any:
        return self.builder.combine(operator.mod, self, other)

    def __rmod__(self, other: Any) -> Any:
        return self.builder.combine(operator.mod, other, self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __xor__(self, other: Any) -> Any:
        return self.builder.combine(operator.xor, self, other)

    def __rxor__(self, other: Any) -> Any:
        return self.builder.combine(operator.xor, other, self)

    def __lshift__(self, other: Any) -> Any:
        return self.builder.combine(operator.lshift, self, other)

    def __rlshift__(self, other: Any) -> Any:
        return self.builder.combine(operator.lshift, other, self)

    def __rshift__(self, other: Any) -> Any:
        return self.builder.combine(operator.rshift, self, other)

    def __rrshift__(self, other: Any) -> Any:
        return self.builder.combine(operator.rshift, other, self)

    def __abs__(self) -> Any:
        return self.builder.combine(operator.abs, self)

    def __round__(self, digits: int = 0) -> Any:
        return self.builder.function_of(np.round, (self, digits), {})

    def __trunc__(self) -> Any:
        return self.builder.function_of(np.trunc, (self,), {})

    def __floor__(self) -> Any:
        return self.builder.function_of(np.floor, (self,), {})

    def __ceil__(self) -> Any:
        return self.builder.function_of(np.ceil, (self,), {})

    def __and__(self, other: Any) -> Any:
        return self.builder.combine(operator.and_, self, other)

    def __rand__(self, other: Any) -> Any:
        return self.builder.combine(operator.and_, other, self)

    def __or__(self, other: Any) -> Any:
        return self.builder.combine(operator.or_, self, other)

    def __ror__(self, other: Any) -> Any:
        return self.builder.combine(operator.or_, other, self)

    def __neg__(self) -> Any:
        return self.builder.combine(operator.neg, self)

    def __pos__(self) -> Any:
        return self

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        # NumPy hands over here when an array meets a reference, `A @ x` included, and for functions such as np.exp.
        if method == "__call__" and not kwargs and ufunc in _OPERATORS:
            return self.builder.combine(_OPERATORS[ufunc], *inputs)
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.builder.function_of(function, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self.builder.function_of(function, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse("an array of numbers", _LIST)

    def __bool__(self) -> bool:  # noqa: PLE0304 - it never returns
        self._refuse("a truth value", INSTEAD)

    def __float__(self) -> float:
        self._refuse("a number")

    def __int__(self) -> int:
        self._refuse("a number")

    def __index__(self) -> int:  # noqa: PLE0305 - it never returns
        self._refuse("an index", "the index as a constant argument, not in data=")

    def __lt__(self, other: Any) -> bool:
        self._refuse("a comparison", INSTEAD)

    __le__ = __gt__ = __ge__ = __lt__

    def _refuse(self, what: str, write: str | None = None) -> NoReturn:
        if write is None:
            write = "NumPy's function of it, such as np.floor(...), which waits for the data" if self.is_fixed else _FUNCTION
        raise ModelError(
            caller_site().letter(f"{self.spelled} has no value while the model is built, so it cannot be {what}", write=write)
        )
