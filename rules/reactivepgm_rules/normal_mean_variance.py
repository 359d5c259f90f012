"""NormalMeanVariance(out | mean, variance): messages, joints, energy, kernel.

Factor        f = N(out; mean, v)
Sum-product   ν(mean) = ∫ f m_out d out: the message of out, widened by v; out and mean are symmetric
              ν(v) = N(0; m_out - m_mean, widened by v), a log density
Variational   ν(mean) ∝ exp E[log f] = N(E[out], 1 / E[1/v])
              ν(v) ∝ v^(-1/2) exp(-E[(out - mean)²] / 2v) = InverseGamma(-1/2, E[(out - mean)²] / 2)
Structured    messages inside the cluster (out, mean), with v replaced by 1 / E[1/v]
Energy        (log 2π + E[log v] + E[1/v] E[(out - mean)²]) / 2                          Dauwels 2007, table 5

A known variance may be given as a message or as a marginal.

Differs       a random variance enters by 1/E[1/v], as E[log f] asks for; with its mean E[v] instead, as is common, the free
              energy may rise
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    InverseGamma,
    LogDensity,
    MultivariateNormal,
    NormalMeanVariance,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.numerics.array import Array
from reactivepgm.rulebook import GaussianKernel, average_energy, kernel, marginal_rule, rule

from .gaussian_joint import observed_joint
from .gaussian_sum import Gaussian, subtracted, widened
from .joint_of_numbers import NumberJoint, joint_of_numbers
from .matrix_form import as_matrix
from .noise import (
    Variance,
    effective_variance,
    energy,
    joint_square_gap,
    message_to_variance,
    square_gap,
)

Located = UnivariateNormal | PointMass


@rule(NormalMeanVariance, to="out")
def _(m_mean: Located, q_variance: Variance) -> Gaussian:
    """Convolution of two Gaussians: variances add."""
    return widened(m_mean, effective_variance(q_variance))


@rule(NormalMeanVariance, to="out")
def _(q_mean: Distribution, q_variance: Variance) -> NormalMeanVariance:
    """The factor at its expected mean."""
    return NormalMeanVariance._of(q_mean.mean, effective_variance(q_variance))


@rule(NormalMeanVariance, to="mean")
def _(m_out: Located, q_variance: Variance) -> Gaussian:
    """Convolution of two Gaussians: variances add."""
    return widened(m_out, effective_variance(q_variance))


@rule(NormalMeanVariance, to="mean")
def _(q_out: Distribution, q_variance: Variance) -> NormalMeanVariance:
    """The factor at the expected output."""
    return NormalMeanVariance._of(q_out.mean, effective_variance(q_variance))


@rule(NormalMeanVariance, to="variance")
def _(q_out: Distribution, q_mean: Distribution) -> InverseGamma:
    """Half the expected squared gap; improper on its own."""
    return InverseGamma._of(-0.5, 0.5 * square_gap(q_out, q_mean))


@rule(NormalMeanVariance, to="variance")
def _(q_out_mean: MultivariateNormal) -> InverseGamma:
    """Half the expected squared gap, the covariance of out and mean included."""
    return InverseGamma._of(-0.5, 0.5 * joint_square_gap(q_out_mean))


@rule(NormalMeanVariance, to="variance")
def _(m_out: UnivariateNormal, m_mean: Located) -> LogDensity:
    """The evidence of a zero gap as a function of the variance; no exponential family."""
    return message_to_variance(subtracted(m_out, m_mean))


@rule(NormalMeanVariance, to="variance")
def _(m_out: PointMass, m_mean: UnivariateNormal) -> LogDensity:
    """The same with the output observed."""
    return message_to_variance(subtracted(m_mean, m_out))


@marginal_rule(NormalMeanVariance, "out_mean")
def _(m_out: UnivariateNormal, m_mean: UnivariateNormal, q_variance: Variance) -> NumberJoint:
    """Both messages tied by the factor."""
    return joint_of_numbers(m_out, m_mean, variance=effective_variance(q_variance))


@marginal_rule(NormalMeanVariance, "out_mean")
def _(m_out: PointMass, m_mean: Located, q_variance: Variance) -> Factorized:
    """An observed output leaves a belief about the mean."""
    return observed_joint(m_out, m_mean, effective_variance(q_variance))


@marginal_rule(NormalMeanVariance, "out_mean")
def _(m_out: UnivariateNormal, m_mean: PointMass, q_variance: Variance) -> Factorized:
    """A known mean leaves a belief about the output."""
    return observed_joint(m_out, m_mean, effective_variance(q_variance))


@marginal_rule(NormalMeanVariance, "out_mean_variance")
def _(m_out: UnivariateNormal, m_mean: UnivariateNormal, m_variance: PointMass) -> Factorized:
    """The known variance falls out of the joint."""
    joint = joint_of_numbers(m_out, m_mean, variance=m_variance.value)
    return Factorized({("out", "mean"): joint, "variance": m_variance})


@marginal_rule(NormalMeanVariance, "out_mean_variance")
def _(m_out: PointMass, m_mean: Located, m_variance: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    return Factorized({**observed_joint(m_out, m_mean, m_variance.value).factors, "variance": m_variance})


@marginal_rule(NormalMeanVariance, "out_mean_variance")
def _(m_out: UnivariateNormal, m_mean: PointMass, m_variance: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    return Factorized({**observed_joint(m_out, m_mean, m_variance.value).factors, "variance": m_variance})


@average_energy(NormalMeanVariance)
def _(q_out: Distribution, q_mean: Distribution, q_variance: Variance) -> Array:
    """Independent out and mean."""
    return energy(square_gap(q_out, q_mean), q_variance.mean_log, q_variance.mean_inverse)


@average_energy(NormalMeanVariance)
def _(q_out_mean: MultivariateNormal, q_variance: Variance) -> Array:
    """A joint belief about out and mean."""
    return energy(joint_square_gap(q_out_mean), q_variance.mean_log, q_variance.mean_inverse)


@kernel(NormalMeanVariance, to="out", ins=("mean",))
def _(q_variance: Variance) -> GaussianKernel:
    """out = mean + noise."""
    return GaussianKernel((None,), None, as_matrix(effective_variance(q_variance)))
