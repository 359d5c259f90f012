"""Expressions over data and constants: evaluated when the data are there, all rows of a statement at once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from reactivepgm.graph.operand import Operand
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.source import ConstantSource, DataSource, Source, StackedSource, datum

Shape = tuple[int, ...] | None
_UNKNOWN = "unknown"
_NONE: Mapping[str, Any] = {}
_NUMBERS = frozenset({float, int, bool, np.float64, np.int64})
ELEMENTWISE = frozenset({operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.pow})


class Derived(Operand):
    """A function applied to data.

    Args:
        owner: the builder.
        function: what is applied.
        args: constants, data references and further expressions.
        kwargs: the same by keyword.
    """

    __slots__ = ("_shape", "args", "function", "kwargs", "owner")

    def __init__(self, owner: Any, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.owner = owner
        self.function = function
        self.args = tuple(args)
        self.kwargs: Mapping[str, Any] = dict(kwargs) if kwargs else _NONE
        self._shape: Shape | str = _shape_at_once(function, self.args)

    @property
    def builder(self) -> Any:
        """The builder whose model this belongs to."""
        return self.owner

    @property
    def is_fixed(self) -> bool:
        """It is made of data."""
        return True

    @property
    def spelled(self) -> str:
        """How messages call it."""
        return f"the expression over data {', '.join(names_in([self]))}"

    @property
    def shape(self) -> Shape:
        """The value's shape, as far as it is known while building."""
        if isinstance(self._shape, str):
            self._shape = _shape_on_known_data(self)
        return self._shape

    @property
    def T(self) -> Derived:  # noqa: N802 - NumPy's name
        """The transposed value."""
        return Derived(self.owner, np.transpose, (self,), {})

    def __getitem__(self, key: Any) -> Derived:
        return Derived(self.owner, operator.getitem, (self, key), {})

    def __len__(self) -> int:
        if not self.shape:
            self._refuse("asked for its length")
        assert self.shape is not None
        return self.shape[0]

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __invert__(self) -> Derived:
        return Derived(self.owner, tilde_of_data, (self,), {})

    def __repr__(self) -> str:
        shown = ("..." if isinstance(a, Derived) else repr(a) for a in self.args)
        return f"{_name(self.function)}({', '.join(shown)})"


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", function))


def tilde_of_data(value: Any) -> Any:
    """Ordinary ``~`` where it means something; a deterministic statement over real data is the value itself."""
    return value if np.issubdtype(np.asarray(value).dtype, np.floating) else ~value


def stacked(*parts: Any) -> Any:
    """Numbers as a vector, vectors as the rows of a matrix."""
    return np.array(parts, dtype=np.float64)


def is_fixed_symbol(value: Any) -> bool:
    """Whether a value is data or an expression over data."""
    return isinstance(value, Derived) or (isinstance(value, Reference) and value.array.kind == "data")


def arguments_first(roots: Sequence[Any]) -> list[Derived]:
    """All expressions below the roots, arguments first; no recursion, however long a running sum is."""
    order: list[Derived] = []
    seen: set[int] = set()
    stack: list[tuple[Any, bool]] = [(root, False) for root in roots]
    while stack:
        item, done = stack.pop()
        if isinstance(item, (tuple, list)):
            stack.extend((part, False) for part in item)
        elif isinstance(item, Derived):
            if done:
                order.append(item)
            elif id(item) not in seen:
                seen.add(id(item))
                stack.append((item, True))
                stack.extend((part, False) for part in (*item.args, *item.kwargs.values()))
    return order


def names_in(expressions: Sequence[Any]) -> tuple[str, ...]:
    """The data that expressions need."""
    names: dict[str, None] = {}
    items = [*expressions, *(part for e in arguments_first(expressions) for part in (*e.args, *e.kwargs.values()))]
    for part in _flat(items):
        if isinstance(part, Reference) and part.array.kind == "data":
            names[part.array.name] = None
    return tuple(names)


def _flat(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, (tuple, list)):
            yield from _flat(item)
        else:
            yield item


def evaluate(expressions: Sequence[Any], values: Mapping[str, Any]) -> list[Any]:
    """The values of expressions, each shared part computed once."""
    done: dict[int, Any] = {}

    def value_of(item: Any) -> Any:
        if isinstance(item, Derived):
            return done[id(item)]
        if isinstance(item, Reference):
            return referred(item, values)
        if type(item) in (tuple, list):
            return type(item)(value_of(part) for part in item)
        return item

    for expression in arguments_first(expressions):
        arguments = [value_of(a) for a in expression.args]
        done[id(expression)] = expression.function(*arguments, **{k: value_of(v) for k, v in expression.kwargs.items()})
    return [value_of(e) for e in expressions]


def referred(reference: Reference, values: Mapping[str, Any]) -> Any:
    """The value of a data or constant reference."""
    if reference.array.kind == "constant":
        return reference.array.value
    value = datum(reference.array, values)
    if not isinstance(value, np.ndarray):
        return value
    event = value.shape[len(reference.array.shape) :]
    chosen = value.reshape(-1, *event)[reference.elements if reference.shape else reference.first]
    return chosen if np.ndim(chosen) or value.dtype != np.float64 else chosen.item()


def is_plain_fixed(value: Any) -> bool:
    """Whether a value is a number, data or an expression over data: what an expression may hold without a copy."""
    kind = type(value)
    return kind is Derived or kind in _NUMBERS or (kind is Reference and value.array.kind == "data")


