"""NormalMeanVariance against quadrature of its log density."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    Bernoulli,
    GammaShapeRate,
    InverseGamma,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
)
from reactivepgm.errors import NoRuleError
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule, find_kernel
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape
from tests.oracles.rule_oracle import energy_oracle, joint_oracle, message_oracle, normal_log_pdf

NODE = NormalMeanVariance
POINTS = np.linspace(-3.0, 4.0, 7)
FORMS = [NormalMeanVariance(0.7, 1.9), NormalMeanPrecision(-0.4, 0.8), NormalWeightedMeanPrecision(0.9, 1.6)]
SPREADS = [PointMass(1.3), InverseGamma(3.5, 4.0), GammaShapeRate(4.5, 2.0)]
BELIEFS = [*FORMS, PointMass(0.6)]


def log_factor(out, mean, variance):
    return normal_log_pdf(out, mean, variance)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("m", BELIEFS)
@pytest.mark.parametrize(("to", "other"), [("out", "mean"), ("mean", "out")])
def test_from_a_message(to, other, m, spread):
    message = call_rule(NODE, to, **{f"m_{other}": m, "q_variance": spread})
    assert_same_shape(message, message_oracle(log_factor, to, {other: m}, {"variance": spread}), POINTS)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("q", BELIEFS)
@pytest.mark.parametrize(("to", "other"), [("out", "mean"), ("mean", "out")])
def test_from_a_marginal(to, other, q, spread):
    message = call_rule(NODE, to, **{f"q_{other}": q, "q_variance": spread})
    assert_same_shape(message, message_oracle(log_factor, to, {}, {other: q, "variance": spread}), POINTS)


@pytest.mark.parametrize("q_mean", BELIEFS)
@pytest.mark.parametrize("q_out", BELIEFS)
def test_toward_the_variance_from_marginals(q_out, q_mean):
    message = call_rule(NODE, "variance", q_out=q_out, q_mean=q_mean)
    oracle = message_oracle(log_factor, "variance", {}, {"out": q_out, "mean": q_mean})
    for v in (0.3, 1.0, 4.0):  # improper on its own, so it is read by its naturals: x^-(shape + 1) exp(-scale / x)
        gap = oracle(v) + (message.shape + 1.0) * np.log(v) + message.scale / v
        assert gap == pytest.approx(-0.5 * np.log(2 * np.pi), rel=1e-9)


def test_toward_the_variance_from_a_joint():
    joint = MvNormalMeanCovariance([1.0, 0.2], [[2.0, 0.7], [0.7, 1.0]])
    message = call_rule(NODE, "variance", q_out_mean=joint)
    assert (message.shape, message.scale) == (-0.5, pytest.approx(0.5 * (0.8**2 + 2.0 + 1.0 - 1.4)))


@pytest.mark.parametrize(
    ("m_out", "m_mean"), [(o, m) for o in BELIEFS for m in BELIEFS if not isinstance(o, PointMass) or o is not m]
)
def test_toward_the_variance_from_messages(m_out, m_mean):
    message = call_rule(NODE, "variance", m_out=m_out, m_mean=m_mean)
    oracle = message_oracle(log_factor, "variance", {"out": m_out, "mean": m_mean}, {}, n=400)
    gaps = [float(message.log_pdf(v)) - oracle(v) for v in (0.5, 1.0, 4.0)]
    np.testing.assert_allclose(gaps, 0.0, atol=1e-8)
    assert message.log_pdf(-1.0) == -np.inf


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("m_mean", FORMS)
@pytest.mark.parametrize("m_out", FORMS)
def test_joint(m_out, m_mean, spread):
    joint = call_marginal_rule(NODE, "out_mean", m_out=m_out, m_mean=m_mean, q_variance=spread)
    mean, covariance = joint_oracle(log_factor, ("out", "mean"), {"out": m_out, "mean": m_mean}, {"variance": spread})
    np.testing.assert_allclose(joint.mean, mean, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(joint.covariance, covariance, rtol=1e-8)


@pytest.mark.parametrize("m", FORMS)
def test_a_joint_falls_apart_where_something_is_known(m):
    y, v = PointMass(0.6), PointMass(1.3)
    for known, free in (("out", "mean"), ("mean", "out")):
        joint = call_marginal_rule(NODE, "out_mean", **{f"m_{known}": y, f"m_{free}": m, "q_variance": v})
        weight = 1 / m.variance + 1 / 1.3
        assert joint.factors[known] == y
        assert joint.factors[free].mean == pytest.approx((m.mean / m.variance + 0.6 / 1.3) / weight)
        assert joint.factors[free].variance == pytest.approx(1 / weight)
        whole = call_marginal_rule(NODE, "out_mean_variance", **{f"m_{known}": y, f"m_{free}": m, "m_variance": v})
        assert whole.factors == {**joint.factors, "variance": v}


def test_the_whole_joint_keeps_the_pair():
    m, v = FORMS[0], PointMass(1.3)
    whole = call_marginal_rule(NODE, "out_mean_variance", m_out=m, m_mean=m, m_variance=v)
    assert whole.factors["out", "mean"] == call_marginal_rule(NODE, "out_mean", m_out=m, m_mean=m, q_variance=v)
    assert whole.factors["variance"] == v


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("q_mean", BELIEFS)
@pytest.mark.parametrize("q_out", BELIEFS)
def test_energy(q_out, q_mean, spread):
    value = average_energy(NODE, q_out=q_out, q_mean=q_mean, q_variance=spread)
    assert value == pytest.approx(energy_oracle(log_factor, ("out", "mean", "variance"), q_out, q_mean, spread), rel=1e-9)


@pytest.mark.parametrize("spread", SPREADS)
def test_energy_of_a_joint(spread):
    mean, covariance = np.array([1.0, 0.2]), np.array([[2.0, 0.7], [0.7, 1.0]])
    z, w = np.polynomial.hermite_e.hermegauss(5)
    w = w / w.sum()
    root = np.linalg.cholesky(covariance)
    points = [(mean + root @ [a, b], wa * wb) for a, wa in zip(z, w, strict=True) for b, wb in zip(z, w, strict=True)]
    expected = sum(
        weight * energy_oracle(log_factor, ("out", "mean", "variance"), PointMass(x[0]), PointMass(x[1]), spread)
        for x, weight in points
    )
    joint = MvNormalMeanCovariance(mean, covariance)
    assert average_energy(NODE, q_out_mean=joint, q_variance=spread) == pytest.approx(expected, rel=1e-9)


def test_energy_of_point_masses_is_minus_the_log_density():
    value = average_energy(NODE, q_out=PointMass(1.0), q_mean=PointMass(0.2), q_variance=PointMass(2.0))
    assert value == pytest.approx(-stats.norm(0.2, np.sqrt(2.0)).logpdf(1.0))


@pytest.mark.parametrize("flat", [NormalWeightedMeanPrecision(0.0, 0.0), NormalMeanPrecision(3.0, 0.0)])
def test_a_flat_message_stays_flat(flat):
    message = call_rule(NODE, "mean", m_out=flat, q_variance=PointMass(2.0))
    assert (message.weighted_mean, message.precision) == (0.0, 0.0)
    assert np.ptp(call_rule(NODE, "variance", m_out=flat, m_mean=FORMS[0]).log_pdf([0.1, 1.0, 9.0])) == 0.0


def test_flat_messages_give_an_improper_joint_in_information_form():
    flat = NormalWeightedMeanPrecision(0.0, 0.0)
    joint = call_marginal_rule(NODE, "out_mean", m_out=flat, m_mean=flat, q_variance=PointMass(2.0))
    np.testing.assert_array_equal(joint.precision, [[0.5, -0.5], [-0.5, 0.5]])


def test_a_variance_of_zero_is_an_equality():
    zero, y = PointMass(0.0), NormalWeightedMeanPrecision(2.0, 1.0)
    assert call_rule(NODE, "out", m_mean=FORMS[0], q_variance=zero) == FORMS[0]
    joint = call_marginal_rule(NODE, "out_mean", m_out=y, m_mean=NormalMeanVariance(0.0, 1.0), q_variance=zero)
    np.testing.assert_allclose(joint.mean, [1.0, 1.0])
    np.testing.assert_allclose(joint.covariance, np.full((2, 2), 0.5))


def test_kernel():
    kernel = find_kernel(NODE, "out", ("mean",), {"q_variance": InverseGamma})(q_variance=InverseGamma(3.0, 6.0))
    assert kernel.matrices == (None,)
    assert kernel.offset is None
    np.testing.assert_allclose(kernel.covariance, [[2.0]])
    batched = find_kernel(NODE, "out", ("mean",), {"m_variance": PointMass})(m_variance=PointMass(np.ones(5), 0))
    assert batched.covariance.shape == (5, 1, 1)


def test_what_has_no_rule():
    with pytest.raises(NoRuleError, match="q_variance differs"):
        call_rule(NODE, "out", m_mean=FORMS[0], q_variance=Bernoulli(0.5))


def test_batches():
    second = [NormalMeanVariance(2.0, 0.3), NormalMeanPrecision(1.0, 2.0), NormalWeightedMeanPrecision(0.0, 0.0)]
    v = [PointMass(1.0), PointMass(0.5)]
    for pair in zip(FORMS, second, strict=True):
        assert_rows_alike(lambda **q: call_rule(NODE, "out", **q), m_mean=pair, q_variance=v)
        assert_rows_alike(lambda **q: call_rule(NODE, "mean", **q), m_out=pair, m_variance=v)
        assert_rows_alike(lambda **q: call_marginal_rule(NODE, "out_mean", **q), m_out=pair, m_mean=pair, q_variance=v)
    q, s = [FORMS[0], second[0]], [InverseGamma(3.0, 2.0), InverseGamma(2.5, 1.0)]
    assert_rows_alike(lambda **q: call_rule(NODE, "mean", **q), q_out=q, q_variance=s)
    assert_rows_alike(lambda **q: call_rule(NODE, "variance", **q), q_out=q, q_mean=q)
    assert_rows_alike(lambda **q: average_energy(NODE, **q), q_out=q, q_mean=q, q_variance=s)
    for pair in (FORMS[0], second[0]), (FORMS[2], second[2]):
        point = [PointMass(1.0), PointMass(-1.0)]
        assert_rows_alike(lambda **q: call_marginal_rule(NODE, "out_mean", **q), m_out=point, m_mean=pair, q_variance=v)


def test_one_row_stays_floats_and_float32_stays_float32():
    message = call_rule(NODE, "out", m_mean=NormalMeanVariance(0.0, 1.0), m_variance=PointMass(2.0))
    assert type(message.mean) is type(message.variance) is float
    small = NormalMeanVariance(np.ones(2, np.float32), np.ones(2, np.float32))
    spread = PointMass(np.ones(2, np.float32), event_rank=0)
    assert call_rule(NODE, "out", m_mean=small, m_variance=spread).variance.dtype == np.float32
    joint = call_marginal_rule(NODE, "out_mean", m_out=small, m_mean=small, m_variance=spread)
    assert joint.covariance.dtype == np.float32
