"""What Python's operators mean on references.

x + y, x - y    addition, subtraction
a * x, x / c    multiplication(out = A in), with A = a and A = 1 / c
A @ x           multiplication with a matrix;  a @ x with a vector is dot(a, x)
-x              multiplication with -1
a & b, a | b    AND, OR;  ~a inside an expression is NOT
Constants are computed at once; what involves data but no random variable becomes an expression over data.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ForgottenTildeError, ModelError
from reactivepgm.graph.derived import Derived, is_fixed_symbol, stacked
from reactivepgm.graph.pending import Undrawn
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site, caller_site
from reactivepgm.nodes import ADDITION, AND, DOT, MULTIPLICATION, NOT, OR, SUBTRACTION, Node

LOGIC = {operator.and_: AND, operator.or_: OR, operator.invert: NOT}
OPERATORS = frozenset(
    {operator.add, operator.sub, operator.mul, operator.truediv, operator.matmul, operator.neg, operator.pow, *LOGIC}
)


@dataclass(frozen=True, slots=True)
class Operation:
    """A deterministic factor to be made; ``ranks`` are event ranks that the operator itself tells."""

    node: Node
    arguments: tuple[Any, ...]
    ranks: dict[str, int]


def is_random(value: Any) -> bool:
    """Whether a value is, or contains, a random reference."""
    if isinstance(value, Reference):
        return value.array.kind == "random"
    return isinstance(value, (tuple, list)) and any(is_random(part) for part in value)


def unwrapped(value: Any) -> Any:
    """The plain value of a constant reference; anything else as it is."""
    if isinstance(value, Reference) and value.array.kind == "constant":
        return value.array.value
    return value


def as_vector(value: Any) -> Any:
    """A list of numbers and data as the vector made of them, a list of such lists as a matrix; anything else as it is."""
    if type(value) not in (tuple, list) or is_random(value):
        return value
    parts = tuple(as_vector(unwrapped(part)) for part in value)
    owner = next((part.builder for part in parts if is_fixed_symbol(part)), None)
    return value if owner is None else Derived(owner, stacked, parts, {})


def read_operation(owner: Any, function: Callable[..., Any], operands: tuple[Any, ...], site: Site) -> Any:
    """An Operation where an operand is random, else the operation's value or an expression over data.

    Raises:
        ForgottenTildeError: an operand is a distribution or an undrawn factor.
        ModelError: an operator that makes no factor.
    """
    operands = tuple(as_vector(unwrapped(o)) for o in operands)
    if not any(is_random(o) for o in operands):
        if any(is_fixed_symbol(o) for o in operands):
            return Derived(owner, on_fixed(function), tuple(map(frozen, operands)), {})
        return function(*operands)
    for operand in operands:
        if isinstance(operand, Undrawn):
            operand.is_drawn = True  # said once
            raise ForgottenTildeError(
                site.letter(
                    f"{operand.spelled} is {operand.what} that was never drawn",
                    write=f"name = ~{operand.spelled}  first, and use that name",
                )
            )
        if isinstance(operand, Distribution):
            raise ForgottenTildeError(
                site.letter(f"{operand!r} is a factor that was never drawn", write="name = ~...  first, and use that name")
            )
    if function is operator.add:
        return Operation(ADDITION, operands, {})
    if function is operator.sub:
        return Operation(SUBTRACTION, operands, {})
    if function is operator.neg:
        return Operation(MULTIPLICATION, (-1.0, *operands), {})
    if function is operator.mul:
        left, right = operands
        return Operation(MULTIPLICATION, (right, left) if is_random(left) and not is_random(right) else (left, right), {})
    if function is operator.truediv and not is_random(operands[1]):
        inverse = read_operation(owner, operator.truediv, (1.0, operands[1]), site)
        return Operation(MULTIPLICATION, (inverse, operands[0]), {})
    if function in LOGIC:
        return Operation(LOGIC[function], operands, {})
    if function is operator.matmul:
        return _matrix_product(owner, operands, site)
    spelled = _NO_FACTOR.get(function, getattr(function, "__name__", repr(function)))
    cure = "z = ~f(x)  with a Python function f, for a deterministic factor of any form"
    if function is operator.xor:
        cure = f"(a | b) & ~(a & b)  of truth values; {cure}"
    raise ModelError(site.letter(f"{spelled} is no factor that arithmetic makes", write=cure))


_ON_BITS: dict[Callable[..., Any], str] = {operator.xor: "^", operator.lshift: "<<", operator.rshift: ">>"}
_NO_FACTOR: dict[Callable[..., Any], str] = {
    operator.truediv: "division by a random variable",
    operator.pow: "a power of a random variable",
    operator.floordiv: "// of a random variable",
    operator.mod: "% of a random variable",
    operator.abs: "abs of a random variable",
    **{function: f"{sign} of a random variable" for function, sign in _ON_BITS.items()},
}


def _logical(operation: Any, on_numbers: Callable[..., Any]) -> Callable[..., Any]:
    """An operation on truth values that may be booleans or the numbers 0 and 1, as data are."""

    def applied(*operands: Any) -> Any:
        kinds = [np.asarray(operand).dtype for operand in operands]
        return operation(*operands) if all(kind.kind == "b" for kind in kinds) else on_numbers(*operands)

    applied.__name__ = operation.__name__
    return applied


_LOGICAL = {function: _logical(function, node.target) for function, node in LOGIC.items()}


def on_fixed(function: Callable[..., Any]) -> Callable[..., Any]:
    """What an operator does to data: its own, but truth values may be the numbers 0 and 1.

    Raises:
        ModelError: an operator on bits, which data, as floats, do not have.
    """
    if function in _ON_BITS:
        raise ModelError(
            caller_site().letter(
                f"data are floats, which {_ON_BITS[function]} does not take",
                write="(a | b) & ~(a & b)  of truth values, y * 2.0**k and y // 2.0**k for shifts; or the numbers as an"
                " argument of the model instead of data=",
            )
        )
    return _LOGICAL.get(function, function)


def _matrix_product(owner: Any, operands: tuple[Any, ...], site: Site) -> Operation:
    left, right = operands
    if is_random(left) and is_random(right):
        return Operation(DOT, operands, {})
    if is_random(right) and isinstance(left, (tuple, list)):
        left = np.asarray(left, dtype=float)
        operands = (left, right)
    if isinstance(right, (tuple, list)) and not is_random(right):
        right = np.asarray(right, dtype=float)
        operands = (left, right)
    if any(isinstance(side, (int, float, np.number)) for side in operands):
        raise ModelError(site.letter("@ takes a matrix or a vector, no single number", write="a * x  for a number a"))
    if is_random(right):
        if len(shape_of(left)) == 1:
            return Operation(DOT, operands, {"in1": 1})
        return Operation(MULTIPLICATION, operands, {"A": 2})
    if len(shape_of(right)) == 1:
        return Operation(DOT, operands, {"in2": 1})
    transposed = read_function(owner, _transposed, (right,), {})
    return Operation(MULTIPLICATION, (transposed, left), {"A": 2})


def _transposed(matrix: Any) -> Any:
    return np.swapaxes(np.asarray(matrix), -1, -2)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of an operand; () where it is unknown."""
    if isinstance(value, (Reference, Derived)):
        return value.shape or ()
    return np.shape(value)


def read_function(owner: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of constants, computed; of data, an expression. Random arguments are the caller's business."""
    args = tuple(unwrapped(a) for a in args)
    kwargs = {name: unwrapped(value) for name, value in kwargs.items()}
    if any(_has_data(value) for value in (*args, *kwargs.values())):
        return Derived(owner, function, tuple(map(frozen, args)), {n: frozen(v) for n, v in kwargs.items()})
    return function(*args, **kwargs)


def _has_data(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(_has_data(part) for part in value)
    return is_fixed_symbol(value)


def frozen(value: Any) -> Any:
    """A copy of what the user could change in place before the expression is evaluated."""
    if isinstance(value, np.ndarray) and value.flags.writeable:
        return value.copy()
    return list(value) if isinstance(value, list) else value
