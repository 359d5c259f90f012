"""MatrixNormal, MatrixNormalWishart and the matrix scatter against quadrature, dense algebra on vec(X), and scipy."""

from functools import lru_cache

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import (
    InverseWishart,
    MatrixNormal,
    MatrixNormalWishart,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    PointMass,
    Wishart,
    product,
)
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadratic import expect
from tests.oracles.quadrature_nodes import assert_same_shape, mean_log_det, mean_of

U = np.array([[2.0, 0.3], [0.3, 1.0]])
V = np.array([[1.0, -0.2], [-0.2, 0.5]])
X = np.array([[1.0, 2.0], [-0.5, 0.3]])
M = np.array([[0.2, -1.0], [0.7, 0.1]])
BELIEFS = [
    MatrixNormal(M, [[0.5, 0.1], [0.1, 0.8]], [[1.0, 0.3], [0.3, 2.0]]),
    MvNormalMeanCovariance(M.T.ravel(), np.diag([0.5, 1.0, 1.5, 0.3]) + 0.2),
    PointMass(M),
]
SPREADS = [InverseWishart(7.0, U), Wishart(8.0, V), PointMass(U)]


def vec(x):
    return np.swapaxes(x, -1, -2).reshape(*x.shape[:-2], -1)


def vectorised(q):
    if isinstance(q, PointMass):
        return PointMass(vec(q.value))
    return MvNormalMeanCovariance(vec(q.mean), np.kron(q.colcov, q.rowcov)) if isinstance(q, MatrixNormal) else q


def unvec(x):
    return np.swapaxes(x.reshape(*x.shape[:-1], 2, 2), -1, -2)


def log_factor(x, m, u, v):
    gap = x - m
    square = np.trace(np.linalg.solve(u, gap) @ np.linalg.solve(v, np.swapaxes(gap, -1, -2)), axis1=-2, axis2=-1)
    logs = np.linalg.slogdet(u)[1] + np.linalg.slogdet(v)[1]
    return -0.5 * (4 * np.log(2 * np.pi) + 2 * logs + square)


@lru_cache
def harmonic(q):
    """As log f is linear in inv Σ and log|Σ|, the point that has the same E[inv Σ]."""
    return np.linalg.inv(mean_of(np.linalg.inv, q))


@pytest.mark.parametrize("belief", BELIEFS)
@pytest.mark.parametrize("to", ["out", "mean"])
def test_variational_toward_a_matrix(belief, to):
    other = {"out": "mean", "mean": "out"}[to]
    points = [X, M, X - M]
    for rows in SPREADS:
        for columns in SPREADS:
            message = call_rule(MatrixNormal, to, **{f"q_{other}": belief}, q_rowcov=rows, q_colcov=columns)
            u, v = harmonic(rows), harmonic(columns)
            oracle = lambda x, u=u, v=v: expect(lambda z: log_factor(x, unvec(z), u, v), vectorised(belief))  # noqa: E731
            assert_same_shape(message, oracle, points)


@pytest.mark.parametrize("out", BELIEFS)
@pytest.mark.parametrize("mean", BELIEFS)
def test_variational_toward_a_covariance_and_energy(out, mean):
    points = [U, V, np.eye(2), np.diag([0.2, 3.0])]
    for spread in SPREADS:
        fixed = harmonic(spread)
        for to, known, f in (
            ("rowcov", "q_colcov", log_factor),
            ("colcov", "q_rowcov", lambda x, m, s, k: log_factor(x, m, k, s)),
        ):
            message = call_rule(MatrixNormal, to, q_out=out, q_mean=mean, **{known: spread})

            def oracle(s, f=f, fixed=fixed):
                return expect(lambda x, m: f(unvec(x), unvec(m), s, fixed), vectorised(out), vectorised(mean))

            assert_same_shape(message, oracle, points)
        for other in SPREADS:
            u, v = fixed, harmonic(other)
            quadratic = expect(
                lambda x, m, u=u, v=v: log_factor(unvec(x), unvec(m), u, v), vectorised(out), vectorised(mean)
            )
            gap = sum(mean_log_det(q) - np.linalg.slogdet(p)[1] for q, p in ((spread, u), (other, v)))
            energy = average_energy(MatrixNormal, q_out=out, q_mean=mean, q_rowcov=spread, q_colcov=other)
            assert energy == pytest.approx(-quadratic + gap, rel=1e-7)


