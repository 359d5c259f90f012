"""Binomial, Multinomial, NegativeBinomial and Exponential against enumeration and quadrature."""

import itertools

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    Beta,
    Binomial,
    Dirichlet,
    Exponential,
    GammaShapeRate,
    Multinomial,
    NegativeBinomial,
    PointMass,
)
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation

POINTS = np.linspace(0.05, 0.95, 7)
P = Beta(2.5, 4.0)
N, R = PointMass(6.0), PointMass(2.5)


def test_binomial():
    counts = np.arange(7.0)

    def log_f(y, p):
        return stats.binom.logpmf(y, 6, p)

    logs = np.array([expectation(lambda p, y=y: log_f(y, p), P) for y in counts])
    message = call_rule(Binomial, "out", q_n=N, q_p=P)
    np.testing.assert_allclose(np.exp(message.log_pdf(counts)), np.exp(logs) / np.exp(logs).sum(), rtol=1e-8)
    assert call_rule(Binomial, "out", m_n=N, m_p=PointMass(0.3)) == Binomial(6.0, 0.3)
    for out, weights in ((PointMass(2.0), counts == 2), (Binomial(6.0, 0.3), stats.binom(6, 0.3).pmf(counts))):
        message = call_rule(Binomial, "p", q_out=out, q_n=N)
        assert_same_shape(message, lambda p, w=weights: (w * log_f(counts, p)).sum(), POINTS)
        assert average_energy(Binomial, q_out=out, q_n=N, q_p=P) == pytest.approx(-(weights * logs).sum(), rel=1e-8)
        known = -(weights * log_f(counts, 0.3)).sum()
        assert average_energy(Binomial, q_out=out, q_n=N, q_p=PointMass(0.3)) == pytest.approx(known)
    joint = call_marginal_rule(Binomial, "out_n_p", m_out=PointMass(2.0), m_n=N, m_p=P)
    assert_same_shape(joint.factors["p"], lambda p: P.log_pdf(p) + log_f(2, p), POINTS)


def test_multinomial():
    prior, n = Dirichlet([1.5, 2.0, 3.0]), PointMass(3.0)
    support = np.array([x for x in itertools.product(range(4), repeat=3) if sum(x) == 3], float)
    pairs = [Beta(a, 6.5 - a) for a in (1.5, 2.0, 3.0)]  # the marginals of the Dirichlet
    mean_log = np.array([expectation(np.log, b) for b in pairs])
    logs = stats.multinomial(3, [1 / 3] * 3).logpmf(support) + 3 * np.log(3) + support @ mean_log
    message = call_rule(Multinomial, "out", q_n=n, q_p=prior)
    np.testing.assert_allclose(np.exp(message.log_pdf(support)), np.exp(logs) / np.exp(logs).sum(), rtol=1e-8)
    x = PointMass([1.0, 0.0, 2.0])
    assert call_rule(Multinomial, "p", q_out=x, q_n=n) == Dirichlet([2.0, 1.0, 3.0])
    assert call_rule(Multinomial, "out", m_n=n, m_p=PointMass([0.2, 0.3, 0.5])) == Multinomial(3.0, [0.2, 0.3, 0.5])
    belief = Multinomial(3.0, [0.2, 0.3, 0.5])
    weights = stats.multinomial(3, belief.p).pmf(support)
    assert average_energy(Multinomial, q_out=belief, q_n=n, q_p=prior) == pytest.approx(-(weights * logs).sum())
    observed = -logs[(support == x.value).all(-1)][0]
    assert average_energy(Multinomial, q_out=x, q_n=n, q_p=prior) == pytest.approx(observed)
    np.testing.assert_allclose(call_rule(Multinomial, "p", q_out=belief, q_n=n).alpha, 1 + 3 * belief.p)
    joint = call_marginal_rule(Multinomial, "out_n_p", m_out=x, m_n=n, m_p=prior)
    assert joint.factors["p"] == Dirichlet([2.5, 2.0, 5.0])


