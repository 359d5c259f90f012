"""MultinomialPolya(x | N, psi): messages, energy.

Factor        f = N! prod_k p_k^x_k / x_k!,  p_k = σ(ψ_k) prod_{j<k} σ(-ψ_j), the last p being the rest
              = N!/prod x_k! prod_{k<K} σ(ψ_k)^x_k σ(-ψ_k)^(N_k - x_k),  N_k = x_k + ... + x_K
Toward psi    with the inbound message on its own edge, coordinate by coordinate as for the binomial:
              weighted mean x_k - N_k/2, precision N_k tanh(ψ_k/2) / (2 ψ_k) at the message's mean
Bound         with the marginal on the own edge, ψ_k is replaced by c_k with c_k² = E[ψ_k²]: every update lowers a bound
                                                                                Durante and Rigon 2019, section 2
Toward x      Multinomial(N, p), each stick broken at its expected fraction E[σ(ψ_k)]
Energy        -log N! + sum_k E[log x_k!] + sum_{k<K} (E[x_k] E[softplus(-ψ_k)] + E[N_k - x_k] E[softplus(ψ_k)])

N is the sum of the counts wherever x is given. Expectations are by Gauss-Hermite quadrature; the one of the last line
is the exact energy, Linderman, Johnson and Adams 2015 have the augmentation (section 2).

Differs       the energy has the multinomial coefficient with its sign, log Γ(N + 1) where log N has been used
"""

from reactivepgm.distributions import (
    Binomial,
    Categorical,
    Multinomial,
    MultivariateNormal,
    MvNormalWeightedMeanPrecision,
    NormalWeightedMeanPrecision,
    PointMass,
    Poisson,
    UnivariateNormal,
)
from reactivepgm.nodes.polya import MultinomialPolya, MultinomialPolyaMeta
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.elementary import sqrt
from reactivepgm.numerics.quadrature import expectation
from reactivepgm.numerics.special import log_factorial, sigmoid
from reactivepgm.rulebook import average_energy, rule

from .logistic import Located, component_moments, polya_gamma_mean, softplus
from .matrix_form import as_vector, identity_like

Counts = PointMass | Multinomial
Trials = PointMass | Poisson | Binomial | Categorical
_POINTS = 21


def remaining(counts: Array) -> Array:
    """The trials that reach each stick: x_k + ... + x_K for k < K, (*batch, K-1).

    Example:
        >>> import numpy as np
        >>> remaining(np.array([1.0, 2.0, 3.0]))
        array([6., 5.])
    """
    return namespace(counts).cumsum(counts[..., ::-1], axis=-1)[..., :0:-1]


def _natural(q_x: Counts, psi: Array) -> tuple[Array, Array]:
    counts = q_x.mean
    reach = remaining(counts)
    return counts[..., :-1] - 0.5 * reach, reach * polya_gamma_mean(psi)


@rule(MultinomialPolya, to="psi")
def _(q_x: Counts, q_N: Trials, m_psi: MultivariateNormal) -> MvNormalWeightedMeanPrecision:
    """Every stick is a binomial of the trials that reach it."""
    weighted, precision = _natural(q_x, m_psi.mean)
    return MvNormalWeightedMeanPrecision._of(weighted, precision[..., None] * identity_like(precision))


@rule(MultinomialPolya, to="psi")
def _(q_x: Counts, q_N: Trials, m_psi: UnivariateNormal) -> NormalWeightedMeanPrecision:
    """Two categories: a single stick."""
    weighted, precision = _natural(q_x, as_vector(m_psi.mean))
    return NormalWeightedMeanPrecision._of(weighted[..., 0], precision[..., 0])


@rule(MultinomialPolya, to="psi")
def _(q_x: Counts, q_N: Trials, q_psi: MultivariateNormal) -> MvNormalWeightedMeanPrecision:
    """Every stick, bounded around its marginal."""
    weighted, precision = _natural(q_x, _root_mean_square(q_psi))
    return MvNormalWeightedMeanPrecision._of(weighted, precision[..., None] * identity_like(precision))


@rule(MultinomialPolya, to="psi")
def _(q_x: Counts, q_N: Trials, q_psi: UnivariateNormal) -> NormalWeightedMeanPrecision:
    """Two categories, bounded around the marginal of the single stick."""
    weighted, precision = _natural(q_x, as_vector(_root_mean_square(q_psi)))
    return NormalWeightedMeanPrecision._of(weighted[..., 0], precision[..., 0])


def _root_mean_square(q_psi: Located) -> Array:
    mean, variance = component_moments(q_psi)
    return sqrt(mean * mean + variance)


@rule(MultinomialPolya, to="x")
def _(q_N: Trials, q_psi: Located, meta: MultinomialPolyaMeta | None) -> Multinomial:
    """The most probable number of trials, sticks broken at their expected fractions."""
    mean, variance = _sticks(q_psi)
    points = _POINTS if meta is None else meta.points
    taken, left = expectation(sigmoid, mean, variance, points), expectation(sigmoid, -mean, variance, points)
    xp = namespace(taken)
    one = xp.ones_like(taken[..., :1])
    p = xp.concatenate([taken, one], axis=-1) * xp.cumprod(xp.concatenate([one, left], axis=-1), axis=-1)
    return Multinomial._of(q_N.mode, p)


def _sticks(q_psi: Located) -> tuple[Array, Array]:
    """Means and variances, (*batch, K-1); a single ψ is a vector of length one."""
    mean, variance = component_moments(q_psi)
    return (mean, variance) if len(q_psi.event_shape) else (as_vector(mean), as_vector(variance))


@average_energy(MultinomialPolya)
def _(q_x: Counts, q_N: PointMass, q_psi: Located, meta: MultinomialPolyaMeta | None) -> Array:
    """The expected negative log mass of the counts."""
    counts = q_x.mean
    mean, variance = _sticks(q_psi)
    points = _POINTS if meta is None else meta.points
    taken, left = expectation(softplus, -mean, variance, points), expectation(softplus, mean, variance, points)
    logs = q_x.mean_log_factorials() if isinstance(q_x, Multinomial) else log_factorial(counts)
    sticks = counts[..., :-1] * taken + (remaining(counts) - counts[..., :-1]) * left
    return logs.sum(-1) + sticks.sum(-1) - log_factorial(q_N.value)
