"""GCV(y | x, z, kappa, omega): messages, joint, energy, kernel.

Factor        f = N(y; x, exp(κ z + ω))
Variational   Ψ = E[(y - x)²], A = E[exp(-ω)] = exp(-E[ω] + Var[ω]/2), B = E[exp(-κ z)]
              ν(y) = N(E[x], 1/(A B)), and the same with x and y exchanged
              ν(z) ∝ exp(-(E[κ] z + Ψ A exp(-E[κ] z + Var[κ] z²/2)) / 2), and the same with κ and z exchanged
              ν(ω) ∝ exp(-(ω + Ψ B exp(-ω)) / 2)
Expectation   ν(z), ν(κ) and ν(ω) beside a normal cavity m on their own edge: the normal that, times m, has the moments
propagation   of ν m                                                                     Minka 2001
Structured    messages inside the cluster (y, x) are widened by 1/(A B)
Energy        (log 2π + E[κ] E[z] + E[ω] + Ψ A B) / 2            Şenöz and de Vries 2018, equations 6 to 12

B takes κ z for a normal of its own mean E[κ] E[z] and variance E[κ]² Var[z] + E[z]² Var[κ] + Var[κ] Var[z], because
the expectation under independent normals is infinite once Var[κ] Var[z] >= 1; it is exact where κ or z is known.
The exponents of A and B are added before they are raised, so that κ z and ω may be far apart and cancel.
A message of y or x that is no normal enters by its moments. Moments are exact, or by the quadrature that the meta names.

Differs       moments of messages that are no normals are exact unless a meta names a quadrature; so are those of a product
              with a normal, which the usual filter takes by quadrature
"""

from reactivepgm.distributions import (
    Distribution,
    ExponentialLinearQuadratic,
    Factorized,
    MultivariateNormal,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
    product,
)
from reactivepgm.nodes.volatility import GCV, GCVMeta
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import exp
from reactivepgm.rulebook import GaussianKernel, average_energy, kernel, marginal_rule, rule

from .gaussian_sum import Gaussian, widened
from .joint_of_numbers import NumberJoint, joint_of_numbers
from .matrix_form import as_matrix
from .noise import energy, joint_square_gap, square_gap
from .volatility_moments import as_normal, beside

Message = UnivariateNormal | ExponentialLinearQuadratic


def log_precision(q_z: Distribution, q_kappa: Distribution, q_omega: Distribution) -> Array:
    """log(A B): the log of the expected precision.

    Example:
        >>> far = NormalMeanVariance(800.0, 0.0)
        >>> log_precision(far, PointMass(1.0), PointMass(-800.0))
        0.0
    """
    mean, variance = _mean_and_variance(q_z, q_kappa)
    return 0.5 * (variance + q_omega.variance) - (mean + q_omega.mean)


def _mean_and_variance(q_z: Distribution, q_kappa: Distribution) -> tuple[Array, Array]:
    """Of κ z."""
    z, kappa, vz, vk = q_z.mean, q_kappa.mean, q_z.variance, q_kappa.variance
    return kappa * z, kappa * kappa * vz + z * z * vk + vk * vz


@rule(GCV, to="y")
def _(m_x: UnivariateNormal, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution) -> Gaussian:
    """The message of x, widened."""
    return widened(m_x, exp(-log_precision(q_z, q_kappa, q_omega)))


@rule(GCV, to="y")
def _(
    m_x: ExponentialLinearQuadratic, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution, meta: GCVMeta | None
) -> NormalMeanVariance:
    """The moments of the message of x, widened."""
    normal = as_normal(m_x, meta)
    return NormalMeanVariance._of(normal.mean, normal.variance + exp(-log_precision(q_z, q_kappa, q_omega)))


@rule(GCV, to="y")
def _(q_x: Distribution, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution) -> NormalMeanVariance:
    """The factor at the expected x and precision."""
    return NormalMeanVariance._of(q_x.mean, exp(-log_precision(q_z, q_kappa, q_omega)))


