"""Multinomial(out | n, p): messages, joint, energy.

Factor        log f = log n! + sum_k (out_k log p_k - log out_k!)
Sum-product   ν(out) = Multinomial(n, p) for a known p,  ν(p) = Dirichlet(1 + out)
Variational   ν(out) = Multinomial(n, softmax(E[log p])),  ν(p) = Dirichlet(1 + E[out])
Energy        -log n! + sum_k (E[log out_k!] - E[out_k] E[log p_k])
"""

from reactivepgm.distributions import Dirichlet, Factorized, Multinomial, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.special import log_factorial, softmax
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .expectations import weigh


@rule(Multinomial, to="out")
def _(m_n: PointMass, m_p: PointMass) -> Multinomial:
    """Known parameters are the message."""
    return Multinomial._of(m_n.value, m_p.value)


@rule(Multinomial, to="out")
def _(q_n: PointMass, q_p: Dirichlet) -> Multinomial:
    """Geometric means of the probabilities, normalised."""
    return Multinomial._of(q_n.value, softmax(q_p.mean_log))


@rule(Multinomial, to="p")
def _(q_out: PointMass | Multinomial, q_n: PointMass) -> Dirichlet:
    """Every trial counts once."""
    return Dirichlet._of(1.0 + q_out.mean)


@marginal_rule(Multinomial, "out_n_p")
def _(m_out: PointMass, m_n: PointMass, m_p: Dirichlet) -> Factorized:
    """The counts settle out and update p."""
    return Factorized({"out": m_out, "n": m_n, "p": Dirichlet._of(m_p.alpha + m_out.value)})


@average_energy(Multinomial)
def _(q_out: PointMass | Multinomial, q_n: PointMass, q_p: Dirichlet | PointMass) -> Array:
    """The expected negative log mass of the counts."""
    logs = q_out.mean_log_factorials() if isinstance(q_out, Multinomial) else log_factorial(q_out.value)
    return (logs - weigh(q_out.mean, q_p.mean_log)).sum(-1) - log_factorial(q_n.value)
