"""ContinuousTransition against the quadrature of its log factor, the matrix linearised by hand where it is not linear."""

import numpy as np
import pytest

from reactivepgm.distributions import (
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
    Wishart,
)
from reactivepgm.errors import InvalidParameterError, NoRuleError, ParametrisationError
from reactivepgm.nodes import ContinuousTransition, ContinuousTransitionMeta
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule, find_kernel
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.gaussian_forms import assert_message, forms, random_belief
from tests.oracles.quadratic import expect, normal_log_pdf, quadratic, told, with_message
from tests.oracles.quadrature_nodes import mean_log_det

N = 2  # length of y; Wishart nodes are 2 x 2


def plain(a):
    return np.reshape(a, (2, 2))


def sheared(a):
    """Linear with a constant part; 2 x 3."""
    return np.array([[a[0], a[0] + a[1], 1.0], [2.0, a[1], a[0]]])


def rotation(a):
    return np.array([[np.cos(a[0]), -np.sin(a[0])], [np.sin(a[0]), a[1] * np.cos(a[0])]])


def rotation_slope(a):
    return np.stack(
        [
            np.array([[-np.sin(a[0]), -np.cos(a[0])], [np.cos(a[0]), -a[1] * np.sin(a[0])]]),
            np.array([[0.0, 0.0], [0.0, np.cos(a[0])]]),
        ],
        axis=-1,
    )


def batched_plain(a):
    return np.reshape(a, (*a.shape[:-1], 2, 2))


# the meta, the lengths of a and x
METAS = {
    "plain": (ContinuousTransitionMeta(plain), 4, 2),
    "vectorized": (ContinuousTransitionMeta(batched_plain, vectorized=True), 4, 2),
    "sheared": (ContinuousTransitionMeta(sheared), 2, 3),
    "rotation": (ContinuousTransitionMeta(rotation), 2, 2),
    "with jacobian": (ContinuousTransitionMeta(rotation, rotation_slope), 2, 2),
}
every = pytest.mark.parametrize("name", METAS)


def setting(name):
    meta, d, m = METAS[name]
    rng = np.random.default_rng(d)
    q_a = MvNormalMeanCovariance(*random_belief(rng, d))
    root = rng.normal(size=(N, N))
    q_w = Wishart(6.0, root @ root.T + np.eye(N))
    return meta, q_a, q_w, m


def matrices(name, at):
    """A(a) for many a at once, linearised at the mean where the function is not linear."""
    if name in ("plain", "vectorized"):
        return batched_plain
    if name == "sheared":
        zero = sheared(np.zeros(2))
        parts = [sheared(e) - zero for e in np.eye(2)]
        return lambda a: zero + sum(a[..., j, None, None] * parts[j] for j in range(2))
    base, slope = rotation(at), rotation_slope(at)
    return lambda a: base + ((a - at)[..., None, None, :] * slope).sum(-1)


def log_factor(name, q_a):
    linear = matrices(name, np.asarray(q_a.mean))

    def f(y, x, a, w):
        matrix = linear(np.asarray(a))
        return normal_log_pdf(y - (matrix @ x[..., None])[..., 0], w)

    return f


