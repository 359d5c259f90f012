"""Dirichlet(out | a): messages, joint, energy.

Factor        log f = sum_k (a_k - 1) log out_k - log B(a),  log B(a) = sum_k log Γ(a_k) - log Γ(sum_k a_k)
Sum-product   nu(out) = Dirichlet(a)
Joint         q(out) = Dirichlet(alpha_out + a - 1)
Energy        log B(a) - sum_k (a_k - 1) E[log out_k]
"""

from reactivepgm.distributions import Dirichlet, Factorized, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.special import log_multibeta
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .expectations import weigh


@rule(Dirichlet, to="out")
def _(m_a: PointMass) -> Dirichlet:
    """Known counts are the message."""
    return Dirichlet(m_a.value)


@marginal_rule(Dirichlet, "out_a")
def _(m_out: Dirichlet, m_a: PointMass) -> Factorized:
    """Counts add, the flat one taken off once."""
    return Factorized({"out": Dirichlet(m_out.alpha + (m_a.value - 1.0)), "a": m_a})


@average_energy(Dirichlet)
def _(q_out: Dirichlet | PointMass, q_a: PointMass) -> Array:
    """Linear in E[log out]."""
    return log_multibeta(q_a.value) - weigh(q_a.value - 1.0, q_out.mean_log).sum(-1)
