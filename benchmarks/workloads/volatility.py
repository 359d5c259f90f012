"""W9, a hierarchical Gaussian filter online: the log variance of a walk is another walk, ten iterations an observation.

z_t ~ N(z_{t-1}, 0.1), x_t ~ N(x_{t-1}, exp(z_t - 1)), y_t ~ N(x_t, 0.5), q(x_t, x_{t-1}) q(z_t)
log nu(z) = -(kappa z + Psi exp(-kappa z - omega)) / 2     Şenöz and de Vries 2018
Moments of z from nine Gauss-Hermite points under its prior.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.limits import call, long
from benchmarks.workload import Answer, Case, Goal, Job, Run, Workload
from reactivepgm import GCV, GaussHermiteCubature, GCVMeta, Normal, infer_online, model

KAPPA, OMEGA, DRIFT, NOISE, ITERATIONS, POINTS = 1.0, -1.0, 0.1, 0.5, 10, 9
Moments = Callable[[float, float, float], tuple[float, float]]
"""From prior mean, prior variance and Psi to mean and variance of z."""


@model
def step(y: Any, zm: Any, zv: Any, xm: Any, xv: Any) -> None:
    """One observation."""
    z_before = ~Normal(mean=zm, variance=zv)
    z = ~Normal(mean=z_before, variance=DRIFT)
    x_before = ~Normal(mean=xm, variance=xv)
    x = ~GCV(x_before, z, KAPPA, OMEGA).where(meta=GCVMeta(GaussHermiteCubature(POINTS)))
    y[...] = ~Normal(mean=x, variance=NOISE)


@model
def step_from_prediction(y: Any, zm: Any, zv: Any, xm: Any, xv: Any) -> None:
    """The same with the drift of z in its prior, so that z is the only unknown of its level."""
    z = ~Normal(mean=zm, variance=zv + DRIFT)
    x_before = ~Normal(mean=xm, variance=xv)
    x = ~GCV(x_before, z, KAPPA, OMEGA).where(meta=GCVMeta(GaussHermiteCubature(POINTS)))
    y[...] = ~Normal(mean=x, variance=NOISE)


def make(n: int) -> Case:
    """A walk whose steps grow and shrink."""
    rng = np.random.default_rng(n)
    z = np.cumsum(DRIFT**0.5 * rng.normal(size=n))
    z -= z.mean()
    x = np.cumsum(np.exp(0.5 * (KAPPA * np.clip(z, -3.0, 3.0) + OMEGA)) * rng.normal(size=n))
    return {"n": n, "y": (x + NOISE**0.5 * rng.normal(size=n)).tolist()}


def filtered(ys: list[float], moments: Moments) -> Answer:
    """The filter with the joint belief of two neighbours by the inverse of its precision; q(z) starts from the last one."""
    zm, zv, xm, xv, path = 0.0, 1.0, 0.0, 1.0, []
    m, v = 0.0, 1.0 + DRIFT
    for y in ys:
        pv = zv + DRIFT
        for _ in range(ITERATIONS):
            w = math.exp(-KAPPA * m + 0.5 * KAPPA * KAPPA * v - OMEGA)
            # Precision of (x_t, x_{t-1}), inverted by hand.
            a, b = w + 1.0 / NOISE, w + 1.0 / xv
            det = a * b - w * w
            first, second = (b * y / NOISE + w * xm / xv) / det, (w * y / NOISE + a * xm / xv) / det
            psi = (first - second) ** 2 + (a + b - 2.0 * w) / det
            m, v = moments(zm, pv, psi)
        zm, zv, xm, xv = m, v, first, b / det
        path.append((zm, zv, xm, xv))
    found = np.array(path).T
    return {"z": found[0], "z variance": found[1], "x": found[2], "x variance": found[3]}


def by_points(m: float, v: float, psi: float) -> tuple[float, float]:
    """Moments of z from Gauss-Hermite points under its prior."""
    t, weight = np.polynomial.hermite_e.hermegauss(POINTS)
    z = m + math.sqrt(v) * t
    height = -0.5 * (KAPPA * z + psi * np.exp(-KAPPA * z - OMEGA))
    weight = weight * np.exp(height - height.max())
    weight /= weight.sum()
    mean = float(weight @ z)
    return mean, float(weight @ (z - mean) ** 2)


def oracle(case: Case) -> Answer:
    """The filter in NumPy."""
    return filtered(case["y"], by_points)


def library(model_function: Any, constraints: str, case: Case) -> Run:
    """The engine, fed one observation at a time."""
    def run() -> Answer:
        engine = infer_online(
            model_function(zm=0.0, zv=1.0, xm=0.0, xv=1.0),
            autoupdates=lambda q: {
                "zm": q["z"].mean, "zv": q["z"].variance, "xm": q["x"].mean, "xv": q["x"].variance,
            },
            constraints=constraints,
            initialisation={"z": Normal(mean=0.0, variance=1.0 + DRIFT)},
            iterations=ITERATIONS,
        )
        levels: list[Any] = []
        logs: list[Any] = []
        engine.posteriors["x"].subscribe(levels.append)
        engine.posteriors["z"].subscribe(logs.append)
        observe = engine.observe
        for y in case["y"]:
            observe({"y": y})
        return {
            "z": [belief.mean for belief in logs], "z variance": [belief.variance for belief in logs],
            "x": [belief.mean for belief in levels], "x variance": [belief.variance for belief in levels],
        }

    return run


def in_c(case: Case) -> Run:
    """The filter in C, moments of z by Gauss-Hermite quadrature."""
    ys = np.array(case["y"])
    points, weights = np.polynomial.hermite_e.hermegauss(POINTS)

    def run() -> Answer:
        path = np.empty((case["n"], 4))
        call("volatility", long(case["n"]), ys, ITERATIONS, KAPPA, OMEGA, DRIFT, NOISE, POINTS, points, weights, path)
        z, z_variance, x, x_variance = path.T
        return {"z": z, "z variance": z_variance, "x": x, "x variance": x_variance}

    return run


def in_python(case: Case) -> Run:
    """The filter on floats, moments of z by Gauss-Hermite quadrature."""
    points, weights = (values.tolist() for values in np.polynomial.hermite_e.hermegauss(POINTS))

    def by_quadrature(m: float, v: float, psi: float) -> tuple[float, float]:
        total = first = second = 0.0
        deviation = math.sqrt(v)
        for point, weight in zip(points, weights, strict=True):
            z = m + deviation * point
            weight *= math.exp(-0.5 * (KAPPA * z + psi * math.exp(-KAPPA * z - OMEGA)))
            total += weight
            first += weight * z
            second += weight * z * z
        mean = first / total
        return mean, second / total - mean * mean

    return lambda: filtered(case["y"], by_quadrature)


BOTH, ONE = "q(x_before, x, z_before, z) = q(x_before, x) q(z_before, z)", "q(x_before, x, z) = q(x_before, x) q(z)"

VOLATILITY = Workload(
    key="W9",
    title="hierarchical Gaussian filter online, 10 iterations",
    oracle_name="the filter in NumPy, joint belief of two neighbours by the inverse of its precision",
    make=make,
    oracle=oracle,
    jobs=(
        Job("reactivepgm", "ours", partial(library, step, BOTH), 1e-9),
        Job(
            "reactivepgm, drift in the prior", "ours", partial(library, step_from_prediction, ONE), 1e-9,
            remark="z_t ~ N(m, v + 0.1) instead of a variable for z_{t-1}",
        ),
        Job("C", "limit", in_c, 1e-9, needs="cc"),
        Job("plain Python", "limit", in_python, 1e-9),
    ),
    sizes=(1_000,),
    small=50,
    goals=(Goal(1_000, "reactivepgm", 45e-6), Goal(1_000, "reactivepgm, drift in the prior", 45e-6)),
    per_row=True,
)
