"""Poisson(out | l): messages, joint, energy.

Factor        log f = out log l - l - log out!
Sum-product   nu(out) = Poisson(l),  nu(l) = Gamma(1 + out, rate 1)
Variational   nu(out) = Poisson(exp E[log l]),  nu(l) = Gamma(1 + E[out], rate 1)
Energy        E[l] - E[out] E[log l] + E[log out!]
              q(out) = Poisson(λ):  H[q] + λ (log λ - E[log l]) + (E[l] - λ), which does not cancel for large λ

Differs       the expectation of log out! is exact, in a form that does not cancel for large rates
"""

from reactivepgm.distributions import Factorized, GammaFamily, GammaShapeRate, LogNormal, PointMass, Poisson
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import exp
from reactivepgm.numerics.special import log_factorial, xlogy
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .expectations import weigh


@rule(Poisson, to="out")
def _(m_l: PointMass) -> Poisson:
    """A known rate is the message."""
    return Poisson(m_l.value)


@rule(Poisson, to="out")
def _(q_l: GammaFamily | LogNormal) -> Poisson:
    """The rate enters by its geometric mean."""
    return Poisson(exp(q_l.mean_log))


@rule(Poisson, to="l")
def _(m_out: PointMass) -> GammaShapeRate:
    """An observed count is a shape."""
    return GammaShapeRate(m_out.value + 1.0, 1.0)


@rule(Poisson, to="l")
def _(q_out: Poisson) -> GammaShapeRate:
    """A belief about the count enters by its mean."""
    return GammaShapeRate(q_out.mean + 1.0, 1.0)


@marginal_rule(Poisson, "out_l")
def _(m_out: PointMass, m_l: GammaFamily) -> Factorized:
    """The count settles out and updates the rate (Gamma-Poisson conjugacy)."""
    return Factorized({"out": m_out, "l": GammaShapeRate(m_l.shape + m_out.value, m_l.rate + 1.0)})


@average_energy(Poisson)
def _(q_out: PointMass, q_l: GammaFamily | LogNormal | PointMass) -> Array:
    """The expected negative log mass of the observed count."""
    return q_l.mean - weigh(q_out.value, q_l.mean_log) + log_factorial(q_out.value)


@average_energy(Poisson)
def _(q_out: Poisson, q_l: GammaFamily | LogNormal | PointMass) -> Array:
    """Entropy of the counts plus what their rates disagree by."""
    rate = q_out.rate
    return q_out.entropy() + (xlogy(rate, rate) - weigh(rate, q_l.mean_log)) + (q_l.mean - rate)
