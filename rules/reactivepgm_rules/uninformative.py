"""Uninformative(out): a factor that is one everywhere, message and energy.

Factor   f = 1, so its message is flat and its energy zero.
"""

from reactivepgm.distributions import Distribution, Uninformative
from reactivepgm.numerics.array import Array
from reactivepgm.rulebook import average_energy, rule


@rule(Uninformative, to="out")
def _() -> Uninformative:
    """Flat."""
    return Uninformative()


@average_energy(Uninformative)
def _(q_out: Distribution) -> Array:
    """-log 1."""
    return 0.0
