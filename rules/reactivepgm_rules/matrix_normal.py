"""MatrixNormal(out | mean, rowcov, colcov): messages, joint, energy.

Factor        f = MatrixNormal(out; M, U, V), so vec(out) ~ N(vec M, V ⊗ U),  out (n, p)
Sum-product   ν(out) for M ~ MatrixNormal(M0, U0, V0): a normal on vec(out) of covariance V0 ⊗ U0 + V ⊗ U
              ν(out) for U ~ InverseWishart(ν, S): MatrixT(ν - n + 1, M, S, V);  for V: MatrixT(ν - p + 1, M, U, S)
              out and M are symmetric
              ν(U) ∝ |U|^(-p/2) exp(-tr(inv(U) D inv(V) D')/2) = InverseWishart(p - n - 1, D inv(V) D'),  D = out - M
              ν(V) = InverseWishart(n - p - 1, D' inv(U) D)
Variational   the same with inv U, inv V and D inv(V) D' by their expectations         Gupta and Nagar 2000, chapters 2, 4
Energy        (n p log 2π + p E[log|U|] + n E[log|V|] + tr(E[inv U] E[D E[inv V] D']))/2

Beliefs about matrices may be held as normals on vec(X).
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    InverseWishart,
    MatrixNormal,
    MatrixT,
    MultivariateNormal,
    MvNormalMeanCovariance,
    PointMass,
    Wishart,
)
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.kronecker import kron, vec
from reactivepgm.numerics.linear_algebra import inv_psd, trace_product
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .gaussian_sum import Gaussian, widened
from .matrix_scatter import MatrixMoments, as_matrices, column_scatter, row_scatter
from .noise import LOG_2PI, effective_covariance

Spread = PointMass | InverseWishart | Wishart
Matrix = PointMass | MatrixNormal | MultivariateNormal


@rule(MatrixNormal, to="out")
def _(q_mean: Matrix, q_rowcov: Spread, q_colcov: Spread) -> MatrixNormal:
    """The factor at its expected mean, the covariances by their harmonic means."""
    return _at_its_mean(q_mean, q_rowcov, q_colcov)


@rule(MatrixNormal, to="out")
def _(m_mean: MatrixNormal | MultivariateNormal, m_rowcov: PointMass, m_colcov: PointMass) -> Gaussian:
    """Covariances add; the sum of two Kronecker products is none."""
    return _convolved(m_mean, m_rowcov, m_colcov)


@rule(MatrixNormal, to="out")
def _(m_mean: PointMass, m_rowcov: InverseWishart, m_colcov: PointMass) -> MatrixT:
    """The random row covariance integrated out."""
    return _over_rows(m_mean, m_rowcov, m_colcov)


@rule(MatrixNormal, to="out")
def _(m_mean: PointMass, m_rowcov: PointMass, m_colcov: InverseWishart) -> MatrixT:
    """The random column covariance integrated out."""
    return _over_columns(m_mean, m_rowcov, m_colcov)


@rule(MatrixNormal, to="mean")
def _(q_out: Matrix, q_rowcov: Spread, q_colcov: Spread) -> MatrixNormal:
    """The factor at the expected output, the covariances by their harmonic means."""
    return _at_its_mean(q_out, q_rowcov, q_colcov)


@rule(MatrixNormal, to="mean")
def _(m_out: MatrixNormal | MultivariateNormal, m_rowcov: PointMass, m_colcov: PointMass) -> Gaussian:
    """Covariances add; the sum of two Kronecker products is none."""
    return _convolved(m_out, m_rowcov, m_colcov)


@rule(MatrixNormal, to="mean")
def _(m_out: PointMass, m_rowcov: InverseWishart, m_colcov: PointMass) -> MatrixT:
    """The random row covariance integrated out."""
    return _over_rows(m_out, m_rowcov, m_colcov)


@rule(MatrixNormal, to="mean")
def _(m_out: PointMass, m_rowcov: PointMass, m_colcov: InverseWishart) -> MatrixT:
    """The random column covariance integrated out."""
    return _over_columns(m_out, m_rowcov, m_colcov)


@rule(MatrixNormal, to="rowcov")
def _(q_out: Matrix, q_mean: Matrix, q_colcov: Spread) -> InverseWishart:
    """The expected scatter of the rows; improper on its own."""
    k = _mean_inverse(q_colcov)
    p = k.shape[-1]
    out, mean = _both(q_out, q_mean, _rows(q_out, q_mean, p))
    spread = row_scatter(out, mean, k)
    return InverseWishart._of(float(p - spread.shape[-1] - 1), spread)


@rule(MatrixNormal, to="colcov")
def _(q_out: Matrix, q_mean: Matrix, q_rowcov: Spread) -> InverseWishart:
    """The expected scatter of the columns; improper on its own."""
    k = _mean_inverse(q_rowcov)
    n = k.shape[-1]
    spread = column_scatter(*_both(q_out, q_mean, n), k)
    return InverseWishart._of(float(n - spread.shape[-1] - 1), spread)


@marginal_rule(MatrixNormal, "out_mean_rowcov_colcov")
def _(m_out: PointMass, m_mean: PointMass, m_rowcov: PointMass, m_colcov: PointMass) -> Factorized:
    """Everything is known."""
    return Factorized({"out": m_out, "mean": m_mean, "rowcov": m_rowcov, "colcov": m_colcov})


@average_energy(MatrixNormal)
def _(q_out: Matrix, q_mean: Matrix, q_rowcov: Spread, q_colcov: Spread) -> Array:
    """Every term is a product of independent factors."""
    n, p = q_rowcov.event_shape[0], q_colcov.event_shape[0]
    spread = row_scatter(*_both(q_out, q_mean, n), _mean_inverse(q_colcov))
    square = trace_product(_mean_inverse(q_rowcov), spread)
    return 0.5 * (n * p * LOG_2PI + p * q_rowcov.mean_log_det + n * q_colcov.mean_log_det + square)


def _at_its_mean(q: Matrix, q_rowcov: Spread, q_colcov: Spread) -> MatrixNormal:
    rows, columns = effective_covariance(q_rowcov), effective_covariance(q_colcov)
    return MatrixNormal(as_matrices(q, rows.shape[-1]).mean, rows, columns)


def _convolved(m: MatrixNormal | MultivariateNormal, rowcov: PointMass, colcov: PointMass) -> Gaussian:
    noise = kron(colcov.value, rowcov.value)
    if isinstance(m, MatrixNormal):
        return MvNormalMeanCovariance._of(vec(m.mean), kron(m.colcov, m.rowcov) + noise)
    return widened(m, noise)


def _over_rows(m: PointMass, rowcov: InverseWishart, colcov: PointMass) -> MatrixT:
    return MatrixT(rowcov.df - (rowcov.scale.shape[-1] - 1.0), m.value, rowcov.scale, colcov.value)


def _over_columns(m: PointMass, rowcov: PointMass, colcov: InverseWishart) -> MatrixT:
    return MatrixT(colcov.df - (colcov.scale.shape[-1] - 1.0), m.value, rowcov.value, colcov.scale)


def _mean_inverse(q: Spread) -> Array:
    return inv_psd(q.value) if isinstance(q, PointMass) else q.mean_inverse


def _both(q_out: Matrix, q_mean: Matrix, rows: int) -> tuple[MatrixMoments, MatrixMoments]:
    return as_matrices(q_out, rows), as_matrices(q_mean, rows)


def _rows(q_out: Distribution, q_mean: Distribution, columns: int) -> int:
    shape = q_mean.event_shape if isinstance(q_out, MultivariateNormal) else q_out.event_shape
    return shape[0] if len(shape) == 2 else shape[0] // columns
