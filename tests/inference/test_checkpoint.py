"""A run that is killed and resumed ends where one that was never stopped does."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Gamma,
    Normal,
    NormalMeanPrecision,
    StorageError,
    infer_online,
    model,
    q,
    resume,
)

ROOT = Path(__file__).parents[2]


@model
def noisy(y, m, v, a, b):
    x = ~Normal(mean=m, variance=v)
    w = ~Gamma(shape=a, rate=b)
    y[...] = ~NormalMeanPrecision(x, w).where(q=q(x) * q(w))


@model
def other(y, m, v, a, b):
    x = ~Normal(mean=m, variance=v)
    w = ~Gamma(shape=a, rate=b)
    z = ~NormalMeanPrecision(x, w).where(q="q(out, mean) q(precision)")
    y[...] = ~Normal(mean=z, variance=1.0)


def fed_back(posteriors):
    x, w = posteriors["x"], posteriors["w"]
    return {"m": x.mean, "v": x.variance, "a": w.shape, "b": w.rate}


OPTIONS = {
    "autoupdates": fed_back,
    "initialisation": {"w": Gamma(shape=1.0, rate=1.0)},
    "iterations": 3,
    "history": {"x": 4},
}


def fresh(instance=noisy):
    return instance(m=0.0, v=100.0, a=1.0, b=1.0)


def data(n=40):
    return np.random.default_rng(5).normal(2.0, 0.7, size=n).tolist()


def test_every_moment_is_a_good_moment_to_stop(tmp_path):
    path = tmp_path / "run"
    whole = infer_online(fresh(), **OPTIONS)
    for y in data():
        whole.observe({"y": y})
    engine = infer_online(fresh(), **OPTIONS)
    for y in data():
        engine.observe({"y": y})
        engine.checkpoint(path)
        engine = resume(path, fresh(), **OPTIONS)
    assert engine.count == whole.count
    assert engine.latest["x"] == whole.latest["x"]
    assert engine.latest["w"] == whole.latest["w"]
    assert list(engine.history["x"]) == list(whole.history["x"])


def test_a_damaged_file_is_refused_and_the_one_before_it_is_kept(tmp_path):
    path = tmp_path / "run"
    engine = infer_online(fresh(), **OPTIONS)
    for y in data(2):
        engine.observe({"y": y})
        engine.checkpoint(path)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], content[:-1], b"", b"no zip", content[:200] + b"\0" + content[201:]):
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match=r"the checkpoint before it can be read: resume\('.*run\.previous'"):
            resume(path, fresh(), **OPTIONS)
    assert resume(tmp_path / "run.previous", fresh(), **OPTIONS).count == 1


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    path = tmp_path / "run"
    engine = infer_online(fresh(), **OPTIONS)
    with pytest.raises(ValueError, match="nothing to checkpoint"):
        engine.checkpoint(path)
    engine.observe({"y": 1.0})
    engine.checkpoint(path)
    with pytest.raises(StorageError, match="of another model"):
        resume(path, fresh(other), **OPTIONS)


@model
def walk(y, m, v, noise):
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=1.5)
    y[...] = ~Normal(mean=x, variance=noise)


def moments(posteriors):
    return {"m": posteriors["x"].mean, "v": posteriors["x"].variance}


def test_what_differs_from_the_saved_model_is_named(tmp_path):
    path = tmp_path / "run"
    engine = infer_online(walk(m=0.0, v=1.0, noise=2.0), autoupdates=moments)
    engine.observe(1.0)
    engine.checkpoint(path)
    with pytest.raises(StorageError, match=r"`variance` of  y\[...\] = .*  was 2.0, is 3.0"):
        resume(path, walk(m=0.0, v=1.0, noise=3.0), autoupdates=moments)
    with pytest.raises(StorageError, match="iterations was 1, is 2"):
        resume(path, walk(m=0.0, v=1.0, noise=2.0), autoupdates=moments, iterations=2)
    with pytest.raises(StorageError, match="when was all, is any"):
        resume(path, walk(m=0.0, v=1.0, noise=2.0), autoupdates=moments, when="any")
    # What is fed back comes from the checkpoint, not from the arguments.
    later = resume(path, walk(m=7.0, v=7.0, noise=2.0), autoupdates=moments)
    for each in (engine, later):
        each.observe(2.0)
    assert engine.latest["x"] == later.latest["x"]


def test_missing_data_and_waiting_data_survive(tmp_path):
    path = tmp_path / "run"
    for start in ([None], [None, None], [1.0, None]):
        whole = infer_online(walk(m=0.0, v=1.0, noise=2.0), autoupdates=moments)
        engine = infer_online(walk(m=0.0, v=1.0, noise=2.0), autoupdates=moments)
        for y in start:
            engine.observe(y)
            whole.observe(y)
            engine.checkpoint(path)
            engine = resume(path, walk(m=0.0, v=1.0, noise=2.0), autoupdates=moments)
            assert engine.latest["before"] == whole.latest["before"]
        engine.observe(3.0)
        whole.observe(3.0)
        assert engine.latest["x"] == whole.latest["x"]


def test_a_value_that_was_skipped_does_not_spoil_the_checkpoint(tmp_path):
    @model
    def coin(flip, a, b):
        p = ~Beta(a=a, b=b)
        flip[...] = ~Bernoulli(p)

    options = {"autoupdates": lambda q: {"a": q["p"].a, "b": q["p"].b}, "on_bad_observation": "skip"}
    engine = infer_online(coin(a=1.0, b=1.0), **options)
    for flip in (1.0, 2.0):
        engine.observe(flip)
    engine.checkpoint(tmp_path / "run")
    later = resume(tmp_path / "run", coin(a=1.0, b=1.0), **options)
    assert (later.count, later.skipped, later.latest["p"]) == (1, 1, Beta(2.0, 1.0))


def test_a_damaged_file_never_takes_the_place_of_a_good_previous_one(tmp_path):
    path = tmp_path / "run"
    engine = infer_online(fresh(), **OPTIONS)
    for y in data(3):
        engine.observe({"y": y})
        engine.checkpoint(path)
    path.write_bytes(path.read_bytes()[:50])
    engine.checkpoint(path)
    assert resume(path, fresh(), **OPTIONS).count == 3
    assert resume(tmp_path / "run.previous", fresh(), **OPTIONS).count == 2


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    path = tmp_path / "run"
    engine = infer_online(fresh(), **OPTIONS)
    engine.observe({"y": 1.0})
    (tmp_path / ".run.0123456789abcdef").write_bytes(b"half")
    (tmp_path / ".run.spare").write_bytes(b"half")
    engine.checkpoint(path)
    os.link(path, tmp_path / "run.previous")  # as it is between the rotation and the write
    others = [".run.notes", ".run2.0123456789abcdef", "run.0123456789abcdef"]
    for name in others:
        (tmp_path / name).write_bytes(b"mine")
    engine.checkpoint(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["run", "run.previous", *others])


def test_a_folder_is_no_checkpoint(tmp_path):
    engine = infer_online(fresh(), **OPTIONS)
    engine.observe({"y": 1.0})
    with pytest.raises(StorageError, match=r"is a folder, and a checkpoint is a file\n  write  checkpoint"):
        engine.checkpoint(tmp_path)
    with pytest.raises(StorageError, match=r"is a folder"):
        resume(tmp_path, fresh(), **OPTIONS)
    with pytest.raises(FileNotFoundError):
        engine.checkpoint(tmp_path / "no" / "such")
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import os, random, signal, sys, time
sys.path[:0] = [{root!r}, {rules!r}]
from pathlib import Path
from tests.inference.test_checkpoint import OPTIONS, data, fresh
from reactivepgm import infer_online, resume

path, values, rng = Path({path!r}), data(10**5), random.Random(11)

def run():
    engine = resume(path, fresh(), **OPTIONS) if path.exists() else infer_online(fresh(), **OPTIONS)
    for y in values[engine.count:]:
        engine.observe({{"y": y}})
        engine.checkpoint(path)

for _ in range(50):
    before = path.stat().st_mtime_ns if path.exists() else 0
    child = os.fork()
    if child == 0:
        run()
    while not path.exists() or path.stat().st_mtime_ns == before:
        time.sleep(0.001)
    time.sleep(rng.uniform(0.0, 0.02))
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
"""


def test_a_process_killed_fifty_times_ends_where_an_unbroken_one_does(tmp_path):
    path = tmp_path / "state"
    script = SCRIPT.format(root=str(ROOT), rules=str(ROOT / "rules"), path=str(path))
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120.0)
    broken = resume(path, fresh(), **OPTIONS)
    whole = infer_online(fresh(), **OPTIONS)
    for y in data(10**5)[: broken.count]:
        whole.observe({"y": y})
    assert broken.count >= 50
    broken.checkpoint(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state", "state.previous"]
    assert broken.latest["x"] == whole.latest["x"]
    assert broken.latest["w"] == whole.latest["w"]


def test_an_engine_that_fed_back_does_not_go_on_without(tmp_path):
    engine = infer_online(fresh(), **OPTIONS)
    engine.observe({"y": 1.0})
    engine.checkpoint(tmp_path / "run")
    with pytest.raises(StorageError, match=r"whose autoupdates returned .* write  resume\(\.\.\., autoupdates=\.\.\.\)"):
        resume(tmp_path / "run", fresh(), **{**OPTIONS, "autoupdates": None})
