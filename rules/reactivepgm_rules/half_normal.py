"""HalfNormal(out | variance): messages, energy.

Factor        f = (2/(π v))^(1/2) exp(-out²/(2 v)),  out >= 0
Variational   ν(out) ∝ exp(-out² E[1/v]/2): half-normal of variance 1/E[1/v]
              ν(v) ∝ v^(-1/2) exp(-E[out²]/(2 v)): inverse gamma of shape -1/2 and scale E[out²]/2, improper on its own
Energy        (log(π/2) + E[log v] + E[1/v] E[out²])/2

Differs       a random variance enters by 1/E[1/v], as E[log f] asks for, and there is a message toward it
"""

from math import log, pi

from reactivepgm.distributions import Distribution, HalfNormal, InverseGamma
from reactivepgm.numerics.array import Array
from reactivepgm.rulebook import average_energy, rule

from .noise import Variance, effective_variance


@rule(HalfNormal, to="out")
def _(q_variance: Variance) -> HalfNormal:
    """The variance enters by its harmonic mean."""
    return HalfNormal(effective_variance(q_variance))


@rule(HalfNormal, to="variance")
def _(q_out: Distribution) -> InverseGamma:
    """As a function of the variance, f is an inverse gamma."""
    return InverseGamma._of(-0.5, 0.5 * _square(q_out))


@average_energy(HalfNormal)
def _(q_out: Distribution, q_variance: Variance) -> Array:
    """Both beliefs enter by two expectations."""
    return 0.5 * (log(0.5 * pi) + q_variance.mean_log + q_variance.mean_inverse * _square(q_out))


def _square(q: Distribution) -> Array:
    return q.mean * q.mean + q.variance
