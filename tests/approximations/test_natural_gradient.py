"""Natural gradients of E_q[g] against closed forms, derivatives of quadrature, and improper log densities."""

import numpy as np
import pytest
from scipy.integrate import quad

from reactivepgm.approximations import Cloud, log_kernel
from reactivepgm.distributions import (
    Beta,
    GammaShapeRate,
    InverseGamma,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    Poisson,
)
from reactivepgm.errors import ModelError

ROOT = np.array([[1.0, 0.0], [0.4, 0.7]])


def test_the_exponential_of_a_normal():
    m, v, y = np.array([0.3, -1.0]), np.array([0.5, 2.0]), 4.0
    cloud = Cloud([NormalMeanVariance(m, v)], 40, 10, 0)
    ((pull, precision),) = cloud.gradients(y * cloud.x[0] - np.exp(cloud.x[0]))
    rate = np.exp(m + v / 2)
    np.testing.assert_allclose(precision, rate, rtol=1e-10)
    np.testing.assert_allclose(pull, y - rate + rate * m, rtol=1e-10)


@pytest.mark.parametrize("beliefs", [
    [MvNormalMeanCovariance(np.array([[1.0, -2.0]]), (ROOT @ ROOT.T)[None])],
    [NormalMeanVariance(np.array([1.0]), np.array([0.5])), NormalMeanVariance(np.array([-2.0]), np.array([3.0]))],
    [NormalMeanVariance(np.array([1.0]), np.array([0.5])), MvNormalMeanCovariance(np.zeros((1, 3)), np.eye(3)[None] * 2.0)],
])
def test_quadratics_are_their_own_gradients(beliefs):
    cloud = Cloud(beliefs, 7, 400, 3)
    rng = np.random.default_rng(0)
    total, wanted = 0.0, []
    for x, belief in zip(cloud.x, beliefs, strict=True):
        if belief.event_shape:
            d = belief.event_shape[0]
            p = rng.normal(size=(d, d))
            p, h = p @ p.T, rng.normal(size=d)
            total = total + x @ h - 0.5 * np.einsum("mri,ij,mrj->mr", x, p, x)
        else:
            p, h = rng.normal(), rng.normal()
            total = total + h * x - 0.5 * p * x * x
        wanted.append((h, p))
    for (pull, precision), (h, p) in zip(cloud.gradients(total), wanted, strict=True):
        np.testing.assert_allclose(pull[0], h, atol=1e-10)
        np.testing.assert_allclose(precision[0], p, atol=1e-10)


@pytest.mark.parametrize(("make", "low", "high"), [
    (GammaShapeRate, 0.0, 60.0), (InverseGamma, 0.0, 400.0), (Beta, 0.0, 1.0),
])
def test_the_gradient_is_that_of_the_expectation(make, low, high):
    """d E_q[g] / d eta = F(eta) gradient, with the derivative by differences of quadrature."""

    def g(x):
        return np.sin(x) + 0.1 * x

    def expected(eta):
        q = make.group.from_naturals(*eta)
        return quad(lambda x: float(np.exp(q.log_pdf(x))) * g(x), low, high, epsabs=1e-13, epsrel=1e-12, limit=400)[0]

    belief = make(np.array([5.0]), np.array([4.0]))
    cloud = Cloud([belief], 5, 10, 0)
    (gradient,) = cloud.gradients(g(cloud.x[0]))
    eta = np.array([float(part[0]) for part in belief.naturals()])
    step = 1e-4
    slopes = [(expected(eta + step * e) - expected(eta - step * e)) / (2 * step) for e in np.eye(2)]
    table = {
        GammaShapeRate: lambda x: np.stack([np.log(x), -x]),
        InverseGamma: lambda x: np.stack([-np.log(x), -1.0 / x]),
        Beta: lambda x: np.stack([np.log(x), np.log1p(-x)]),
    }[make](cloud.x[0][:, 0])
    fisher = np.cov(table, aweights=cloud.weights[:, 0], ddof=0)
    np.testing.assert_allclose(fisher @ np.array(gradient)[:, 0], slopes, rtol=1e-5)


def test_draws_are_the_same_for_a_seed():
    q = [MvNormalMeanCovariance(np.zeros((1, 3)), np.eye(3)[None])]
    one, same, other = (Cloud(q, 5, 100, seed).x[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
    np.testing.assert_allclose(one.mean(axis=0), 0.0, atol=1e-12)


def test_improper_messages_have_log_kernels():
    x = np.array([0.5, 2.0])
    np.testing.assert_allclose(log_kernel(GammaShapeRate(0.0, 0.0), x), -np.log(x))
    np.testing.assert_allclose(log_kernel(NormalWeightedMeanPrecision(3.0, 0.0), x), 3.0 * x)
    assert log_kernel(Poisson(2.0), np.array(1.0)) == pytest.approx(Poisson(2.0).log_pdf(1.0))


def test_refusals():
    with pytest.raises(ModelError, match="CVI follows normal inputs"):
        Cloud([Poisson(np.array([1.0]))], 5, 10, 0)
    with pytest.raises(ModelError, match=r"write CVI\(samples=150\), not 20"):
        Cloud([MvNormalMeanCovariance(np.zeros((1, 4)), np.eye(4)[None])], 5, 20, 0)
