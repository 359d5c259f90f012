"""Messages of functions against dense linear algebra, quadrature, and the laws of batches."""

import numpy as np
import pytest

from reactivepgm.distributions import (
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
)
from reactivepgm.errors import InferenceError, NoRuleError, ParametrisationError
from reactivepgm.nodes import Delta, DeltaMeta, GaussHermite, Linearisation, Linearization, Unscented
from reactivepgm.rulebook import call_marginal_rule, call_rule, find_kernel

METHODS = [Linearisation(), Linearisation(order=2), Unscented(), Unscented(alpha=1.0), GaussHermite(4)]
LINEAR = np.array([[1.0, 2.0], [0.0, -1.0]])


def mixed(x, v):
    """A number and a vector to a vector."""
    return LINEAR @ v + x * np.array([1.0, 3.0]) - 1.0


X, V = NormalMeanVariance(0.5, 2.0), MvNormalMeanCovariance([1.0, -1.0], [[1.0, 0.3], [0.3, 0.5]])
OUT = MvNormalMeanCovariance([2.0, 1.0], [[0.5, 0.1], [0.1, 0.4]])
A = np.concatenate([np.array([[1.0], [3.0]]), LINEAR], axis=1)


def dense():
    """Mean and covariance of [x; v] before and after out, by dense algebra."""
    mean = np.concatenate([[0.5], V.mean])
    covariance = np.zeros((3, 3))
    covariance[0, 0], covariance[1:, 1:] = 2.0, V.covariance
    total = A @ covariance @ A.T + OUT.covariance
    gain = np.linalg.solve(total, A @ covariance).T
    return mean, covariance, mean + gain @ (OUT.mean - A @ mean + 1.0), covariance - gain @ A @ covariance


@pytest.mark.parametrize("how", METHODS)
def test_a_linear_function_of_a_number_and_a_vector(how):
    node = Delta(mixed)
    mean, covariance, after, shrunk = dense()
    forward = call_rule(node, "out", meta=how, m_in=(X, V))
    np.testing.assert_allclose(forward.mean, A @ mean - 1.0, rtol=1e-8)
    np.testing.assert_allclose(forward.covariance, A @ covariance @ A.T, rtol=1e-8)
    joint = call_marginal_rule(node, "in", meta=how, m_out=OUT, m_in=(X, V))
    np.testing.assert_allclose(joint.mean, after, rtol=1e-8)
    np.testing.assert_allclose(joint.covariance, shrunk, rtol=1e-7, atol=1e-9)
    own = {"m_in1": X, "m_in2": V}
    back = call_rule(node, "in1", meta=how, m_out=OUT, **own)
    assert back.precision == pytest.approx(1 / shrunk[0, 0] - 1 / 2.0, rel=1e-7)
    assert back.weighted_mean == pytest.approx(after[0] / shrunk[0, 0] - 0.5 / 2.0, rel=1e-7)
    vector = call_rule(node, "in2", meta=how, m_out=OUT, **own)
    part = np.linalg.inv(shrunk[1:, 1:])
    np.testing.assert_allclose(vector.precision, part - V.precision, rtol=1e-7)
    np.testing.assert_allclose(vector.weighted_mean, part @ after[1:] - V.weighted_mean, rtol=1e-7)


@pytest.mark.parametrize("how", METHODS)
@pytest.mark.parametrize("position", [0, 1])
def test_the_direct_message_is_the_marginal_by_the_message(how, position):
    def f(a, b):
        return np.sin(a) * b

    a, b, out = NormalMeanVariance(0.4, 0.3), NormalMeanVariance(1.5, 0.2), NormalMeanPrecision(0.9, 4.0)
    joint = call_marginal_rule(Delta(f), "ins", meta=how, m_out=out, m_ins=(a, b))
    own = (a, b)[position]
    divided = call_rule(Delta(f), "in", index=position, meta=how, q_ins=joint, m_in=own)
    direct = call_rule(Delta(f), f"in{position + 1}", meta=how, m_out=out, m_in1=a, m_in2=b)
    assert direct.precision == pytest.approx(divided.precision, rel=1e-6)
    assert direct.weighted_mean == pytest.approx(divided.weighted_mean, rel=1e-6)


