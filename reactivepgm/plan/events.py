"""Who watches an inference is told of rule calls, products and marginals; nobody watching costs nothing to speak of."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from reactivepgm.graph import Family


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was computed.

    Attributes:
        kind: "message rule", "joint rule", "energy rule", "kernel", "product" or "marginal".
        subject: the factor (its node and line) or the variable.
        target: the interface, for rules.
        rows: how many rows were computed at once.
        start: seconds on the performance counter.
        duration: seconds.
        inputs: for rules, the names and classes of what they read.
    """

    kind: str
    subject: str
    target: str
    rows: int
    start: float
    duration: float
    inputs: tuple[str, ...] = ()


class Watcher(Protocol):
    """Whoever wants to know."""

    def __call__(self, event: Event) -> None:
        """Take note of an event."""


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def watcher() -> Watcher | None:
    """Who watches in this context; None most of the time."""
    return _watcher.get()


@contextmanager
def watched_by(watching: Watcher | None) -> Iterator[None]:
    """Tell somebody of everything that is computed inside.

    Example:
        >>> seen = []
        >>> with watched_by(seen.append):
        ...     with noted("product", "x", 3):
        ...         pass
        >>> seen[0].kind, seen[0].subject, seen[0].rows
        ('product', 'x', 3)
    """
    token = _watcher.set(watching)
    try:
        yield
    finally:
        _watcher.reset(token)


class noted:  # noqa: N801 - reads as a verb where it is used
    """Time what happens inside and tell whoever watches.

    Args:
        kind: of the event.
        subject: the factor's family, or the variable's name.
        rows: how many rows.
        target: the interface, for rules.
        inputs: what a rule reads, by name.
    """

    __slots__ = ("_inputs", "_kind", "_rows", "_start", "_subject", "_target", "_watcher")

    def __init__(
        self, kind: str, subject: Family | str, rows: int, target: str = "", inputs: Mapping[str, object] | None = None
    ) -> None:
        self._watcher = _watcher.get()
        self._kind, self._subject, self._rows, self._target = kind, subject, rows, target
        self._inputs = inputs
        self._start = 0.0

    def __enter__(self) -> None:
        if self._watcher is not None:
            self._start = time.perf_counter()

    def __exit__(self, *_: Any) -> None:
        if self._watcher is not None:
            duration = time.perf_counter() - self._start
            named = self._subject if isinstance(self._subject, str) else _named(self._subject)
            read = tuple(f"{name}: {type(value).__name__}" for name, value in (self._inputs or {}).items())
            self._watcher(Event(self._kind, named, self._target, self._rows, self._start, duration, read))


def _named(family: Family) -> str:
    return f"{family.node.name} at {family.site.file}:{family.site.line}"
