"""Probit(out | in): messages, joint, energy.

Factor        f = Φ(in)^out (1 - Φ(in))^(1 - out),  out in {0, 1}
Sum-product   ν(out = 1) = E[Φ(in)] = Φ(h),  h = m / sqrt(1 + v), under m_in = N(m, v)
              ν(in) = p Φ(in) + (1 - p) Φ(-in), where m_out says 1 with probability p; held as a log density
Expectation   with m_in = N(m, v) on its own edge, Z = p Φ(h) + (1 - p) Φ(-h) and r = (2p - 1) φ(h) / Z:
propagation   ∂ log Z/∂m = r / sqrt(1 + v),  -∂² log Z/∂m² = r (r + h) / (1 + v)
              ν(in) = N with precision W = r (r + h) / D and weighted mean r sqrt(1 + v) / D + m W,
              D = 1 + v (1 - r (r + h))                                                     Minka 2001, section 3.5
Variational   log ν(in) = q log Φ(in) + (1 - q) log Φ(-in),  log odds of ν(out): E[log Φ(in)] - E[log Φ(-in)]
Energy        -q E[log Φ(in)] - (1 - q) E[log Φ(-in)], by Gauss-Hermite quadrature

r is formed by Mills' ratio R: r = (2p - 1) / (p R(-h) + (1 - p) R(h)), so that no probability underflows.

Differs       the ratio φ/Φ is Mills' ratio throughout, so that both tails stay finite
"""

from reactivepgm.distributions import (
    Bernoulli,
    Categorical,
    DiscreteFamily,
    Factorized,
    LogDensity,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.nodes.probit import Probit, ProbitMeta
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.elementary import log, log1p, sqrt, where
from reactivepgm.numerics.normal_tail import mills_ratio
from reactivepgm.numerics.quadrature import expectation
from reactivepgm.numerics.special import log_normal_cdf, normal_cdf, sigmoid
from reactivepgm.rulebook import average_energy, log_scale, marginal_rule, rule

from .expectations import weigh

Outcome = Bernoulli | Categorical | PointMass
_POINTS = 32
_NEARLY_FLAT = 1e-12


def probability(out: DiscreteFamily | PointMass) -> Array:
    """The probability of 1.

    Example:
        >>> probability(Bernoulli(0.25)), probability(PointMass(1.0))
        (0.25, 1.0)
    """
    if isinstance(out, Bernoulli):
        return out.p
    return out.value if isinstance(out, PointMass) else out.probabilities[..., 1]


def moments(p: Array, m_in: UnivariateNormal) -> tuple[Array, Array, Array]:
    """h, r and the log-concavity r (r + h) of Z.

    Example:
        >>> h, r, bend = moments(1.0, NormalMeanVariance(0.0, 1.0))
        >>> h, round(r * r - bend, 12)
        (0.0, 0.0)
    """
    h = m_in.mean / sqrt(1.0 + m_in.variance)
    r = (2.0 * p - 1.0) / (weigh(p, mills_ratio(-h)) + weigh(1.0 - p, mills_ratio(h)))
    return h, r, r * (r + h)


@rule(Probit, to="out")
def _(m_in: PointMass) -> Bernoulli:
    """A known input is the message."""
    return Bernoulli._of(normal_cdf(m_in.value))


@rule(Probit, to="out")
def _(m_in: UnivariateNormal) -> Bernoulli:
    """The noise of Φ widens the input."""
    return Bernoulli._of(normal_cdf(m_in.mean / sqrt(1.0 + m_in.variance)))


@rule(Probit, to="out")
def _(q_in: UnivariateNormal, meta: ProbitMeta | None) -> Bernoulli:
    """The geometric means of both probabilities, normalised."""
    yes, no = _mean_logs(q_in, meta)
    return Bernoulli._of(sigmoid(yes - no))


@rule(Probit, to="in")
def _(m_out: Outcome) -> LogDensity:
    """The probability of the outcome as a function of the input; no exponential family."""
    p = probability(m_out)
    log_yes, log_no = log(p), log1p(-p)

    def log_density(x: Array) -> Array:
        xp = namespace(x, p)
        return xp.logaddexp(log_yes + log_normal_cdf(x), log_no + log_normal_cdf(-x))

    return LogDensity(log_density, batch_shape=m_out.batch_shape)


@rule(Probit, to="in")
def _(q_out: Bernoulli | Categorical) -> LogDensity:
    """The expected log probability of the outcome as a function of the input."""
    p = probability(q_out)
    return LogDensity(
        lambda x: weigh(p, log_normal_cdf(x)) + weigh(1.0 - p, log_normal_cdf(-x)), batch_shape=q_out.batch_shape
    )


@rule(Probit, to="in")
def _(m_out: Outcome, m_in: UnivariateNormal) -> NormalWeightedMeanPrecision:
    """The normal that has the moments of the product, divided by the inbound message.

    An outcome of even odds says nothing at all, and a precision of 1e-12 stands for none: such a message has a mean
    and a variance, as all others here have.
    """
    v = m_in.variance
    _, r, bend = moments(probability(m_out), m_in)
    scale = 1.0 / (1.0 + v * (1.0 - bend))
    precision = bend * scale
    weighted = r * sqrt(1.0 + v) * scale + m_in.mean * precision
    return NormalWeightedMeanPrecision._of(weighted, where(r == 0.0, _NEARLY_FLAT, precision))


@log_scale(Probit, to="in")
def _(m_out: Outcome, m_in: UnivariateNormal) -> Array:
    """The logarithm of Z."""
    p = probability(m_out)
    h = m_in.mean / sqrt(1.0 + m_in.variance)
    return namespace(h, p).logaddexp(log(p) + log_normal_cdf(h), log1p(-p) + log_normal_cdf(-h))


@marginal_rule(Probit, "out_in")
def _(m_out: PointMass, m_in: UnivariateNormal) -> Factorized:
    """The outcome settles out; the input keeps the moments of its posterior."""
    m, v = m_in.mean, m_in.variance
    _, r, bend = moments(m_out.value, m_in)
    belief = NormalMeanVariance._of(m + v * r / sqrt(1.0 + v), v * (1.0 + v * (1.0 - bend)) / (1.0 + v))
    return Factorized({"out": m_out, "in": belief})


def _mean_logs(q_in: UnivariateNormal | PointMass, meta: ProbitMeta | None) -> tuple[Array, Array]:
    """E[log Φ(in)] and E[log Φ(-in)]."""
    if isinstance(q_in, PointMass):
        return log_normal_cdf(q_in.value), log_normal_cdf(-q_in.value)
    n = _POINTS if meta is None else meta.p
    mean, variance = q_in.mean, q_in.variance
    return expectation(log_normal_cdf, mean, variance, n), expectation(log_normal_cdf, -mean, variance, n)


@average_energy(Probit)
def _(q_out: Outcome, q_in: UnivariateNormal | PointMass, meta: ProbitMeta | None) -> Array:
    """Cross-entropy with the expected log probabilities."""
    p = probability(q_out)
    yes, no = _mean_logs(q_in, meta)
    return -weigh(p, yes) - weigh(1.0 - p, no)
