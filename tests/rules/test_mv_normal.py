"""MvNormalMeanCovariance and MvNormalMeanPrecision against dense algebra and sampling-free expectations."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    InverseWishart,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
    Wishart,
)
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule, find_kernel
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.dense_factor import DenseFactor
from tests.oracles.gaussian_forms import assert_message, forms, random_belief
from tests.oracles.quadrature_nodes import expectation

NODES = {"covariance": MvNormalMeanCovariance, "precision": MvNormalMeanPrecision}
DIMENSIONS = [1, 2, 3]


def spread(name, d, random=False):
    """A belief about the covariance or the precision, and the effective covariance: inv E[inv Σ] or inv E[Λ]."""
    root = np.random.default_rng(d).normal(size=(d, d))
    matrix = root @ root.T + np.eye(d)
    if not random:
        return PointMass(matrix), matrix if name == "covariance" else np.linalg.inv(matrix)
    if name == "covariance":
        return InverseWishart(d + 14.0, matrix), matrix / (d + 14.0)
    return Wishart(d + 14.0, matrix), np.linalg.inv(matrix) / (d + 14.0)


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("name", NODES)
def test_messages(name, d, random):
    q, covariance = spread(name, d, random)
    factor = DenseFactor({"out": np.eye(d), "mean": -np.eye(d)}, covariance)
    belief = random_belief(np.random.default_rng(d), d)
    for to, other in (("out", "mean"), ("mean", "out")):
        for m in (*forms(*belief), PointMass(belief[0])):
            message = call_rule(NODES[name], to, **{f"m_{other}": m, f"q_{name}": q})
            assert_message(message, *factor.message(to, {other: m}))
            message = call_rule(NODES[name], to, **{f"q_{other}": m, f"q_{name}": q})
            assert_message(message, *factor.message(to, {other: PointMass(belief[0])}))


@pytest.mark.parametrize("name", NODES)
def test_a_vector_means_a_diagonal(name):
    m = MvNormalMeanCovariance([1.0, 2.0], np.eye(2))
    diagonal, matrix = PointMass([2.0, 3.0]), PointMass(np.diag([2.0, 3.0]))
    for belief in (m, PointMass([1.0, 2.0])):
        inputs = {"m_mean": belief, f"m_{name}": diagonal}
        assert call_rule(NODES[name], "out", **inputs) == call_rule(NODES[name], "out", **{**inputs, f"m_{name}": matrix})
        inputs = {"q_mean": belief, "q_out": belief, f"q_{name}": diagonal}
        assert average_energy(NODES[name], **inputs) == average_energy(NODES[name], **{**inputs, f"q_{name}": matrix})


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("name", NODES)
def test_joint(name, d, random):
    q, covariance = spread(name, d, random)
    factor = DenseFactor({"out": np.eye(d), "mean": -np.eye(d)}, covariance)
    rng = np.random.default_rng(d)
    outs, means = forms(*random_belief(rng, d)), forms(*random_belief(rng, d))
    for m_out in outs:
        for m_mean in means:
            joint = call_marginal_rule(NODES[name], "out_mean", m_out=m_out, m_mean=m_mean, **{f"q_{name}": q})
            mean, spread_ = factor.posterior(("out", "mean"), {"out": m_out, "mean": m_mean})
            np.testing.assert_allclose(joint.mean, mean, rtol=1e-9, atol=1e-10)
            np.testing.assert_allclose(joint.covariance, spread_, rtol=1e-9, atol=1e-10)
    for known, free in (("out", means), ("mean", outs)):
        other = {"out": "mean", "mean": "out"}[known]
        point = PointMass(np.ones(d))
        for m in free:
            inputs = {f"m_{known}": point, f"m_{other}": m}
            joint = call_marginal_rule(NODES[name], "out_mean", **inputs, **{f"q_{name}": q})
            mean, spread_ = factor.posterior((other,), {known: point, other: m})
            assert joint.factors[known] == point
            np.testing.assert_allclose(joint.factors[other].mean, mean, rtol=1e-9, atol=1e-10)
            np.testing.assert_allclose(joint.factors[other].covariance, spread_, rtol=1e-9, atol=1e-10)
            if not random:
                whole = call_marginal_rule(NODES[name], f"out_mean_{name}", **inputs, **{f"m_{name}": q})
                assert whole.factors == {**joint.factors, name: q}
    if not random:
        inputs = {"m_out": outs[0], "m_mean": means[0]}
        whole = call_marginal_rule(NODES[name], f"out_mean_{name}", **inputs, **{f"m_{name}": q})
        pair = call_marginal_rule(NODES[name], "out_mean", **inputs, **{f"q_{name}": q})
        assert whole.factors == {("out", "mean"): pair, name: q}


@pytest.mark.parametrize("kind", ["point", "random", "joint"])
@pytest.mark.parametrize("name", NODES)
def test_energy(name, kind):
    d = 2
    rng = np.random.default_rng(5)
    q, _ = spread(name, d, random=kind != "point")
    q_out, q_mean = forms(*random_belief(rng, d))[0], forms(*random_belief(rng, d))[1]

    def log_factor(out, mean, matrix):
        inverse = np.linalg.inv(matrix) if name == "covariance" else matrix
        gap = out - mean
        square = np.einsum("...i,...ij,...j->...", gap, inverse, gap)
        return -0.5 * (d * np.log(2 * np.pi) - np.linalg.slogdet(inverse)[1] + square)

    if kind == "joint":
        root = rng.normal(size=(2 * d, 2 * d))
        joint = MvNormalMeanCovariance(rng.normal(size=2 * d), root @ root.T)
        value = average_energy(NODES[name], q_out_mean=joint, **{f"q_{name}": q})
        expected = -expectation(lambda z, m: log_factor(z[..., :d], z[..., d:], m), joint, q, n=40)
    else:
        value = average_energy(NODES[name], q_out=q_out, q_mean=q_mean, **{f"q_{name}": q})
        expected = -expectation(log_factor, q_out, q_mean, q, n=40)
    assert value == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("name", NODES)
def test_energy_of_point_masses(name):
    y, m, s = np.array([1.0, 2.0]), np.zeros(2), np.array([[2.0, 0.5], [0.5, 1.0]])
    covariance = s if name == "covariance" else np.linalg.inv(s)
    value = average_energy(NODES[name], q_out=PointMass(y), q_mean=PointMass(m), **{f"q_{name}": PointMass(s)})
    assert value == pytest.approx(-stats.multivariate_normal(m, covariance).logpdf(y))


@pytest.mark.parametrize("d", DIMENSIONS)
def test_toward_the_spread(d):
    rng = np.random.default_rng(d)
    (m, v), (n, w) = random_belief(rng, d), random_belief(rng, d)
    scatter = v + w + np.outer(m - n, m - n)
    for q_out in forms(m, v):
        for q_mean in forms(n, w):
            inputs = {"q_out": q_out, "q_mean": q_mean}
            _assert_spread(inputs, d, scatter)
    _assert_spread({"q_out": PointMass(m), "q_mean": forms(n, w)[0]}, d, scatter - v)
    _assert_spread({"q_out": PointMass(m), "q_mean": PointMass(n)}, d, np.outer(m - n, m - n))
    mean, joint = random_belief(rng, 2 * d)
    gap = mean[:d] - mean[d:]
    tied = joint[:d, :d] + joint[d:, d:] - joint[:d, d:] - joint[d:, :d] + np.outer(gap, gap)
    for q in forms(mean, joint):
        _assert_spread({"q_out_mean": q}, d, tied)


def _assert_spread(inputs, d, scatter):
    covariance = call_rule(MvNormalMeanCovariance, "covariance", **inputs)
    assert covariance.df == -d
    np.testing.assert_allclose(covariance.scale, scatter, rtol=1e-9, atol=1e-12)
    precision = call_rule(MvNormalMeanPrecision, "precision", **inputs)
    assert precision.df == d + 2
    np.testing.assert_allclose(precision.inverse_scale, scatter, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NODES)
def test_improper_messages(name):
    q, covariance = spread(name, 2)
    flat = MvNormalWeightedMeanPrecision(np.zeros(2), np.zeros((2, 2)))
    assert call_rule(NODES[name], "mean", m_out=flat, **{f"q_{name}": q}) == flat
    ray = MvNormalWeightedMeanPrecision([2.0, 0.0], [[1.0, 0.0], [0.0, 0.0]])
    message = call_rule(NODES[name], "mean", m_out=ray, **{f"q_{name}": q})
    shrink = 1.0 / (1.0 + covariance[0, 0])
    np.testing.assert_allclose(message.precision, [[shrink, 0.0], [0.0, 0.0]], atol=1e-15)
    joint = call_marginal_rule(NODES[name], "out_mean", m_out=ray, m_mean=flat, **{f"q_{name}": q})
    assert np.linalg.matrix_rank(joint.precision) == 3


def test_singular_covariances():
    line = MvNormalMeanCovariance([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]])
    still = PointMass(np.zeros((2, 2)))
    assert call_rule(MvNormalMeanCovariance, "out", m_mean=line, m_covariance=still) == line
    ahead = MvNormalWeightedMeanPrecision([2.0, 0.0], np.diag([1.0, 0.0]))
    joint = call_marginal_rule(MvNormalMeanCovariance, "out_mean", m_out=ahead, m_mean=line, q_covariance=still)
    np.testing.assert_allclose(joint.mean, np.full(4, 1.5))
    np.testing.assert_allclose(joint.covariance, np.full((4, 4), 0.5))


@pytest.mark.parametrize("name", NODES)
def test_kernel(name):
    q, covariance = spread(name, 2, random=True)
    kernel = find_kernel(NODES[name], "out", ("mean",), {f"q_{name}": type(q)})(**{f"q_{name}": q})
    assert (kernel.matrices, kernel.offset) == ((None,), None)
    np.testing.assert_allclose(kernel.covariance, covariance)


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("name", NODES)
def test_batches(name, random):
    rng = np.random.default_rng(3)
    outs = list(zip(*(forms(*random_belief(rng, 2)) for _ in range(3)), strict=True))
    means = list(zip(*(forms(*random_belief(rng, 2)) for _ in range(3)), strict=True))
    q, _ = spread(name, 2, random)
    spreads, points = {f"q_{name}": [q, q, q]}, [PointMass(rng.normal(size=2)) for _ in range(3)]
    node = NODES[name]
    for out in outs:
        for mean in means:
            assert_rows_alike(lambda **i: call_marginal_rule(node, "out_mean", **i), m_out=out, m_mean=mean, **spreads)
        assert_rows_alike(lambda **i: call_rule(node, "mean", **i), m_out=out, **spreads)
        assert_rows_alike(lambda **i: call_rule(node, "mean", **i), q_out=out, **spreads)
        assert_rows_alike(lambda **i: call_rule(node, name, **i), q_out=out, q_mean=points)
        assert_rows_alike(lambda **i: average_energy(node, **i), q_out=out, q_mean=points, **spreads)
        assert_rows_alike(lambda **i: call_marginal_rule(node, "out_mean", **i), m_out=out, m_mean=points, **spreads)
    assert_rows_alike(lambda **i: call_rule(node, "out", **i), m_mean=points, **spreads)
    shared = call_rule(node, "mean", m_out=outs[0][0].broadcast_to((4,)), **{f"q_{name}": q})
    assert shared.batch_shape == (4,)
