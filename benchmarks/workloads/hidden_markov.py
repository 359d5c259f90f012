"""W2, a hidden Markov model with three states: Dirichlet columns of A and B, q(s) q(A) q(B), 20 iterations.

s_0 ~ Categorical(1/3), s_t ~ A[:, s_{t-1}], y_t ~ B[:, s_t], A and B ~ DirichletCollection(1)
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.special import digamma

from benchmarks.limits import call, long
from benchmarks.workload import Answer, Case, Floats, Goal, Job, Run, Workload, one_by_one, ours
from reactivepgm import Categorical, DirichletCollection, DiscreteTransition, infer, model, randomvar

ITERATIONS = 20
THIRDS, ONES = np.full(3, 1.0 / 3.0), np.ones((3, 3))
A = np.array([[0.9, 0.05, 0.1], [0.05, 0.9, 0.1], [0.05, 0.05, 0.8]])
B = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.2], [0.1, 0.1, 0.7]])
START_A, START_B = ONES + 4.0 * np.eye(3), ONES + 2.0 * np.eye(3)


@model
def by_statement(y: Any) -> None:
    """Slices."""
    a = ~DirichletCollection(ONES)
    b = ~DirichletCollection(ONES)
    s = randomvar(len(y))
    s[0] = ~Categorical(THIRDS)
    s[1:] = ~DiscreteTransition(s[:-1], a)
    y[:] = ~DiscreteTransition(s, b)


@model
def by_loop(y: Any) -> None:
    """One loop, which is lifted."""
    a = ~DirichletCollection(ONES)
    b = ~DirichletCollection(ONES)
    s = randomvar(len(y))
    s[0] = ~Categorical(THIRDS)
    y[0] = ~DiscreteTransition(s[0], b)
    for t in range(1, len(y)):
        s[t] = ~DiscreteTransition(s[t - 1], a)
        y[t] = ~DiscreteTransition(s[t], b)


@model
def by_row(y: Any) -> None:
    """The same loop over an iterator, row by row."""
    a = ~DirichletCollection(ONES)
    b = ~DirichletCollection(ONES)
    s = randomvar(len(y))
    s[0] = ~Categorical(THIRDS)
    y[0] = ~DiscreteTransition(s[0], b)
    for t in one_by_one(range(1, len(y))):
        s[t] = ~DiscreteTransition(s[t - 1], a)
        y[t] = ~DiscreteTransition(s[t], b)


def make(n: int) -> Case:
    """Symbols, and the same as rows of zeros and a one."""
    rng = np.random.default_rng(n)
    state, seen, draws = 0, np.empty(n, int), rng.random((n, 2))
    for t in range(n):
        state = int(np.searchsorted(np.cumsum(A[:, state]), draws[t, 0])) if t else state
        seen[t] = np.searchsorted(np.cumsum(B[:, state]), draws[t, 1])
    return {"n": n, "symbols": seen, "y": np.eye(3)[seen]}


def geometric(alpha: Floats) -> Floats:
    """exp(E log p) of Dirichlet columns."""
    return np.asarray(np.exp(digamma(alpha) - digamma(alpha.sum(0))))


def oracle(case: Case) -> Answer:
    """Scaled forward-backward in NumPy, a step at a time, and the conjugate updates."""
    n, y = case["n"], case["symbols"]
    alpha_A, alpha_B = START_A, START_B
    forward, back, scale = np.empty((n, 3)), np.ones((n, 3)), np.empty(n)
    for _ in range(ITERATIONS):
        a, b = geometric(alpha_A), geometric(alpha_B)[y]
        state = THIRDS * b[0]
        for t in range(n):
            if t:
                state = a.dot(state) * b[t]
            scale[t] = total = state.sum()
            forward[t] = state = state / total
        for t in range(n - 1, 0, -1):
            back[t - 1] = (b[t] * back[t]).dot(a) / scale[t]
        single = forward * back
        alpha_A = ONES + a * np.einsum("ti,tj->ij", b[1:] * back[1:] / scale[1:, None], forward[:-1])
        alpha_B = ONES + np.array([single[y == k].sum(0) for k in range(3)])
    return {"states": single, "transition": alpha_A, "emission": alpha_B}


def library(model_function: Any, case: Case, **options: Any) -> Answer:
    """The library."""
    q: Any = infer(
        model_function(), data={"y": case["y"]}, constraints="q(s, a, b) = q(s) q(a) q(b)", iterations=ITERATIONS,
        initialisation={"a": DirichletCollection(START_A), "b": DirichletCollection(START_B)}, **options,
    ).posteriors
    return {"states": q["s"].p, "transition": q["a"].alpha, "emission": q["b"].alpha}


def in_c(case: Case) -> Run:
    """The loop in C."""
    symbols = np.ascontiguousarray(case["symbols"], np.int64)

    def run() -> Answer:
        a, b, states = START_A.copy(), START_B.copy(), np.empty((case["n"], 3))
        call("hidden_markov", long(case["n"]), symbols, ITERATIONS, a, b, states)
        return {"states": states, "transition": a, "emission": b}

    return run


def with_hmmlearn(case: Case) -> Run:
    """Its variational categorical model, scaled recursions in C++; the start is held uniform by a huge prior."""
    import logging

    from hmmlearn.vhmm import VariationalCategoricalHMM

    logging.getLogger("hmmlearn").setLevel(logging.ERROR)
    seen = case["symbols"][:, None]

    def run() -> Answer:
        hmm = VariationalCategoricalHMM(
            3, startprob_prior=1e12, transmat_prior=1.0, emissionprob_prior=1.0, n_iter=ITERATIONS, tol=-np.inf,
            init_params="", implementation="scaling",
        )
        hmm.n_features = 3
        hmm.startprob_prior_ = hmm.startprob_posterior_ = np.full(3, 1e12)
        hmm.transmat_prior_ = hmm.emissionprob_prior_ = ONES
        hmm.transmat_posterior_, hmm.emissionprob_posterior_ = START_A.T.copy(), START_B.T.copy()
        hmm.fit(seen)
        return {"transition": hmm.transmat_posterior_.T, "emission": hmm.emissionprob_posterior_.T}

    return run


def with_jax(case: Case) -> Run:
    """Two lax.scans and the updates in a fori_loop, written by hand and jitted."""
    import jax
    import jax.numpy as jnp
    from jax.scipy.special import digamma as digamma_

    jax.config.update("jax_enable_x64", True)
    y = jnp.asarray(case["y"])

    def geometric_(alpha: Any) -> Any:
        return jnp.exp(digamma_(alpha) - digamma_(alpha.sum(0)))

    def fit(y: Any) -> Any:
        def iteration(_: Any, carried: Any) -> Any:
            alpha_A, alpha_B, _states = carried
            a, b = geometric_(alpha_A), y @ geometric_(alpha_B)

            def ahead(state: Any, seen: Any) -> Any:
                state = (a @ state) * seen
                total = state.sum()
                return state / total, (state / total, total)

            def behind(state: Any, given: Any) -> Any:
                seen, total = given
                return (seen * state / total) @ a, state

            first = THIRDS * b[0]
            _, (rest, totals) = jax.lax.scan(ahead, first / first.sum(), b[1:])
            forward = jnp.concatenate([(first / first.sum())[None], rest])
            last, back = jax.lax.scan(behind, jnp.ones(3), (b[1:], totals), reverse=True)
            states = forward * jnp.concatenate([last[None], back])
            pairs = a * ((b[1:] * back / totals[:, None]).T @ forward[:-1])
            return ONES + pairs, ONES + y.T @ states, states

        return jax.lax.fori_loop(0, ITERATIONS, iteration, (START_A, START_B, jnp.zeros_like(y)))

    jitted = jax.jit(fit)

    def run() -> Answer:
        a, b, states = jitted(y)
        return {"states": np.asarray(states), "transition": np.asarray(a), "emission": np.asarray(b)}

    return run


def with_bayespy(case: Case) -> Run:
    """Its categorical Markov chain with Dirichlet rows."""
    from bayespy.inference import VB
    from bayespy.nodes import Categorical as Symbols
    from bayespy.nodes import CategoricalMarkovChain, Dirichlet, Mixture

    def run() -> Answer:
        a, b = Dirichlet(np.ones(3), plates=(3,)), Dirichlet(np.ones(3), plates=(3,))
        s = CategoricalMarkovChain(THIRDS, a, states=case["n"])
        y = Mixture(s, Symbols, b)
        y.observe(case["symbols"])
        a.initialize_from_parameters(START_A.T)
        b.initialize_from_parameters(START_B.T)
        VB(y, s, a, b).update(s, a, b, repeat=ITERATIONS, verbose=False, tol=0.0)
        return {"transition": (a.phi[0]).T, "emission": b.phi[0].T}

    return run


HIDDEN_MARKOV = Workload(
    key="W2",
    title="hidden Markov model, K = 3, 20 iterations",
    oracle_name="scaled forward-backward in NumPy",
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
        Job("lax.scan by hand", "limit", with_jax, 1e-8, needs="jax", remark="jitted, warm"),
        Job("hmmlearn", "peer", with_hmmlearn, 1e-6, needs="hmmlearn", remark="the posteriors of A and B only"),
        Job("bayespy", "peer", with_bayespy, 1e-6, needs="bayespy", remark="the posteriors of A and B only"),
    ),
    sizes=(1_000, 10_000),
    small=200,
    goals=(
        Goal(10_000, "reactivepgm", 100e-3, "hmmlearn", 3.0),
        Goal(10_000, "reactivepgm, row by row", 140e-3),
        Goal(10_000, "reactivepgm, JAX", 60e-3, "hmmlearn", 1.5),
    ),
    memory=10_000,
)
