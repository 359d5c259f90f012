"""NormalMixture(out | switch, m, p) against expectations of its log density, component by component."""

import numpy as np
import pytest

from reactivepgm.distributions import (
    Bernoulli,
    Categorical,
    GammaShapeRate,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    NormalMeanVariance,
    PointMass,
    Wishart,
    stack,
)
from reactivepgm.errors import NoRuleError
from reactivepgm.nodes import NormalMixture
from reactivepgm.rulebook import average_energy, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation, mean_log_det, mean_of

WEIGHTS = np.array([0.2, 0.5, 0.3])
SWITCHES = [Categorical(WEIGHTS), PointMass([0.0, 1.0, 0.0]), PointMass(1)]
OUTS = [NormalMeanVariance(0.4, 0.5), PointMass(1.2)]
MEANS = (NormalMeanVariance(-1.0, 2.0), NormalMeanPrecision(0.5, 2.0), NormalMeanVariance(3.0, 0.1))
PRECISIONS = (GammaShapeRate(2.0, 1.0), GammaShapeRate(1.5, 3.0), GammaShapeRate(4.0, 0.5))
KNOWN_MEANS = tuple(PointMass(m) for m in (-1.0, 0.5, 3.0))
KNOWN_PRECISIONS = tuple(PointMass(p) for p in (2.0, 0.5, 8.0))
COMPONENTS = [(MEANS, PRECISIONS), (KNOWN_MEANS, KNOWN_PRECISIONS)]
REALS = np.array([-2.0, -0.5, 0.1, 1.5, 4.0])

MV_OUTS = [MvNormalMeanCovariance([0.4, -1.0], [[0.5, 0.1], [0.1, 0.8]]), PointMass([1.2, 0.3])]
MV_MEANS = (
    MvNormalMeanCovariance([-1.0, 0.0], [[2.0, 0.3], [0.3, 1.0]]),
    MvNormalMeanCovariance([0.5, 2.0], [[0.2, 0.0], [0.0, 0.4]]),
)
MV_PRECISIONS = (Wishart(4.0, [[1.0, 0.2], [0.2, 0.5]]), Wishart(3.0, [[0.5, -0.1], [-0.1, 2.0]]))
MATRICES = [np.array(m) for m in ([[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.5], [0.5, 0.7]], [[0.4, -0.1], [-0.1, 3.0]])]
VECTORS = [np.array(v) for v in ([0.0, 0.0], [1.0, -1.0], [2.0, 0.5], [-3.0, 1.0])]


def weights_of(switch, k):
    if isinstance(switch, PointMass):
        return np.eye(k)[int(switch.value)] if np.ndim(switch.value) == 0 else switch.value
    return switch.probabilities


def log_normal(x, m, p):
    return 0.5 * (np.log(p) - np.log(2 * np.pi) - p * (x - m) ** 2)


def mean_log_mv_normal(out, m, p):
    """E[log N(out; m, 1/p)]: linear in log|p| and p, quadratic in the vectors."""
    log_det, precision = mean_log_det(p), mean_of(lambda w: w, p)

    def distance(x, m):
        gap = x - m
        return np.einsum("...i,ij,...j", gap, precision, gap)

    return 0.5 * (log_det - 2 * np.log(2 * np.pi) - expectation(distance, out, m))


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("switch", SWITCHES[:2])
@pytest.mark.parametrize("k", range(3))
def test_toward_one_mean_and_one_precision(out, switch, k):
    z = weights_of(switch, 3)[k]
    for p in (PRECISIONS[k], KNOWN_PRECISIONS[k]):
        message = call_rule(NormalMixture, "m", index=k, q_out=out, q_switch=switch, q_p=p)
        assert message.precision == pytest.approx(z * p.mean)
        if z > 0:
            assert_same_shape(message, lambda m, p=p: z * expectation(lambda x, w: log_normal(x, m, w), out, p), REALS)
    for m in (MEANS[k], KNOWN_MEANS[k]):
        message = call_rule(NormalMixture, "p", index=k, q_out=out, q_switch=switch, q_m=m)
        assert_same_shape(message, lambda p, m=m: z * expectation(lambda x, m: log_normal(x, m, p), out, m), np.abs(REALS))


@pytest.mark.parametrize("out", MV_OUTS)
@pytest.mark.parametrize("k", range(2))
def test_toward_one_mean_vector_and_one_precision_matrix(out, k):
    switch = Bernoulli(0.7)
    z = (0.3, 0.7)[k]
    message = call_rule(NormalMixture, "m", index=k, q_out=out, q_switch=switch, q_p=MV_PRECISIONS[k])
    assert_same_shape(message, lambda m: z * mean_log_mv_normal(out, PointMass(m), MV_PRECISIONS[k]), VECTORS)
    message = call_rule(NormalMixture, "p", index=k, q_out=out, q_switch=switch, q_m=MV_MEANS[k])
    assert_same_shape(message, lambda p: z * mean_log_mv_normal(out, MV_MEANS[k], PointMass(p)), MATRICES)


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize(("means", "precisions"), COMPONENTS)
def test_toward_out(switch, means, precisions):
    message = call_rule(NormalMixture, "out", q_switch=switch, q_m=means, q_p=precisions)
    weights = weights_of(switch, 3)

    def oracle(x):
        parts = zip(weights, means, precisions, strict=True)
        return sum(z * expectation(lambda m, p: log_normal(x, m, p), m, p) for z, m, p in parts)

    assert_same_shape(message, oracle, REALS)


def test_toward_out_of_vectors():
    message = call_rule(NormalMixture, "out", q_switch=Bernoulli(0.7), q_m=MV_MEANS, q_p=MV_PRECISIONS)

    def oracle(x):
        parts = zip((0.3, 0.7), MV_MEANS, MV_PRECISIONS, strict=True)
        return sum(z * mean_log_mv_normal(PointMass(x), m, p) for z, m, p in parts)

    assert_same_shape(message, oracle, VECTORS)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize(("means", "precisions"), COMPONENTS)
