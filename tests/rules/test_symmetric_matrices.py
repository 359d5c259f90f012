"""Matrices that are symmetric by their meaning are exactly symmetric: messages and joints of the matrix and vector nodes."""

import numpy as np
import pytest

from reactivepgm.distributions import (
    Factorized,
    InverseWishart,
    MatrixNormal,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
    Wishart,
)
from reactivepgm.rulebook import call_marginal_rule, call_rule

SIZES = [1, 2, 3, 6]
ROWS = [(), (3,), (50,)]
SYMMETRIC = ("scale", "inverse_scale", "covariance", "precision", "mean_inverse", "rowcov", "colcov", "rowscale", "colscale")


def definite(rng, rows, d):
    a = rng.standard_normal((*rows, d, d + 3))
    a = a @ a.swapaxes(-1, -2)
    return 0.5 * (a + a.swapaxes(-1, -2))


def assert_symmetric(result):
    if isinstance(result, Factorized):
        for factor in result.factors.values():
            assert_symmetric(factor)
        return
    if isinstance(result, PointMass):
        return  # Known, as it came in.
    names = SYMMETRIC + (("mean",) if isinstance(result, Wishart | InverseWishart) else ())
    seen = {n: np.asarray(getattr(result, n)) for n in names if hasattr(type(result), n) or n in result.parameters}
    assert seen
    for name, matrix in seen.items():
        if matrix.ndim >= 2:
            np.testing.assert_array_equal(matrix, matrix.swapaxes(-1, -2), err_msg=f"{type(result).__name__}.{name}")


def wisharts(rng, rows, d):
    df = rng.gamma(5.0, size=rows) + d + 4.0
    return [
        Wishart(df, definite(rng, rows, d)),
        Wishart(inverse_scale=definite(rng, rows, d), df=df),
        InverseWishart(df, definite(rng, rows, d)),
    ]


def vectors(rng, rows, d):
    mean = rng.standard_normal((*rows, d))
    return [
        MvNormalMeanCovariance(mean, definite(rng, rows, d)),
        MvNormalMeanPrecision(mean, definite(rng, rows, d)),
        MvNormalWeightedMeanPrecision(mean, definite(rng, rows, d)),
    ]


def matrix(rng, rows, d):
    return PointMass(definite(rng, rows, d), event_rank=2)


@pytest.mark.parametrize("rows", ROWS, ids=str)
@pytest.mark.parametrize("d", SIZES)
class TestSymmetric:
    def test_wisharts(self, d, rows):
        rng = np.random.default_rng(d)
        df = PointMass(rng.gamma(5.0, size=rows) + d + 4.0, event_rank=0)
        wishart, other, inverse = wisharts(rng, rows, d)
        for node, outs in ((Wishart, (wishart, other)), (InverseWishart, (inverse,))):
            assert_symmetric(call_rule(node, "out", m_df=df, m_scale=matrix(rng, rows, d)))
            for scale in (wishart, other, inverse, matrix(rng, rows, d)):
                assert_symmetric(call_rule(node, "out", q_df=df, q_scale=scale))
            for out in (*outs, matrix(rng, rows, d)):
                assert_symmetric(call_rule(node, "scale", q_out=out, q_df=df))
            for out in outs:
                known = matrix(rng, rows, d)
                assert_symmetric(call_marginal_rule(node, "out_df_scale", m_out=out, m_df=df, m_scale=known))

    @pytest.mark.parametrize("node", [MvNormalMeanCovariance, MvNormalMeanPrecision], ids=["covariance", "precision"])
    def test_vector_normals(self, d, rows, node):
        rng = np.random.default_rng(10 + d)
        spread = "covariance" if node is MvNormalMeanCovariance else "precision"
        beliefs = [b for b in wisharts(rng, rows, d) if isinstance(b, InverseWishart) == (spread == "covariance")]
        known = matrix(rng, rows, d)
        for out in vectors(rng, rows, d):
            for mean in (*vectors(rng, rows, d), PointMass(rng.standard_normal((*rows, d)), event_rank=1)):
                assert_symmetric(call_rule(node, spread, q_out=out, q_mean=mean))
                assert_symmetric(call_rule(node, "out", m_mean=mean, **{f"m_{spread}": known}))
                for q in (*beliefs, known):
                    assert_symmetric(call_rule(node, "out", m_mean=mean, **{f"q_{spread}": q}))
                    joint = call_marginal_rule(node, "out_mean", m_out=out, m_mean=mean, **{f"q_{spread}": q})
                    assert_symmetric(joint)
                    if not isinstance(joint, Factorized):
                        assert_symmetric(call_rule(node, spread, q_out_mean=joint))

    def test_matrix_normals(self, d, rows):
        rng = np.random.default_rng(20 + d)
        n, p = d, d % 3 + 1
        one, two = (
            MatrixNormal(rng.standard_normal((*rows, n, p)), definite(rng, rows, n), definite(rng, rows, p)) for _ in "ab"
        )
        point = PointMass(rng.standard_normal((*rows, n, p)), event_rank=2)
        known = {"rowcov": matrix(rng, rows, n), "colcov": matrix(rng, rows, p)}
        random = {"rowcov": wisharts(rng, rows, n)[2], "colcov": wisharts(rng, rows, p)[2]}
        for mean in (two, point):
            for spread in (known, random):
                q = {f"q_{name}": value for name, value in spread.items()}
                assert_symmetric(call_rule(MatrixNormal, "out", q_mean=mean, **q))
                for name, other in (("rowcov", "q_colcov"), ("colcov", "q_rowcov")):
                    assert_symmetric(call_rule(MatrixNormal, name, q_out=one, q_mean=mean, **{other: q[other]}))
        m = {f"m_{name}": value for name, value in known.items()}
        assert_symmetric(call_rule(MatrixNormal, "out", m_mean=two, **m))
        for name in ("rowcov", "colcov"):
            assert_symmetric(call_rule(MatrixNormal, "mean", m_out=point, **(m | {f"m_{name}": random[name]})))
