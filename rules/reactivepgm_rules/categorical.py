"""Categorical(out | p): messages, joint, energy.

Factor        f = prod_k p_k^[out = k]
Sum-product   nu(out) = Categorical(E[p]),  nu(p) = Dirichlet(1 + out)
Variational   nu(out) ∝ exp E[log p_k],  nu(p) = Dirichlet(1 + E[out])
Energy        -sum_k q(out = k) E[log p_k]
"""

from reactivepgm.distributions import Categorical, Dirichlet, DiscreteFamily, Factorized, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.special import softmax
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .category import probabilities
from .expectations import weigh


@rule(Categorical, to="out")
def _(m_p: PointMass) -> Categorical:
    """Known probabilities are the message."""
    return Categorical(m_p.value)


@rule(Categorical, to="out")
def _(m_p: Dirichlet) -> Categorical:
    """The predictive probabilities are the mean: f is linear in p."""
    return Categorical(m_p.mean)


@rule(Categorical, to="out")
def _(q_p: Dirichlet) -> Categorical:
    """Geometric means of the probabilities, normalised."""
    return Categorical(softmax(q_p.mean_log))


@rule(Categorical, to="p")
def _(q_out: DiscreteFamily | PointMass) -> Dirichlet:
    """Every category counts in proportion; an observation must be one-hot, since nothing else tells K."""
    return Dirichlet(1.0 + probabilities(q_out))


@marginal_rule(Categorical, "out_p")
def _(m_out: PointMass, m_p: Dirichlet) -> Factorized:
    """The observation settles out and adds a count to p."""
    return Factorized({"out": m_out, "p": Dirichlet(m_p.alpha + probabilities(m_out, m_p.alpha.shape[-1]))})


@marginal_rule(Categorical, "out_p")
def _(m_out: DiscreteFamily, m_p: PointMass) -> Factorized:
    """Two opinions about out multiply."""
    weight = m_out.probabilities * m_p.value
    return Factorized({"out": Categorical(weight / weight.sum(-1)[..., None]), "p": m_p})


@average_energy(Categorical)
def _(q_out: DiscreteFamily | PointMass, q_p: Dirichlet | PointMass) -> Array:
    """Cross-entropy, with 0 log 0 = 0."""
    log_p = q_p.mean_log
    return -weigh(probabilities(q_out, log_p.shape[-1]), log_p).sum(-1)
