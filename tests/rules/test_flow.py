"""Flow: Gaussians through the derivative at the proper point, and through sigma points."""

from types import SimpleNamespace

import numpy as np
import pytest

from reactivepgm.distributions import (
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
)
from reactivepgm.errors import ParametrisationError
from reactivepgm.nodes import AdditiveCoupling, Flow, FlowMeta, FlowModel, Permutation, PlanarFlow, RadialFlow
from reactivepgm.rulebook import call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike

# Jacobians that vary in every coordinate, so that the point of linearisation shows.
MODEL = FlowModel(PlanarFlow([0.5, 0.8], [1.0, 0.4], 0.2), RadialFlow([0.3, -0.2], 1.0, 0.7), Permutation([1, 0]))
META = FlowMeta(MODEL)
SIGMA = FlowMeta(MODEL, SimpleNamespace(alpha=1e-3, beta=2.0, kappa=0.0))
MEAN, COVARIANCE = np.array([0.6, -0.9]), np.array([[0.5, 0.2], [0.2, 0.8]])
FORMS = [
    MvNormalMeanCovariance(MEAN, COVARIANCE),
    MvNormalMeanPrecision(MEAN, np.linalg.inv(COVARIANCE)),
    MvNormalWeightedMeanPrecision(np.linalg.solve(COVARIANCE, MEAN), np.linalg.inv(COVARIANCE)),
]


def derivative(f, x, step=1e-6):
    return np.stack([(f(x + step * e) - f(x - step * e)) / (2 * step) for e in np.eye(2)], axis=-1)


@pytest.mark.parametrize("m", FORMS, ids=lambda m: type(m).__name__)
def test_linearised(m):
    for to, name, f in (("out", "m_in", MODEL.forward), ("in", "m_out", MODEL.backward)):
        message = call_rule(Flow, to, meta=META, **{name: m})
        assert type(message) is type(m)
        slope = derivative(f, MEAN)
        np.testing.assert_allclose(message.mean, f(MEAN), rtol=1e-9)
        np.testing.assert_allclose(message.covariance, slope @ COVARIANCE @ slope.T, rtol=1e-7)


@pytest.mark.parametrize("m", FORMS, ids=lambda m: type(m).__name__)
def test_forward_and_back_is_the_identity(m):
    there = call_rule(Flow, "out", meta=META, m_in=m)
    back = call_rule(Flow, "in", meta=META, m_out=there)
    np.testing.assert_allclose(back.mean, MEAN, rtol=1e-9)
    np.testing.assert_allclose(back.covariance, COVARIANCE, rtol=1e-9)


def sigma_points(f, m, alpha, beta, kappa):
    """The textbook's form: weights, then weighted sums."""
    d = len(m.mean)
    lam = alpha**2 * (d + kappa) - d
    root = np.linalg.cholesky((d + lam) * m.covariance)
    points = np.array([m.mean, *(m.mean + root.T), *(m.mean - root.T)])
    weights = np.full(2 * d + 1, 0.5 / (d + lam))
    weights[0] = lam / (d + lam)
    y = np.array([f(x) for x in points])
    mean = weights @ y
    weights[0] += 1 - alpha**2 + beta
    return mean, (y - mean).T @ ((y - mean) * weights[:, None])


@pytest.mark.parametrize("m", FORMS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize(("alpha", "beta", "kappa"), [(1.0, 0.0, 1.0), (0.5, 2.0, 0.0)])
def test_unscented(m, alpha, beta, kappa):
    meta = FlowMeta(MODEL, SimpleNamespace(alpha=alpha, beta=beta, kappa=kappa))
    for to, name, f in (("out", "m_in", MODEL.forward), ("in", "m_out", MODEL.backward)):
        message = call_rule(Flow, to, meta=meta, **{name: m})
        mean, covariance = sigma_points(f, m, alpha, beta, kappa)
        np.testing.assert_allclose(message.mean, mean, rtol=1e-9)
        np.testing.assert_allclose(message.covariance, covariance, rtol=1e-9)


def test_unscented_is_closer_than_linearised():
    m = MvNormalMeanCovariance(MEAN, 0.04 * COVARIANCE)
    draws = MODEL.forward(np.random.default_rng(0).multivariate_normal(m.mean, m.covariance, 400_000))
    bent, flat = (call_rule(Flow, "out", meta=meta, m_in=m) for meta in (SIGMA, META))
    assert np.abs(bent.mean - draws.mean(0)).max() < 0.5 * np.abs(flat.mean - draws.mean(0)).max()


@pytest.mark.parametrize("meta", [META, SIGMA])
@pytest.mark.parametrize("m_in", FORMS, ids=lambda m: type(m).__name__)
def test_marginal(meta, m_in):
    m_out = MvNormalMeanPrecision(np.array([0.4, 1.2]), np.array([[2.0, 0.3], [0.3, 1.0]]))
    back = call_rule(Flow, "in", meta=meta, m_out=m_out)
    joint = call_marginal_rule(Flow, "in", meta=meta, m_out=m_out, m_in=m_in)
    np.testing.assert_allclose(joint.precision, back.precision + m_in.precision, rtol=1e-9)
    np.testing.assert_allclose(joint.weighted_mean, back.weighted_mean + m_in.weighted_mean, rtol=1e-9)


def test_a_coupling_of_a_planar_flow():
    model = FlowModel(AdditiveCoupling(PlanarFlow(1.0, 2.0, 3.0)))
    m = MvNormalMeanPrecision([3.0, -1.5], np.eye(2))
    slope = 1.0 + 2.0 * (1.0 - np.tanh(9.0) ** 2)
    message = call_rule(Flow, "in", meta=FlowMeta(model), m_out=m)
    np.testing.assert_allclose(message.mean, [3.0, -1.5 - 3.0 - np.tanh(9.0)])
    np.testing.assert_allclose(message.covariance, [[1.0, -slope], [-slope, 1.0 + slope**2]])
    sigma = call_rule(Flow, "in", meta=FlowMeta(model, SIGMA.approximation), m_out=m)
    np.testing.assert_allclose(sigma.covariance, message.covariance, atol=2e-5)


def test_points_and_wrong_approximations():
    point = call_rule(Flow, "out", meta=META, m_in=PointMass(MEAN))
    np.testing.assert_allclose(call_rule(Flow, "in", meta=META, m_out=point).value, MEAN)
    assert isinstance(call_marginal_rule(Flow, "in", meta=META, m_out=point, m_in=FORMS[0]), PointMass)
    with pytest.raises(ParametrisationError, match="alpha, beta and kappa"):
        call_rule(Flow, "out", meta=FlowMeta(MODEL, "unscented"), m_in=FORMS[0])
    with pytest.raises(TypeError, match="FlowMeta"):
        Flow(MEAN)


@pytest.mark.parametrize("meta", [META, SIGMA])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_batches(meta, kind):
    other = MvNormalMeanCovariance([1.0, 2.0], [[1.0, -0.3], [-0.3, 0.4]])
    other = type(FORMS[kind])(*(getattr(other, name) for name in FORMS[kind].parameter_ranks))
    rows = [FORMS[kind], other]
    assert_rows_alike(lambda **m: call_rule(Flow, "out", meta=meta, **m), m_in=rows)
    assert_rows_alike(lambda **m: call_rule(Flow, "in", meta=meta, **m), m_out=rows)
    assert_rows_alike(lambda **m: call_marginal_rule(Flow, "in", meta=meta, **m), m_out=rows, m_in=rows[::-1])
