"""Variational models: the free energy never rises, and the fixed point is that of an independent implementation."""

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    DirichletCollection,
    DiscreteTransition,
    Gamma,
    MeanField,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    infer,
    model,
    q,
    randomvar,
)
from reactivepgm.plan import Plan
from tests.oracles import variational
from tests.oracles.closeness import assert_within


def assert_descends(free_energy) -> None:
    assert np.all(np.isfinite(free_energy))
    assert np.max(np.diff(free_energy), initial=-np.inf) <= 1e-9


def assert_same_trace(result, expected, rtol=1e-9) -> None:
    assert_descends(result.free_energy)
    np.testing.assert_allclose(result.free_energy[-1], expected.free_energy[-1], rtol=rtol)


def assert_gamma(q_gamma, expected, rtol=1e-7) -> None:
    np.testing.assert_allclose(q_gamma.mean, expected.mean, rtol=rtol)
    np.testing.assert_allclose(q_gamma.variance, expected.shape / expected.rate**2, rtol=rtol)


@model
def gamma_normal(y):
    mu = ~NormalMeanVariance(0.5, 4.0)
    tau = ~Gamma(shape=2.0, rate=0.5)
    for i in range(len(y)):
        y[i] = ~NormalMeanPrecision(mu, tau)
    return mu, tau


@model
def gamma_normal_with_where(y):
    mu = ~NormalMeanVariance(0.5, 4.0)
    tau = ~Gamma(shape=2.0, rate=0.5)
    for i in range(len(y)):
        y[i] = ~NormalMeanPrecision(mu, tau).where(q=q(mean) * q(precision) * q(out))  # noqa: F821
    return mu, tau


@pytest.mark.parametrize(
    ("family", "constraints"),
    [(gamma_normal, MeanField()), (gamma_normal, "q(mu, tau) = q(mu) q(tau)"), (gamma_normal_with_where, None)],
    ids=["mean field", "constraint", "where"],
)
def test_unknown_mean_and_precision(family, constraints):
    y = np.random.default_rng(1).normal(2.0, 0.7, size=25)
    start = variational.Gamma(1.0, 1.0)
    expected = variational.gamma_normal(y, 0.5, 4.0, variational.Gamma(2.0, 0.5), start, 40)
    result = infer(
        family(), data={"y": y}, constraints=constraints, iterations=40, free_energy=True,
        initialisation={"tau": Gamma(shape=1.0, rate=1.0)},
    )
    assert_same_trace(result, expected)
    np.testing.assert_allclose(result.free_energy, expected.free_energy, rtol=1e-9)
    mean, variance = expected.q["mu"]
    np.testing.assert_allclose(result.posteriors["mu"].mean, mean, rtol=1e-9)
    np.testing.assert_allclose(result.posteriors["mu"].variance, variance, rtol=1e-9)
    assert_gamma(result.posteriors["tau"], expected.q["tau"], rtol=1e-9)


@model
def random_walk(y):
    level = ~Gamma(shape=2.0, rate=1.0)
    noise = ~Gamma(shape=3.0, rate=1.0)
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 9.0)
    y[0] = ~NormalMeanPrecision(x[0], noise)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanPrecision(x[t - 1], level)
        y[t] = ~NormalMeanPrecision(x[t], noise)
    return x, level, noise


STRUCTURED = "q(x, level, noise) = q(x) q(level) q(noise)"


@pytest.mark.parametrize(
    ("constraints", "structured"),
    [(STRUCTURED, True), ([STRUCTURED, "q(x) = prod q(x[i])"], False), (MeanField(), False)],
    ids=["structured", "prod", "mean field"],
)
def test_random_walk_with_unknown_precisions(constraints, structured):
    rng = np.random.default_rng(2)
    y = np.cumsum(rng.normal(size=40)) + rng.normal(size=40)
    Prior = variational.Gamma
    expected = variational.random_walk(
        y, 0.0, 9.0, Prior(2.0, 1.0), Prior(3.0, 1.0), Prior(1.0, 1.0), Prior(1.0, 1.0), 1500, structured=structured
    )
    initialisation = {"level": Gamma(shape=1.0, rate=1.0), "noise": Gamma(shape=1.0, rate=1.0)}
    if not structured:
        initialisation["x"] = NormalMeanVariance(y, np.ones(40))
    result = infer(
        random_walk(), data={"y": y}, constraints=constraints, iterations=1500, free_energy=True,
        initialisation=initialisation,
    )
    assert_same_trace(result, expected)
    mean, variance = expected.q["x"]
    assert_within(result.posteriors["x"].mean, mean, 1e-7)
    np.testing.assert_allclose(result.posteriors["x"].variance, variance, rtol=1e-7)
    assert_gamma(result.posteriors["level"], expected.q["level"])
    assert_gamma(result.posteriors["noise"], expected.q["noise"])


