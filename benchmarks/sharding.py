"""What 1e10 rows on 100 workers would take: measured cost of a row and of a message, and an estimate from both.

    python -m benchmarks.sharding [rows]

Measured here: processor seconds a row of one shard in one iteration, the bytes that a shard and the driver send each other in
an iteration, how often they do, how long empty tasks take there and back, what a row costs the driver before anything runs,
and what memory it takes.

    iteration = rows / workers * cost of a row + rounds * empty tasks + workers * bytes / bandwidth
"""

from __future__ import annotations

from benchmarks.threads import use_one_thread

if __name__ == "__main__":
    use_one_thread()

import pickle
import sys
import time
import tracemalloc
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from statistics import median
from typing import Any

import numpy as np

from benchmarks.machine import described
from reactivepgm import (
    Categorical,
    Dirichlet,
    GammaShapeRate,
    MeanField,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    dot,
    infer,
    model,
    randomvar,
)
from reactivepgm.inference.infer import Run
from reactivepgm.inference.sharded import ShardedRun
from reactivepgm.plan import LoopySchedule

ROWS, WORKERS = 10**10, 100
BANDWIDTH = 1e9
"""Bytes a second into and out of the driver: assumed, a 10 Gbit/s network."""
ITERATIONS = 5


@model
def mixture(y: Any, K: int) -> None:
    p = ~Dirichlet(np.ones(K))
    m, w, z = randomvar(K), randomvar(K), randomvar(len(y))
    m[:] = ~NormalMeanPrecision(0.0, 0.01)
    w[:] = ~GammaShapeRate(1.0, 1.0)
    z[:] = ~Categorical(p)
    y[:] = ~NormalMixture(z, m, w)


@model
def regression(y: Any, X: Any) -> None:
    w = ~MvNormalMeanCovariance(np.zeros(8), 10.0 * np.eye(8))
    tau = ~GammaShapeRate(1.0, 1.0)
    for i in range(len(y)):
        y[i] = ~NormalMeanPrecision(dot(X[i], w), tau)


@dataclass(frozen=True)
class Case:
    """A model, its data and where it begins."""

    name: str
    instance: Any
    data: Mapping[str, Any]
    initialisation: Mapping[str, Any]


@dataclass(frozen=True)
class Costs:
    """What was measured."""

    row: float
    """Processor seconds a row and iteration."""
    rounds: int
    """How often the shards are asked in an iteration."""
    bytes: float
    """What a shard and the driver send each other in an iteration."""
    planning: float
    """Processor seconds a row until the first iteration."""
    memory: float
    """Bytes a row of the driver at its peak."""
    shipped: float
    """Bytes a row that go to a worker once."""
    working: float
    """Bytes a row of a worker at its peak."""


def cases(rows: int) -> list[Case]:
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 4, size=rows) * 4.0
    X = rng.normal(size=(rows, 8))
    begin = {"m": NormalMeanVariance(np.arange(4.0) * 3, 1.0), "w": GammaShapeRate(1.0, 1.0), "p": Dirichlet(np.ones(4))}
    return [
        Case("mixture of 4 normals", mixture(K=4), {"y": rng.normal(size=rows) + centres}, begin),
        Case(
            "regression on 8 inputs",
            regression(),
            {"y": X @ np.arange(8.0) + rng.normal(size=rows), "X": X},
            {"tau": GammaShapeRate(1.0, 1.0)},
        ),
    ]


def started(case: Case, pool: ThreadPoolExecutor, shards: int) -> ShardedRun:
    graph = case.instance.build(case.data).constrained(MeanField())
    read = graph.read_data(case.data)
    return ShardedRun(graph, read, case.initialisation, {}, LoopySchedule(), True, executor=pool, shards=shards)


def checked(case: Case, pool: ThreadPoolExecutor) -> None:
    """The sharded iterations are those of one process, or nothing is measured."""
    options: dict[str, Any] = {
        "data": case.data, "constraints": MeanField(), "initialisation": case.initialisation, "free_energy": True,
    }  # fmt: skip
    alone = infer(case.instance, iterations=3, **options).free_energy
    shared = infer(case.instance, iterations=3, executor=pool, shards=3, **options).free_energy
    np.testing.assert_allclose(shared, alone, rtol=1e-9)


def measured(case: Case, rows: int, pool: ThreadPoolExecutor) -> Costs:
    begun = time.process_time()
    run: Run = started(case, pool, 1)
    planning = time.process_time() - begun
    run.advance()
    times = []
    for _ in range(ITERATIONS):
        begun = time.process_time()
        run.advance()
        times.append(time.process_time() - begun)
    run.close()
    tracemalloc.start()
    other = started(case, pool, 2)
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    other.advance()
    working = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    shipped = len(pickle.dumps(other.crew._inputs[0])) / (rows / 2)
    sent: list[int] = []
    ask = other.crew.ask

    def weighed(*orders: Any) -> Any:
        results = ask(*orders)
        sent.append(len(pickle.dumps(orders)) + len(pickle.dumps(results[0])))
        return results

    other.crew.ask = weighed  # type: ignore[method-assign]
    other.advance()
    other.close()
    message = float(sum(sent))
    return Costs(
        median(times) / rows, len(sent), message, planning / rows, memory / rows, shipped, shipped + working / rows
    )


def empty_round() -> float:
    """Seconds that a task for every worker takes when there is nothing to do: Dask on this machine, or without it a pool."""

    def of(executor: Any, **options: Any) -> float:
        times = []
        for _ in range(10):
            begun = time.perf_counter()
            futures = [executor.submit(int, **options) for _ in range(WORKERS)]
            for future in futures:
                future.result()
            times.append(time.perf_counter() - begun)
        return median(times)

    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return of(pool)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        return of(client, pure=False)


def table(rows: int) -> str:
    empty = empty_round()
    here = described()
    lines = [
        f"{here['date']}, {here['cores']} x {here['processor']}, {here['python']}, NumPy {here['versions']['numpy']}",
        f"measured on {rows} rows; {WORKERS} empty tasks there and back: {empty * 1e3:.0f} ms;"
        f" assumed: {BANDWIDTH:.0e} bytes/s at the driver",
        "",
        f"| model | ns a row and iteration | rounds | bytes | an iteration of {ROWS:.0e} rows on {WORKERS} workers |"
        " of which computing | once: planning a row | driver's memory a row | shipped a row | worker's memory a row |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    with ThreadPoolExecutor(1) as pool:
        for case in cases(3000):
            checked(case, pool)
        for case in cases(rows):
            costs = measured(case, rows, pool)
            computing = ROWS / WORKERS * costs.row
            talking = costs.rounds * empty + WORKERS * costs.bytes / BANDWIDTH
            lines.append(
                f"| {case.name} | {costs.row * 1e9:.0f} | {costs.rounds} | {costs.bytes:.0f} | {computing + talking:.0f} s |"
                f" {computing:.0f} s | {costs.planning * 1e6:.2g} us | {costs.memory:.0f} bytes | {costs.shipped:.0f} bytes |"
                f" {costs.working:.0f} bytes |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(int(float(sys.argv[1])) if len(sys.argv) > 1 else 300_000))
