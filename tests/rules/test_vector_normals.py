"""MvNormalMeanScalePrecision, MvNormalMeanScaleMatrixPrecision and MvNormalWeightedMeanPrecision against dense algebra."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    GammaShapeRate,
    GammaShapeScale,
    InverseGamma,
    MvNormalMeanCovariance,
    MvNormalMeanScalePrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
    Wishart,
)
from reactivepgm.nodes import MvNormalMeanScaleMatrixPrecision, node_of
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule, find_kernel
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.dense_factor import DenseFactor
from tests.oracles.gaussian_forms import assert_message, forms, random_belief
from tests.oracles.quadratic import expect, normal_log_pdf, quadratic_mean
from tests.oracles.quadrature_nodes import assert_same_shape, mean_log_det, mean_of

G = np.array([[2.0, 0.3], [0.3, 1.0]])
SCALES = [GammaShapeRate(3.0, 2.0), GammaShapeScale(2.0, 0.5), InverseGamma(3.0, 2.0), PointMass(1.7)]
MATRICES = [Wishart(5.0, G), PointMass(G)]
CASES = [(MvNormalMeanScalePrecision, {"precision": q}) for q in SCALES]
CASES += [(MvNormalMeanScaleMatrixPrecision, {"scale": s, "matrix": m}) for s in SCALES for m in MATRICES]
every = pytest.mark.parametrize(("node", "spread"), CASES)


def q(spread, role="q"):
    return {f"{role}_{name}": belief for name, belief in spread.items()}


def mean_precision(spread):
    matrix = spread["matrix"].mean if "matrix" in spread else np.eye(2)
    return next(iter(spread.values())).mean * matrix


def light(spread):
    """The beliefs with matrices by their means, in which log f is linear but for the log determinant."""
    return [PointMass(q.mean) if name == "matrix" else q for name, q in spread.items()]


def log_det_gap(spread):
    """(log|E[G]| - E[log|G|]) / 2, what ``light`` leaves out of the energy."""
    q = spread.get("matrix", PointMass(G))
    return 0.5 * (np.linalg.slogdet(q.mean)[1] - mean_log_det(q))


def log_factor(out, mean, scale, matrix=np.eye(2)):  # noqa: B008
    return normal_log_pdf(out - mean, np.asarray(scale)[..., None, None] * matrix)


@every
def test_messages(node, spread):
    factor = DenseFactor({"out": np.eye(2), "mean": -np.eye(2)}, np.linalg.inv(mean_precision(spread)))
    belief = random_belief(np.random.default_rng(1), 2)
    for to, other in (("out", "mean"), ("mean", "out")):
        for m in (*forms(*belief), MvNormalMeanScalePrecision(belief[0], 2.5)):
            message = call_rule(node, to, **{f"m_{other}": m}, **q(spread))
            assert_message(message, *factor.message(to, {other: m}))
            message = call_rule(node, to, **{f"q_{other}": m}, **q(spread))
            assert_message(message, *quadratic_mean(log_factor, 2, _moments(m), *light(spread)))
        point = PointMass(belief[0])
        message = call_rule(node, to, **{f"m_{other}": point}, **q(spread))
        assert_message(message, *factor.message(to, {other: point}))


def _moments(m):
    return MvNormalMeanCovariance(m.mean, m.covariance)


@every
def test_joint(node, spread):
    factor = DenseFactor({"out": np.eye(2), "mean": -np.eye(2)}, np.linalg.inv(mean_precision(spread)))
    rng = np.random.default_rng(2)
    outs, means = (
        [*forms(*random_belief(rng, 2)), MvNormalMeanScalePrecision(rng.normal(size=2), 1.5)] for _ in range(2)
    )
    known = all(isinstance(belief, PointMass) for belief in spread.values())
    whole = "_".join(["out", "mean", *spread])
    for m_out in outs:
        for m_mean in means:
            joint = call_marginal_rule(node, "out_mean", m_out=m_out, m_mean=m_mean, **q(spread))
            mean, covariance = factor.posterior(("out", "mean"), {"out": m_out, "mean": m_mean})
            np.testing.assert_allclose(joint.mean, mean, rtol=1e-9, atol=1e-10)
            np.testing.assert_allclose(joint.covariance, covariance, rtol=1e-9, atol=1e-10)
            if known:
                parts = call_marginal_rule(node, whole, m_out=m_out, m_mean=m_mean, **q(spread, "m"))
                assert parts.factors == {("out", "mean"): joint, **spread}
    point = PointMass([1.0, -1.0])
    for observed, free, messages in (("out", "mean", means), ("mean", "out", outs)):
        for m in messages:
            inputs = {f"m_{observed}": point, f"m_{free}": m}
            joint = call_marginal_rule(node, "out_mean", **inputs, **q(spread))
            mean, covariance = factor.posterior((free,), {observed: point, free: m})
            assert joint.factors[observed] == point
            np.testing.assert_allclose(joint.factors[free].mean, mean, rtol=1e-9, atol=1e-10)
            np.testing.assert_allclose(joint.factors[free].covariance, covariance, rtol=1e-9, atol=1e-10)
            if known:
                assert call_marginal_rule(node, whole, **inputs, **q(spread, "m")).factors == {**joint.factors, **spread}


@every
def test_toward_the_spread_and_energy(node, spread):
    rng = np.random.default_rng(3)
    q_out, q_mean = (MvNormalMeanCovariance(*random_belief(rng, 2)) for _ in range(2))
    joint = MvNormalMeanCovariance(*random_belief(rng, 4))
    cases = [({"q_out": a, "q_mean": b}, log_factor, (a, b)) for a in (q_out, PointMass(q_out.mean)) for b in (q_mean,)]
    cases.append(({"q_out_mean": joint}, lambda z, *s: log_factor(z[..., :2], z[..., 2:], *s), (joint,)))
    for inputs, f, beliefs in cases:
        energy = average_energy(node, **inputs, **q(spread))
        assert energy == pytest.approx(-expect(f, *beliefs, *light(spread)) + log_det_gap(spread), rel=1e-7)
        for name in spread:
            others = light({k: v for k, v in spread.items() if k != name})
            message = call_rule(node, name, **inputs, **q({k: v for k, v in spread.items() if k != name}))

            def oracle(value, f=f, beliefs=beliefs, others=others, name=name):
                if name == "matrix":
                    return expect(lambda *z: f(*z, value), *beliefs, *others)
                return expect(lambda *z: f(*z[: len(beliefs)], value, *z[len(beliefs) :]), *beliefs, *others)

            points = [G, np.eye(2), np.diag([0.2, 3.0])] if name == "matrix" else [0.3, 1.0, 2.5]
            assert_same_shape(message, oracle, points)


def test_a_scaled_message_stays_one():
    m = MvNormalMeanScalePrecision([1.0, 2.0], 2.0)
    message = call_rule(MvNormalMeanScalePrecision, "out", m_mean=m, q_precision=GammaShapeRate(4.0, 2.0))
    assert message == MvNormalMeanScalePrecision([1.0, 2.0], 1.0)
    assert call_rule(MvNormalMeanScalePrecision, "mean", m_out=m, q_precision=PointMass(2.0)) == message


def test_kernels():
    types = {"q_scale": GammaShapeRate, "q_matrix": Wishart}
    kernel = find_kernel(MvNormalMeanScaleMatrixPrecision, "out", ("mean",), types, None)
    numbers = kernel(q_scale=GammaShapeRate(4.0, 2.0), q_matrix=PointMass(G))
    np.testing.assert_allclose(numbers.covariance, np.linalg.inv(2 * G))
    assert find_kernel(MvNormalMeanScalePrecision, "out", ("mean",), {"q_precision": GammaShapeRate}, None) is None


@pytest.mark.parametrize("role", ["m", "q"])
def test_weighted_mean_toward_out(role):
    xi, precision = PointMass([1.0, 2.0]), PointMass(G)
    message = call_rule(MvNormalWeightedMeanPrecision, "out", **{f"{role}_xi": xi, f"{role}_precision": precision})
    assert message == MvNormalWeightedMeanPrecision([1.0, 2.0], G)
    m_out = MvNormalMeanCovariance([0.0, 1.0], np.eye(2))
    joint = call_marginal_rule(
        MvNormalWeightedMeanPrecision, "out_xi_precision", m_out=m_out, m_xi=xi, m_precision=precision
    )
    np.testing.assert_allclose(joint.factors["out"].precision, G + np.eye(2))
    np.testing.assert_allclose(joint.factors["out"].weighted_mean, [1.0, 3.0])
    assert joint.factors["xi"] == xi


@pytest.mark.parametrize("precision", [Wishart(7.0, G), PointMass(G)])
def test_weighted_mean_under_beliefs(precision):
    """log f is linear in Λ and log|Λ|, and -ξ' inv(Λ) ξ / 2 besides."""
    rng = np.random.default_rng(4)
    q_xi, q_out = (MvNormalMeanCovariance(*random_belief(rng, 2)) for _ in range(2))
    for xi in (q_xi, PointMass(q_xi.mean)):
        message = call_rule(MvNormalWeightedMeanPrecision, "out", q_xi=xi, q_precision=precision)
        oracle = quadratic_mean(lambda v, x, w: (v * x).sum(-1) - v @ w @ v / 2, 2, xi, PointMass(precision.mean))
        assert_message(message, *oracle, rtol=1e-7)
        for out in (q_out, PointMass(q_out.mean)):
            energy = average_energy(MvNormalWeightedMeanPrecision, q_out=out, q_xi=xi, q_precision=precision)
            linear = expect(lambda v, x: (v * x).sum(-1) - square(v, precision.mean) / 2, out, xi)
            own = mean_of(np.linalg.inv, precision)
            expected = linear - expect(lambda x, own=own: square(x, own) / 2, xi) + mean_log_det(precision) / 2
            assert energy == pytest.approx(np.log(2 * np.pi) - expected, rel=1e-7)
    out, xi = np.array([0.5, 1.0]), np.array([1.0, -2.0])
    energy = average_energy(
        MvNormalWeightedMeanPrecision, q_out=PointMass(out), q_xi=PointMass(xi), q_precision=PointMass(G)
    )
    exact = stats.multivariate_normal(np.linalg.solve(G, xi), np.linalg.inv(G)).logpdf(out)
    assert energy == pytest.approx(-exact)


