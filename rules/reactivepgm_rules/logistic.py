"""Expectations of the logistic function and the mean of a Pólya-gamma variable.

σ(x) = 1 / (1 + exp(-x)),   log σ(x) = -softplus(-x)
ω ~ PG(1, ψ):  E[ω] = tanh(ψ/2) / (2 ψ), 1/4 at ψ = 0                         Polson, Scott and Windle 2013, section 2.3
"""

from reactivepgm.distributions import MultivariateNormal, PointMass, UnivariateNormal
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import exp, log1p, where
from reactivepgm.numerics.linear_algebra import diagonal
from reactivepgm.numerics.special import sigmoid

Located = UnivariateNormal | MultivariateNormal | PointMass
_SMALL = 1e-3


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow.

    Example:
        >>> softplus(1000.0), round(softplus(0.0), 6)
        (1000.0, 0.693147)
    """
    return where(x > 0.0, x, 0.0) + log1p(exp(-abs(x)))


def polya_gamma_mean(psi: Array) -> Array:
    """E[ω] of PG(1, psi).

    Example:
        >>> polya_gamma_mean(0.0), round(polya_gamma_mean(2.0), 6)
        (0.25, 0.190399)
    """
    square = psi * psi
    near = 0.25 - square * (1.0 / 48.0 - square / 480.0)
    away = where(square < _SMALL * _SMALL, 1.0, psi)
    return where(square < _SMALL * _SMALL, near, (sigmoid(away) - 0.5) / away)


def component_moments(belief: Located) -> tuple[Array, Array]:
    """Mean and variance of each component.

    Example:
        >>> component_moments(PointMass(2.0))
        (2.0, 0.0)
    """
    if isinstance(belief, MultivariateNormal):
        return belief.mean, diagonal(belief.covariance)
    return belief.mean, belief.variance
