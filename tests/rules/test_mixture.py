"""Mixture: evidence of the inputs as models, by quadrature; draws of the choice itself."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln

from reactivepgm.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    GammaShapeRate,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    Uninformative,
    product,
    stack,
)
from reactivepgm.nodes import Mixture
from reactivepgm.rulebook import average_energy, call_rule
from tests.oracles.batch_law import assert_rows_alike

INPUTS = (NormalMeanVariance(1.0, 2.0), NormalMeanVariance(-3.0, 0.5))
X = np.linspace(-30.0, 30.0, 60001)


def density(d):
    return stats.norm(d.mean, np.sqrt(d.variance)).pdf(X)


@pytest.mark.parametrize("out", [NormalMeanVariance(-1.0, 0.7), NormalWeightedMeanPrecision(-1.0, 0.4)])
def test_toward_switch_is_the_evidence(out):
    evidence = np.array([(density(out) * density(d)).sum() for d in INPUTS])
    np.testing.assert_allclose(call_rule(Mixture, "switch", m_out=out, m_inputs=INPUTS).p, evidence / evidence.sum(), rtol=1e-9)


def test_toward_switch_of_coin_models():
    message = call_rule(Mixture, "switch", m_out=Beta(4.0, 8.0), m_inputs=(Beta(7.0, 2.0), Beta(2.0, 7.0)))
    log_evidence = np.array([betaln(a + 3, b + 7) - betaln(a, b) for a, b in ((7, 2), (2, 7))])
    np.testing.assert_allclose(message.p, np.exp(log_evidence) / np.exp(log_evidence).sum())


def test_toward_switch_of_other_kinds_of_messages():
    flat = call_rule(Mixture, "switch", m_out=NormalWeightedMeanPrecision(0.0, 0.0), m_inputs=INPUTS)
    np.testing.assert_allclose(flat.p, [0.5, 0.5])
    point = call_rule(Mixture, "switch", m_out=PointMass(0.5), m_inputs=INPUTS)
    heights = [stats.norm(d.mean, np.sqrt(d.variance)).pdf(0.5) for d in INPUTS]
    np.testing.assert_allclose(point.p, np.array(heights) / sum(heights))
    vectors = (MvNormalMeanCovariance([0.0, 1.0], np.eye(2)), MvNormalMeanCovariance([2.0, 0.0], 2 * np.eye(2)))
    out = MvNormalMeanCovariance([1.0, 1.0], [[0.5, 0.1], [0.1, 0.4]])
    heights = [stats.multivariate_normal(d.mean, d.covariance + out.covariance).pdf(out.mean) for d in vectors]
    np.testing.assert_allclose(call_rule(Mixture, "switch", m_out=out, m_inputs=vectors).p, np.array(heights) / sum(heights))
    categories = (Categorical([0.2, 0.8]), Categorical([0.6, 0.4]))
    message = call_rule(Mixture, "switch", m_out=Categorical([0.9, 0.1]), m_inputs=categories)
    np.testing.assert_allclose(message.p, np.array([0.26, 0.58]) / 0.84)


def test_toward_out():
    message = call_rule(Mixture, "out", m_switch=Bernoulli(0.3), m_inputs=INPUTS)
    p = 0.7 * density(INPUTS[0]) + 0.3 * density(INPUTS[1])
    np.testing.assert_allclose(np.exp(message.log_pdf(X[::6000])), p[::6000])
    for k, expected in enumerate(INPUTS):
        assert call_rule(Mixture, "out", m_inputs=INPUTS, q_switch=PointMass(np.eye(2)[k])) == expected
        assert call_rule(Mixture, "out", m_inputs=INPUTS, q_switch=PointMass(float(k))) == expected


def test_toward_inputs():
    out = NormalMeanVariance(-1.0, 0.5)
    assert call_rule(Mixture, "inputs", index=1, m_out=out, m_switch=Bernoulli(0.3)) is out
    together = call_rule(Mixture, "inputs", m_out=out, m_switch=Bernoulli(0.3))
    assert (together[0], together[1]) == (out, out)
    known = call_rule(Mixture, "inputs", m_out=out, q_switch=PointMass([0.0, 1.0]))
    assert known.precision.tolist() == [0.0, 2.0]
    assert known.weighted_mean.tolist() == [0.0, -2.0]
    assert call_rule(Mixture, "inputs", index=0, m_out=out, q_switch=PointMass([0.0, 1.0])).precision == 0.0
    assert call_rule(Mixture, "inputs", m_out=Uninformative(), m_switch=Bernoulli(0.3)) == Uninformative()


def test_posterior_of_the_output():
    out = NormalMeanVariance(-1.0, 0.5)
    prior = call_rule(Mixture, "out", m_switch=Bernoulli(0.3), m_inputs=INPUTS)
    posterior = product(prior, out)
    p = (0.7 * density(INPUTS[0]) + 0.3 * density(INPUTS[1])) * density(out)
    assert posterior.mean == pytest.approx((p * X).sum() / p.sum())
    assert product(out, prior).variance == pytest.approx((p * (X - posterior.mean) ** 2).sum() / p.sum())


def test_a_choice_has_no_energy_and_is_drawn_by_its_switch():
    assert average_energy(Mixture, q_out=INPUTS[0], q_switch=Bernoulli(0.3), q_inputs=INPUTS) == 0.0
    assert Mixture.sampler(None, 1, (2.0, 3.0)) == 3.0
    points = (PointMass([1.0, 2.0], event_rank=0), PointMass(5.0))
    drawn = Mixture.batch_sampler(None, (2,), PointMass([0.0, 1.0], event_rank=0), points)
    assert drawn.tolist() == [1.0, 5.0]


def test_batches():
    outs = [NormalMeanVariance(-1.0, 0.5), NormalMeanVariance(2.0, 0.1)]
    inputs = [stack(INPUTS), stack(INPUTS[::-1])]
    switches = [Bernoulli(0.3), Bernoulli(0.9)]
    assert_rows_alike(lambda **m: call_rule(Mixture, "switch", **m), m_out=outs, m_inputs=inputs)
    points = [PointMass([0.0, 1.0]), PointMass([1.0, 0.0])]
    assert_rows_alike(lambda **m: call_rule(Mixture, "inputs", **m), m_out=outs, q_switch=points)
    assert_rows_alike(lambda **m: call_rule(Mixture, "out", **m), m_inputs=inputs, q_switch=points)
    batched = call_rule(Mixture, "out", m_switch=stack(switches), m_inputs=stack(inputs, axis=0))
    for row in range(2):
        single = call_rule(Mixture, "out", m_switch=switches[row], m_inputs=inputs[row])
        assert batched[row] == single
        assert batched.mean[row] == pytest.approx(single.mean)
    gammas = (GammaShapeRate(1.0, 2.0), GammaShapeRate(4.0, 1.0))
    assert call_rule(Mixture, "out", m_inputs=gammas, q_switch=PointMass([0.0, 1.0])) == gammas[1]
