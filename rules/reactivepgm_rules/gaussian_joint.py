"""Joint beliefs about two Gaussian variables that one factor ties together, in vector form (a scalar has d = 1).

Noise   q(out, mean) ∝ m_out(out) m_mean(mean) N(out; mean, C)
        both in moment form, T = V_out + V_mean + C:
            covariance [[(V_mean + C) inv(T) V_out, .], [V_mean inv(T) V_out, V_mean inv(T) (V_out + C)]]
        one in moment form (say mean), the other in information form, S = V_mean + C, D = inv(I + S J_out):
            covariance [[D S, D V_mean], [., V_mean D' (I + J_out C)]]
        both in information form, W = inv(C):
            precision [[W + J_out, -W], [-W, W + J_mean]]
Sum     q(in1, in2) ∝ m_in1(in1) m_in2(in2) m_out(in1 + s in2), s = 1 or -1
        inputs in moment form: diag(V1, V2), updated by m_out; T = V1 + V2 + V_out, or inv(T) = inv(I + J (V1 + V2)) J
            covariance [[V1 inv(T) (V2 + V_out), -s V1 inv(T) V2], [., V2 inv(T) (V1 + V_out)]]
        else: precision [[J1 + J, s J], [s J, J2 + J]]

Moments are kept where a message brings them, so singular covariances survive; a joint of flat messages stays in
information form. Which of the two depends on the forms of the messages only, never on the numbers.
"""

from reactivepgm.distributions import (
    Distribution,
    Factorized,
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    PointMass,
    UnivariateNormal,
    product,
)
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import inv_psd, matvec, solve, solve_vector, symmetrise, transpose

from .gaussian_map import in_information_form
from .gaussian_sum import Gaussian, is_moment, widened
from .matrix_form import as_matrix, as_vector, concatenated, identity_like, symmetric_blocks

Joint = MvNormalMeanCovariance | MvNormalWeightedMeanPrecision


def in_vector_form(m: Gaussian) -> MultivariateNormal:
    """A belief about a number as one about a vector of length one; vectors stay.

    Example:
        >>> in_vector_form(NormalMeanVariance(1.0, 2.0)).covariance
        array([[2.]])
    """
    if not isinstance(m, UnivariateNormal):
        return m
    if isinstance(m, NormalMeanVariance):
        return MvNormalMeanCovariance._of(as_vector(m.mean), as_matrix(m.variance))
    if isinstance(m, NormalMeanPrecision):
        return MvNormalMeanPrecision._of(as_vector(m.mean), as_matrix(m.precision))
    return MvNormalWeightedMeanPrecision._of(as_vector(m.weighted_mean), as_matrix(m.precision))


def joint_with_noise(
    m_out: Gaussian, m_mean: Gaussian, *, covariance: Array = None, precision: Array = None
) -> Joint:
    """The belief about [out; mean] of a Gaussian factor, given its covariance or its precision in vector form.

    Args:
        m_out: message of out; numbers or vectors.
        m_mean: message of mean, likewise.
        covariance: (*batch, d, d), possibly singular unless both messages are in information form.
        precision: (*batch, d, d), instead of the covariance.

    Example:
        >>> import numpy as np
        >>> m = NormalMeanVariance(0.0, 1.0)
        >>> joint_with_noise(m, m, covariance=np.eye(1)).covariance.round(3).tolist()
        [[0.667, 0.333], [0.333, 0.667]]
    """
    out, mean = in_vector_form(m_out), in_vector_form(m_mean)
    if not is_moment(out) and not is_moment(mean):
        w = inv_psd(covariance) if precision is None else precision
        weighted = concatenated(out.weighted_mean, mean.weighted_mean)
        return MvNormalWeightedMeanPrecision._of(weighted, symmetric_blocks(w + out.precision, -w, w + mean.precision))
    c = inv_psd(precision) if covariance is None else covariance
    if is_moment(out) and is_moment(mean):
        total = out.covariance + mean.covariance + c
        out_gain = transpose(solve(total, mean.covariance + c))
        mean_gain = transpose(solve(total, mean.covariance))
        innovation = out.mean - mean.mean
        return MvNormalMeanCovariance._of(
            concatenated(mean.mean + matvec(out_gain, innovation), mean.mean + matvec(mean_gain, innovation)),
            symmetric_blocks(
                symmetrise(out_gain @ out.covariance),
                transpose(mean_gain @ out.covariance),
                symmetrise(mean_gain @ (out.covariance + c)),
            ),
        )
    if is_moment(mean):
        (out_mean, out_spread, cross), (mean_mean, mean_spread) = _noisy_copy(mean, out, c)
    else:  # the factor is symmetric in out and mean
        (mean_mean, mean_spread, cross), (out_mean, out_spread) = _noisy_copy(out, mean, c)
        cross = transpose(cross)
    return MvNormalMeanCovariance._of(
        concatenated(out_mean, mean_mean), symmetric_blocks(out_spread, cross, mean_spread)
    )


