"""ContinuousTransition(y | x, a, W): messages, joint, energies, kernel; the matrix is a function of a, in the meta.

Factor        f = N(y; A(a) x, inv W);  A(a) = A0 + sum_j F_j (a_j - a0_j), linearised at a0 = E[a]: row i is c_i + F_i a
Between y, x  exp E[log f] ∝ exp(-(y - A0 x)'E[W](y - A0 x)/2 - x'J x/2),   J = sum_ij E[W]_ij F_i Cov[a] F_j'
Variational   ν(y) = N(A0 E[x], precision E[W]),   ν(x) = (weighted A0'E[W] E[y], precision A0'E[W] A0 + J)
              ν(a): weighted sum_ij E[W]_ij F_i'(E[x y_j] - E[xx'] c_j), precision sum_ij E[W]_ij F_i'E[xx'] F_j
              ν(W) = Wishart(n + 2, inv S),  S = E[(y - A x)(y - A x)'], with T_ij = tr(F_i Cov[a] F_j'E[xx']) in it
Structured    messages inside the cluster (y, x): see linear_joint.py
Energy        (n log 2π - E[log|W|] + tr(E[W] S))/2

Exact for a function that is linear in a. There is a kernel for a known a only: else J weighs on x alone.

Differs       the message of y keeps what Cov[a] leaves uncertain; S is taken about the whole affine map, its offset A(a0) x - J
              a0 included; the energy has half of E[log|W|] and of n log 2π
"""

from typing import NamedTuple

from reactivepgm.distributions import (
    Distribution,
    MultivariateNormal,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
    Wishart,
)
from reactivepgm.errors import NoRuleError
from reactivepgm.nodes import ContinuousTransitionMeta
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.linear_algebra import inv_psd, matvec, outer, symmetrise, transpose
from reactivepgm.rulebook import GaussianKernel, average_energy, kernel, marginal_rule, rule

from .gaussian_map import mapped
from .gaussian_sum import Gaussian, widened
from .linear_joint import Joint, backward, linear_joint, tilted
from .matrix_form import as_matrix_point
from .noise import PrecisionMatrix, matrix_energy, mean_precision_matrix
from .regression import moments

NODE = "ContinuousTransition"


class Linear(NamedTuple):
    """A0 (*batch, n, m), its slope F (*batch, n, m, d), the mean a0 (*batch, d), and Cov[a], None for zero."""

    matrix: Array
    slope: Array
    at: Array
    covariance: Array | None


class Ends(NamedTuple):
    """E[xx'] (*batch, m, m), E[y x'] (*batch, n, m), and E[(y - A0 x)(y - A0 x)'] (*batch, n, n)."""

    squares: Array
    products: Array
    residual: Array


@rule(NODE, to="y")
def _(q_x: Distribution, q_a: Distribution, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta) -> MvNormalMeanPrecision:
    """The factor at its expected transition."""
    return MvNormalMeanPrecision._of(matvec(_linear(q_a, meta).matrix, q_x.mean), mean_precision_matrix(q_W))


@rule(NODE, to="y")
def _(m_x: MultivariateNormal, q_a: Distribution, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta) -> Gaussian:
    """The message of x, narrowed by what is uncertain about the matrix, through the factor."""
    a, w = _linear(q_a, meta), mean_precision_matrix(q_W)
    return widened(mapped(a.matrix, _tilted(m_x, _pull(a, w))), inv_psd(w))


@rule(NODE, to="x")
def _(
    q_y: Distribution, q_a: Distribution, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta
) -> MvNormalWeightedMeanPrecision:
    """A quadratic form in x."""
    a, w = _linear(q_a, meta), mean_precision_matrix(q_W)
    up = transpose(a.matrix) @ w
    return _message(matvec(up, q_y.mean), symmetrise(up @ a.matrix), _pull(a, w))


@rule(NODE, to="x")
def _(
    m_y: MultivariateNormal, q_a: Distribution, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta
) -> MvNormalWeightedMeanPrecision:
    """What the message of y, widened by the noise, says about the transition."""
    a, w = _linear(q_a, meta), mean_precision_matrix(q_W)
    return _message(*backward(a.matrix, inv_psd(w), m_y), _pull(a, w))


@rule(NODE, to="a")
def _(
    q_y: Distribution, q_x: Distribution, q_a: Distribution, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta
) -> MvNormalWeightedMeanPrecision:
    """A quadratic form in a, linearised around its own belief."""
    a = _linear(q_a, meta)
    return _toward_a(a, _apart(q_y, q_x, a.matrix), mean_precision_matrix(q_W))


@rule(NODE, to="a")
def _(
    q_y_x: MultivariateNormal, q_a: Distribution, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta
) -> MvNormalWeightedMeanPrecision:
    """The same, the covariance of y and x included."""
    a = _linear(q_a, meta)
    return _toward_a(a, _tied(q_y_x, a.matrix), mean_precision_matrix(q_W))


@rule(NODE, to="a")
def _(
    q_y: Distribution, q_x: Distribution, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta
) -> MvNormalWeightedMeanPrecision:
    """Linearised at the point that the meta gives."""
    a = _linear(_given(meta), meta)
    return _toward_a(a, _apart(q_y, q_x, a.matrix), mean_precision_matrix(q_W))


@rule(NODE, to="a")
def _(q_y_x: MultivariateNormal, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta) -> MvNormalWeightedMeanPrecision:
    """Linearised at the point that the meta gives."""
    a = _linear(_given(meta), meta)
    return _toward_a(a, _tied(q_y_x, a.matrix), mean_precision_matrix(q_W))


