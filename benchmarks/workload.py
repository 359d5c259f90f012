"""What is measured: a model, its data, a truth computed another way, and everybody who claims to compute it."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.limits import compiler
from reactivepgm import infer

Floats = NDArray[np.float64]
Case = dict[str, Any]
"""Data and constants of one size, by name."""
Answer = dict[str, Any]
"""What a job found, by name: arrays of the shapes that the oracle has under the same names."""
Run = Callable[[], Answer]
Role = Literal["ours", "limit", "peer"]


@dataclass(frozen=True)
class Job:
    """One way to compute a workload.

    Args:
        name: as the table shows it.
        role: the library under test, a hand-written limit, or another library.
        prepare: from a case to a function without arguments that does the whole job, model and answer included. What is
            done before (imports, compilation) is not timed, nor is the first run.
        tolerance: the largest error, relative to the largest true value of each array, with which the job still counts.
        needs: the module that must be importable; "cc" is a C compiler.
        largest: the size beyond which the job is skipped, because it would take minutes.
        remark: what a reader must know to compare, in the footnotes of the table.
        answer: for a job of the library that calls ``infer``: from a case and further options to the answer.
    """

    name: str
    role: Role
    prepare: Callable[[Case], Run]
    tolerance: float = 1e-6
    needs: str | None = None
    largest: int | None = None
    remark: str = ""
    answer: Callable[..., Answer] | None = None

    @property
    def is_installed(self) -> bool:
        """Whether the module that it needs is there."""
        if self.needs == "cc":
            return compiler() is not None
        return self.needs is None or importlib.util.find_spec(self.needs) is not None


@dataclass(frozen=True)
class Goal:
    """At most so many seconds a unit, or so many times another job's, for one job at one size."""

    size: int
    job: str
    seconds: float | None = None
    against: str | None = None
    factor: float = 1.0


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Args:
        key: its short name, such as W1a.
        title: what it is, in a few words.
        oracle_name: where the truth comes from.
        make: from a size to data.
        oracle: from data to the truth.
        jobs: who computes it; the first is the library in the fastest way to write the model.
        sizes: what is measured.
        small: the size for a quick look and for the tests.
        goals: what is to be reached.
        per_row: whether the table shows the cost of one observation instead of the whole.
        growth: the sizes over which growth is fitted, if it is.
        memory: the size at which peak memory is measured, if it is.
        bytes_a_row: the most that the peak may be.
    """

    key: str
    title: str
    oracle_name: str
    make: Callable[[int], Case]
    oracle: Callable[[Case], Answer]
    jobs: tuple[Job, ...]
    sizes: tuple[int, ...]
    small: int
    goals: tuple[Goal, ...] = ()
    per_row: bool = False
    growth: tuple[int, ...] = ()
    memory: int | None = None
    bytes_a_row: int | None = None

    def job(self, name: str) -> Job:
        """The job of that name."""
        return next(job for job in self.jobs if job.name == name)


def error_of(answer: Mapping[str, Any], truth: Mapping[str, Any]) -> float:
    """The largest error over the arrays of an answer, relative to the largest true value of each; infinite for a nan.

    Raises:
        KeyError: the answer has an array that the truth has not.
        ValueError: the shapes differ.
    """
    worst = 0.0
    for name, found in answer.items():
        found, true = np.asarray(found, float), np.asarray(truth[name], float)
        if found.shape != true.shape:
            raise ValueError(f"{name} has shape {found.shape}, the oracle's has {true.shape}")
        gap = np.max(np.abs(found - true), initial=0.0) / max(float(np.max(np.abs(true), initial=0.0)), 1e-300)
        worst = max(worst, float(gap)) if np.isfinite(gap) else float("inf")
    return worst


def ours(writings: Mapping[str, Callable[..., Answer]], tolerance: float = 1e-6) -> tuple[Job, ...]:
    """The library's own jobs, one for each way to write the model, and one more in JAX if the library has that backend.

    Args:
        writings: functions from a case and options of ``infer`` to the answer, by what is appended to the name; the first
            is "", the fastest way to write the model.
        tolerance: as in Job.
    """
    def job(name: str, answer: Callable[..., Answer], needs: str | None = None, remark: str = "") -> Job:
        return Job(name, "ours", lambda case: lambda: answer(case), tolerance, needs, None, remark, answer)

    jobs = [job(f"reactivepgm{', ' if how else ''}{how}", answer) for how, answer in writings.items()]
    if "backend" in inspect.signature(infer).parameters:
        in_jax = partial(writings[""], backend="jax")
        jobs.append(job("reactivepgm, JAX", in_jax, "jax", "warm: compiled by the first run, which is not counted"))
    return tuple(jobs)


def one_by_one(numbers: Sequence[int]) -> Any:
    """The same numbers from an iterator, over which a model's loop runs row by row: only ranges and lists are lifted."""
    return iter(numbers)
