"""``python -m benchmarks.compare old.json new.json``: how the library's own times moved, and how much of it is noise.

ratio  new / old of the fastest runs, divided by the drift of the machine
drift  the median of the same ratio over the hand-written limits, which no commit changes
noise  how far a quarter of the runs lies above the fastest, both sides added; less than 3 % is not believed
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.page import table, time_text
from benchmarks.results import Results
from benchmarks.workload import Role

FLOOR = 0.03


@dataclass(frozen=True)
class Change:
    """One job at one size, before and after.

    Args:
        workload: its key.
        size: of the workload.
        job: which.
        old: fastest seconds before.
        new: fastest seconds after.
        ratio: new / old without the drift of the machine.
        noise: a share; a ratio within 1 / (1 + noise) and 1 + noise says nothing.
        unit: what times are divided by to be shown.
    """

    workload: str
    size: int
    job: str
    old: float
    new: float
    ratio: float
    noise: float
    unit: int

    @property
    def verdict(self) -> str:
        """faster, slower, or same."""
        if self.ratio > 1.0 + self.noise:
            return "slower"
        return "faster" if self.ratio < 1.0 / (1.0 + self.noise) else "same"


def drift(old: Results, new: Results) -> float:
    """How much slower the machine was the second time, by the limits; 1 without any."""
    ratios = [after / before for _, _, before, after in _pairs(old, new, "limit")]
    return statistics.median(ratios) if ratios else 1.0


def changes(old: Results, new: Results) -> list[Change]:
    """The library's jobs that both have."""
    moved, found = drift(old, new), []
    for measurement, job, before, after in _pairs(old, new, "ours"):
        workload, size, unit = measurement
        spreads = [
            timing.spread
            for results in (old, new)
            if (m := results.at(workload, size)) and (entry := m.entry(job)) and (timing := entry.timing)
        ]
        found.append(Change(workload, size, job, before, after, after / before / moved, max(FLOOR, sum(spreads)), unit))
    return found


def _pairs(old: Results, new: Results, role: Role) -> list[tuple[tuple[str, int, int], str, float, float]]:
    found = []
    for m in old.measurements:
        other = new.at(m.workload, m.size)
        for entry in m.entries:
            after = other.best(entry.name) if other is not None else None
            if entry.role == role and entry.seconds and after is not None:
                found.append(((m.workload, m.size, m.unit), entry.name, min(entry.seconds), after))
    return found


def text(found: Sequence[Change]) -> str:
    """A Markdown table."""
    rows = [
        [
            c.workload, f"{c.size}", c.job, time_text(c.old, c.unit), time_text(c.new, c.unit), f"{c.ratio:.2f}",
            f"{100 * c.noise:.0f} %", c.verdict,
        ]
        for c in found
    ]
    return table(["workload", "n", "job", "old", "new", "new / old", "noise", "verdict"], rows, left=3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; 1 with ``--fail`` when a job became slower by more than its noise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--fail", action="store_true", help="exit with 1 when anything is slower")
    options = parser.parse_args(arguments)
    old, new = Results.read(options.old), Results.read(options.new)
    found = changes(old, new)
    print(text(found))
    print(f"\nThe machine was {drift(old, new):.2f} times as slow the second time, by the limits; ratios are free of it.")
    return int(options.fail and any(change.verdict == "slower" for change in found))


if __name__ == "__main__":
    sys.exit(main())
