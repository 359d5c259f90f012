"""Joint beliefs about two numbers that a Gaussian factor ties together, by arithmetic without matrices.

q(out, mean) ∝ m_out(out) m_mean(mean) N(out; mean, c)
both in moment form, t = v_out + v_mean + c:
    variances (v_mean + c) v_out / t and v_mean (v_out + c) / t, covariance v_mean v_out / t
one in moment form (say mean), the other in information form, s = v_mean + c, d = 1 / (1 + s j_out):
    variances d s and v_mean d (1 + j_out c), covariance d v_mean
both in information form: the precision [[w + j_out, -w], [-w, w + j_mean]], w = 1/c

These are the formulas of gaussian_joint for vectors of length one.
"""

from reactivepgm.distributions import (
    BivariateNormal,
    MvNormalWeightedMeanPrecision,
    NormalMeanVariance,
    UnivariateNormal,
)
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import divide, reciprocal

from .matrix_form import pair, symmetric

NumberJoint = BivariateNormal | MvNormalWeightedMeanPrecision


def joint_of_numbers(
    m_out: UnivariateNormal, m_mean: UnivariateNormal, *, variance: Array = None, precision: Array = None
) -> NumberJoint:
    """The belief about [out, mean] of a Gaussian factor, given its variance or its precision.

    Args:
        m_out: message of out, (*batch,).
        m_mean: message of mean, (*batch,).
        variance: (*batch,), zero unless both messages are in information form, or more.
        precision: (*batch,), instead of the variance.

    Example:
        >>> m = NormalMeanVariance(0.0, 2.0)
        >>> joint_of_numbers(m, m, variance=2.0).between
        0.6666666666666666
    """
    if isinstance(m_out, NormalMeanVariance):
        c = reciprocal(precision) if variance is None else variance
        if isinstance(m_mean, NormalMeanVariance):
            return _of_moments(m_out, m_mean, c)
        (copy_mean, copy_variance), between, (source_mean, source_variance) = _noisy_copy(m_out, m_mean, c)
        return BivariateNormal._of(source_mean, copy_mean, source_variance, between, copy_variance)
    if isinstance(m_mean, NormalMeanVariance):
        c = reciprocal(precision) if variance is None else variance
        (copy_mean, copy_variance), between, (source_mean, source_variance) = _noisy_copy(m_mean, m_out, c)
        return BivariateNormal._of(copy_mean, source_mean, copy_variance, between, source_variance)
    w = reciprocal(variance) if precision is None else precision
    return MvNormalWeightedMeanPrecision._of(
        pair(m_out.weighted_mean, m_mean.weighted_mean), symmetric(w + m_out.precision, -w, w + m_mean.precision)
    )


def _of_moments(m_out: NormalMeanVariance, m_mean: NormalMeanVariance, c: Array) -> BivariateNormal:
    v_out, v_mean = m_out.variance, m_mean.variance
    total = v_out + v_mean + c
    out_gain, mean_gain = divide(v_mean + c, total), divide(v_mean, total)
    innovation = m_out.mean - m_mean.mean
    return BivariateNormal._of(
        m_mean.mean + out_gain * innovation,
        m_mean.mean + mean_gain * innovation,
        out_gain * v_out,
        mean_gain * v_out,
        mean_gain * (v_out + c),
    )


def _noisy_copy(
    source: NormalMeanVariance, copy: UnivariateNormal, c: Array
) -> tuple[tuple[Array, Array], Array, tuple[Array, Array]]:
    """(mean, variance) of the copy, covariance, (mean, variance) of the source.

    The copy is the source plus noise of variance c, and its message is in information form.
    """
    m, v, eta, j = source.mean, source.variance, copy.weighted_mean, copy.precision
    s = v + c
    d = divide(1.0, 1.0 + s * j)
    between = d * v
    return (d * (m + s * eta), d * s), between, (m + between * (eta - j * m), between * (1.0 + j * c))
