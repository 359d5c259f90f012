"""W1b, smoothing in four dimensions: position and velocity in the plane, positions seen, full matrices."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.limits import call, long
from benchmarks.workload import Answer, Case, Goal, Job, Run, Workload, one_by_one, ours
from reactivepgm import MvNormal, infer, model, randomvar

PRIOR = 100.0
A = np.eye(4) + 0.1 * np.eye(4, k=2)
H = np.eye(2, 4)
Q = 0.1 * np.eye(4) + 0.02 * np.ones((4, 4))
R = np.array([[1.0, 0.3], [0.3, 0.8]])
START, SPREAD = np.zeros(4), PRIOR * np.eye(4)


@model
def by_statement(y: Any) -> None:
    """Slices."""
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=START, covariance=SPREAD)
    x[1:] = ~MvNormal(mean=A @ x[:-1], covariance=Q)
    y[:] = ~MvNormal(mean=H @ x, covariance=R)


@model
def by_loop(y: Any) -> None:
    """One loop, which is lifted."""
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=START, covariance=SPREAD)
    y[0] = ~MvNormal(mean=H @ x[0], covariance=R)
    for t in range(1, len(y)):
        x[t] = ~MvNormal(mean=A @ x[t - 1], covariance=Q)
        y[t] = ~MvNormal(mean=H @ x[t], covariance=R)


@model
def by_row(y: Any) -> None:
    """The same loop over an iterator, row by row."""
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=START, covariance=SPREAD)
    y[0] = ~MvNormal(mean=H @ x[0], covariance=R)
    for t in one_by_one(range(1, len(y))):
        x[t] = ~MvNormal(mean=A @ x[t - 1], covariance=Q)
        y[t] = ~MvNormal(mean=H @ x[t], covariance=R)


def make(n: int) -> Case:
    """A track seen with noise."""
    rng = np.random.default_rng(n)
    x, track = rng.normal(size=4), np.empty((n, 4))
    for t, push in enumerate(rng.multivariate_normal(np.zeros(4), Q, size=n)):
        track[t] = x = A @ x + push
    return {"n": n, "y": track @ H.T + rng.multivariate_normal(np.zeros(2), R, size=n)}


def oracle(case: Case) -> Answer:
    """Kalman's filter in Joseph's form and the Rauch-Tung-Striebel smoother, dense and a step at a time."""
    n, y = case["n"], case["y"]
    predicted_m, m = np.empty((n, 4)), np.empty((n, 4))
    predicted_P, P = np.empty((n, 4, 4)), np.empty((n, 4, 4))
    for t in range(n):
        predicted_m[t], predicted_P[t] = (A @ m[t - 1], A @ P[t - 1] @ A.T + Q) if t else (START, SPREAD)
        gain = np.linalg.solve(H @ predicted_P[t] @ H.T + R, H @ predicted_P[t]).T
        keep = np.eye(4) - gain @ H
        m[t] = predicted_m[t] + gain @ (y[t] - H @ predicted_m[t])
        P[t] = keep @ predicted_P[t] @ keep.T + gain @ R @ gain.T
    for t in range(n - 2, -1, -1):
        G = np.linalg.solve(predicted_P[t + 1], A @ P[t]).T
        m[t] += G @ (m[t + 1] - predicted_m[t + 1])
        P[t] += G @ (P[t + 1] - predicted_P[t + 1]) @ G.T
    return {"mean": m, "covariance": P}


def library(model_function: Any, case: Case, **options: Any) -> Answer:
    """The library."""
    x: Any = infer(model_function(), data={"y": case["y"]}, **options).posteriors["x"]
    return {"mean": x.mean, "covariance": x.covariance}


def in_c(case: Case) -> Run:
    """The loop in C, 4 x 4 matrices unrolled by the compiler."""
    y = np.ascontiguousarray(case["y"])

    def run() -> Answer:
        n = case["n"]
        mean, covariance = np.empty((n, 4)), np.empty((n, 4, 4))
        call("state_space", long(n), y, A, Q, H, R, PRIOR, mean, covariance)
        return {"mean": mean, "covariance": covariance}

    return run


def with_statsmodels(case: Case) -> Run:
    """Its smoother in Cython, state and covariance only."""
    from statsmodels.tsa.statespace.kalman_smoother import SMOOTHER_STATE, SMOOTHER_STATE_COV, KalmanSmoother

    def run() -> Answer:
        smoother = KalmanSmoother(k_endog=2, k_states=4, smoother_output=SMOOTHER_STATE | SMOOTHER_STATE_COV)
        smoother.bind(np.asfortranarray(case["y"].T))
        smoother["design"], smoother["transition"], smoother["selection"] = H, A, np.eye(4)
        smoother["obs_cov"], smoother["state_cov"] = R, Q
        smoother.initialize_known(START, SPREAD)
        result = smoother.smooth()
        return {"mean": result.smoothed_state.T, "covariance": np.moveaxis(result.smoothed_state_cov, -1, 0)}

    return run


def with_dynamax(case: Case) -> Run:
    """Its jitted lax.scan smoother."""
    import jax
    from dynamax.linear_gaussian_ssm import LinearGaussianSSM

    jax.config.update("jax_enable_x64", True)
    ssm = LinearGaussianSSM(4, 2)
    parameters, _ = ssm.initialize(
        initial_mean=START, initial_covariance=SPREAD, dynamics_weights=A, dynamics_covariance=Q,
        emission_weights=H, emission_covariance=R,
    )
    smoother = jax.jit(ssm.smoother)

    def run() -> Answer:
        posterior = smoother(parameters, case["y"])
        return {"mean": np.asarray(posterior.smoothed_means), "covariance": np.asarray(posterior.smoothed_covariances)}

    return run


def with_gtsam(case: Case) -> Run:
    """A linear factor graph, eliminated, with the marginal covariance of every state."""
    import gtsam

    one, two = gtsam.noiseModel.Unit.Create(4), gtsam.noiseModel.Unit.Create(2)
    prior, step, seen = (np.linalg.inv(np.linalg.cholesky(noise)) for noise in (SPREAD, Q, R))

    def run() -> Answer:
        n, y = case["n"], case["y"] @ seen.T
        graph = gtsam.GaussianFactorGraph()
        graph.add(gtsam.JacobianFactor(0, prior, prior @ START, one))
        stepped, observed = -step @ A, seen @ H
        for t in range(n):
            if t:
                graph.add(gtsam.JacobianFactor(t - 1, stepped, t, step, np.zeros(4), one))
            graph.add(gtsam.JacobianFactor(t, observed, y[t], two))
        solution = graph.optimize()
        marginals = gtsam.Marginals(graph, solution)
        means = np.array([solution.at(t) for t in range(n)])
        return {"mean": means, "covariance": np.array([marginals.marginalCovariance(t) for t in range(n)])}

    return run


def with_bayespy(case: Case) -> Run:
    """One update of its Gaussian Markov chain, the correlated noise made independent by rotation."""
    from bayespy.inference import VB
    from bayespy.nodes import GaussianARD, GaussianMarkovChain, SumMultiply

    # Its chains and observations have diagonal noise: the state is turned so that Q is the identity, y so that R is.
    root, seen = np.linalg.cholesky(Q), np.linalg.cholesky(R)
    back, inverse = root, np.linalg.inv(root)
    turned_A, turned_H = inverse @ A @ back, np.linalg.solve(seen, H @ back)

    def run() -> Answer:
        prior = np.linalg.inv(inverse @ SPREAD @ inverse.T)
        x = GaussianMarkovChain(np.zeros(4), prior, turned_A, np.ones(4), n=case["n"])
        y = GaussianARD(SumMultiply("i,i", turned_H[:, None, :], x), 1.0)
        y.observe(np.linalg.solve(seen, case["y"].T))
        VB(y, x).update(x, repeat=1, verbose=False)
        first, second = x.get_moments()[:2]
        spread = second - first[:, :, None] * first[:, None, :]
        return {"mean": first @ back.T, "covariance": back @ spread @ back.T}

    return run


STATE_SPACE = Workload(
    key="W1b",
    title="state space, d = 4, two of them seen",
    oracle_name="Kalman and Rauch-Tung-Striebel, dense",
    make=make,
    oracle=oracle,
    jobs=(
        *ours(
            {
                "": partial(library, by_statement),
                "loop": partial(library, by_loop),
                "row by row": partial(library, by_row),
            },
            1e-8,
        ),
        Job("C", "limit", in_c, 1e-8, needs="cc"),
        Job("statsmodels", "peer", with_statsmodels, 1e-7, needs="statsmodels", remark="state and covariance only"),
        Job("dynamax", "peer", with_dynamax, 1e-7, needs="dynamax", remark="jitted, warm"),
        Job("gtsam", "peer", with_gtsam, 1e-6, needs="gtsam"),
        Job("bayespy", "peer", with_bayespy, 1e-6, needs="bayespy", remark="states and observations rotated to unit noise"),
    ),
    sizes=(1_000, 10_000),
    small=200,
    goals=(
        Goal(10_000, "reactivepgm", 30e-3, "statsmodels", 1.0),
        Goal(10_000, "reactivepgm, row by row", 60e-3),
        Goal(10_000, "reactivepgm, JAX", 25e-3),
    ),
    memory=10_000,
    bytes_a_row=800,
)