@rule(GCV, to="x")
def _(m_y: UnivariateNormal, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution) -> Gaussian:
    """The message of y, widened."""
    return widened(m_y, exp(-log_precision(q_z, q_kappa, q_omega)))


@rule(GCV, to="x")
def _(
    m_y: ExponentialLinearQuadratic, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution, meta: GCVMeta | None
) -> NormalMeanVariance:
    """The moments of the message of y, widened."""
    normal = as_normal(m_y, meta)
    return NormalMeanVariance._of(normal.mean, normal.variance + exp(-log_precision(q_z, q_kappa, q_omega)))


@rule(GCV, to="x")
def _(q_y: Distribution, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution) -> NormalMeanVariance:
    """The factor at the expected y and precision."""
    return NormalMeanVariance._of(q_y.mean, exp(-log_precision(q_z, q_kappa, q_omega)))


def _tilt(square: Array, q_other: Distribution, q_omega: Distribution) -> ExponentialLinearQuadratic:
    mean = q_other.mean
    b = square * exp(0.5 * q_omega.variance - q_omega.mean)
    return ExponentialLinearQuadratic._of(mean, b, -mean, q_other.variance)


def _tilt_of_omega(square: Array, q_z: Distribution, q_kappa: Distribution) -> ExponentialLinearQuadratic:
    mean, variance = _mean_and_variance(q_z, q_kappa)
    return ExponentialLinearQuadratic._of(1.0, square * exp(0.5 * variance - mean), -1.0, 0.0)


@rule(GCV, to="z")
def _(q_y: Distribution, q_x: Distribution, q_kappa: Distribution, q_omega: Distribution) -> ExponentialLinearQuadratic:
    """Independent y and x."""
    return _tilt(square_gap(q_y, q_x), q_kappa, q_omega)


@rule(GCV, to="z")
def _(q_y_x: MultivariateNormal, q_kappa: Distribution, q_omega: Distribution) -> ExponentialLinearQuadratic:
    """A joint belief about y and x."""
    return _tilt(joint_square_gap(q_y_x), q_kappa, q_omega)


@rule(GCV, to="z")
def _(
    q_y: Distribution,
    q_x: Distribution,
    q_kappa: Distribution,
    q_omega: Distribution,
    m_z: UnivariateNormal,
    meta: GCVMeta | None,
) -> NormalWeightedMeanPrecision:
    """Independent y and x, beside what comes in on the own edge."""
    return beside(_tilt(square_gap(q_y, q_x), q_kappa, q_omega), m_z, meta)


@rule(GCV, to="z")
def _(
    q_y_x: MultivariateNormal, q_kappa: Distribution, q_omega: Distribution, m_z: UnivariateNormal, meta: GCVMeta | None
) -> NormalWeightedMeanPrecision:
    """A joint belief about y and x, beside what comes in on the own edge."""
    return beside(_tilt(joint_square_gap(q_y_x), q_kappa, q_omega), m_z, meta)


@rule(GCV, to="kappa")
def _(q_y: Distribution, q_x: Distribution, q_z: Distribution, q_omega: Distribution) -> ExponentialLinearQuadratic:
    """Independent y and x; κ and z are symmetric."""
    return _tilt(square_gap(q_y, q_x), q_z, q_omega)


@rule(GCV, to="kappa")
def _(q_y_x: MultivariateNormal, q_z: Distribution, q_omega: Distribution) -> ExponentialLinearQuadratic:
    """A joint belief about y and x; κ and z are symmetric."""
    return _tilt(joint_square_gap(q_y_x), q_z, q_omega)


@rule(GCV, to="kappa")
def _(
    q_y: Distribution,
    q_x: Distribution,
    q_z: Distribution,
    q_omega: Distribution,
    m_kappa: UnivariateNormal,
    meta: GCVMeta | None,
) -> NormalWeightedMeanPrecision:
    """Independent y and x, beside what comes in on the own edge."""
    return beside(_tilt(square_gap(q_y, q_x), q_z, q_omega), m_kappa, meta)


