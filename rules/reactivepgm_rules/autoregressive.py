"""Autoregressive(y | x, theta, gamma): messages, joint, energies, kernel.

Factor        numbers: f = N(y; θx, 1/γ);  states (meta "multivariate"): f = N(y1; θ'x, 1/γ) δ(y2.. - x1..)
Variational   ν(θ) = (weighted E[γ] E[x y1], precision E[γ] E[xx']),   ν(γ) = Gamma(3/2, rate E[(y1 - θ'x)²]/2)
              ν(y) = the factor at E[θ], E[x];   ν(x) = (weighted E[γ] E[θ] E[y1], precision E[γ] E[θθ'])
Structured    messages inside the cluster (y, x): see regression.py and companion.py
Energy        (log 2π - E[log γ] + E[γ (y1 - θ'x)²])/2; for states, H[q(y, x)] - H[q(y1, x)] more (cut: H[q(y)] - H[q(y1)]),
              which the entropy of the cluster, taken in all coordinates, takes away again; zero where the joint already
              counts its entropy in (y1, x)                                              de Vries and Friston 2017

Without a meta, y and x are numbers or states as their beliefs are. There is a kernel for numbers with a known θ only: a
random θ also weighs on x alone, by x'Cov[θ]x, and states copy, so that their noise is singular.

Differs       under mean field too, the rate of γ has tr(Cov[θ] Cov[x]), without which the update is not that of the free energy
"""

