"""GCV against quadrature of its log density; where κ z is no normal, against the normal of its moments."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    ExponentialLinearQuadratic,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    product,
)
from reactivepgm.nodes import GCV, GaussHermiteCubature, GCVMeta
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule, find_kernel
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation
from tests.oracles.rule_oracle import energy_oracle, joint_oracle, message_oracle, normal_log_pdf

POINTS = np.linspace(-2.0, 2.5, 6)
KNOWN = PointMass(0.8)
Z, OMEGA, KAPPA = NormalMeanVariance(0.5, 0.7), NormalMeanPrecision(-0.4, 2.0), NormalMeanVariance(0.8, 0.4)
EXACT = [{"z": Z, "kappa": KNOWN}, {"z": PointMass(0.3), "kappa": KAPPA}]  # κ z is normal
Y, X = NormalMeanVariance(1.2, 0.6), NormalWeightedMeanPrecision(0.5, 1.6)


def log_f(y, x, z, kappa, omega):
    return normal_log_pdf(y, x, np.exp(kappa * z + omega))


def roles(**beliefs):
    return {f"q_{name}": belief for name, belief in beliefs.items()}


@pytest.mark.parametrize("others", EXACT)
def test_toward_y_and_x(others):
    others = {**others, "omega": OMEGA}
    for to, given in (("y", "x"), ("x", "y")):
        structured = call_rule(GCV, to, **{f"m_{given}": X}, **roles(**others))
        assert_same_shape(structured, message_oracle(log_f, to, {given: X}, others, n=60), POINTS)
        mean_field = call_rule(GCV, to, **{f"q_{given}": X}, **roles(**others))
        assert_same_shape(mean_field, message_oracle(log_f, to, {}, {given: X, **others}, n=60), POINTS)


@pytest.mark.parametrize("others", [{"kappa": KAPPA}, {"kappa": KNOWN}])
def test_toward_z_and_kappa(others):
    oracle = message_oracle(log_f, "z", {}, {"y": Y, "x": X, **others, "omega": OMEGA}, n=60)
    assert_same_shape(call_rule(GCV, "z", **roles(y=Y, x=X, omega=OMEGA, **others)), oracle, POINTS)
    mirrored = call_rule(GCV, "kappa", **roles(y=Y, x=X, omega=OMEGA, z=others["kappa"]))
    assert_same_shape(mirrored, oracle, POINTS)


@pytest.mark.parametrize("others", EXACT)
def test_toward_omega(others):
    oracle = message_oracle(log_f, "omega", {}, {"y": Y, "x": X, **others}, n=60)
    assert_same_shape(call_rule(GCV, "omega", **roles(y=Y, x=X, **others)), oracle, POINTS)


def test_a_joint_belief_enters_by_its_square_gap():
    apart = MvNormalMeanCovariance([Y.mean, X.mean], np.diag([Y.variance, X.variance]))
    tied = MvNormalMeanCovariance([Y.mean, X.mean], [[0.6, 0.3], [0.3, 0.625]])
    gap = (Y.mean - X.mean) ** 2
    everyone = {"z": Z, "kappa": KAPPA, "omega": OMEGA}
    for to in everyone:
        others = {name: belief for name, belief in everyone.items() if name != to}
        single = call_rule(GCV, to, **roles(y=Y, x=X, **others))
        same = call_rule(GCV, to, q_y_x=apart, **roles(**others))
        assert (same.a, same.c, same.d) == (single.a, single.c, single.d)
        assert same.b == pytest.approx(single.b)
        less = call_rule(GCV, to, q_y_x=tied, **roles(**others))
        assert less.b / single.b == pytest.approx((gap + 0.6 + 0.625 - 0.6) / (gap + 0.6 + 0.625))


@pytest.mark.parametrize("others", EXACT)
def test_energy(others):
    beliefs = {"y": Y, "x": X, "z": others["z"], "kappa": others["kappa"], "omega": OMEGA}
    energy = average_energy(GCV, **roles(**beliefs))
    square = expectation(lambda y, x: (y - x) ** 2, Y, X)
    expected = energy_oracle(
        lambda z, kappa, omega: normal_log_pdf(np.sqrt(square), 0.0, np.exp(kappa * z + omega)),
        ("z", "kappa", "omega"), others["z"], others["kappa"], OMEGA,
    )  # fmt: skip
    assert energy == pytest.approx(expected, rel=1e-9)
    apart = MvNormalMeanCovariance([Y.mean, X.mean], np.diag([Y.variance, X.variance]))
    assert average_energy(GCV, q_y_x=apart, **roles(**others, omega=OMEGA)) == pytest.approx(energy)


def test_kappa_z_enters_as_the_normal_of_its_moments():
    q = roles(x=X, z=Z, kappa=KAPPA, omega=PointMass(0.0))
    moments = [expectation(lambda k, z, n=n: (k * z) ** n, KAPPA, Z) for n in (1, 2)]
    normal = NormalMeanVariance(moments[0], moments[1] - moments[0] ** 2)
    mean_precision = expectation(lambda t: np.exp(-t), normal)
    assert call_rule(GCV, "y", **q).precision == pytest.approx(mean_precision, rel=1e-9)


@pytest.mark.parametrize("others", EXACT)
def test_joint(others):
    others = {**others, "omega": OMEGA}
    joint = call_marginal_rule(GCV, "y_x", m_y=Y, m_x=X, **roles(**others))
    precision = expectation(lambda z, k, w: np.exp(-k * z - w), others["z"], others["kappa"], OMEGA)
    tie = {"y": Y, "x": X}
    mean, covariance = joint_oracle(lambda y, x: normal_log_pdf(y, x, 1 / precision), ("y", "x"), tie, {})
    np.testing.assert_allclose(joint.mean, mean, rtol=1e-7)
    np.testing.assert_allclose(joint.covariance, covariance, rtol=1e-7)
    variance = call_rule(GCV, "y", q_x=X, **roles(**others)).variance
    kernel = find_kernel(GCV, "y", ("x",), {f"q_{k}": type(v) for k, v in others.items()})
    assert kernel(**roles(**others)).covariance == [[variance]]


def test_joint_where_one_is_known():
    others = roles(z=Z, kappa=KAPPA, omega=OMEGA)
    noise = call_rule(GCV, "y", q_x=X, **others).variance
    joint = call_marginal_rule(GCV, "y_x", m_y=PointMass(2.0), m_x=X, **others)
    assert joint.factors["x"].precision == pytest.approx(X.precision + 1 / noise)
    joint = call_marginal_rule(GCV, "y_x", m_y=Y, m_x=PointMass(2.0), **others)
    assert joint.factors["y"].mean == pytest.approx((1.2 / 0.6 + 2.0 / noise) / (1 / 0.6 + 1 / noise))


def test_a_message_of_another_kind_enters_by_its_moments():
    message = ExponentialLinearQuadratic(1.0, 1.0, -1.0, 0.0)  # -log of a chi-squared variable of one degree of freedom
    others = roles(z=Z, kappa=KAPPA, omega=OMEGA)
    noise = call_rule(GCV, "y", q_x=X, **others).variance
    x = np.linspace(-8.0, 80.0, 200001)
    p = stats.chi2(1).pdf(np.exp(-x)) * np.exp(-x)
    mean = (x * p).sum() / p.sum()
    variance = ((x - mean) ** 2 * p).sum() / p.sum()
    for to, given in (("y", "m_x"), ("x", "m_y")):
        exact = call_rule(GCV, to, **{given: message}, **others)
        assert (exact.mean, exact.variance - noise) == pytest.approx((mean, variance), rel=1e-8)
        rough = call_rule(GCV, to, meta=GCVMeta(GaussHermiteCubature(20)), **{given: message}, **others)
        assert abs(rough.mean - mean) < 0.2
    joint = call_marginal_rule(GCV, "y_x", m_y=message, m_x=X, **others)
    assert joint.precision[0, 0] == pytest.approx(1 / variance + 1 / noise)


@pytest.mark.parametrize("height", [-50.0, 50.0])
def test_far_exponents_neither_overflow_nor_warn(height):
    far = NormalMeanVariance(height, 0.1)
    for to, given in (("z", {"kappa": KAPPA}), ("kappa", {"z": far}), ("omega", {"z": far, "kappa": PointMass(1.0)})):
        rest = {} if to == "omega" else {"omega": far}
        message = call_rule(GCV, to, **roles(y=Y, x=X, **given, **rest))
        posterior = product(NormalMeanVariance(0.0, 4.0), message)
        assert np.isfinite([posterior.mean, posterior.variance]).all()
        assert posterior.variance < 4.0
    assert call_rule(GCV, "y", **roles(x=X, z=PointMass(800.0), kappa=PointMass(1.0), omega=PointMass(-800.0))).variance == 1.0


def test_single_messages_are_floats():
    q = roles(y=Y, x=X, z=Z, kappa=KAPPA, omega=OMEGA)
    for to in ("y", "x", "z", "kappa", "omega"):
        message = call_rule(GCV, to, **{name: belief for name, belief in q.items() if name != f"q_{to}"})
        assert {type(value) for value in message.parameters.values()} == {float}
    posterior = product(Z, call_rule(GCV, "z", **{k: v for k, v in q.items() if k != "q_z"}))
    assert {type(value) for value in posterior.parameters.values()} == {float}
    assert type(average_energy(GCV, **q)) is float


def test_batches():
    rows = {
        "q_y": [Y, NormalMeanVariance(-1.0, 0.2)],
        "q_x": [NormalMeanVariance(0.2, 0.3), NormalMeanVariance(0.5, 1.0)],
        "q_z": [Z, NormalMeanVariance(-1.0, 1.0)],
        "q_kappa": [KAPPA, NormalMeanVariance(0.1, 0.2)],
        "q_omega": [NormalMeanVariance(0.3, 0.2), NormalMeanVariance(-2.0, 0.5)],
    }
    for to in ("y", "x", "z", "kappa", "omega"):
        assert_rows_alike(lambda to=to, **q: call_rule(GCV, to, **q), **{k: v for k, v in rows.items() if k != f"q_{to}"})
    assert_rows_alike(lambda **q: average_energy(GCV, **q), **rows)
    messages = {"m_y": rows["q_y"], "m_x": rows["q_x"], **{k: rows[k] for k in ("q_z", "q_kappa", "q_omega")}}
    assert_rows_alike(lambda **q: call_marginal_rule(GCV, "y_x", **q), **messages)