@every
@pytest.mark.parametrize("known", [False, True])
def test_inside_the_cluster(name, known):
    meta, q_a, q_w, m = setting(name)
    if known:
        q_a, q_w = PointMass(q_a.mean), PointMass(q_w.mean)
    w = PointMass(q_w.mean)  # log f is linear in W but for log|W|
    f = log_factor(name, q_a)
    h, k = quadratic(lambda z: expect(lambda a, w: f(z[:N], z[N:], a, w), q_a, w), N + m)
    rng = np.random.default_rng(1)
    ys, xs = forms(*random_belief(rng, N)), forms(*random_belief(rng, m))
    first, second = np.eye(N + m)[:N], np.eye(N + m)[N:]
    inputs = {"q_a": q_a, "q_W": q_w, "meta": meta}
    for m_x in xs:
        message = call_rule(ContinuousTransition, "y", m_x=m_x, **inputs)
        assert_message(message, *told(*with_message(h, k, m_x, second), range(N)), rtol=1e-7)
    for m_y in ys:
        message = call_rule(ContinuousTransition, "x", m_y=m_y, **inputs)
        assert_message(message, *told(*with_message(h, k, m_y, first), range(N, N + m)), rtol=1e-7)
        for m_x in xs:
            joint = call_marginal_rule(ContinuousTransition, "y_x", m_y=m_y, m_x=m_x, **inputs)
            total_h, total_k = with_message(*with_message(h, k, m_y, first), m_x, second)
            np.testing.assert_allclose(joint.covariance, np.linalg.inv(total_k), rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(joint.mean, np.linalg.solve(total_k, total_h), rtol=1e-7, atol=1e-9)
    if known:
        types = {"q_a": PointMass, "q_W": PointMass}
        kernel = find_kernel(ContinuousTransition, "y", ("x",), types, meta)(q_a=q_a, q_W=q_w, meta=meta)
        np.testing.assert_allclose(kernel.matrices[0], matrices(name, q_a.value)(q_a.value))
        np.testing.assert_allclose(kernel.covariance, np.linalg.inv(q_w.value))
    else:
        types = {"q_a": MvNormalMeanCovariance, "q_W": Wishart}
        assert find_kernel(ContinuousTransition, "y", ("x",), types, meta) is None


@every
def test_variational_messages(name):
    meta, q_a, q_w, m = setting(name)
    f = log_factor(name, q_a)
    w = PointMass(q_w.mean)
    rng = np.random.default_rng(2)
    q_y, q_x = (MvNormalMeanCovariance(*random_belief(rng, d)) for d in (N, m))
    for y, x in ((q_y, q_x), (PointMass(q_y.mean), q_x), (q_y, PointMass(q_x.mean))):
        message = call_rule(ContinuousTransition, "y", q_x=x, q_a=q_a, q_W=q_w, meta=meta)
        assert_message(message, *quadratic(lambda v, x=x: expect(lambda x, a: f(v, x, a, w.value), x, q_a), N), rtol=1e-7)
        message = call_rule(ContinuousTransition, "x", q_y=y, q_a=q_a, q_W=q_w, meta=meta)
        assert_message(message, *quadratic(lambda v, y=y: expect(lambda y, a: f(y, v, a, w.value), y, q_a), m), rtol=1e-7)
        message = call_rule(ContinuousTransition, "a", q_y=y, q_x=x, q_a=q_a, q_W=q_w, meta=meta)
        oracle = quadratic(lambda v, y=y, x=x: expect(lambda y, x: f(y, x, v, w.value), y, x), len(q_a.mean))
        assert_message(message, *oracle, rtol=1e-7)
        message = call_rule(ContinuousTransition, "W", q_y=y, q_x=x, q_a=q_a, meta=meta)
        _assert_scatter(message, lambda w, y=y, x=x: expect(lambda y, x, a: f(y, x, a, w), y, x, q_a))


@every
def test_under_a_joint(name):
    meta, q_a, q_w, m = setting(name)
    f = log_factor(name, q_a)
    w = PointMass(q_w.mean)
    rng = np.random.default_rng(3)
    joint = MvNormalMeanCovariance(*random_belief(rng, N + m))
    for q in forms(joint.mean, joint.covariance):
        message = call_rule(ContinuousTransition, "a", q_y_x=q, q_a=q_a, q_W=q_w, meta=meta)
        oracle = quadratic(lambda v: expect(lambda z: f(z[..., :N], z[..., N:], v, w.value), joint), len(q_a.mean))
        assert_message(message, *oracle, rtol=1e-7)
        message = call_rule(ContinuousTransition, "W", q_y_x=q, q_a=q_a, meta=meta)
        _assert_scatter(message, lambda w: expect(lambda z, a: f(z[..., :N], z[..., N:], a, w), joint, q_a))
        energy = average_energy(ContinuousTransition, q_y_x=q, q_a=q_a, q_W=q_w, meta=meta)
        expected = -expect(lambda z, a: f(z[..., :N], z[..., N:], a, w.value), joint, q_a) + _log_det_gap(q_w)
        assert energy == pytest.approx(expected, rel=1e-7)


@every
def test_energy(name):
    meta, q_a, q_w, m = setting(name)
    f = log_factor(name, q_a)
    rng = np.random.default_rng(4)
    q_y, q_x = (MvNormalMeanCovariance(*random_belief(rng, d)) for d in (N, m))
    for y, x in ((q_y, q_x), (PointMass(q_y.mean), q_x), (PointMass(q_y.mean), PointMass(q_x.mean))):
        for a in (q_a, PointMass(q_a.mean)):
            energy = average_energy(ContinuousTransition, q_y=y, q_x=x, q_a=a, q_W=q_w, meta=meta)
            expected = -expect(lambda y, x, a: f(y, x, a, q_w.mean), y, x, a) + _log_det_gap(q_w)
            assert energy == pytest.approx(expected, rel=1e-7)
            known = average_energy(ContinuousTransition, q_y=y, q_x=x, q_a=a, q_W=PointMass(q_w.mean), meta=meta)
            assert known == pytest.approx(expected - _log_det_gap(q_w), rel=1e-7)


def _log_det_gap(q_w):
    """-(E[log|W|] - log|E[W]|) / 2."""
    return -0.5 * (mean_log_det(q_w) - np.linalg.slogdet(q_w.mean)[1])


def _assert_scatter(message, log_density):
    """Wishart(n + 2, inv S), S from differences of the expected log factor, which is log|W|/2 - tr(S W)/2 + constant."""
    base, spread = np.eye(N), np.empty((N, N))

    def linear(w):
        return -2.0 * (log_density(w) - 0.5 * np.linalg.slogdet(w)[1])

    for i in range(N):
        for j in range(N):
            step = np.zeros((N, N))
            step[i, j] += 0.25
            step[j, i] += 0.25
            spread[i, j] = (linear(base + step) - linear(base)) / 0.5
    assert message.df == N + 2
    np.testing.assert_allclose(message.inverse_scale, spread, rtol=1e-7, atol=1e-9)


def test_finite_differences_have_order_four():
    slope = ContinuousTransitionMeta(rotation).linearised(np.array([0.7, -1.2]))[1]
    np.testing.assert_allclose(slope, rotation_slope(np.array([0.7, -1.2])), rtol=0, atol=1e-11)
    big = ContinuousTransitionMeta(plain).linearised(np.full(4, 1e6))[1]
    np.testing.assert_allclose(big, np.eye(4).reshape(2, 2, 4), atol=1e-10)


def test_improper_messages():
    meta, q_a, q_w, _ = setting("plain")
    flat = MvNormalWeightedMeanPrecision(np.zeros(2), np.zeros((2, 2)))
    sure = MvNormalMeanCovariance(np.ones(2), np.zeros((2, 2)))
    known = {"q_a": PointMass(q_a.mean), "q_W": q_w, "meta": meta}
    assert (call_rule(ContinuousTransition, "x", m_y=flat, **known).precision == 0).all()
    assert np.abs(call_rule(ContinuousTransition, "y", m_x=flat, **known).precision).max() == 0.0
    message = call_rule(ContinuousTransition, "y", m_x=sure, **known)
    np.testing.assert_allclose(message.covariance, np.linalg.inv(q_w.mean))
    message = call_rule(ContinuousTransition, "x", m_y=sure, **known)
    a = plain(q_a.mean)
    np.testing.assert_allclose(message.precision, a.T @ q_w.mean @ a, rtol=1e-9)


@every
def test_batches(name):
    meta, q_a, q_w, m = setting(name)
    rng = np.random.default_rng(6)
    d = len(q_a.mean)
    ys, xs = ([forms(*random_belief(rng, n))[form] for _ in range(3)] for n, form in ((N, 1), (m, 0)))
    as_ = [MvNormalMeanCovariance(*random_belief(rng, d)) for _ in range(3)]
    ws = [Wishart(4.0 + i, q_w.scale) for i in range(3)]
    joints = [MvNormalMeanPrecision(*random_belief(rng, N + m)) for _ in range(3)]
    for to, role, given in (("y", "m_x", xs), ("y", "q_x", xs), ("x", "m_y", ys), ("x", "q_y", ys), ("a", "q_y_x", joints)):
        assert_rows_alike(
            lambda t=to, **i: call_rule(ContinuousTransition, t, meta=meta, **i), q_a=as_, q_W=ws, **{role: given}
        )
    for both in ({"q_y": ys, "q_x": xs}, {"q_y_x": joints}):
        assert_rows_alike(lambda **i: call_rule(ContinuousTransition, "W", meta=meta, **i), q_a=as_, **both)
        assert_rows_alike(lambda **i: call_rule(ContinuousTransition, "a", meta=meta, **i), q_a=as_, q_W=ws, **both)
        assert_rows_alike(lambda **i: average_energy(ContinuousTransition, meta=meta, **i), q_a=as_, q_W=ws, **both)
    for shared in (as_, [as_[0]] * 3):
        assert_rows_alike(
            lambda **i: call_marginal_rule(ContinuousTransition, "y_x", meta=meta, **i), m_y=ys, m_x=xs, q_a=shared, q_W=ws
        )


@pytest.mark.parametrize("name", ["plain", "sheared"])
def test_a_linear_matrix_may_be_linearised_anywhere(name):
    meta, q_a, q_w, m = setting(name)
    rng = np.random.default_rng(7)
    somewhere = ContinuousTransitionMeta(meta.function, at=rng.normal(size=len(q_a.mean)))
    q_y, q_x, joint = (MvNormalMeanCovariance(*random_belief(rng, n)) for n in (N, m, N + m))
    for inputs in ({"q_y": q_y, "q_x": q_x, "q_W": q_w}, {"q_y_x": joint, "q_W": q_w}):
        expected = call_rule(ContinuousTransition, "a", q_a=q_a, meta=meta, **inputs)
        message = call_rule(ContinuousTransition, "a", meta=somewhere, **inputs)
        assert_message(message, expected.weighted_mean, expected.precision, rtol=1e-9)
        with pytest.raises(NoRuleError, match="at=point"):
            call_rule(ContinuousTransition, "a", meta=meta, **inputs)


def test_what_is_wrong_with_a_meta():
    with pytest.raises(InvalidParameterError, match="must return a matrix"):
        ContinuousTransitionMeta(lambda a: a).linearised(np.ones(2))
    with pytest.raises(ParametrisationError, match="meta=ContinuousTransitionMeta"):
        ContinuousTransition(np.ones(2), np.ones(4), np.eye(2))
