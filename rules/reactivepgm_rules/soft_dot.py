"""SoftDot(y | theta, x, gamma): messages, joint, energy, kernel.

Factor        f = N(y; theta'x, 1/γ),  θ and x both numbers or both vectors
Variational   ν(y) = N(E[θ]'E[x], precision E[γ]),   ν(θ) = (weighted E[γ] E[x y], precision E[γ] E[xx'])
              ν(x) = the same with θ for x,   ν(γ) = Gamma(3/2, rate E[(y - θ'x)²]/2)
Structured    messages inside the cluster (y, x): see regression.py
Energy        (log 2π - E[log γ] + E[γ (y - θ'x)²])/2

For a random θ there is no kernel: what θ leaves uncertain also weighs on x alone, by x'Cov[θ]x.
"""

from reactivepgm.distributions import (
    Distribution,
    GammaShapeRate,
    MultivariateNormal,
    NormalFamily,
    NormalMeanPrecision,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.errors import NoRuleError
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import trace_product
from reactivepgm.rulebook import GaussianKernel, average_energy, kernel, marginal_rule, rule

from .gaussian_sum import Gaussian
from .linear_joint import Joint
from .matrix_form import as_matrix
from .noise import LOG_2PI, Precision
from .regression import (
    Regressed,
    apart,
    check_alike,
    expected_square,
    is_number,
    joint_of_number,
    moments,
    predicted,
    regression,
    tied,
    toward_theta,
    toward_x,
    toward_y,
)

NODE = "SoftDot"


@rule(NODE, to="y")
def _(q_theta: Distribution, q_x: Distribution, q_gamma: Distribution) -> NormalMeanPrecision:
    """The factor at its expected inner product."""
    check_alike(NODE, theta=q_theta, x=q_x)
    r = regression(q_theta, q_gamma)
    return NormalMeanPrecision._of(predicted(r, moments(q_x)[0]), r.gamma)


@rule(NODE, to="y")
def _(m_x: NormalFamily, q_theta: Distribution, q_gamma: Distribution) -> UnivariateNormal:
    """The message of x, narrowed by what is uncertain about theta, through the inner product."""
    check_alike(NODE, theta=q_theta, x=m_x)
    return toward_y(regression(q_theta, q_gamma), m_x)


@rule(NODE, to="x")
def _(q_y: Distribution, q_theta: Distribution, q_gamma: Distribution) -> Gaussian:
    """A quadratic form in x."""
    _check_number(q_y)
    return toward_x(regression(q_theta, q_gamma), None, q_y.mean, is_number(q_theta))


@rule(NODE, to="x")
def _(m_y: UnivariateNormal, q_theta: Distribution, q_gamma: Distribution) -> Gaussian:
    """What the message of y, widened by the noise, says about the inner product."""
    return toward_x(regression(q_theta, q_gamma), m_y, 0.0, is_number(q_theta))


@rule(NODE, to="theta")
def _(q_y: Distribution, q_x: Distribution, q_gamma: Distribution) -> Gaussian:
    """A quadratic form in theta."""
    _check_number(q_y)
    return toward_theta(q_gamma.mean, apart(q_y, q_x), is_number(q_x))


@rule(NODE, to="theta")
def _(q_y_x: MultivariateNormal, q_gamma: Distribution) -> Gaussian:
    """The same, the covariance of y and x included; theta is a number where x is one."""
    d = q_y_x.event_shape[0] - 1
    return toward_theta(q_gamma.mean, tied(q_y_x, d), d == 1)


@rule(NODE, to="gamma")
def _(q_y: Distribution, q_theta: Distribution, q_x: Distribution) -> GammaShapeRate:
    """Half the expected squared residual."""
    _check_number(q_y)
    check_alike(NODE, theta=q_theta, x=q_x)
    return toward_gamma(q_theta, apart(q_y, q_x))


@rule(NODE, to="gamma")
def _(q_y_x: MultivariateNormal, q_theta: Distribution) -> GammaShapeRate:
    """The same, the covariance of y and x included."""
    return toward_gamma(q_theta, tied(q_y_x, q_y_x.event_shape[0] - 1))


@marginal_rule(NODE, "y_x")
def _(m_y: UnivariateNormal, m_x: NormalFamily, q_theta: Distribution, q_gamma: Distribution) -> Joint:
    """Both messages tied by the factor."""
    check_alike(NODE, theta=q_theta, x=m_x)
    return joint_of_number(regression(q_theta, q_gamma), m_y, m_x)  # type: ignore[arg-type]


@average_energy(NODE)
def _(q_y: Distribution, q_theta: Distribution, q_x: Distribution, q_gamma: Precision) -> Array:
    """Independent y and x."""
    check_alike(NODE, theta=q_theta, x=q_x)
    return energy(q_theta, q_gamma, apart(q_y, q_x))


@average_energy(NODE)
def _(q_y_x: MultivariateNormal, q_theta: Distribution, q_gamma: Precision) -> Array:
    """A joint belief about y and x."""
    return energy(q_theta, q_gamma, tied(q_y_x, q_y_x.event_shape[0] - 1))


@kernel(NODE, to="y", ins=("x",))
def _(q_theta: PointMass, q_gamma: Distribution) -> GaussianKernel:
    """y = theta'x + noise."""
    row = moments(q_theta)[0][..., None, :]
    return GaussianKernel((row,), None, as_matrix(1.0 / q_gamma.mean))


def toward_gamma(q_theta: Distribution, values: Regressed) -> GammaShapeRate:
    """Gamma(3/2, rate E[(y - theta'x)²]/2).

    Example:
        >>> toward_gamma(PointMass(1.0), apart(PointMass(3.0), PointMass(1.0)))
        GammaShapeRate(shape=1.5, rate=2.0)
    """
    mean, covariance = moments(q_theta)
    square = values.square(mean)
    if not isinstance(q_theta, PointMass):
        square = square + trace_product(covariance, values.squares_of_x())
    return GammaShapeRate._of(1.5, 0.5 * square)


def energy(q_theta: Distribution, q_gamma: Precision, values: Regressed) -> Array:
    """(log 2π - E[log γ] + E[γ (y - θ'x)²])/2, (*batch,).

    Example:
        >>> round(energy(PointMass(1.0), PointMass(1.0), apart(PointMass(1.0), PointMass(1.0))), 6)
        0.918939
    """
    return 0.5 * (LOG_2PI - q_gamma.mean_log + expected_square(regression(q_theta, q_gamma), values))


def _check_number(q_y: Distribution) -> None:
    if not is_number(q_y):
        raise NoRuleError(f"{NODE}: y is a number, not of shape {q_y.event_shape}")