@pytest.mark.parametrize("out", [NormalMeanVariance(2.0, 0.5), NormalWeightedMeanPrecision(4.0, 2.0), PointMass(2.0)])
def test_all_forms_of_the_outputs_message(out):
    def f(x):
        return x * x + 1.0

    m_in = NormalMeanVariance(1.2, 0.3)
    slope, r = 2.4, 0.0 if isinstance(out, PointMass) else 0.5
    gain = 0.3 * slope / (0.3 * slope**2 + r)
    joint = call_marginal_rule(Delta(f), "in", meta=Linearisation(), m_out=out, m_in=(m_in,))
    assert joint.mean == pytest.approx(1.2 + gain * (2.0 - 2.44), rel=1e-8)
    assert joint.variance == pytest.approx(0.3 - gain * slope * 0.3, rel=1e-8, abs=1e-12)


def test_a_flat_output_says_nothing():
    flat = NormalWeightedMeanPrecision(0.0, 0.0)
    m_in = NormalMeanVariance(1.2, 0.3)
    message = call_rule(Delta(np.sin), "in1", meta=Unscented(), m_out=flat, m_in1=m_in)
    assert message == flat
    assert call_marginal_rule(Delta(np.sin), "in", meta=Unscented(), m_out=flat, m_in1=m_in).variance == pytest.approx(0.3)


def test_known_inverses():
    def power(x, y):
        return x**2 - y

    def x_of(out, y):
        return np.sqrt(out + y)

    def y_of(out, x):
        return x**2 - out

    meta = DeltaMeta(method=Linearization(), inverse=(x_of, y_of))
    out, x, y = NormalMeanVariance(2.0, 3.0), NormalMeanVariance(3.0, 0.1), NormalMeanVariance(5.0, 1.0)
    toward_x = call_rule(Delta(power), "in", index=0, meta=meta, m_out=out, m_ins=(y,))
    assert toward_x.mean == pytest.approx(np.sqrt(7.0)) and toward_x.variance == pytest.approx(4.0 / 28.0, rel=1e-9)
    toward_y = call_rule(Delta(power), "in", index=1, meta=meta, m_out=out, m_ins=(x,))
    assert toward_y.mean == pytest.approx(7.0) and toward_y.variance == pytest.approx(3.0 + 36.0 * 0.1, rel=1e-9)
    with pytest.raises(ParametrisationError, match="2 inverses, and none for input 3"):
        meta.inverse_toward(2)


def test_data_among_the_inputs():
    def f(u, x, v):
        return x * u + v[1]

    x = NormalMeanVariance(np.array([1.0, 2.0]), 0.5)
    known = {"q_in1": PointMass(3.0), "q_in3": PointMass([[0.0, 1.0], [0.0, 2.0]], event_rank=1)}
    forward = call_rule(Delta(f), "out", meta=Linearisation(), m_in2=x, **known)
    np.testing.assert_allclose(forward.mean, [4.0, 8.0])
    np.testing.assert_allclose(forward.variance, 4.5)
    back = call_rule(Delta(f), "in2", meta=Linearisation(), m_out=NormalMeanVariance(7.0, 9.0), m_in2=x, **known)
    np.testing.assert_allclose(back.precision, 1.0)
    np.testing.assert_allclose(back.mean, [2.0, 5.0 / 3.0])
    assert call_rule(Delta(f), "out", q_in1=PointMass(3.0), m_in2=PointMass(1.0), q_in3=PointMass([0.0, 1.0])).value == 4.0


