"""Building graphs and making plans, by the stages that ``infer`` announces; and the cost of a small problem."""

from typing import Any

import numpy as np
import pytest

from benchmarks.workload import Workload
from benchmarks.workloads import WORKLOADS
from reactivepgm import MeanField, Normal, infer, model, randomvar

BY_KEY: dict[str, Workload] = {workload.key: workload for workload in WORKLOADS}


def cases() -> list[Any]:
    return [
        pytest.param(key, job.name, id=f"{key} {job.name}")
        for key in ("W1a", "W1b", "W2", "W4", "W8")
        for job in BY_KEY[key].jobs
        if job.answer is not None and "JAX" not in job.name
    ]


class StageOverError(Exception):
    """Ends a call where the stage of interest is over."""


@pytest.mark.parametrize(("key", "name"), cases())
@pytest.mark.parametrize("stage", ["after_model_creation", "after_data_update"], ids=["build", "build and plan"])
def test_before_inference(benchmark: Any, key: Any, name: Any, stage: Any) -> None:
    workload = BY_KEY[key]
    case, answer = workload.make(10_000), workload.job(name).answer
    assert answer is not None

    def stop(*_: Any) -> None:
        raise StageOverError

    def begun() -> None:
        with pytest.raises(StageOverError):
            answer(case, callbacks={stage: stop})

    benchmark(begun)


@model
def small(y: Any) -> None:
    x = ~Normal(mean=0.0, variance=1.0)
    y[:] = ~Normal(mean=x, variance=1.0)


def test_a_small_problem(benchmark: Any) -> None:
    benchmark(lambda: infer(small(), data={"y": [1.0, 2.0, 3.0]}))


@model
def walk(y: Any) -> None:
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=1.0)
    x[1:] = ~Normal(mean=x[:-1], variance=1.0)
    y[:] = ~Normal(mean=x, variance=1.0)


@pytest.mark.parametrize("n", [1_000, 10_000])
def test_a_walk_whose_elements_are_apart(benchmark: Any, n: Any) -> None:
    data, start = {"y": np.sin(np.arange(float(n)))}, {"x": Normal(mean=0.0, variance=1.0)}
    benchmark(lambda: infer(walk(), data=data, constraints=MeanField(), initialisation=start))
