"""VonMises(out | mean, concentration): messages, joint, energy. out and mean are symmetric.

Factor        f = exp(κ cos(out - m)) / (2 π I_0(κ))
Sum-product   ν(m) = VonMises(out observed, κ); with m_out = VonMises(o, κ_o) the convolution, replaced by the von Mises
              distribution of the same first circular moment: VonMises(o, A⁻¹(A(κ) A(κ_o)))     Mardia and Jupp 2000, 3.5
Variational   ν(m) = VonMises(E-direction of out, E[κ] |E exp(i out)|)
              log ν(κ) = κ E[cos(out - m)] - log I_0(κ), held as a log density
Energy        log 2π + log I_0(κ) - κ E[cos(out - m)], κ known
"""

from math import inf, log, pi

from reactivepgm.distributions import Distribution, Factorized, LogDensity, PointMass, VonMises, product
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.bessel import bessel_ratio, inverse_bessel_ratio, log_bessel_i0
from reactivepgm.rulebook import average_energy, marginal_rule, rule

Angle = VonMises | PointMass
_LOG_2PI = log(2.0 * pi)


def direction(q: Angle) -> tuple[Array, Array]:
    """The angle and the length of E exp(i x).

    Example:
        >>> direction(PointMass(0.5))
        (0.5, 1.0)
    """
    return (q.value, 1.0) if isinstance(q, PointMass) else (q.mean, q.length)


def mean_cosine(q_out: Angle, q_mean: Angle) -> Array:
    """E[cos(out - mean)] of independent angles.

    Example:
        >>> float(mean_cosine(PointMass(1.0), PointMass(1.0)))
        1.0
    """
    (a, first), (b, second) = direction(q_out), direction(q_mean)
    return first * second * namespace(a, b).cos(a - b)


@rule(VonMises, to="out")
def _(m_mean: VonMises, q_concentration: PointMass) -> VonMises:
    """The sum of two angles by its first circular moment."""
    return VonMises._of(m_mean.mean, inverse_bessel_ratio(m_mean.length * bessel_ratio(q_concentration.value)))


@rule(VonMises, to="out")
def _(q_mean: Angle, q_concentration: Distribution) -> VonMises:
    """As concentrated as the belief about the mean lets it be."""
    angle, length = direction(q_mean)
    return VonMises._of(angle, q_concentration.mean * length)


@rule(VonMises, to="mean")
def _(m_out: VonMises, q_concentration: PointMass) -> VonMises:
    """The difference of two angles by its first circular moment."""
    return VonMises._of(m_out.mean, inverse_bessel_ratio(m_out.length * bessel_ratio(q_concentration.value)))


@rule(VonMises, to="mean")
def _(q_out: Angle, q_concentration: Distribution) -> VonMises:
    """As concentrated as the belief about the output lets it be."""
    angle, length = direction(q_out)
    return VonMises._of(angle, q_concentration.mean * length)


@rule(VonMises, to="concentration")
def _(q_out: Angle, q_mean: Angle) -> LogDensity:
    """The expected cosine against the normaliser; no closed form."""
    cosine = mean_cosine(q_out, q_mean)
    return LogDensity(lambda k: k * cosine - log_bessel_i0(k), (0.0, inf), getattr(cosine, "shape", ()))


@marginal_rule(VonMises, "out_mean")
def _(m_out: PointMass, m_mean: VonMises, q_concentration: Distribution) -> Factorized:
    """An observed angle turns the belief about the mean."""
    return Factorized({"out": m_out, "mean": product(m_mean, VonMises._of(m_out.value, q_concentration.mean))})


@marginal_rule(VonMises, "out_mean_concentration")
def _(m_out: PointMass, m_mean: VonMises, m_concentration: PointMass) -> Factorized:
    """Whatever is known falls out of the joint."""
    mean = product(m_mean, VonMises._of(m_out.value, m_concentration.value))
    return Factorized({"out": m_out, "mean": mean, "concentration": m_concentration})


@average_energy(VonMises)
def _(q_out: Angle, q_mean: Angle, q_concentration: PointMass) -> Array:
    """The expected negative log density."""
    k = q_concentration.value
    return _LOG_2PI + log_bessel_i0(k) - k * mean_cosine(q_out, q_mean)