def test_structured_is_the_tighter_bound_of_the_two():
    y = np.cumsum(np.random.default_rng(3).normal(size=60))
    unit = Gamma(shape=1.0, rate=1.0)
    start = {"level": unit, "noise": unit, "x": NormalMeanVariance(0.0, 1.0)}
    structured, apart = (
        infer(random_walk(), data={"y": y}, constraints=c, iterations=300, free_energy=True, initialisation=start)
        for c in (STRUCTURED, MeanField())
    )
    assert structured.free_energy[-1] < apart.free_energy[-1]


@model
def gaussian_mixture(y):
    s = ~Dirichlet(np.array([1.0, 2.0, 1.0]))
    m, w = randomvar(3), randomvar(3)
    m[:] = ~NormalMeanVariance(np.array([-2.0, 0.0, 2.0]), 50.0)
    w[:] = ~Gamma(shape=1.5, rate=1.0)
    z = randomvar(len(y))
    for i in range(len(y)):
        z[i] = ~Categorical(s)
        y[i] = ~NormalMixture(z[i], m, w)
    return s, m, w, z


def test_gaussian_mixture():
    rng = np.random.default_rng(4)
    y = np.concatenate([rng.normal(-4, 1, 20), rng.normal(0, 0.5, 30), rng.normal(4, 1, 25)])
    expected = variational.mixture(
        y, np.array([-2.0, 0.0, 2.0]), 50.0,
        variational.Gamma(np.full(3, 1.5), np.ones(3)), variational.Dirichlet(np.array([1.0, 2.0, 1.0])),
        [-3.0, 0.5, 3.0], [1.0, 1.0, 1.0],
        variational.Gamma(np.ones(3), np.ones(3)), variational.Dirichlet(np.ones(3)), 500,
    )
    result = infer(
        gaussian_mixture(), data={"y": y}, constraints=MeanField(), iterations=500, free_energy=True,
        initialisation={
            "m": NormalMeanVariance(np.array([-3.0, 0.5, 3.0]), 1.0),
            "w": Gamma(shape=1.0, rate=1.0),
            "s": Dirichlet(np.ones(3)),
        },
    )
    assert_same_trace(result, expected)
    mean, variance = expected.q["m"]
    np.testing.assert_allclose(result.posteriors["m"].mean, mean, rtol=1e-7)
    np.testing.assert_allclose(result.posteriors["m"].variance, variance, rtol=1e-7)
    assert_gamma(result.posteriors["w"], expected.q["w"])
    np.testing.assert_allclose(result.posteriors["s"].alpha, expected.q["s"].alpha, rtol=1e-7)
    assert_within(result.posteriors["z"].p, expected.q["z"], 1e-7)


@model
def two_components(y):
    s = ~Beta(2.0, 1.0)
    m1 = ~NormalMeanVariance(-2.0, 50.0)
    m2 = ~NormalMeanVariance(2.0, 50.0)
    w1 = ~Gamma(shape=1.5, rate=1.0)
    w2 = ~Gamma(shape=1.5, rate=1.0)
    z = randomvar(len(y))
    for i in range(len(y)):
        z[i] = ~Bernoulli(s)
        y[i] = ~NormalMixture(z[i], (m1, m2), (w1, w2))
    return s, z


