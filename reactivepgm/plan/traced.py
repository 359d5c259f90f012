"""A recorded script as straight-line float arithmetic: its calls run once on symbols, and what they did is compiled.

A call that cannot be followed (it makes arrays, or asks a value for more than its sign) stays a call of the same function
on real objects. A branch on values becomes a choice between what both sides compute; a side that raises sends the whole step
back to the calls, which raise it properly. So does arithmetic at which floats raise and arrays do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ReactivePGMError
from reactivepgm.plan.emission import emitted
from reactivepgm.plan.script import Call, Check, Script, Slot
from reactivepgm.plan.symbols import CannotTraceError, Symbol, Tape, UndecidedError

_PATHS = 16
"""Ways through one call that are followed."""

_REHEARSALS = 3
"""Observations on which traced arithmetic must agree with the calls before it takes over."""

Step = Callable[..., tuple[Any, ...]]
_RAISES: Any = object()


@dataclass(frozen=True)
class _Opaque:
    """A real object of a type that symbols cannot stand in for."""

    symbol: Symbol


def trace(
    script: Script,
    parameters: Sequence[Slot],
    outputs: Sequence[Slot],
    carried: Mapping[Slot, Slot] | None = None,
    repeats: int = 1,
) -> Step:
    """The function of ``script.compile`` with the same arguments, by arithmetic instead of calls.

    Example:
        >>> script = Script()
        >>> a, b = script.input("a", 2.0), script.input("b", 3.0)
        >>> total = script.call(lambda x, y: x + y, x=a, y=b)
        >>> trace(script, ["a", "b"], [total])(10.0, 1.0)
        (11.0,)
    """
    carried = carried or {}
    source, names = _source(script, parameters, outputs, carried, repeats)
    exec(compile(source, "<traced step>", "exec"), names)
    step: Step = names["step"]
    return step


def rehearsed(
    script: Script,
    parameters: Sequence[Slot],
    outputs: Sequence[Slot],
    carried: Mapping[Slot, Slot] | None = None,
    repeats: int = 1,
) -> Step:
    """The traced function, once it has agreed with the calls bit for bit a few times; the calls, if it ever did not.

    Example:
        >>> script = Script()
        >>> a = script.input("a", 2.0)
        >>> step = rehearsed(script, ["a"], [script.call(lambda x: x / 3.0, a)])
        >>> [step(float(n))[0] for n in range(1, 7)] == [n / 3.0 for n in range(1, 7)]
        True
    """
    reference = script.compile(parameters, outputs, carried, repeats)
    fast = trace(script, parameters, outputs, carried, repeats)
    current, left = None, _REHEARSALS

    def rehearse(*values: Any) -> tuple[Any, ...]:
        nonlocal current, left
        result = reference(*values)
        if all(map(_same, fast(*values), result)):
            left -= 1
            if not left:
                current = fast
        else:
            current = reference
        return result

    current = rehearse

    def step(*values: Any) -> tuple[Any, ...]:
        return current(*values)

    return step


def _same(a: Any, b: Any) -> bool:
    """Whether two values are equal to the last bit; nan equals nan."""
    if isinstance(a, Distribution):
        return type(a) is type(b) and all(map(_same, a.parameters.values(), b.parameters.values()))
    return bool(np.array_equal(a, b, equal_nan=True)) if type(a) is not float else a == b or (a != a and b != b)


def _source(
    script: Script, parameters: Sequence[Slot], outputs: Sequence[Slot], carried: Mapping[Slot, Slot], repeats: int
) -> tuple[str, dict[str, Any]]:
    run = _Run(script, parameters, carried)
    for line in script.needed([*outputs, *carried.values()]):
        run.follow(line)
    pairs: list[tuple[Symbol, Any]] = []
    for before, after in carried.items():
        pairs += run.replaced(before, after)
    returned = [run.real(run.values[slot]) for slot in outputs]
    return emitted(run.tape, parameters, returned, pairs, repeats, script.compile(parameters, outputs, carried, repeats))


class _Run:
    """One pass through a script on symbols."""

    def __init__(self, script: Script, parameters: Sequence[Slot], carried: Mapping[Slot, Slot]) -> None:
        self._script = script
        self.tape = Tape()
        self._constant = set(script.constants)
        self._made: dict[int, tuple[Distribution, Symbol]] = {}
        """Symbolic distributions of which a real object exists; they are held, so that their identity stays theirs."""
        self.values: dict[Slot, Any] = dict(script.constants)
        for slot in parameters:
            value = self.values[slot] = self._taken(self.tape.leaf(slot), script.values[slot])
            if slot in carried:  # its object is that of the first repeat only
                self._made.pop(id(value), None)

    def follow(self, line: Call | Check) -> None:
        """Run one line."""
        if isinstance(line, Check):
            slot = self.real(self.values[line.slot])
            refuse = self.tape.bound(line.refuse)
            self.tape.effect(f"if not ({line.condition}): {refuse}({{0}})", slot)
            return
        example = self._script.values[line.target]
        if all(slot in self._constant for slot in line.reads):
            self._constant.add(line.target)
            self.values[line.target] = example
            return
        arguments = [self.values[slot] for slot in line.arguments]
        named = {name: self.values[slot] for name, slot in line.named.items()}
        try:
            self.values[line.target] = self._symbolic(line.function, arguments, named, example)
        except CannotTraceError:
            made = self.tape.call(
                line.function, *map(self.real, arguments), **{name: self.real(value) for name, value in named.items()}
            )
            self.values[line.target] = self._taken(made, example)

    def real(self, value: Any) -> Any:
        """A value as an operand: a symbol, or a plain float."""
        if isinstance(value, (Symbol, float, int)):
            return value
        if isinstance(value, _Opaque):
            return value.symbol
        if not _is_symbolic(value):
            return self.tape.leaf(self.tape.bound(value))
        if id(value) not in self._made:
            of = self.tape.bound(type(value)._of)
            fields = value.parameters.values()
            self._made[id(value)] = value, self.tape.emit(f"{of}({', '.join('{}' for _ in fields)})", *fields)
        return self._made[id(value)][1]

    def replaced(self, before: Slot, after: Slot) -> list[tuple[Symbol, Any]]:
        """The symbols of a carried value, each with what it becomes."""
        old, new = self.values[before], self.values[after]
        if _is_symbolic(old) and type(old) is type(new):
            return list(zip(old.parameters.values(), new.parameters.values(), strict=True))
        return [(self.tape.leaf(before), self.real(new))]

    def _taken(self, symbol: Symbol, example: Any) -> Any:
        """A real object, as it may be used in symbolic calls: a float as it is, a scalar belief by its parameters."""
        if type(example) is float:
            return symbol
        if not isinstance(example, Distribution) or not _is_scalar(example):
            return _Opaque(symbol)
        belief = type(example)._of(*(self.tape.emit(f"{{}}.{name}", symbol) for name in example.parameters))
        self._made[id(belief)] = belief, symbol
        return belief

    def _symbolic(self, function: Callable[..., Any], arguments: list[Any], named: dict[str, Any], example: Any) -> Any:
        if any(isinstance(value, _Opaque) for value in (*arguments, *named.values())):
            raise CannotTraceError("an array")
        paths: list[tuple[list[tuple[Symbol, bool]], Any]] = []
        waiting: list[list[bool]] = [[]]
        while waiting:
            decisions = waiting.pop()
            self.tape.decisions, self.tape.asked = decisions, []
            try:
                result = function(*arguments, **named)
            except UndecidedError:
                if len(paths) + len(waiting) >= _PATHS:
                    raise CannotTraceError("too many branches") from None
                waiting += [[*decisions, False], [*decisions, True]]
                continue
            except (ReactivePGMError, ArithmeticError):
                result = _RAISES
            except (TypeError, ValueError, AttributeError, LookupError, AssertionError) as error:
                raise CannotTraceError(str(error)) from error
            paths.append((list(zip(self.tape.asked, decisions, strict=True)), result))
        result = self._merged(paths, 0)
        if result is _RAISES or not _fits(result, example):
            raise CannotTraceError("another type than recorded")
        return result

    def _merged(self, paths: list[tuple[list[tuple[Symbol, bool]], Any]], depth: int) -> Any:
        """One value from the ends of all ways: branches become choices."""
        if len(paths) == 1:
            return paths[0][1]
        condition = paths[0][0][depth][0]
        yes = self._merged([path for path in paths if path[0][depth][1]], depth + 1)
        no = self._merged([path for path in paths if not path[0][depth][1]], depth + 1)
        for side, other, taken in ((yes, no, True), (no, yes, False)):
            if side is _RAISES:
                if other is not _RAISES:
                    self.tape.bail([*paths[0][0][:depth], (condition, taken)])
                return other
        return self._choice(condition, yes, no)

    def _choice(self, condition: Symbol, yes: Any, no: Any) -> Any:
        if yes is no or (isinstance(yes, float) and yes == no):
            return yes
        if isinstance(yes, (Symbol, float)) and isinstance(no, (Symbol, float)):
            return self.tape.emit("({} if {} else {})", yes, condition, no)
        if type(yes) is type(no) and _is_symbolic(yes) | _is_symbolic(no):
            pairs = zip(yes.parameters.values(), no.parameters.values(), strict=True)
            return type(yes)._of(*(self._choice(condition, a, b) for a, b in pairs))
        raise CannotTraceError("branches of different types")


def _is_scalar(belief: Distribution) -> bool:
    """Whether floats make all of a belief."""
    fields = belief.parameters.values()
    return len(fields) == type(belief)._float_arity and all(type(value) is float for value in fields)


def _is_symbolic(value: Any) -> bool:
    return isinstance(value, Distribution) and any(isinstance(field, Symbol) for field in value.parameters.values())


def _fits(result: Any, example: Any) -> bool:
    if isinstance(result, (Symbol, float)):
        return isinstance(example, float)
    return (
        type(result) is type(example)
        and isinstance(result, Distribution)
        and _is_scalar(example)
        and all(isinstance(value, (Symbol, float)) for value in result.parameters.values())
    )
