"""Binomial(out | n, p): messages, joint, energy.

Factor        log f = log C(n, out) + out log p + (n - out) log(1 - p)
Sum-product   ν(out) = Binomial(n, p) for a known p,  ν(p) = Beta(1 + out, 1 + n - out)
Variational   ν(out) = Binomial(n, σ(E[log p] - E[log(1 - p)])),  ν(p) = Beta(1 + E[out], 1 + n - E[out])
Energy        -E[log C(n, out)] - E[out] E[log p] - (n - E[out]) E[log(1 - p)]
"""

from reactivepgm.distributions import Beta, Binomial, Factorized, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.special import log_factorial, sigmoid
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .expectations import weigh


@rule(Binomial, to="out")
def _(m_n: PointMass, m_p: PointMass) -> Binomial:
    """Known parameters are the message."""
    return Binomial._of(m_n.value, m_p.value)


@rule(Binomial, to="out")
def _(q_n: PointMass, q_p: Beta) -> Binomial:
    """The geometric mean of p against that of 1 - p."""
    return Binomial._of(q_n.value, sigmoid(q_p.mean_log - q_p.mean_log_complement))


@rule(Binomial, to="p")
def _(q_out: PointMass | Binomial, q_n: PointMass) -> Beta:
    """Successes and failures count."""
    return Beta._of(1.0 + q_out.mean, 1.0 + (q_n.value - q_out.mean))


@marginal_rule(Binomial, "out_n_p")
def _(m_out: PointMass, m_n: PointMass, m_p: Beta) -> Factorized:
    """The count settles out and updates p."""
    y = m_out.value
    return Factorized({"out": m_out, "n": m_n, "p": Beta._of(m_p.a + y, m_p.b + (m_n.value - y))})


@average_energy(Binomial)
def _(q_out: PointMass | Binomial, q_n: PointMass, q_p: Beta | PointMass) -> Array:
    """The expected negative log mass of the count."""
    n, y = q_n.value, q_out.mean
    if isinstance(q_out, Binomial):
        failures = Binomial._of(n, 1.0 - q_out.p)
        log_orders = q_out.expectation(log_factorial) + failures.expectation(log_factorial)
    else:
        log_orders = log_factorial(y) + log_factorial(n - y)
    return log_orders - log_factorial(n) - weigh(y, q_p.mean_log) - weigh(n - y, q_p.mean_log_complement)
