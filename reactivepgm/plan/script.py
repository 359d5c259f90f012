"""Calls recorded while they run, and replayed as generated straight-line source.

Recording executes each call once on example values, so the rules are chosen by the types that really occur; the source
only calls the same functions again, in the same order, without what nobody asks for. It is therefore bit for bit what
recording computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Slot = str
"""The name of a value in the generated source."""


@dataclass(frozen=True)
class Call:
    """``target = function(*arguments, **named)`` of slots."""

    target: Slot
    function: Callable[..., Any]
    arguments: tuple[Slot, ...]
    named: Mapping[str, Slot]

    @property
    def reads(self) -> tuple[Slot, ...]:
        """The slots that it needs."""
        return (*self.arguments, *self.named.values())


@dataclass(frozen=True)
class Check:
    """``refuse(slot)`` unless a condition, written with ``{0}`` for the slot, holds."""

    condition: str
    slot: Slot
    refuse: Callable[[Any], None]

    @property
    def reads(self) -> tuple[Slot, ...]:
        """The slot that it looks at."""
        return (self.slot,)


class Script:
    """A recording of calls between named slots.

    Example:
        >>> script = Script()
        >>> a, b = script.input("a", 2.0), script.input("b", 3.0)
        >>> total = script.call(lambda x, y: x + y, x=a, y=b)
        >>> script.values[total]
        5.0
        >>> script.compile(["a", "b"], [total])(10.0, 1.0)
        (11.0,)
    """

    def __init__(self) -> None:
        self.values: dict[Slot, Any] = {}
        self.constants: dict[Slot, Any] = {}
        self._functions: dict[int, str] = {}
        self._lines: list[Call | Check] = []

    def input(self, name: Slot, example: Any) -> Slot:
        """A parameter of the generated function, with the value to record with."""
        self.values[name] = example
        return name

    def constant(self, value: Any) -> Slot:
        """A value that never changes."""
        slot = f"k{len(self.constants)}"
        self.constants[slot] = self.values[slot] = value
        return slot

    def call(self, function: Callable[..., Any], *arguments: Slot, **named: Slot) -> Slot:
        """Call a function now, and in every replay."""
        result = function(*(self.values[a] for a in arguments), **{k: self.values[v] for k, v in named.items()})
        target = f"t{len(self._lines)}"
        self.values[target] = result
        self._lines.append(Call(target, function, arguments, named))
        return target

    def check(self, condition: str, slot: Slot, refuse: Callable[[Any], None]) -> None:
        """Refuse a value for which a condition, written with ``{0}`` for the slot, does not hold."""
        self._lines.append(Check(condition, slot, refuse))

    def needed(self, wanted: Iterable[Slot]) -> list[Call | Check]:
        """The lines that these slots depend on, and every check, in order."""
        kept, open_slots = [], set(wanted)
        for line in reversed(self._lines):
            if isinstance(line, Check) or line.target in open_slots:
                kept.append(line)
                open_slots.update(line.reads)
        return kept[::-1]

    def source(
        self, parameters: Sequence[Slot], outputs: Iterable[Slot], carried: Mapping[Slot, Slot], repeats: int
    ) -> tuple[str, dict[str, Any]]:
        """The generated function and the objects it names.

        ``carried`` maps a parameter to the slot that replaces it for the next repeat.
        """
        outputs = list(outputs)
        names = dict(self.constants)
        bound: dict[int, str] = {}

        def name(function: Callable[..., Any]) -> str:
            if id(function) not in bound:
                bound[id(function)] = f"f{len(bound)}"
                names[bound[id(function)]] = function
            return bound[id(function)]

        def text(line: Call | Check) -> str:
            if isinstance(line, Check):
                return f"if not ({line.condition.format(line.slot)}): {name(line.refuse)}({line.slot})"
            shown = [*line.arguments, *(f"{key}={slot}" for key, slot in line.named.items())]
            return f"{line.target} = {name(line.function)}({', '.join(shown)})"

        body = [text(line) for line in self.needed([*outputs, *carried.values()])]
        if repeats > 1:
            body += [f"{p} = {s}" for p, s in carried.items()]
            body = [f"for _ in range({repeats}):", *("    " + line for line in body)]
            outputs = [next((p for p, s in carried.items() if s == slot), slot) for slot in outputs]
        returned = "".join(f"{slot}, " for slot in outputs)
        lines = [f"def step({', '.join(parameters)}):", *("    " + line for line in body), f"    return ({returned})", ""]
        return "\n".join(lines), names

    def compile(
        self,
        parameters: Sequence[Slot],
        outputs: Iterable[Slot],
        carried: Mapping[Slot, Slot] | None = None,
        repeats: int = 1,
    ) -> Callable[..., tuple[Any, ...]]:
        """The generated function itself."""
        source, namespace = self.source(parameters, outputs, carried or {}, repeats)
        exec(compile(source, "<stitched step>", "exec"), namespace)
        step: Callable[..., tuple[Any, ...]] = namespace["step"]
        return step
