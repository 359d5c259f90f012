"""Whole models with functions by CVI, against the bound's own maximum and against quadrature."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import gammaln, log_expit

from reactivepgm import (
    CVI,
    Bernoulli,
    DeltaMeta,
    Gamma,
    MvNormal,
    Normal,
    Poisson,
    explain,
    infer,
    model,
    randomvar,
)
from reactivepgm.errors import InferenceError, InvalidParameterError, ModelError, ParametrisationError

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def best_normal(log_joint):
    """Mean, variance and bound of the normal q that maximises E_q[log joint] + H[q]."""

    def minus_bound(p):
        x = p[0] + np.exp(p[1]) * NODES
        return -(WEIGHTS @ log_joint(x)) - p[1] - 0.5 * np.log(2 * np.pi * np.e)

    found = minimize(minus_bound, [0.0, 0.0], tol=1e-14)
    found = minimize(minus_bound, found.x, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13})
    return found.x[0], np.exp(2 * found.x[1]), found.fun


def log_normal_density(x, mean, variance):
    return -0.5 * (np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance)


@model
def counts(y, prior=1.0, meta=None):
    x = ~Normal(mean=0.0, variance=prior)
    lam = ~np.exp(x).where(meta=meta)
    for i in range(len(y)):
        y[i] = ~Poisson(lam)


@pytest.mark.parametrize("y", [np.array([1, 2, 3]), np.array([0]), np.array([250, 300])])
@pytest.mark.parametrize("prior", [1.0, 30.0])
def test_counts_with_a_rate_by_exp(y, prior):
    result = infer(counts(prior=prior, meta=CVI()), data={"y": y}, free_energy=True)

    def log_joint(x):
        return y.sum() * x - len(y) * np.exp(x) - gammaln(y + 1).sum() + log_normal_density(x, 0.0, prior)

    mean, variance, bound = best_normal(log_joint)
    q = result.posteriors["x"]
    assert q.mean == pytest.approx(mean, rel=1e-5, abs=1e-6)
    assert q.variance == pytest.approx(variance, rel=1e-5)
    assert result.free_energy[-1] == pytest.approx(bound, abs=1e-7)
    top = log_joint(mean)
    evidence = top + np.log(quad(lambda x: np.exp(log_joint(x) - top), mean - 12 * variance**0.5, mean + 12 * variance**0.5)[0])
    assert -evidence <= result.free_energy[-1] <= -evidence + 0.3
    lam = result.posteriors["lam"]
    assert lam.mean == pytest.approx(np.exp(q.mean + q.variance / 2), rel=1e-8)


def test_the_meta_is_cvi_or_a_delta_meta_with_it():
    assert DeltaMeta(method=CVI(points=8)) == CVI(points=8)
    with pytest.raises(ParametrisationError, match="leave inverse out"):
        DeltaMeta(method=CVI(), inverse=np.log)
    for wrong in ({"step": 0.0}, {"step": 1.5}, {"iterations": 0}, {"points": 2}):
        with pytest.raises(InvalidParameterError, match="CVI"):
            CVI(**wrong)


def test_few_steps_an_update_lower_the_free_energy_update_by_update():
    y = np.array([40, 55])
    result = infer(counts(prior=10.0, meta=CVI(iterations=1, step=0.5)), data={"y": y}, iterations=60, free_energy=True)
    whole = infer(counts(prior=10.0, meta=CVI()), data={"y": y}, free_energy=True)
    scores = np.array(result.free_energy)
    assert (np.diff(scores) <= 1e-6).all()
    assert scores[-1] == pytest.approx(whole.free_energy[-1], abs=1e-8)


@model
def walk(y, q=0.1):
    x, lam = randomvar(len(y)), randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=1.0)
    for i in range(1, len(y)):
        x[i] = ~Normal(mean=x[i - 1], variance=q)
    for i in range(len(y)):
        lam[i] = ~np.exp(x[i]).where(meta=CVI())
        y[i] = ~Poisson(lam[i])


def dense_walk(y, missing=()):
    """Gaussian VI for the walk by dense fixed-point iterations of Opper and Archambeau (2009)."""
    n = len(y)
    prior = np.minimum.outer(np.arange(n), np.arange(n)) * 0.1 + 1.0
    seen = np.array([i not in missing for i in range(n)], dtype=float)
    counts_ = np.where(seen > 0, y, 0.0)
    mean, cov = np.zeros(n), prior.copy()
    pull, precision = np.zeros(n), np.zeros(n)
    for _ in range(400):
        rate = seen * np.exp(np.minimum(mean + cov.diagonal() / 2, 30.0))
        pull += 0.3 * (counts_ - rate + rate * mean - pull)
        precision += 0.3 * (rate - precision)
        cov = np.linalg.inv(np.linalg.inv(prior) + np.diag(precision))
        mean = cov @ pull
    return mean, cov.diagonal()


def test_a_chain_of_states_is_swept_as_without_the_functions():
    rng = np.random.default_rng(4)
    y = rng.poisson(np.exp(np.cumsum(0.3 * rng.normal(size=40))))
    result = infer(walk(), data={"y": y}, free_energy=True)
    mean, variance = dense_walk(y)
    np.testing.assert_allclose(result.posteriors["x"].mean, mean, atol=1e-6)
    np.testing.assert_allclose(result.posteriors["x"].variance, variance, rtol=1e-6)
    assert np.isfinite(result.free_energy[-1])


def test_counts_that_are_missing():
    y = np.array([1.0, 4.0, np.nan, 2.0, np.nan])
    result = infer(walk(), data={"y": y})
    mean, variance = dense_walk(np.nan_to_num(y), missing=(2, 4))
    np.testing.assert_allclose(result.posteriors["x"].mean, mean, atol=1e-6)
    np.testing.assert_allclose(result.posteriors["x"].variance, variance, rtol=1e-6)


def test_a_value_of_which_nothing_is_said_follows_its_input():
    @model
    def prior_only():
        x = ~Normal(mean=0.5, variance=0.2)
        lam = ~np.exp(x).where(meta=CVI())  # noqa: F841

    result = infer(prior_only(), data={})
    assert result.posteriors["x"].mean == pytest.approx(0.5)
    assert result.posteriors["lam"].mean == pytest.approx(np.exp(0.6), rel=1e-10)


def sigmoid_of(x, c):
    return 1.0 / (1.0 + np.exp(-(x[0] + c * x[1])))


@model
def logistic(y, c):
    x = ~MvNormal(mean=np.zeros(2), covariance=2.0 * np.eye(2))
    p = randomvar(len(y))
    for i in range(len(y)):
        p[i] = ~sigmoid_of(x, c[i]).where(meta=CVI(points=24))
        y[i] = ~Bernoulli(p[i])


def test_a_vector_and_data_among_the_inputs():
    rng = np.random.default_rng(7)
    c = rng.normal(size=30)
    y = (rng.random(30) < 1 / (1 + np.exp(-(0.5 + 1.5 * c)))).astype(float)
    result = infer(logistic(), data={"y": y, "c": c}, free_energy=True)
    grid = np.linspace(-6.0, 8.0, 281)
    a, b = np.meshgrid(grid, grid, indexing="ij")
    logs = log_normal_density(a, 0, 2.0) + log_normal_density(b, 0, 2.0)
    for yi, ci in zip(y, c, strict=True):
        logs = logs + log_expit((2 * yi - 1) * (a + ci * b))
    weights = np.exp(logs - logs.max())
    evidence = logs.max() + np.log(weights.sum() * (grid[1] - grid[0]) ** 2)
    weights /= weights.sum()
    q = result.posteriors["x"]
    np.testing.assert_allclose(q.mean, [(weights * a).sum(), (weights * b).sum()], atol=0.03)
    assert -evidence <= result.free_energy[-1] <= -evidence + 0.05


def test_a_precision_by_a_function():
    """Stochastic volatility with one state: y ~ N(0, exp(-x)) in precision form."""
    y = np.array([0.3, -1.2, 2.0, 0.1])

    @model
    def volatile(y):
        x = ~Normal(mean=0.0, variance=1.0)
        w = ~np.exp(x).where(meta=CVI())
        for i in range(len(y)):
            y[i] = ~Normal(mean=0.0, precision=w)

    result = infer(volatile(), data={"y": y}, free_energy=True)

    def log_joint(x):
        return sum(log_normal_density(yi, 0.0, np.exp(-x)) for yi in y) + log_normal_density(x, 0.0, 1.0)

    mean, variance, bound = best_normal(log_joint)
    assert result.posteriors["x"].mean == pytest.approx(mean, abs=1e-5)
    assert result.posteriors["x"].variance == pytest.approx(variance, rel=1e-5)
    assert result.free_energy[-1] == pytest.approx(bound, abs=1e-7)


def test_a_gamma_input_keeps_its_family():
    y = np.array([3, 5, 4])

    @model
    def squares(y):
        g = ~Gamma(shape=3.0, rate=2.0)
        lam = ~np.square(g).where(meta=CVI())
        for i in range(len(y)):
            y[i] = ~Poisson(lam)

    result = infer(squares(), data={"y": y}, free_energy=True)

    def joint(g):
        return np.exp(2 * y.sum() * np.log(g) - 3 * g**2 - gammaln(y + 1).sum() + np.log(4.0) + 2 * np.log(g) - 2 * g)

    evidence = quad(joint, 0, 10)[0]
    exact = quad(lambda g: g * joint(g), 0, 10)[0] / evidence
    q = result.posteriors["g"]
    assert type(q).__name__ == "GammaShapeRate"
    assert q.mean == pytest.approx(exact, rel=5e-3)
    assert -np.log(evidence) <= result.free_energy[-1] <= -np.log(evidence) + 0.02


def test_draws_for_many_coordinates_are_deterministic_and_near_the_bound():
    y = np.array([2, 6, 1, 3])

    def rates(x):
        return np.exp(x.sum(axis=0) / 2)

    @model
    def four(y, meta):
        x = ~MvNormal(mean=np.zeros(4), covariance=np.eye(4))
        lam = ~rates(x).where(meta=meta)
        for i in range(len(y)):
            y[i] = ~Poisson(lam)

    one, same, other = (
        infer(four(meta=CVI(samples=2000, seed=seed)), data={"y": y}, free_energy=True) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.posteriors["x"].mean, same.posteriors["x"].mean)
    scalar = infer(counts(prior=1.0, meta=CVI()), data={"y": y}, free_energy=True)  # x.sum() / 2 has variance one
    for result in (one, other):
        assert result.free_energy[-1] == pytest.approx(scalar.free_energy[-1], abs=0.02)
        assert result.posteriors["x"].mean.sum() / 2 == pytest.approx(scalar.posteriors["x"].mean, abs=0.02)


def test_two_independent_inputs():
    @model
    def product(y):
        a = ~Normal(mean=1.0, variance=0.2)
        b = ~Normal(mean=0.5, variance=0.3)
        lam = ~rate(a, b).where(meta=CVI())
        y[...] = ~Poisson(lam)

    def rate(a, b):
        return np.exp(a * b)

    result = infer(product(), data={"y": 6}, free_energy=True)

    def minus_bound(p):
        a = (p[0] + np.exp(p[1]) * NODES)[:, None]
        b = (p[2] + np.exp(p[3]) * NODES)[None]
        logs = 6 * a * b - np.exp(a * b) - gammaln(7) + log_normal_density(a, 1.0, 0.2) + log_normal_density(b, 0.5, 0.3)
        return -(WEIGHTS @ logs @ WEIGHTS) - p[1] - p[3] - np.log(2 * np.pi * np.e)

    best = minimize(minus_bound, [1.0, -1.0, 0.5, -1.0], tol=1e-12)
    assert result.free_energy[-1] == pytest.approx(best.fun, abs=1e-5)
    assert result.posteriors["a"].mean == pytest.approx(best.x[0], abs=1e-3)
    assert result.posteriors["b"].mean == pytest.approx(best.x[2], abs=1e-3)


def test_explain_names_the_sweep():
    assert "natural gradients through functions" in str(explain(counts(meta=CVI()), data={"y": np.array([1, 2])}))


def test_values_that_leave_the_support():
    def same(x):
        return x - 0.0

    @model
    def wrong(y):
        x = ~Normal(mean=1.0, variance=1.0)
        lam = ~same(x).where(meta=CVI())
        y[...] = ~Poisson(lam)

    with pytest.raises(InferenceError, match="stay in the support, such as exp for rates"):
        infer(wrong(), data={"y": 2})


def test_a_value_that_is_tied_to_another_variable():
    @model
    def tied(y):
        x = ~Normal(mean=1.0, variance=1.0)
        z = ~np.exp(x).where(meta=CVI())
        u = ~Normal(mean=z, variance=1.0)
        y[...] = ~Normal(mean=u, variance=1.0)

    with pytest.raises(ModelError, match=r"ties it to another random\s+variable"):
        infer(tied(), data={"y": 2.0})


def test_inputs_that_depend_on_one_another():
    def both(a, b):
        return np.exp(a + b)

    @model
    def related(y):
        a = ~Normal(mean=1.0, variance=1.0)
        b = ~Normal(mean=a, variance=1.0)
        lam = ~both(a, b).where(meta=CVI())
        y[...] = ~Poisson(lam)

    with pytest.raises(ModelError, match="one vector for both"):
        infer(related(), data={"y": 2})
