"""A lifted loop at work: its body is read once, each expression standing for its values in all turns.

The first turn of every statement goes the ordinary way; the others are appended at once (lifting_rows). Whatever is not
known to mean the same raises ``CannotLift``, everything is undone, and the untouched loop runs.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from reactivepgm.graph import Derived, Reference, Site, Statement
from reactivepgm.graph.arithmetic import is_random, read_operation
from reactivepgm.graph.derived import is_fixed_symbol
from reactivepgm.graph.site import user_frame
from reactivepgm.graph.sums import is_spelled_out
from reactivepgm.language.lifting import Loop, length_of, slice_of
from reactivepgm.language.lifting_journal import Journal
from reactivepgm.language.lifting_places import instruction_of
from reactivepgm.language.lifting_reader import Reader
from reactivepgm.language.lifting_rows import append_turns, in_order
from reactivepgm.language.lifting_values import CannotLift, Elements, Grid, Objects, as_turns, at_turn, is_lifted

PIECES = 8
"""How many stretches of equal comparisons a loop is cut into at most."""
EXACT = (float, int, bool, str, type(None))


class Cut(Exception):  # noqa: N818 - no error, a verdict
    """A comparison changes along a loop: it must be run in pieces that begin at these turns."""

    def __init__(self, loop: int, turns: list[int]) -> None:
        self.loop = loop
        self.turns = turns


def lifted(run: Any, loop: Loop, source: Any, values: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any] | None:
    """Run a loop at once.

    Args:
        run: the run of the model.
        loop: the loop.
        source: what it runs over.
        values: the names its body reads.
        current: what the names that it draws are bound to before.

    Returns:
        What the names it binds are bound to afterwards; None, and nothing has happened, where it cannot be lifted.
    """
    cuts: dict[int, set[int]] = {}
    while True:
        attempt = Lift(run, values, current, cuts)
        try:
            with np.errstate(all="raise"):
                attempt.loop(loop, source)
            return {name: attempt.last(value) for name, value in attempt.names.items() if name in loop.names.bound}
        except Cut as cut:
            attempt.journal.undo()
            known = cuts.setdefault(cut.loop, set())
            known.update(cut.turns)
            if len(known) >= PIECES:
                return None
        except Exception:  # whatever it is, the untouched loop meets it again, at its own line
            attempt.journal.undo()
            return None


class Lift(Reader):
    """One attempt.

    Args:
        run: the run of the model.
        values: the names that the body reads.
        current: what the names that it draws are bound to before.
        cuts: by loop, the turns at which a new piece begins.
    """

    def __init__(self, run: Any, values: Mapping[str, Any], current: Mapping[str, Any], cuts: Mapping[int, set[int]]) -> None:
        super().__init__(values)
        self.run = run
        self.run_class = type(run)
        self.builder = run.builder
        self.current = current
        self.cuts = cuts
        self.journal = Journal(run.builder)
        self._loops: list[tuple[int, int]] = []
        self._ran: set[int] = set()
        frame = user_frame()
        if frame is None:
            raise CannotLift
        self.code = frame.f_code

    # -- statements -----------------------------------------------------------------------------------------------

    def loop(self, loop: Loop, source: Any) -> None:
        """Run a loop, piece by piece."""
        length = length_of(source)
        if length is None:
            raise CannotLift
        if length == 0:
            return
        outer = self.grid
        edges = [0, *sorted(turn for turn in self.cuts.get(loop.number, ()) if turn < length), length]
        for start, stop in pairwise(edges):
            if not outer:
                self._ran.clear()
            self.grid = (*outer, stop - start)
            self._loops.append((loop.number, start))
            turns = np.arange(start, stop).reshape(*(1,) * len(outer), -1)
            self._bind(loop.target, slice_of(source, turns, self.grid))
            self.block(loop.body)
            self._loops.pop()
        self.grid = outer

    def _bind(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)) and type(value) is tuple and len(value) == len(target.elts):
            for part, item in zip(target.elts, value, strict=True):
                self._bind(part, item)
        else:
            raise CannotLift

    def block(self, body: Sequence[Any]) -> None:
        """Run statements, as the rewriter left them."""
        for node in body:
            if isinstance(node, Loop):
                self.loop(node, self.read(node.source))
            elif isinstance(node, ast.If):
                self.block(node.body if self.truth(node.test) else node.orelse)
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self.names[node.targets[0].id] = self._assigned(node.targets[0].id, node.value)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                self._element(node.value)
            elif not isinstance(node, (ast.Pass, ast.Expr)):
                raise CannotLift

    def _assigned(self, name: str, value: ast.expr) -> Any:
        hook = self.hook(value)
        if hook == "name":
            return self._name(value, name)
        if hook == "named":
            assert isinstance(value, ast.Call)
            return self._named(name, self.read(value.args[1]))
        return self.read(value)

    def _named(self, name: str, value: Any) -> Any:
        """An anonymous variable takes the name it is kept under."""
        if isinstance(value, Elements) and value.array.anonymous:
            if value.array.kind != "random" or value.array.id < self.journal.arrays:
                raise CannotLift
            self.builder.rename(value.array, self.run.scope.prefix + name)
        elif is_random(value) or type(value) in (list, tuple):
            raise CannotLift
        return value

    def _name(self, call: ast.expr, name: str) -> Elements:
        number, rest = self.numbered(call)
        target, args, kwargs, options = self._factor(rest[1:], number)
        before = self.last(self.names[name] if name in self.names else self.current.get(name))
        statement = self._begin(self.run.statements[number])

        def first(args: Any, kwargs: Any) -> Any:
            return self.run.name(number, before, target, args, kwargs, options)

        return self._drawn(statement, target, args, kwargs, first)

    def _element(self, call: ast.Call) -> None:
        if self.hook(call) != "item":
            raise CannotLift
        number, rest = self.numbered(call)
        container, key = self.read(rest[0]), self.read(rest[1])
        target, args, kwargs, options = self._factor(rest[2:], number)
        goal = self.item(container, key)
        is_single = prod(self.grid) == 1 and type(container) is Reference
        if not is_single and (not isinstance(goal, Elements) or not _is_distinct(goal, self.grid)):
            raise CannotLift
        statement = self._begin(self.run.statements[number])
        start = (0,) * len(self.grid)
        row = at_turn(args, start), _first_of(kwargs, start)
        if is_spelled_out(target, row[0]):
            raise CannotLift
        self.run.item(number, at_turn(container, start), at_turn(key, start), target, *row, options)
        if not is_single:
            self._rest(statement, goal, target, args, kwargs)

    def call(self, call: ast.expr) -> Any:
        """A call among a statement's arguments: an anonymous variable in every turn, or a plain ``len``."""
        number, rest = self.numbered(call)
        place = self.read(rest[0])
        target, args, kwargs, _ = self._factor(rest[1:], number)
        if target is len:
            return self.length(args)
        if not (is_lifted(args) or is_random(args) or is_lifted(tuple(kwargs.values())) or is_random(tuple(kwargs.values()))):
            raise CannotLift
        statement = self._begin(self.run.statements[number])

        def first(args: Any, kwargs: Any) -> Any:
            return self.run.call(number, place, target, args, kwargs)

        return self._drawn(statement, target, args, kwargs, first)

    def operation(self, node: ast.expr, function: Callable[..., Any], operands: tuple[Any, ...]) -> Any:
        """An operator on variables: an anonymous variable in every turn, or an expression over data."""
        if not any(is_random(o) or (isinstance(o, Elements) and o.array.kind == "random") for o in operands):
            return self._expressions(function, operands)
        place = instruction_of(self.code, node)
        if place is None:
            raise CannotLift
        key = (self.builder.scope, (self.code, place))
        statement = self.builder._operations.get(key)
        if statement is None:
            file = self.code.co_filename
            site = Site(file, node.lineno, linecache.getline(file, node.lineno).strip())
            self.journal.operation(key)
            statement = self.builder._operations[key] = Statement(site, scope=self.builder.scope)
        self._begin(statement)

        def first(args: Any, _: Any) -> Any:
            return self.builder.operate(function, args, statement)

        return self._drawn(statement, function, operands, {}, first, is_operator=True)

    def _expressions(self, function: Callable[..., Any], operands: tuple[Any, ...]) -> Any:
        fixed = [isinstance(o, (Elements, Objects)) or is_fixed_symbol(o) for o in operands]
        if not any(fixed):
            raise CannotLift
        site = Site("", 0, "")
        columns = [as_turns(operand, self.grid) for operand in operands]
        values = [read_operation(self.builder, function, row, site) for row in zip(*columns, strict=True)]
        if not all(type(value) is Derived for value in values):
            raise CannotLift
        return Objects(values, self.grid)

    # -- rows -----------------------------------------------------------------------------------------------------

    def _factor(self, nodes: list[ast.expr], number: int) -> tuple[Any, tuple[Any, ...], dict[str, Any], Any]:
        """``F, (a, b), {c: d}, options`` of a call on the run."""
        target = self.callee(nodes[0])
        args = self.read(nodes[1])
        kwargs: dict[str, Any] = {}
        if len(nodes) > 2 and isinstance(nodes[2], ast.Dict):
            keys = [k.value for k in nodes[2].keys if isinstance(k, ast.Constant)]
            kwargs = {str(k): self.read(value) for k, value in zip(keys, nodes[2].values, strict=True)}
        options = self.options(nodes[3]) if len(nodes) > 3 else None
        for value in (*args, *kwargs.values()):
            self.check_argument(value)
        return target, args, kwargs, options

    def _begin(self, statement: Statement) -> Statement:
        """Statements run once in each piece, so that their rows come in the order of the turns."""
        if id(statement) in self._ran and prod(self.grid[:-1]) > 1:
            raise CannotLift
        self._ran.add(id(statement))
        self.journal.watch(statement)
        return statement

    def _drawn(
        self,
        statement: Statement,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        first: Callable[[Any, Any], Any],
        is_operator: bool = False,
    ) -> Elements:
        """A new variable in every turn."""
        start = (0,) * len(self.grid)
        if is_spelled_out(target, at_turn(args, start)):
            raise CannotLift
        out = first(at_turn(args, start), _first_of(kwargs, start))
        if type(out) is not Reference or out.shape or out.array is not statement.created:
            raise CannotLift
        count = prod(self.grid)
        if count > 1 and out.array.grow(count - 1) != out.first + 1:
            raise CannotLift
        elements = Elements(out.array, np.arange(out.first, out.first + count).reshape(self.grid), len(self.grid))
        self._rest(statement, elements, target, args, kwargs, is_operator)
        return elements

    def _rest(
        self,
        statement: Statement,
        out: Elements,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        is_operator: bool = False,
    ) -> None:
        """Append the turns after the first."""
        if statement.latest is None:
            raise CannotLift
        if is_operator or self.is_operator(target):
            row = in_order(target, args)
        elif statement.target is not target or len(kwargs) != len(statement.keywords):
            raise CannotLift
        else:
            row = (*args, *[kwargs[name] for name in statement.keywords])
        append_turns(statement.latest, out, row, self.grid)

    # -- comparisons ----------------------------------------------------------------------------------------------

    def decided(self, truth: Any) -> bool:
        """A comparison that says the same in all turns; else the loop along which it changes is cut.

        Raises:
            Cut: it changes along one loop.
            CannotLift: it changes along several.
        """
        answers = truth.reshape(*truth.shape, *(1,) * (len(self.grid) - truth.ndim))
        if (answers == answers.flat[0]).all():
            return bool(answers.flat[0])
        varying = [k for k in range(answers.ndim) if (answers != answers.take([0], axis=k)).any()]
        if len(varying) != 1:
            raise CannotLift
        along = np.moveaxis(answers, varying[0], 0).reshape(answers.shape[varying[0]], -1)[:, 0]
        number, start = self._loops[varying[0]]
        turns = np.flatnonzero(along[1:] != along[:-1]) + 1
        if len(turns) >= PIECES:
            raise CannotLift
        raise Cut(number, [start + int(turn) for turn in turns])


def _first_of(kwargs: dict[str, Any], start: Grid) -> dict[str, Any] | None:
    return {name: at_turn(value, start) for name, value in kwargs.items()} or None


def _is_distinct(goal: Elements, grid: Grid) -> bool:
    """Whether every turn has a target of its own."""
    numbers = goal.flat(grid).reshape(prod(grid), -1)[:, 0]
    steps = np.diff(numbers)
    return bool((steps > 0).all() or (steps < 0).all()) or len(np.unique(numbers)) == len(numbers)
