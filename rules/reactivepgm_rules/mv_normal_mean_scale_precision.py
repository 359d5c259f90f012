"""MvNormalMeanScalePrecision(out | mean, precision): messages, joints, energy.

Factor        f = N(out; mean, I/γ)
Sum-product   ν(mean) = ∫ f m_out d out: the message of out, widened by I/γ; out and mean are symmetric
Variational   ν(mean) ∝ exp E[log f] = N(E[out], precision E[γ] I)
              ν(γ) ∝ γ^(d/2) exp(-γ E|out - mean|²/2) = Gamma(1 + d/2, rate E|out - mean|²/2)
Structured    messages inside the cluster (out, mean), with γ replaced by E[γ]
Energy        (d log 2π - d E[log γ] + E[γ] E|out - mean|²)/2                            Dauwels 2007, table 5

There is no kernel: the covariance I/γ does not say of how many components it speaks.
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    GammaShapeRate,
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalMeanScalePrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
)
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import eye, trace
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .gaussian_joint import joint_with_noise, observed_joint
from .gaussian_sum import Gaussian, widened
from .matrix_form import scaling
from .noise import LOG_2PI, Precision, joint_scatter, scatter

Located = MultivariateNormal | PointMass
Joint = MvNormalMeanCovariance | MvNormalWeightedMeanPrecision


@rule(MvNormalMeanScalePrecision, to="out")
def _(m_mean: MultivariateNormal, q_precision: Distribution) -> Gaussian:
    """Convolution of two Gaussians: covariances add."""
    return _widened(m_mean, q_precision)


@rule(MvNormalMeanScalePrecision, to="out")
def _(q_mean: Distribution, q_precision: Distribution) -> MvNormalMeanScalePrecision:
    """The factor at its expected mean and precision."""
    return MvNormalMeanScalePrecision._of(q_mean.mean, q_precision.mean)


@rule(MvNormalMeanScalePrecision, to="mean")
def _(m_out: MultivariateNormal, q_precision: Distribution) -> Gaussian:
    """Convolution of two Gaussians: covariances add."""
    return _widened(m_out, q_precision)


@rule(MvNormalMeanScalePrecision, to="mean")
def _(q_out: Distribution, q_precision: Distribution) -> MvNormalMeanScalePrecision:
    """The factor at the expected output and precision."""
    return MvNormalMeanScalePrecision._of(q_out.mean, q_precision.mean)


@rule(MvNormalMeanScalePrecision, to="precision")
def _(q_out: Distribution, q_mean: Distribution) -> GammaShapeRate:
    """Half the expected squared distance."""
    return _toward_precision(scatter(q_out, q_mean))


@rule(MvNormalMeanScalePrecision, to="precision")
def _(q_out_mean: MultivariateNormal) -> GammaShapeRate:
    """Half the expected squared distance, the covariance of out and mean included."""
    return _toward_precision(joint_scatter(q_out_mean))


@marginal_rule(MvNormalMeanScalePrecision, "out_mean")
def _(m_out: MultivariateNormal, m_mean: MultivariateNormal, q_precision: Distribution) -> Joint:
    """Both messages tied by the factor."""
    return joint_with_noise(m_out, m_mean, precision=_multiple(q_precision.mean, m_out))


@marginal_rule(MvNormalMeanScalePrecision, "out_mean")
def _(m_out: PointMass, m_mean: Located, q_precision: Distribution) -> Factorized:
    """An observed output leaves a belief about the mean."""
    return observed_joint(m_out, m_mean, _multiple(1.0 / q_precision.mean, m_out))


@marginal_rule(MvNormalMeanScalePrecision, "out_mean")
def _(m_out: MultivariateNormal, m_mean: PointMass, q_precision: Distribution) -> Factorized:
    """A known mean leaves a belief about the output."""
    return observed_joint(m_out, m_mean, _multiple(1.0 / q_precision.mean, m_mean))


@marginal_rule(MvNormalMeanScalePrecision, "out_mean_precision")
def _(m_out: MultivariateNormal, m_mean: MultivariateNormal, m_precision: PointMass) -> Factorized:
    """The known precision falls out of the joint."""
    joint = joint_with_noise(m_out, m_mean, precision=_multiple(m_precision.value, m_out))
    return Factorized({("out", "mean"): joint, "precision": m_precision})


@marginal_rule(MvNormalMeanScalePrecision, "out_mean_precision")
def _(m_out: PointMass, m_mean: Located, m_precision: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    apart = observed_joint(m_out, m_mean, _multiple(1.0 / m_precision.value, m_out))
    return Factorized({**apart.factors, "precision": m_precision})


@marginal_rule(MvNormalMeanScalePrecision, "out_mean_precision")
def _(m_out: MultivariateNormal, m_mean: PointMass, m_precision: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    apart = observed_joint(m_out, m_mean, _multiple(1.0 / m_precision.value, m_mean))
    return Factorized({**apart.factors, "precision": m_precision})


@average_energy(MvNormalMeanScalePrecision)
def _(q_out: Distribution, q_mean: Distribution, q_precision: Precision) -> Array:
    """Independent out and mean."""
    return _energy(scatter(q_out, q_mean), q_precision)


@average_energy(MvNormalMeanScalePrecision)
def _(q_out_mean: MultivariateNormal, q_precision: Precision) -> Array:
    """A joint belief about out and mean."""
    return _energy(joint_scatter(q_out_mean), q_precision)


def _widened(m: MultivariateNormal, q_precision: Distribution) -> Gaussian:
    if isinstance(m, MvNormalMeanScalePrecision):
        noise = 1.0 / q_precision.mean
        return MvNormalMeanScalePrecision._of(m.mean, m.scale / (1.0 + noise * m.scale))
    return widened(m, _multiple(1.0 / q_precision.mean, m))


def _multiple(factor: Array, like: Distribution) -> Array:
    """A multiple of the identity, as large as the values of a belief are long."""
    return scaling(factor) * eye(like.event_shape[0], like.mean)


def _toward_precision(spread: Array) -> GammaShapeRate:
    return GammaShapeRate._of(1.0 + 0.5 * spread.shape[-1], 0.5 * trace(spread))


def _energy(spread: Array, q_precision: Precision) -> Array:
    d = spread.shape[-1]
    return 0.5 * (d * (LOG_2PI - q_precision.mean_log) + q_precision.mean * trace(spread))
