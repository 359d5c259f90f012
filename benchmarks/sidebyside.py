"""Time several callables in turn, so that a noisy machine is unfair to all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of several runs."""

    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        """The fastest run."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """The middle run."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """How far the lower quarter of the runs lies above the fastest, as a share of it: what noise does to a minimum."""
        ordered = sorted(self.seconds)
        return ordered[len(ordered) // 4] / ordered[0] - 1.0


@contextmanager
def settled() -> Iterator[None]:
    """Takes everything that is there out of the collector's sight: nobody pays for the objects of others' imports."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def once(job: Callable[[], object]) -> float:
    """Seconds of one run, with the collector's debts paid before."""
    gc.collect()
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def side_by_side(
    jobs: Mapping[str, Callable[[], object]], repeats: int = 7, warm: Iterable[str] = (), shortest: float = 0.02
) -> dict[str, Timing]:
    """Run every job once to warm up, then all of them in turn, several times over.

    Args:
        jobs: what to run, by name.
        repeats: rounds; the order is turned by one every round, so that nobody always follows the same neighbour.
        warm: names of jobs that have run before.
        shortest: a job that takes less than so many seconds runs three times a round.
    """
    warmed, names = set(warm), list(jobs)
    for name in names:
        if name not in warmed:
            jobs[name]()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    with settled():
        for k in range(repeats):
            turned = names[k % len(names) :] + names[: k % len(names)] if names else []
            for name in turned:
                seconds[name].append(once(jobs[name]))
                if seconds[name][0] < shortest:
                    seconds[name] += [once(jobs[name]) for _ in range(2)]
    return {name: Timing(tuple(values)) for name, values in seconds.items()}
