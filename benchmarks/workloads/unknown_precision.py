"""W3, a random walk with unknown precision of the observations: tau ~ Gamma(1, 1), q(x) q(tau), 20 iterations."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import lapack

from benchmarks.limits import call, long
from benchmarks.workload import Answer, Case, Goal, Job, Run, Workload, one_by_one, ours
from benchmarks.workloads.random_walk import DRIFT, PRIOR, make, smoothed
from reactivepgm import Gamma, Normal, NormalMeanPrecision, infer, model, randomvar

ITERATIONS = 20


@model
def by_statement(y: Any) -> None:
    """Slices."""
    tau = ~Gamma(shape=1.0, rate=1.0)
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=PRIOR)
    x[1:] = ~Normal(mean=x[:-1], variance=DRIFT)
    y[:] = ~NormalMeanPrecision(x, tau)


@model
def by_loop(y: Any) -> None:
    """One loop, which is lifted."""
    tau = ~Gamma(shape=1.0, rate=1.0)
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=PRIOR)
    y[0] = ~NormalMeanPrecision(x[0], tau)
    for t in range(1, len(y)):
        x[t] = ~Normal(mean=x[t - 1], variance=DRIFT)
        y[t] = ~NormalMeanPrecision(x[t], tau)


@model
def by_row(y: Any) -> None:
    """The same loop over an iterator, row by row."""
    tau = ~Gamma(shape=1.0, rate=1.0)
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=PRIOR)
    y[0] = ~NormalMeanPrecision(x[0], tau)
    for t in one_by_one(range(1, len(y))):
        x[t] = ~Normal(mean=x[t - 1], variance=DRIFT)
        y[t] = ~NormalMeanPrecision(x[t], tau)


def oracle(case: Case) -> Answer:
    """The smoother on floats in turn with the conjugate update."""
    y, shape, rate = case["y"], 1.0, 1.0
    for _ in range(ITERATIONS):
        mean, variance = smoothed(y, DRIFT, rate / shape)
        shape, rate = 1.0 + 0.5 * len(y), 1.0 + 0.5 * float(np.sum((y - mean) ** 2 + variance))
    return {"mean": mean, "variance": variance, "shape": shape, "rate": rate}


def library(model_function: Any, case: Case, **options: Any) -> Answer:
    """The library."""
    q: Any = infer(
        model_function(), data={"y": case["y"]}, constraints="q(x, tau) = q(x) q(tau)", iterations=ITERATIONS,
        initialisation={"tau": Gamma(shape=1.0, rate=1.0)}, **options,
    ).posteriors
    return {"mean": q["x"].mean, "variance": q["x"].variance, "shape": q["tau"].shape, "rate": q["tau"].rate}


def in_c(case: Case) -> Run:
    """The loop in C."""
    def run() -> Answer:
        mean, variance, shape, rate = np.empty(case["n"]), np.empty(case["n"]), np.empty(1), np.empty(1)
        call("unknown_precision", long(case["n"]), case["y"], ITERATIONS, mean, variance, shape, rate)
        return {"mean": mean, "variance": variance, "shape": shape[0], "rate": rate[0]}

    return run


def by_lapack(case: Case) -> Run:
    """Pivots of the tridiagonal precision forwards and backwards, and the conjugate update."""
    def run() -> Answer:
        n, y, shape, rate = case["n"], case["y"], 1.0, 1.0
        links = np.full(n, 2.0 / DRIFT)
        links[[0, -1]] -= 1.0 / DRIFT
        links[0] += 1.0 / PRIOR
        beside = np.full(n - 1, -1.0 / DRIFT)
        for _ in range(ITERATIONS):
            diagonal = links + shape / rate
            forwards, _, mean, _ = lapack.dptsv(diagonal, beside, y * (shape / rate))
            backwards, _, _ = lapack.dpttrf(diagonal[::-1].copy(), beside)
            variance = 1.0 / (forwards + backwards[::-1] - diagonal)
            gap = y - mean
            shape, rate = 1.0 + 0.5 * n, 1.0 + 0.5 * float(gap @ gap + variance.sum())
        return {"mean": mean, "variance": variance, "shape": shape, "rate": rate}

    return run


def with_bayespy(case: Case) -> Run:
    """Its Gaussian Markov chain and a Gamma precision."""
    from bayespy.inference import VB
    from bayespy.nodes import Gamma as Precision
    from bayespy.nodes import GaussianARD, GaussianMarkovChain, SumMultiply

    def run() -> Answer:
        x = GaussianMarkovChain(np.zeros(1), np.eye(1) / PRIOR, np.eye(1), np.ones(1) / DRIFT, n=case["n"])
        tau = Precision(1.0, 1.0)
        y = GaussianARD(SumMultiply("i,i", np.ones((1, 1)), x), tau)
        y.observe(case["y"])
        tau.initialize_from_parameters(1.0, 1.0)
        VB(y, x, tau).update(x, tau, repeat=ITERATIONS, verbose=False, tol=0.0)
        first, second = x.get_moments()[:2]
        return {
            "mean": first[:, 0], "variance": second[:, 0, 0] - first[:, 0] ** 2,
            "shape": float(tau.phi[1]), "rate": -float(tau.phi[0]),
        }

    return run


UNKNOWN_PRECISION = Workload(
    key="W3",
    title="random walk, unknown noise, 20 iterations",
    oracle_name="the smoother on floats in turn with the conjugate update",
    make=make,
    oracle=oracle,
    jobs=(
        *ours(
            {
                "": partial(library, by_statement),
                "loop": partial(library, by_loop),
                "row by row": partial(library, by_row),
            },
            1e-9,
        ),
        Job("C", "limit", in_c, 1e-9, needs="cc"),
        Job("LAPACK by hand", "limit", by_lapack, 1e-9),
        Job("bayespy", "peer", with_bayespy, 1e-6, needs="bayespy", largest=1_000),
    ),
    sizes=(1_000, 10_000),
    small=300,
    goals=(
        Goal(10_000, "reactivepgm", 25e-3),
        Goal(10_000, "reactivepgm, row by row", 60e-3),
        Goal(10_000, "reactivepgm, JAX", 8e-3),
    ),
    memory=10_000,
    bytes_a_row=500,
)
