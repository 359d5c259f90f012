"""Where the library's own time goes: building the graph, planning, inference, by the events that ``infer`` announces."""

from __future__ import annotations

import gc
import time
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.sidebyside import settled
from benchmarks.workload import Job, Workload

SPANS = {
    "build": ("before_model_creation", "after_model_creation"),
    "plan": ("before_data_update", "after_data_update"),
    "inference": ("before_inference", "after_inference"),
}
"""Between which events a stage lies; reading data is part of the plan's."""


@dataclass
class Stages:
    """Fastest seconds of the stages of one job, each the minimum of several runs.

    Args:
        workload: its key.
        size: the number of rows.
        job: which.
        seconds: by stage; "total" is the whole call with the reading of the answer.
    """

    workload: str
    size: int
    job: str
    seconds: dict[str, float]

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def stages_of(workload: Workload, size: int, repeats: int = 5) -> list[Stages]:
    """The stages of the library's jobs that call ``infer``, in turn; a compiled one (``needs`` JAX) has none to tell."""
    case = workload.make(size)
    jobs = [job for job in workload.jobs if job.answer is not None and job.is_installed and job.needs != "jax"]
    seen: dict[str, list[dict[str, float]]] = {job.name: [] for job in jobs}
    with settled():
        for _ in range(repeats + 1):
            for job in jobs:
                seen[job.name].append(_once(job, case))
    return [
        Stages(workload.key, size, name, {stage: min(run[stage] for run in runs[1:]) for stage in runs[0]})
        for name, runs in seen.items()
    ]


def _once(job: Job, case: Any) -> dict[str, float]:
    assert job.answer is not None
    at: dict[str, float] = {}
    events = {event for span in SPANS.values() for event in span}

    def noting(event: str) -> Any:
        return lambda *_: at.__setitem__(event, time.perf_counter())

    gc.collect()
    start = time.perf_counter()
    job.answer(case, callbacks={event: noting(event) for event in events})
    end = time.perf_counter()
    return {**{stage: at[last] - at[first] for stage, (first, last) in SPANS.items()}, "total": end - start}
