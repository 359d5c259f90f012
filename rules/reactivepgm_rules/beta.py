"""Beta(out | a, b): message, joint, energy.

Factor        log f = (a - 1) log out + (b - 1) log(1 - out) - log B(a, b)
Variational   nu(out) = Beta(E[a], E[b])
Joint         q(out) = Beta(a_out + a - 1, b_out + b - 1)
Energy        log B(a, b) - (a - 1) E[log out] - (b - 1) E[log(1 - out)]
"""

from reactivepgm.distributions import Beta, Distribution, Factorized, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.special import betaln
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .expectations import weigh


@rule(Beta, to="out")
def _(m_a: PointMass, m_b: PointMass) -> Beta:
    """Known counts are the message."""
    return Beta(m_a.value, m_b.value)


@rule(Beta, to="out")
def _(q_a: Distribution, q_b: Distribution) -> Beta:
    """log f is linear in a and b, but for the normaliser, which out does not see."""
    return Beta(q_a.mean, q_b.mean)


@marginal_rule(Beta, "out_a_b")
def _(m_out: Beta, m_a: PointMass, m_b: PointMass) -> Factorized:
    """Counts add, the flat one taken off once."""
    out = Beta(m_out.a + (m_a.value - 1.0), m_out.b + (m_b.value - 1.0))
    return Factorized({"out": out, "a": m_a, "b": m_b})


@average_energy(Beta)
def _(q_out: Beta | PointMass, q_a: PointMass, q_b: PointMass) -> Array:
    """Linear in E[log out] and E[log(1 - out)]."""
    a, b = q_a.value, q_b.value
    return betaln(a, b) - weigh(a - 1.0, q_out.mean_log) - weigh(b - 1.0, q_out.mean_log_complement)