def test_toward_switch_and_energy(out, means, precisions):
    parts = zip(means, precisions, strict=True)
    logs = np.array([expectation(log_normal, out, m, p, n=120) for m, p in parts])
    message = call_rule(NormalMixture, "switch", q_out=out, q_m=means, q_p=precisions)
    np.testing.assert_allclose(message.p, np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum(), rtol=1e-8)
    for switch in SWITCHES:
        energy = average_energy(NormalMixture, q_out=out, q_switch=switch, q_m=means, q_p=precisions)
        assert energy == pytest.approx(-(weights_of(switch, 3) * logs).sum(), rel=1e-9)


@pytest.mark.parametrize("out", MV_OUTS)
def test_toward_switch_and_energy_of_vectors(out):
    parts = zip(MV_MEANS, MV_PRECISIONS, strict=True)
    logs = np.array([mean_log_mv_normal(out, m, p) for m, p in parts])
    message = call_rule(NormalMixture, "switch", q_out=out, q_m=MV_MEANS, q_p=MV_PRECISIONS)
    np.testing.assert_allclose(message.p, np.exp(logs) / np.exp(logs).sum(), rtol=1e-6)
    energy = average_energy(NormalMixture, q_out=out, q_switch=Bernoulli(0.7), q_m=MV_MEANS, q_p=MV_PRECISIONS)
    assert energy == pytest.approx(-(0.3 * logs[0] + 0.7 * logs[1]), rel=1e-6)


def test_a_component_without_responsibility_gets_flat_messages():
    switch = Categorical([1.0, 0.0])
    for index in (1, None):
        p = PRECISIONS[0] if index else PRECISIONS[:2]
        m = MEANS[0] if index else MEANS[:2]
        message = call_rule(NormalMixture, "m", index=index, q_out=PointMass(3.0), q_switch=switch, q_p=p)
        assert np.atleast_1d(message.precision)[-1] == 0.0
        assert np.atleast_1d(message.weighted_mean)[-1] == 0.0
        message = call_rule(NormalMixture, "p", index=index, q_out=PointMass(3.0), q_switch=switch, q_m=m)
        assert np.atleast_1d(message.shape)[-1] == 1.0
        assert np.atleast_1d(message.rate)[-1] == 0.0
    message = call_rule(NormalMixture, "p", index=1, q_out=MV_OUTS[1], q_switch=switch, q_m=MV_MEANS[1])
    assert message.df == 3.0
    np.testing.assert_array_equal(message.inverse_scale, np.zeros((2, 2)))


def test_an_observed_component_number_needs_to_know_how_many_there_are():
    with pytest.raises(NoRuleError, match="one-hot"):
        call_rule(NormalMixture, "m", index=0, q_out=PointMass(3.0), q_switch=PointMass(1), q_p=PRECISIONS[0])
    message = call_rule(NormalMixture, "m", q_out=PointMass(3.0), q_switch=PointMass(1), q_p=PRECISIONS)
    assert message.precision.tolist() == [0.0, 0.5, 0.0]


@pytest.mark.parametrize(("outs", "means", "precisions"), [
    ([OUTS[0], NormalMeanVariance(2.0, 1.0)], MEANS[:1] + MEANS[2:], PRECISIONS[:2]),
    ([MV_OUTS[0], MvNormalMeanCovariance([1.0, 1.0], np.eye(2))], MV_MEANS, MV_PRECISIONS),
])  # fmt: skip
def test_all_components_at_once_equal_one_at_a_time(outs, means, precisions):
    switches = [Categorical([0.2, 0.8]), Categorical([0.9, 0.1])]
    q_out, q_switch = stack(outs, axis=0), stack(switches, axis=0)
    for target, plural in (("m", {"q_p": precisions}), ("p", {"q_m": means})):
        together = call_rule(NormalMixture, target, q_out=q_out, q_switch=q_switch, **plural)
        assert together.batch_shape == (2, 2)
        ((name, parts),) = plural.items()
        for row in range(2):
            for k in range(2):
                single = call_rule(NormalMixture, target, index=k, q_out=outs[row], q_switch=switches[row], **{name: parts[k]})
                for mine, other in zip(together[row, k].naturals(), single.naturals(), strict=True):
                    np.testing.assert_allclose(mine, other, rtol=1e-12)


def test_batches():
    switches = [Categorical([0.2, 0.8]), Categorical([1.0, 0.0])]
    for outs, means, precisions in (
        ([OUTS[0], NormalMeanVariance(2.0, 1.0)], MEANS[:1] + MEANS[2:], PRECISIONS[:2]),
        ([MV_OUTS[0], MvNormalMeanCovariance([1.0, 1.0], np.eye(2))], MV_MEANS, MV_PRECISIONS),
    ):
        plural = {"q_m": stack(means, axis=0), "q_p": stack(precisions, axis=0)}
        swapped = {"q_m": stack(means[::-1], axis=0), "q_p": stack(precisions[::-1], axis=0)}
        q_m, q_p = [plural["q_m"], swapped["q_m"]], [plural["q_p"], swapped["q_p"]]
        assert_rows_alike(lambda **q: call_rule(NormalMixture, "out", **q), q_switch=switches, q_m=q_m, q_p=q_p)
        assert_rows_alike(lambda **q: call_rule(NormalMixture, "switch", **q), q_out=outs, q_m=q_m, q_p=q_p)
        assert_rows_alike(lambda **q: average_energy(NormalMixture, **q), q_out=outs, q_switch=switches, q_m=q_m, q_p=q_p)
