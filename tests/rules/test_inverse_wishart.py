"""InverseWishart(out | df, scale) against sums over Bartlett's decomposition."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import multigammaln

from reactivepgm.distributions import GammaShapeRate, InverseWishart, PointMass, Wishart
from reactivepgm.errors import InvalidParameterError
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation, mean_log_det, mean_of

S = np.array([[2.0, -0.25], [-0.25, 1.0]])
T = np.array([[1.0, 0.3], [0.3, 0.8]])
POINTS = [np.array(m) for m in ([[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.5], [0.5, 0.7]], [[0.4, -0.1], [-0.1, 3.0]])]
OUTS = [InverseWishart(6.0, T), PointMass(T)]
DFS = [GammaShapeRate(8.0, 2.0), PointMass(3.5)]
SCALES = [InverseWishart(8.0, S), Wishart(5.0, T), PointMass(S)]


def logdet(x):
    return np.linalg.slogdet(x)[1]


def trace(a, b):
    return (a * np.swapaxes(b, -1, -2)).sum((-2, -1))


@pytest.mark.parametrize("roles", ["mm", "mq", "qm", "qq"])
def test_toward_out_from_known_parameters(roles):
    message = call_rule(InverseWishart, "out", **{f"{roles[0]}_df": PointMass(3.5), f"{roles[1]}_scale": PointMass(S)})
    assert_same_shape(message, stats.invwishart(3.5, S).logpdf, POINTS)


@pytest.mark.parametrize("df", DFS)
@pytest.mark.parametrize("scale", SCALES)
def test_toward_out(df, scale):
    message = call_rule(InverseWishart, "out", q_df=df, q_scale=scale)
    assert_same_shape(
        message,
        lambda x: expectation(lambda n, s: -(n + 3) / 2 * logdet(x) - trace(s, np.linalg.inv(x)) / 2, df, scale),
        POINTS,
        tolerance=1e-7,
    )


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("df", DFS)
def test_toward_scale(out, df):
    message = call_rule(InverseWishart, "scale", q_out=out, q_df=df)
    assert_same_shape(
        message, lambda s: expectation(lambda x, n: n / 2 * logdet(s) - trace(s, np.linalg.inv(x)) / 2, out, df), POINTS
    )


def test_joint():
    inputs = {"m_out": InverseWishart(3.0, T), "m_df": PointMass(4.0), "m_scale": PointMass(S)}
    joint = call_marginal_rule(InverseWishart, "out_df_scale", **inputs)
    a, b = stats.invwishart(3.0, T), stats.invwishart(4.0, S)
    assert_same_shape(joint.factors["out"], lambda x: a.logpdf(x) + b.logpdf(x), POINTS)


@pytest.mark.parametrize("scale", [3.0, [1.0, 2.0], np.ones((2, 3))], ids=["number", "vector", "oblong"])
@pytest.mark.parametrize("rows", [(), (8,), (1000,)])
def test_the_joint_refuses_a_scale_that_is_no_square_matrix(scale, rows):
    scale = np.asarray(scale)
    known = PointMass(np.broadcast_to(scale, rows + scale.shape), event_rank=scale.ndim)
    m_out = InverseWishart(np.full(rows, 4.0), np.broadcast_to(T, (*rows, 2, 2)))
    with pytest.raises(InvalidParameterError, match="InverseWishart: scale must be"):
        call_marginal_rule(InverseWishart, "out_df_scale", m_out=m_out, m_df=PointMass(5.0), m_scale=known)


def test_the_joint_of_many_rows():
    rng = np.random.default_rng(5)
    roots = rng.standard_normal((2, 1000, 2, 4))
    a, b = roots @ roots.swapaxes(-1, -2)
    outs, dfs = InverseWishart(rng.gamma(5.0, size=1000) + 4.0, a), PointMass(rng.gamma(5.0, size=1000) + 4.0, event_rank=0)
    scales = PointMass(b, event_rank=2)
    joint = call_marginal_rule(InverseWishart, "out_df_scale", m_out=outs, m_df=dfs, m_scale=scales).factors["out"]
    assert joint.batch_shape == (1000,)
    for i in (0, 517, 999):
        prior, known = stats.invwishart(outs.df[i], a[i]), stats.invwishart(dfs.value[i], b[i])
        assert_same_shape(joint[i], lambda x, p=prior, k=known: p.logpdf(x) + k.logpdf(x), POINTS)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("scale", SCALES)
def test_energy(out, scale):
    """log f is bilinear in (log|X|, inv(X)) and (log|S|, S), so four expectations make it up."""
    log_x, inverse = mean_log_det(out), mean_of(np.linalg.inv, out)
    log_s, s = mean_log_det(scale), mean_of(lambda s: s, scale)
    df = 3.5
    expected = df * np.log(2) - df / 2 * log_s + multigammaln(df / 2, 2) + (df + 3) / 2 * log_x + trace(s, inverse) / 2
    energy = average_energy(InverseWishart, q_out=out, q_df=PointMass(df), q_scale=scale)
    assert energy == pytest.approx(expected, rel=1e-8)


def test_energy_of_known_matrices_is_the_log_density():
    energy = average_energy(InverseWishart, q_out=PointMass(T), q_df=PointMass(3.5), q_scale=PointMass(S))
    assert energy == pytest.approx(-stats.invwishart(3.5, S).logpdf(T))


def test_batches():
    outs, dfs = [InverseWishart(6.0, T), InverseWishart(3.0, S)], [PointMass(3.0), PointMass(5.0)]
    points = [PointMass(S, event_rank=2), PointMass(T, event_rank=2)]
    assert_rows_alike(lambda **m: call_rule(InverseWishart, "out", **m), m_df=dfs, m_scale=points)
    assert_rows_alike(lambda **q: call_rule(InverseWishart, "scale", **q), q_df=dfs, q_out=outs)
    joint = {"m_out": outs, "m_df": dfs, "m_scale": points}
    assert_rows_alike(lambda **m: call_marginal_rule(InverseWishart, "out_df_scale", **m), **joint)
    assert_rows_alike(lambda **q: average_energy(InverseWishart, **q), q_out=outs, q_df=dfs, q_scale=points)