@rule(NODE, to="W")
def _(q_y: Distribution, q_x: Distribution, q_a: Distribution, meta: ContinuousTransitionMeta) -> Wishart:
    """The expected scatter of the residual is the inverse scale."""
    a = _linear(q_a, meta)
    return _toward_w(_scatter(a, _apart(q_y, q_x, a.matrix)))


@rule(NODE, to="W")
def _(q_y_x: MultivariateNormal, q_a: Distribution, meta: ContinuousTransitionMeta) -> Wishart:
    """The same, the covariance of y and x included."""
    a = _linear(q_a, meta)
    return _toward_w(_scatter(a, _tied(q_y_x, a.matrix)))


@marginal_rule(NODE, "y_x")
def _(
    m_y: MultivariateNormal,
    m_x: MultivariateNormal,
    q_a: Distribution,
    q_W: PrecisionMatrix,
    meta: ContinuousTransitionMeta,
) -> Joint:
    """Both messages tied by the factor."""
    a, w = _linear(q_a, meta), mean_precision_matrix(q_W)
    return linear_joint(a.matrix, w, m_y, _tilted(m_x, _pull(a, w)), inv_psd(w))


@average_energy(NODE)
def _(
    q_y: Distribution, q_x: Distribution, q_a: Distribution, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta
) -> Array:
    """Independent y and x."""
    a = _linear(q_a, meta)
    return _energy(_scatter(a, _apart(q_y, q_x, a.matrix)), q_W)


@average_energy(NODE)
def _(q_y_x: MultivariateNormal, q_a: Distribution, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta) -> Array:
    """A joint belief about y and x."""
    a = _linear(q_a, meta)
    return _energy(_scatter(a, _tied(q_y_x, a.matrix)), q_W)


@kernel(NODE, to="y", ins=("x",))
def _(q_a: PointMass, q_W: PrecisionMatrix, meta: ContinuousTransitionMeta) -> GaussianKernel:
    """y = A(a) x + noise."""
    return GaussianKernel((_linear(q_a, meta).matrix,), None, inv_psd(mean_precision_matrix(q_W)))


def _given(meta: ContinuousTransitionMeta) -> PointMass:
    if meta.at is None:
        raise NoRuleError(
            "ContinuousTransition: the message toward a is linearised at the marginal of a, which is not given: "
            "write ContinuousTransitionMeta(function, at=point)"
        )
    return PointMass(meta.at)


def _linear(q_a: Distribution, meta: ContinuousTransitionMeta) -> Linear:
    mean, covariance = moments(q_a)
    matrix, slope = meta.linearised(mean)
    return Linear(matrix, slope, mean, None if isinstance(q_a, PointMass) else covariance)


def _pull(a: Linear, w: Array) -> Array | None:
    if a.covariance is None:
        return None
    return symmetrise(_einsum("...ij,...ikp,...pq,...jlq->...kl", w, a.slope, a.covariance, a.slope))


def _apart(q_y: Distribution, q_x: Distribution, matrix: Array) -> Ends:
    (y, y_spread), (x, x_spread) = moments(q_y), moments(q_x)
    gap = y - matvec(matrix, x)
    residual = outer(gap) + y_spread + matrix @ x_spread @ transpose(matrix)
    return Ends(x_spread + outer(x), outer(y, x), residual)


def _tied(q_y_x: MultivariateNormal, matrix: Array) -> Ends:
    mean, spread, n = q_y_x.mean, q_y_x.covariance, matrix.shape[-2]
    y, x = mean[..., :n], mean[..., n:]
    gap = y - matvec(matrix, x)
    crossed = matrix @ spread[..., n:, :n]
    own = spread[..., :n, :n] + matrix @ spread[..., n:, n:] @ transpose(matrix)
    residual = outer(gap) + own - crossed - transpose(crossed)
    return Ends(spread[..., n:, n:] + outer(x), spread[..., :n, n:] + outer(y, x), residual)


def _scatter(a: Linear, ends: Ends) -> Array:
    if a.covariance is None:
        return ends.residual
    spread = _einsum("...ikp,...pq,...jlq,...kl->...ij", a.slope, a.covariance, a.slope, ends.squares)
    return symmetrise(ends.residual + spread)


def _toward_a(a: Linear, ends: Ends, w: Array) -> MvNormalWeightedMeanPrecision:
    constant = a.matrix - (a.slope @ a.at[..., None, :, None])[..., 0]
    told = w @ (ends.products - constant @ ends.squares)
    precision = _einsum("...ij,...ikp,...kl,...jlq->...pq", w, a.slope, ends.squares, a.slope)
    weighted = namespace(told).einsum("...jkp,...jk->...p", a.slope, told)
    return MvNormalWeightedMeanPrecision._of(weighted, symmetrise(precision))


def _toward_w(scatter: Array) -> Wishart:
    return Wishart.from_inverse_scale(scatter.shape[-1] + 2.0, scatter)


def _energy(scatter: Array, q_w: PrecisionMatrix) -> Array:
    q = as_matrix_point(q_w) if isinstance(q_w, PointMass) else q_w
    return matrix_energy(scatter, -q.mean_log_det, q.mean)


def _message(weighted: Array, precision: Array, pull: Array | None) -> MvNormalWeightedMeanPrecision:
    return MvNormalWeightedMeanPrecision._of(weighted, precision if pull is None else precision + pull)


def _tilted(m: MultivariateNormal, pull: Array | None) -> MultivariateNormal:
    return tilted(m, pull)  # type: ignore[return-value]


def _einsum(pattern: str, *arrays: Array) -> Array:
    return namespace(*arrays).einsum(pattern, *arrays, optimize=True)
