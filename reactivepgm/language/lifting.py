"""Loop lifting: a ``for`` over rows whose body is ``~`` statements is read once, all its rows added at once.

    for t in range(1, n):                        source = range(1, n)
        x[t] = ~F(x[t - 1], v)          ->       done = None
                                                 if run.may_lift(0, source):
                                                     done = run.lift(0, source, {"x": x, "F": F, "v": v}, {})
                                                 if done is None:
                                                     for t in source:
                                                         ...the loop as it was...
                                                 else:
                                                     t = done["t"]

The loop itself stays untouched, and runs whenever lifting is not certain to mean the same.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.graph import ConstantReference, Reference
from reactivepgm.language.lifting_screen import Names
from reactivepgm.language.lifting_values import CannotLift, Elements, Grid, Index, Numbers, item
from reactivepgm.language.source import HOOK

SHORTEST = 32
"""The number of turns from which lifting is tried: reading a body costs as much as running a statement 30 to 40 times."""
_LARGEST = 2**62


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop that may be lifted, with its body as the rewriter left it."""

    number: int
    names: Names
    target: ast.expr
    source: ast.expr
    body: Sequence[Any]


@dataclass(frozen=True, eq=False)
class Source:
    """``enumerate(...)`` or ``zip(...)`` not yet started: a loop may run over it, or look at what it would give."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def started(self) -> Any:
        """The iterator."""
        return self.function(*map(started, self.args), **self.kwargs)


def started(source: Any) -> Any:
    """What a ``for`` runs over."""
    return source.started() if type(source) is Source else source


def length_of(source: Any) -> int | None:
    """The number of turns, None where only running the loop would tell.

    Example:
        >>> length_of(range(1, 9, 2)), length_of(Source(zip, ([1, 2], [3, 4, 5]), {})), length_of(iter([]))
        (4, 2, None)
    """
    kind = type(source)
    if kind is range or kind is list or kind is tuple:
        return len(source)
    if kind is ConstantReference:
        return length_of(source.value)
    if kind is Reference or kind is np.ndarray:
        return int(source.shape[0]) if source.shape else None
    if isinstance(source, (Elements, Numbers)):
        return int(source.rest[0]) if source.rest else None
    if kind is Source and source.function is zip:
        lengths = [length_of(part) for part in source.args]
        known = [length for length in lengths if length is not None]
        is_equal = len(set(lengths)) == 1 or not source.kwargs.get("strict", False)
        return min(known) if known and len(known) == len(lengths) and is_equal else None
    if kind is Source and source.function is enumerate and source.args:
        return length_of(source.args[0])
    return None


def slice_of(source: Any, turns: NDArray[Any], grid: Grid) -> Any:
    """What a loop's variables are in some of its turns.

    Args:
        source: what the loop runs over.
        turns: numbers of the turns, along the last axis of the grid.
        grid: the number of turns of each loop.
    """
    if type(source) is range:
        if any(abs(bound) > _LARGEST for bound in (source.start, source.stop, source.step)):
            raise CannotLift
        return Index(source.start + source.step * turns, len(grid))
    if type(source) is Source and source.function is zip and set(source.kwargs) <= {"strict"}:
        return tuple(slice_of(part, turns, grid) for part in source.args)
    if type(source) is Source and source.function is enumerate and set(source.kwargs) <= {"start"} and len(source.args) < 3:
        start = source.kwargs.get("start", source.args[1] if len(source.args) > 1 else 0)
        if type(start) is not int or abs(start) > _LARGEST:
            raise CannotLift
        return Index(turns + start, len(grid)), slice_of(source.args[0], turns, grid)
    return item(source, Index(turns, len(grid)), grid)


def guarded(node: ast.For, number: int, names: Names) -> tuple[list[ast.stmt], Loop]:
    """The statements that a rewritten loop becomes, and the loop as a lift reads it."""
    source, done, before = (f"__reactivepgm_{what}_{number}__" for what in ("source", "done", "before"))
    given = _unstarted(node.iter)
    loop = Loop(number, names, node.target, given, _program(node.body))
    node.iter = _hook("started", _load(source)) if given is not node.iter else _load(source)
    read = ast.Dict(keys=[ast.Constant(name) for name in names.read], values=[_load(name) for name in names.read])
    current = ast.Dict(
        keys=[ast.Constant(name) for name in names.drawn],
        values=[_load(f"{before}{i}") for i in range(len(names.drawn))],
    )
    attempt = [
        *(_attempted(f"{before}{i}", _load(name)) for i, name in enumerate(names.drawn)),
        _attempted(done, _hook("lift", ast.Constant(number), _load(source), read, current)),
    ]
    after: list[ast.stmt] = [
        ast.If(
            test=ast.Compare(left=ast.Constant(name), ops=[ast.In()], comparators=[_load(done)]),
            body=[_assign(name, ast.Subscript(value=_load(done), slice=ast.Constant(name), ctx=ast.Load()))],
            orelse=[],
        )
        for name in names.bound
    ]
    is_undone = ast.Compare(left=_load(done), ops=[ast.Is()], comparators=[ast.Constant(None)])
    statements: list[ast.stmt] = [
        _assign(source, given),
        _assign(done, ast.Constant(None)),
        ast.If(test=_hook("may_lift", ast.Constant(number), _load(source)), body=attempt, orelse=[]),
        ast.If(test=is_undone, body=[node], orelse=after),
    ]
    for statement in statements:
        ast.fix_missing_locations(ast.copy_location(statement, node))
        statement._reactivepgm_part = True  # type: ignore[attr-defined]
    statements[0]._reactivepgm_loop = loop  # type: ignore[attr-defined]
    return statements, loop


def _program(body: list[ast.stmt]) -> list[Any]:
    """A body with each inner loop in place of the statements that it became, and without what only reads old bindings."""
    program: list[Any] = []
    for statement in body:
        if hasattr(statement, "_reactivepgm_loop"):
            program.append(statement._reactivepgm_loop)
        elif isinstance(statement, ast.If) and not hasattr(statement, "_reactivepgm_part"):
            program.append(ast.If(statement.test, _program(statement.body), _program(statement.orelse)))
        elif not hasattr(statement, "_reactivepgm_part") and not isinstance(statement, ast.Try):
            program.append(statement)
    return program


def _unstarted(source: ast.expr) -> ast.expr:
    """``enumerate(...)`` and ``zip(...)`` as calls that do not start them."""
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Name) and source.func.id in ("enumerate", "zip"):
        arguments = [_unstarted(argument) for argument in source.args]
        call = _hook("source", source.func, *arguments)
        call.keywords = source.keywords
        return ast.fix_missing_locations(ast.copy_location(call, source))
    return source


def _attempted(name: str, value: ast.expr) -> ast.stmt:
    """``name = value``, None where a name in the value is not bound."""
    handler = ast.ExceptHandler(type=_load("NameError"), name=None, body=[_assign(name, ast.Constant(None))])
    return ast.Try(body=[_assign(name, value)], handlers=[handler], orelse=[], finalbody=[])


def _hook(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(func=ast.Attribute(value=_load(HOOK), attr=name, ctx=ast.Load()), args=list(arguments), keywords=[])


def _load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign(targets=[ast.Name(name, ast.Store())], value=value)
