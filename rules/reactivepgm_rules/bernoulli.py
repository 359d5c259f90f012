"""Bernoulli(out | p): messages, joint, energy.

Factor        f = p^out (1 - p)^(1 - out),  out in {0, 1}
Sum-product   nu(out) = Bernoulli(E[p]),  nu(p) = Beta(1 + out, 2 - out)
Variational   nu(out) ∝ exp(out E[log p] + (1 - out) E[log(1 - p)]),  nu(p) = Beta(1 + E[out], 2 - E[out])
Energy        -E[out] E[log p] - (1 - E[out]) E[log(1 - p)]
"""

from reactivepgm.distributions import Bernoulli, Beta, DiscreteFamily, Factorized, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.special import sigmoid
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .category import weight
from .expectations import weigh


def _success(out: DiscreteFamily | PointMass) -> Array:
    """The probability of 1."""
    return out.value if isinstance(out, PointMass) else weight(out, 1)


@rule(Bernoulli, to="out")
def _(m_p: PointMass) -> Bernoulli:
    """A known probability is the message."""
    return Bernoulli._of(m_p.value)


@rule(Bernoulli, to="out")
def _(m_p: Beta) -> Bernoulli:
    """The predictive probability is the mean: f is linear in p."""
    return Bernoulli._of(m_p.mean)


@rule(Bernoulli, to="out")
def _(q_p: Beta) -> Bernoulli:
    """The geometric mean of p against the geometric mean of 1 - p, normalised."""
    return Bernoulli._of(sigmoid(q_p.mean_log - q_p.mean_log_complement))


@rule(Bernoulli, to="p")
def _(m_out: PointMass) -> Beta:
    """An observation counts once."""
    success = _success(m_out)
    return Beta._of(1.0 + success, 2.0 - success)


@rule(Bernoulli, to="p")
def _(q_out: DiscreteFamily) -> Beta:
    """A belief counts in proportion."""
    success = _success(q_out)
    return Beta._of(1.0 + success, 2.0 - success)


@marginal_rule(Bernoulli, "out_p")
def _(m_out: PointMass, m_p: Beta) -> Factorized:
    """The observation settles out and adds a count to p."""
    success = _success(m_out)
    return Factorized({"out": m_out, "p": Beta._of(m_p.a + success, m_p.b + (1.0 - success))})


@marginal_rule(Bernoulli, "out_p")
def _(m_out: DiscreteFamily, m_p: PointMass) -> Factorized:
    """Two Bernoulli opinions about out multiply."""
    success = _success(m_out)
    yes, no = success * m_p.value, (1.0 - success) * (1.0 - m_p.value)
    return Factorized({"out": Bernoulli._of(yes / (yes + no)), "p": m_p})


@average_energy(Bernoulli)
def _(q_out: DiscreteFamily | PointMass, q_p: Beta | PointMass) -> Array:
    """Cross-entropy, with 0 log 0 = 0."""
    success = _success(q_out)
    return -weigh(success, q_p.mean_log) - weigh(1.0 - success, q_p.mean_log_complement)
