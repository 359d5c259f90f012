"""InverseWishart(out | df, scale): messages, joint, energy.

Factor        log f = ν/2 log|S| - (ν + d + 1)/2 log|X| - tr(S X⁻¹)/2 - ν d/2 log 2 - log Γ_d(ν/2),  X = out, S = scale
Variational   nu(out) = InverseWishart(E[ν], E[S]),  nu(scale) = Wishart(E[ν] + d + 1, E[X⁻¹]⁻¹)
Joint         q(out) = InverseWishart(ν_out + ν + d + 1, S_out + S)
Energy        -E[log f], linear in E[log|X|], E[X⁻¹], E[log|S|], E[S]
"""

from math import log

from reactivepgm.distributions import Distribution, Factorized, InverseWishart, PointMass, Wishart, product
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import symmetrise, trace_product
from reactivepgm.numerics.special import multigammaln
from reactivepgm.rulebook import average_energy, marginal_rule, rule

MatrixBelief = InverseWishart | Wishart | PointMass


@rule(InverseWishart, to="out")
def _(m_df: PointMass, m_scale: PointMass) -> InverseWishart:
    """Known parameters are the message."""
    return InverseWishart(m_df.value, m_scale.value)


@rule(InverseWishart, to="out")
def _(q_df: Distribution, q_scale: Distribution) -> InverseWishart:
    """Both parameters enter by their means."""
    return InverseWishart(q_df.mean, q_scale.mean)


@rule(InverseWishart, to="scale")
def _(q_out: InverseWishart | Wishart | PointMass, q_df: Distribution) -> Wishart:
    """As a function of the scale, f is a Wishart."""
    inverse = symmetrise(q_out.mean_inverse)
    return Wishart.from_inverse_scale(q_df.mean + (inverse.shape[-1] + 1.0), inverse)


@marginal_rule(InverseWishart, "out_df_scale")
def _(m_out: InverseWishart, m_df: PointMass, m_scale: PointMass) -> Factorized:
    """The message of out meets the factor at its known parameters."""
    return Factorized({"out": product(m_out, InverseWishart(m_df.value, m_scale.value)), "df": m_df, "scale": m_scale})


@average_energy(InverseWishart)
def _(q_out: InverseWishart | PointMass, q_df: PointMass, q_scale: MatrixBelief) -> Array:
    """Independent beliefs meet in the trace only."""
    inverse = q_out.mean_inverse
    d, df = inverse.shape[-1], q_df.value
    normaliser = 0.5 * df * (d * log(2.0) - q_scale.mean_log_det) + multigammaln(0.5 * df, d)
    return normaliser + 0.5 * trace_product(q_scale.mean, inverse) + 0.5 * (df + (d + 1.0)) * q_out.mean_log_det
