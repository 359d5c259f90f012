"""GammaShapeRate(out | shape, rate) and GammaShapeScale(out | shape, scale): messages, joints, energies.

Factor        log f = a log b - log Γ(a) + (a - 1) log out - b out          (scale θ = 1/b)
Variational   nu(out)   = Gamma(E[a], E[b]),  with E[b] = E[1/θ]
              nu(shape) ∝ exp((E[log out] + E[log b]) a - log Γ(a)), a GammaShapeLikelihood
              nu(rate)  = Gamma(1 + E[a], E[out]),  nu(scale) = InverseGamma(E[a] - 1, E[out])
Joint         q(out) = Gamma(a_out + a - 1, b_out + b)
Energy        E[log Γ(a)] - E[a] E[log b] - (E[a] - 1) E[log out] + E[b] E[out]
              E[log Γ(a)] is exact under a Gamma belief (see expectations.py)

Differs       E[log Γ(a)] is the expectation, by quadrature, where Stirling's formula is common
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    GammaFamily,
    GammaShapeLikelihood,
    GammaShapeRate,
    GammaShapeScale,
    InverseGamma,
    PointMass,
)
from reactivepgm.numerics.array import Array
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .expectations import mean_log_gamma, weigh

ScaleBelief = InverseGamma | GammaFamily | PointMass


@rule(GammaShapeRate, to="out")
def _(m_shape: PointMass, m_rate: PointMass) -> GammaShapeRate:
    """Known parameters are the message."""
    return GammaShapeRate(m_shape.value, m_rate.value)


@rule(GammaShapeRate, to="out")
def _(q_shape: Distribution, q_rate: Distribution) -> GammaShapeRate:
    """Both parameters enter by their means."""
    return GammaShapeRate(q_shape.mean, q_rate.mean)


@rule(GammaShapeRate, to="shape")
def _(q_out: GammaFamily | PointMass, q_rate: GammaFamily | PointMass) -> GammaShapeLikelihood:
    """The log normaliser of the Gamma survives in the shape."""
    return GammaShapeLikelihood(1.0, q_out.mean_log + q_rate.mean_log)


@rule(GammaShapeRate, to="rate")
def _(q_out: Distribution, q_shape: Distribution) -> GammaShapeRate:
    """A Gamma is conjugate to its own rate."""
    return GammaShapeRate(1.0 + q_shape.mean, q_out.mean)


@marginal_rule(GammaShapeRate, "out_shape_rate")
def _(m_out: GammaFamily, m_shape: PointMass, m_rate: PointMass) -> Factorized:
    """Natural parameters add."""
    out = GammaShapeRate(m_out.shape + (m_shape.value - 1.0), m_out.rate + m_rate.value)
    return Factorized({"out": out, "shape": m_shape, "rate": m_rate})


@average_energy(GammaShapeRate)
def _(q_out: GammaFamily | PointMass, q_shape: GammaFamily | PointMass, q_rate: GammaFamily | PointMass) -> Array:
    """Every term of log f is a product of independent factors."""
    shape = q_shape.mean
    return (
        mean_log_gamma(q_shape) - weigh(shape, q_rate.mean_log) - weigh(shape - 1.0, q_out.mean_log) + q_rate.mean * q_out.mean
    )


@rule(GammaShapeScale, to="out")
def _(m_shape: PointMass, m_scale: PointMass) -> GammaShapeScale:
    """Known parameters are the message."""
    return GammaShapeScale(m_shape.value, m_scale.value)


@rule(GammaShapeScale, to="out")
def _(q_shape: Distribution, q_scale: ScaleBelief) -> GammaShapeScale:
    """The shape enters by its mean, the scale by its harmonic mean."""
    return GammaShapeScale(q_shape.mean, 1.0 / q_scale.mean_inverse)


@rule(GammaShapeScale, to="shape")
def _(q_out: GammaFamily | PointMass, q_scale: ScaleBelief) -> GammaShapeLikelihood:
    """The log normaliser of the Gamma survives in the shape."""
    return GammaShapeLikelihood(1.0, q_out.mean_log - q_scale.mean_log)


@rule(GammaShapeScale, to="scale")
def _(q_out: Distribution, q_shape: Distribution) -> InverseGamma:
    """As a function of the scale, f is an inverse Gamma."""
    return InverseGamma(q_shape.mean - 1.0, q_out.mean)


@marginal_rule(GammaShapeScale, "out_shape_scale")
def _(m_out: GammaFamily, m_shape: PointMass, m_scale: PointMass) -> Factorized:
    """Natural parameters add."""
    out = GammaShapeScale(m_out.shape + (m_shape.value - 1.0), 1.0 / (m_out.rate + 1.0 / m_scale.value))
    return Factorized({"out": out, "shape": m_shape, "scale": m_scale})


@average_energy(GammaShapeScale)
def _(q_out: GammaFamily | PointMass, q_shape: GammaFamily | PointMass, q_scale: ScaleBelief) -> Array:
    """Every term of log f is a product of independent factors."""
    shape = q_shape.mean
    return (
        mean_log_gamma(q_shape)
        + weigh(shape, q_scale.mean_log)
        - weigh(shape - 1.0, q_out.mean_log)
        + q_scale.mean_inverse * q_out.mean
    )
