"""Both backends give the same posteriors, free energies and errors, on one model of every kind that compiles."""


from functools import partial

import numpy as np
import pytest

pytest.importorskip("jax", reason="the extra [jax] is not installed")

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    DirichletCollection,
    DiscreteTransition,
    Gamma,
    MeanField,
    MvNormal,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    Poisson,
    infer,
    model,
    randomvar,
)
from tests.backends.comparison import assert_same


def walk_data(n, missing=()):
    rng = np.random.default_rng(n)
    y = np.cumsum(rng.normal(size=n)) + rng.normal(size=n)
    y[list(missing)] = np.nan
    return y


@model
def walk(y):
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=100.0)
    x[1:] = ~Normal(mean=x[:-1], variance=1.0)
    y[:] = ~Normal(mean=x, variance=0.5)


@model
def one_step(y):
    x = ~Normal(mean=0.0, variance=100.0)
    y[0] = ~Normal(mean=x, variance=0.5)


@model
def noisy_walk(y):
    drift = ~Gamma(shape=2.0, rate=1.0)
    noise = ~Gamma(shape=3.0, rate=1.0)
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 9.0)
    x[1:] = ~NormalMeanPrecision(x[:-1], drift)
    y[:] = ~NormalMeanPrecision(x, noise)


@model
def mixture(y):
    share = ~Beta(1.0, 1.0)
    z, m, w = randomvar(len(y)), randomvar(2), randomvar(2)
    m[:] = ~Normal(mean=np.array([-2.0, 2.0]), variance=10.0)
    w[:] = ~Gamma(shape=np.ones(2), rate=1.0)
    z[:] = ~Bernoulli(share)
    y[:] = ~NormalMixture(z, m, w)


@model
def three_groups(y):
    s = ~Dirichlet(np.array([1.0, 2.0, 1.0]))
    z, m, w = randomvar(len(y)), randomvar(3), randomvar(3)
    m[:] = ~NormalMeanVariance(np.array([-2.0, 0.0, 2.0]), 50.0)
    w[:] = ~Gamma(shape=1.5, rate=np.ones(3))
    z[:] = ~Categorical(s)
    y[:] = ~NormalMixture(z, m, w)


@model
def hidden_markov(y):
    a = ~DirichletCollection(np.ones((3, 3)))
    b = ~DirichletCollection(np.ones((3, 3)))
    s = randomvar(len(y))
    s[0] = ~Categorical(np.full(3, 1.0 / 3.0))
    if len(y) > 1:
        s[1:] = ~DiscreteTransition(s[:-1], a)
    y[:] = ~DiscreteTransition(s, b)


TURN = np.array([[0.9, 0.3, 0.0, 0.1], [-0.3, 0.9, 0.2, 0.0], [0.0, -0.1, 0.8, 0.2], [0.1, 0.0, -0.2, 0.7]])
LOOK = np.array([[1.0, 0.0, 0.5, 0.0], [0.0, 1.0, 0.0, -0.5]])


@model
def state_space(y):
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=np.zeros(4), covariance=10.0 * np.eye(4))
    for t in range(1, len(y)):
        x[t] = ~MvNormal(mean=TURN @ x[t - 1], covariance=0.2 * np.eye(4))
    for t in range(len(y)):
        y[t] = ~MvNormal(mean=LOOK @ x[t], covariance=np.array([[1.0, 0.3], [0.3, 0.5]]))


@model
def trend(y):
    """Noise without full rank: the level follows the slope exactly."""
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
    for t in range(1, len(y)):
        x[t] = ~MvNormal(mean=np.array([[1.0, 1.0], [0.0, 1.0]]) @ x[t - 1], covariance=np.diag([0.0, 0.1]))
    for t in range(len(y)):
        y[t] = ~Normal(mean=np.array([1.0, 0.0]) @ x[t], variance=0.5)


@model
def regression(y, X):
    w = ~MvNormal(mean=np.zeros(3), covariance=4.0 * np.eye(3))
    tau = ~Gamma(shape=1.0, rate=1.0)
    y[:] = ~NormalMeanPrecision(X @ w, tau)


@model
def counts(y):
    rate = ~Gamma(shape=2.0, rate=0.5)
    y[:] = ~Poisson(rate)


@model
def flips(y):
    p = ~Beta(2.0, 3.0)
    y[:] = ~Bernoulli(p)


@model
def hierarchical(y, groups):
    top = ~Normal(mean=0.0, variance=100.0)
    between = ~Gamma(shape=2.0, rate=1.0)
    within = ~Gamma(shape=2.0, rate=1.0)
    level = randomvar(4)
    level[:] = ~NormalMeanPrecision(top, between)
    for i in range(len(y)):
        y[i] = ~NormalMeanPrecision(level[groups[i]], within)