def test_energy_of_known_matrices_is_the_log_density():
    points = {"q_out": X, "q_mean": M, "q_rowcov": U, "q_colcov": V}
    energy = average_energy(MatrixNormal, **{name: PointMass(value) for name, value in points.items()})
    assert energy == pytest.approx(-stats.matrix_normal(M, U, V).logpdf(X))


@pytest.mark.parametrize(("to", "other"), [("out", "mean"), ("mean", "out")])
def test_sum_product(to, other):
    known = {"m_rowcov": PointMass(U), "m_colcov": PointMass(V)}
    noise = np.kron(V, U)
    for m in BELIEFS[:2]:
        message = call_rule(MatrixNormal, to, **{f"m_{other}": m}, **known)
        moments = vectorised(m)
        np.testing.assert_allclose(message.mean, moments.mean)
        np.testing.assert_allclose(message.covariance, moments.covariance + noise)
    flat = MvNormalWeightedMeanPrecision(np.zeros(4), np.zeros((4, 4)))
    assert (call_rule(MatrixNormal, to, **{f"m_{other}": flat}, **known).precision == 0).all()
    message = call_rule(MatrixNormal, to, **{f"m_{other}": PointMass(X)}, **known)
    assert message == MatrixNormal(X, U, V)


@pytest.mark.parametrize(("to", "other"), [("out", "mean"), ("mean", "out")])
def test_sum_product_over_a_random_covariance(to, other):
    """The evidence of a conjugate pair, at any value of the covariance: prior times likelihood over posterior."""
    belief, at = InverseWishart(5.0, U), np.array([[1.3, 0.4], [0.4, 0.9]])
    for name, fixed in (("m_rowcov", "m_colcov"), ("m_colcov", "m_rowcov")):
        message = call_rule(MatrixNormal, to, **{f"m_{other}": PointMass(M), name: belief, fixed: PointMass(V)})
        for x in (X, 2 * X, M):
            gap = x - M if name == "m_rowcov" else (x - M).T
            posterior = stats.invwishart(5.0 + 2.0, U + gap @ np.linalg.solve(V, gap.T))
            likelihood = log_factor(x, M, at, V) if name == "m_rowcov" else log_factor(x, M, V, at)
            evidence = likelihood + stats.invwishart(5.0, U).logpdf(at) - posterior.logpdf(at)
            assert message.log_pdf(x) == pytest.approx(evidence, rel=1e-10)


def test_joint_of_known_matrices():
    points = {name: PointMass(value) for name, value in (("out", X), ("mean", M), ("rowcov", U), ("colcov", V))}
    joint = call_marginal_rule(MatrixNormal, "out_mean_rowcov_colcov", **{f"m_{k}": v for k, v in points.items()})
    assert joint.factors == points


def test_matrices_that_are_not_square():
    mean = MatrixNormal(np.zeros((3, 2)), np.eye(3), V)
    rows, columns = InverseWishart(7.0, np.eye(3)), PointMass(V)
    vector = mean.vectorised
    for q in (mean, vector):
        message = call_rule(MatrixNormal, "rowcov", q_out=q, q_mean=PointMass(np.ones((3, 2))), q_colcov=columns)
        assert message.df == 2 - 3 - 1
        expected = 2 * np.eye(3) + np.ones((3, 2)) @ np.linalg.inv(V) @ np.ones((2, 3))
        np.testing.assert_allclose(message.scale, expected)
        message = call_rule(MatrixNormal, "colcov", q_out=PointMass(np.ones((3, 2))), q_mean=q, q_rowcov=rows)
        assert message.df == 3 - 2 - 1
        np.testing.assert_allclose(message.scale, 7 * (3 * V + 3 * np.ones((2, 2))))
        assert call_rule(MatrixNormal, "out", q_mean=q, q_rowcov=rows, q_colcov=columns).mean.shape == (3, 2)
    alone = call_rule(MatrixNormal, "rowcov", q_out=vector, q_mean=vector, q_colcov=columns)
    np.testing.assert_allclose(alone.scale, 4 * np.eye(3))
    assert product(mean, vector).mean.shape == (6,)


