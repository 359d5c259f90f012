"""Models of rules that read the message or the marginal on their own edge, each against integrals computed here.

Probit regression     EP's means within 0.02 posterior standard deviations of quadrature, variances within 5 %
one unknown number    EP keeps the moments of the exact posterior where one factor is approximate
several rows          means within 0.05 standard deviations, free energies within 0.05 nats of -log evidence
Pólya-gamma           the fixed point of the equations iterated densely here; a bound on -log evidence
"""

import numpy as np
import pytest
from scipy import stats

from reactivepgm import (
    Bernoulli,
    BinomialPolya,
    BinomialPolyaMeta,
    ContinuousTransition,
    ContinuousTransitionMeta,
    Laplace,
    MultinomialPolya,
    MvNormal,
    Normal,
    Probit,
    StudentT,
    dot,
    explain,
    infer,
    model,
    randomvar,
)
from reactivepgm.errors import ConvergenceWarning, MissingInitialError


@model
def probit_regression(y, rows):
    w = ~MvNormal(mean=np.zeros(2), covariance=4.0 * np.eye(2))
    f = randomvar(len(rows))
    for i in range(len(rows)):
        f[i] = ~dot(rows[i], w)
        y[i] = ~Probit(f[i])


@model
def student_location(y, n):
    mu = ~Normal(mean=0.0, variance=100.0)
    for i in range(n):
        y[i] = ~StudentT(mu, 1.0, 3.0)


@model
def laplace_location(y, n):
    mu = ~Normal(mean=0.0, variance=100.0)
    for i in range(n):
        y[i] = ~Laplace(mu, 1.0)


@model
def sparse(y, n):
    x = randomvar(n)
    for i in range(n):
        x[i] = ~Laplace(0.0, 1.0)
        y[i] = ~Normal(mean=x[i], variance=1.0)


@model
def binomial_regression(y, rows):
    w = ~MvNormal(mean=np.zeros(2), covariance=4.0 * np.eye(2))
    for i in range(len(rows)):
        y[i] = ~BinomialPolya(rows[i], 5.0, w).where(meta=BinomialPolyaMeta(32))


@model
def multinomial_counts(y, n):
    psi = ~MvNormal(mean=np.zeros(2), covariance=4.0 * np.eye(2))
    for i in range(n):
        y[i] = ~MultinomialPolya(10.0, psi)


def plane(log_likelihood, width):
    """Mean, covariance and log evidence on a grid, prior N(0, 4 I)."""
    side = np.linspace(-width, width, 201)
    points = np.stack(np.meshgrid(side, side, indexing="ij"), -1).reshape(-1, 2)
    logs = log_likelihood(points) + stats.norm.logpdf(points, scale=2.0).sum(-1)
    weight = np.exp(logs - logs.max())
    evidence = np.log(weight.sum() * (side[1] - side[0]) ** 2) + logs.max()
    weight /= weight.sum()
    mean = weight @ points
    return mean, (points - mean).T @ ((points - mean) * weight[:, None]), evidence


def line(log_density, low=-300.0, high=300.0, n=1_200_001):
    """Mean, variance and log evidence on a grid."""
    x = np.linspace(low, high, n)
    logs = log_density(x)
    weight = np.exp(logs - logs.max())
    evidence = np.log(weight.sum() * (x[1] - x[0])) + logs.max()
    weight /= weight.sum()
    mean = weight @ x
    return mean, weight @ (x - mean) ** 2, evidence


def regression_data(n, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 2))
    return rows, rng, rows @ np.array([0.5, -1.0])


@pytest.mark.parametrize("n", [1, 5, 300])
def test_probit_regression_by_expectation_propagation(n):
    rows, rng, predictor = regression_data(n)
    y = (rng.normal(size=n) < predictor).astype(float)
    result = infer(probit_regression(rows=rows), data={"y": y}, iterations=60, free_energy=True)
    assert result.converged
    mean, covariance, evidence = plane(
        lambda w: sum(stats.norm.logcdf((2 * k - 1) * (w @ x)) for x, k in zip(rows, y, strict=True)), 12 if n < 9 else 3
    )
    deviations = np.sqrt(np.diag(covariance))
    np.testing.assert_array_less(np.abs(result.posteriors["w"].mean - mean) / deviations, 0.02)
    np.testing.assert_allclose(np.diag(result.posteriors["w"].covariance), np.diag(covariance), rtol=0.05)
    assert result.free_energy[-1] == pytest.approx(-evidence, abs=0.02)


def test_rows_without_an_observation_say_nothing():
    rows, rng, predictor = regression_data(40)
    y = (rng.normal(size=40) < predictor).astype(float)
    holes = y.copy()
    holes[::3] = np.nan
    kept = ~np.isnan(holes)
    with_holes = infer(probit_regression(rows=rows), data={"y": holes}, iterations=60, free_energy=True)
    without = infer(probit_regression(rows=rows[kept]), data={"y": y[kept]}, iterations=60, free_energy=True)
    np.testing.assert_allclose(with_holes.posteriors["w"].mean, without.posteriors["w"].mean, rtol=1e-7)
    assert with_holes.free_energy[-1] == pytest.approx(without.free_energy[-1], abs=1e-7)


