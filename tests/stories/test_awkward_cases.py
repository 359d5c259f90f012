"""The awkward cases: missing data, one row, zero rows, one dimension, repeated use of a variable, several spellings."""

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    Gamma,
    MeanField,
    MissingInitialError,
    ModelError,
    MvNormal,
    Normal,
    NoRuleError,
    Poisson,
    Wishart,
    infer,
    model,
    randomvar,
)


@model
def level(y):
    x = ~Normal(mean=1.0, variance=2.0)
    y[:] = ~Normal(mean=x, variance=1.0)


@pytest.mark.parametrize(
    "y", [[], [2.0], [2.0, None, np.nan, 3.0], [None, None], np.ma.masked_array([2.0, 9.0], mask=[False, True])]
)
def test_missing_one_and_no_observations(y):
    result = infer(level(), data={"y": y}, free_energy=True)
    seen = np.array([2.0, 3.0][: 2 if len(y) == 4 else 1 if len(y) and y[0] is not None else 0])
    n = len(seen)
    assert result.posteriors["x"].variance == pytest.approx(1.0 / (0.5 + n), rel=1e-12)
    assert result.posteriors["x"].mean == pytest.approx((0.5 + seen.sum()) / (0.5 + n), rel=1e-12)
    cov = np.eye(n) + 2.0
    evidence = 0.5 * ((seen - 1.0) @ np.linalg.solve(cov, seen - 1.0) + np.linalg.slogdet(2 * np.pi * cov)[1])
    np.testing.assert_allclose(result.free_energy, evidence if n else 0.0, atol=1e-12)


@model
def twice(y, sign):
    x = ~Normal(mean=1.0, variance=2.0)
    y[...] = ~Normal(mean=x + x if sign > 0 else x - x, variance=1.0)


@pytest.mark.parametrize(("sign", "factor"), [(1, 2.0), (-1, 0.0)])
def test_a_variable_used_twice_in_a_sum_is_exact(sign, factor):
    result = infer(twice(sign=sign), data={"y": 3.0}, free_energy=True)
    mean, variance = factor, 2.0 * factor**2 + 1.0
    expected = 0.5 * np.log(2 * np.pi * variance) + (3.0 - mean) ** 2 / (2 * variance)
    np.testing.assert_allclose(result.free_energy, expected, rtol=1e-12)
    assert result.posteriors["x"].variance == pytest.approx(1.0 / (0.5 + factor**2))


@model
def vectors(y):
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=np.zeros(1), covariance=np.eye(1))
    x[1:] = ~MvNormal(mean=x[:-1], covariance=np.eye(1))
    y[:] = ~MvNormal(mean=x, covariance=np.eye(1))


@model
def scalars(y):
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=1.0)
    x[1:] = ~Normal(mean=x[:-1], variance=1.0)
    y[:] = ~Normal(mean=x, variance=1.0)


def test_vectors_of_one_dimension_equal_scalars():
    y = np.array([1.0, 2.0, 3.0])
    one = infer(vectors(), data={"y": y[:, None]}, free_energy=True)
    other = infer(scalars(), data={"y": y}, free_energy=True)
    np.testing.assert_allclose(one.posteriors["x"].mean[:, 0], other.posteriors["x"].mean, rtol=1e-13)
    np.testing.assert_allclose(one.posteriors["x"].covariance[:, 0, 0], other.posteriors["x"].variance, rtol=1e-13)
    np.testing.assert_allclose(one.free_energy, other.free_energy, rtol=1e-13)


@model
def counts(k):
    rate = ~Gamma(shape=2.0, rate=3.0)
    k[:] = ~Poisson(rate)


def test_poisson_counts_have_their_closed_form():
    from scipy.special import gammaln

    k = np.array([3, 0, 5])
    result = infer(counts(), data={"k": k}, free_energy=True)
    posterior = result.posteriors["rate"]
    assert (posterior.shape, posterior.rate) == (2.0 + k.sum(), 3.0 + len(k))
    log_evidence = (
        2 * np.log(3.0) - gammaln(2.0) + gammaln(posterior.shape) - posterior.shape * np.log(posterior.rate)
    ) - gammaln(k + 1.0).sum()
    np.testing.assert_allclose(result.free_energy, -log_evidence, rtol=1e-10)


@model
def scatter(y):
    w = ~Wishart(3.0, np.eye(2))
    m = ~MvNormal(mean=np.zeros(2), covariance=10.0 * np.eye(2))
    y[:] = ~MvNormal(mean=m, precision=w)


def test_an_unknown_mean_and_precision_matrix_reach_their_fixed_point():
    y = np.random.default_rng(0).normal(size=(30, 2))
    start = {"w": Wishart(3.0, np.eye(2))}
    result = infer(
        scatter(), data={"y": y}, constraints=MeanField(), initialisation=start, iterations=60, free_energy=True
    )
    assert (np.diff(result.free_energy) <= 1e-9).all()
    mean, cov = np.zeros(2), 10.0 * np.eye(2)
    for _ in range(60):
        inverse_scale = np.eye(2) + sum(np.outer(v - mean, v - mean) + cov for v in y) if _ else None
        expected_w = 3.0 * np.eye(2) if _ == 0 else (3.0 + len(y)) * np.linalg.inv(inverse_scale)
        cov = np.linalg.inv(np.eye(2) / 10.0 + len(y) * expected_w)
        mean = cov @ (expected_w @ y.sum(axis=0))
    np.testing.assert_allclose(result.posteriors["m"].mean, mean, rtol=1e-9)
    np.testing.assert_allclose(result.posteriors["m"].covariance, cov, rtol=1e-9)


@model
def unfactorised(y):
    tau = ~Gamma(shape=1.0, rate=1.0)
    mu = ~Normal(mean=0.0, variance=1.0)
    y[:] = ~Normal(mean=mu, precision=tau)


def test_a_joint_cluster_without_rules_suggests_the_cut():
    with pytest.raises(NoRuleError, match=r"q=q\(mean\) \* q\(precision\)"):
        infer(unfactorised(), data={"y": [2.0, 1.0]})


def test_a_missing_initial_marginal_comes_with_one_to_copy():
    with pytest.raises(MissingInitialError, match=r'initialisation=\{"tau": Gamma\(shape=1.0, rate=1.0\)\}'):
        infer(unfactorised(), data={"y": [2.0, 1.0]}, constraints=MeanField())


def test_names_that_the_model_does_not_have_are_refused():
    with pytest.raises(ModelError, match=r"`tua`; it has tau, mu"):
        infer(unfactorised(), data={"y": [2.0]}, constraints=MeanField(), initialisation={"tua": Gamma(shape=1.0, rate=1.0)})
    with pytest.raises(ModelError, match="returnvars: the model has no random variable `z`"):
        infer(level(), data={"y": [2.0]}, returnvars=["z"])
    with pytest.raises(KeyError, match="no posterior named 'z'; there are: x"):
        infer(level(), data={"y": [2.0]}).posteriors["z"]


@model
def mixed_order(y):
    p = randomvar(3)
    p[2] = ~Beta(1.0, 2.0)
    p[0] = ~Beta(3.0, 1.0)
    p[1] = ~Beta(2.0, 2.0)
    y[:] = ~Bernoulli(p)


def test_elements_drawn_one_by_one_in_any_order_make_one_array():
    result = infer(mixed_order(), data={"y": [1.0, 0.0, 1.0]})
    assert result.posteriors["p"] == Beta(np.array([4.0, 2.0, 2.0]), np.array([1.0, 3.0, 2.0]))
