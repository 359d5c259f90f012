"""Everything that one run of the benchmarks found, to and from JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.growth import Growth
from benchmarks.imports import ImportTime
from benchmarks.measure import Measurement
from benchmarks.memory import Peak
from benchmarks.stages import Stages


@dataclass
class Results:
    """One run.

    Args:
        machine: see ``machine.described``.
        repeats: rounds.
        measurements: by workload and size.
        stages: of the library's own jobs.
        growth: of some workloads.
        memory: peaks.
        imports: the cost of the import.
    """

    machine: dict[str, Any]
    repeats: int
    measurements: list[Measurement] = field(default_factory=list)
    stages: list[Stages] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    memory: list[Peak] = field(default_factory=list)
    imports: ImportTime | None = None

    def at(self, workload: str, size: int) -> Measurement | None:
        """The measurement of a workload at a size."""
        return next((m for m in self.measurements if (m.workload, m.size) == (workload, size)), None)

    def not_right(self) -> list[str]:
        """The library's own failures, a line each."""
        return [
            f"{m.workload} at {m.size}: {entry.name} {entry.status}: {entry.note}"
            for m in self.measurements
            for entry in m.entries
            if entry.role == "ours" and entry.status in ("wrong", "failed")
        ]

    def write(self, path: Path) -> None:
        """As JSON, one measurement's numbers a line."""
        data = {
            "machine": self.machine,
            "repeats": self.repeats,
            "measurements": [m.as_data() for m in self.measurements],
            "stages": _data(self.stages),
            "growth": _data(self.growth),
            "memory": _data(self.memory),
            "imports": self.imports.as_data() if self.imports is not None else None,
        }
        path.write_text(json.dumps(_rounded(data), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """What ``write`` has written."""
        data = json.loads(path.read_text())
        return cls(
            data["machine"],
            data["repeats"],
            [Measurement.from_data(m) for m in data["measurements"]],
            [Stages(**s) for s in data["stages"]],
            [Growth(**g) for g in data["growth"]],
            [Peak(**p) for p in data["memory"]],
            ImportTime(**data["imports"]) if data["imports"] is not None else None,
        )


def _data(found: Iterable[Any]) -> list[Any]:
    return [one.as_data() for one in found]


def _rounded(data: Any) -> Any:
    if isinstance(data, float):
        return float(f"{data:.4g}") if abs(data) < float("inf") else None
    if isinstance(data, dict):
        return {key: _rounded(value) for key, value in data.items()}
    return [_rounded(value) for value in data] if isinstance(data, list) else data
