"""MvNormalMeanCovariance(out | mean, covariance): messages, joints, energy, kernel.

Factor        f = N(out; mean, Σ)
Sum-product   ν(mean) = ∫ f m_out d out: the message of out, widened by Σ; out and mean are symmetric
Variational   ν(mean) ∝ exp E[log f] = N(E[out], inv E[inv Σ])
              ν(Σ) ∝ |Σ|^(-1/2) exp(-tr(S inv Σ) / 2) = InverseWishart(-d, S),  S = E[(out - mean)(out - mean)']
Structured    messages inside the cluster (out, mean), with Σ replaced by inv E[inv Σ]
Energy        (d log 2π + E[log|Σ|] + tr(E[inv Σ] S)) / 2                                Dauwels 2007, table 5

A known covariance may be given as a message or as a marginal, may be singular, and a vector means a diagonal.

Differs       a random covariance enters by inv E[inv Σ], as E[log f] asks for; with its mean instead, as is common, the free
              energy may rise
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    InverseWishart,
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    PointMass,
)
from reactivepgm.numerics.array import Array
from reactivepgm.rulebook import GaussianKernel, average_energy, kernel, marginal_rule, rule

from .gaussian_joint import joint_with_noise, observed_joint
from .gaussian_sum import Gaussian, widened
from .matrix_form import as_matrix_point
from .noise import Covariance, effective_covariance, joint_scatter, matrix_energy, scatter

Located = MultivariateNormal | PointMass
Joint = MvNormalMeanCovariance | MvNormalWeightedMeanPrecision


@rule(MvNormalMeanCovariance, to="out")
def _(m_mean: Located, q_covariance: Covariance) -> Gaussian:
    """Convolution of two Gaussians: covariances add."""
    return widened(m_mean, effective_covariance(q_covariance))


@rule(MvNormalMeanCovariance, to="out")
def _(q_mean: Distribution, q_covariance: Covariance) -> MvNormalMeanCovariance:
    """The factor at its expected mean."""
    return MvNormalMeanCovariance._of(q_mean.mean, effective_covariance(q_covariance))


@rule(MvNormalMeanCovariance, to="mean")
def _(m_out: Located, q_covariance: Covariance) -> Gaussian:
    """Convolution of two Gaussians: covariances add."""
    return widened(m_out, effective_covariance(q_covariance))


@rule(MvNormalMeanCovariance, to="mean")
def _(q_out: Distribution, q_covariance: Covariance) -> MvNormalMeanCovariance:
    """The factor at the expected output."""
    return MvNormalMeanCovariance._of(q_out.mean, effective_covariance(q_covariance))


@rule(MvNormalMeanCovariance, to="covariance")
def _(q_out: Distribution, q_mean: Distribution) -> InverseWishart:
    """The expected scatter; improper on its own."""
    spread = scatter(q_out, q_mean)
    return InverseWishart._of(-float(spread.shape[-1]), spread)


@rule(MvNormalMeanCovariance, to="covariance")
def _(q_out_mean: MultivariateNormal) -> InverseWishart:
    """The expected scatter, the covariance of out and mean included."""
    spread = joint_scatter(q_out_mean)
    return InverseWishart._of(-float(spread.shape[-1]), spread)


@marginal_rule(MvNormalMeanCovariance, "out_mean")
def _(m_out: MultivariateNormal, m_mean: MultivariateNormal, q_covariance: Covariance) -> Joint:
    """Both messages tied by the factor."""
    return joint_with_noise(m_out, m_mean, covariance=effective_covariance(q_covariance))


@marginal_rule(MvNormalMeanCovariance, "out_mean")
def _(m_out: PointMass, m_mean: Located, q_covariance: Covariance) -> Factorized:
    """An observed output leaves a belief about the mean."""
    return observed_joint(m_out, m_mean, effective_covariance(q_covariance))


@marginal_rule(MvNormalMeanCovariance, "out_mean")
def _(m_out: MultivariateNormal, m_mean: PointMass, q_covariance: Covariance) -> Factorized:
    """A known mean leaves a belief about the output."""
    return observed_joint(m_out, m_mean, effective_covariance(q_covariance))


@marginal_rule(MvNormalMeanCovariance, "out_mean_covariance")
def _(m_out: MultivariateNormal, m_mean: MultivariateNormal, m_covariance: PointMass) -> Factorized:
    """The known covariance falls out of the joint."""
    joint = joint_with_noise(m_out, m_mean, covariance=effective_covariance(m_covariance))
    return Factorized({("out", "mean"): joint, "covariance": m_covariance})


@marginal_rule(MvNormalMeanCovariance, "out_mean_covariance")
def _(m_out: PointMass, m_mean: Located, m_covariance: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    apart = observed_joint(m_out, m_mean, effective_covariance(m_covariance))
    return Factorized({**apart.factors, "covariance": m_covariance})


@marginal_rule(MvNormalMeanCovariance, "out_mean_covariance")
def _(m_out: MultivariateNormal, m_mean: PointMass, m_covariance: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    apart = observed_joint(m_out, m_mean, effective_covariance(m_covariance))
    return Factorized({**apart.factors, "covariance": m_covariance})


@average_energy(MvNormalMeanCovariance)
def _(q_out: Distribution, q_mean: Distribution, q_covariance: Covariance) -> Array:
    """Independent out and mean."""
    return _energy(scatter(q_out, q_mean), q_covariance)


@average_energy(MvNormalMeanCovariance)
def _(q_out_mean: MultivariateNormal, q_covariance: Covariance) -> Array:
    """A joint belief about out and mean."""
    return _energy(joint_scatter(q_out_mean), q_covariance)


def _energy(spread: Array, q_covariance: Covariance) -> Array:
    q = as_matrix_point(q_covariance) if isinstance(q_covariance, PointMass) else q_covariance
    return matrix_energy(spread, q.mean_log_det, q.mean_inverse)


@kernel(MvNormalMeanCovariance, to="out", ins=("mean",))
def _(q_covariance: Covariance) -> GaussianKernel:
    """out = mean + noise."""
    return GaussianKernel((None,), None, effective_covariance(q_covariance))
