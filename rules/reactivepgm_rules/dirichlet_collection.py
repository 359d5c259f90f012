"""DirichletCollection(out | a): one Dirichlet along the first event axis for every index of the others.

Factor        log f = sum_j (sum_k (a_kj - 1) log out_kj - log B(a_·j))
Sum-product   nu(out) = DirichletCollection(a)
Joint         q(out) = DirichletCollection(alpha_out + a - 1)
Energy        sum_j (log B(a_·j) - sum_k (a_kj - 1) E[log out_kj])
"""

from reactivepgm.distributions import DirichletCollection, Factorized, PointMass
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.special import log_multibeta
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .expectations import weigh


@rule(DirichletCollection, to="out")
def _(m_a: PointMass) -> DirichletCollection:
    """Known counts are the message."""
    return DirichletCollection(m_a.value, event_rank=len(m_a.event_shape))


@marginal_rule(DirichletCollection, "out_a")
def _(m_out: DirichletCollection, m_a: PointMass) -> Factorized:
    """Counts add, the flat one taken off once."""
    counts = m_out.alpha + (m_a.value - 1.0)
    return Factorized({"out": DirichletCollection(counts, event_rank=len(m_out.event_shape)), "a": m_a})


@average_energy(DirichletCollection)
def _(q_out: DirichletCollection | PointMass, q_a: PointMass) -> Array:
    """The energies of the columns add up."""
    a, rank = q_a.value, len(q_a.event_shape)
    columns = tuple(range(-rank + 1, 0))
    log_beta = namespace(a).sum(log_multibeta(a, axis=-rank), axis=columns)
    return log_beta - weigh(a - 1.0, q_out.mean_log).sum((-rank, *columns))