@pytest.mark.parametrize("how", METHODS)
def test_a_batch_is_its_rows(how):
    def f(x, v):
        return np.array([np.sin(x) * v[0], v[1] ** 2 + x])

    rng = np.random.default_rng(2)
    x = NormalMeanVariance(rng.normal(size=12), rng.uniform(0.1, 1.0, size=12))
    root = rng.normal(size=(12, 2, 2))
    v = MvNormalMeanCovariance(rng.normal(size=(12, 2)), root @ np.swapaxes(root, 1, 2) + 0.1 * np.eye(2))
    out = MvNormalWeightedMeanPrecision(rng.normal(size=(12, 2)), np.broadcast_to(2.0 * np.eye(2), (12, 2, 2)))
    for to, inputs in (
        ("out", {"m_in1": x, "m_in2": v}),
        ("in1", {"m_out": out, "m_in1": x, "m_in2": v}),
        ("in2", {"m_out": out, "m_in1": x, "m_in2": v}),
    ):
        whole = call_rule(Delta(f), to, meta=how, **inputs)
        for row in range(12):
            one = call_rule(Delta(f), to, meta=how, **{name: part[row] for name, part in inputs.items()})
            for a, b in zip(whole[row].parameters.values(), one.parameters.values(), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("several", [False, True])
def test_derivatives_of_the_users_own(several):
    calls = []

    def f(x, v):
        return np.array([x * v[0], v[1]])

    def slopes(x, v):
        calls.append(x)
        return np.array([v[0], 0.0]), np.array([[x, 0.0], [0.0, 1.0]])

    x, v = NormalMeanVariance(0.7, 0.1), MvNormalMeanCovariance([1.0, 2.0], np.eye(2))
    if several:
        x = NormalMeanVariance(np.full(3, 0.7), 0.1)
    own = call_rule(Delta(f), "out", meta=Linearisation(jacobian=slopes), m_in=(x, v)) if not several else call_rule(
        Delta(f), "out", meta=Linearisation(jacobian=slopes), m_in1=x, m_in2=v
    )
    by_differences = call_rule(Delta(f), "out", meta=Linearisation(), m_in1=x, m_in2=v)
    np.testing.assert_allclose(own.covariance, by_differences.covariance, rtol=1e-9, atol=1e-12)
    assert calls


def test_the_kernel_is_the_forward_message():
    def f(x, y):
        return np.array([x * y, x - y])

    q = {"q_in1": NormalMeanVariance(1.0, 0.3), "q_in2": NormalMeanVariance(2.0, 0.1)}
    rule = find_kernel(Delta(f, 2), "out", ("in1", "in2"), {name: type(b) for name, b in q.items()}, Unscented())
    kernel = rule(meta=Unscented(), node=Delta(f, 2), **q)
    forward = call_rule(Delta(f), "out", meta=Unscented(), m_in1=q["q_in1"], m_in2=q["q_in2"])
    a, b = kernel.matrices
    np.testing.assert_allclose(0.3 * a @ a.T + 0.1 * b @ b.T + kernel.covariance, forward.covariance, rtol=1e-9)
    inverse = DeltaMeta(inverse=np.arcsin)
    assert find_kernel(Delta(np.sin, 1), "out", ("in",), {}, inverse) is None


def test_refusals():
    m_in, out = NormalMeanVariance(1.0, 0.3), NormalMeanVariance(0.5, 0.1)
    with pytest.raises(NoRuleError, match=r"needs the message on its own edge, m_in1"):
        call_rule(Delta(np.sin), "in", index=0, meta=Linearisation(), m_out=out)
    with pytest.raises(NoRuleError, match=r"needs a meta .*Linearisation\(\)\); or Unscented\(\), GaussHermite\(n\)"):
        call_rule(Delta(np.sin), "out", m_in=(m_in,))
    with pytest.raises(InferenceError, match="flat"):
        call_rule(Delta(np.sin), "out", meta=Linearisation(), m_in=(NormalWeightedMeanPrecision(0.0, 0.0),))
    with pytest.raises(ParametrisationError, match="method is Linearisation"):
        DeltaMeta(method=3)

    def halved(x):
        return float("nan") if x < 0 else x / 2

    with pytest.raises(InferenceError, match="halved gives no number at"):
        call_rule(Delta(halved), "out", meta=GaussHermite(9), m_in=(NormalMeanVariance(0.1, 1.0),))
