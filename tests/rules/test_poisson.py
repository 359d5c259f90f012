"""Poisson(out | l) against summation over counts and quadrature over rates."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from reactivepgm.distributions import GammaShapeRate, GammaShapeScale, PointMass, Poisson
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation

RATES = np.array([0.2, 0.7, 1.0, 3.0, 8.0])


def log_f(x, rate):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, x * np.log(rate), 0.0) - rate - gammaln(x + 1)


def test_toward_out():
    assert call_rule(Poisson, "out", m_l=PointMass(0.7)) == Poisson(0.7)
    belief = GammaShapeScale(3.0, 0.5)
    message = call_rule(Poisson, "out", q_l=belief)
    assert_same_shape(message, lambda x: expectation(lambda r: log_f(x, r), belief), range(6))


@pytest.mark.parametrize("out", [PointMass(3), PointMass(0.0), Poisson(2.5)])
def test_toward_l(out):
    message = call_rule(Poisson, "l", q_out=out)
    assert_same_shape(message, lambda rate: expectation(lambda x: log_f(x, rate), out), RATES)


def test_joint():
    joint = call_marginal_rule(Poisson, "out_l", m_out=PointMass(4), m_l=GammaShapeRate(2.0, 0.5))
    prior = stats.gamma(2.0, scale=2.0)
    assert_same_shape(joint.factors["l"], lambda rate: prior.logpdf(rate) + stats.poisson(rate).logpmf(4), RATES)
    assert joint.factors["out"] == PointMass(4)


@pytest.mark.parametrize("out", [PointMass(3), PointMass(0), Poisson(0.3), Poisson(7.0), Poisson(150.0), Poisson(1e4)])
@pytest.mark.parametrize("rate", [GammaShapeRate(3.0, 2.0), PointMass(5.0)])
def test_energy(out, rate):
    expected = -expectation(log_f, out, rate)
    assert average_energy(Poisson, q_out=out, q_l=rate) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("rate", [1e-8, 0.5, 30.0, 120.0, 400.0, 2500.0])
def test_energy_at_its_own_rate_does_not_cancel(rate):
    """-sum p log p by exact summation; the terms of the naive formula are rate log(rate) times larger."""
    counts = np.arange(int(rate + 15 * math.sqrt(rate) + 40))
    log_p = stats.poisson(rate).logpmf(counts)
    expected = math.fsum(-np.exp(log_p) * log_p)
    assert average_energy(Poisson, q_out=Poisson(rate), q_l=PointMass(rate)) == pytest.approx(expected, rel=1e-10)


def test_energy_of_no_counts_at_rate_zero():
    assert average_energy(Poisson, q_out=PointMass(0), q_l=PointMass(0.0)) == 0.0
    assert average_energy(Poisson, q_out=Poisson(0.0), q_l=PointMass(0.0)) == 0.0


def test_batches():
    counts, rates = [PointMass(3.0), PointMass(0.0)], [GammaShapeRate(2.0, 1.0), GammaShapeRate(0.5, 3.0)]
    outs = [Poisson(2.0), Poisson(150.0)]
    assert_rows_alike(lambda q_l: call_rule(Poisson, "out", q_l=q_l), q_l=rates)
    assert_rows_alike(lambda m_out: call_rule(Poisson, "l", m_out=m_out), m_out=counts)
    assert_rows_alike(lambda q_out: call_rule(Poisson, "l", q_out=q_out), q_out=outs)
    assert_rows_alike(lambda **m: call_marginal_rule(Poisson, "out_l", **m), m_out=counts, m_l=rates)
    assert_rows_alike(lambda **q: average_energy(Poisson, **q), q_out=counts, q_l=rates)
    assert_rows_alike(lambda **q: average_energy(Poisson, **q), q_out=outs, q_l=rates)
