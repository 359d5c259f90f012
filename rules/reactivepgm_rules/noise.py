"""What a Gaussian factor knows of its own noise: effective variance and precision, and the energies built on them.

Under a marginal q of the variance v, a variational message sees exp E[log N(out; mean, v)], a Gaussian of precision
E[1/v]: the effective variance is 1 / E[1/v]. A known variance is itself, zero or singular included.
"""

import math
from collections.abc import Callable
from typing import Any

from reactivepgm.distributions import (
    BivariateNormal,
    Distribution,
    GammaFamily,
    InverseGamma,
    InverseWishart,
    LogDensity,
    MultivariateNormal,
    NormalMeanVariance,
    PointMass,
    UnivariateNormal,
    Wishart,
)
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import log
from reactivepgm.numerics.linear_algebra import inv_psd, outer, trace_product

from .matrix_form import as_matrix_point, nonzero

Variance = PointMass | InverseGamma | GammaFamily
Precision = PointMass | GammaFamily | InverseGamma
Covariance = PointMass | InverseWishart | Wishart
PrecisionMatrix = PointMass | Wishart | InverseWishart

LOG_2PI = math.log(2.0 * math.pi)
POSITIVE = (0.0, math.inf)


def effective_variance(q: Variance) -> Array:
    """1 / E[1/v], (*batch,).

    Example:
        >>> effective_variance(PointMass(2.0)), effective_variance(InverseGamma(3.0, 6.0))
        (2.0, 2.0)
    """
    return q.value if isinstance(q, PointMass) else 1.0 / q.mean_inverse


def effective_covariance(q: Covariance) -> Array:
    """inv E[inv Σ], (*batch, d, d); a known vector means the diagonal matrix.

    Example:
        >>> effective_covariance(PointMass([2.0, 3.0])).tolist()
        [[2.0, 0.0], [0.0, 3.0]]
    """
    return as_matrix_point(q).value if isinstance(q, PointMass) else inv_psd(q.mean_inverse)


def mean_precision_matrix(q: PrecisionMatrix) -> Array:
    """E[Λ], (*batch, d, d); a known vector means the diagonal matrix.

    Example:
        >>> mean_precision_matrix(PointMass([2.0, 3.0])).tolist()
        [[2.0, 0.0], [0.0, 3.0]]
    """
    return as_matrix_point(q).value if isinstance(q, PointMass) else q.mean


def square_gap(q_out: Distribution, q_mean: Distribution) -> Array:
    """E[(out - mean)²] of independent numbers, (*batch,).

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> square_gap(NormalMeanVariance(1.0, 2.0), PointMass(4.0))
        11.0
    """
    gap = q_out.mean - q_mean.mean
    return gap * gap + q_out.variance + q_mean.variance


def joint_square_gap(q_out_mean: MultivariateNormal) -> Array:
    """E[(out - mean)²] under a joint belief about the vector [out, mean], (*batch,).

    Example:
        >>> from reactivepgm.distributions import MvNormalMeanCovariance
        >>> float(joint_square_gap(MvNormalMeanCovariance([1.0, 0.0], [[2.0, 1.0], [1.0, 2.0]])))
        3.0
    """
    if isinstance(q_out_mean, BivariateNormal):
        return q_out_mean.square_gap
    mean, spread = q_out_mean.mean, q_out_mean.covariance
    gap = mean[..., 0] - mean[..., 1]
    return gap * gap + spread[..., 0, 0] + spread[..., 1, 1] - spread[..., 0, 1] - spread[..., 1, 0]


def scatter(q_out: Any, q_mean: Any) -> Array:
    """E[(out - mean)(out - mean)'] of independent vectors, (*batch, d, d).

    Example:
        >>> scatter(PointMass([1.0, 2.0]), PointMass([0.0, 0.0])).tolist()
        [[1.0, 2.0], [2.0, 4.0]]
    """
    gap = q_out.mean - q_mean.mean
    total = outer(gap)
    for q in (q_out, q_mean):
        if not isinstance(q, PointMass):
            total = total + q.covariance
    return total


def joint_scatter(q_out_mean: MultivariateNormal) -> Array:
    """E[(out - mean)(out - mean)'] under a joint belief about [out; mean], (*batch, d, d).

    Example:
        >>> from reactivepgm.distributions import MvNormalMeanCovariance
        >>> joint_scatter(MvNormalMeanCovariance([1.0, 0.0], [[2.0, 1.0], [1.0, 2.0]])).tolist()
        [[3.0]]
    """
    mean, spread = q_out_mean.mean, q_out_mean.covariance
    d = mean.shape[-1] // 2
    gap = mean[..., :d] - mean[..., d:]
    own = spread[..., :d, :d] + spread[..., d:, d:]
    return outer(gap) + own - (spread[..., :d, d:] + spread[..., d:, :d])


def energy(square: Array, mean_log_variance: Array, mean_precision: Array) -> Array:
    """(log 2π + E[log v] + E[1/v] E[(out - mean)²]) / 2, (*batch,).

    Example:
        >>> round(energy(1.0, 0.0, 1.0), 6)
        1.418939
    """
    return 0.5 * (LOG_2PI + mean_log_variance + mean_precision * square)


def matrix_energy(spread: Array, mean_log_det: Array, mean_precision: Array) -> Array:
    """(d log 2π + E[log det Σ] + tr(E[inv Σ] E[(out - mean)(out - mean)'])) / 2, (*batch,).

    Example:
        >>> import numpy as np
        >>> round(float(matrix_energy(np.eye(1), 0.0, np.eye(1))), 6)
        1.418939
    """
    return 0.5 * (spread.shape[-1] * LOG_2PI + mean_log_det + trace_product(mean_precision, spread))


def message_to_variance(gap: UnivariateNormal) -> LogDensity:
    """ν(v) = N(0; gap, v widened): what two Gaussian messages, their difference being ``gap``, say about the variance.

    A flat gap says nothing, and the message is constant.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> round(message_to_variance(NormalMeanVariance(1.0, 1.0)).log_pdf(1.0), 6)
        -1.515512
    """
    return LogDensity(_gap_density(gap), POSITIVE, gap.batch_shape)


def message_to_precision(gap: UnivariateNormal) -> LogDensity:
    """ν(τ) = N(0; gap, 1/τ widened).

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> round(message_to_precision(NormalMeanVariance(1.0, 1.0)).log_pdf(1.0), 6)
        -1.515512
    """
    density = _gap_density(gap)
    return LogDensity(lambda tau: density(1.0 / tau), POSITIVE, gap.batch_shape)


def _gap_density(gap: UnivariateNormal) -> Callable[[Array], Array]:
    if isinstance(gap, NormalMeanVariance):
        mean, variance = gap.mean, gap.variance
        return lambda v: -0.5 * (LOG_2PI + log(variance + v) + mean * mean / (variance + v))
    weighted, precision = gap.weighted_mean, gap.precision
    height = log(nonzero(precision)) - LOG_2PI
    square = weighted * weighted / nonzero(precision)
    return lambda v: 0.5 * (height - log(1.0 + precision * v) - square / (1.0 + precision * v))
