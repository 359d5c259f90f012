"""W6, a scalar Kalman filter online: x_t ~ N(x_{t-1}, 1), y_t ~ N(x_t, 2), the posterior fed back, a subscriber listening."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workload import Answer, Case, Goal, Job, Run, Workload
from reactivepgm import Normal, infer_online, model


@model
def step(y: Any, m: Any, v: Any) -> None:
    """One step of a random walk."""
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=1.0)
    y[...] = ~Normal(mean=x, variance=2.0)


def make(n: int) -> Case:
    """A walk as plain floats."""
    return {"n": n, "y": np.random.default_rng(n).normal(size=n).cumsum().tolist()}


def oracle(case: Case) -> Answer:
    """The filter in information form: precisions add, weighted means add."""
    precision, weighted = 0.01, 0.0
    for y in case["y"]:
        shrink = 1.0 / (1.0 + precision)
        precision, weighted = precision * shrink + 0.5, weighted * shrink + 0.5 * y
    return {"mean": weighted / precision, "variance": 1.0 / precision}


def library(case: Case) -> Run:
    """The engine, fed one observation at a time."""
    def run() -> Answer:
        engine = infer_online(step(m=0.0, v=100.0), autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].variance})
        last = [Normal(mean=0.0, variance=100.0)]
        engine.posteriors["x"].subscribe(lambda belief: last.__setitem__(0, belief))
        observe = engine.observe
        for y in case["y"]:
            observe({"y": y})
        return {"mean": last[0].mean, "variance": last[0].variance}

    return run


def in_python(case: Case) -> Run:
    """A filter on floats."""
    def run() -> Answer:
        m, v = 0.0, 100.0
        for y in case["y"]:
            v += 1.0
            gain = v / (v + 2.0)
            m, v = m + gain * (y - m), v * (1.0 - gain)
        return {"mean": m, "variance": v}

    return run


def with_filterpy(case: Case) -> Run:
    """Its filter with one state."""
    from filterpy.kalman import KalmanFilter

    def run() -> Answer:
        f = KalmanFilter(dim_x=1, dim_z=1)
        f.F, f.H, f.P, f.Q, f.R = np.eye(1), np.eye(1), 100.0 * np.eye(1), np.eye(1), 2.0 * np.eye(1)
        for y in case["y"]:
            f.predict()
            f.update(y)
        return {"mean": float(f.x.item()), "variance": float(f.P.item())}

    return run


def with_jax(case: Case) -> Run:
    """A jitted step, called once for each observation."""
    import jax

    jax.config.update("jax_enable_x64", True)

    def move(m: Any, v: Any, y: Any) -> Any:
        v = v + 1.0
        gain = v / (v + 2.0)
        return m + gain * (y - m), v * (1.0 - gain)

    jitted = jax.jit(move)

    def run() -> Answer:
        m: Any = 0.0
        v: Any = 100.0
        for y in case["y"]:
            m, v = jitted(m, v, y)
        return {"mean": float(m), "variance": float(v)}

    return run


SCALAR_KALMAN = Workload(
    key="W6",
    title="scalar Kalman filter online",
    oracle_name="the filter in information form",
    make=make,
    oracle=oracle,
    jobs=(
        Job("reactivepgm", "ours", library, 1e-9),
        Job("plain Python", "limit", in_python, 1e-9, remark="no objects, no subscriber"),
        Job("filterpy", "peer", with_filterpy, 1e-9, needs="filterpy"),
        Job("jax.jit step", "peer", with_jax, 1e-9, needs="jax", remark="one call an observation"),
    ),
    sizes=(20_000,),
    small=300,
    goals=(Goal(20_000, "reactivepgm", 3e-6),),
    per_row=True,
)
