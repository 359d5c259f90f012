"""SoftDot against the quadrature of its log factor, whose expectations are quadratic forms."""

import numpy as np
import pytest

from reactivepgm.distributions import (
    GammaShapeRate,
    GammaShapeScale,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
)
from reactivepgm.errors import NoRuleError
from reactivepgm.nodes import SoftDot, node_of
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule, find_kernel
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.gaussian_forms import assert_message, forms, random_belief
from tests.oracles.quadratic import expect, quadratic, quadratic_mean, scalar_log_pdf, told, with_message

GAMMAS = [GammaShapeRate(3.0, 2.0), GammaShapeScale(2.0, 0.5), PointMass(1.5)]


def thetas(d):
    mean, covariance = random_belief(np.random.default_rng(d + 10), d)
    return [*forms(mean, covariance)[:2], PointMass(mean)]


def xs(d):
    mean, covariance = random_belief(np.random.default_rng(d + 20), d)
    return [*forms(mean, covariance)[:2], PointMass(mean)]


def dot(theta, x, d):
    return (theta * x).sum(-1) if d else theta * x


def log_factor(y, theta, x, gamma, d):
    return scalar_log_pdf(y - dot(theta, x, d), gamma)


def between(q_theta, q_gamma, d):
    """The factor between y and x, as a quadratic form in [y, x]."""

    def f(z):
        x = z[1:] if d else z[1]
        return expect(lambda t, g: log_factor(z[0], t, x, g, d), q_theta, q_gamma)

    return quadratic(f, 1 + max(d, 1))


