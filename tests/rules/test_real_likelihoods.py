"""LogNormal, Laplace, StudentT and VonMises against quadrature; expectation propagation against tilted moments."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import i0e

from reactivepgm.distributions import (
    GammaShapeRate,
    InverseGamma,
    Laplace,
    LogNormal,
    NormalMeanVariance,
    PointMass,
    StudentT,
    VonMises,
)
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation

POINTS = np.linspace(-2.0, 3.0, 7)
POSITIVE = np.array([0.2, 0.7, 1.5, 4.0])
M = NormalMeanVariance(0.3, 0.8)
V = InverseGamma(3.0, 2.0)


def on_a_grid(log_density, low=-60.0, high=60.0, n=2_400_001):
    """Mean and variance of an unnormalised density."""
    x = np.linspace(low, high, n)
    value = log_density(x)
    w = np.exp(value - value.max())
    mean = (w * x).sum() / w.sum()
    return mean, (w * (x - mean) ** 2).sum() / w.sum()


def assert_keeps_moments(message, m, log_likelihood, rtol=1e-6):
    mean, variance = on_a_grid(lambda x: log_likelihood(x) - 0.5 * (x - m.mean) ** 2 / m.variance)
    precision = message.precision + 1 / m.variance
    assert 1 / precision == pytest.approx(variance, rel=rtol)
    assert (message.weighted_mean + m.mean / m.variance) / precision == pytest.approx(mean, rel=rtol, abs=rtol)


def log_normal_pdf(x, m, v):
    return -np.log(x) - 0.5 * (np.log(2 * np.pi * v) + (np.log(x) - m) ** 2 / v)


@pytest.mark.parametrize("v", [V, PointMass(0.5)])
def test_log_normal(v):
    out = LogNormal(0.2, 0.4)
    log_out = NormalMeanVariance(0.2, 0.4)

    def mean_log_f(x, m):
        return expectation(lambda v: log_normal_pdf(x, m, v), v)

    message = call_rule(LogNormal, "out", q_log_mean=M, q_log_variance=v)
    assert_same_shape(message, lambda x: expectation(lambda m, v: log_normal_pdf(x, m, v), M, v), POSITIVE)
    message = call_rule(LogNormal, "log_mean", q_out=out, q_log_variance=v)
    assert_same_shape(message, lambda m: expectation(lambda y, v: log_normal_pdf(np.exp(y), m, v), log_out, v), POINTS)
    message = call_rule(LogNormal, "log_mean", q_out=PointMass(1.7), q_log_variance=v)
    assert_same_shape(message, lambda m: mean_log_f(1.7, m), POINTS)
    structured = call_rule(LogNormal, "out", m_log_mean=M, q_log_variance=v)
    y = np.linspace(-9.0, 10.0, 201)

    def predictive(x):
        return np.log(np.exp([mean_log_f(x, m) + M.log_pdf(m) for m in y]).sum())

    assert_same_shape(structured, predictive, POSITIVE, 1e-6)
    structured = call_rule(LogNormal, "log_mean", m_out=out, q_log_variance=v)

    def integral(m):
        logs = [mean_log_f(np.exp(k), m) + out.log_pdf(np.exp(k)) + k for k in y]
        return np.log(np.exp(logs).sum())

    assert_same_shape(structured, integral, POINTS, 1e-6)
    for q_out, inside in ((out, log_out), (PointMass(1.7), PointMass(np.log(1.7)))):
        message = call_rule(LogNormal, "log_variance", q_out=q_out, q_log_mean=M)
        square = expectation(lambda y, m: (y - m) ** 2, inside, M)
        assert_same_shape(message, lambda u, s=square: -0.5 * np.log(u) - s / (2 * u), POSITIVE)
        energy = average_energy(LogNormal, q_out=q_out, q_log_mean=M, q_log_variance=v)
        expected = -expectation(lambda y, m, v: log_normal_pdf(np.exp(y), m, v), inside, M, v)
        assert energy == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("scale", [PointMass(0.6), InverseGamma(3.0, 2.0)])
def test_laplace(scale):
    out, mean_inverse = PointMass(1.4), expectation(lambda b: 1 / b, scale)
    for to, given in (("mean", "q_out"), ("out", "q_mean")):
        message = call_rule(Laplace, to, **{given: out}, q_scale=scale)
        assert_same_shape(message, lambda x: -abs(x - 1.4) * mean_inverse, POINTS)
        for m in (M, NormalMeanVariance(-3.0, 5.0), NormalMeanVariance(1.4, 0.01), NormalMeanVariance(30.0, 1.0)):
            site = call_rule(Laplace, to, **{given: out, f"m_{to}": m}, q_scale=scale)
            assert {type(value) for value in site.parameters.values()} == {float}
            assert_keeps_moments(site, m, lambda x: -abs(x - 1.4) * mean_inverse)
    x = np.linspace(-12.0, 14.0, 400_001)
    for q_mean in (M, PointMass(0.3)):
        w = np.exp(M.log_pdf(x)) * (x[1] - x[0])
        distance = (w * abs(x - 1.4)).sum() if q_mean is M else 1.1
        message = call_rule(Laplace, "scale", q_out=out, q_mean=q_mean)
        assert_same_shape(message, lambda b, d=distance: -np.log(b) - d / b, POSITIVE, 1e-7)
        energy = average_energy(Laplace, q_out=out, q_mean=q_mean, q_scale=scale)
        expected = np.log(2) + expectation(np.log, scale) + mean_inverse * distance
        assert energy == pytest.approx(expected, rel=1e-7)


def test_laplace_far_from_the_kink_neither_overflows_nor_warns():
    for mean in (-1e4, 1e4):
        site = call_rule(Laplace, "mean", q_out=PointMass(0.0), q_scale=PointMass(2.0), m_mean=NormalMeanVariance(mean, 1.0))
        assert site.precision == pytest.approx(0.0, abs=1e-12)
        assert site.weighted_mean == pytest.approx(-np.sign(mean) / 2.0)


@pytest.mark.parametrize("df", [1.0, 3.5, 200.0])
def test_student_t(df):
    out, scale, nu = PointMass(1.4), PointMass(0.6), PointMass(df)
    other = stats.t(df, 1.4, 0.6)
    for to, given in (("location", "m_out"), ("out", "m_location")):
        parts = {given: out, "m_scale": scale, "m_df": nu}
        assert_same_shape(call_rule(StudentT, to, **parts), other.logpdf, POINTS)
        for m in (M, NormalMeanVariance(-3.0, 2.0), NormalMeanVariance(1.4, 0.01), NormalMeanVariance(10.0, 1.0)):
            site = call_rule(StudentT, to, **parts, **{f"m_{to}": m})
            assert {type(value) for value in site.parameters.values()} == {float}
            assert_keeps_moments(site, m, other.logpdf)
    q = {"q_out": out, "q_scale": scale, "q_df": nu}
    expected = -expectation(other.logpdf, M, n=2000)
    assert average_energy(StudentT, **q, q_location=M) == pytest.approx(expected, rel=1e-3 if df == 1.0 else 1e-5)
    assert average_energy(StudentT, **q, q_location=PointMass(0.3)) == pytest.approx(-other.logpdf(0.3))


ANGLES = np.linspace(-3.0, 3.0, 7)
TURN = np.linspace(-np.pi, np.pi, 4001)[:-1]


def test_von_mises():
    q, k = VonMises(0.5, 2.0), PointMass(3.0)
    weight = np.exp(q.log_pdf(TURN)) * (TURN[1] - TURN[0])
    concentration = GammaShapeRate(4.0, 2.0)
    for to, given in (("out", "mean"), ("mean", "out")):
        message = call_rule(VonMises, to, **{f"q_{given}": q}, q_concentration=concentration)
        assert_same_shape(message, lambda x: 2.0 * (weight * np.cos(x - TURN)).sum(), ANGLES)
        message = call_rule(VonMises, to, **{f"q_{given}": PointMass(0.7)}, q_concentration=k)
        assert_same_shape(message, lambda x: 3.0 * np.cos(x - 0.7), ANGLES)
        summed = call_rule(VonMises, to, **{f"m_{given}": q}, q_concentration=k)
        around = np.exp(3.0 * np.cos(TURN)) / np.exp(3.0 * np.cos(TURN)).sum()
        moment = (weight * np.exp(1j * TURN)).sum() * (around * np.exp(1j * TURN)).sum()
        assert summed.length * np.exp(1j * summed.mean) == pytest.approx(moment, rel=1e-9)
    cosine = (weight * np.cos(TURN - 0.7)).sum()
    message = call_rule(VonMises, "concentration", q_out=PointMass(0.7), q_mean=q)
    assert_same_shape(message, lambda c: c * cosine - np.log(i0e(c)) - c, POSITIVE)
    energy = average_energy(VonMises, q_out=PointMass(0.7), q_mean=q, q_concentration=k)
    assert energy == pytest.approx(np.log(2 * np.pi * i0e(3.0)) + 3.0 - 3.0 * cosine)
    joint = call_marginal_rule(VonMises, "out_mean", m_out=PointMass(0.7), m_mean=q, q_concentration=concentration)
    assert_same_shape(joint.factors["mean"], lambda x: q.log_pdf(x) + 2.0 * np.cos(x - 0.7), ANGLES)
    joint = call_marginal_rule(VonMises, "out_mean_concentration", m_out=PointMass(0.7), m_mean=q, m_concentration=k)
    assert_same_shape(joint.factors["mean"], lambda x: q.log_pdf(x) + 3.0 * np.cos(x - 0.7), ANGLES)


def test_batches():
    ys, ms = [PointMass(1.4), PointMass(0.3)], [M, NormalMeanVariance(2.0, 0.1)]
    vs, scales, dfs = [V, InverseGamma(4.0, 1.0)], [PointMass(0.6), PointMass(2.0)], [PointMass(1.0), PointMass(9.0)]
    assert_rows_alike(lambda **q: call_rule(LogNormal, "out", **q), m_log_mean=ms, q_log_variance=vs)
    assert_rows_alike(lambda **q: call_rule(LogNormal, "log_mean", **q), q_out=ys, q_log_variance=vs)
    assert_rows_alike(lambda **q: call_rule(LogNormal, "log_variance", **q), q_out=ys, q_log_mean=ms)
    assert_rows_alike(lambda **q: average_energy(LogNormal, **q), q_out=ys, q_log_mean=ms, q_log_variance=vs)
    for node, to, rest in ((Laplace, "mean", {}), (StudentT, "location", {"q_df": dfs})):
        given = {"q_out": ys, "q_scale": scales, **rest}
        assert_rows_alike(lambda node=node, to=to, **q: call_rule(node, to, **q), **given)
        assert_rows_alike(lambda node=node, to=to, **q: call_rule(node, to, **q), **given, **{f"m_{to}": ms})
        assert_rows_alike(lambda node=node, **q: average_energy(node, **q), **given, **{f"q_{to}": ms})
    assert_rows_alike(lambda **q: call_rule(Laplace, "scale", **q), q_out=ys, q_mean=ms)
    angles = [VonMises(0.5, 2.0), VonMises(-1.0, 0.3)]
    for role in ("m_mean", "q_mean"):
        assert_rows_alike(lambda **q: call_rule(VonMises, "out", **q), **{role: angles}, q_concentration=scales)
    assert_rows_alike(lambda **q: average_energy(VonMises, **q), q_out=ys, q_mean=angles, q_concentration=scales)
