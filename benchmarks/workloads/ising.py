"""W8, loopy sum-product on an Ising grid: 100 x 100 spins, 50 floods of messages, damping 0.5.

p(s) ∝ exp(sum_i h_i s_i + J sum_{i~j} s_i s_j), s = +1 and -1, J = 0.3, h_i ~ N(0, 1/4). Damping mixes log messages.
"""

from __future__ import annotations

import warnings
from functools import partial
from math import isqrt
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.limits import call, long
from benchmarks.workload import Answer, Case, Floats, Goal, Job, Run, Workload, ours
from reactivepgm import Categorical, ConvergenceWarning, DiscreteTransition, infer, model, randomvar

COUPLING, ITERATIONS, DAMPING = 0.3, 50, 0.5
FLAT = np.array([0.5, 0.5])
TIES = np.exp(COUPLING * np.array([[1.0, -1.0], [-1.0, 1.0]]))
AGREE = TIES / TIES.sum(0)


@model
def by_statement(field: Any) -> None:
    """The prior of every spin is its field; neighbours are tied by a transition whose columns are alike."""
    s = randomvar(len(field), len(field))
    s[:, :] = ~Categorical(field)
    s[1:, :] = ~DiscreteTransition(s[:-1, :], AGREE)
    s[:, 1:] = ~DiscreteTransition(s[:, :-1], AGREE)


@model
def by_loop(field: Any) -> None:
    """The same written out."""
    n = len(field)
    s = randomvar(n, n)
    for i in range(n):
        for j in range(n):
            s[i, j] = ~Categorical(field[i, j])
    for i in range(1, n):
        for j in range(n):
            s[i, j] = ~DiscreteTransition(s[i - 1, j], AGREE)
    for i in range(n):
        for j in range(1, n):
            s[i, j] = ~DiscreteTransition(s[i, j - 1], AGREE)


def make(n: int) -> Case:
    """A square grid of about n spins, with its fields and their probabilities."""
    side = isqrt(n)
    field = 0.5 * np.random.default_rng(n).normal(size=(side, side))
    weights = np.exp(np.stack([field, -field], axis=-1))
    return {"n": n, "side": side, "field": field, "p": weights / weights.sum(-1, keepdims=True)}


def oracle(case: Case) -> Answer:
    """Floods in the log domain over a list of edges, K states each; nothing special to Ising."""
    side, n = case["side"], case["side"] ** 2
    number = np.arange(n).reshape(side, side)
    down, right = (number[:-1].ravel(), number[1:].ravel()), (number[:, :-1].ravel(), number[:, 1:].ravel())
    first, second = (np.concatenate(pair) for pair in zip(down, right, strict=True))
    source, target = np.r_[first, second], np.r_[second, first]
    reverse = np.r_[np.arange(len(first)) + len(first), np.arange(len(first))]
    log_field, ties = np.log(case["p"].reshape(n, 2)), np.log(AGREE)
    messages = np.zeros((len(source), 2))

    def gathered() -> Floats:
        return np.asarray(log_field + np.stack([np.bincount(target, messages[:, k], n) for k in range(2)], axis=1))

    for k in range(ITERATIONS):
        cavity = gathered()[source] - messages[reverse]
        new = np.logaddexp.reduce(ties + cavity[:, None, :], axis=2)
        new -= np.logaddexp.reduce(new, axis=1, keepdims=True)
        keep = DAMPING if k else 0.0
        messages = keep * messages + (1.0 - keep) * new
    belief = np.exp(gathered())
    return {"p": (belief / belief.sum(1, keepdims=True)).reshape(side, side, 2)}