LOCATIONS = [
    pytest.param(student_location, lambda y, x: stats.t.logpdf(y - x, 3), id="StudentT"),
    pytest.param(laplace_location, lambda y, x: stats.laplace.logpdf(y - x), id="Laplace"),
]


@pytest.mark.parametrize(("location", "log_density"), LOCATIONS)
@pytest.mark.parametrize("observed", [[1.5], [np.nan, 2.0]], ids=["one row", "a missing row"])
def test_one_observation_keeps_the_exact_moments(location, log_density, observed):
    y = np.array(observed)
    result = infer(location(n=len(y)), data={"y": y}, iterations=5, free_energy=True)
    mean, variance, evidence = line(lambda x: stats.norm.logpdf(x, scale=10.0) + log_density(y[-1], x))
    assert result.converged
    assert result.posteriors["mu"].mean == pytest.approx(mean, abs=1e-6)
    assert result.posteriors["mu"].variance == pytest.approx(variance, rel=1e-5)
    assert result.free_energy[-1] == pytest.approx(-evidence, abs=1e-5)


@pytest.mark.parametrize(("location", "log_density"), LOCATIONS)
def test_three_hundred_observations_and_an_outlier(location, log_density):
    y = np.random.default_rng(1).standard_t(3, size=300) + 1.0
    y[5], y[7] = 40.0, np.nan
    result = infer(location(n=300), data={"y": y}, iterations=60, free_energy=True)
    seen = y[~np.isnan(y)]
    mean, variance, evidence = line(
        lambda x: stats.norm.logpdf(x, scale=10.0) + sum(log_density(v, x) for v in seen), -1.0, 3.0, 40_001
    )
    assert result.converged
    assert abs(result.posteriors["mu"].mean - mean) < 0.05 * np.sqrt(variance)
    assert result.posteriors["mu"].variance == pytest.approx(variance, rel=0.05)
    assert result.free_energy[-1] == pytest.approx(-evidence, abs=0.05)


def test_a_laplace_prior_that_hears_nothing_is_its_own_posterior():
    y = np.array([1.0, 3.0, np.nan, -2.0])
    result = infer(sparse(n=4), data={"y": y}, iterations=5, free_energy=True)
    total = 0.0
    for value, belief in zip(y, result.posteriors["x"], strict=True):
        hears = 0.0 if np.isnan(value) else 1.0

        def log_density(x, value=value, hears=hears):
            return stats.laplace.logpdf(x) + (stats.norm.logpdf(value - x) if hears else 0.0)

        mean, variance, evidence = line(log_density, -40.0, 40.0, 800_001)
        total -= evidence
        assert belief.mean == pytest.approx(mean, abs=1e-6)
        assert belief.variance == pytest.approx(variance, rel=1e-5)
    assert result.free_energy[-1] == pytest.approx(total, abs=1e-5)


@pytest.mark.parametrize("n", [1, 300])
def test_binomial_regression_reaches_the_fixed_point_of_the_bound(n):
    rows, rng, predictor = regression_data(n)
    y = rng.binomial(5, 1 / (1 + np.exp(-predictor))).astype(float)
    result = infer(binomial_regression(rows=rows), data={"y": y}, iterations=200, free_energy=True, tolerance=1e-12)
    mean, covariance = np.zeros(2), 4.0 * np.eye(2)
    for _ in range(500):
        c = np.sqrt((rows @ mean) ** 2 + np.einsum("ni,ij,nj->n", rows, covariance, rows))
        covariance = np.linalg.inv(np.eye(2) / 4.0 + (rows.T * (5.0 * np.tanh(c / 2) / (2 * c))) @ rows)
        mean = covariance @ rows.T @ (y - 2.5)
    np.testing.assert_allclose(result.posteriors["w"].mean, mean, rtol=1e-6)
    np.testing.assert_allclose(result.posteriors["w"].covariance, covariance, rtol=1e-6, atol=1e-9)

    exact, spread, evidence = plane(
        lambda w: sum(stats.binom.logpmf(k, 5, 1 / (1 + np.exp(-w @ x))) for x, k in zip(rows, y, strict=True)),
        12 if n < 9 else 3,
    )
    assert -evidence < result.free_energy[-1] < -evidence + 0.2
    np.testing.assert_array_less(np.abs(mean - exact) / np.sqrt(np.diag(spread)), 0.3)


