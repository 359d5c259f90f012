"""GammaMixture(out | switch, a, b): K Gamma components with shapes a and rates b, chosen by a category.

Factor        f = prod_k Gamma(out; a_k, b_k)^[switch = k]
Variational   with z_k = q(switch = k)
              ν(out)    = Gamma(1 + sum_k z_k (E[a_k] - 1), sum_k z_k E[b_k])
              ν(a_k)    ∝ exp(z_k ((E[log b_k] + E[log out]) a_k - log Γ(a_k)))
              ν(b_k)    = Gamma(1 + z_k E[a_k], z_k E[out])
              ν(switch) ∝ exp(-U_k),  U_k = E[log Γ(a_k)] - E[a_k] E[log b_k] - (E[a_k] - 1) E[log out] + E[b_k] E[out]
Energy        sum_k z_k U_k                                        Podusenko et al. 2021, "Message passing-based inference
                                                                   in the gamma mixture model"

Toward a and b: with index = k the other component inputs belong to that component, batch (*batch,); with index = None
they hold all of them, batch (*batch, K), and so does the message. A weight of zero gives a flat message.
"""

from reactivepgm.distributions import (
    Categorical,
    DiscreteFamily,
    Distribution,
    GammaFamily,
    GammaShapeLikelihood,
    GammaShapeRate,
    PointMass,
)
from reactivepgm.nodes.selection import GammaMixture
from reactivepgm.numerics.array import Array
from reactivepgm.rulebook import average_energy, rule

from .category import probabilities, weight
from .expectations import mean_log_gamma, weigh

Positive = GammaFamily | PointMass
Switch = DiscreteFamily | PointMass


def _weights(switch: Switch, component: Distribution, index: int | None) -> Array:
    """Responsibilities of the components that are asked for, broadcasting against the message's batch."""
    if index is None:
        return probabilities(switch, component.batch_shape[-1])
    return weight(switch, index)


def _beside(x: Array, index: int | None = None) -> Array:
    """A new last axis for the components, where all of them are asked for; a number needs none."""
    return x if index is not None or not hasattr(x, "ndim") else x[..., None]


@rule(GammaMixture, to="out")
def _(q_switch: Switch, q_a: Positive, q_b: Positive) -> GammaShapeRate:
    """Naturals averaged by responsibility."""
    z = probabilities(q_switch, q_a.batch_shape[-1])
    return GammaShapeRate(1.0 + (z * (q_a.mean - 1.0)).sum(-1), (z * q_b.mean).sum(-1))


@rule(GammaMixture, to="a")
def _(q_out: Positive, q_switch: Switch, q_b: Positive, index: int | None) -> GammaShapeLikelihood:
    """The log normaliser of the Gamma survives, as far as the component is responsible."""
    z = _weights(q_switch, q_b, index)
    return GammaShapeLikelihood(z, z * (q_b.mean_log + _beside(q_out.mean_log, index)))


@rule(GammaMixture, to="b")
def _(q_out: Distribution, q_switch: Switch, q_a: Distribution, index: int | None) -> GammaShapeRate:
    """A Gamma is conjugate to its own rate."""
    z = _weights(q_switch, q_a, index)
    return GammaShapeRate(1.0 + z * q_a.mean, z * _beside(q_out.mean, index))


@rule(GammaMixture, to="switch")
def _(q_out: Positive, q_a: Positive, q_b: Positive) -> Categorical:
    """Expected log densities of the components."""
    return Categorical.from_log_weights(-_energies(q_out, q_a, q_b))


@average_energy(GammaMixture)
def _(q_out: Positive, q_switch: Switch, q_a: Positive, q_b: Positive) -> Array:
    """The components' energies, averaged by responsibility."""
    energies = _energies(q_out, q_a, q_b)
    return weigh(probabilities(q_switch, energies.shape[-1]), energies).sum(-1)


def _energies(q_out: Positive, q_a: Positive, q_b: Positive) -> Array:
    """-E[log Gamma(out; a_k, b_k)], shape (*batch, K)."""
    mean_log, mean = _beside(q_out.mean_log), _beside(q_out.mean)
    shape = q_a.mean
    return mean_log_gamma(q_a) - weigh(shape, q_b.mean_log) - (shape - 1.0) * mean_log + q_b.mean * mean
