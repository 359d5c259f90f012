"""Exponential, NegativeBinomial, LogNormal, Laplace, StudentT and VonMises against scipy."""

import copy
import pickle

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    Exponential,
    GammaShapeRate,
    Laplace,
    LogNormal,
    NegativeBinomial,
    StudentT,
    VonMises,
    product,
    stack,
)

REAL = {
    "exponential": (Exponential(1.7), stats.expon(scale=1 / 1.7)),
    "log-normal": (LogNormal(0.4, 0.3), stats.lognorm(np.sqrt(0.3), scale=np.exp(0.4))),
    "laplace": (Laplace(0.7, 1.3), stats.laplace(0.7, 1.3)),
    "t": (StudentT(0.7, 1.3, 4.5), stats.t(4.5, 0.7, 1.3)),
    "negative binomial": (NegativeBinomial(2.5, 0.4), stats.nbinom(2.5, 0.4)),
}


@pytest.mark.parametrize(("d", "other"), REAL.values(), ids=list(REAL))
def test_against_scipy(d, other):
    x = np.arange(12.0) if isinstance(d, NegativeBinomial) else np.linspace(0.1, 4.0, 9)
    log_p = other.logpmf(x) if isinstance(d, NegativeBinomial) else other.logpdf(x)
    np.testing.assert_allclose(d.log_pdf(x), log_p, rtol=1e-10)
    assert (d.mean, d.variance) == pytest.approx((other.mean(), other.var()))
    assert d.entropy() == pytest.approx(float(other.entropy()), rel=1e-6)
    assert type(d.entropy()) is float
    draws = d.sample(np.random.default_rng(0), 40_000)
    assert abs(draws.mean() - d.mean) < 6 * np.sqrt(d.variance / 40_000)


@pytest.mark.parametrize("d", [*(d for d, _ in REAL.values()), VonMises(0.4, 2.0)], ids=[*REAL, "von mises"])
def test_rows_copies_and_modes(d):
    rows = stack([d, d])
    assert rows.batch_shape == (2,)
    assert rows[1] == d == pickle.loads(pickle.dumps(d)) == copy.deepcopy(d)
    np.testing.assert_allclose(rows.entropy(), [d.entropy()] * 2)
    assert rows.sample(np.random.default_rng(0), 3).shape == (3, 2)
    if not isinstance(d, NegativeBinomial | Laplace | Exponential):
        assert d.log_pdf(d.mode) >= max(d.log_pdf(d.mode - 1e-3), d.log_pdf(d.mode + 1e-3))
    if d.group is not None:
        both = product(d, d)
        x = np.array([0.3, 0.9, 2.0])
        assert np.ptp(both.log_pdf(x) - 2 * d.log_pdf(x)) < 1e-12


def test_an_exponential_is_a_gamma():
    assert product(Exponential(1.0), Exponential(2.0)) == GammaShapeRate(1.0, 3.0)
    assert Exponential([1.0, 2.0]).mean_log.shape == (2,)


def test_moments_that_do_not_exist():
    assert np.isnan(StudentT(0.0, 1.0, 1.0).mean)
    assert np.isnan(StudentT(0.0, 1.0, 1.0).variance)
    assert StudentT(0.0, 1.0, 1.5).variance == np.inf
    assert NegativeBinomial(0.5, 0.5).mode == 0.0
    assert NegativeBinomial(2.0, 1.0).entropy() == 0.0
    assert LogNormal(0.0, 1.0).log_pdf(-1.0) == -np.inf


def test_von_mises():
    d, other = VonMises(0.4, 2.0), stats.vonmises(2.0, loc=0.4)
    x = np.linspace(-3.0, 3.0, 7)
    np.testing.assert_allclose(d.log_pdf(x), other.logpdf(x))
    np.testing.assert_allclose(d.log_pdf(x + 4 * np.pi), d.log_pdf(x))
    assert d.entropy() == pytest.approx(float(other.entropy()))
    draws = np.exp(1j * d.sample(np.random.default_rng(0), 40_000)).mean()
    assert abs(draws - d.length * np.exp(0.4j)) < 0.02
    assert 1.0 - d.variance == d.length
