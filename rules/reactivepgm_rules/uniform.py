"""Uniform(out | a, b): message, energy.

Factor        f = [a <= out <= b] / (b - a)
Sum-product   nu(out) = Uniform(a, b)
Energy        log(b - a), infinite where q(out) reaches beyond [a, b]
"""

from math import inf

from reactivepgm.distributions import Beta, PointMass, Uniform
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import log, where
from reactivepgm.rulebook import average_energy, rule


@rule(Uniform, to="out")
def _(m_a: PointMass, m_b: PointMass) -> Uniform:
    """Known bounds are the message."""
    return Uniform(m_a.value, m_b.value)


@average_energy(Uniform)
def _(q_out: Beta | Uniform | PointMass, q_a: PointMass, q_b: PointMass) -> Array:
    """The density is constant inside the bounds and nothing outside."""
    low, high = _support(q_out)
    a, b = q_a.value, q_b.value
    return where((a <= low) & (high <= b), log(b - a), inf)


def _support(belief: Beta | Uniform | PointMass) -> tuple[Array, Array]:
    """The ends of the interval that a belief lives on."""
    if isinstance(belief, Uniform):
        return belief.a, belief.b
    if isinstance(belief, Beta):
        return 0.0, 1.0
    return belief.value, belief.value
