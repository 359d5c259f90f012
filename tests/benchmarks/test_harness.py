"""The harness: who is wrong is never timed, results survive the file, pages and comparisons say what happened."""

import dataclasses
import math

import numpy as np
import pytest

from benchmarks import commits, compare
from benchmarks.__main__ import chosen, main, parsed
from benchmarks.growth import exponent
from benchmarks.imports import _by_package
from benchmarks.measure import Entry, Measurement, measure
from benchmarks.memory import peak_of
from benchmarks.page import is_met, page
from benchmarks.results import Results
from benchmarks.sidebyside import Timing, side_by_side
from benchmarks.stages import stages_of
from benchmarks.workload import Goal, Job, Workload, error_of
from benchmarks.workloads import WORKLOADS


def workload(*jobs):
    return Workload(
        "T", "a test", "one", lambda n: {"n": n}, lambda case: {"x": np.ones(case["n"])}, jobs, (4,), 4,
        goals=(Goal(4, "reactivepgm", 1e3, "other", 1e6),),
    )


def answering(value, name="reactivepgm", role="ours", **options):
    return Job(name, role, lambda case: lambda: {"x": np.full(case["n"], value)}, **options)


def raising(case):
    raise RuntimeError("of no use\nat all")


def test_only_who_is_right_is_timed():
    found = measure(
        workload(answering(1.0), answering(1.1, "other", "peer"), answering(math.nan, "nan", "peer"),
                 Job("broken", "peer", raising), answering(1.0, "large", "peer", largest=3)), 4, repeats=2,
    )
    assert [entry.status for entry in found.entries] == ["right", "wrong", "wrong", "failed", "skipped"]
    assert [bool(entry.seconds) for entry in found.entries] == [True, False, False, False, False]
    assert found.entry("other").error == pytest.approx(0.1)
    assert found.entry("broken").note == "RuntimeError: of no use"


def test_an_answer_of_another_shape_is_a_failure():
    with pytest.raises(ValueError, match=r"x has shape \(3,\), the oracle's has \(4,\)"):
        error_of({"x": np.ones(3)}, {"x": np.ones(4)})
    with pytest.raises(KeyError):
        error_of({"y": np.ones(4)}, {"x": np.ones(4)})


def test_jobs_take_turns():
    ran = []
    timings = side_by_side({name: lambda name=name: ran.append(name) for name in "ab"}, repeats=2, shortest=0.0)
    assert ran == ["a", "b", "a", "b", "b", "a"]
    assert len(timings["a"].seconds) == 2


def results(own, limit):
    entries = [Entry("reactivepgm", "ours", "right", 0.0, own), Entry("C", "limit", "right", 0.0, limit)]
    machine = {
        "processor": "P", "cores": 1, "memory_gb": 1, "system": "S", "python": "3", "compiler": None, "date": "today",
        "versions": {}, "missing": ["other"], "load": 0.0,
    }
    return Results(machine, 2, [Measurement("T", "a test", 4, "one", False, entries)])


def test_results_survive_the_file(tmp_path):
    first = results([0.5, 0.25], [0.125])
    first.stages = stages_of(dataclasses.replace(WORKLOADS[0], small=40), 40, repeats=1)
    first.write(tmp_path / "r.json")
    again = Results.read(tmp_path / "r.json")
    assert again.at("T", 4) == first.at("T", 4)
    by_numpy = {job.name for job in WORKLOADS[0].jobs if job.role == "ours" and not job.name.endswith("JAX")}
    assert {stage.job for stage in again.stages} == by_numpy
    assert all(0 < stage.seconds["build"] < stage.seconds["total"] for stage in again.stages)
    text = page(again, [workload(answering(1.0))])
    assert "| T a test | 4 | 250 ms | – | – | C 125 ms | 2 |" in text
    assert "Not installed, and skipped: other." in text


def test_goals_are_compared():
    found = measure(workload(answering(1.0), answering(1.0, "other", "peer")), 4, repeats=1)
    assert is_met(Goal(4, "reactivepgm", 1e3, "other", 1e6), found)
    assert not is_met(Goal(4, "reactivepgm", 1e-12), found)
    assert not is_met(Goal(4, "reactivepgm", None, "other", 1e-9), found)
    assert is_met(Goal(4, "absent", 1.0), found) is None


def test_changes_are_free_of_the_machine_s_drift():
    old, new = results([1.0, 1.0], [0.1]), results([4.0, 4.0], [0.2])
    (change,) = compare.changes(old, new)
    assert compare.drift(old, new) == pytest.approx(2.0)
    assert (change.ratio, change.verdict) == (pytest.approx(2.0), "slower")
    assert compare.changes(old, old)[0].verdict == "same"
    noisy = results([1.0, 2.0, 2.0, 2.0], [0.1])
    assert Timing((1.0, 2.0, 2.0, 2.0)).spread == pytest.approx(1.0)
    assert compare.changes(noisy, results([1.5] * 4, [0.1]))[0].verdict == "same"


def test_commits_are_compared_pair_by_pair():
    text = commits.text({("T", 4, "reactivepgm", 1): [(1.0, 0.5), (2.0, 1.0), (1.0, 0.51)]})
    assert "| T | 4 | reactivepgm | 1e+03 ms | 500 ms | 0.500 | 2.0 % | faster |" in text


def test_the_exponent_of_a_power():
    assert exponent([10, 100, 1000], [1.0, 1e2, 1e4]) == pytest.approx(2.0)


def test_import_times_are_summed_by_package():
    lines = ["import time:       100 |        250 |   numpy.linalg", "import time:        50 |        250 | numpy"]
    assert _by_package("\n".join(lines)) == {"numpy": pytest.approx(150e-6)}


def test_memory_is_measured_elsewhere():
    peak = peak_of("W1a", 2000, "LAPACK by hand")
    assert peak.note == ""
    assert 16 <= peak.traced < 500


def test_keys_are_prefixes():
    assert [w.key for w in chosen("W1,W4")] == ["W1a", "W1b", "W4"]
    with pytest.raises(SystemExit, match="no workload X"):
        chosen("X")
    assert parsed(["--quick"]).repeats == 7


def test_a_run_writes_its_page(tmp_path, capsys):
    asked = ["--quick", "--only", "W5", "--no-peers", "--repeats", "1"]
    assert main([*asked, "--write", str(tmp_path), "--json", str(tmp_path / "j")]) == 0
    assert "W5 Beta-Bernoulli online" in capsys.readouterr().out
    assert (tmp_path / "RESULTS.md").read_text().startswith("# Results")
    assert Results.read(tmp_path / "j").at("W5", 300) is not None
