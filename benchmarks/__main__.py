"""``python -m benchmarks``: every workload beside its peers in one run; a full run writes the results page."""

from __future__ import annotations

from benchmarks.threads import use_one_thread

if __name__ == "__main__":
    use_one_thread()

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.growth import grow
from benchmarks.imports import import_time
from benchmarks.machine import described
from benchmarks.measure import measure
from benchmarks.memory import peak_of
from benchmarks.page import page
from benchmarks.picture import draw
from benchmarks.results import Results
from benchmarks.stages import stages_of
from benchmarks.workload import Role, Workload
from benchmarks.workloads import WORKLOADS

HERE = Path(__file__).parent
PAGE, DATA, PICTURE = "RESULTS.md", "results.json", "results.svg"


def say(line: str) -> None:
    """Progress, apart from the output."""
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, no growth and no memory: a look in a minute")
    parser.add_argument("--only", default="", metavar="KEYS", help="some workloads, such as W4 or W1a,W1b")
    parser.add_argument("--sizes", default="", metavar="N,N", help="other sizes")
    parser.add_argument("--repeats", type=int, default=7, help="rounds (7; at least 5 for a page)")
    parser.add_argument("--no-peers", action="store_true", help="the library and the hand-written limits only")
    parser.add_argument("--times-only", action="store_true", help="no growth, memory, stages and import time")
    parser.add_argument("--read", type=Path, metavar="FILE", help="measure nothing: the page of these results")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument(
        "--write", type=Path, metavar="FOLDER", help="write page, data and picture there; a full run writes beside this file"
    )
    return parser.parse_args(arguments)


def chosen(only: str) -> list[Workload]:
    """The workloads whose keys are named, or all; W1 stands for W1a and W1b.

    Raises:
        SystemExit: no workload is called so.
    """
    if not only:
        return list(WORKLOADS)
    keys = [key.strip() for key in only.split(",")]
    unknown = [key for key in keys if not any(workload.key.startswith(key) for workload in WORKLOADS)]
    if unknown:
        raise SystemExit(f"no workload {unknown[0]}; there are {', '.join(workload.key for workload in WORKLOADS)}")
    return [workload for workload in WORKLOADS if any(workload.key.startswith(key) for key in keys)]


def run(options: argparse.Namespace, workloads: Sequence[Workload]) -> Results:
    """Measures what was asked for."""
    results = Results(described(), options.repeats)
    roles: tuple[Role, ...] = ("ours", "limit") if options.no_peers else ("ours", "limit", "peer")
    sizes = tuple(int(size) for size in options.sizes.split(",")) if options.sizes else ()
    for workload in workloads:
        for size in sizes or ((workload.small,) if options.quick else workload.sizes):
            say(f"{workload.key} {workload.title}, n = {size}")
            results.measurements.append(measure(workload, size, repeats=options.repeats, roles=roles, say=say))
    if options.quick or options.times_only:
        return results
    for workload in workloads:
        size = max(sizes or workload.sizes)
        if any(job.answer is not None for job in workload.jobs):
            say(f"{workload.key} stages")
            results.stages += stages_of(workload, size)
        if workload.growth and not sizes:
            say(f"{workload.key} growth")
            results.growth.append(grow(workload, max(5, options.repeats), say))
        if workload.memory is not None and not sizes:
            for job in workload.jobs:
                is_fit = job.largest is None or workload.memory <= job.largest
                # Peers take minutes; they are asked where the library has a goal.
                is_wanted = job.role == "ours" or (job.role in roles and workload.bytes_a_row is not None)
                if is_wanted and job.role != "limit" and job.is_installed and is_fit:
                    say(f"{workload.key} memory of {job.name}")
                    results.memory.append(peak_of(workload.key, workload.memory, job.name))
    say("import")
    results.imports = import_time()
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints the page, writes what is to be written; 1 where the library was wrong."""
    options = parsed(arguments)
    workloads = chosen(options.only)
    is_full = not (options.quick or options.only or options.sizes or options.no_peers or options.times_only or options.read)
    results = Results.read(options.read) if options.read is not None else run(options, workloads)
    folder = options.write or (HERE if is_full else None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        has_picture = draw(results, folder / PICTURE)
        (folder / PAGE).write_text(page(results, workloads, PICTURE if has_picture else None))
        results.write(folder / DATA)
    if options.json is not None:
        results.write(options.json)
    print(page(results, workloads))
    for line in results.not_right():
        print(f"not right: {line}", file=sys.stderr)
    return 1 if results.not_right() else 0


if __name__ == "__main__":
    sys.exit(main())