def _shape_at_once(function: Callable[..., Any], args: tuple[Any, ...]) -> Shape | str:
    """Of a plain operator on operands of known shape; no recursion, however long a running sum is."""
    if function is stacked:
        inner = _shape_at_once(operator.add, args)
        return (len(args), *inner) if isinstance(inner, tuple) else _UNKNOWN
    if function not in ELEMENTWISE:
        return _UNKNOWN
    shapes = []
    for a in args:
        if type(a) in _NUMBERS:
            continue
        shape = a._shape if type(a) is Derived else a.shape if isinstance(a, Reference) else np.shape(a)
        if not isinstance(shape, tuple):
            return _UNKNOWN
        if shape:
            shapes.append(shape)
    return np.broadcast_shapes(*shapes) if shapes else ()


def _shape_on_known_data(expression: Derived) -> Shape:
    """By evaluating on the data known while building; None where they are not all known."""
    plain = _plain_arguments(expression)
    if plain is not None:
        value = expression.function(*plain)
        return () if type(value) is float else np.shape(value)
    known = expression.owner.known_data
    if not set(names_in([expression])) <= set(known):
        return None
    shape: tuple[int, ...] = np.shape(evaluate([expression], known)[0])
    return shape


def _plain_arguments(expression: Derived) -> list[Any] | None:
    """The arguments' values where they are numbers and single data known while building: the common case, cheaply."""
    values = []
    for argument in expression.args:
        if type(argument) in _NUMBERS:
            values.append(argument)
        elif type(argument) is Reference and not argument.shape and isinstance(argument.array.value, np.ndarray):
            values.append(argument.array.value.item(argument.first))
        else:
            return None
    return None if expression.kwargs else values


class DerivedSource:
    """Rows whose values are expressions: one shared by all rows, one a row, or one whose leading axes are the rows.

    Args:
        expressions: the expressions.
        is_rowwise: whether the value has a row axis.
        layout: of one expression for all rows, the statement's shape and the number of event axes.
    """

    def __init__(self, expressions: Sequence[Any], is_rowwise: bool, layout: tuple[tuple[int, ...], int] | None = None) -> None:
        self.expressions = tuple(expressions)
        self.is_rowwise = is_rowwise
        self.layout = layout
        self.names = names_in(self.expressions)

    def read(self, values: Mapping[str, Any]) -> Any:
        """The expressions' values, one below the other where each is a row."""
        read = evaluate(self.expressions, values)
        if not self.is_rowwise:
            return as_plain(read[0])
        if self.layout is None:
            return np.array([np.asarray(value) for value in read])
        shape, rank = self.layout
        value = np.asarray(read[0])
        event = value.shape[value.ndim - rank :]
        return np.broadcast_to(value, (*shape, *event)).reshape(-1, *event)

    def canonical(self, rows: int) -> tuple[Any, ...]:
        """The data and the functions in the expressions."""
        functions = sorted({_name(e.function) for e in arguments_first(self.expressions)})
        return ("derived", self.names, tuple(functions))


def as_plain(value: Any) -> Any:
    """A float for a scalar, an array of floats for the rest."""
    if type(value) is float:
        return value
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    return float(array) if array.ndim == 0 and array.dtype == np.float64 else array


class BatchedSource:
    """One elementwise operation on sources: what a loop's expressions of equal form become."""

    def __init__(self, function: Callable[..., Any], parts: tuple[Source, ...]) -> None:
        self.function = function
        self.parts = parts
        self.is_rowwise = any(part.is_rowwise for part in parts)
        self.names = tuple(dict.fromkeys(name for part in parts for name in part.names))

    def read(self, values: Mapping[str, Any]) -> Any:
        """The operation applied to all rows, events aligned on the right."""
        read = [(part.is_rowwise, part.read(values)) for part in self.parts]
        rank = max(np.ndim(value) - rowwise for rowwise, value in read)
        return self.function(*(_padded(value, rank) if rowwise else value for rowwise, value in read))

    def canonical(self, rows: int) -> tuple[Any, ...]:
        """The operation and what its parts say."""
        return ("batched", self.function.__name__, *(part.canonical(rows) for part in self.parts))


def _padded(value: Any, rank: int) -> Any:
    array = np.asarray(value)
    return array.reshape(array.shape[0], *(1,) * (rank - array.ndim + 1), *array.shape[1:])


def source_of_rows(expressions: Sequence[Any], depth: int = 0) -> Source:
    """The source that gives one expression a row, computed in one go where their forms agree."""
    first = expressions[0]
    if all(e is first for e in expressions):
        return DerivedSource([first], False) if isinstance(first, Operand) else ConstantSource(first, False)
    same_type = all(type(e) is type(first) for e in expressions)
    if same_type and isinstance(first, Reference) and _is_one_array(expressions):
        index = np.array([e.first for e in expressions], dtype=np.intp)
        block = max(first.size, 1) if first.array.value_shape is not None else 1
        event = first.shape if first.array.value_shape is not None else None
        return DataSource(first.array, event, index // block, True, False)
    is_number = same_type and isinstance(first, (float, int, np.ndarray, np.generic))
    if is_number and all(np.shape(e) == np.shape(first) for e in expressions):
        return ConstantSource(np.array(expressions), True)
    if same_type and isinstance(first, Derived) and depth < 50:
        function, arity = first.function, len(first.args)
        if function in (*ELEMENTWISE, stacked) and all(e.function is function and len(e.args) == arity for e in expressions):
            columns = zip(*(e.args for e in expressions), strict=True)
            parts = tuple(source_of_rows(column, depth + 1) for column in columns)
            return StackedSource(parts, len(expressions)) if function is stacked else BatchedSource(function, parts)
    return DerivedSource(expressions, True)


def _is_one_array(references: Sequence[Reference]) -> bool:
    first = references[0]
    return first.array.kind == "data" and all(
        r.array is first.array and r.shape == first.shape and r.numbers is None for r in references
    )
