"""One workload at one size: everybody is checked against the oracle, and only who is right is timed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.sidebyside import Timing, side_by_side
from benchmarks.workload import Job, Role, Run, Workload, error_of

PATIENCE = 5.0
"""A peer that takes more seconds than this runs once; its one time is an upper bound, and is marked."""


@dataclass
class Entry:
    """What became of one job.

    Args:
        name: the job's.
        role: the job's.
        status: "right", "wrong" (its answer is further from the truth than the tolerance), "failed" (it raised),
            "missing" (not installed) or "skipped" (too large for it).
        error: the largest relative error.
        seconds: of all timed runs.
        note: what is to be said.
        is_single: timed in its first run only.
    """

    name: str
    role: Role
    status: str
    error: float | None = None
    seconds: list[float] = field(default_factory=list)
    note: str = ""
    is_single: bool = False

    @property
    def timing(self) -> Timing | None:
        """Minimum and median, where it ran."""
        return Timing(tuple(self.seconds)) if self.seconds else None


@dataclass
class Measurement:
    """All jobs of a workload at one size."""

    workload: str
    title: str
    size: int
    oracle: str
    per_row: bool
    entries: list[Entry]

    def entry(self, name: str) -> Entry | None:
        """The job of that name, if it was there."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def best(self, name: str) -> float | None:
        """Its fastest run in seconds."""
        entry = self.entry(name)
        return min(entry.seconds) if entry is not None and entry.seconds else None

    @property
    def unit(self) -> int:
        """What times are divided by: the observations of a stream, or one."""
        return self.size if self.per_row else 1

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Measurement:
        """From JSON."""
        return cls(**{**data, "entries": [Entry(**entry) for entry in data["entries"]]})


def checked(job: Job, run: Run, truth: dict[str, Any]) -> tuple[Entry, float]:
    """The job's entry after its first run, and the seconds that took."""
    start = time.perf_counter()
    try:
        answer = run()
        took = time.perf_counter() - start
        error = error_of(answer, truth)
    except Exception as raised:
        return Entry(job.name, job.role, "failed", note=first_lines(raised)), 0.0
    status = "right" if error <= job.tolerance else "wrong"
    note = job.remark if status == "right" else f"off by {error:.1e}, where {job.tolerance:.0e} is allowed"
    return Entry(job.name, job.role, status, error, note=note), took


def first_lines(raised: Exception, limit: int = 200) -> str:
    """The type and the first line of what was raised."""
    text = str(raised).strip().split("\n")[0]
    return f"{type(raised).__name__}: {text[:limit]}"


def measure(
    workload: Workload,
    size: int,
    *,
    repeats: int = 7,
    roles: Iterable[Role] = ("ours", "limit", "peer"),
    only_right: bool = True,
    names: Sequence[str] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Measurement:
    """Checks everybody, then times who is right, in turn.

    Args:
        workload: what.
        size: how large.
        repeats: rounds; 0 checks only.
        roles: who takes part.
        only_right: time nobody whose answer is wrong.
        names: the jobs that take part, if not all.
        say: is told what happens.
    """
    case = workload.make(size)
    truth = workload.oracle(case)
    entries: list[Entry] = []
    running: dict[str, Run] = {}
    first: dict[str, float] = {}
    wanted = set(roles)
    for job in workload.jobs:
        if job.role not in wanted or (names is not None and job.name not in names):
            continue
        if not job.is_installed:
            entries.append(Entry(job.name, job.role, "missing", note=f"{job.needs} is not installed"))
        elif job.largest is not None and size > job.largest:
            entries.append(Entry(job.name, job.role, "skipped", note=f"would take minutes beyond {job.largest}"))
        else:
            with warnings.catch_warnings():
                if job.role == "peer":
                    warnings.simplefilter("ignore")
                entry, took = _begun(job, case, truth, running)
            entries.append(entry)
            first[job.name] = took
        last = entries[-1]
        error = "" if last.error is None else f", error {last.error:.1e}"
        say(f"{workload.key} {size}: {last.name}: {last.status}{error}")
        if only_right and last.status != "right":
            running.pop(job.name, None)
    for entry in entries:
        if entry.role == "peer" and first.get(entry.name, 0.0) > PATIENCE and entry.name in running:
            entry.seconds, entry.is_single = [first[entry.name]], True
            del running[entry.name]
    if repeats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            timings = side_by_side(running, repeats, warm=running)
        for entry in entries:
            if entry.name in timings:
                entry.seconds = list(timings[entry.name].seconds)
    return Measurement(workload.key, workload.title, size, workload.oracle_name, workload.per_row, entries)


def _begun(job: Job, case: Any, truth: dict[str, Any], running: dict[str, Run]) -> tuple[Entry, float]:
    try:
        run = job.prepare(case)
    except Exception as raised:
        return Entry(job.name, job.role, "failed", note=first_lines(raised)), 0.0
    running[job.name] = run
    return checked(job, run, truth)