@pytest.mark.parametrize("d", [0, 1, 2, 3])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_messages_inside_the_cluster(d, gamma):
    n = max(d, 1)
    rng = np.random.default_rng(3)
    ys, xbeliefs = forms(*random_belief(rng, 0)), forms(*random_belief(rng, d))
    row, block = np.eye(1 + n)[:1], np.eye(1 + n)[1:]
    for theta in thetas(d):
        h, k = between(theta, gamma, d)
        for m_x in xbeliefs:
            message = call_rule(SoftDot, "y", m_x=m_x, q_theta=theta, q_gamma=gamma)
            assert_message(message, *told(*with_message(h, k, m_x, block), [0]))
        for m_y in ys:
            message = call_rule(SoftDot, "x", m_y=m_y, q_theta=theta, q_gamma=gamma)
            assert_message(message, *told(*with_message(h, k, m_y, row), range(1, 1 + n)))
        for m_y in ys:
            for m_x in xbeliefs:
                joint = call_marginal_rule(SoftDot, "y_x", m_y=m_y, m_x=m_x, q_theta=theta, q_gamma=gamma)
                total_h, total_k = with_message(*with_message(h, k, m_y, row), m_x, block)
                covariance = np.linalg.inv(total_k)
                np.testing.assert_allclose(joint.covariance, covariance, rtol=1e-8, atol=1e-10)
                np.testing.assert_allclose(joint.mean, covariance @ total_h, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("d", [0, 2])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_variational_messages(d, gamma):
    n = max(d, 1)
    y = NormalMeanVariance(0.7, 1.3)
    for theta in thetas(d):
        for x in xs(d):
            message = call_rule(SoftDot, "y", q_theta=theta, q_x=x, q_gamma=gamma)
            oracle = quadratic_mean(lambda z, t, v, g: log_factor(z[0], t, v, g, d), 1, theta, x, gamma)
            assert_message(message, *oracle)
            rate = expect(lambda v, t, u: (v - dot(t, u, d)) ** 2 / 2, y, theta, x)
            message = call_rule(SoftDot, "gamma", q_y=y, q_theta=theta, q_x=x)
            assert (message.shape, message.rate) == (1.5, pytest.approx(rate, rel=1e-9))
        for q_y in (y, PointMass(0.7)):
            message = call_rule(SoftDot, "x", q_y=q_y, q_theta=theta, q_gamma=gamma)
            oracle = quadratic_mean(
                lambda z, v, t, g: log_factor(v, t, z if d else z[0], g, d), n, q_y, theta, gamma
            )
            assert_message(message, *oracle)
            message = call_rule(SoftDot, "theta", q_y=q_y, q_x=theta, q_gamma=gamma)
            assert_message(message, *oracle)


@pytest.mark.parametrize("d", [0, 2])
def test_under_a_joint_of_y_and_x(d):
    n = max(d, 1)
    rng = np.random.default_rng(7)
    root = rng.normal(size=(n + 1, n + 1))
    joints = forms(rng.normal(size=n + 1), root @ root.T)
    gamma = GAMMAS[0]
    for joint in joints:
        def f(z, t, g):
            return log_factor(z[..., 0], t, z[..., 1:] if d else z[..., 1], g, d)

        message = call_rule(SoftDot, "theta", q_y_x=joint, q_gamma=gamma)
        assert_message(message, *quadratic_mean(lambda t, z, g: f(z, t if d else t[0], g), n, joints[0], gamma))
        for theta in thetas(d):
            message = call_rule(SoftDot, "gamma", q_y_x=joint, q_theta=theta)
            rate = expect(lambda z, t: (z[..., 0] - dot(t, z[..., 1:] if d else z[..., 1], d)) ** 2 / 2, joints[0], theta)
            assert (message.shape, message.rate) == (1.5, pytest.approx(rate, rel=1e-9))
            energy = average_energy(SoftDot, q_y_x=joint, q_theta=theta, q_gamma=gamma)
            assert energy == pytest.approx(-expect(f, joints[0], theta, gamma), rel=1e-9)


@pytest.mark.parametrize("d", [0, 2])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_energy(d, gamma):
    y = NormalMeanVariance(0.7, 1.3)
    for theta in thetas(d):
        for x in xs(d):
            for q_y in (y, PointMass(0.7)):
                energy = average_energy(SoftDot, q_y=q_y, q_theta=theta, q_x=x, q_gamma=gamma)
                expected = -expect(lambda v, t, u, g: log_factor(v, t, u, g, d), q_y, theta, x, gamma)
                assert energy == pytest.approx(expected, rel=1e-9)


def test_flat_and_singular_messages():
    theta, gamma = PointMass([1.0, 2.0]), PointMass(2.0)
    flat = NormalWeightedMeanPrecision(0.0, 0.0)
    message = call_rule(SoftDot, "x", m_y=flat, q_theta=theta, q_gamma=gamma)
    np.testing.assert_array_equal(message.precision, 0.0)
    sure = MvNormalMeanCovariance([1.0, 1.0], np.zeros((2, 2)))
    assert call_rule(SoftDot, "y", m_x=sure, q_theta=theta, q_gamma=gamma) == NormalMeanVariance(3.0, 0.5)
    joint = call_marginal_rule(SoftDot, "y_x", m_y=flat, m_x=sure, q_theta=theta, q_gamma=gamma)
    np.testing.assert_allclose(joint.covariance, np.diag([0.5, 0.0, 0.0]), atol=1e-15)
    uncertain = MvNormalMeanCovariance([1.0, 2.0], np.eye(2))
    unknown = MvNormalWeightedMeanPrecision(np.zeros(2), np.zeros((2, 2)))
    tilted = call_rule(SoftDot, "y", m_x=unknown, q_theta=uncertain, q_gamma=gamma)
    assert tilted.variance == pytest.approx(0.5 * 5.0 + 0.5)


def test_shapes_without_an_inner_product():
    number, vector = NormalMeanVariance(1.0, 1.0), MvNormalMeanCovariance(np.ones(2), np.eye(2))
    for theta, x in ((number, vector), (vector, number), (PointMass(np.ones(3)), vector)):
        with pytest.raises(NoRuleError, match="no inner product"):
            call_rule(SoftDot, "y", q_theta=theta, q_x=x, q_gamma=PointMass(1.0))
        with pytest.raises(NoRuleError, match="no inner product"):
            call_rule(SoftDot, "gamma", q_y=number, q_theta=theta, q_x=x)
    with pytest.raises(NoRuleError, match="y is a number"):
        call_rule(SoftDot, "x", q_y=vector, q_theta=number, q_gamma=PointMass(1.0))


def test_kernel_for_a_known_theta_only():
    known = {"q_theta": PointMass, "q_gamma": GammaShapeRate}
    kernel = find_kernel(SoftDot, "y", ("x",), known, None)(q_theta=PointMass([1.0, 2.0]), q_gamma=GammaShapeRate(4.0, 2.0))
    np.testing.assert_allclose(kernel.matrices[0], [[1.0, 2.0]])
    np.testing.assert_allclose(kernel.covariance, [[0.5]])
    assert find_kernel(SoftDot, "y", ("x",), {**known, "q_theta": MvNormalMeanCovariance}, None) is None


@pytest.mark.parametrize("d", [0, 2])
def test_batches(d):
    rng = np.random.default_rng(5)
    thetas_, xs_ = ([forms(*random_belief(rng, d))[0] for _ in range(3)] for _ in range(2))
    infos = [forms(*random_belief(rng, d))[2] for _ in range(3)]
    ys = [NormalMeanPrecision(float(rng.normal()), float(rng.uniform(1, 2))) for _ in range(3)]
    gammas = [GammaShapeRate(float(s), 2.0) for s in (1.0, 2.0, 3.0)]
    n = max(d, 1)
    roots = rng.normal(size=(3, n + 1, n + 1))
    joints = [MvNormalMeanPrecision(rng.normal(size=n + 1), root @ root.T) for root in roots]
    for x in (xs_, infos):
        assert_rows_alike(lambda **q: call_rule(SoftDot, "y", **q), m_x=x, q_theta=thetas_, q_gamma=gammas)
        assert_rows_alike(
            lambda **q: call_marginal_rule(SoftDot, "y_x", **q), m_y=ys, m_x=x, q_theta=thetas_, q_gamma=gammas
        )
    assert_rows_alike(lambda **q: call_rule(SoftDot, "y", **q), q_x=xs_, q_theta=thetas_, q_gamma=gammas)
    for role in ("m_y", "q_y"):
        assert_rows_alike(lambda **q: call_rule(SoftDot, "x", **q), q_theta=thetas_, q_gamma=gammas, **{role: ys})
    assert_rows_alike(lambda **q: call_rule(SoftDot, "theta", **q), q_y=ys, q_x=xs_, q_gamma=gammas)
    assert_rows_alike(lambda **q: call_rule(SoftDot, "theta", **q), q_y_x=joints, q_gamma=gammas)
    assert_rows_alike(lambda **q: call_rule(SoftDot, "gamma", **q), q_y=ys, q_x=xs_, q_theta=thetas_)
    assert_rows_alike(lambda **q: call_rule(SoftDot, "gamma", **q), q_y_x=joints, q_theta=thetas_)
    assert_rows_alike(lambda **q: average_energy(SoftDot, **q), q_y=ys, q_x=xs_, q_theta=thetas_, q_gamma=gammas)
    assert_rows_alike(lambda **q: average_energy(SoftDot, **q), q_y_x=joints, q_theta=thetas_, q_gamma=gammas)


def test_the_node_itself():
    node = node_of("softdot")
    assert node is SoftDot
    assert node.names == ("y", "theta", "x", "gamma")
    expected = scalar_log_pdf(1.0 - 11.0, 2.0)
    assert node.log_density(1.0, [1.0, 2.0], [3.0, 4.0], 2.0) == pytest.approx(expected)
    points = (PointMass([1.0, 2.0]), PointMass(np.ones((4000, 2)), event_rank=1), PointMass(4.0))
    draws = node.batch_sampler(np.random.default_rng(1), (4000,), *points)
    assert abs(draws.mean() - 3.0) < 0.05
    assert abs(draws.std() - 0.5) < 0.03
