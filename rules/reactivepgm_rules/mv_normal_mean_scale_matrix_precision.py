"""MvNormalMeanScaleMatrixPrecision(out | mean, scale, matrix): messages, joints, energy, kernel.

Factor        f = N(out; mean, inv(γ G))
Sum-product   ν(mean) = ∫ f m_out d out: the message of out, widened by inv(γ G); out and mean are symmetric
Variational   ν(mean) ∝ exp E[log f] = N(E[out], precision E[γ] E[G]),   S = E[(out - mean)(out - mean)']
              ν(γ) = Gamma(1 + d/2, rate tr(E[G] S)/2),   ν(G) = Wishart(d + 2, inv(E[γ] S))
Structured    messages inside the cluster (out, mean), with γ G replaced by E[γ] E[G]
Energy        (d log 2π - d E[log γ] - E[log|G|] + E[γ] tr(E[G] S))/2
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    GammaShapeRate,
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
    Wishart,
)
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import inv_psd, trace_product
from reactivepgm.rulebook import GaussianKernel, average_energy, kernel, marginal_rule, rule

from .gaussian_joint import joint_with_noise, observed_joint
from .gaussian_sum import Gaussian, widened
from .matrix_form import as_matrix_point, scaling
from .noise import Precision, PrecisionMatrix, joint_scatter, matrix_energy, mean_precision_matrix, scatter

NODE = "MvNormalMeanScaleMatrixPrecision"
Located = MultivariateNormal | PointMass
Joint = MvNormalMeanCovariance | MvNormalWeightedMeanPrecision


@rule(NODE, to="out")
def _(m_mean: MultivariateNormal, q_scale: Distribution, q_matrix: PrecisionMatrix) -> Gaussian:
    """Convolution of two Gaussians: covariances add."""
    return widened(m_mean, inv_psd(_precision(q_scale, q_matrix)))


@rule(NODE, to="out")
def _(q_mean: Distribution, q_scale: Distribution, q_matrix: PrecisionMatrix) -> MvNormalMeanPrecision:
    """The factor at its expected mean and precision."""
    return MvNormalMeanPrecision._of(q_mean.mean, _precision(q_scale, q_matrix))


@rule(NODE, to="mean")
def _(m_out: MultivariateNormal, q_scale: Distribution, q_matrix: PrecisionMatrix) -> Gaussian:
    """Convolution of two Gaussians: covariances add."""
    return widened(m_out, inv_psd(_precision(q_scale, q_matrix)))


@rule(NODE, to="mean")
def _(q_out: Distribution, q_scale: Distribution, q_matrix: PrecisionMatrix) -> MvNormalMeanPrecision:
    """The factor at the expected output and precision."""
    return MvNormalMeanPrecision._of(q_out.mean, _precision(q_scale, q_matrix))


@rule(NODE, to="scale")
def _(q_out: Distribution, q_mean: Distribution, q_matrix: PrecisionMatrix) -> GammaShapeRate:
    """Half the expected squared distance in the metric of the matrix."""
    return _toward_scale(scatter(q_out, q_mean), q_matrix)


@rule(NODE, to="scale")
def _(q_out_mean: MultivariateNormal, q_matrix: PrecisionMatrix) -> GammaShapeRate:
    """The same, the covariance of out and mean included."""
    return _toward_scale(joint_scatter(q_out_mean), q_matrix)


@rule(NODE, to="matrix")
def _(q_out: Distribution, q_mean: Distribution, q_scale: Distribution) -> Wishart:
    """The scaled scatter is the inverse scale; it may be singular."""
    return _toward_matrix(scatter(q_out, q_mean), q_scale)


@rule(NODE, to="matrix")
def _(q_out_mean: MultivariateNormal, q_scale: Distribution) -> Wishart:
    """The same, the covariance of out and mean included."""
    return _toward_matrix(joint_scatter(q_out_mean), q_scale)


@marginal_rule(NODE, "out_mean")
def _(m_out: MultivariateNormal, m_mean: MultivariateNormal, q_scale: Distribution, q_matrix: PrecisionMatrix) -> Joint:
    """Both messages tied by the factor."""
    return joint_with_noise(m_out, m_mean, precision=_precision(q_scale, q_matrix))


@marginal_rule(NODE, "out_mean")
def _(m_out: PointMass, m_mean: Located, q_scale: Distribution, q_matrix: PrecisionMatrix) -> Factorized:
    """An observed output leaves a belief about the mean."""
    return observed_joint(m_out, m_mean, inv_psd(_precision(q_scale, q_matrix)))


@marginal_rule(NODE, "out_mean")
def _(m_out: MultivariateNormal, m_mean: PointMass, q_scale: Distribution, q_matrix: PrecisionMatrix) -> Factorized:
    """A known mean leaves a belief about the output."""
    return observed_joint(m_out, m_mean, inv_psd(_precision(q_scale, q_matrix)))


@marginal_rule(NODE, "out_mean_scale_matrix")
def _(m_out: MultivariateNormal, m_mean: MultivariateNormal, m_scale: PointMass, m_matrix: PointMass) -> Factorized:
    """The known precision falls out of the joint."""
    joint = joint_with_noise(m_out, m_mean, precision=_precision(m_scale, m_matrix))
    return Factorized({("out", "mean"): joint, "scale": m_scale, "matrix": m_matrix})


@marginal_rule(NODE, "out_mean_scale_matrix")
def _(m_out: PointMass, m_mean: Located, m_scale: PointMass, m_matrix: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    apart = observed_joint(m_out, m_mean, inv_psd(_precision(m_scale, m_matrix)))
    return Factorized({**apart.factors, "scale": m_scale, "matrix": m_matrix})


@marginal_rule(NODE, "out_mean_scale_matrix")
def _(m_out: MultivariateNormal, m_mean: PointMass, m_scale: PointMass, m_matrix: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    apart = observed_joint(m_out, m_mean, inv_psd(_precision(m_scale, m_matrix)))
    return Factorized({**apart.factors, "scale": m_scale, "matrix": m_matrix})


@average_energy(NODE)
def _(q_out: Distribution, q_mean: Distribution, q_scale: Precision, q_matrix: PrecisionMatrix) -> Array:
    """Independent out and mean."""
    return _energy(scatter(q_out, q_mean), q_scale, q_matrix)


@average_energy(NODE)
def _(q_out_mean: MultivariateNormal, q_scale: Precision, q_matrix: PrecisionMatrix) -> Array:
    """A joint belief about out and mean."""
    return _energy(joint_scatter(q_out_mean), q_scale, q_matrix)


@kernel(NODE, to="out", ins=("mean",))
def _(q_scale: Distribution, q_matrix: PrecisionMatrix) -> GaussianKernel:
    """out = mean + noise."""
    return GaussianKernel((None,), None, inv_psd(_precision(q_scale, q_matrix)))


def _precision(q_scale: Distribution, q_matrix: PrecisionMatrix) -> Array:
    return scaling(q_scale.mean) * mean_precision_matrix(q_matrix)


def _toward_scale(spread: Array, q_matrix: PrecisionMatrix) -> GammaShapeRate:
    return GammaShapeRate._of(1.0 + 0.5 * spread.shape[-1], 0.5 * trace_product(mean_precision_matrix(q_matrix), spread))


def _toward_matrix(spread: Array, q_scale: Distribution) -> Wishart:
    return Wishart.from_inverse_scale(spread.shape[-1] + 2.0, scaling(q_scale.mean) * spread)


def _energy(spread: Array, q_scale: Precision, q_matrix: PrecisionMatrix) -> Array:
    matrix = as_matrix_point(q_matrix) if isinstance(q_matrix, PointMass) else q_matrix
    mean_log_det = spread.shape[-1] * q_scale.mean_log + matrix.mean_log_det
    return matrix_energy(spread, -mean_log_det, scaling(q_scale.mean) * matrix.mean)
