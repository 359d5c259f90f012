"""Cost against n: the exponent k of seconds ∝ n^k, by least squares of the logarithms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.measure import measure
from benchmarks.sidebyside import once, settled
from benchmarks.workload import Workload

BURST = 0.1
"""Seconds that a size gets in a row, up to ten runs."""


@dataclass
class Growth:
    """Fastest seconds by size of the library and of the limit, and the library's exponent.

    Args:
        workload: its key.
        sizes: numbers of rows.
        seconds: by job, in the order of the sizes.
        exponent: by job.
    """

    workload: str
    sizes: list[int]
    seconds: dict[str, list[float]]
    exponent: dict[str, float]

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of log seconds over log n.

    Example:
        >>> round(exponent([1, 10, 100], [2.0, 20.0, 200.0]), 6)
        1.0
    """
    slope, _ = np.polyfit(np.log(sizes), np.log(seconds), 1)
    return float(slope)


def grow(workload: Workload, repeats: int, say: Callable[[str], None] = lambda line: None) -> Growth:
    """Measures the library's first job and the C loop at all sizes in turn, the sizes interleaved.

    Raises:
        ArithmeticError: the library is wrong at some size.
    """
    names = [workload.jobs[0].name, *(job.name for job in workload.jobs if job.needs == "cc" and job.is_installed)]
    runs = {}
    for size in workload.growth:
        checked = measure(workload, size, repeats=0, names=names, say=say)
        wrong = [entry for entry in checked.entries if entry.status != "right"]
        if wrong:
            raise ArithmeticError(f"{workload.key} at {size}: {wrong[0].name} is {wrong[0].status}: {wrong[0].note}")
        case = workload.make(size)
        runs.update({(name, size): workload.job(name).prepare(case) for name in names})
    with settled():
        best = {key: once(run) for key, run in runs.items()}
        for _ in range(repeats):
            for key, run in runs.items():
                # A burst: the run after a large one finds caches cold and memory given back.
                for _ in range(max(1, min(10, int(BURST / best[key])))):
                    best[key] = min(best[key], once(run))
    sizes = list(workload.growth)
    seconds = {name: [best[name, size] for size in sizes] for name in names}
    return Growth(workload.key, sizes, seconds, {name: exponent(sizes, values) for name, values in seconds.items()})
