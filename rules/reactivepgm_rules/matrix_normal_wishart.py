"""MatrixNormalWishart(out | mean, rowcov, scale, df): message, energy; out = [X; W].

Factor        log f = log Wishart(W; ν, V) + log MatrixNormal(X; M, U, inv W),   X (n, p)
Energy        -E[log f], with E[(X - M) W (X - M)'] = (Mq - M) E[W] (Mq - M)' + p Uq, and p times the row spread of M,
              under q(X, W) = MatrixNormalWishart(Mq, Uq, ., .), as X | W has the covariances Uq and inv W

The energy is exact for independent beliefs about the parameters; the degrees of freedom are known.
"""

from reactivepgm.distributions import InverseWishart, MatrixNormalWishart, PointMass, Wishart
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import trace_product
from reactivepgm.rulebook import average_energy, rule

from .matrix_scatter import MatrixBelief, as_matrices, row_scatter
from .noise import LOG_2PI

Covariance = PointMass | InverseWishart | Wishart


@rule(MatrixNormalWishart, to="out")
def _(q_mean: PointMass, q_rowcov: PointMass, q_scale: PointMass, q_df: PointMass) -> MatrixNormalWishart:
    """Known parameters are the message."""
    return MatrixNormalWishart(q_mean.value, q_rowcov.value, q_scale.value, q_df.value)


@average_energy(MatrixNormalWishart)
def _(
    q_out: MatrixNormalWishart,
    q_mean: MatrixBelief,
    q_rowcov: Covariance,
    q_scale: Covariance,
    q_df: PointMass,
) -> Array:
    """The energy of the Wishart and that of a matrix normal whose column precision it is."""
    w, (n, p) = q_out.column_precision, q_out.mean.shape[-2:]
    mean = as_matrices(PointMass(q_out.mean, event_rank=2), n)
    spread = row_scatter(mean, as_matrices(q_mean, n), w.mean) + p * q_out.rowcov
    square = trace_product(q_rowcov.mean_inverse, spread)
    normal = 0.5 * (n * p * LOG_2PI + p * q_rowcov.mean_log_det - n * w.mean_log_det + square)
    return normal + average_energy("Wishart", q_out=w, q_df=q_df, q_scale=q_scale)