def library(model_function: Any, case: Case, **options: Any) -> Answer:
    """The library, started with flat messages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = infer(
            model_function(case["p"]), iterations=ITERATIONS, damping=DAMPING, messages={"s": Categorical(FLAT)}, **options
        )
    s: Any = result.posteriors["s"]
    return {"p": s.p}


def _as_beliefs(log_odds: Floats) -> Answer:
    up = 1.0 / (1.0 + np.exp(-log_odds))
    return {"p": np.stack([up, 1.0 - up], axis=-1)}


def in_c(case: Case) -> Run:
    """The floods in C, on log-odds."""
    field = np.ascontiguousarray(case["field"])

    def run() -> Answer:
        belief = np.empty_like(field)
        call("ising", long(case["side"]), field, COUPLING, ITERATIONS, DAMPING, belief)
        return _as_beliefs(belief)

    return run


def by_numpy(case: Case) -> Run:
    """Whole-grid arithmetic on log-odds, special to Ising."""
    strength = np.tanh(COUPLING)

    def run() -> Answer:
        fields = 2.0 * case["field"]
        down, up, right, left = (np.zeros_like(fields) for _ in range(4))
        for k in range(ITERATIONS):
            keep = DAMPING if k else 0.0
            total = fields + down + up + right + left
            sent = [
                2.0 * np.arctanh(strength * np.tanh(0.5 * (total - back))) for back in (up, down, left, right)
            ]
            for held, new, to, origin in (
                (down, sent[0], np.s_[1:], np.s_[:-1]),
                (up, sent[1], np.s_[:-1], np.s_[1:]),
                (right, sent[2], np.s_[:, 1:], np.s_[:, :-1]),
                (left, sent[3], np.s_[:, :-1], np.s_[:, 1:]),
            ):
                held[to] = keep * held[to] + (1.0 - keep) * new[origin]
        return _as_beliefs(fields + down + up + right + left)

    return run


def with_pgmax(case: Case) -> Run:
    """Its jitted sum-product at temperature one, in single precision."""
    import jax
    from jax.extend.backend import get_backend

    if not hasattr(jax.lib, "xla_bridge"):
        # PGMax 0.6.1 asks there for the backend; newer versions of JAX have moved the function.
        jax.lib.xla_bridge = SimpleNamespace(get_backend=get_backend)
    from pgmax import fgraph, fgroup, vgroup
    from pgmax import infer as pg

    side = case["side"]
    spins = vgroup.NDVarArray(num_states=2, shape=(side, side))
    graph = fgraph.FactorGraph(spins)
    pairs = [[spins[i, j], spins[i + 1, j]] for i in range(side - 1) for j in range(side)]
    pairs += [[spins[i, j], spins[i, j + 1]] for i in range(side) for j in range(side - 1)]
    graph.add_factors(fgroup.PairwiseFactorGroup(variables_for_factors=pairs, log_potential_matrix=np.log(TIES)))
    bp = pg.BP(graph.bp_state, temperature=1.0)
    evidence = {spins: np.log(case["p"])}

    def flood(arrays: Any) -> Any:
        arrays = bp.run_bp(arrays, num_iters=ITERATIONS, damping=DAMPING)
        return bp.get_beliefs(arrays)

    jitted = jax.jit(flood)

    def run() -> Answer:
        beliefs = jitted(bp.init(evidence_updates=evidence))[spins]
        return {"p": np.asarray(pg.get_marginals({spins: beliefs})[spins])}

    return run


ISING = Workload(
    key="W8",
    title="loopy sum-product, Ising grid, 50 iterations",
    oracle_name="floods over a list of edges in NumPy",
    make=make,
    oracle=oracle,
    jobs=(
        *ours(
            {"": partial(library, by_statement), "loop": partial(library, by_loop)},
            1e-5,
        ),
        Job("C", "limit", in_c, 1e-9, needs="cc"),
        Job("NumPy by hand", "limit", by_numpy, 1e-9, remark="special to Ising"),
        Job("PGMax", "peer", with_pgmax, 1e-4, needs="pgmax", remark="jitted, warm, float32, graph built before"),
    ),
    sizes=(10_000,),
    small=100,
    goals=(
        Goal(10_000, "reactivepgm", 90e-3, "PGMax", 1.0),
        Goal(10_000, "reactivepgm, JAX", 40e-3),
    ),
    memory=10_000,
)
