"""NormalMixture(out | switch, m, p): K Gaussian components with means m and precisions p, chosen by a category.

Factor        f = prod_k N(out; m_k, p_k⁻¹)^[switch = k]
Variational   with z_k = q(switch = k), W_k = E[p_k], S_k = Var[out] + Var[m_k] + (E[out] - E[m_k])(·)ᵀ
              nu(m_k)    = N(E[out], precision z_k W_k)
              nu(p_k)    = Gamma(1 + z_k/2, z_k S_k / 2),  or Wishart(z_k + d + 1, (z_k S_k)⁻¹)
              nu(out)    ∝ exp(-out' (sum_k z_k W_k) out / 2 + out' sum_k z_k W_k E[m_k])
              nu(switch) ∝ exp(E[log|p_k|] / 2 - tr(W_k S_k) / 2)
Energy        sum_k z_k (d log 2π - E[log|p_k|] + tr(W_k S_k)) / 2              Bishop 2006, section 10.2

Toward m and p: with index = k the other component inputs belong to that component, batch (*batch,); with index = None
they hold all of them, batch (*batch, K), and so does the message. A weight of zero gives a flat message.
"""

from math import log, pi
from operator import add, sub
from typing import NamedTuple

from reactivepgm.distributions import (
    Categorical,
    DiscreteFamily,
    Distribution,
    GammaFamily,
    GammaShapeRate,
    MultivariateNormal,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    NormalFamily,
    NormalMeanPrecision,
    NormalWeightedMeanPrecision,
    PointMass,
    Wishart,
)
from reactivepgm.nodes import NormalMixture
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.layout import crossed, total_along_last
from reactivepgm.numerics.linear_algebra import matvec, outer, trace_product
from reactivepgm.rulebook import average_energy, rule

from .category import probabilities, weight
from .expectations import weigh

Located = NormalFamily | PointMass
Precise = GammaFamily | Wishart | PointMass
Switch = DiscreteFamily | PointMass


class Moments(NamedTuple):
    """Mean and spread (variance or covariance) of a location; ``rank`` is 0 for numbers, 1 for vectors."""

    mean: Array
    spread: Array
    rank: int
    is_exact: bool


def _moments(belief: Located) -> Moments:
    if isinstance(belief, MultivariateNormal | PointMass) and belief.event_shape:
        return Moments(belief.mean, belief.covariance, 1, False)
    is_exact = isinstance(belief, PointMass)
    return Moments(belief.mean, 0.0 if is_exact else belief.variance, 0, is_exact)


def _beside(moments: Moments) -> Moments:
    """The same with a batch axis of length one for the components."""
    mean, spread, rank, is_exact = moments
    return Moments(_unsqueeze(mean, rank), _unsqueeze(spread, 2 * rank), rank, is_exact)


def _unsqueeze(x: Array, rank: int) -> Array:
    """A new axis before the last ``rank`` ones; a number needs none to broadcast."""
    if not hasattr(x, "ndim"):
        return x
    return x[(..., None) + (slice(None),) * rank]


def _scatter(out: Moments, m: Moments) -> Array:
    """E[(out - m)(out - m)'], elementwise in the batch."""
    gap = crossed(sub, out.mean, m.mean)
    square = outer(gap, gap) if out.rank else gap * gap
    return square + (m.spread if out.is_exact else crossed(add, out.spread, m.spread))


def _log_det(p: Precise) -> Array:
    return p.mean_log if isinstance(p, GammaFamily) else p.mean_log_det


def _distance(p: Precise, scatter: Array, rank: int) -> Array:
    """E[(out - m)' p (out - m)]."""
    return trace_product(p.mean, scatter) if rank else p.mean * scatter


def _weights(switch: Switch, component: Distribution, index: int | None) -> Array:
    """Responsibilities of the components that are asked for, broadcasting against the message's batch."""
    if index is None:
        return probabilities(switch, component.batch_shape[-1])
    return weight(switch, index)


@rule(NormalMixture, to="m")
def _(q_out: Located, q_switch: Switch, q_p: Precise, index: int | None) -> NormalMeanPrecision | MvNormalMeanPrecision:
    """The observation, as precise as the component is and as far as it is responsible."""
    out = _moments(q_out)
    z = _weights(q_switch, q_p, index)
    mean = out.mean if index is not None else _unsqueeze(out.mean, out.rank)
    if out.rank:
        return MvNormalMeanPrecision._of(mean, _column(z) * q_p.mean)
    return NormalMeanPrecision._of(mean, z * q_p.mean)


@rule(NormalMixture, to="p")
def _(q_out: Located, q_switch: Switch, q_m: Located, index: int | None) -> GammaShapeRate | Wishart:
    """The expected scatter about the component's mean, as far as it is responsible."""
    out, m = _moments(q_out), _moments(q_m)
    z = _weights(q_switch, q_m, index)
    scatter = _scatter(out if index is not None else _beside(out), m)
    if out.rank:
        return Wishart.from_inverse_scale(z + (out.mean.shape[-1] + 1.0), _column(z) * scatter)
    half = 0.5 * z
    return GammaShapeRate._of(1.0 + half, half * scatter)


@rule(NormalMixture, to="out")
def _(q_switch: Switch, q_m: Located, q_p: Precise) -> NormalWeightedMeanPrecision | MvNormalWeightedMeanPrecision:
    """The components' precisions and weighted means, averaged by responsibility."""
    z = probabilities(q_switch, q_m.batch_shape[-1])
    if len(q_m.event_shape):
        weighted = z[..., None] * matvec(q_p.mean, q_m.mean)
        return MvNormalWeightedMeanPrecision._of(weighted.sum(-2), (_column(z) * q_p.mean).sum(-3))
    precision = z * q_p.mean
    return NormalWeightedMeanPrecision._of((precision * q_m.mean).sum(-1), precision.sum(-1))


@rule(NormalMixture, to="switch")
def _(q_out: Located, q_m: Located, q_p: Precise) -> Categorical:
    """Expected log densities of the components."""
    return Categorical.from_log_weights(-_energies(q_out, q_m, q_p))


@average_energy(NormalMixture)
def _(q_out: Located, q_switch: Switch, q_m: Located, q_p: Precise) -> Array:
    """The components' energies, averaged by responsibility."""
    energies = _energies(q_out, q_m, q_p)
    return total_along_last(weigh(probabilities(q_switch, energies.shape[-1]), energies))[..., 0]


def _column(z: Array) -> Array:
    """Weights against matrices."""
    return z[..., None, None] if hasattr(z, "ndim") else z


def _energies(q_out: Located, q_m: Located, q_p: Precise) -> Array:
    """-E[log N(out; m_k, 1/p_k)], shape (*batch, K)."""
    out, m = _beside(_moments(q_out)), _moments(q_m)
    if out.is_exact and not out.rank:  # what the rows do not change is added up for the components alone
        gap = crossed(sub, out.mean, m.mean)
        rest = 0.5 * (log(2.0 * pi) - _log_det(q_p) + q_p.mean * m.spread)
        return 0.5 * q_p.mean * (gap * gap) + rest
    d = out.mean.shape[-1] if out.rank else 1
    return 0.5 * (d * log(2.0 * pi) - _log_det(q_p) + _distance(q_p, _scatter(out, m), out.rank))
