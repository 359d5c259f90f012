"""NormalWeightedMeanPrecision against its density: messages, the joint with known parameters, the energy by quadrature."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    GammaShapeRate,
    InverseGamma,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
)
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.rule_oracle import energy_oracle, message_oracle, normal_log_pdf

OUT, XI = NormalMeanVariance(0.4, 0.7), NormalMeanVariance(-0.5, 0.3)
PRECISIONS = [PointMass(1.7), GammaShapeRate(6.0, 3.0), InverseGamma(6.0, 7.0)]


def log_factor(out, xi, precision):
    return normal_log_pdf(out, xi / precision, 1.0 / precision)


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda q: type(q).__name__)
@pytest.mark.parametrize("xi", [XI, PointMass(0.8)], ids=lambda q: type(q).__name__)
def test_message_and_energy(xi, precision):
    message = call_rule(NormalWeightedMeanPrecision, "out", q_xi=xi, q_precision=precision)
    oracle = message_oracle(log_factor, "out", {}, {"xi": xi, "precision": precision})
    points = np.array([-1.0, 0.0, 0.5, 2.0])
    gaps = [oracle(x) - message.log_pdf(x) for x in points]
    np.testing.assert_allclose(gaps, gaps[0], atol=1e-6)
    energy = average_energy(NormalWeightedMeanPrecision, q_out=OUT, q_xi=xi, q_precision=precision)
    assert energy == pytest.approx(energy_oracle(log_factor, ("out", "xi", "precision"), OUT, xi, precision), rel=1e-6)


def test_known_parameters():
    joint = call_marginal_rule(
        NormalWeightedMeanPrecision, "out_xi_precision", m_out=OUT, m_xi=PointMass(1.0), m_precision=PointMass(2.0)
    )
    precision = 1.0 / 0.7 + 2.0
    assert joint.factors["out",].variance == pytest.approx(1.0 / precision)
    assert joint.factors["out",].mean == pytest.approx((0.4 / 0.7 + 1.0) / precision)
    energy = average_energy(
        NormalWeightedMeanPrecision, q_out=PointMass(0.3), q_xi=PointMass(1.0), q_precision=PointMass(2.0)
    )
    assert energy == pytest.approx(-stats.norm.logpdf(0.3, 0.5, np.sqrt(0.5)))


def test_rows_alike():
    inputs = {"q_xi": NormalMeanVariance([0.1, 2.0], [1.0, 0.2]), "q_precision": GammaShapeRate([2.0, 5.0], [1.0, 3.0])}
    assert_rows_alike(lambda **i: call_rule(NormalWeightedMeanPrecision, "out", **i), **inputs)
    outs = NormalMeanVariance([0.5, 1.5], [0.3, 0.1])
    assert_rows_alike(lambda **i: average_energy(NormalWeightedMeanPrecision, **i), q_out=outs, **inputs)
