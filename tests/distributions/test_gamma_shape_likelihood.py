"""GammaShapeLikelihood against adaptive quadrature of its density, and its group law."""

import itertools

import numpy as np
import pytest
from scipy import integrate
from scipy.special import gammaln

from reactivepgm.distributions import GammaShapeLikelihood, product

CASES = [(1.0, -0.577), (3.0, 1.2), (0.5, -4.0), (200.0, 500.0), (0.2, 0.1)]


def moments(p, gamma):
    mode = GammaShapeLikelihood(p, gamma).mode
    top = gamma * mode - p * gammaln(mode)

    def density(t):
        return np.exp(gamma * np.exp(t) - p * gammaln(np.exp(t)) - top + t)

    breaks = np.log(mode) + np.concatenate([np.linspace(-40, -3, 12), np.linspace(-2.9, 3, 120), [4.0, 6.0]])

    def integral(g):
        pairs = itertools.pairwise(breaks)
        return sum(integrate.quad(lambda t: g(t) * density(t), a, b, epsrel=1e-12)[0] for a, b in pairs)

    norm = integral(lambda t: 1.0)
    mean = integral(np.exp) / norm
    variance = integral(lambda t: (np.exp(t) - mean) ** 2) / norm
    log_f = integral(lambda t: gamma * np.exp(t) - p * gammaln(np.exp(t))) / norm
    return mean, variance, np.log(norm) + top - log_f


@pytest.mark.parametrize(("p", "gamma"), CASES)
def test_moments_and_entropy(p, gamma):
    mean, variance, entropy = moments(p, gamma)
    d = GammaShapeLikelihood(p, gamma)
    assert d.mean == pytest.approx(mean, rel=1e-9)
    assert d.variance == pytest.approx(variance, rel=1e-8)
    assert d.entropy() == pytest.approx(entropy, rel=1e-8)


@pytest.mark.parametrize(("p", "gamma"), CASES)
def test_mode(p, gamma):
    d = GammaShapeLikelihood(p, gamma)
    x = d.mode * np.array([0.999, 1.0, 1.001])
    assert np.argmax(d.log_pdf(x)) == 1


def test_product_adds_naturals():
    a, b = GammaShapeLikelihood(1.0, 0.3), GammaShapeLikelihood(2.0, -1.0)
    both = product(a, b)
    assert (both.p, both.gamma) == (3.0, pytest.approx(-0.7))
    assert GammaShapeLikelihood.group.is_proper(*both.naturals())
    assert not GammaShapeLikelihood.group.is_proper(*GammaShapeLikelihood.group.flat((), ()))


def test_batches():
    p, gamma = np.array(CASES).T
    d = GammaShapeLikelihood(p, gamma)
    assert d.batch_shape == (5,)
    for k in range(5):
        for name in ("mean", "variance", "mode"):
            assert getattr(d, name)[k] == pytest.approx(getattr(d[k], name), rel=1e-12)
        assert d.entropy()[k] == pytest.approx(d[k].entropy(), rel=1e-12)


def test_samples():
    d = GammaShapeLikelihood([3.0, 10.0], [1.2, 20.0])
    draws = d.sample(np.random.default_rng(3), 20000)
    assert draws.shape == (20000, 2)
    np.testing.assert_allclose(draws.mean(0), d.mean, rtol=0.02)
    np.testing.assert_allclose(draws.var(0), d.variance, rtol=0.05)


def test_no_observation_with_a_slope_is_an_exponential():
    d = GammaShapeLikelihood(0.0, -2.0)
    assert d.mean == pytest.approx(0.5)
    assert d.variance == pytest.approx(0.25)
    assert d.mode == 0.0
    assert d.entropy() == pytest.approx(1.0 - np.log(2.0))


@pytest.mark.parametrize(("p", "gamma"), [(0.0, 0.0), (0.0, 1.0), (-1.0, 0.5)])
def test_improper_members_have_no_moments(p, gamma):
    d = GammaShapeLikelihood(p, gamma)
    assert np.isnan(d.mean)
    assert np.isnan(d.mode)
    assert d.log_pdf(1.0) == gamma


def test_single_precision_stays():
    d = GammaShapeLikelihood(np.array([1.0, 3.0], np.float32), np.array([0.0, 1.2], np.float32))
    for value in (d.mean, d.variance, d.mode, d.entropy(), d.log_pdf(np.float32(2.0))):
        assert value.dtype == np.float32
    np.testing.assert_allclose(d.mean[1], GammaShapeLikelihood(3.0, 1.2).mean, rtol=1e-5)
