"""The results as Markdown: who is how fast, which goals are met, growth, memory, stages, import time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.measure import Entry, Measurement
from benchmarks.results import Results
from benchmarks.workload import Goal, Workload

FIRST = "reactivepgm"
IMPORT = 0.3


def page(results: Results, workloads: Sequence[Workload], picture: str | None = None) -> str:
    """The whole page.

    Args:
        results: of one run.
        workloads: whose goals are to be compared.
        picture: the file name of the picture, beside the page.
    """
    parts = ["# Results", _machine(results)]
    if picture is not None:
        parts.append(f"![Ratios by workload, and cost against the number of rows]({picture})")
    parts += [_summary(results), _goals(results, workloads)]
    parts += [_details(measurement) for measurement in results.measurements]
    parts += [_growth(results), _memory(results), _stages(results), _imports(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; the first columns are aligned left, the others right.

    Example:
        >>> print(table(["by", "ms"], [["C", "0.3"]]))
        | by | ms |
        |:---|---:|
        | C | 0.3 |
    """
    rule = "|" + "|".join(":---" if k < left else "---:" for k in range(len(headings))) + "|"
    return "\n".join([_line(headings), rule, *(_line(row) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def time_text(seconds: float | None, unit: int = 1) -> str:
    """Milliseconds, or microseconds an observation, with three digits.

    Example:
        >>> time_text(0.01234), time_text(0.02, 10_000)
        ('12.3 ms', '2 us')
    """
    if seconds is None:
        return "–"
    return f"{seconds * 1e3:.3g} ms" if unit == 1 else f"{seconds / unit * 1e6:.3g} us"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _over(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a / b


def _machine(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    lines = [
        f"{machine['date']}. {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}, {machine['python']}, {machine['compiler'] or 'no C compiler'}; load before the run "
        f"{machine['load']}. One thread.",
        f"{versions}.",
    ]
    if machine["missing"]:
        lines.append(f"Not installed, and skipped: {', '.join(machine['missing'])}.")
    lines.append(
        "Written by `python -m benchmarks`: everybody is checked against an oracle first, then all run in turn, "
        f"{results.repeats} rounds (three runs a round for jobs under 20 ms); minima, with medians in the details. A time is "
        "that of the whole job from arrays to arrays: build, plan, inference, reading the posteriors; imports and just-in-time "
        "compilation are not counted. Streams (W5, W6, W9) show the cost of one observation. "
        "[How it is measured](../docs/performance.md)."
    )
    return "\n\n".join(lines)


def strongest_peer(measurement: Measurement) -> Entry | None:
    """The fastest of the other libraries."""
    timed = [entry for entry in measurement.entries if entry.role == "peer" and entry.seconds]
    return min(timed, key=lambda entry: min(entry.seconds), default=None)


def fastest_limit(measurement: Measurement) -> Entry | None:
    """The fastest of the hand-written loops."""
    timed = [entry for entry in measurement.entries if entry.role == "limit" and entry.seconds]
    return min(timed, key=lambda entry: min(entry.seconds), default=None)


def fastest_of_ours(measurement: Measurement) -> Entry | None:
    """The library's job as the table shows it: the first that was right."""
    return next((entry for entry in measurement.entries if entry.role == "ours" and entry.seconds), None)


def _summary(results: Results) -> str:
    rows = []
    for m in results.measurements:
        own, peer, limit = fastest_of_ours(m), strongest_peer(m), fastest_limit(m)
        mine = min(own.seconds) if own is not None else None
        theirs = min(peer.seconds) if peer is not None else None
        least = min(limit.seconds) if limit is not None else None
        how = "" if own is None or own.name == FIRST else f" ({own.name.removeprefix(FIRST + ', ')})"
        rows.append(
            [
                f"{m.workload} {m.title}",
                f"{m.size}",
                time_text(mine, m.unit) + how,
                f"{peer.name} {time_text(theirs, m.unit)}" if peer is not None else "–",
                _ratio(_over(mine, theirs)),
                f"{limit.name} {time_text(least, m.unit)}" if limit is not None else "–",
                _ratio(_over(mine, least)),
            ]
        )
    headings = ["workload", "n", "reactivepgm", "strongest peer", "ours / peer", "limit", "ours / limit"]
    return "## Beside others\n\n" + table(headings, rows)


def is_met(goal: Goal, measurement: Measurement) -> bool | None:
    """Whether a goal is reached in time and ratio; None where the job was not measured."""
    own = measurement.best(goal.job)
    if own is None:
        return None
    in_time = goal.seconds is None or own / measurement.unit <= goal.seconds
    theirs = measurement.best(goal.against) if goal.against is not None else None
    return in_time and (theirs is None or own <= goal.factor * theirs)


def _goals(results: Results, workloads: Sequence[Workload]) -> str:
    rows = []
    for workload in workloads:
        for goal in workload.goals:
            m = results.at(workload.key, goal.size)
            if m is None:
                continue
            met, own = is_met(goal, m), m.best(goal.job)
            limit = time_text(None if goal.seconds is None else goal.seconds * m.unit, m.unit)
            against = f"{goal.factor:g} x {goal.against}" if goal.against is not None else "–"
            ratio = _over(own, m.best(goal.against)) if goal.against is not None else None
            verdict = "not measured" if met is None else "yes" if met else "no"
            shown = [goal.job, time_text(own, m.unit), limit, _ratio(ratio), against, verdict]
            rows.append([workload.key, f"{goal.size}", *shown])
    if not rows:
        return ""
    headings = ["workload", "n", "job", "time", "at most", "ratio", "at most", "reached"]
    others = _other_goals(results, workloads)
    return "## Goals\n\n" + table(headings, rows) + (f"\n\n{others}" if others else "")


def _other_goals(results: Results, workloads: Sequence[Workload]) -> str:
    rows = []
    for growth in results.growth:
        found = growth.exponent[FIRST]
        rows.append([f"{growth.workload} exponent of growth", f"{found:.3f}", "0.95 to 1.05", _yes(abs(found - 1.0) <= 0.05)])
    allowed = {workload.key: workload.bytes_a_row for workload in workloads}
    for peak in results.memory:
        most = allowed.get(peak.workload)
        if peak.job == FIRST and most is not None and peak.traced is not None:
            name = f"{peak.workload} peak bytes a row"
            rows.append([name, f"{peak.traced:.0f}", f"at most {most}", _yes(peak.traced <= most)])
    for stages in results.stages:
        if stages.job == FIRST:
            build, plan, inference = (stages.seconds[stage] for stage in ("build", "plan", "inference"))
            shown = f"{time_text(build)} + {time_text(plan)}"
            name = f"{stages.workload} build + plan at {stages.size}"
            rows.append([name, shown, f"less than inference, {time_text(inference)}", _yes(build + plan < inference)])
    if results.imports is not None:
        seconds = results.imports.seconds
        rows.append(["import", time_text(seconds), "at most 300 ms", _yes(seconds <= IMPORT)])
    return table(["what", "found", "goal", "reached"], rows) if rows else ""


def _yes(reached: bool) -> str:
    return "yes" if reached else "no"


def _details(m: Measurement) -> str:
    own = fastest_of_ours(m)
    mine = min(own.seconds) if own is not None else None
    rows, notes = [], []
    for entry in m.entries:
        if entry.timing is None:
            notes.append(f"- {entry.name}: {entry.status}{': ' if entry.note else ''}{entry.note}")
            continue
        best, median = entry.timing.best, entry.timing.median
        mark = " (one run)" if entry.is_single else ""
        rows.append(
            [
                entry.name + mark, time_text(best, m.unit), time_text(median, m.unit), _ratio(_over(best, mine)),
                "–" if entry.error is None else f"{entry.error:.0e}",
            ]
        )
        if entry.note:
            notes.append(f"- {entry.name}: {entry.note}.")
    head = f"## {m.workload} {m.title}, n = {m.size}\n\nOracle: {m.oracle}."
    body = table(["by", "fastest", "median", "/ ours", "error"], rows)
    return "\n\n".join([head, body, *(["\n".join(notes)] if notes else [])])


def _growth(results: Results) -> str:
    if not results.growth:
        return ""
    parts = ["## Growth with n\n\nFastest times; the exponent k of seconds ∝ n^k is the slope of their logarithms."]
    for growth in results.growth:
        rows = [
            [job, *(time_text(seconds) for seconds in values), f"{growth.exponent[job]:.3f}"]
            for job, values in growth.seconds.items()
        ]
        parts.append(table([growth.workload, *(f"{size}" for size in growth.sizes), "exponent"], rows))
    return "\n\n".join(parts)


def _memory(results: Results) -> str:
    if not results.memory:
        return ""
    rows = [
        [
            peak.workload, f"{peak.size}", peak.job,
            "–" if peak.traced is None else f"{peak.traced:.0f}",
            "–" if peak.resident is None else f"{peak.resident:.0f}",
        ]
        for peak in results.memory
    ]
    intro = (
        "## Peak memory, bytes a row\n\nEach in a process of its own, data made before. *Traced* is the peak of what Python "
        "and NumPy allocate (tracemalloc), *resident* the rise of the resident set at its peak, which sees allocations in C++ "
        "too but also pages that the allocator keeps, and misses those that it kept from before."
    )
    return intro + "\n\n" + table(["workload", "n", "by", "traced", "resident"], rows, left=3)


def _stages(results: Results) -> str:
    if not results.stages:
        return ""
    rows = [
        [s.workload, f"{s.size}", s.job, *(time_text(s.seconds[stage]) for stage in ("build", "plan", "inference", "total"))]
        for s in results.stages
    ]
    return "## Stages of reactivepgm\n\n" + table(["workload", "n", "job", "build", "plan", "inference", "all"], rows, left=3)


def _imports(results: Results) -> str:
    found = results.imports
    if found is None:
        return ""
    shares = ", ".join(f"{name} {seconds * 1e3:.0f} ms" for name, seconds in found.packages.items())
    return (
        f"## Import\n\n`import reactivepgm` takes {found.seconds * 1e3:.0f} ms, of which `import numpy` alone "
        f"{found.bare * 1e3:.0f} ms. Self times under `python -X importtime`, which slows imports, by package: {shares}."
    )
