"""Expressions over references: operators, functions, undrawn factors; each becomes a factor, an expression, or a value."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import CodeType
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution, PointMass
from reactivepgm.errors import ModelError
from reactivepgm.graph.arithmetic import (
    Operation,
    as_vector,
    is_random,
    on_fixed,
    read_function,
    read_operation,
    unwrapped,
)
from reactivepgm.graph.awaited import AwaitedFactor
from reactivepgm.graph.derived import Derived, is_plain_fixed, tilde_of_data
from reactivepgm.graph.family import FactorHandle
from reactivepgm.graph.function_node import function_node, is_for_containers, refuse_reduction
from reactivepgm.graph.operand import Operand
from reactivepgm.graph.pending import PendingFactor, Undrawn
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.scope import ROOT, Scope
from reactivepgm.graph.site import Site, caller_site, operation_key, site_of, user_frame
from reactivepgm.graph.statement import Statement
from reactivepgm.graph.sums import Sums, is_reduction
from reactivepgm.graph.vector_rows import VectorRows, is_of_numbers, refuse_scalars
from reactivepgm.nodes import DELTA, DOT, Node, node_of


class Expressions:
    """The half of the builder that computes with references; ``add`` is the other half's."""

    add: Callable[..., FactorHandle]

    def __init__(self) -> None:
        self._undrawn: list[Undrawn | AwaitedFactor] = []
        self._operations: dict[Any, Statement] = {}
        self.places: dict[int, tuple[CodeType, Scope, Statement]] = {}
        """The operators that ran last, by instruction."""
        self.scope: Scope = ROOT
        """Where statements and variables belong at present."""
        self.sums = Sums(self)
        """The factors of sums that are written as one call."""
        self.vectors = VectorRows()
        """The variables that may be read as a vector or as its rows."""
        self.deepest: Scope = ROOT
        """The innermost model inside the model so far, for the letter about models that never end."""

    def combine(self, function: Callable[..., Any], *operands: Any) -> Any:
        """An operator on operands of which one at least is symbolic."""
        if function is operator.add and type(operands[0]) is int and operands[0] == 0:
            return operands[1]  # what sum() starts from
        caller = sys._getframe(2)  # behind the operator: as a rule the model itself, and often at a place that is known
        known = self.places.get(caller.f_lasti)
        if known is not None and known[0] is caller.f_code and known[1] is self.scope:
            again = self._again(function, operands, known[2])
            if again is not None:
                return again
        if all(map(is_plain_fixed, operands)):
            return Derived(self, on_fixed(function), operands, {})
        frame = user_frame()
        key = (self.scope, operation_key(frame))
        statement = self._operations.get(key)
        if statement is None:
            statement = self._operations[key] = Statement(site_of(frame), scope=self.scope)
        if frame is caller:
            self.places[caller.f_lasti] = caller.f_code, self.scope, statement
        return self.operate(function, operands, statement)

    def operate(self, function: Callable[..., Any], operands: tuple[Any, ...], statement: Statement) -> Any:
        """An operator as part of a statement: a new anonymous variable, an expression over data, or a value."""
        again = self._again(function, operands, statement)
        if again is not None:
            return again
        read = read_operation(self, function, operands, statement.site)
        if not isinstance(read, Operation):
            return read
        handle = self.add_operation(read, statement)
        if handle.out.shape == () and len(operands) == 2 and _is_order(read.arguments, operands):
            statement.target, statement.options = function, None
        elif handle.out.shape == () and len(operands) == 2 and _is_order(read.arguments, operands[::-1]):
            statement.target, statement.options = function, "swapped"
        else:
            statement.target = None
        return handle.out

    def _again(self, function: Callable[..., Any], operands: tuple[Any, ...], statement: Statement) -> Reference | None:
        """One more row of an operator; None where it is of another kind than the last one."""
        split = self.vectors.split
        if statement.target is not function or (split and statement.created in split):
            return None
        return statement.repeated(operands[::-1] if statement.options == "swapped" else operands)

    def add_operation(self, operation: Operation, statement: Statement, **options: Any) -> FactorHandle:
        """Add the factor of an operator."""
        names = operation.node.names[1:]
        if self.vectors:
            operation = self._aligned(operation)
        if operation.node is DOT or operation.ranks.get("A") == 2:
            spelled_out: FactorHandle | None = self.sums.inner(operation.arguments, statement, **options)
            if spelled_out is not None:
                return spelled_out
            refuse_scalars(operation.arguments, statement.site)
        arguments = dict(zip(names, operation.arguments, strict=True))
        if "out" in options and options["out"] is not None:
            arguments["out"] = options["out"]
        options.pop("out", None)
        handle = self.add(operation.node, arguments, statement=statement, ranks=operation.ranks, **options)
        if handle.out.array.rank is None and is_of_numbers(operation):
            handle.out.array.rank = 0
        self.vectors.note(operation, handle.out)
        return handle

    def _aligned(self, operation: Operation) -> Operation:
        """A vector beside an array of scalar variables is its rows."""
        others = [a for a in operation.arguments if isinstance(a, Reference) and a.kind == "random"]
        is_scalars = any(a.shape and a.array.rank == 0 for a in others)
        if not is_scalars or not any(map(self.vectors.holds, operation.arguments)):
            return operation
        return replace(operation, arguments=tuple(map(self.as_rows, operation.arguments)))

    def as_rows(self, value: Any) -> Any:
        """The rows of a vector such as ``X @ b``; anything else as it is."""
        if not self.vectors.holds(value):
            return value
        return self.vectors.of(value, self.add_operation, self.called)

    def function_of(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """A NumPy function that met a reference: an expression over data, ``dot``, or an error for random variables."""
        if not any(is_random(value) for value in (*args, *kwargs.values())):
            return read_function(self, function, tuple(args), dict(kwargs))
        statement = self.statement_here(None)
        if function in (np.dot, np.inner) and not kwargs:
            return self.call(DOT, tuple(args), {}, statement)
        if is_reduction(function):
            return self.call(function, tuple(args), dict(kwargs), statement)
        refuse_reduction(function, statement.site)
        name = getattr(function, "__name__", repr(function))
        raise ModelError(
            statement.site.letter(
                f"NumPy's {name} cannot be applied to random variables",
                write=f"z = ~np.{name}(...)  for a deterministic factor",
            )
        )

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], statement: Statement) -> Any:
        """A call among a statement's arguments: an anonymous variable, an expression over data, or the value."""
        if statement.target is function and not kwargs:
            again = statement.repeated(args)
            if again is not None:
                return again
        handle = self.called(function, args, kwargs, statement)
        return handle.out if isinstance(handle, FactorHandle) else handle

    def called(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], statement: Statement, **options: Any) -> Any:
        """The same, as a handle where it made a factor; ``options`` as for ``add``, the output under ``out``."""
        if not any(is_random(value) for value in (*args, *kwargs.values())):
            return read_function(self, function, args, kwargs)
        if is_reduction(function):
            return self.sums.reduced(function, args, kwargs, statement, **options)
        if node_of(function) is DOT and len(args) == 2 and not kwargs:
            spelled_out = self.sums.inner(args, statement, **options)
            if spelled_out is not None:
                return spelled_out
        if is_for_containers(function, args, kwargs):
            refuse_reduction(function, statement.site)
            return function(*args, **kwargs)  # its operators make the factors
        out = options.pop("out", None)
        node, arguments, ranks = self._deterministic(function, args, kwargs, statement.site)
        if out is not None:
            arguments[node.interfaces[0].name] = out
        handle = self.add(node, arguments, statement=statement, ranks=ranks, **options)
        is_whole = node.key != DELTA.key or node.target is function  # no constants are closed over
        is_plain = handle.count == 1 and not node.interfaces[-1].plural and not kwargs and is_whole
        statement.target = function if is_plain else None
        return handle

    def _deterministic(
        self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], site: Site
    ) -> tuple[Node, dict[str, Any], dict[str, int]]:
        node = node_of(function)
        if node is None or (node.interfaces[-1].plural and (function is not node or node.key == DELTA.key)):
            node, args = function_node(function, args, kwargs, site)
            return node, node.bind(args, {}), {}
        args = tuple(as_vector(unwrapped(a)) for a in args)
        ranks: dict[str, int] = {}
        if node is DOT:
            refuse_scalars(args, site)
            # An inner product: what is fixed is a vector, and further leading axes are rows.
            ranks = {n: 1 for n, a in zip(("in1", "in2"), args, strict=False) if not is_random(a)}
        return node, node.bind(args, kwargs), ranks

    def pending(self, constructor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a distribution's constructor gives on symbolic arguments; a distribution where all are constants."""
        plain = tuple(unwrapped(a) for a in args)
        named = {k: unwrapped(v) for k, v in kwargs.items()}
        if not any(_is_symbolic(v) for v in (*plain, *named.values())):
            return constructor(*plain, **named)
        factor = PendingFactor(constructor, plain, named, caller_site(), self)
        self._undrawn.append(factor)
        return factor

    def with_options(self, factor: Distribution, options: Mapping[str, Any]) -> PendingFactor:
        """``prior.where(...)``: the factor with the prior's parameters, and options."""
        pending = PendingFactor(type(factor), (), dict(factor.parameters), caller_site(), self)
        self._undrawn.append(pending)
        return pending.where(**options)

    def awaits(self, undrawn: Undrawn) -> None:
        """Something was written down whose ``~`` must come before the model is finished."""
        self._undrawn.append(undrawn)

    def draw_pending(self, factor: PendingFactor | Distribution) -> Reference:
        """``~factor`` where nobody says what the output is called."""
        handle = self.draw(factor, self.statement_here(None))
        out: Reference = handle.out
        return out

    def draw(self, factor: PendingFactor | Distribution, statement: Statement, **options: Any) -> FactorHandle:
        """Add the factor that a pending factor or a prior distribution stands for."""
        out = options.pop("out", None)
        if isinstance(factor, PendingFactor):
            factor.is_drawn = True
            target, args, kwargs = factor.target, factor.args, factor.kwargs
            options = {**{k: v for k, v in factor.options.items() if v is not None}, **options}
        else:
            target, args, kwargs = type(factor), (), dict(factor.parameters)
            if isinstance(factor, PointMass):
                args, kwargs = (factor.value,), {}
        node = node_of(target)
        if node is None:
            raise ModelError(
                statement.site.letter(
                    f"{getattr(target, '__name__', target)} is no factor", write="a distribution that has a node"
                )
            )
        arguments = node.bind(args, kwargs)
        node = node.with_keywords(kwargs) if node.parametrisations else node
        if out is not None:
            arguments[node.interfaces[0].name] = out
        return self.add(node, arguments, statement=statement, **options)

    def inverted(self, reference: Reference) -> Any:
        """``~`` on a bare reference."""
        if reference.array.kind == "constant":
            return ~reference.array.value
        if reference.array.kind == "data":
            return read_function(self, tilde_of_data, (reference,), {})
        raise ModelError(
            caller_site().letter(
                f"~ draws from a factor; {reference.spelled} is a variable already",
                write="y = x  for another name, y = ~F(x), or y = ~(~x) for the negation NOT",
            )
        )

    def statement_here(self, site: Site | None) -> Statement:
        """The statement of the caller's operation, the same each time it runs."""
        frame = user_frame()
        key = (self.scope, site if site is not None and site.line else operation_key(frame))
        statement = self._operations.get(key)
        if statement is None:
            statement = Statement(site_of(frame) if site is None else site, scope=self.scope)
            self._operations[key] = statement
        return statement


def _is_symbolic(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(_is_symbolic(part) for part in value)
    return isinstance(value, (Operand, Undrawn))


def _is_order(arguments: tuple[Any, ...], operands: tuple[Any, ...]) -> bool:
    return len(arguments) == len(operands) and all(a is b for a, b in zip(arguments, operands, strict=True))
