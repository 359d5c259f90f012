"""Probit against quadrature of Φ, far tails included."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_ndtr, ndtr

from reactivepgm.distributions import (
    Bernoulli,
    Categorical,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
)
from reactivepgm.nodes import Probit, ProbitMeta
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation, nodes

POINTS = np.linspace(-4.0, 4.0, 9)
INS = [NormalMeanVariance(0.7, 1.3), NormalMeanPrecision(-1.5, 0.2), NormalWeightedMeanPrecision(2.0, 2.0)]
OUTS = [PointMass(1.0), PointMass(0.0), Bernoulli(0.8), Categorical([0.7, 0.3])]


def chance(out):
    return float(out.value) if isinstance(out, PointMass) else float(out.probabilities[1])


def tilted_moments(p, m_in):
    x, w = nodes(m_in, 4000)
    w = w * (p * ndtr(x) + (1 - p) * ndtr(-x))
    mean = (w * x).sum() / w.sum()
    return mean, (w * (x - mean) ** 2).sum() / w.sum()


@pytest.mark.parametrize("m_in", INS)
def test_toward_out(m_in):
    assert call_rule(Probit, "out", m_in=m_in).p == pytest.approx(expectation(ndtr, m_in), rel=1e-10)
    logs = [np.exp(expectation(lambda x, s=s: log_ndtr(s * x), m_in)) for s in (-1, 1)]
    assert call_rule(Probit, "out", meta=ProbitMeta(100), q_in=m_in).p == pytest.approx(logs[1] / sum(logs), rel=1e-7)


@pytest.mark.parametrize("out", OUTS)
def test_toward_in(out):
    p = chance(out)
    assert_same_shape(call_rule(Probit, "in", m_out=out), lambda x: np.log(p * ndtr(x) + (1 - p) * ndtr(-x)), POINTS)
    assert_same_shape(call_rule(Probit, "in", q_out=out), lambda x: p * log_ndtr(x) + (1 - p) * log_ndtr(-x), POINTS)


@pytest.mark.parametrize("m_in", INS)
@pytest.mark.parametrize("out", OUTS)
def test_toward_in_by_expectation_propagation(out, m_in):
    message = call_rule(Probit, "in", m_out=out, m_in=m_in)
    precision = message.precision + m_in.precision
    mean, variance = tilted_moments(chance(out), m_in)
    assert 1 / precision == pytest.approx(variance, rel=1e-9)
    assert (message.weighted_mean + m_in.weighted_mean) / precision == pytest.approx(mean, rel=1e-9)
    if isinstance(out, PointMass):
        assert call_rule(Probit, "in", q_out=out, m_in=m_in) == message
        joint = call_marginal_rule(Probit, "out_in", m_out=out, m_in=m_in)
        assert (joint.factors["in"].mean, joint.factors["in"].variance) == pytest.approx((mean, variance), rel=1e-9)
        assert joint.factors["out"] == out


@pytest.mark.parametrize("p", [0.0, 1e-12, 1 - 1e-12, 1.0])
@pytest.mark.parametrize("mean", [-60.0, -8.0, 8.0, 60.0])
def test_far_tails_stay_finite(p, mean):
    m_in = NormalMeanVariance(mean, 4.0)
    message = call_rule(Probit, "in", m_out=Bernoulli(p), m_in=m_in)
    assert np.isfinite([message.weighted_mean, message.precision]).all()
    x = np.linspace(-120, 120, 2_000_001)
    log_w = np.logaddexp(np.log(p) + log_ndtr(x), np.log1p(-p) + log_ndtr(-x)) if 0 < p < 1 else log_ndtr(x if p else -x)
    log_w = log_w + stats.norm(mean, 2.0).logpdf(x)
    w = np.exp(log_w - log_w.max())
    m = (w * x).sum() / w.sum()
    v = (w * (x - m) ** 2).sum() / w.sum()
    precision = message.precision + 0.25
    assert 1 / precision == pytest.approx(v, rel=1e-6)
    assert (message.weighted_mean + mean / 4.0) / precision == pytest.approx(m, rel=1e-6)


def test_even_odds_say_nothing():
    message = call_rule(Probit, "in", m_out=Bernoulli(0.5), m_in=INS[0])
    assert message.weighted_mean == 0.0
    assert message.precision <= 1e-12


@pytest.mark.parametrize("q_in", [*INS, PointMass(-1.2)])
@pytest.mark.parametrize("out", OUTS)
def test_energy(out, q_in):
    p = chance(out)
    expected = -expectation(lambda x: p * log_ndtr(x) + (1 - p) * log_ndtr(-x), q_in)
    assert average_energy(Probit, q_out=out, q_in=q_in) == pytest.approx(expected, rel=1e-6)
    assert average_energy(Probit, meta=ProbitMeta(p=100), q_out=out, q_in=q_in) == pytest.approx(expected, rel=1e-9)


def test_single_messages_are_floats():
    message = call_rule(Probit, "in", m_out=PointMass(1.0), m_in=INS[0])
    assert {type(value) for value in message.parameters.values()} == {float}
    assert type(call_rule(Probit, "out", m_in=INS[0]).p) is float


def test_batches():
    outs, ins = [Bernoulli(0.3), Bernoulli(1.0)], [INS[0], NormalMeanVariance(-2.0, 0.5)]
    data = [PointMass(0.0), PointMass(1.0)]
    assert_rows_alike(lambda **m: call_rule(Probit, "out", **m), m_in=ins)
    assert_rows_alike(lambda **m: call_rule(Probit, "out", **m), q_in=ins)
    for out in (outs, data):
        assert_rows_alike(lambda **m: call_rule(Probit, "in", **m), m_out=out, m_in=ins)
        assert_rows_alike(lambda **q: average_energy(Probit, **q), q_out=out, q_in=ins)
    assert_rows_alike(lambda **m: call_marginal_rule(Probit, "out_in", **m), m_out=data, m_in=ins)