@rule(GCV, to="kappa")
def _(
    q_y_x: MultivariateNormal, q_z: Distribution, q_omega: Distribution, m_kappa: UnivariateNormal, meta: GCVMeta | None
) -> NormalWeightedMeanPrecision:
    """A joint belief about y and x, beside what comes in on the own edge."""
    return beside(_tilt(joint_square_gap(q_y_x), q_z, q_omega), m_kappa, meta)


@rule(GCV, to="omega")
def _(q_y: Distribution, q_x: Distribution, q_z: Distribution, q_kappa: Distribution) -> ExponentialLinearQuadratic:
    """Independent y and x."""
    return _tilt_of_omega(square_gap(q_y, q_x), q_z, q_kappa)


@rule(GCV, to="omega")
def _(q_y_x: MultivariateNormal, q_z: Distribution, q_kappa: Distribution) -> ExponentialLinearQuadratic:
    """A joint belief about y and x."""
    return _tilt_of_omega(joint_square_gap(q_y_x), q_z, q_kappa)


@rule(GCV, to="omega")
def _(
    q_y: Distribution,
    q_x: Distribution,
    q_z: Distribution,
    q_kappa: Distribution,
    m_omega: UnivariateNormal,
    meta: GCVMeta | None,
) -> NormalWeightedMeanPrecision:
    """Independent y and x, beside what comes in on the own edge."""
    return beside(_tilt_of_omega(square_gap(q_y, q_x), q_z, q_kappa), m_omega, meta)


@rule(GCV, to="omega")
def _(
    q_y_x: MultivariateNormal, q_z: Distribution, q_kappa: Distribution, m_omega: UnivariateNormal, meta: GCVMeta | None
) -> NormalWeightedMeanPrecision:
    """A joint belief about y and x, beside what comes in on the own edge."""
    return beside(_tilt_of_omega(joint_square_gap(q_y_x), q_z, q_kappa), m_omega, meta)


@marginal_rule(GCV, "y_x")
def _(
    m_y: Message, m_x: Message, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution, meta: GCVMeta | None
) -> NumberJoint:
    """Both messages tied by the factor at its expected precision."""
    precision = exp(log_precision(q_z, q_kappa, q_omega))
    return joint_of_numbers(as_normal(m_y, meta), as_normal(m_x, meta), precision=precision)


@marginal_rule(GCV, "y_x")
def _(
    m_y: PointMass, m_x: Message, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution, meta: GCVMeta | None
) -> Factorized:
    """An observed y leaves a belief about x."""
    seen = widened(m_y, exp(-log_precision(q_z, q_kappa, q_omega)))
    return Factorized({"y": m_y, "x": product(as_normal(m_x, meta), seen)})


@marginal_rule(GCV, "y_x")
def _(
    m_y: Message, m_x: PointMass, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution, meta: GCVMeta | None
) -> Factorized:
    """A known x leaves a belief about y."""
    seen = widened(m_x, exp(-log_precision(q_z, q_kappa, q_omega)))
    return Factorized({"y": product(as_normal(m_y, meta), seen), "x": m_x})


def _energy(square: Array, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution) -> Array:
    mean_log_variance = q_kappa.mean * q_z.mean + q_omega.mean
    return energy(square, mean_log_variance, exp(log_precision(q_z, q_kappa, q_omega)))


@average_energy(GCV)
def _(q_y: Distribution, q_x: Distribution, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution) -> Array:
    """Independent y and x."""
    return _energy(square_gap(q_y, q_x), q_z, q_kappa, q_omega)


@average_energy(GCV)
def _(q_y_x: MultivariateNormal, q_z: Distribution, q_kappa: Distribution, q_omega: Distribution) -> Array:
    """A joint belief about y and x."""
    return _energy(joint_square_gap(q_y_x), q_z, q_kappa, q_omega)


@kernel(GCV, to="y", ins=("x",))
def _(q_z: Distribution, q_kappa: Distribution, q_omega: Distribution) -> GaussianKernel:
    """y = x + noise."""
    return GaussianKernel((None,), None, as_matrix(exp(-log_precision(q_z, q_kappa, q_omega))))
