"""LogNormal(out | log_mean, log_variance): a Gaussian factor of the logarithm of out.

Factor        f = N(log out; m, v) / out
Sum-product   ν(out) = LogNormal(E[m], Var[m] + v),  ν(m) = N(log out observed, v)
              or, with a log-normal message of out, N of its logarithm, widened by v
Variational   ν(out) = LogNormal(E[m], 1/E[1/v]),  ν(m) = N(E[log out], 1/E[1/v])
              ν(v) = InverseGamma(-1/2, E[(log out - m)²] / 2), as for the normal
Energy        that of the normal in log out, plus E[log out]
"""

from reactivepgm.distributions import GammaFamily, InverseGamma, LogNormal, NormalMeanVariance, PointMass, UnivariateNormal
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import log
from reactivepgm.numerics.special import trigamma
from reactivepgm.rulebook import average_energy, rule

from .noise import Variance, effective_variance, energy, square_gap

Located = UnivariateNormal | PointMass
Drawn = LogNormal | GammaFamily | PointMass


def logarithm(q_out: Drawn) -> NormalMeanVariance:
    """Mean and variance of log out; those of a gamma are digamma(a) - log b and trigamma(a).

    Example:
        >>> logarithm(PointMass(1.0))
        NormalMeanVariance(mean=0.0, variance=0.0)
    """
    if isinstance(q_out, GammaFamily):
        return NormalMeanVariance._of(q_out.mean_log, trigamma(q_out.shape))
    return NormalMeanVariance._of(log(q_out.value), q_out.variance) if isinstance(q_out, PointMass) else q_out.logarithm


@rule(LogNormal, to="out")
def _(m_log_mean: UnivariateNormal, q_log_variance: Variance) -> LogNormal:
    """Variances of the logarithm add."""
    return LogNormal._of(m_log_mean.mean, m_log_mean.variance + effective_variance(q_log_variance))


@rule(LogNormal, to="out")
def _(q_log_mean: Located, q_log_variance: Variance) -> LogNormal:
    """The factor at its expected parameters."""
    return LogNormal._of(q_log_mean.mean, effective_variance(q_log_variance))


@rule(LogNormal, to="log_mean")
def _(m_out: LogNormal, q_log_variance: Variance) -> NormalMeanVariance:
    """The message's logarithm, widened: its density in out carries 1/out twice, so its mean moves by its variance."""
    v = m_out.log_variance
    return NormalMeanVariance._of(m_out.log_mean - v, v + effective_variance(q_log_variance))


@rule(LogNormal, to="log_mean")
def _(q_out: Drawn, q_log_variance: Variance) -> NormalMeanVariance:
    """The expected logarithm."""
    return NormalMeanVariance._of(q_out.mean_log, effective_variance(q_log_variance))


@rule(LogNormal, to="log_variance")
def _(q_out: Drawn, q_log_mean: Located) -> InverseGamma:
    """Half the expected squared gap of logarithms."""
    return InverseGamma._of(-0.5, 0.5 * square_gap(logarithm(q_out), q_log_mean))


@average_energy(LogNormal)
def _(q_out: Drawn, q_log_mean: Located, q_log_variance: Variance) -> Array:
    """The normal's energy, and the Jacobian of the logarithm."""
    square = square_gap(logarithm(q_out), q_log_mean)
    return energy(square, q_log_variance.mean_log, q_log_variance.mean_inverse) + q_out.mean_log