from reactivepgm.distributions import (
    Distribution,
    EmbeddedNormal,
    GammaShapeRate,
    MultivariateNormal,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.nodes import ARMeta, MultivariateARMeta, UnivariateARMeta
from reactivepgm.numerics.array import Array, as_scalar
from reactivepgm.numerics.elementary import log
from reactivepgm.rulebook import GaussianKernel, average_energy, kernel, marginal_rule, rule

from .companion import joint_of_states, state_at, state_toward_x, state_toward_y
from .gaussian_sum import Gaussian
from .linear_joint import Joint
from .matrix_form import as_matrix, concatenated, symmetric_blocks
from .noise import LOG_2PI, Precision
from .regression import (
    apart,
    check_alike,
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
from .soft_dot import energy, toward_gamma

NODE = "Autoregressive"


@rule(NODE, to="y")
def _(
    q_x: Distribution, q_theta: Distribution, q_gamma: Distribution, meta: ARMeta | None
) -> NormalMeanPrecision | MvNormalMeanCovariance:
    """The factor at its expected regression."""
    check_alike(NODE, theta=q_theta, x=q_x)
    r, x = regression(q_theta, q_gamma), moments(q_x)[0]
    if is_number(q_x) or isinstance(meta, UnivariateARMeta):
        return NormalMeanPrecision._of(predicted(r, x), r.gamma)
    return state_at(r, x)


@rule(NODE, to="y")
def _(
    m_x: UnivariateNormal, q_theta: Distribution, q_gamma: Distribution, meta: UnivariateARMeta | None
) -> UnivariateNormal:
    """The message of x, narrowed by what is uncertain about theta, through the factor."""
    return toward_y(regression(q_theta, q_gamma), m_x)


@rule(NODE, to="y")
def _(
    m_x: MultivariateNormal, q_theta: Distribution, q_gamma: Distribution, meta: MultivariateARMeta | None
) -> MultivariateNormal:
    """The same for states."""
    check_alike(NODE, theta=q_theta, x=m_x)
    return state_toward_y(regression(q_theta, q_gamma), m_x)


@rule(NODE, to="x")
def _(q_y: Distribution, q_theta: Distribution, q_gamma: Distribution, meta: ARMeta | None) -> Gaussian:
    """A quadratic form in x."""
    y = q_y.mean if is_number(q_y) else q_y.mean[..., 0]
    return toward_x(regression(q_theta, q_gamma), None, y, is_number(q_theta))


@rule(NODE, to="x")
def _(m_y: UnivariateNormal, q_theta: Distribution, q_gamma: Distribution, meta: UnivariateARMeta | None) -> Gaussian:
    """What the message of y, widened by the noise, says about the regression."""
    return toward_x(regression(q_theta, q_gamma), m_y, 0.0, is_number(q_theta))


@rule(NODE, to="x")
def _(
    m_y: MultivariateNormal, q_theta: Distribution, q_gamma: Distribution, meta: MultivariateARMeta | None
) -> MultivariateNormal:
    """The same for states: the copies carry the rest of the message back."""
    check_alike(NODE, theta=q_theta, y=m_y)
    return state_toward_x(regression(q_theta, q_gamma), m_y)


@rule(NODE, to="theta")
def _(q_y: Distribution, q_x: Distribution, q_gamma: Distribution, meta: ARMeta | None) -> Gaussian:
    """A quadratic form in theta."""
    return toward_theta(q_gamma.mean, apart(q_y, q_x), is_number(q_x))


@rule(NODE, to="theta")
def _(q_y_x: MultivariateNormal, q_gamma: Distribution, meta: ARMeta | None) -> Gaussian:
    """The same, the covariance of y and x included."""
    half = q_y_x.event_shape[0] // 2
    number = isinstance(meta, UnivariateARMeta) or (meta is None and half == 1)
    return toward_theta(q_gamma.mean, tied(q_y_x, half), number)


@rule(NODE, to="gamma")
def _(q_y: Distribution, q_x: Distribution, q_theta: Distribution, meta: ARMeta | None) -> GammaShapeRate:
    """Half the expected squared residual."""
    check_alike(NODE, theta=q_theta, x=q_x)
    return toward_gamma(q_theta, apart(q_y, q_x))


@rule(NODE, to="gamma")
def _(q_y_x: MultivariateNormal, q_theta: Distribution, meta: ARMeta | None) -> GammaShapeRate:
    """The same, the covariance of y and x included."""
    return toward_gamma(q_theta, tied(q_y_x, q_y_x.event_shape[0] // 2))


@marginal_rule(NODE, "y_x")
def _(
    m_y: UnivariateNormal,
    m_x: UnivariateNormal,
    q_theta: Distribution,
    q_gamma: Distribution,
    meta: UnivariateARMeta | None,
) -> Joint:
    """Both messages tied by the factor."""
    return joint_of_number(regression(q_theta, q_gamma), m_y, m_x)


@marginal_rule(NODE, "y_x")
def _(
    m_y: MultivariateNormal,
    m_x: MultivariateNormal,
    q_theta: Distribution,
    q_gamma: Distribution,
    meta: MultivariateARMeta | None,
) -> EmbeddedNormal:
    """The same for states, on the coordinates that are free."""
    check_alike(NODE, theta=q_theta, x=m_x, y=m_y)
    return joint_of_states(regression(q_theta, q_gamma), m_y, m_x)


@average_energy(NODE)
def _(
    q_y: Distribution, q_x: Distribution, q_theta: Distribution, q_gamma: Precision, meta: ARMeta | None
) -> Array:
    """Independent y and x."""
    return energy(q_theta, q_gamma, apart(q_y, q_x)) + copied_from_cut(q_y, meta)


@average_energy(NODE)
def _(q_y_x: MultivariateNormal, q_theta: Distribution, q_gamma: Precision, meta: ARMeta | None) -> Array:
    """A joint belief about y and x."""
    half = q_y_x.event_shape[0] // 2
    return energy(q_theta, q_gamma, tied(q_y_x, half)) + copied(q_y_x, meta)


@kernel(NODE, to="y", ins=("x",))
def _(q_theta: PointMass, q_gamma: Distribution, meta: UnivariateARMeta) -> GaussianKernel:
    """y = theta x + noise."""
    return GaussianKernel((moments(q_theta)[0][..., None, :],), None, as_matrix(1.0 / q_gamma.mean))


def copied(q_y_x: MultivariateNormal, meta: ARMeta | None) -> Array:
    """H[q(y, x)] - H[q(y1, x)] for states: what the copied coordinates add to an entropy taken in all of them.

    Example:
        >>> import numpy as np
        >>> round(copied(MvNormalMeanCovariance(np.zeros(4), np.eye(4)), None), 6)  # the entropy of N(0, 1)
        1.418939
    """
    p = q_y_x.event_shape[0] // 2
    if isinstance(q_y_x, EmbeddedNormal) or isinstance(meta, UnivariateARMeta) or p == 1:
        return 0.0
    mean, spread = q_y_x.mean, q_y_x.covariance
    free = MvNormalMeanCovariance._of(
        concatenated(mean[..., :1], mean[..., p:]),
        symmetric_blocks(spread[..., :1, :1], spread[..., :1, p:], spread[..., p:, p:]),
    )
    return q_y_x.entropy() - free.entropy()


def copied_from_cut(q_y: Distribution, meta: ARMeta | None) -> Array:
    """H[q(y)] - H[q(y1)] for states that are cut from their past; zero for numbers and known states.

    Example:
        >>> import numpy as np
        >>> round(copied_from_cut(MvNormalMeanCovariance(np.zeros(2), np.eye(2)), None), 6)
        1.418939
    """
    if is_number(q_y) or isinstance(q_y, PointMass) or isinstance(meta, UnivariateARMeta):
        return 0.0
    return q_y.entropy() - 0.5 * (1.0 + LOG_2PI + log(as_scalar(q_y.variance[..., 0])))
