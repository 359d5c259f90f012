"""Likelihoods of counts, waiting times, heavy tails and angles in models: posterior and evidence against a grid of the
parameter, missing data as data that are not there, draws of the prior and of the predictive against the same grid."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm import (
    Beta,
    Binomial,
    Dirichlet,
    Exponential,
    Gamma,
    InverseGamma,
    Laplace,
    LogNormal,
    MeanField,
    Multinomial,
    NegativeBinomial,
    Normal,
    NormalMeanVariance,
    StudentT,
    VonMises,
    infer,
    model,
    predict,
    sample_prior,
)

RNG = np.random.default_rng(8)
REAL, POSITIVE, UNIT = np.linspace(-12, 12, 24001), np.geomspace(1e-4, 1e3, 40001), np.linspace(0, 1, 20003)[1:-1]
CIRCLE = np.linspace(-np.pi, np.pi, 20001)[:-1]


@model
def log_normal(y):
    x = ~Normal(mean=0.0, variance=4.0)
    y[:] = ~LogNormal(x, 0.25)


@model
def exponential(y):
    x = ~Gamma(shape=2.0, rate=1.0)
    y[:] = ~Exponential(x)


@model
def binomial(y):
    x = ~Beta(2.0, 2.0)
    y[:] = ~Binomial(10, x)


@model
def negative_binomial(y):
    x = ~Beta(2.0, 2.0)
    y[:] = ~NegativeBinomial(3.0, x)


@model
def von_mises(y):
    x = ~VonMises(0.0, 0.5)
    y[:] = ~VonMises(x, 3.0)


@model
def laplace_scale(y):
    x = ~InverseGamma(2.0, 1.0)
    y[:] = ~Laplace(1.0, x)


# model, data, grid of x, log prior, log likelihood of one datum, mean of a datum given x
CASES = {
    "LogNormal": (
        log_normal,
        np.exp(RNG.normal(1.0, 0.5, 25)),
        REAL,
        lambda x: stats.norm.logpdf(x, 0.0, 2.0),
        lambda y, x: stats.lognorm.logpdf(y, 0.5, scale=np.exp(x)),
        lambda x: np.exp(x + 0.125),
    ),
    "Exponential": (
        exponential,
        RNG.exponential(0.5, 25),
        POSITIVE,
        lambda x: stats.gamma.logpdf(x, 2.0),
        lambda y, x: stats.expon.logpdf(y, scale=1 / x),
        lambda x: 1 / x,
    ),
    "Binomial": (
        binomial,
        RNG.binomial(10, 0.3, 25).astype(float),
        UNIT,
        lambda x: stats.beta.logpdf(x, 2.0, 2.0),
        lambda y, x: stats.binom.logpmf(y, 10, x),
        lambda x: 10 * x,
    ),
    "NegativeBinomial": (
        negative_binomial,
        RNG.negative_binomial(3, 0.4, 25).astype(float),
        UNIT,
        lambda x: stats.beta.logpdf(x, 2.0, 2.0),
        lambda y, x: stats.nbinom.logpmf(y, 3, x),
        lambda x: 3 * (1 - x) / x,
    ),
    "VonMises": (
        von_mises,
        RNG.vonmises(1.0, 3.0, 25),
        CIRCLE,
        lambda x: stats.vonmises.logpdf(x, 0.5),
        lambda y, x: stats.vonmises.logpdf(y, 3.0, x),
        None,
    ),
    "Laplace": (
        laplace_scale,
        RNG.laplace(1.0, 0.5, 25),
        POSITIVE,
        lambda x: stats.invgamma.logpdf(x, 2.0),
        lambda y, x: stats.laplace.logpdf(y, 1.0, x),
        np.ones_like,
    ),
}


def exact(case, y):
    """Log evidence, the posterior's weights and the grid."""
    _, _, x, log_prior, log_likelihood, _ = CASES[case]
    logs = log_prior(x) + sum(log_likelihood(datum, x) for datum in y) + np.log(np.gradient(x))
    total = logs.max() + np.log(np.exp(logs - logs.max()).sum())
    return total, np.exp(logs - total), x


