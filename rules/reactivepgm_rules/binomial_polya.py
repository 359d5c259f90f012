"""BinomialPolya(y | x, n, beta): messages, energy.

Factor        f = C(n, y) exp(y ψ) / (1 + exp(ψ))^n,  ψ = x · beta: y ~ Binomial(n, σ(ψ))
              = C(n, y) 2^-n ∫ exp((y - n/2) ψ - ω ψ²/2) PG(ω | n, 0) dω          Polson, Scott and Windle 2013, theorem 1
Toward beta   with the inbound message on its own edge, ω enters by its mean given ψ:
              weighted mean (y - n/2) x, precision E[ω] x x', E[ω] = n tanh(ψ/2) / (2 ψ)
Bound         with the marginal on the own edge, at the optimal ω: E[ω] = n tanh(c/2) / (2 c), c² = E[ψ²]: every update
              lowers a bound                                Jaakkola and Jordan 2000; Durante and Rigon 2019, section 2
Variational   ν(y) = Binomial(n, σ(E[ψ]))
Energy        -E[log C(n, y)] - E[y] E[ψ] + n E[log(1 + exp ψ)]

Where a function of ψ is averaged, that is by Gauss-Hermite quadrature over ψ ~ N(x'm, x'V x), BinomialPolyaMeta(points),
which factors in models have of themselves: their free energy is a bound. A rule that is called without meta takes ψ at its
mean (a first-order delta method).
"""

from reactivepgm.distributions import (
    Binomial,
    Distribution,
    MultivariateNormal,
    MvNormalWeightedMeanPrecision,
    NormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.nodes.polya import BinomialPolya, BinomialPolyaMeta
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import sqrt
from reactivepgm.numerics.linear_algebra import inner, outer, quad_form
from reactivepgm.numerics.quadrature import expectation
from reactivepgm.numerics.special import log_factorial, sigmoid
from reactivepgm.rulebook import average_energy, rule

from .logistic import polya_gamma_mean, softplus
from .matrix_form import column_scaling, scaling

Coefficients = UnivariateNormal | MultivariateNormal | PointMass


def predictor(q_x: PointMass, q_beta: Coefficients) -> tuple[Array, Array]:
    """Mean and variance of ψ = x · beta.

    Example:
        >>> predictor(PointMass(2.0), PointMass(3.0))
        (6.0, 0.0)
    """
    x = q_x.value
    if not len(q_x.event_shape):
        return x * q_beta.mean, x * x * q_beta.variance
    if isinstance(q_beta, MultivariateNormal):
        return inner(x, q_beta.mean), quad_form(q_beta.covariance, x)
    return inner(x, q_beta.mean), 0.0


@rule(BinomialPolya, to="beta")
def _(
    q_y: PointMass | Binomial, q_x: PointMass, q_n: PointMass, m_beta: UnivariateNormal, meta: BinomialPolyaMeta | None
) -> NormalWeightedMeanPrecision:
    """A single coefficient."""
    x = q_x.value
    weight = _mean_omega(q_x, q_n, m_beta, meta)
    return NormalWeightedMeanPrecision._of(x * (q_y.mean - 0.5 * q_n.value), weight * x * x)


@rule(BinomialPolya, to="beta")
def _(
    q_y: PointMass | Binomial, q_x: PointMass, q_n: PointMass, m_beta: MultivariateNormal, meta: BinomialPolyaMeta | None
) -> MvNormalWeightedMeanPrecision:
    """A vector of coefficients: the precision has rank one."""
    x = q_x.value
    weight = _mean_omega(q_x, q_n, m_beta, meta)
    return MvNormalWeightedMeanPrecision._of(column_scaling(q_y.mean - 0.5 * q_n.value) * x, scaling(weight) * outer(x))


@rule(BinomialPolya, to="beta")
def _(q_y: PointMass | Binomial, q_x: PointMass, q_n: PointMass, q_beta: UnivariateNormal) -> NormalWeightedMeanPrecision:
    """A single coefficient, bounded around its marginal."""
    x = q_x.value
    return NormalWeightedMeanPrecision._of(x * (q_y.mean - 0.5 * q_n.value), _optimal_omega(q_x, q_n, q_beta) * x * x)


@rule(BinomialPolya, to="beta")
def _(q_y: PointMass | Binomial, q_x: PointMass, q_n: PointMass, q_beta: MultivariateNormal) -> MvNormalWeightedMeanPrecision:
    """A vector of coefficients, bounded around its marginal."""
    x, weight = q_x.value, _optimal_omega(q_x, q_n, q_beta)
    return MvNormalWeightedMeanPrecision._of(column_scaling(q_y.mean - 0.5 * q_n.value) * x, scaling(weight) * outer(x))


def _optimal_omega(q_x: PointMass, q_n: PointMass, q_beta: Coefficients) -> Array:
    mean, variance = predictor(q_x, q_beta)
    return q_n.value * polya_gamma_mean(sqrt(mean * mean + variance))


def _mean_omega(
    q_x: PointMass, q_n: PointMass, beta: UnivariateNormal | MultivariateNormal, meta: BinomialPolyaMeta | None
) -> Array:
    mean, variance = predictor(q_x, beta)
    return q_n.value * (polya_gamma_mean(mean) if meta is None else expectation(polya_gamma_mean, mean, variance, meta.points))


@rule(BinomialPolya, to="y")
def _(q_x: PointMass, q_n: Distribution, q_beta: Coefficients) -> Binomial:
    """The expected log odds."""
    return Binomial._of(q_n.mean, sigmoid(predictor(q_x, q_beta)[0]))


@average_energy(BinomialPolya)
def _(
    q_y: PointMass | Binomial, q_x: PointMass, q_n: PointMass, q_beta: Coefficients, meta: BinomialPolyaMeta | None
) -> Array:
    """The expected negative log mass of the count."""
    n, mean_y = q_n.value, q_y.mean
    if isinstance(q_y, Binomial):
        other = Binomial._of(n, 1.0 - q_y.p)
        log_ways = log_factorial(n) - q_y.expectation(log_factorial) - other.expectation(log_factorial)
    else:
        log_ways = log_factorial(n) - log_factorial(mean_y) - log_factorial(n - mean_y)
    mean, variance = predictor(q_x, q_beta)
    normaliser = softplus(mean) if meta is None else expectation(softplus, mean, variance, meta.points)
    return n * normaliser - mean_y * mean - log_ways