def test_negative_binomial():
    counts = np.arange(400.0)

    def log_f(k, p):
        return stats.nbinom.logpmf(k, 2.5, p)

    logs = np.array([expectation(lambda p, k=k: log_f(k, p), P) for k in counts])
    message = call_rule(NegativeBinomial, "out", q_r=R, q_p=P)
    np.testing.assert_allclose(np.exp(message.log_pdf(counts)), np.exp(logs) / np.exp(logs).sum(), rtol=1e-7)
    assert call_rule(NegativeBinomial, "out", m_r=R, m_p=PointMass(0.3)) == NegativeBinomial(2.5, 0.3)
    message = call_rule(NegativeBinomial, "p", q_out=PointMass(4.0), q_r=R)
    assert_same_shape(message, lambda p: log_f(4, p), POINTS)
    believed = call_rule(NegativeBinomial, "p", q_out=NegativeBinomial(2.5, 0.5), q_r=R)
    assert_same_shape(believed, lambda p: 2.5 * np.log(p) + 2.5 * np.log(1 - p), POINTS)
    assert average_energy(NegativeBinomial, q_out=PointMass(4.0), q_r=R, q_p=P) == pytest.approx(-logs[4], rel=1e-8)
    joint = call_marginal_rule(NegativeBinomial, "out_r_p", m_out=PointMass(4.0), m_r=R, m_p=P)
    assert_same_shape(joint.factors["p"], lambda p: P.log_pdf(p) + log_f(4, p), POINTS)


def test_exponential():
    rate, out = GammaShapeRate(3.0, 2.0), GammaShapeRate(2.0, 1.5)

    def log_f(x, rate):
        return np.log(rate) - rate * x

    xs = np.array([0.1, 0.5, 2.0, 7.0])
    predictive = call_rule(Exponential, "out", m_rate=rate)
    assert_same_shape(predictive, lambda x: np.log(expectation(lambda r: np.exp(log_f(x, r)), rate)), xs)
    assert predictive.log_pdf(0.5) == pytest.approx(np.log(expectation(lambda r: np.exp(log_f(0.5, r)), rate)))
    assert_same_shape(call_rule(Exponential, "out", q_rate=rate), lambda x: expectation(lambda r: log_f(x, r), rate), xs)
    for q_out in (out, PointMass(0.7)):
        message = call_rule(Exponential, "rate", q_out=q_out)
        assert_same_shape(message, lambda r, q=q_out: expectation(lambda x: log_f(x, r), q), xs)
        for q_rate in (rate, PointMass(1.5)):
            expected = -expectation(log_f, q_out, q_rate)
            assert average_energy(Exponential, q_out=q_out, q_rate=q_rate) == pytest.approx(expected, rel=1e-8)
    joint = call_marginal_rule(Exponential, "out_rate", m_out=PointMass(0.7), m_rate=rate)
    assert_same_shape(joint.factors["rate"], lambda r: rate.log_pdf(r) + log_f(0.7, r), xs)
    joint = call_marginal_rule(Exponential, "out_rate", m_out=out, m_rate=PointMass(1.5))
    assert_same_shape(joint.factors["out"], lambda x: out.log_pdf(x) + log_f(x, 1.5), xs)


def test_batches():
    ys, ns, ps = [PointMass(2.0), PointMass(4.0)], [N, PointMass(9.0)], [P, Beta(1.0, 2.0)]
    for node, size in ((Binomial, "n"), (NegativeBinomial, "r")):
        given = {f"q_{size}": ns}
        assert_rows_alike(lambda node=node, **q: call_rule(node, "out", **q), **given, q_p=ps)
        assert_rows_alike(lambda node=node, **q: call_rule(node, "p", **q), **given, q_out=ys)
        assert_rows_alike(lambda node=node, **q: average_energy(node, **q), **given, q_out=ys, q_p=ps)
    beliefs = [Binomial(6.0, 0.3), Binomial(9.0, 0.4)]
    assert_rows_alike(lambda **q: average_energy(Binomial, **q), q_out=beliefs, q_n=ns, q_p=ps)
    xs, alphas = [PointMass([1.0, 2.0]), PointMass([3.0, 0.0])], [Dirichlet([1.0, 2.0]), Dirichlet([2.0, 2.0])]
    trials = [PointMass(3.0), PointMass(3.0)]
    assert_rows_alike(lambda **q: call_rule(Multinomial, "out", **q), q_n=trials, q_p=alphas)
    assert_rows_alike(lambda **q: call_rule(Multinomial, "p", **q), q_n=trials, q_out=xs)
    assert_rows_alike(lambda **q: average_energy(Multinomial, **q), q_n=trials, q_out=xs, q_p=alphas)
    rates = [GammaShapeRate(1.0, 2.0), GammaShapeRate(3.0, 1.0)]
    assert_rows_alike(lambda **q: call_rule(Exponential, "rate", **q), q_out=ys)
    assert_rows_alike(lambda **q: call_rule(Exponential, "out", **q), q_rate=rates)
    assert_rows_alike(lambda **q: average_energy(Exponential, **q), q_out=ys, q_rate=rates)
