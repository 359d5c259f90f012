"""Binomial and Multinomial against scipy and enumeration."""

import itertools

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import Binomial, Multinomial


@pytest.mark.parametrize(("n", "p"), [(7, 0.3), (1, 0.5), (4, 0.0), (4, 1.0), (0, 0.4), (300, 0.01)])
def test_binomial(n, p):
    d, other = Binomial(n, p), stats.binom(n, p)
    x = np.arange(n + 1.0)
    np.testing.assert_allclose(np.exp(d.log_pdf(x)), other.pmf(x), rtol=1e-9)
    assert (d.log_pdf(-1), d.log_pdf(n + 1), d.log_pdf(0.5)) == (-np.inf,) * 3
    assert (d.mean, d.variance) == pytest.approx((other.mean(), other.var()))
    assert d.entropy() == pytest.approx(other.entropy(), abs=1e-9)
    assert type(d.entropy()) is float
    assert d.log_pdf(d.mode) == pytest.approx(d.log_pdf(x).max())
    assert Binomial([n, 5.0], [p, 0.2]).entropy()[0] == pytest.approx(d.entropy())
    draws = d.sample(np.random.default_rng(0), 4000)
    assert abs(draws.mean() - d.mean) <= 6 * np.sqrt(d.variance / 4000) + 1e-12


@pytest.mark.parametrize(("n", "p"), [(4, [0.2, 0.5, 0.3]), (1, [0.5, 0.5, 0.0]), (6, [0.05, 0.05, 0.9])])
def test_multinomial(n, p):
    d = Multinomial(n, p)
    support = np.array([x for x in itertools.product(range(n + 1), repeat=3) if sum(x) == n], dtype=float)
    pmf = np.exp(d.log_pdf(support))
    np.testing.assert_allclose(pmf, stats.multinomial(n, p).pmf(support), atol=1e-14)
    assert d.log_pdf([n, 1, 0]) == -np.inf
    np.testing.assert_allclose(d.mean, pmf @ support)
    np.testing.assert_allclose(d.covariance, support.T @ (support * pmf[:, None]) - np.outer(d.mean, d.mean), atol=1e-12)
    np.testing.assert_allclose(d.variance, np.diag(d.covariance))
    assert d.entropy() == pytest.approx(-sum(w * np.log(w) for w in pmf if w > 0))
    assert d.log_pdf(d.mode) == pytest.approx(np.log(pmf.max()))
    assert d.sample(np.random.default_rng(0), 5).shape == (5, 3)
    two = Multinomial([n, 3.0], [p, [0.1, 0.1, 0.8]])
    assert (two.batch_shape, two.event_shape, two[0]) == ((2,), (3,), d)
    assert two.entropy()[0] == pytest.approx(d.entropy())
    assert two.mode.sum(-1).tolist() == [n, 3.0]
    assert two.sample(np.random.default_rng(0), 4).shape == (4, 2, 3)