@model
def branches(y):
    """A tree that is no path: every variable has two children."""
    x = randomvar(15)
    x[0] = ~Normal(mean=1.0, variance=4.0)
    for i in range(1, 15):
        x[i] = ~Normal(mean=x[(i - 1) // 2], variance=1.0)
    y[:] = ~Normal(mean=x[7:], variance=0.3)


UNIT = Gamma(shape=1.0, rate=1.0)
NOISES = {"drift": UNIT, "noise": UNIT}
APART = "q(x, drift, noise) = q(x) q(drift) q(noise)"
GROUPS = {"m": NormalMeanVariance(np.array([-1.0, 1.0]), np.ones(2)), "w": Gamma(shape=np.ones(2), rate=1.0),
          "share": Beta(1.0, 1.0)}
THREE = {
    "m": NormalMeanVariance(np.array([-1.0, 0.0, 1.0]), np.ones(3)), "w": Gamma(shape=np.ones(3), rate=1.0),
    "s": Dirichlet(np.ones(3)),
}
TABLES_APART = "q(s, a, b) = q(s) q(a) q(b)"
TABLES = {
    "a": DirichletCollection(np.ones((3, 3)) + 4.0 * np.eye(3)), "b": DirichletCollection(np.ones((3, 3)) + 2.0 * np.eye(3)),
}
DRAWS = np.random.default_rng(7)
SEEN = np.eye(3)[DRAWS.integers(0, 3, 40)]
VECTORS = DRAWS.normal(size=(30, 2))
HOLES = VECTORS.copy()
HOLES[[0, 5, 6, 29]] = np.nan
X = DRAWS.normal(size=(25, 3))

CASES = {
    "walk": (walk, {"y": walk_data(60)}, {}),
    "walk of two": (walk, {"y": walk_data(2)}, {}),
    "walk of one": (one_step, {"y": walk_data(1)}, {}),
    "walk with holes": (walk, {"y": walk_data(60, (0, 7, 8, 59))}, {}),
    "unknown precisions": (noisy_walk, {"y": walk_data(50)}, {"constraints": APART, "initialisation": NOISES, "iterations": 9}),
    "unknown precisions, two": (
        noisy_walk, {"y": walk_data(2)}, {"constraints": APART, "initialisation": NOISES, "iterations": 4},
    ),
    "unknown precisions, holes": (
        noisy_walk, {"y": walk_data(50, (3, 4, 49))}, {"constraints": APART, "initialisation": NOISES, "iterations": 9},
    ),
    "mean-field walk": (
        noisy_walk, {"y": walk_data(30)},
        {"constraints": MeanField(), "initialisation": {**NOISES, "x": NormalMeanVariance(0.0, 1.0)}, "iterations": 9},
    ),
    "mixture": (mixture, {"y": walk_data(80)}, {"constraints": MeanField(), "initialisation": GROUPS, "iterations": 12}),
    "mixture with holes": (
        mixture, {"y": walk_data(80, (0, 3))}, {"constraints": MeanField(), "initialisation": GROUPS, "iterations": 12},
    ),
    "mixture of one row": (
        mixture, {"y": walk_data(1)}, {"constraints": MeanField(), "initialisation": GROUPS, "iterations": 5},
    ),
    "three groups": (
        three_groups, {"y": walk_data(50)}, {"constraints": MeanField(), "initialisation": THREE, "iterations": 8},
    ),
    "hidden Markov": (
        hidden_markov, {"y": SEEN}, {"constraints": TABLES_APART, "initialisation": TABLES, "iterations": 8},
    ),
    "hidden Markov of two": (
        hidden_markov, {"y": SEEN[:2]}, {"constraints": TABLES_APART, "initialisation": TABLES, "iterations": 3},
    ),
    "state space": (state_space, {"y": VECTORS}, {}),
    "state space with holes": (state_space, {"y": HOLES}, {}),
    "state space of one": (state_space, {"y": VECTORS[:1]}, {}),
    "state space of two": (state_space, {"y": VECTORS[:2]}, {}),
    "trend": (trend, {"y": walk_data(40)}, {}),
    "regression": (
        regression, {"y": X @ np.ones(3) + walk_data(25), "X": X},
        {"constraints": "q(w, tau) = q(w) q(tau)", "initialisation": {"tau": UNIT}, "iterations": 6},
    ),
    "counts": (counts, {"y": np.array([1.0, 0.0, 4.0, np.nan, 2.0])}, {}),
    "flips": (flips, {"y": np.array([1.0, 0.0, 1.0, 1.0])}, {}),
    "hierarchical": (
        partial(hierarchical, groups=np.arange(20) % 4), {"y": walk_data(20)},
        {"constraints": "q(top, level, between, within) = q(top, level) q(between) q(within)", "iterations": 7,
         "initialisation": {"between": UNIT, "within": UNIT}},
    ),
    "branches": (branches, {"y": walk_data(8)}, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_backends_agree(name):
    family, data, options = CASES[name]
    options = {"free_energy": True, **options}
    assert_same(infer(family(), data=data, **options), infer(family(), data=data, backend="jax", **options))


def test_a_tolerance_stops_both_alike():
    family, data, options = CASES["mixture"]
    options = {**options, "iterations": 500, "tolerance": 1e-6, "free_energy": True}
    ours, theirs = (infer(family(), data=data, backend=backend, **options) for backend in ("numpy", "jax"))
    assert ours.converged and ours.iterations < 500
    assert_same(ours, theirs)


def test_what_was_not_asked_for_is_there_when_it_is_read():
    result = infer(noisy_walk(), data=CASES["unknown precisions"][1], backend="jax", returnvars="noise",
                   **CASES["unknown precisions"][2])
    assert list(result.posteriors) == ["noise"]
    whole = infer(state_space(), data={"y": VECTORS}, backend="jax")
    plain = infer(state_space(), data={"y": VECTORS})
    assert set(whole.hidden) == set(plain.hidden) != set()
    for name, belief in plain.hidden.items():
        np.testing.assert_allclose(whole.hidden[name].mean, belief.mean, rtol=1e-9, atol=1e-9)
