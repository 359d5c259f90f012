"""Calls recorded while they run, and replayed as generated straight-line source.

Recording executes each call once on example values, so the rules are chosen by the types that really occur; the source
only calls the same functions again, in the same order, without what nobody asks for. It is therefore bit for bit what
recording computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Slot = str
"""The name of a value in the generated source."""


@dataclass(frozen=True)
class Line:
    """``target = text``, reading some slots; without a target it is executed for its effect and always kept."""

    target: Slot | None
    text: str
    reads: tuple[Slot, ...]


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
        self._names: dict[str, Any] = {}
        self._lines: list[Line] = []

    def input(self, name: Slot, example: Any) -> Slot:
        """A parameter of the generated function, with the value to record with."""
        self.values[name] = example
        return name

    def constant(self, value: Any) -> Slot:
        """A value that never changes."""
        slot = f"k{len(self._names)}"
        self._names[slot] = self.values[slot] = value
        return slot

    def call(self, function: Callable[..., Any], *arguments: Slot, **named: Slot) -> Slot:
        """Call a function now, and in every replay."""
        result = function(*(self.values[a] for a in arguments), **{k: self.values[v] for k, v in named.items()})
        shown = [*arguments, *(f"{key}={slot}" for key, slot in named.items())]
        target = f"t{len(self._lines)}"
        self.values[target] = result
        self._lines.append(Line(target, f"{self._bound(function)}({', '.join(shown)})", (*arguments, *named.values())))
        return target

    def check(self, condition: str, slot: Slot, refuse: Callable[[Any], None]) -> None:
        """Refuse a value for which a condition, written with ``{}`` for the slot, does not hold."""
        text = f"if not ({condition.format(slot)}): {self._bound(refuse)}({slot})"
        self._lines.append(Line(None, text, (slot,)))

    def _bound(self, function: Any) -> str:
        for name, value in self._names.items():
            if value is function:
                return name
        name = f"f{len(self._names)}"
        self._names[name] = function
        return name

    def source(
        self, parameters: Sequence[Slot], outputs: Iterable[Slot], carried: dict[Slot, Slot], repeats: int
    ) -> str:
        """The generated function; ``carried`` maps a parameter to the slot that replaces it for the next repeat."""
        outputs = list(outputs)
        kept = self._needed({*outputs, *carried.values()})
        indent = "    " if repeats == 1 else "        "
        body = [f"{indent}{line.text}" if line.target is None else f"{indent}{line.target} = {line.text}" for line in kept]
        if repeats > 1:
            body = [f"    for _ in range({repeats}):", *body, *(f"        {p} = {s}" for p, s in carried.items())]
            outputs = [next((p for p, s in carried.items() if s == slot), slot) for slot in outputs]
        returned = "".join(f"{slot}, " for slot in outputs)
        return "\n".join([f"def step({', '.join(parameters)}):", *body, f"    return ({returned})", ""])

    def compile(
        self,
        parameters: Sequence[Slot],
        outputs: Iterable[Slot],
        carried: dict[Slot, Slot] | None = None,
        repeats: int = 1,
    ) -> Callable[..., tuple[Any, ...]]:
        """The generated function itself."""
        namespace = dict(self._names)
        exec(compile(self.source(parameters, outputs, carried or {}, repeats), "<stitched step>", "exec"), namespace)
        step: Callable[..., tuple[Any, ...]] = namespace["step"]
        return step

    def _needed(self, wanted: set[Slot]) -> list[Line]:
        kept = []
        for line in reversed(self._lines):
            if line.target is None or line.target in wanted:
                kept.append(line)
                wanted.update(line.reads)
        return kept[::-1]
