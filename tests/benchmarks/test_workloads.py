"""The benchmarks at small sizes: the library and the hand-written limits agree with every oracle. Nothing is timed."""

import shutil

import pytest

from benchmarks.limits import compiler
from benchmarks.measure import measure
from benchmarks.workload import error_of
from benchmarks.workloads import WORKLOADS

NOT_YET: dict[tuple[str, str], str] = {}


def jobs():
    found = []
    for workload in WORKLOADS:
        for job in workload.jobs:
            if job.role == "peer" or job.needs == "jax":
                continue
            reason = NOT_YET.get((workload.key, job.name))
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            if job.needs == "cc" and compiler() is None:
                marks.append(pytest.mark.skip(reason="no C compiler"))
            found.append(pytest.param(workload, job, id=f"{workload.key} {job.name}", marks=marks))
    return found


@pytest.mark.parametrize(("workload", "job"), jobs())
def test_the_answer_is_the_oracle_s(workload, job):
    case = workload.make(workload.small)
    assert error_of(job.prepare(case)(), workload.oracle(case)) <= job.tolerance


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.key)
def test_goals_name_jobs_and_sizes_that_are_there(workload):
    names = {job.name for job in workload.jobs} | {"reactivepgm, JAX"}
    for goal in workload.goals:
        assert goal.size in workload.sizes
        assert goal.job in names
        assert goal.against is None or goal.against in names
    assert workload.jobs[0].name == "reactivepgm"
    assert not workload.growth or workload.growth[0] == 10_000


def test_a_missing_peer_is_named_and_skipped(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = measure(WORKLOADS[0], 50, repeats=0)
    missing = {entry.name: entry.note for entry in found.entries if entry.status == "missing"}
    assert missing["statsmodels"] == "statsmodels is not installed"
    assert found.entry("reactivepgm").status == "right"


def test_without_a_compiler_the_c_loops_are_missing(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = measure(WORKLOADS[0], 50, repeats=0, roles=("limit",))
    assert found.entry("C").status == "missing"
    assert found.entry("LAPACK by hand").status == "right"
