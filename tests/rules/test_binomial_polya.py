"""BinomialPolya: the message touches the log factor from below, the energy is a quadrature."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from reactivepgm.distributions import (
    Binomial,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    NormalMeanVariance,
    PointMass,
)
from reactivepgm.nodes import BinomialPolya, BinomialPolyaMeta
from reactivepgm.rulebook import average_energy, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import expectation

X = PointMass([0.5, -1.5])
BETA = MvNormalMeanCovariance([0.4, -0.8], [[0.5, 0.1], [0.1, 0.3]])
N, Y = PointMass(7.0), PointMass(2.0)


def log_f(y, psi):
    return stats.binom(7, expit(psi)).logpmf(y)


def series_mean(psi):
    """The mean of PG(1, psi) as a sum over the Gamma variables that it is made of."""
    k = np.arange(1, 2_000_000) - 0.5
    return (1 / (k**2 + psi**2 / (4 * np.pi**2))).sum() / (2 * np.pi**2)


@pytest.mark.parametrize("mean", [-20.0, -0.7, 0.0, 1e-4, 3.0])
def test_toward_a_single_coefficient(mean):
    message = call_rule(BinomialPolya, "beta", q_y=Y, q_x=PointMass(2.0), q_n=N, m_beta=NormalMeanVariance(mean, 3.0))
    assert type(message.precision) is float
    assert message.precision == pytest.approx(4 * 7 * series_mean(2 * mean), rel=1e-5)

    def gap(beta):
        return log_f(2, 2 * beta) - (message.weighted_mean * beta - message.precision * beta**2 / 2)

    step = 1e-4 * (1 + abs(mean))
    assert gap(mean + step) - gap(mean - step) == pytest.approx(0.0, abs=1e-7)  # tangent at the mean
    assert all(gap(mean) <= gap(mean + move) + 1e-9 for move in (-2.0, -0.5, 0.5, 2.0))  # from below


def test_toward_a_vector_of_coefficients():
    single = call_rule(BinomialPolya, "beta", q_y=Y, q_x=PointMass(1.0), q_n=N, m_beta=NormalMeanVariance(1.4, 1.0))
    message = call_rule(BinomialPolya, "beta", q_y=Y, q_x=X, q_n=N, m_beta=BETA)
    x = X.value
    assert x @ BETA.mean == pytest.approx(1.4)
    np.testing.assert_allclose(message.weighted_mean, single.weighted_mean * x)
    np.testing.assert_allclose(message.precision, single.precision * np.outer(x, x))
    believed = call_rule(BinomialPolya, "beta", q_y=Binomial(4.0, 0.5), q_x=X, q_n=N, m_beta=BETA)
    np.testing.assert_allclose(believed.weighted_mean, message.weighted_mean)
    averaged = call_rule(BinomialPolya, "beta", meta=BinomialPolyaMeta(64), q_y=Y, q_x=X, q_n=N, m_beta=BETA)
    psi = NormalMeanVariance(1.4, x @ BETA.covariance @ x)
    weight = 7 * expectation(lambda s: (expit(s) - 0.5) / s, psi)
    np.testing.assert_allclose(averaged.precision, weight * np.outer(x, x), rtol=1e-8)


def test_toward_the_count():
    message = call_rule(BinomialPolya, "y", q_x=X, q_n=N, q_beta=BETA)
    assert message.n == 7.0
    psi = NormalMeanVariance(1.4, 0.5 * 0.25 + 0.3 * 2.25 - 0.15)
    logs = np.array([expectation(lambda s, y=y: log_f(y, s), psi) for y in range(8)])
    p = np.exp(logs - logs.max())
    np.testing.assert_allclose(np.exp(message.log_pdf(np.arange(8.0))), p / p.sum(), rtol=1e-8)


@pytest.mark.parametrize("y", [Y, Binomial(7, 0.3)])
def test_energy(y):
    psi = NormalMeanVariance(1.4, X.value @ BETA.covariance @ X.value)
    counts = np.arange(8)
    weights = stats.binom(7, 0.3).pmf(counts) if isinstance(y, Binomial) else counts == 2
    for meta, belief in ((BinomialPolyaMeta(64), psi), (None, PointMass(1.4))):
        expected = -sum(w * expectation(lambda s, k=k: log_f(k, s), belief) for k, w in zip(counts, weights, strict=True) if w)
        assert average_energy(BinomialPolya, meta=meta, q_y=y, q_x=X, q_n=N, q_beta=BETA) == pytest.approx(expected, rel=1e-8)


def test_far_predictors_neither_overflow_nor_warn():
    beta = NormalMeanVariance(800.0, 1.0)
    assert average_energy(BinomialPolya, q_y=PointMass(7.0), q_x=PointMass(1.0), q_n=N, q_beta=beta) == pytest.approx(0.0)
    assert call_rule(BinomialPolya, "beta", q_y=Y, q_x=PointMass(1.0), q_n=N, m_beta=beta).precision == pytest.approx(7 / 1600)


def test_batches():
    rows = {"q_y": [Y, PointMass(5.0)], "q_x": [X, PointMass([1.0, 0.2])], "q_n": [N, PointMass(9.0)]}
    betas = [BETA, MvNormalMeanCovariance([0.0, 0.1], np.eye(2))]
    flat = [MvNormalWeightedMeanPrecision([0.1, 0.0], np.eye(2)), MvNormalWeightedMeanPrecision([0.3, 0.0], 2 * np.eye(2))]
    rest = {name: rows[name] for name in ("q_x", "q_n")}
    assert_rows_alike(lambda **q: call_rule(BinomialPolya, "beta", **q), **rows, m_beta=flat)
    assert_rows_alike(lambda **q: call_rule(BinomialPolya, "y", **q), **rest, q_beta=betas)
    for meta in (None, BinomialPolyaMeta()):
        assert_rows_alike(lambda meta=meta, **q: average_energy(BinomialPolya, meta=meta, **q), **rows, q_beta=betas)
    singles = {"q_y": rows["q_y"], "q_x": [PointMass(0.3), PointMass(2.0)], "q_n": rows["q_n"]}
    numbers = [NormalMeanVariance(0.3, 1.0), NormalMeanVariance(-1.0, 2.0)]
    assert_rows_alike(lambda **q: call_rule(BinomialPolya, "beta", **q), **singles, m_beta=numbers)
