"""Whether an engine stays what it was: memory and time per observation over a long run.

``python -m benchmarks.online_endurance`` sends a million observations, some of them missing, through one scalar Kalman
filter with listeners on posterior, prediction and score, and a bounded history; it prints the resident memory and the time
of every tenth of the run, and ends with an error where memory grew by 5 MB or the last tenth took 10 % more than the first.
A tenth is timed in blocks of a hundred observations, and its fastest block is what counts: an engine that slows down slows
all of them, whereas other processes on the machine slow some.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from reactivepgm import Normal, infer_online, model

MEGABYTE = 2.0**20


@model
def kalman(y: Any, m: Any, v: Any) -> None:
    """One step of a random walk."""
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=1.0)
    y[...] = ~Normal(mean=x, variance=2.0)


def resident() -> float:
    """Resident memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / MEGABYTE


def main(n: int = 1_000_000) -> None:
    """Runs, prints a table, and judges.

    Args:
        n: Observations, at least 10 000.
    """
    engine = infer_online(
        kalman(m=0.0, v=100.0), autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].variance}, history={"x": 100}
    )
    seen = [0, 0, 0]

    def count(place: int, value: object) -> None:
        seen[place] += 1

    for place, outlet in enumerate((engine.posteriors["x"], engine.predictions["y"], engine.free_energy)):
        outlet.subscribe(partial(count, place))
    ys = np.random.default_rng(0).normal(size=1000).tolist()
    block = [{"y": None if i % 10 == 9 else y} for i, y in enumerate(ys)]
    for observation in block * 10:
        engine.observe(observation)
    gc.collect()
    memory, tenths = [resident()], []
    for _ in range(10):
        blocks = []
        for k in range(n // 1000):
            part = block[k % 10 * 100 : k % 10 * 100 + 100]
            started = time.perf_counter()
            for observation in part:
                engine.observe(observation)
            blocks.append((time.perf_counter() - started) / len(part) * 1e6)
        tenths.append(blocks)
        memory.append(resident())
    table = Table(title=f"{engine.count} observations through one engine", title_justify="left")
    for heading in ("tenth", "us an observation, fastest block", "median block", "resident MB", "growth MB"):
        table.add_column(heading, justify="right")
    for i, blocks in enumerate(tenths):
        times = (f"{each:.2f}" for each in (min(blocks), median(blocks)))
        table.add_row(str(i + 1), *times, f"{memory[i + 1]:.1f}", f"{memory[i + 1] - memory[0]:.2f}")
    Console().print(table)
    assert seen == [engine.count] * 3
    if memory[-1] - memory[0] >= 5.0 or min(tenths[-1]) > 1.1 * min(tenths[0]):
        raise SystemExit("memory grew by 5 MB, or the last tenth took 10 % more than the first")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000)
    main(parser.parse_args().n)