def _noisy_copy(
    source: MultivariateNormal, copy: MultivariateNormal, c: Array
) -> tuple[tuple[Array, Array, Array], tuple[Array, Array]]:
    """(mean, covariance, cross-covariance with the source) of the copy, and (mean, covariance) of the source.

    The source is in moment form; the copy is the source plus noise of covariance c, and its message is in
    information form.
    """
    v, j, eta = source.covariance, copy.precision, copy.weighted_mean
    s = v + c
    one = identity_like(s)
    blur = one + s @ j
    cross = solve(blur, v)
    copy_mean = solve_vector(blur, source.mean + matvec(s, eta))
    source_mean = source.mean + matvec(transpose(cross), eta - matvec(j, source.mean))
    source_covariance = v @ solve(transpose(blur), one + j @ c)
    return (copy_mean, symmetrise(solve(blur, s)), cross), (source_mean, symmetrise(source_covariance))


def joint_of_sum(m_out: Gaussian, m_in1: Gaussian, m_in2: Gaussian, sign: float) -> Joint:
    """The belief about [in1; in2], where out = in1 + sign in2.

    Args:
        m_out: message of out; numbers or vectors.
        m_in1: message of in1, likewise.
        m_in2: message of in2, likewise.
        sign: 1.0 for an addition, -1.0 for a subtraction.

    Example:
        >>> m = NormalMeanVariance(0.0, 1.0)
        >>> joint_of_sum(m, m, m, 1.0).covariance.round(3).tolist()
        [[0.667, -0.333], [-0.333, 0.667]]
    """
    out, a, b = in_vector_form(m_out), in_vector_form(m_in1), in_vector_form(m_in2)
    if not (is_moment(a) and is_moment(b)):
        (eta, j), (eta_a, j_a), (eta_b, j_b) = (in_information_form(m) for m in (out, a, b))
        return MvNormalWeightedMeanPrecision._of(
            concatenated(eta_a + eta, eta_b + sign * eta), symmetric_blocks(j_a + j, sign * j, j_b + j)
        )
    va, vb = a.covariance, b.covariance
    predicted = a.mean + sign * b.mean
    if is_moment(out):
        total = va + vb + out.covariance
        pull = solve_vector(total, out.mean - predicted)
        keep_a, keep_b = solve(total, vb + out.covariance), solve(total, va + out.covariance)
        tie = solve(total, vb)
    else:
        j = out.precision
        one = identity_like(j)
        blur = one + j @ (va + vb)
        pull = solve_vector(blur, out.weighted_mean - matvec(j, predicted))
        keep_a, keep_b = solve(blur, one + j @ vb), solve(blur, one + j @ va)
        tie = solve(blur, j @ vb)
    return MvNormalMeanCovariance._of(
        concatenated(a.mean + matvec(va, pull), b.mean + sign * matvec(vb, pull)),
        symmetric_blocks(symmetrise(va @ keep_a), -sign * (va @ tie), symmetrise(vb @ keep_b)),
    )


def observed_joint(m_out: Gaussian | PointMass, m_mean: Gaussian | PointMass, noise: Array) -> Factorized:
    """The belief about out and mean of a Gaussian factor where one of them, or both, are known.

    Args:
        m_out: message of out.
        m_mean: message of mean.
        noise: the factor's variance or covariance, for numbers or vectors as the messages are.

    Example:
        >>> observed_joint(PointMass(1.0), NormalMeanVariance(0.0, 1.0), 1.0).factors["mean"].mean
        0.5
    """
    out: Distribution = m_out
    mean: Distribution = m_mean
    if isinstance(m_out, PointMass):
        if not isinstance(m_mean, PointMass):
            mean = product(m_mean, widened(m_out, noise))
    else:
        out = product(m_out, widened(m_mean, noise))
    return Factorized({"out": out, "mean": mean})
