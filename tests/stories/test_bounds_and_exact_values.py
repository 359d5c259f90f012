"""Free energies that must be bounds, values of functions that are known exactly, and inverses, as whole models."""

import numpy as np
import pytest
from scipy.special import gammaln

from reactivepgm import (
    CVI,
    BinomialPolya,
    DeltaMeta,
    Gamma,
    Linearisation,
    MvNormal,
    Normal,
    Unscented,
    Wishart,
    infer,
    inv,
    model,
)
from reactivepgm.errors import ModelError, NoRuleError


@model
def logistic_counts(y, x, n):
    beta = ~MvNormal(mean=np.zeros(2), covariance=4.0 * np.eye(2))
    for i in range(len(y)):
        y[i] = ~BinomialPolya(x[i], n[i], beta)


def test_the_free_energy_of_logistic_counts_is_a_bound():
    x = np.array([[1.0, 0.5], [1.0, -1.0], [1.0, 2.0], [1.0, 0.0]])
    n, y = np.array([5, 3, 6, 2]), np.array([3, 0, 5, 1])
    result = infer(logistic_counts(x=x, n=n), data={"y": y}, iterations=60, free_energy=True)
    grid = np.linspace(-14.0, 14.0, 801)
    a, b = np.meshgrid(grid, grid, indexing="ij")
    logs = -(a * a + b * b) / 8.0 - np.log(8 * np.pi)
    for (u, v), trials, count in zip(x, n, y, strict=True):
        psi = u * a + v * b
        logs += gammaln(trials + 1) - gammaln(count + 1) - gammaln(trials - count + 1)
        logs += count * psi - trials * np.logaddexp(0.0, psi)
    evidence = np.log(np.exp(logs - logs.max()).sum() * (grid[1] - grid[0]) ** 2) + logs.max()
    assert -evidence <= result.free_energy[-1] <= -evidence + 0.3


def times(a, b):
    return a * b


@model
def product_known(c, meta):
    a = ~Normal(mean=1.0, variance=1.0)
    b = ~Normal(mean=2.0, variance=1.0)
    c[...] = ~times(a, b).where(meta=meta)


def test_two_inputs_of_a_known_value_share_the_surprise():
    """By the tangent at the prior: 2 (a - 1) + (b - 2) = 1, of which each takes its part (dense algebra)."""
    result = infer(product_known(meta=Linearisation()), data={"c": 3.0}, iterations=10)
    slope = np.array([2.0, 1.0])
    mean = np.array([1.0, 2.0]) + slope / (slope @ slope)
    np.testing.assert_allclose([result.posteriors[name].mean for name in "ab"], mean, rtol=1e-8)
    variance = 1.0 - slope**2 / (slope @ slope)
    np.testing.assert_allclose([result.posteriors[name].variance for name in "ab"], variance, rtol=1e-8)


@model
def exponential_known(c, meta):
    a = ~Normal(mean=1.0, variance=1.0)
    c[...] = ~np.exp(a).where(meta=meta)


@pytest.mark.parametrize("meta", [Linearisation(), Unscented()])
def test_one_input_of_a_known_value_is_settled(meta):
    with pytest.raises(NoRuleError, match=r"settles the input(.|\n)*Normal\(mean=f\(x\)(.|\n)*inverse=\.\.\."):
        infer(exponential_known(meta=meta), data={"c": 3.0})


def test_one_input_of_a_known_value_by_the_inverse():
    result = infer(exponential_known(meta=DeltaMeta(Linearisation(), inverse=np.log)), data={"c": 3.0})
    assert result.posteriors["a"].mean == pytest.approx(np.log(3.0), rel=1e-12)


@pytest.mark.parametrize("model_", [exponential_known(meta=CVI()), product_known(meta=CVI())])
def test_a_known_value_leaves_natural_gradients_nothing(model_):
    with pytest.raises((ModelError, NoRuleError), match=r"Normal\(mean=f\(x\), variance=\.\.\.\)"):
        infer(model_, data={"c": 3.0})


@model
def by_variance(y):
    g = ~Gamma(shape=3.0, rate=2.0)
    v = ~inv(g)
    y[:] = ~Normal(mean=0.0, variance=v)


@model
def by_precision(y):
    g = ~Gamma(shape=3.0, rate=2.0)
    y[:] = ~Normal(mean=0.0, precision=g)


@model
def by_covariance(y):
    g = ~Wishart(5.0, np.array([[1.0, 0.2], [0.2, 0.5]]))
    v = ~inv(g)
    y[:] = ~MvNormal(mean=np.zeros(2), covariance=v)


@model
def by_precision_matrix(y):
    g = ~Wishart(5.0, np.array([[1.0, 0.2], [0.2, 0.5]]))
    y[:] = ~MvNormal(mean=np.zeros(2), precision=g)


@pytest.mark.parametrize(("inverted", "direct", "shape"), [
    (by_variance(), by_precision(), (6,)), (by_covariance(), by_precision_matrix(), (6, 2)),
], ids=["gamma", "wishart"])
def test_the_inverse_of_a_precision_is_a_variance(inverted, direct, shape):
    y = np.random.default_rng(3).normal(size=shape)
    one = infer(inverted, data={"y": y}, free_energy=True)
    other = infer(direct, data={"y": y}, free_energy=True)
    np.testing.assert_allclose(one.posteriors["g"].mean, other.posteriors["g"].mean, rtol=1e-12)
    assert one.free_energy[-1] == pytest.approx(other.free_energy[-1], rel=1e-12)
    draws = other.posteriors["g"].sample(np.random.default_rng(0), 100_000)
    wanted = (1.0 / draws if len(shape) == 1 else np.linalg.inv(draws)).mean(axis=0)
    np.testing.assert_allclose(one.posteriors["v"].mean, wanted, rtol=0.02, atol=0.02)


def test_other_functions_of_a_gamma_have_a_letter():
    def twice(g):
        return 2.0 * g

    @model
    def doubled(y):
        g = ~Gamma(shape=3.0, rate=2.0)
        w = ~twice(g)
        y[:] = ~Normal(mean=0.0, precision=w)

    with pytest.raises(NoRuleError, match=r"CVI\(\)"):
        infer(doubled(), data={"y": np.array([1.0, 2.0])})
