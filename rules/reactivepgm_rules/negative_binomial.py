"""NegativeBinomial(out | r, p): messages, joint, energy; r is known.

Factor        log f = log Γ(out + r) - log out! - log Γ(r) + r log p + out log(1 - p)
Sum-product   ν(out) = NegativeBinomial(r, p) for a known p,  ν(p) = Beta(1 + r, 1 + out)
Variational   ν(out) ∝ Γ(out + r) / out! exp(out E[log(1 - p)]) = NegativeBinomial(r, 1 - exp E[log(1 - p)])
              ν(p) = Beta(1 + r, 1 + E[out])
Energy        log out! + log Γ(r) - log Γ(out + r) - r E[log p] - out E[log(1 - p)], out observed
"""

from reactivepgm.distributions import Beta, Factorized, NegativeBinomial, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import exp
from reactivepgm.numerics.special import gammaln, log_factorial
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .expectations import weigh


@rule(NegativeBinomial, to="out")
def _(m_r: PointMass, m_p: PointMass) -> NegativeBinomial:
    """Known parameters are the message."""
    return NegativeBinomial._of(m_r.value, m_p.value)


@rule(NegativeBinomial, to="out")
def _(q_r: PointMass, q_p: Beta) -> NegativeBinomial:
    """The chance of failure enters by its geometric mean."""
    return NegativeBinomial._of(q_r.value, 1.0 - exp(q_p.mean_log_complement))


@rule(NegativeBinomial, to="p")
def _(q_out: PointMass | NegativeBinomial, q_r: PointMass) -> Beta:
    """r successes, and the failures that were counted."""
    return Beta._of(1.0 + q_r.value, 1.0 + q_out.mean)


@marginal_rule(NegativeBinomial, "out_r_p")
def _(m_out: PointMass, m_r: PointMass, m_p: Beta) -> Factorized:
    """The count settles out and updates p."""
    return Factorized({"out": m_out, "r": m_r, "p": Beta._of(m_p.a + m_r.value, m_p.b + m_out.value)})


@average_energy(NegativeBinomial)
def _(q_out: PointMass, q_r: PointMass, q_p: Beta | PointMass) -> Array:
    """The expected negative log mass of the observed count."""
    r, k = q_r.value, q_out.value
    orders = log_factorial(k) + gammaln(r) - gammaln(k + r)
    return orders - weigh(r, q_p.mean_log) - weigh(k, q_p.mean_log_complement)
