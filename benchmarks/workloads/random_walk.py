"""W1a, smoothing a scalar random walk: x_0 ~ N(0, 100), x_t ~ N(x_{t-1}, 1), y_t ~ N(x_t, 1), all marginals."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import lapack

from benchmarks.limits import call, long
from benchmarks.workload import Answer, Case, Floats, Goal, Job, Run, Workload, one_by_one, ours
from reactivepgm import Normal, infer, model, randomvar

PRIOR, DRIFT, NOISE = 100.0, 1.0, 1.0


@model
def by_statement(y: Any) -> None:
    """Slices."""
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=PRIOR)
    x[1:] = ~Normal(mean=x[:-1], variance=DRIFT)
    y[:] = ~Normal(mean=x, variance=NOISE)


@model
def by_loop(y: Any) -> None:
    """One loop, which is lifted."""
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=PRIOR)
    y[0] = ~Normal(mean=x[0], variance=NOISE)
    for t in range(1, len(y)):
        x[t] = ~Normal(mean=x[t - 1], variance=DRIFT)
        y[t] = ~Normal(mean=x[t], variance=NOISE)


@model
def by_row(y: Any) -> None:
    """The same loop over an iterator, row by row."""
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=PRIOR)
    y[0] = ~Normal(mean=x[0], variance=NOISE)
    for t in one_by_one(range(1, len(y))):
        x[t] = ~Normal(mean=x[t - 1], variance=DRIFT)
        y[t] = ~Normal(mean=x[t], variance=NOISE)


def make(n: int) -> Case:
    """A walk seen with noise."""
    rng = np.random.default_rng(n)
    return {"n": n, "y": np.cumsum(rng.normal(size=n)) + rng.normal(size=n)}


def smoothed(y: Floats, drift: float, noise: float) -> tuple[Floats, Floats]:
    """Kalman filter and Rauch-Tung-Striebel smoother on Python floats: means and variances."""
    m, v, filtered = 0.0, PRIOR, []
    for t, seen in enumerate(y.tolist()):
        v += drift if t else 0.0
        gain = v / (v + noise)
        m, v = m + gain * (seen - m), v * noise / (v + noise)
        filtered.append((m, v))
    found = [(m, v)]
    for before, spread in reversed(filtered[:-1]):
        gain = spread / (spread + drift)
        m, v = before + gain * (m - before), spread * drift / (spread + drift) + gain * gain * v
        found.append((m, v))
    means, variances = np.array(found[::-1]).T
    return means, variances


def oracle(case: Case) -> Answer:
    """The smoother on floats."""
    means, variances = smoothed(case["y"], DRIFT, NOISE)
    return {"mean": means, "variance": variances}


def library(model_function: Any, case: Case, **options: Any) -> Answer:
    """The library."""
    x: Any = infer(model_function(), data={"y": case["y"]}, **options).posteriors["x"]
    return {"mean": x.mean, "variance": x.variance}


def in_c(case: Case) -> Run:
    """The loop in C."""
    def run() -> Answer:
        mean, variance, square = np.empty(case["n"]), np.empty(case["n"]), np.empty(1)
        call("random_walk", long(case["n"]), case["y"], PRIOR, DRIFT, NOISE, mean, variance, square)
        return {"mean": mean, "variance": variance}

    return run


def by_lapack(case: Case) -> Run:
    """Pivots of the tridiagonal precision forwards and backwards; 1 / variance = both pivots - the diagonal."""
    def run() -> Answer:
        n, y = case["n"], case["y"]
        diagonal = np.full(n, 1.0 / NOISE + 2.0 / DRIFT)
        diagonal[[0, -1]] -= 1.0 / DRIFT
        diagonal[0] += 1.0 / PRIOR
        beside = np.full(n - 1, -1.0 / DRIFT)
        forwards, _, mean, _ = lapack.dptsv(diagonal, beside, y / NOISE)
        backwards, _, _ = lapack.dpttrf(diagonal[::-1].copy(), beside)
        return {"mean": mean, "variance": 1.0 / (forwards + backwards[::-1] - diagonal)}

    return run


def with_statsmodels(case: Case) -> Run:
    """Its smoother in Cython, state and covariance only."""
    from statsmodels.tsa.statespace.kalman_smoother import SMOOTHER_STATE, SMOOTHER_STATE_COV, KalmanSmoother

    def run() -> Answer:
        smoother = KalmanSmoother(k_endog=1, k_states=1, smoother_output=SMOOTHER_STATE | SMOOTHER_STATE_COV)
        smoother.bind(case["y"][None].copy(order="F"))
        smoother["design"], smoother["transition"], smoother["selection"] = (np.ones((1, 1)),) * 3
        smoother["obs_cov"], smoother["state_cov"] = np.full((1, 1), NOISE), np.full((1, 1), DRIFT)
        smoother.initialize_known(np.zeros(1), np.full((1, 1), PRIOR))
        result = smoother.smooth()
        return {"mean": result.smoothed_state[0], "variance": result.smoothed_state_cov[0, 0]}

    return run


def with_dynamax(case: Case) -> Run:
    """Its jitted lax.scan smoother on 1 x 1 matrices."""
    import jax
    from dynamax.linear_gaussian_ssm import LinearGaussianSSM

    jax.config.update("jax_enable_x64", True)
    ssm = LinearGaussianSSM(1, 1)
    one = np.ones((1, 1))
    parameters, _ = ssm.initialize(
        initial_mean=np.zeros(1), initial_covariance=PRIOR * one, dynamics_weights=one, dynamics_covariance=DRIFT * one,
        emission_weights=one, emission_covariance=NOISE * one,
    )
    smoother = jax.jit(ssm.smoother)

    def run() -> Answer:
        posterior = smoother(parameters, case["y"][:, None])
        return {
            "mean": np.asarray(posterior.smoothed_means)[:, 0], "variance": np.asarray(posterior.smoothed_covariances)[:, 0, 0]
        }

    return run


def with_filterpy(case: Case) -> Run:
    """Its filter and smoother in NumPy, a step at a time."""
    from filterpy.kalman import KalmanFilter

    def run() -> Answer:
        f = KalmanFilter(dim_x=1, dim_z=1)
        # It predicts before it sees the first observation.
        f.F, f.H, f.P, f.Q, f.R = np.eye(1), np.eye(1), (PRIOR - DRIFT) * np.eye(1), DRIFT * np.eye(1), NOISE * np.eye(1)
        means, covariances, _, _ = f.batch_filter(case["y"])
        means, covariances, _, _ = f.rts_smoother(means, covariances)
        return {"mean": means.reshape(-1), "variance": covariances.reshape(-1)}

    return run


def with_bayespy(case: Case) -> Run:
    """One update of its Gaussian Markov chain."""
    from bayespy.inference import VB
    from bayespy.nodes import GaussianARD, GaussianMarkovChain, SumMultiply

    def run() -> Answer:
        x = GaussianMarkovChain(np.zeros(1), np.eye(1) / PRIOR, np.eye(1), np.ones(1) / DRIFT, n=case["n"])
        y = GaussianARD(SumMultiply("i,i", np.ones((1, 1)), x), 1.0 / NOISE)
        y.observe(case["y"])
        VB(y, x).update(x, repeat=1, verbose=False)
        first, second = x.get_moments()[:2]
        return {"mean": first[:, 0], "variance": second[:, 0, 0] - first[:, 0] ** 2}

    return run


RANDOM_WALK = Workload(
    key="W1a",
    title="scalar random walk, smoothing",
    oracle_name="Kalman and Rauch-Tung-Striebel on Python floats",
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
        Job("statsmodels", "peer", with_statsmodels, 1e-7, needs="statsmodels", remark="state and covariance only"),
        Job("dynamax", "peer", with_dynamax, 1e-7, needs="dynamax", remark="jitted, warm"),
        Job("filterpy", "peer", with_filterpy, 1e-7, needs="filterpy"),
        Job("bayespy", "peer", with_bayespy, 1e-6, needs="bayespy", largest=10_000),
    ),
    sizes=(10_000, 100_000),
    small=300,
    goals=(
        Goal(10_000, "reactivepgm", 10e-3, "statsmodels", 0.5),
        Goal(100_000, "reactivepgm", 60e-3, "statsmodels", 0.5),
        Goal(10_000, "reactivepgm, row by row", 40e-3),
        Goal(100_000, "reactivepgm, row by row", 400e-3),
        Goal(10_000, "reactivepgm, JAX", 2e-3),
        Goal(100_000, "reactivepgm, JAX", 15e-3),
    ),
    growth=(10_000, 30_000, 100_000, 300_000, 1_000_000),
    memory=100_000,
    bytes_a_row=500,
)
