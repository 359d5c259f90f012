"""One run of a rewritten model: the calls into which its statements were turned."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ModelError, ParametrisationError
from reactivepgm.graph import FactorHandle, GraphBuilder, PendingFactor, Reference, Statement
from reactivepgm.graph.arithmetic import OPERATORS, Operation, is_random, read_function, read_operation, unwrapped
from reactivepgm.language.call_site import CallSite
from reactivepgm.language.refusal import Refusal, no_container, over_data
from reactivepgm.language.rewriter import INSIDE
from reactivepgm.language.variables import constvar, datavar, randomvar
from reactivepgm.nodes import Node, node_of

_JUST_CALLED = frozenset(
    {len, range, isinstance, type, id, repr, str, print, list, tuple, enumerate, zip, reversed, getattr, hasattr, sum}
    | {iter, next, randomvar, datavar, constvar}
)
"""Functions whose argument may be a variable and that make no factor: they look at structure, not at values."""


class Inline:
    """A distribution written as an argument, ``F(Normal(mean=0.0, variance=1.0), v)``: drawn if ``F`` is a factor."""

    __slots__ = ("distribution", "statement")

    def __init__(self, distribution: Distribution, statement: Statement) -> None:
        self.distribution = distribution
        self.statement = statement


class ModelRun:
    """The hook of one run: rewritten statements call it.

    Args:
        builder: where variables and factors go.
        sites: what the rewriter knows about each statement.
    """

    add, sub, mul, matmul, truediv, neg = (
        staticmethod(f) for f in (operator.add, operator.sub, operator.mul, operator.matmul, operator.truediv, operator.neg)
    )
    slice = staticmethod(slice)

    @staticmethod
    def value(value: Any) -> Any:
        """The mark of an operand that is neither a call nor arithmetic."""
        return value

    def __init__(self, builder: GraphBuilder, sites: list[CallSite]) -> None:
        self.builder = builder
        self.sites = sites
        self.statements = [Statement(s.site, s.labels) for s in sites]
        self._factorisations: dict[int, Any] = {}

    def item(
        self, number: int, container: Any, key: Any, target: Any, args: Any, kwargs: Any = None, options: Any = None
    ) -> None:
        """``container[key] = ~target(*args, **kwargs)``."""
        statement = self.statements[number]
        if statement.target is target and statement.latest is not None and type(container) is Reference:
            row = args if kwargs is None else _in_order(statement, args, kwargs)
            is_same = row is not None and self._has_same_options(number, statement, options)
            if is_same and statement.latest.append(container[key], row):
                return
        self._item(number, container, key, target, args, kwargs or {}, options)

    def item_pair(
        self, number: int, container: Any, key: Any, target: Any, args: Any, kwargs: Any = None, options: Any = None
    ) -> Any:
        """``node, container[key] = ~...``: the node, or the first of an ordinary pair."""
        return self._item(number, container, key, target, args, kwargs or {}, options, pair=True)

    def name(self, number: int, current: Any, target: Any, args: Any, kwargs: Any = None, options: Any = None) -> Any:
        """The value of ``x = ~target(*args, **kwargs)``; ``current`` is what x is bound to before."""
        statement = self.statements[number]
        if statement.target is target and statement.latest is not None:
            is_new = current is None or self.sites[number].refers_to_itself or _is_of(current, statement.created)
            row = args if kwargs is None else _in_order(statement, args, kwargs)
            if is_new and row is not None and self._has_same_options(number, statement, options):
                again = statement.repeated(row)
                if again is not None:
                    return again
        drawn = self._name(number, current, target, args, kwargs or {}, options)
        return drawn.out if isinstance(drawn, FactorHandle) else drawn

    def name_pair(self, number: int, current: Any, target: Any, args: Any, kwargs: Any = None, options: Any = None) -> Any:
        """The value of ``node, x = ~...``."""
        drawn = self._name(number, current, target, args, kwargs or {}, options)
        return (drawn, drawn.out) if isinstance(drawn, FactorHandle) else drawn

    def _item(
        self,
        number: int,
        container: Any,
        key: Any,
        target: Any,
        args: Any,
        kwargs: Any,
        options: Any,
        pair: bool = False,
    ) -> Any:
        statement = self.statements[number]
        if not isinstance(container, Reference) or container.kind == "constant":
            value = self._drawn(number, None, target, args, kwargs, options, None, no_container(self.sites[number], container))
            if pair:
                first, value = value
                container[key] = value
                return first
            container[key] = value
            return None
        out = container[key]
        drawn = self._drawn(number, out, target, args, kwargs, options, _sliced(key), None)
        if not isinstance(drawn, FactorHandle):
            site = statement.site
            raise ModelError(site.letter(f"{drawn!r} is no factor, and {out!r} takes no other value", write="a factor after ~"))
        return drawn if pair else None

    def _name(self, number: int, current: Any, target: Any, args: Any, kwargs: Any, options: Any) -> Any:
        known = self.sites[number]
        out = self._tied(known, number, current)
        refuse = None
        if isinstance(current, Reference) and current.array.kind == "data" and current.is_whole and known.target:
            refuse = over_data(known, current)
        return self._drawn(number, out, target, args, kwargs, options, None, refuse)

    def _tied(self, known: CallSite, number: int, current: Any) -> Reference | None:
        """The variable that a name already stands for, if the statement adds a factor to it rather than makes a new one.

        A name bound in an earlier turn of a loop, and a name that occurs among the arguments, is rebound as in Python.
        """
        if not isinstance(current, Reference) or current.array.kind != "random" or known.refers_to_itself:
            return None
        array = current.array
        if array.name != known.target or not current.is_whole or array is self.statements[number].created:
            return None
        for site, statement in zip(self.sites, self.statements, strict=True):
            if statement.created is array and site.loops:
                return None
        return current

    def _drawn(
        self,
        number: int,
        out: Reference | None,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: Any,
        sliced: int | None,
        refuse: Refusal | None,
    ) -> Any:
        """A handle where the operand is a factor, else what ordinary ``~`` makes of it."""
        statement, known = self.statements[number], self.sites[number]
        extra: dict[str, Any] = {"name": known.target, "sliced": sliced, "out": out}
        extra.update(self._options(number, options))

        def factor() -> dict[str, Any]:
            if refuse is not None:
                raise refuse()
            return extra

        with _sited(statement):
            return self._interpreted(statement, target, args, kwargs, factor)

    def _interpreted(
        self,
        statement: Statement,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        factor: Callable[[], Any],
    ) -> Any:
        builder = self.builder
        if target is ModelRun.value:
            return self._ordinary(statement, args[0], factor)
        if target in OPERATORS if _is_hashable(target) else False:
            args = tuple(self._settled(a, True) for a in args)
            read = read_operation(builder, target, args, statement.site)
            if isinstance(read, Operation):
                handle = builder.add_operation(read, statement, **factor())
                in_order = all(a is b for a, b in zip(read.arguments, args, strict=False))
                statement.target = target if in_order and len(args) == len(read.arguments) else None
                return handle
            return self._ordinary(statement, read, factor)
        node = node_of(target)
        if node is not None and not node.is_deterministic:
            args = tuple(self._settled(a, True) for a in args)
            kwargs = {k: self._settled(v, True) for k, v in kwargs.items()}
            return self._stochastic(statement, node, target, args, kwargs, factor())
        args = tuple(self._settled(a, False) for a in args)
        kwargs = {k: self._settled(v, False) for k, v in kwargs.items()}
        if any(is_random(value) for value in (*args, *kwargs.values())) and target not in _JUST_CALLED:
            handle = builder.called(target, args, kwargs, statement, **factor())
            statement.target = None
            return handle
        return self._ordinary(statement, read_function(builder, target, args, kwargs), factor)

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

    def _ordinary(self, statement: Statement, value: Any, factor: Callable[[], Any]) -> Any:
        """What is not written as a factor: a prior object, an undrawn factor, else Python's own ``~``."""
        if isinstance(value, Inline):
            value = value.distribution
        if isinstance(value, (PendingFactor, Distribution)):
            return self.builder.draw(value, statement, **factor())
        if isinstance(value, Reference) and value.array.kind == "random" and value.array.anonymous:
            options = factor()
            if options["out"] is None:
                if options["name"]:
                    self.builder.rename(value.array, options["name"])
                return value
        return ~value

    def _options(self, number: int, options: Any) -> dict[str, Any]:
        if options is None:
            return {}
        q, meta, pipeline = options
        if self.sites[number].q_is_constant:
            if number not in self._factorisations:
                self._factorisations[number] = q()
            q = self._factorisations[number]
        return {"q": q, "meta": meta, "pipeline": pipeline}

    def _has_same_options(self, number: int, statement: Statement, options: Any) -> bool:
        q, meta, pipeline = statement.options
        if options is None:
            return q is None and meta is None and pipeline is None
        if options[1] is not meta or options[2] is not pipeline:
            return False
        return self.sites[number].q_is_constant or (options[0] is q and isinstance(q, str))

    def call(self, number: int, place: int, target: Any, args: tuple[Any, ...], kwargs: Any = None) -> Any:
        """A call among the arguments of a statement."""
        statement = self.statements[number]
        if kwargs is None and statement.target is target:
            again = statement.repeated(args)
            if again is not None:
                return again
        with _sited(statement):
            return self._called(statement, place, target, args, kwargs or {})

    def _called(self, statement: Statement, place: int, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        node = node_of(target)
        if node is not None and not node.is_deterministic:
            if place == INSIDE or any(_is_symbolic(v) for v in (*args, *kwargs.values())):
                args = tuple(self._settled(a, True) for a in args)
                kwargs = {k: self._settled(v, True) for k, v in kwargs.items()}
                return self._stochastic(statement, node, target, args, kwargs, {}).out
            made = target(*map(unwrapped, args), **{k: unwrapped(v) for k, v in kwargs.items()})
            return Inline(made, statement) if isinstance(made, Distribution) else made
        args = tuple(self._settled(a, False) for a in args)
        kwargs = {k: self._settled(v, False) for k, v in kwargs.items()}
        if _is_hashable(target) and target in _JUST_CALLED:
            return target(*args, **kwargs)
        return self.builder.call(target, args, kwargs, statement)

    def _settled(self, value: Any, draws: bool) -> Any:
        """An inline distribution becomes a variable as a factor's argument, itself as a plain function's."""
        if isinstance(value, Inline):
            if not draws:
                return value.distribution
            return self.builder.draw(value.distribution, value.statement).out
        if isinstance(value, (tuple, list)) and any(isinstance(part, Inline) for part in value):
            return type(value)(self._settled(part, draws) for part in value)
        return value

    def named(self, name: Any, value: Any) -> Any:
        """A value on its way to a name: an anonymous variable in it takes that name."""
        if isinstance(name, tuple):
            if isinstance(value, (tuple, list)) and len(value) == len(name):
                for one, part in zip(name, value, strict=True):
                    self.named(one, part)
        elif isinstance(value, Reference):
            if value.array.anonymous:
                self.builder.rename(value.array, name)
        elif type(value) in (list, tuple):
            arrays = {id(v.array): v.array for v in value if type(v) is Reference and v.array.anonymous}
            for position, array in enumerate(arrays.values()):
                self.builder.rename(array, name if len(arrays) == 1 else f"{name}_{position}")
        return value


class _sited:  # noqa: N801 - reads as a statement
    """Says where wrong arguments were written."""

    def __init__(self, statement: Statement) -> None:
        self._site = statement.site

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ParametrisationError) and "\n  at   " not in str(error):
            raise ParametrisationError(self._site.letter(str(error))) from None


def _is_of(value: Any, array: Any) -> bool:
    return isinstance(value, Reference) and value.array is array


def _in_order(statement: Statement, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """Keyword arguments in the order of the interfaces, None if they are others than last time."""
    if len(kwargs) != len(statement.keywords):
        return None
    try:
        return (*args, *[kwargs[k] for k in statement.keywords])
    except KeyError:
        return None


def _sliced(key: Any) -> int:
    """How many leading axes an index counts as rows: the slices, up to an ellipsis."""
    count = 0
    for part in key if isinstance(key, tuple) else (key,):
        if isinstance(part, (slice, list, np.ndarray)):
            count += 1
        elif part is Ellipsis:
            break
    return count


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
