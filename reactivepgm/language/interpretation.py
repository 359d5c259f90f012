"""What the operand of a ``~`` means: a factor, a model inside the model, a prior object, or Python's own inversion."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ParametrisationError
from reactivepgm.graph import FactorHandle, GraphBuilder, PendingFactor, Reference, Statement
from reactivepgm.graph.arithmetic import LOGIC, OPERATORS, Operation, is_random, read_function, read_operation, unwrapped
from reactivepgm.graph.derived import Derived, is_fixed_symbol, is_plain_fixed
from reactivepgm.language.probe import returns_factor
from reactivepgm.language.rewriter import INSIDE, PLAIN
from reactivepgm.language.submodel import ModelCall, ModelFunction
from reactivepgm.language.variables import constvar, datavar, randomvar
from reactivepgm.nodes import DOT, Node, node_of

_JUST_CALLED = frozenset(
    {len, range, isinstance, type, id, repr, str, print, list, tuple, enumerate, zip, reversed, getattr, hasattr, sum}
    | {iter, next, reduce, randomvar, datavar, constvar}
)
"""Functions whose argument may be a variable and that make no factor: they look at structure, not at values."""
_OF_LISTS = frozenset(
    {np.array, np.asarray, np.stack, np.column_stack, np.vstack, np.hstack, np.concatenate, np.dot, np.inner, np.sum, np.mean}
)


class Inline:
    """A distribution or a model written as an argument, as in ``F(Normal(mean=0.0, variance=1.0), v)``: drawn if ``F``
    is a factor, handed over as it is otherwise."""

    __slots__ = ("number", "value")

    def __init__(self, value: Distribution | ModelCall, number: int) -> None:
        self.value = value
        self.number = number


class Interpretation:
    """The half of a run that looks at operands; statements and names are the other half's."""

    builder: GraphBuilder
    statements: list[Statement]
    _plain: dict[int, Any]
    """Nested calls of functions that make no factor of numbers and data."""
    _makers: dict[Any, bool]
    """Whether a plain function at a statement returns a factor to be drawn."""

    @staticmethod
    def value(value: Any) -> Any:
        """The mark of an operand that is neither a call nor arithmetic."""
        return value

    def _submodel(self, number: int, model: ModelFunction, args: Any, kwargs: Any, options: Any) -> Any:
        """What a model inside the model returns."""
        raise NotImplementedError

    def _interpreted(
        self, number: int, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], factor: Callable[[], Any]
    ) -> Any:
        """A handle where the operand is a factor, else its value; ``factor`` gives the options or refuses the target."""
        builder, statement = self.builder, self.statements[number]
        if target is Interpretation.value:
            return self._ordinary(number, args[0], factor)
        if target in OPERATORS if _is_hashable(target) else False:
            args = tuple(self._settled(a, True) for a in args)
            read = read_operation(builder, target, args, statement.site)
            if isinstance(read, Operation):
                handle = builder.add_operation(read, statement, **factor())
                in_order = all(a is b for a, b in zip(read.arguments, args, strict=False))
                statement.target = target if in_order and len(args) == len(read.arguments) else None
                return handle
            return self._ordinary(number, read, factor)
        if isinstance(target, (ModelFunction, ModelCall)):
            return self._model(number, target, args, kwargs, factor)
        node = node_of(target)
        if node is not None and not node.is_deterministic:
            args = tuple(self._settled(a, True) for a in args)
            kwargs = {k: self._settled(v, True) for k, v in kwargs.items()}
            return self._stochastic(statement, node, target, args, kwargs, factor())
        args = tuple(self._settled(a, False) for a in args)
        kwargs = {k: self._settled(v, False) for k, v in kwargs.items()}
        if any(is_random(value) for value in (*args, *kwargs.values())) and target not in _JUST_CALLED:
            if (number, target) not in self._makers:
                self._makers[number, target] = returns_factor(target, args, kwargs)
            if self._makers[number, target]:
                return self._ordinary(number, target(*args, **kwargs), factor)
            drawn = builder.called(target, args, kwargs, statement, **factor())
            statement.target = None
            return drawn if isinstance(drawn, FactorHandle) else self._ordinary(number, drawn, factor)
        return self._ordinary(number, read_function(builder, target, args, kwargs), factor)

    def _stochastic(
        self, statement: Statement, node: Node, target: Any, args: Any, kwargs: Any, options: dict[str, Any]
    ) -> FactorHandle:
        arguments = node.bind(args, kwargs)
        chosen = node.with_keywords(kwargs) if node.parametrisations else node
        out = options.pop("out", None)
        if out is not None:
            arguments[chosen.interfaces[0].name] = out
        handle = self.builder.add(chosen, arguments, statement=statement, target=target, **options)
        names = {chosen.interface(k).name: k for k in kwargs}
        statement.keywords = tuple(names[n] for n in handle.interfaces[1:] if n in names)
        return handle

    def _model(self, number: int, target: Any, args: Any, kwargs: Any, factor: Callable[[], Any]) -> Any:
        """A model inside the model: its statements, or one node where it is one by contract."""
        statement = self.statements[number]
        args = tuple(self._settled(a, False) for a in args)
        kwargs = {k: self._settled(v, False) for k, v in kwargs.items()}
        if isinstance(target, ModelCall):
            target.is_drawn = True
            kwargs = {**target._arguments, **target.model.signature.bind_partial(*args, **kwargs).arguments}
            target, args = target.model, ()
        if target.options.get("contract"):
            given = target.completed(args, kwargs, statement.site)
            return self._stochastic(statement, target.contract(), target, (), given, factor())
        return self._submodel(number, target, args, kwargs, factor)

    def _ordinary(self, number: int, value: Any, factor: Callable[[], Any]) -> Any:
        """What is not written as a factor: a prior object, an undrawn factor, else Python's own ``~``."""
        statement = self.statements[number]
        if isinstance(value, Inline):
            value = value.value
        if isinstance(value, (PendingFactor, Distribution)):
            return self.builder.draw(value, statement, **factor())
        if isinstance(value, ModelCall):
            return self._model(number, value, (), {}, factor)
        if isinstance(value, Reference) and value.array.kind == "random" and value.array.anonymous:
            options = factor()
            if options["out"] is not None:
                self.builder.identities.add(value, options["out"], statement.site)
                return options["out"]
            return self._renamed(statement, value, options["name"]) if options["name"] else value
        return ~value

    def _renamed(self, statement: Statement, value: Reference, name: str) -> Reference:
        """An anonymous variable under a name: its array, or where that has other elements too, an array of its own."""
        if value.is_whole:
            self.builder.rename(value.array, name)
            return value
        kept = statement.new_elements(self.builder, name, value.shape)
        self.builder.identities.add(value, kept, statement.site)
        return kept

    def negated(self, number: int, value: Any) -> Any:
        """``~a`` inside an expression: NOT of a truth value; of anything else what ``~`` draws or means there."""
        statement = self.statements[number]
        if isinstance(value, Reference) and value.kind == "random":
            again = statement.repeated((value,)) if statement.target is LOGIC else None
            if again is not None:
                return again
            handle = self.builder.add(LOGIC[operator.invert], {"in": value}, statement=statement, target=LOGIC)
            return handle.out
        if is_fixed_symbol(value):
            return read_operation(self.builder, operator.invert, (value,), statement.site)
        drawn = self._ordinary(number, value, lambda: {"name": None, "out": None})
        return drawn.out if isinstance(drawn, FactorHandle) else drawn

    def gathered(self, number: int, target: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A call outside a statement of what may be a NumPy function of lists: with data or variables it is an operand."""
        if not _is_hashable(target) or (target not in _OF_LISTS and node_of(target) is not DOT):
            return target(*args, **kwargs)
        return self.call(number, PLAIN, target, args, kwargs or None)

    def call(self, number: int, place: int, target: Any, args: tuple[Any, ...], kwargs: Any = None) -> Any:
        """A call among the arguments of a statement."""
        statement = self.statements[number]
        if kwargs is None and statement.target is target:
            again = statement.repeated(args)
            if again is not None:
                return again
        plain: Any = self._plain.get(number)
        if kwargs is None and plain is target and all(map(is_plain_fixed, args)):
            return Derived(self.builder, target, args, {}) if any(map(is_fixed_symbol, args)) else target(*args)
        with sited(statement):
            return self._called(number, place, target, args, kwargs or {})

    def _called(self, number: int, place: int, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        statement = self.statements[number]
        node = node_of(target)
        if node is not None and not node.is_deterministic:
            if place == INSIDE or any(_is_symbolic(v) for v in (*args, *kwargs.values())):
                args = tuple(self._settled(a, True) for a in args)
                kwargs = {k: self._settled(v, True) for k, v in kwargs.items()}
                return self._stochastic(statement, node, target, args, kwargs, {}).out
            made = target(*map(unwrapped, args), **{k: unwrapped(v) for k, v in kwargs.items()})
            return Inline(made, number) if isinstance(made, Distribution) else made
        args = tuple(self._settled(a, False) for a in args)
        kwargs = {k: self._settled(v, False) for k, v in kwargs.items()}
        if isinstance(target, (ModelFunction, ModelCall)):
            waiting = Inline(target(*args, **kwargs), number)  # type: ignore[operator]
            return self._settled(waiting, True) if place == INSIDE else waiting
        if _is_hashable(target) and target in _JUST_CALLED:
            return target(*args, **kwargs)
        if node is None:
            self._plain[number] = target
        return self.builder.call(target, args, kwargs, statement)

    def _settled(self, value: Any, draws: bool) -> Any:
        """An inline distribution becomes a variable as a factor's argument, itself as a plain function's."""
        if isinstance(value, Inline):
            if not draws:
                return value.value
            drawn = self._ordinary(value.number, value.value, lambda: {"name": None, "out": None})
            return drawn.out if isinstance(drawn, FactorHandle) else drawn
        if isinstance(value, (tuple, list)) and any(isinstance(part, Inline) for part in value):
            return type(value)(self._settled(part, draws) for part in value)
        return value


class sited:  # noqa: N801 - reads as a statement
    """Says where wrong arguments were written."""

    def __init__(self, statement: Statement) -> None:
        self._site = statement.site

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ParametrisationError) and "\n  at   " not in str(error):
            raise ParametrisationError(self._site.letter(str(error))) from None


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_symbolic(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(_is_symbolic(part) for part in value)
    if isinstance(value, Reference):
        return value.array.kind != "constant"
    return isinstance(value, Inline) or hasattr(value, "pending")
