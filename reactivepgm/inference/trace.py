"""A trace of an inference: every rule call, product and marginal with its time, as a table or for a trace viewer."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

from rich.table import Table

from reactivepgm.inference.tables import rendered
from reactivepgm.plan.events import Event


class Trace:
    """The events of an inference, in the order in which they ended.

    Example:
        >>> trace = Trace()
        >>> trace.note(Event("message rule", "Beta at m.py:3", "out", 1, 0.0, 2e-6))
        >>> trace.note(Event("message rule", "Beta at m.py:3", "out", 1, 1.0, 3e-6))
        >>> len(trace.events), round(trace.total("message rule") * 1e6)
        (2, 5)
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    def note(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def total(self, kind: str) -> float:
        """Seconds spent in events of a kind."""
        return sum(event.duration for event in self.events if event.kind == kind)

    def table(self) -> Table:
        """A row for every factor and target: calls, rows, time in all, time a call; the slowest first."""
        groups: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
        for event in self.events:
            groups[event.kind, event.subject, event.target].append(event)
        table = Table(title="trace", title_justify="left")
        for heading in ("event", "of", "towards", "calls", "rows", "ms", "us a call"):
            table.add_column(heading, justify="right" if heading in ("calls", "rows", "ms", "us a call") else "left")
        for (kind, subject, target), events in sorted(groups.items(), key=lambda item: -_seconds(item[1])):
            seconds = _seconds(events)
            table.add_row(
                kind,
                subject,
                target,
                str(len(events)),
                str(sum(event.rows for event in events)),
                f"{seconds * 1e3:.3f}",
                f"{seconds * 1e6 / len(events):.1f}",
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


def _seconds(events: list[Event]) -> float:
    return sum(event.duration for event in events)