def test_matrix_normal_wishart():
    prior = {"q_mean": M, "q_rowcov": U, "q_scale": V, "q_df": 4.0}
    message = call_rule(MatrixNormalWishart, "out", **{name: PointMass(value) for name, value in prior.items()})
    assert message == MatrixNormalWishart(M, U, V, 4.0)
    belief = MatrixNormalWishart(X, 2 * V, 0.3 * U, 6.0)
    w = belief.column_precision
    given = mean_of(lambda w: np.array([_normal_energy(belief, k, U) for k in w]), w, 60)
    wishart = stats.wishart(4.0, V)
    expected_log = 0.5 * (mean_log_det(w) - np.linalg.slogdet(w.mean)[1]) * (4.0 - 3.0) + wishart.logpdf(w.mean)
    energy = average_energy(MatrixNormalWishart, q_out=belief, **{name: PointMass(value) for name, value in prior.items()})
    assert energy == pytest.approx(given - expected_log, rel=1e-6)
    random = average_energy(
        MatrixNormalWishart, q_out=belief, q_mean=BELIEFS[0], q_rowcov=InverseWishart(7.0, U), q_scale=PointMass(V),
        q_df=PointMass(4.0),
    )
    u = harmonic(InverseWishart(7.0, U))
    given = mean_of(lambda w: np.array([_normal_energy(belief, k, u, BELIEFS[0]) for k in w]), w, 60)
    gap = mean_log_det(InverseWishart(7.0, U)) - np.linalg.slogdet(u)[1]
    assert random == pytest.approx(given + gap - expected_log, rel=1e-6)


def _normal_energy(belief, w, u, mean=None):
    """-E[log MatrixNormal(X; M, u, inv w)] under X | w, in dense algebra on vec(X)."""
    precision = np.kron(w, np.linalg.inv(u))
    m = M if mean is None else mean.mean
    covariance = np.kron(np.linalg.inv(w), belief.rowcov)
    if mean is not None:
        covariance = covariance + np.kron(mean.colcov, mean.rowcov)
    gap = vec(belief.mean - m)
    square = gap @ precision @ gap + np.trace(precision @ covariance)
    return 0.5 * (4 * np.log(2 * np.pi) - np.linalg.slogdet(precision)[1] + square)


def test_batches():
    rng = np.random.default_rng(1)
    matrices = [MatrixNormal(rng.normal(size=(2, 2)), U * s, V) for s in (1.0, 2.0, 3.0)]
    vectors = [m.vectorised for m in matrices]
    rows, columns = [InverseWishart(6.0 + s, U) for s in range(3)], [Wishart(6.0 + s, V) for s in range(3)]
    points = [PointMass(s * U, event_rank=2) for s in (1.0, 2.0, 3.0)]
    for q in (matrices, vectors, points):
        for to, other in (("out", "mean"), ("mean", "out")):
            assert_rows_alike(
                lambda t=to, **i: call_rule(MatrixNormal, t, **i), q_rowcov=rows, q_colcov=columns, **{f"q_{other}": q}
            )
            for m_rows, m_columns in ((points, points), (rows, points), (points, rows)):
                if q is not points and not (m_rows is m_columns is points):
                    continue
                assert_rows_alike(
                    lambda t=to, **i: call_rule(MatrixNormal, t, **i),
                    m_rowcov=m_rows, m_colcov=m_columns, **{f"m_{other}": q},
                )
        assert_rows_alike(lambda **i: call_rule(MatrixNormal, "rowcov", **i), q_out=q, q_mean=vectors, q_colcov=columns)
        assert_rows_alike(lambda **i: call_rule(MatrixNormal, "colcov", **i), q_out=q, q_mean=vectors, q_rowcov=rows)
        both = {"q_rowcov": rows, "q_colcov": columns}
        assert_rows_alike(lambda **i: average_energy(MatrixNormal, **i), q_out=q, q_mean=vectors, **both)
    beliefs = [MatrixNormalWishart(m.mean, U, V, 4.0 + i) for i, m in enumerate(matrices)]
    dfs = [PointMass(5.0)] * 3
    assert_rows_alike(
        lambda **i: average_energy(MatrixNormalWishart, **i),
        q_out=beliefs, q_mean=matrices, q_rowcov=rows, q_scale=points, q_df=dfs,
    )
    assert_rows_alike(
        lambda **i: call_rule(MatrixNormalWishart, "out", **i), q_mean=points, q_rowcov=points, q_scale=points, q_df=dfs
    )
