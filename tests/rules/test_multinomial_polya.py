"""MultinomialPolya: a product of binomials stick by stick; the energy by enumeration and quadrature."""

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from reactivepgm.distributions import (
    Binomial,
    Multinomial,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    PointMass,
    Poisson,
)
from reactivepgm.nodes import BinomialPolya, MultinomialPolya, MultinomialPolyaMeta
from reactivepgm.rulebook import average_energy, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import expectation

PSI = MvNormalMeanCovariance([0.4, -0.8], np.diag([0.5, 0.3]))
X, N = PointMass([1.0, 2.0, 4.0]), PointMass(7.0)
META = MultinomialPolyaMeta(64)


def log_f(x, psi0, psi1):
    first, second = expit(psi0), expit(psi1)
    parts = [np.log(first), np.log1p(-first) + np.log(second), np.log1p(-first) + np.log1p(-second)]
    ways = stats.multinomial(int(sum(x)), [1 / 3] * 3).logpmf(x) + sum(x) * np.log(3)
    return ways + sum(k * part for k, part in zip(x, parts, strict=True))


@pytest.mark.parametrize("trials", [N, Poisson(3.0), Binomial(5.0, 0.5)])
def test_toward_psi_is_a_binomial_a_stick(trials):
    message = call_rule(MultinomialPolya, "psi", q_x=X, q_N=trials, m_psi=PSI)
    for k, (y, n) in enumerate(((1.0, 7.0), (2.0, 6.0))):
        prior = NormalMeanVariance(PSI.mean[k], 1.0)
        stick = call_rule(BinomialPolya, "beta", q_y=PointMass(y), q_x=PointMass(1.0), q_n=PointMass(n), m_beta=prior)
        assert message.weighted_mean[k] == pytest.approx(stick.weighted_mean)
        assert message.precision[k, k] == pytest.approx(stick.precision)
    assert message.precision[0, 1] == 0.0
    believed = call_rule(MultinomialPolya, "psi", q_x=Multinomial(7.0, X.value / 7), q_N=trials, m_psi=PSI)
    np.testing.assert_allclose(believed.weighted_mean, message.weighted_mean)


def test_two_categories_make_a_single_stick():
    prior = NormalMeanVariance(0.3, 1.0)
    message = call_rule(MultinomialPolya, "psi", q_x=PointMass([2.0, 5.0]), q_N=N, m_psi=prior)
    stick = call_rule(BinomialPolya, "beta", q_y=PointMass(2.0), q_x=PointMass(1.0), q_n=N, m_beta=prior)
    assert (message.weighted_mean, message.precision) == pytest.approx((stick.weighted_mean, stick.precision))
    np.testing.assert_allclose(call_rule(MultinomialPolya, "x", q_N=N, q_psi=PointMass(0.3)).p, [expit(0.3), expit(-0.3)])


def test_toward_the_counts():
    message = call_rule(MultinomialPolya, "x", meta=META, q_N=Poisson(3.0), q_psi=PSI)
    a, b = (expectation(expit, NormalMeanVariance(m, v)) for m, v in ((0.4, 0.5), (-0.8, 0.3)))
    np.testing.assert_allclose(message.p, [a, (1 - a) * b, (1 - a) * (1 - b)], rtol=1e-9)
    assert message.n == 3.0


def test_energy():
    sticks = NormalMeanVariance(0.4, 0.5), NormalMeanVariance(-0.8, 0.3)
    expected = -expectation(lambda a, b: log_f(X.value, a, b), *sticks)
    assert average_energy(MultinomialPolya, meta=META, q_x=X, q_N=N, q_psi=PSI) == pytest.approx(expected, rel=1e-8)
    p = np.array([0.2, 0.5, 0.3])
    expected = 0.0
    for x in itertools.product(range(8), repeat=3):
        if sum(x) == 7:
            expected -= stats.multinomial(7, p).pmf(x) * expectation(lambda a, b, x=x: log_f(x, a, b), *sticks)
    energy = average_energy(MultinomialPolya, meta=META, q_x=Multinomial(7.0, p), q_N=N, q_psi=PSI)
    assert energy == pytest.approx(expected, rel=1e-8)
    known = average_energy(MultinomialPolya, q_x=PointMass([3.0, 4.0]), q_N=N, q_psi=PointMass(0.5))
    assert known == pytest.approx(-stats.binom(7, expit(0.5)).logpmf(3))


def test_batches():
    xs = [X, PointMass([0.0, 5.0, 2.0])]
    ns, psis = [N, PointMass(7.0)], [PSI, MvNormalMeanCovariance([1.0, 0.0], [[1.0, 0.2], [0.2, 0.5]])]
    assert_rows_alike(lambda **q: call_rule(MultinomialPolya, "psi", **q), q_x=xs, q_N=ns, m_psi=psis)
    assert_rows_alike(lambda **q: call_rule(MultinomialPolya, "x", **q), q_N=ns, q_psi=psis)
    assert_rows_alike(lambda **q: average_energy(MultinomialPolya, **q), q_x=xs, q_N=ns, q_psi=psis)
    beliefs = [Multinomial(7.0, [0.1, 0.4, 0.5]), Multinomial(7.0, [0.3, 0.4, 0.3])]
    assert_rows_alike(lambda **q: average_energy(MultinomialPolya, **q), q_x=beliefs, q_N=ns, q_psi=psis)
