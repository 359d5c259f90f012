"""Mixture(out | switch, inputs): the switch chooses which input is the output.

Factor        f = prod_k δ(out - inputs_k)^[switch = k]
Sum-product   ν(out)      = sum_k π_k m_k(out),  π = m_switch: a mixture of the inputs' messages
              ν(switch=k) ∝ ∫ m_out(x) m_k(x) dx: the evidence of model k, normalised (van Erp et al. 2023)
              ν(inputs_k) = m_out: what the output says about input k if k was chosen
Known switch  ν(out) = m_k of the chosen k;  ν(inputs_k) = m_out for the chosen k, flat for the others
Energy        none: the factor is a deterministic choice, and such factors count with their inputs' entropies alone

The inputs' messages must be normalised for the evidence to mean anything; m_out need not be.
"""

from reactivepgm.distributions import (
    Categorical,
    DiscreteFamily,
    Distribution,
    MixtureDistribution,
    PointMass,
    Uninformative,
)
from reactivepgm.distributions.mixture_distribution import log_evidence
from reactivepgm.errors import NoRuleError
from reactivepgm.nodes.selection import Mixture
from reactivepgm.numerics.array import Array, broadcast_shapes, namespace
from reactivepgm.numerics.special import softmax
from reactivepgm.rulebook import average_energy, rule

from .category import probabilities


@rule(Mixture, to="out")
def _(m_switch: DiscreteFamily, m_inputs: Distribution) -> MixtureDistribution:
    """The inputs' messages, weighed by the switch."""
    return MixtureDistribution._of(probabilities(m_switch), m_inputs)


@rule(Mixture, to="out")
def _(m_inputs: Distribution, q_switch: PointMass) -> Distribution:
    """The message of the chosen input."""
    chosen = probabilities(q_switch, m_inputs.batch_shape[-1])
    xp = namespace(chosen)
    values = []
    for value, rank in zip(m_inputs.parameters.values(), m_inputs._ranks, strict=True):
        if not getattr(value, "ndim", 0) or value.ndim == rank:
            values.append(value)
            continue
        axis = value.ndim - rank - 1
        weight = chosen.reshape(*chosen.shape, *(1,) * rank)
        values.append(xp.where(weight > 0.0, value, 0.0).sum(axis - value.ndim))
    return m_inputs.like(*values)


@rule(Mixture, to="switch")
def _(m_out: Distribution, m_inputs: Distribution) -> Categorical:
    """Bayes' rule among the inputs as models of the output."""
    return Categorical(softmax(log_evidence(m_out[..., None], m_inputs)))


@rule(Mixture, to="inputs")
def _(m_out: Distribution, m_switch: DiscreteFamily, index: int | None) -> Distribution:
    """What the output says, under the hypothesis that this input was chosen."""
    return m_out if index is not None else _for_each(m_out, m_switch.probabilities.shape[-1])


@rule(Mixture, to="inputs")
def _(m_out: Distribution, q_switch: PointMass, index: int | None) -> Distribution:
    """The output's message for the chosen input, nothing for the others."""
    chosen = probabilities(q_switch)
    if m_out.group is None:
        raise NoRuleError(f"a Mixture with a known switch cannot flatten {type(m_out).__name__}: it has no natural parameters")
    message = m_out if index is not None else _for_each(m_out, chosen.shape[-1])
    weight = chosen[..., index] if index is not None else chosen
    ranks = m_out.group.event_ranks
    naturals = [_scaled(value, weight, rank) for value, rank in zip(message.naturals(), ranks, strict=True)]
    return m_out.group.from_naturals(*naturals)


def _for_each(message: Distribution, components: int) -> Distribution:
    if isinstance(message, Uninformative):
        return message
    return message[..., None].broadcast_to((*broadcast_shapes(message.batch_shape), components))


def _scaled(value: Array, weight: Array, rank: int) -> Array:
    return value * weight.reshape(*weight.shape, *(1,) * rank) if getattr(weight, "ndim", 0) else value * weight


@average_energy(Mixture)
def _(q_out: Distribution, q_switch: Distribution, q_inputs: Distribution) -> Array:
    """Zero: a choice has no density."""
    return 0.0
