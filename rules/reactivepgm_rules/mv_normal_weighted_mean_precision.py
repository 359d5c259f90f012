"""MvNormalWeightedMeanPrecision(out | xi, precision): messages, joint, energy.

Factor        f = N(out; inv(Λ) ξ, inv Λ),   log f = (log|Λ| - d log 2π - out'Λ out - ξ' inv(Λ) ξ)/2 + ξ'out
Variational   ν(out) ∝ exp(E[ξ]'out - out'E[Λ] out/2)
Joint         q(out) = ν(out) m_out, the parameters known
Energy        -E[log f], with E[ξ' inv(Λ) ξ] = tr(E[inv Λ] E[ξξ']) for independent ξ and Λ
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    MultivariateNormal,
    MvNormalWeightedMeanPrecision,
    PointMass,
    product,
)
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import inner, trace_product
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .matrix_form import as_matrix_point
from .noise import LOG_2PI, PrecisionMatrix, mean_precision_matrix
from .regression import second_moment


@rule(MvNormalWeightedMeanPrecision, to="out")
def _(q_xi: Distribution, q_precision: PrecisionMatrix) -> MvNormalWeightedMeanPrecision:
    """The exponent is linear in both parameters, which enter by their means."""
    return MvNormalWeightedMeanPrecision._of(q_xi.mean, mean_precision_matrix(q_precision))


@marginal_rule(MvNormalWeightedMeanPrecision, "out_xi_precision")
def _(m_out: MultivariateNormal, m_xi: PointMass, m_precision: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    factor = MvNormalWeightedMeanPrecision._of(m_xi.value, mean_precision_matrix(m_precision))
    return Factorized({"out": product(m_out, factor), "xi": m_xi, "precision": m_precision})


@average_energy(MvNormalWeightedMeanPrecision)
def _(q_out: Distribution, q_xi: Distribution, q_precision: PrecisionMatrix) -> Array:
    """Every term is a product of independent factors."""
    q = as_matrix_point(q_precision) if isinstance(q_precision, PointMass) else q_precision
    squares = trace_product(q.mean, second_moment(q_out)) + trace_product(q.mean_inverse, second_moment(q_xi))
    d = q_out.event_shape[0]
    return 0.5 * (d * LOG_2PI - q.mean_log_det + squares) - inner(q_xi.mean, q_out.mean)
