"""NormalWeightedMeanPrecision(out | xi, precision): messages, joint, energy.

Factor        f = N(out; ξ/λ, 1/λ),   log f = (log λ - log 2π - λ out² - ξ²/λ)/2 + ξ out
Variational   ν(out) ∝ exp(E[ξ] out - E[λ] out²/2)
Joint         q(out) = ν(out) m_out, the parameters known
Energy        -E[log f], with E[ξ²/λ] = E[1/λ] E[ξ²] for independent ξ and λ
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    NormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
    product,
)
from reactivepgm.numerics.array import Array
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .noise import LOG_2PI, Precision


@rule(NormalWeightedMeanPrecision, to="out")
def _(q_xi: Distribution, q_precision: Precision) -> NormalWeightedMeanPrecision:
    """The exponent is linear in both parameters, which enter by their means."""
    return NormalWeightedMeanPrecision._of(q_xi.mean, q_precision.mean)


@marginal_rule(NormalWeightedMeanPrecision, "out_xi_precision")
def _(m_out: UnivariateNormal, m_xi: PointMass, m_precision: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    factor = NormalWeightedMeanPrecision._of(m_xi.value, m_precision.value)
    return Factorized({"out": product(m_out, factor), "xi": m_xi, "precision": m_precision})


@average_energy(NormalWeightedMeanPrecision)
def _(q_out: Distribution, q_xi: Distribution, q_precision: Precision) -> Array:
    """Every term is a product of independent factors."""
    out, xi = (q.variance + q.mean * q.mean for q in (q_out, q_xi))
    squares = q_precision.mean * out + q_precision.mean_inverse * xi
    return 0.5 * (LOG_2PI - q_precision.mean_log + squares) - q_xi.mean * q_out.mean
