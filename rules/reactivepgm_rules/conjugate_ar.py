"""ConjugateAR(y | x, w): messages, marginal of w, joint, energy; w = [theta, gamma] on one edge.

Factor        that of Autoregressive
Variational   under q(w) = MvNormalGamma(m, L, a, b):  E[γ] = a/b,  E[γθ] = m a/b,  E[γθθ'] = m m' a/b + inv L,
              so the messages of y and x are those of Autoregressive with E[θ] = m and E[γ] Cov[θ] = inv L
              ν(w) ∝ γ^(1/2) exp(-γ (E[y1²] - 2 θ'E[x y1] + θ'E[xx']θ)/2), by the natural parameters of MvNormalGamma
Marginal      q(w) = m_w ν(w)
Energy        (log 2π - E[log γ] + E[γ (y1 - θ'x)²])/2 and the copies of Autoregressive    Bernardo and Smith 1994, 5.2
"""

from reactivepgm.distributions import (
    Distribution,
    EmbeddedNormal,
    MultivariateNormal,
    MvNormalGamma,
    MvNormalMeanCovariance,
    NormalMeanPrecision,
    PointMass,
    UnivariateNormal,
    product,
)
from reactivepgm.nodes import ARMeta, MultivariateARMeta, UnivariateARMeta
from reactivepgm.numerics.array import Array, as_scalar
from reactivepgm.numerics.elementary import log
from reactivepgm.numerics.linear_algebra import inv_psd
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .autoregressive import copied, copied_from_cut
from .companion import joint_of_states, state_at, state_toward_x, state_toward_y
from .gaussian_sum import Gaussian
from .linear_joint import Joint
from .matrix_form import as_matrix, symmetric_blocks
from .noise import LOG_2PI
from .regression import (
    Regressed,
    Regression,
    apart,
    expected_square,
    is_number,
    joint_of_number,
    moments,
    predicted,
    tied,
    toward_x,
    toward_y,
)

NODE = "ConjugateAR"
Parameters = MvNormalGamma | PointMass


@rule(NODE, to="y")
def _(q_x: Distribution, q_w: Parameters, meta: ARMeta | None) -> NormalMeanPrecision | MvNormalMeanCovariance:
    """The factor at its expected regression."""
    r, x = _regression(q_w), moments(q_x)[0]
    if is_number(q_x) or isinstance(meta, UnivariateARMeta):
        return NormalMeanPrecision._of(predicted(r, x), r.gamma)
    return state_at(r, x)


@rule(NODE, to="y")
def _(m_x: UnivariateNormal, q_w: Parameters, meta: UnivariateARMeta | None) -> UnivariateNormal:
    """The message of x, narrowed by what is uncertain about w, through the factor."""
    return toward_y(_regression(q_w), m_x)


@rule(NODE, to="y")
def _(m_x: MultivariateNormal, q_w: Parameters, meta: MultivariateARMeta | None) -> MultivariateNormal:
    """The same for states."""
    return state_toward_y(_regression(q_w), m_x)


@rule(NODE, to="x")
def _(q_y: Distribution, q_w: Parameters, meta: ARMeta | None) -> Gaussian:
    """A quadratic form in x."""
    y = q_y.mean if is_number(q_y) else q_y.mean[..., 0]
    return toward_x(_regression(q_w), None, y, _is_of_numbers(q_w, q_y, meta))


@rule(NODE, to="x")
def _(m_y: UnivariateNormal, q_w: Parameters, meta: UnivariateARMeta | None) -> Gaussian:
    """What the message of y, widened by the noise, says about the regression."""
    return toward_x(_regression(q_w), m_y, 0.0, q_w.event_shape[0] == 2)


@rule(NODE, to="x")
def _(m_y: MultivariateNormal, q_w: Parameters, meta: MultivariateARMeta | None) -> MultivariateNormal:
    """The same for states."""
    return state_toward_x(_regression(q_w), m_y)


@rule(NODE, to="w")
def _(q_y: Distribution, q_x: Distribution, meta: ARMeta | None) -> MvNormalGamma:
    """Conjugate to the normal-gamma; of low rank where x is known."""
    return _toward_w(apart(q_y, q_x))


@rule(NODE, to="w")
def _(q_y_x: MultivariateNormal, meta: ARMeta | None) -> MvNormalGamma:
    """The same, the covariance of y and x included."""
    return _toward_w(tied(q_y_x, q_y_x.event_shape[0] // 2))


@marginal_rule(NODE, "w")
def _(m_w: MvNormalGamma, q_y_x: MultivariateNormal, meta: ARMeta | None) -> Distribution:
    """Natural parameters add."""
    return product(m_w, _toward_w(tied(q_y_x, q_y_x.event_shape[0] // 2)))


@marginal_rule(NODE, "y_x")
def _(m_y: UnivariateNormal, m_x: UnivariateNormal, q_w: Parameters, meta: UnivariateARMeta | None) -> Joint:
    """Both messages tied by the factor."""
    return joint_of_number(_regression(q_w), m_y, m_x)


@marginal_rule(NODE, "y_x")
def _(
    m_y: MultivariateNormal, m_x: MultivariateNormal, q_w: Parameters, meta: MultivariateARMeta | None
) -> EmbeddedNormal:
    """The same for states, on the coordinates that are free."""
    return joint_of_states(_regression(q_w), m_y, m_x)


@average_energy(NODE)
def _(q_y: Distribution, q_x: Distribution, q_w: Parameters, meta: ARMeta | None) -> Array:
    """Independent y and x."""
    return _energy(q_w, apart(q_y, q_x)) + copied_from_cut(q_y, meta)


@average_energy(NODE)
def _(q_y_x: MultivariateNormal, q_w: Parameters, meta: ARMeta | None) -> Array:
    """A joint belief about y and x."""
    return _energy(q_w, tied(q_y_x, q_y_x.event_shape[0] // 2)) + copied(q_y_x, meta)


def _regression(q_w: Parameters) -> Regression:
    if isinstance(q_w, PointMass):
        return Regression(q_w.value[..., :-1], None, as_scalar(q_w.value[..., -1]))
    return Regression(q_w.mean, inv_psd(q_w.precision), q_w.noise_precision.mean)


def _toward_w(values: Regressed) -> MvNormalGamma:
    squares = values.squares_of_x()
    corner = values.y * values.y + values.y_variance
    column = values.products()[..., None]
    quadratic = symmetric_blocks(squares, -column, 0.0 * squares[..., :1, :1] + as_matrix(corner))
    return MvNormalGamma.from_quadratic(0.5, quadratic)


def _energy(q_w: Parameters, values: Regressed) -> Array:
    r = _regression(q_w)
    mean_log = log(r.gamma) if isinstance(q_w, PointMass) else q_w.noise_precision.mean_log
    return 0.5 * (LOG_2PI - mean_log + expected_square(r, values))


def _is_of_numbers(q_w: Parameters, q_y: Distribution, meta: ARMeta | None) -> bool:
    return isinstance(meta, UnivariateARMeta) or (meta is None and is_number(q_y) and q_w.event_shape[0] == 2)