def test_missing_counts_say_nothing():
    rows, rng, predictor = regression_data(60)
    y = rng.binomial(5, 1 / (1 + np.exp(-predictor))).astype(float)
    y[::4] = np.nan
    kept = ~np.isnan(y)
    holes = infer(binomial_regression(rows=rows), data={"y": y}, iterations=100, tolerance=1e-12)
    without = infer(binomial_regression(rows=rows[kept]), data={"y": y[kept]}, iterations=100, tolerance=1e-12)
    np.testing.assert_allclose(holes.posteriors["w"].mean, without.posteriors["w"].mean, rtol=1e-7)


@pytest.mark.parametrize("n", [1, 200])
def test_multinomial_counts_reach_the_fixed_point_of_the_bound(n):
    y = np.random.default_rng(2).multinomial(10, [0.2, 0.3, 0.5], size=n).astype(float)
    result = infer(multinomial_counts(n=n), data={"y": y}, iterations=300, free_energy=True, tolerance=1e-12)
    totals = y.sum(0)
    reach = np.array([totals.sum(), totals[1:].sum()])
    mean, variance = np.zeros(2), np.full(2, 4.0)
    for _ in range(1000):
        c = np.sqrt(mean**2 + variance)
        variance = 1.0 / (0.25 + reach * np.tanh(c / 2) / (2 * c))
        mean = variance * (totals[:2] - reach / 2)
    np.testing.assert_allclose(result.posteriors["psi"].mean, mean, rtol=1e-5)
    np.testing.assert_allclose(np.diag(result.posteriors["psi"].covariance), variance, rtol=1e-5)

    def log_likelihood(psi):
        taken = 1 / (1 + np.exp(-psi))
        p = np.stack([taken[:, 0], (1 - taken[:, 0]) * taken[:, 1], (1 - taken[:, 0]) * (1 - taken[:, 1])], -1)
        return sum(stats.multinomial.logpmf(row, 10, p) for row in y)

    _, _, evidence = plane(log_likelihood, 12 if n < 9 else 4)
    assert -evidence < result.free_energy[-1] < -evidence + 0.3


def _curve(a):
    return np.exp(a)[..., None]


CURVED = ContinuousTransitionMeta(_curve, vectorized=True)


@model
def random_matrix(y, n):
    a = ~MvNormal(mean=np.zeros(1), covariance=np.eye(1))
    x = randomvar(n)
    for i in range(n):
        x[i] = ~MvNormal(mean=np.array([1.0]), covariance=1e-8 * np.eye(1))
        y[i] = ~ContinuousTransition(x[i], a, 4.0 * np.eye(1)).where(meta=CURVED, q="q(y, x) q(a)")


def test_a_nonlinear_transition_is_expanded_around_its_own_marginal():
    y = np.random.default_rng(3).normal(np.exp(0.4), 0.5, size=(50, 1))
    start = {"a": MvNormal(mean=np.zeros(1), covariance=np.eye(1))}
    result = infer(random_matrix(n=50), data={"y": y}, iterations=30, initialisation=start)
    a = 0.0
    for _ in range(100):  # Gauss and Newton
        slope = np.exp(a)
        a += (4.0 * slope * (y - slope).sum() - a) / (4.0 * 50 * slope**2 + 1.0)
    assert result.posteriors["a"].mean[0] == pytest.approx(a, abs=0.02)


def test_explain_shows_what_is_read():
    rows, _, _ = regression_data(3)
    uses = {u.what: u.rule for r in explain(probit_regression(rows=rows), {"y": np.zeros(3)}).rules.values() for u in r}
    assert "m_in: UnivariateNormal" in uses["→ in"]
    uses = {u.what: u.rule for r in explain(binomial_regression(rows=rows), {"y": np.zeros(3)}).rules.values() for u in r}
    assert "beta: MultivariateNormal" in uses["→ beta"]


@model
def two_looks(y, n):
    x = ~Normal(mean=0.0, variance=1.0)
    z = ~Probit(x)
    for i in range(n):
        y[i] = ~Bernoulli(z)


@model
def unanchored(y, n):
    x = randomvar()
    for i in range(n):
        y[i] = ~Probit(x)


def test_without_anything_proper_an_initial_message_is_asked_for():
    with pytest.raises(MissingInitialError, match="messages="):
        infer(unanchored(n=3), data={"y": np.array([0.0, 1.0, 1.0])}, iterations=5)
    first = {"x": Normal(mean=0.0, variance=1.0)}
    result = infer(unanchored(n=4), data={"y": np.array([0.0, 1.0, 1.0, 0.0])}, iterations=100, messages=first)
    mean, variance, _ = line(lambda x: 2 * stats.norm.logcdf(x) + 2 * stats.norm.logcdf(-x), -12.0, 12.0, 40_001)
    assert result.posteriors["x"].mean == pytest.approx(mean, abs=1e-5)
    assert result.posteriors["x"].variance == pytest.approx(variance, rel=0.05)


def test_too_few_iterations_warn():
    y = np.random.default_rng(1).standard_t(3, size=20)
    with pytest.warns(ConvergenceWarning, match="own edges"):
        infer(student_location(n=20), data={"y": y}, iterations=1)
