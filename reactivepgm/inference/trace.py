"""A trace of an inference: every rule call, product and marginal with its time, as a table or for a trace viewer."""

from __future__ import annotations

import json
import os
from collections import defaultdict, deque
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from reactivepgm.inference.tables import rendered
from reactivepgm.plan.events import Event


class Trace:
    """The events of an inference, in the order in which they ended.

    Args:
        limit: how many events to keep one by one; older ones stay in the table and are counted in ``dropped``. None for all.

    Example:
        >>> trace = Trace(limit=1)
        >>> trace.note(Event("message rule", "Beta at m.py:3", "out", 1, 0.0, 2e-6))
        >>> trace.note(Event("message rule", "Beta at m.py:3", "out", 1, 1.0, 3e-6))
        >>> len(trace.events), trace.dropped, round(trace.total("message rule") * 1e6)
        (1, 1, 5)
    """

    def __init__(self, limit: int | None = None) -> None:
        self.events: deque[Event] = deque(maxlen=limit)
        self.dropped = 0
        self._sums: dict[tuple[str, str, str], _Sum] = defaultdict(_Sum)

    def note(self, event: Event) -> None:
        """Keep an event."""
        if len(self.events) == self.events.maxlen:
            self.dropped += 1
        self.events.append(event)
        found = self._sums[event.kind, event.subject, event.target]
        found.calls += 1
        found.rows += event.rows
        found.seconds += event.duration

    def total(self, kind: str) -> float:
        """Seconds spent in events of a kind, the dropped ones too."""
        return sum(found.seconds for (of, _, _), found in self._sums.items() if of == kind)

    def table(self) -> Table:
        """A row for every factor and target: calls, rows, time in all, time a call; the slowest first."""
        table = Table(title="trace", title_justify="left")
        for heading in ("event", "of", "towards", "calls", "rows", "ms", "us a call"):
            table.add_column(heading, justify="right" if heading in ("calls", "rows", "ms", "us a call") else "left")
        for (kind, subject, target), found in sorted(self._sums.items(), key=lambda item: -item[1].seconds):
            table.add_row(
                kind,
                subject,
                target,
                str(found.calls),
                str(found.rows),
                f"{found.seconds * 1e3:.3f}",
                f"{found.seconds * 1e6 / found.calls:.1f}",
            )
        return table

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the events in the Chrome trace-event format (microseconds), which trace viewers open."""
        origin = min((event.start for event in self.events), default=0.0)
        entries = [
            {
                "name": f"{event.kind} {event.subject}" + (f" -> {event.target}" if event.target else ""),
                "cat": event.kind,
                "ph": "X",
                "ts": (event.start - origin) * 1e6,
                "dur": event.duration * 1e6,
                "pid": 1,
                "tid": 1,
                "args": {"rows": event.rows},
            }
            for event in self.events
        ]
        Path(path).write_text(json.dumps({"traceEvents": entries, "displayTimeUnit": "ms"}))

    def __repr__(self) -> str:
        return rendered(self.table(), width=140)


@dataclass
class _Sum:
    """What calls of one kind add up to."""

    calls: int = 0
    rows: int = 0
    seconds: float = 0.0