@pytest.mark.parametrize("case", CASES)
def test_posterior_and_evidence(case):
    f, y, *_ = CASES[case]
    evidence, weights, x = exact(case, y)
    result = infer(f(), data={"y": y}, free_energy=True)
    belief = result.posteriors["x"]
    mean = np.angle(weights @ np.exp(1j * x)) if case == "VonMises" else weights @ x
    assert float(belief.mean) == pytest.approx(mean, rel=1e-5)
    if case != "VonMises":
        assert float(belief.variance) == pytest.approx(weights @ (x - mean) ** 2, rel=1e-4)
    assert result.free_energy[-1] == pytest.approx(-evidence, abs=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_missing_data_are_not_there(case):
    f, y, *_ = CASES[case]
    holes = y.copy()
    holes[[3, 7]] = np.nan
    gaps, without = (infer(f(), data={"y": d}, free_energy=True) for d in (holes, np.delete(y, [3, 7])))
    for name, value in without.posteriors["x"].parameters.items():
        np.testing.assert_allclose(gaps.posteriors["x"].parameters[name], value, rtol=1e-12)
    assert gaps.free_energy[-1] == pytest.approx(without.free_energy[-1], rel=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_draws_of_the_prior(case):
    f, _, x, log_prior, _, mean_of = CASES[case]
    draws = sample_prior(f(), 20_000, rng=2, data={"y": np.ones(2)})
    assert draws["x"].shape == (20_000,) and draws["y"].shape == (20_000, 2)
    prior = np.exp(log_prior(x)) * np.gradient(x)
    distance = np.abs(np.searchsorted(np.sort(draws["x"]), x) / 20_000 - np.cumsum(prior)).max()
    assert distance < 0.02  # Kolmogorov's distance; 1.95 / sqrt(n) is its 0.1 % point
    if mean_of is not None:
        middle = draws["x"][(draws["x"] > np.quantile(draws["x"], 0.4)) & (draws["x"] < np.quantile(draws["x"], 0.6))]
        ys = draws["y"][np.isin(draws["x"], middle)]
        assert ys.mean() == pytest.approx(mean_of(middle).mean(), abs=6 * ys.std() / np.sqrt(ys.size) + 1e-12)


@pytest.mark.parametrize("case", CASES)
def test_draws_of_the_predictive(case):
    f, y, *_, mean_of = CASES[case]
    holes = np.r_[y, np.nan]
    result = infer(f(), data={"y": holes})
    draws = predict(result, 20_000, rng=3)["y"]
    assert draws.shape == (20_000, len(holes))
    _, weights, x = exact(case, y)
    new = draws[:, -1]
    if mean_of is None:
        assert np.angle(np.exp(1j * new).mean()) == pytest.approx(np.angle(weights @ np.exp(1j * x)), abs=0.03)
    else:
        assert new.mean() == pytest.approx(weights @ mean_of(x), abs=5 * new.std() / np.sqrt(len(new)))


@model
def shares(y):
    p = ~Dirichlet(np.ones(3))
    y[:] = ~Multinomial(10, p)


def test_counts_of_several_kinds():
    y = RNG.multinomial(10, [0.2, 0.3, 0.5], 12).astype(float)
    holes = y.copy()
    holes[4] = np.nan
    result = infer(shares(), data={"y": holes}, free_energy=True)
    kept = np.delete(y, 4, axis=0)
    np.testing.assert_allclose(result.posteriors["p"].alpha, 1.0 + kept.sum(0), rtol=1e-12)
    before, alpha = [], np.ones(3)
    for row in kept:
        before.append(stats.dirichlet_multinomial.logpmf(row.astype(int), alpha, 10))
        alpha = alpha + row
    assert result.free_energy[-1] == pytest.approx(-sum(before), rel=1e-10)
    draws = sample_prior(shares(), 2000, rng=1, data={"y": y})
    assert draws["y"].shape == (2000, 12, 3) and (draws["y"].sum(-1) == 10).all()
    new = predict(result, 5000, rng=1)["y"][:, 4]
    np.testing.assert_allclose(new.mean(0), 10 * alpha / alpha.sum(), atol=0.15)


@model
def log_normal_both(y):
    x = ~Normal(mean=0.0, variance=4.0)
    v = ~InverseGamma(2.0, 1.0)
    y[:] = ~LogNormal(x, v).where(q=MeanField())


def test_a_log_normal_is_a_normal_of_the_logarithm():
    """Mean-field in log y, and the Jacobian's sum in the score."""
    @model
    def normal_both(y):
        x = ~Normal(mean=0.0, variance=4.0)
        v = ~InverseGamma(2.0, 1.0)
        y[:] = ~NormalMeanVariance(x, v).where(q=MeanField())

    y = np.exp(RNG.normal(1.0, 0.5, 25))
    options = {"initialisation": {"v": InverseGamma(3.0, 1.0)}, "iterations": 20, "free_energy": True}
    a = infer(log_normal_both(), data={"y": y}, **options)
    b = infer(normal_both(), data={"y": np.log(y)}, **options)
    assert float(a.posteriors["x"].mean) == pytest.approx(float(b.posteriors["x"].mean), rel=1e-12)
    assert float(a.posteriors["v"].mean) == pytest.approx(float(b.posteriors["v"].mean), rel=1e-12)
    np.testing.assert_allclose(a.free_energy, b.free_energy + np.log(y).sum(), rtol=1e-12)


@model
def laplace_location(y):
    x = ~Normal(mean=0.0, variance=4.0)
    y[:] = ~Laplace(x, 0.5)


@model
def student_location(y):
    x = ~Normal(mean=0.0, variance=4.0)
    y[:] = ~StudentT(x, 0.5, 4.0)


HEAVY = [
    pytest.param(laplace_location, RNG.laplace(1.0, 0.5, 25), stats.laplace(0.0, 0.5), id="Laplace"),
    pytest.param(student_location, 1.0 + 0.5 * RNG.standard_t(4, 25), stats.t(4, 0.0, 0.5), id="StudentT"),
]


@pytest.mark.parametrize(("f", "y", "noise"), HEAVY)
def test_heavy_tails_by_expectation_propagation(f, y, noise):
    """Near the exact posterior: a twentieth of its deviation, a tenth of its variance, 0.05 nats; holes are not there."""
    holes = np.insert(y, 5, np.nan)
    result = infer(f(), data={"y": holes}, iterations=60, free_energy=True)
    logs = stats.norm.logpdf(REAL, 0.0, 2.0) + sum(noise.logpdf(datum - REAL) for datum in y)
    p = np.exp(logs - logs.max())
    evidence = logs.max() + np.log(p.sum() * (REAL[1] - REAL[0]))
    p /= p.sum()
    mean = p @ REAL
    variance = p @ (REAL - mean) ** 2
    belief = result.posteriors["x"]
    assert float(belief.mean) == pytest.approx(mean, abs=0.05 * np.sqrt(variance))
    assert float(belief.variance) == pytest.approx(variance, rel=0.1)
    assert result.free_energy[-1] == pytest.approx(-evidence, abs=0.05)
    without = infer(f(), data={"y": y}, iterations=60)
    assert float(belief.mean) == pytest.approx(float(without.posteriors["x"].mean), rel=1e-8)
    new = predict(result, 40_000, rng=4)["y"][:, 5]
    assert new.mean() == pytest.approx(mean, abs=0.02)
    assert new.var() == pytest.approx(variance + noise.var(), rel=0.06)


@pytest.mark.parametrize(("f", "y", "noise"), HEAVY)
def test_draws_of_the_prior_with_heavy_tails(f, y, noise):
    draws = sample_prior(f(), 20_000, rng=5, data={"y": y[:2]})
    gaps = (draws["y"] - draws["x"][:, None]).ravel()
    assert stats.kstest(gaps, noise.cdf).pvalue > 1e-3
    assert stats.kstest(draws["x"], stats.norm(0.0, 2.0).cdf).pvalue > 1e-3