def test_two_components_under_a_coin():
    rng = np.random.default_rng(5)
    y = np.concatenate([rng.normal(-3, 1, 20), rng.normal(3, 1, 40)])
    # p is the probability of the second component, so Beta(2, 1) reads Dirichlet(1, 2) in the order of the components.
    expected = variational.mixture(
        y, np.array([-2.0, 2.0]), 50.0,
        variational.Gamma(np.full(2, 1.5), np.ones(2)), variational.Dirichlet(np.array([1.0, 2.0])),
        [-1.0, 1.0], [1.0, 1.0],
        variational.Gamma(np.ones(2), np.ones(2)), variational.Dirichlet(np.ones(2)), 300,
    )
    unit = Gamma(shape=1.0, rate=1.0)
    result = infer(
        two_components(), data={"y": y}, constraints=MeanField(), iterations=300, free_energy=True,
        initialisation={
            "m1": NormalMeanVariance(-1.0, 1.0), "m2": NormalMeanVariance(1.0, 1.0),
            "w1": unit, "w2": unit, "s": Beta(1.0, 1.0),
        },
    )
    assert_same_trace(result, expected)
    second, first = result.posteriors["s"].a, result.posteriors["s"].b
    np.testing.assert_allclose([first, second], expected.q["s"].alpha, rtol=1e-7)
    np.testing.assert_allclose([result.posteriors[m].mean for m in ("m1", "m2")], expected.q["m"][0], rtol=1e-7)
    assert_within(result.posteriors["z"].probabilities, expected.q["z"], 1e-7)


START = np.array([0.2, 0.5, 0.3])
PRIOR_A = np.ones((3, 3)) + 2.0 * np.eye(3)
PRIOR_B = np.ones((4, 3))
START_B = np.array([[4.0, 1.0, 1.0], [1.0, 4.0, 1.0], [1.0, 1.0, 4.0], [1.0, 1.0, 2.0]])


@model
def hidden_markov(y):
    A = ~DirichletCollection(PRIOR_A)
    B = ~DirichletCollection(PRIOR_B)
    s = randomvar(len(y))
    s[0] = ~Categorical(START)
    y[0] = ~DiscreteTransition(s[0], B)
    for t in range(1, len(y)):
        s[t] = ~DiscreteTransition(s[t - 1], A)
        y[t] = ~DiscreteTransition(s[t], B)
    return s, A, B


def test_hidden_markov_model():
    rng = np.random.default_rng(6)
    A = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.2], [0.1, 0.1, 0.7]])
    B = np.array([[0.7, 0.1, 0.1], [0.1, 0.7, 0.1], [0.1, 0.1, 0.7], [0.1, 0.1, 0.1]])
    states, seen = [0], []
    for _ in range(120):
        seen.append(int(rng.choice(4, p=B[:, states[-1]])))
        states.append(int(rng.choice(3, p=A[:, states[-1]])))
    iterations = 600
    Prior = variational.Dirichlet
    expected = variational.hidden_markov(
        seen, START, Prior(PRIOR_A), Prior(PRIOR_B), Prior(PRIOR_A), Prior(START_B), iterations
    )
    result = infer(
        hidden_markov(), data={"y": np.eye(4)[seen]}, constraints="q(s, A, B) = q(s) q(A) q(B)", iterations=iterations,
        free_energy=True, initialisation={"A": DirichletCollection(PRIOR_A), "B": DirichletCollection(START_B)},
    )
    assert_same_trace(result, expected)
    assert_within(result.posteriors["s"].p, expected.q["s"], 1e-7)
    np.testing.assert_allclose(result.posteriors["A"].alpha, expected.q["A"].alpha, rtol=1e-6)
    np.testing.assert_allclose(result.posteriors["B"].alpha, expected.q["B"].alpha, rtol=1e-6)


def test_a_mean_field_chain_of_ten_thousand_descends():
    n = 10_000
    rng = np.random.default_rng(7)
    y = np.cumsum(rng.normal(size=n)) + rng.normal(size=n)
    result = infer(
        random_walk(), data={"y": y}, constraints=MeanField(), iterations=20, free_energy=True,
        initialisation={
            "level": Gamma(shape=1.0, rate=1.0), "noise": Gamma(shape=1.0, rate=1.0), "x": NormalMeanVariance(y, 1.0),
        },
    )
    assert_descends(result.free_energy)
    assert result.free_energy[-1] < result.free_energy[0]
    # One look inside: the level is updated in two colours, its even and its odd elements, not in n.
    batches = Plan(result.graph, frozenset(range(3))).batches
    parts = [elements for batch in batches for elements in batch.elements.values() if elements is not None]
    assert [len(part) for part in parts] == [n // 2, n // 2]
