"""InverseGamma(out | shape, scale): messages, joint, energy.

Factor        log f = a log θ - log Γ(a) - (a + 1) log out - θ / out
Variational   nu(out)   = InverseGamma(E[a], E[θ])
              nu(shape) ∝ exp((E[log θ] - E[log out]) a - log Γ(a)), a GammaShapeLikelihood
              nu(scale) = Gamma(1 + E[a], rate E[1/out])
Joint         q(out) = InverseGamma(a_out + a + 1, θ_out + θ)
Energy        E[log Γ(a)] - E[a] E[log θ] + (E[a] + 1) E[log out] + E[θ] E[1/out]

Differs       the energy has E[θ] E[1/out]; E[θ] / E[out] is smaller, by Jensen's inequality
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    GammaFamily,
    GammaShapeLikelihood,
    GammaShapeRate,
    InverseGamma,
    PointMass,
)
from reactivepgm.numerics.array import Array
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .expectations import mean_log_gamma, weigh


@rule(InverseGamma, to="out")
def _(m_shape: PointMass, m_scale: PointMass) -> InverseGamma:
    """Known parameters are the message."""
    return InverseGamma(m_shape.value, m_scale.value)


@rule(InverseGamma, to="out")
def _(q_shape: Distribution, q_scale: Distribution) -> InverseGamma:
    """Both parameters enter by their means."""
    return InverseGamma(q_shape.mean, q_scale.mean)


@rule(InverseGamma, to="shape")
def _(q_out: InverseGamma | PointMass, q_scale: GammaFamily | PointMass) -> GammaShapeLikelihood:
    """The log normaliser survives in the shape."""
    return GammaShapeLikelihood(1.0, q_scale.mean_log - q_out.mean_log)


@rule(InverseGamma, to="scale")
def _(q_out: InverseGamma | PointMass, q_shape: Distribution) -> GammaShapeRate:
    """As a function of the scale, f is a Gamma."""
    return GammaShapeRate(1.0 + q_shape.mean, q_out.mean_inverse)


@marginal_rule(InverseGamma, "out_shape_scale")
def _(m_out: InverseGamma, m_shape: PointMass, m_scale: PointMass) -> Factorized:
    """Natural parameters add."""
    out = InverseGamma(m_out.shape + (m_shape.value + 1.0), m_out.scale + m_scale.value)
    return Factorized({"out": out, "shape": m_shape, "scale": m_scale})


@average_energy(InverseGamma)
def _(q_out: InverseGamma | PointMass, q_shape: GammaFamily | PointMass, q_scale: GammaFamily | PointMass) -> Array:
    """Every term of log f is a product of independent factors."""
    shape = q_shape.mean
    return (
        mean_log_gamma(q_shape)
        - weigh(shape, q_scale.mean_log)
        + weigh(shape + 1.0, q_out.mean_log)
        + q_scale.mean * q_out.mean_inverse
    )
