"""NormalMeanPrecision(out | mean, precision): messages, joints, energy, kernel.

Factor        f = N(out; mean, 1/τ)
Sum-product   ν(mean) = ∫ f m_out d out: the message of out, widened by 1/τ; out and mean are symmetric
              ν(τ) = N(0; m_out - m_mean, widened by 1/τ), a log density
Variational   ν(mean) ∝ exp E[log f] = N(E[out], precision E[τ])
              ν(τ) ∝ τ^(1/2) exp(-τ E[(out - mean)²] / 2) = Gamma(3/2, rate E[(out - mean)²] / 2)
Structured    messages inside the cluster (out, mean), with τ replaced by E[τ]
Energy        (log 2π - E[log τ] + E[τ] E[(out - mean)²]) / 2                            Dauwels 2007, table 5

A known precision may be given as a message or as a marginal.
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    GammaShapeRate,
    LogDensity,
    MultivariateNormal,
    NormalMeanPrecision,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.numerics.array import Array
from reactivepgm.rulebook import GaussianKernel, average_energy, kernel, marginal_rule, rule

from .gaussian_joint import observed_joint
from .gaussian_sum import Gaussian, subtracted, widened
from .joint_of_numbers import NumberJoint, joint_of_numbers
from .matrix_form import as_matrix
from .noise import Precision, energy, joint_square_gap, message_to_precision, square_gap

Located = UnivariateNormal | PointMass


@rule(NormalMeanPrecision, to="out")
def _(m_mean: UnivariateNormal, q_precision: Distribution) -> Gaussian:
    """Convolution of two Gaussians: variances add."""
    return widened(m_mean, 1.0 / q_precision.mean)


@rule(NormalMeanPrecision, to="out")
def _(q_mean: Distribution, q_precision: Distribution) -> NormalMeanPrecision:
    """The factor at its expected mean and precision."""
    return NormalMeanPrecision._of(q_mean.mean, q_precision.mean)


@rule(NormalMeanPrecision, to="mean")
def _(m_out: UnivariateNormal, q_precision: Distribution) -> Gaussian:
    """Convolution of two Gaussians: variances add."""
    return widened(m_out, 1.0 / q_precision.mean)


@rule(NormalMeanPrecision, to="mean")
def _(q_out: Distribution, q_precision: Distribution) -> NormalMeanPrecision:
    """The factor at the expected output and precision."""
    return NormalMeanPrecision._of(q_out.mean, q_precision.mean)


@rule(NormalMeanPrecision, to="precision")
def _(q_out: Distribution, q_mean: Distribution) -> GammaShapeRate:
    """Half the expected squared gap."""
    return GammaShapeRate._of(1.5, 0.5 * square_gap(q_out, q_mean))


@rule(NormalMeanPrecision, to="precision")
def _(q_out_mean: MultivariateNormal) -> GammaShapeRate:
    """Half the expected squared gap, the covariance of out and mean included."""
    return GammaShapeRate._of(1.5, 0.5 * joint_square_gap(q_out_mean))


@rule(NormalMeanPrecision, to="precision")
def _(m_out: UnivariateNormal, m_mean: Located) -> LogDensity:
    """The evidence of a zero gap as a function of the precision; no exponential family."""
    return message_to_precision(subtracted(m_out, m_mean))


@rule(NormalMeanPrecision, to="precision")
def _(m_out: PointMass, m_mean: UnivariateNormal) -> LogDensity:
    """The same with the output observed."""
    return message_to_precision(subtracted(m_mean, m_out))


@marginal_rule(NormalMeanPrecision, "out_mean")
def _(m_out: UnivariateNormal, m_mean: UnivariateNormal, q_precision: Distribution) -> NumberJoint:
    """Both messages tied by the factor."""
    return joint_of_numbers(m_out, m_mean, precision=q_precision.mean)


@marginal_rule(NormalMeanPrecision, "out_mean")
def _(m_out: PointMass, m_mean: Located, q_precision: Distribution) -> Factorized:
    """An observed output leaves a belief about the mean."""
    return observed_joint(m_out, m_mean, 1.0 / q_precision.mean)


@marginal_rule(NormalMeanPrecision, "out_mean")
def _(m_out: UnivariateNormal, m_mean: PointMass, q_precision: Distribution) -> Factorized:
    """A known mean leaves a belief about the output."""
    return observed_joint(m_out, m_mean, 1.0 / q_precision.mean)


@marginal_rule(NormalMeanPrecision, "out_mean_precision")
def _(m_out: UnivariateNormal, m_mean: UnivariateNormal, m_precision: PointMass) -> Factorized:
    """The known precision falls out of the joint."""
    joint = joint_of_numbers(m_out, m_mean, precision=m_precision.value)
    return Factorized({("out", "mean"): joint, "precision": m_precision})


@marginal_rule(NormalMeanPrecision, "out_mean_precision")
def _(m_out: PointMass, m_mean: Located, m_precision: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    return Factorized({**observed_joint(m_out, m_mean, 1.0 / m_precision.value).factors, "precision": m_precision})


@marginal_rule(NormalMeanPrecision, "out_mean_precision")
def _(m_out: UnivariateNormal, m_mean: PointMass, m_precision: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    return Factorized({**observed_joint(m_out, m_mean, 1.0 / m_precision.value).factors, "precision": m_precision})


@average_energy(NormalMeanPrecision)
def _(q_out: Distribution, q_mean: Distribution, q_precision: Precision) -> Array:
    """Independent out and mean."""
    return energy(square_gap(q_out, q_mean), -q_precision.mean_log, q_precision.mean)


@average_energy(NormalMeanPrecision)
def _(q_out_mean: MultivariateNormal, q_precision: Precision) -> Array:
    """A joint belief about out and mean."""
    return energy(joint_square_gap(q_out_mean), -q_precision.mean_log, q_precision.mean)


@kernel(NormalMeanPrecision, to="out", ins=("mean",))
def _(q_precision: Distribution) -> GaussianKernel:
    """out = mean + noise."""
    return GaussianKernel((None,), None, as_matrix(1.0 / q_precision.mean))
