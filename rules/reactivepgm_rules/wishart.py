"""Wishart(out | df, scale): messages, joint, energy.

Factor        log f = (ν - d - 1)/2 log|X| - tr(S⁻¹ X)/2 - ν d/2 log 2 - ν/2 log|S| - log Γ_d(ν/2),  X = out, S = scale
Variational   nu(out) = Wishart(E[ν], E[S⁻¹]⁻¹),  nu(scale) = InverseWishart(E[ν] - d - 1, E[X])
Joint         q(out) = Wishart(ν_out + ν - d - 1, (S_out⁻¹ + S⁻¹)⁻¹)
Energy        -E[log f], linear in E[log|X|], E[X], E[log|S|], E[S⁻¹]
"""

from math import log

from reactivepgm.distributions import Distribution, Factorized, InverseWishart, PointMass, Wishart, product
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import trace_product
from reactivepgm.numerics.special import multigammaln
from reactivepgm.rulebook import average_energy, marginal_rule, rule

MatrixBelief = InverseWishart | Wishart | PointMass


@rule(Wishart, to="out")
def _(m_df: PointMass, m_scale: PointMass) -> Wishart:
    """Known parameters are the message."""
    return Wishart(m_df.value, m_scale.value)


@rule(Wishart, to="out")
def _(q_df: Distribution, m_scale: PointMass) -> Wishart:
    """The degrees of freedom enter by their mean."""
    return Wishart(q_df.mean, m_scale.value)


@rule(Wishart, to="out")
def _(q_df: Distribution, q_scale: InverseWishart | Wishart) -> Wishart:
    """The scale enters by the mean of its inverse."""
    return Wishart.from_inverse_scale(q_df.mean, q_scale.mean_inverse)


@rule(Wishart, to="scale")
def _(q_out: Wishart | PointMass, q_df: Distribution) -> InverseWishart:
    """As a function of the scale, f is an inverse Wishart."""
    return InverseWishart(q_df.mean - (q_out.mean.shape[-1] + 1.0), q_out.mean)


@marginal_rule(Wishart, "out_df_scale")
def _(m_out: Wishart, m_df: PointMass, m_scale: PointMass) -> Factorized:
    """The message of out meets the factor at its known parameters."""
    return Factorized({"out": product(m_out, Wishart(m_df.value, m_scale.value)), "df": m_df, "scale": m_scale})


@average_energy(Wishart)
def _(q_out: Wishart | PointMass, q_df: PointMass, q_scale: MatrixBelief) -> Array:
    """Independent beliefs meet in the trace only."""
    d, df = q_out.mean.shape[-1], q_df.value
    trace = trace_product(q_scale.mean_inverse, q_out.mean)
    normaliser = 0.5 * df * (d * log(2.0) + q_scale.mean_log_det) + multigammaln(0.5 * df, d)
    return normaliser + 0.5 * trace - 0.5 * (df - (d + 1.0)) * q_out.mean_log_det
