"""MvNormalMeanPrecision(out | mean, precision): messages, joints, energy, kernel.

Factor        f = N(out; mean, inv Λ)
Sum-product   ν(mean) = ∫ f m_out d out: the message of out, widened by inv Λ; out and mean are symmetric
Variational   ν(mean) ∝ exp E[log f] = N(E[out], precision E[Λ])
              ν(Λ) ∝ |Λ|^(1/2) exp(-tr(S Λ) / 2) = Wishart(d + 2, inv S),  S = E[(out - mean)(out - mean)']
Structured    messages inside the cluster (out, mean), with Λ replaced by E[Λ]
Energy        (d log 2π - E[log|Λ|] + tr(E[Λ] S)) / 2                                    Dauwels 2007, table 5

A known precision may be given as a message or as a marginal; a vector means a diagonal.
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
    Wishart,
)
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import inv_psd
from reactivepgm.rulebook import GaussianKernel, average_energy, kernel, marginal_rule, rule

from .gaussian_joint import joint_with_noise, observed_joint
from .gaussian_sum import Gaussian, widened
from .matrix_form import as_matrix_point
from .noise import PrecisionMatrix, joint_scatter, matrix_energy, mean_precision_matrix, scatter

Located = MultivariateNormal | PointMass
Joint = MvNormalMeanCovariance | MvNormalWeightedMeanPrecision


@rule(MvNormalMeanPrecision, to="out")
def _(m_mean: MultivariateNormal, q_precision: PrecisionMatrix) -> Gaussian:
    """Convolution of two Gaussians: covariances add."""
    return widened(m_mean, inv_psd(mean_precision_matrix(q_precision)))


@rule(MvNormalMeanPrecision, to="out")
def _(q_mean: Distribution, q_precision: PrecisionMatrix) -> MvNormalMeanPrecision:
    """The factor at its expected mean and precision."""
    return MvNormalMeanPrecision._of(q_mean.mean, mean_precision_matrix(q_precision))


@rule(MvNormalMeanPrecision, to="mean")
def _(m_out: MultivariateNormal, q_precision: PrecisionMatrix) -> Gaussian:
    """Convolution of two Gaussians: covariances add."""
    return widened(m_out, inv_psd(mean_precision_matrix(q_precision)))


@rule(MvNormalMeanPrecision, to="mean")
def _(q_out: Distribution, q_precision: PrecisionMatrix) -> MvNormalMeanPrecision:
    """The factor at the expected output and precision."""
    return MvNormalMeanPrecision._of(q_out.mean, mean_precision_matrix(q_precision))


@rule(MvNormalMeanPrecision, to="precision")
def _(q_out: Distribution, q_mean: Distribution) -> Wishart:
    """The expected scatter is the inverse scale; it may be singular."""
    spread = scatter(q_out, q_mean)
    return Wishart.from_inverse_scale(spread.shape[-1] + 2.0, spread)


@rule(MvNormalMeanPrecision, to="precision")
def _(q_out_mean: MultivariateNormal) -> Wishart:
    """The expected scatter, the covariance of out and mean included."""
    spread = joint_scatter(q_out_mean)
    return Wishart.from_inverse_scale(spread.shape[-1] + 2.0, spread)


@marginal_rule(MvNormalMeanPrecision, "out_mean")
def _(m_out: MultivariateNormal, m_mean: MultivariateNormal, q_precision: PrecisionMatrix) -> Joint:
    """Both messages tied by the factor."""
    return joint_with_noise(m_out, m_mean, precision=mean_precision_matrix(q_precision))


@marginal_rule(MvNormalMeanPrecision, "out_mean")
def _(m_out: PointMass, m_mean: Located, q_precision: PrecisionMatrix) -> Factorized:
    """An observed output leaves a belief about the mean."""
    return observed_joint(m_out, m_mean, inv_psd(mean_precision_matrix(q_precision)))


@marginal_rule(MvNormalMeanPrecision, "out_mean")
def _(m_out: MultivariateNormal, m_mean: PointMass, q_precision: PrecisionMatrix) -> Factorized:
    """A known mean leaves a belief about the output."""
    return observed_joint(m_out, m_mean, inv_psd(mean_precision_matrix(q_precision)))


@marginal_rule(MvNormalMeanPrecision, "out_mean_precision")
def _(m_out: MultivariateNormal, m_mean: MultivariateNormal, m_precision: PointMass) -> Factorized:
    """The known precision falls out of the joint."""
    joint = joint_with_noise(m_out, m_mean, precision=mean_precision_matrix(m_precision))
    return Factorized({("out", "mean"): joint, "precision": m_precision})


@marginal_rule(MvNormalMeanPrecision, "out_mean_precision")
def _(m_out: PointMass, m_mean: Located, m_precision: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    apart = observed_joint(m_out, m_mean, inv_psd(mean_precision_matrix(m_precision)))
    return Factorized({**apart.factors, "precision": m_precision})


@marginal_rule(MvNormalMeanPrecision, "out_mean_precision")
def _(m_out: MultivariateNormal, m_mean: PointMass, m_precision: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    apart = observed_joint(m_out, m_mean, inv_psd(mean_precision_matrix(m_precision)))
    return Factorized({**apart.factors, "precision": m_precision})


@average_energy(MvNormalMeanPrecision)
def _(q_out: Distribution, q_mean: Distribution, q_precision: PrecisionMatrix) -> Array:
    """Independent out and mean."""
    return _energy(scatter(q_out, q_mean), q_precision)


@average_energy(MvNormalMeanPrecision)
def _(q_out_mean: MultivariateNormal, q_precision: PrecisionMatrix) -> Array:
    """A joint belief about out and mean."""
    return _energy(joint_scatter(q_out_mean), q_precision)


def _energy(spread: Array, q_precision: PrecisionMatrix) -> Array:
    q = as_matrix_point(q_precision) if isinstance(q_precision, PointMass) else q_precision
    return matrix_energy(spread, -q.mean_log_det, q.mean)


@kernel(MvNormalMeanPrecision, to="out", ins=("mean",))
def _(q_precision: PrecisionMatrix) -> GaussianKernel:
    """out = mean + noise."""
    return GaussianKernel((None,), None, inv_psd(mean_precision_matrix(q_precision)))