def square(x, matrix):
    return np.einsum("...i,...ij,...j->...", x, matrix, x)


def test_batches():
    rng = np.random.default_rng(5)
    outs, means = ([forms(*random_belief(rng, 2))[form] for _ in range(3)] for form in (0, 2))
    joints = [MvNormalMeanCovariance(*random_belief(rng, 4)) for _ in range(3)]
    scales = [GammaShapeRate(float(s), 2.0) for s in (1.0, 2.0, 3.0)]
    matrices = [Wishart(4.0 + i, G) for i in range(3)]
    for node, spread in (
        (MvNormalMeanScalePrecision, {"q_precision": scales}),
        (MvNormalMeanScaleMatrixPrecision, {"q_scale": scales, "q_matrix": matrices}),
    ):
        for to, given in (("out", {"m_mean": means}), ("out", {"q_mean": means}), ("mean", {"m_out": outs})):
            assert_rows_alike(lambda n=node, t=to, **i: call_rule(n, t, **i), **given, **spread)
        for both in ({"q_out": outs, "q_mean": means}, {"q_out_mean": joints}):
            assert_rows_alike(lambda n=node, **i: average_energy(n, **i), **both, **spread)
            for name in spread:
                rest = {k: v for k, v in spread.items() if k != name}
                assert_rows_alike(lambda n=node, t=name[2:], **i: call_rule(n, t, **i), **both, **rest)
        assert_rows_alike(lambda n=node, **i: call_marginal_rule(n, "out_mean", **i), m_out=outs, m_mean=means, **spread)
    weighted = {"q_xi": outs, "q_precision": [Wishart(5.0 + i, G) for i in range(3)]}
    assert_rows_alike(lambda **i: call_rule(MvNormalWeightedMeanPrecision, "out", **i), **weighted)
    assert_rows_alike(lambda **i: average_energy(MvNormalWeightedMeanPrecision, **i), q_out=means, **weighted)


def test_the_nodes_themselves():
    node = node_of("MvNormalMeanScaleMatrixPrecision")
    expected = stats.multivariate_normal([1.0, 0.0], np.linalg.inv(2 * G)).logpdf([0.0, 0.0])
    assert node.log_density([0.0, 0.0], [1.0, 0.0], 2.0, G) == pytest.approx(expected)
    points = (PointMass(np.zeros((4000, 2)), event_rank=1), PointMass(2.0), PointMass(G))
    draws = node.batch_sampler(np.random.default_rng(1), (4000,), *points)
    np.testing.assert_allclose(np.cov(draws.T), np.linalg.inv(2 * G), atol=0.05)
    assert node_of(MvNormalWeightedMeanPrecision).interface("weighted_mean").name == "xi"
    assert node_of(MvNormalMeanScalePrecision).interface("γ").name == "precision"
