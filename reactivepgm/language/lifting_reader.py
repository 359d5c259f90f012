"""The expressions of a lifted loop: which of them are understood, and what they are in all turns at once."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.graph import ConstantReference, Derived, Factorisation, Reference, q
from reactivepgm.graph.arithmetic import OPERATORS
from reactivepgm.language.lifting import Source, length_of
from reactivepgm.language.lifting_values import CannotLift, Elements, Grid, Index, Numbers, Objects, at_turn, is_lifted, item
from reactivepgm.language.source import HOOK
from reactivepgm.nodes import Node, node_of

_BINARY: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.MatMult: operator.matmul,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_WHOLE = (operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod)
_SIMPLE = frozenset({int, float, bool, str, type(None)})
_NUMERIC = frozenset({int, float, np.float64, np.int64})
_SYMBOLS = (Reference, Derived, Elements, Objects)
_LARGEST = 2**62


class Reader:
    """Reads the expressions that the rewriter left.

    Args:
        names: the values of names.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = dict(names)
        self.grid: Grid = ()

    # -- expressions ----------------------------------------------------------------------------------------------

    def read(self, node: ast.expr) -> Any:
        """The value of an expression.

        Raises:
            CannotLift: an expression, or values in it, for which reading once is not certain to be the same.
        """
        method = getattr(self, f"_read_{type(node).__name__.lower()}", None)
        if method is None:
            raise CannotLift
        return method(node)

    def _read_constant(self, node: ast.Constant) -> Any:
        return node.value

    def _read_name(self, node: ast.Name) -> Any:
        return self.names[node.id]

    def _read_tuple(self, node: ast.Tuple) -> Any:
        return tuple(map(self.read, node.elts))

    def _read_list(self, node: ast.List) -> Any:
        return list(map(self.read, node.elts))

    def _read_slice(self, node: ast.Slice) -> Any:
        return slice(*(None if part is None else self.read(part) for part in (node.lower, node.upper, node.step)))

    def _read_subscript(self, node: ast.Subscript) -> Any:
        return self.item(self.read(node.value), self.read(node.slice))

    def _read_ifexp(self, node: ast.IfExp) -> Any:
        return self.read(node.body if self.truth(node.test) else node.orelse)

    def _read_compare(self, node: ast.Compare) -> Any:
        return self.truth(node)

    def _read_unaryop(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return self.truth(node)
        value = self.read(node.operand)
        function = operator.neg if isinstance(node.op, ast.USub) else operator.pos
        if type(value) in _NUMERIC:
            return function(value)
        if isinstance(value, Index):
            return Index(function(value.table), value.depth)
        if function is operator.neg and isinstance(value, _SYMBOLS):
            return self.operation(node, function, (value,))
        raise CannotLift

    def _read_binop(self, node: ast.BinOp) -> Any:
        function = _BINARY[type(node.op)]
        left, right = self.read(node.left), self.read(node.right)
        if isinstance(left, _SYMBOLS) or isinstance(right, _SYMBOLS):
            if function not in OPERATORS:
                raise CannotLift
            self.check_argument(left)
            self.check_argument(right)
            return self.operation(node, function, (left, right))
        if isinstance(left, Index) or isinstance(right, Index):
            return self._whole(function, left, right)
        if _is_plain(left) and _is_plain(right):
            return function(left, right)
        raise CannotLift

    def _read_call(self, node: ast.Call) -> Any:
        hook = self.hook(node)
        if hook == "call":
            return self.call(node)
        if hook == "slice":
            return slice(*map(self.read, node.args))
        if hook == "named":
            return self.read(node.args[1])
        if hook == "counted":
            return self._counted(self.read(node.args[0]), self.read(node.args[1]))
        if hook == "source":
            maker = self.read(node.args[0])
            if maker is not enumerate and maker is not zip:
                raise CannotLift
            return Source(maker, tuple(map(self.read, node.args[1:])), {str(k.arg): self.read(k.value) for k in node.keywords})
        if hook is not None or node.keywords:
            raise CannotLift
        function, args = self.read(node.func), tuple(map(self.read, node.args))
        if function is len:
            return self.length(args)
        if function is range and all(type(a) is int for a in args):
            return range(*args)
        raise CannotLift

    def _counted(self, container: Any, key: Any) -> Any:
        """A computed index; one before the first element is an error, met again turn by turn."""
        entries = key if type(key) is tuple else (key,)
        bounds = [part for e in entries for part in ((e.start, e.stop) if isinstance(e, slice) else (e,))]
        if isinstance(container, _SYMBOLS) and any(map(_may_be_before_the_start, bounds)):
            raise CannotLift
        return key

    def _read_attribute(self, node: ast.Attribute) -> Any:
        """An attribute that is only looked up: of a module, an array, or an instance that keeps it itself."""
        hook = self.hook(node)
        if hook is not None:
            return getattr(self.run_class, hook)
        owner, name = self.read(node.value), node.attr
        if type(owner) is ModuleType:
            return vars(owner)[name]
        if type(owner) in (Reference, np.ndarray) and name in ("shape", "ndim", "size"):
            return getattr(owner, name)
        kind: Any = type(owner)
        is_ordinary = kind.__getattribute__ is object.__getattribute__ and not isinstance(owner, type)
        if is_ordinary and not hasattr(kind, name) and name in getattr(owner, "__dict__", {}):
            return vars(owner)[name]
        raise CannotLift

    def _whole(self, function: Any, left: Any, right: Any) -> Index:
        """Arithmetic of whole numbers, in which 64 bits suffice."""
        depth = len(self.grid)
        tables = []
        for value in (left, right):
            if isinstance(value, Index):
                tables.append(value.aligned(depth))
            elif type(value) is int and abs(value) < _LARGEST:
                tables.append(np.full((1,) * depth, value))
            else:
                raise CannotLift
        first, second = tables
        if function not in _WHOLE or (function in (operator.floordiv, operator.mod) and (second == 0).any()):
            raise CannotLift
        sizes = [int(abs(table).max()) for table in tables]
        if (sizes[0] * sizes[1] if function is operator.mul else sum(sizes)) >= _LARGEST:
            raise CannotLift
        return Index(function(first, second), depth)

    def item(self, container: Any, key: Any) -> Any:
        """``container[key]``."""
        if type(container) is Reference and container.kind == "data" and not is_lifted(key):
            key = self._in_every_turn(key)
        if is_lifted(container) or is_lifted(key):
            return item(container, key, self.grid)
        if isinstance(key, slice) and is_lifted((key.start, key.stop, key.step)):
            raise CannotLift
        parts = key if type(key) is tuple else (key,)
        if type(container) in (list, tuple, dict, np.ndarray, Reference, ConstantReference) and all(
            type(part) in _SIMPLE or type(part) in (slice, type(Ellipsis), np.int64) for part in parts
        ):
            return container[key]
        raise CannotLift

    def _in_every_turn(self, key: Any) -> Any:
        """A constant index as one that is looked up in every turn: expressions tell references apart by identity."""
        parts = list(key) if type(key) is tuple else [key]
        for place, part in enumerate(parts):
            if type(part) is int:
                parts[place] = Index(np.full((1,) * len(self.grid), part), len(self.grid))
                return tuple(parts) if type(key) is tuple else parts[0]
        return key

    def length(self, args: Any) -> int:
        """``len(x)``."""
        (value,) = args
        if type(value) in (dict, str):
            return len(value)
        length = length_of(value)
        if length is None or type(value) is Source:
            raise CannotLift
        return length

    # -- truth ----------------------------------------------------------------------------------------------------

    def truth(self, node: ast.expr) -> bool:
        """Whether a condition holds, in every turn alike."""
        if isinstance(node, ast.BoolOp):
            decide = any if isinstance(node.op, ast.Or) else all
            return decide(self.truth(part) for part in node.values)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return not self.truth(node.operand)
        if isinstance(node, ast.Compare):
            left = self.read(node.left)
            for comparison, part in zip(node.ops, node.comparators, strict=True):
                right = self.read(part)
                if not self._compared(comparison, left, right):
                    return False
                left = right
            return True
        value = self.read(node)
        if type(value) not in _SIMPLE:
            raise CannotLift
        return bool(value)

    def _compared(self, comparison: ast.cmpop, left: Any, right: Any) -> bool:
        function = _COMPARISONS.get(type(comparison))
        if function is None:
            raise CannotLift
        if function in (operator.is_, operator.is_not):
            if is_lifted(left) or is_lifted(right):
                raise CannotLift
            return bool(function(left, right))
        depth = len(self.grid)
        for value in (left, right):
            if not isinstance(value, Index) and type(value) not in _SIMPLE:
                raise CannotLift
        if not isinstance(left, Index) and not isinstance(right, Index):
            return bool(function(left, right))
        if any(type(value) not in (int, float, Index) for value in (left, right)):
            raise CannotLift
        sides = [value.aligned(depth) if isinstance(value, Index) else value for value in (left, right)]
        return self.decided(np.asarray(function(*sides)))

    # -- calls on the run -----------------------------------------------------------------------------------------

    def hook(self, node: ast.AST) -> str | None:
        """The method of the run that an expression names or calls."""
        function = node.func if isinstance(node, ast.Call) else node
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == HOOK:
            return function.attr
        return None

    def numbered(self, call: ast.expr) -> tuple[int, list[ast.expr]]:
        """The number of a statement in a call on the run, and the call's other arguments."""
        if not isinstance(call, ast.Call) or call.keywords or not isinstance(call.args[0], ast.Constant):
            raise CannotLift
        number = call.args[0].value
        assert isinstance(number, int)
        return number, call.args[1:]

    def callee(self, node: ast.expr) -> Any:
        """What a factor calls: a node, an operator, or ``len``."""
        target = self.read(node)
        if target is len or self.is_operator(target) or isinstance(target, Node) or node_of(target) is not None:
            return target
        raise CannotLift

    def is_operator(self, target: Any) -> bool:
        """Whether the operand was written with an operator."""
        return any(target is function for function in OPERATORS)

    def options(self, node: ast.expr) -> Any:
        """What ``where`` says: the same in every turn."""
        if not isinstance(node, ast.Tuple) or len(node.elts) != 3:
            raise CannotLift
        first = node.elts[0]
        if isinstance(first, ast.Lambda):
            factorisation = self._factorisation(first.body)
            values = (lambda: factorisation, *map(self.read, node.elts[1:]))
        else:
            values = tuple(map(self.read, node.elts))
        if is_lifted(values) or any(isinstance(value, (Reference, Derived)) for value in values):
            raise CannotLift
        return values

    def _factorisation(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.BinOp):
            return self._factorisation(node.left) * self._factorisation(node.right)
        if not isinstance(node, ast.Call):
            raise CannotLift
        function = self.read(node.func)
        if function is not q and not (isinstance(function, type) and issubclass(function, Factorisation)):
            raise CannotLift
        return function(*map(self.read, node.args))

    def check_argument(self, value: Any) -> None:
        """Raise unless a factor may take this for all turns: numbers, arrays, variables, expressions over data."""
        if type(value) in (tuple, list):
            for part in value:
                self.check_argument(part)
        elif not (isinstance(value, (Index, Numbers, Distribution, *_SYMBOLS)) or type(value) in _SIMPLE or _is_plain(value)):
            raise CannotLift

    def last(self, value: Any) -> Any:
        """What a value is after the last turn."""
        return at_turn(value, (-1,) * 32)

    # -- what an attempt adds -------------------------------------------------------------------------------------

    run_class: Any = None

    def call(self, call: ast.expr) -> Any:
        """A call among a statement's arguments."""
        raise NotImplementedError

    def operation(self, node: ast.expr, function: Callable[..., Any], operands: tuple[Any, ...]) -> Any:
        """An operator on variables or data."""
        raise NotImplementedError

    def decided(self, truth: Any) -> bool:
        """Whether a comparison holds in all turns."""
        raise NotImplementedError


def _is_plain(value: Any) -> bool:
    """Whether a value is a number or an array of numbers, whose arithmetic does nothing else."""
    return type(value) in _NUMERIC or (type(value) is np.ndarray and value.dtype != object)


def _may_be_before_the_start(bound: Any) -> bool:
    """Whether an index is negative in some turn; where one turn is lifted by itself, its index is a plain number."""
    return bool((bound.table < 0).any()) if isinstance(bound, Index) else type(bound) is int and bound < 0
