"""Exponential(out | rate): messages, joint, energy.

Factor        log f = log rate - rate out
Sum-product   ν(out) = Exponential(rate) for a known rate; a b^a (b + out)^-(a+1) for rate ~ Gamma(a, b), a Lomax density
              ν(rate) = Gamma(2, out)
Variational   ν(out) = Gamma(1, E[rate]),  ν(rate) = Gamma(2, E[out])
Energy        -E[log rate] + E[rate] E[out]
"""

from math import inf

from reactivepgm.distributions import Distribution, Exponential, Factorized, GammaFamily, GammaShapeRate, LogDensity, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import log, log1p
from reactivepgm.rulebook import average_energy, marginal_rule, rule


@rule(Exponential, to="out")
def _(m_rate: GammaFamily) -> LogDensity:
    """The predictive density; no exponential family."""
    shape, rate = m_rate.shape, m_rate.rate
    height = log(shape) - log(rate)
    return LogDensity(lambda x: height - (shape + 1.0) * log1p(x / rate), (0.0, inf), m_rate.batch_shape)


@rule(Exponential, to="out")
def _(q_rate: GammaFamily | PointMass) -> GammaShapeRate:
    """The rate enters by its mean."""
    return GammaShapeRate._of(1.0, q_rate.mean)


@rule(Exponential, to="rate")
def _(q_out: Distribution) -> GammaShapeRate:
    """A waiting time counts once."""
    return GammaShapeRate._of(2.0, q_out.mean)


@marginal_rule(Exponential, "out_rate")
def _(m_out: PointMass, m_rate: GammaFamily) -> Factorized:
    """The waiting time settles out and updates the rate."""
    return Factorized({"out": m_out, "rate": GammaShapeRate._of(m_rate.shape + 1.0, m_rate.rate + m_out.value)})


@marginal_rule(Exponential, "out_rate")
def _(m_out: GammaFamily, m_rate: PointMass) -> Factorized:
    """A known rate shortens the belief about the waiting time."""
    return Factorized({"out": GammaShapeRate._of(m_out.shape, m_out.rate + m_rate.value), "rate": m_rate})


@average_energy(Exponential)
def _(q_out: Distribution, q_rate: GammaFamily | PointMass) -> Array:
    """The expected negative log density."""
    return q_rate.mean * q_out.mean - q_rate.mean_log
