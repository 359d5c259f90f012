"""MvNormalGamma(out | mean, precision, shape, rate): messages, energy; out = [x, g].

Factor        log f = a log b - log Γ(a) + (log|Λ| - d log 2π)/2 + (a - 1 + d/2) log g - g (b + (x - μ)'Λ(x - μ)/2)
Variational   ν(out) = MvNormalGamma(E[μ], E[Λ], E[a], E[b] + tr(E[Λ] Cov[μ])/2)
Energy        -E[log f], with E[g (x - μ)'Λ(x - μ)] = tr(E[Λ] (E[g] ((m - E[μ])(m - E[μ])' + Cov[μ]) + inv(L)))
              under q(x, g) = MvNormalGamma(m, L, ., .), as Cov[x | g] = inv(g L)
"""

from reactivepgm.distributions import Distribution, GammaFamily, MvNormalGamma, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import inv_psd, outer, trace_product
from reactivepgm.rulebook import average_energy, rule

from .expectations import mean_log_gamma, weigh
from .matrix_form import as_matrix_point, scaling
from .noise import LOG_2PI, PrecisionMatrix, mean_precision_matrix
from .regression import moments


@rule(MvNormalGamma, to="out")
def _(q_mean: Distribution, q_precision: PrecisionMatrix, q_shape: Distribution, q_rate: Distribution) -> MvNormalGamma:
    """What is uncertain about the mean adds to the rate."""
    precision = mean_precision_matrix(q_precision)
    mean, spread = moments(q_mean)
    return MvNormalGamma(mean, precision, q_shape.mean, q_rate.mean + 0.5 * trace_product(precision, spread))


@average_energy(MvNormalGamma)
def _(
    q_out: MvNormalGamma,
    q_mean: Distribution,
    q_precision: PrecisionMatrix,
    q_shape: GammaFamily | PointMass,
    q_rate: GammaFamily | PointMass,
) -> Array:
    """The joint belief about x and g makes the quadratic term exact."""
    lam = as_matrix_point(q_precision) if isinstance(q_precision, PointMass) else q_precision
    g, d, shape = q_out.noise_precision, q_out.event_shape[0] - 1, q_shape.mean
    mean, spread = moments(q_mean)
    square = trace_product(lam.mean, scaling(g.mean) * (outer(q_out.mean - mean) + spread) + inv_psd(q_out.precision))
    normaliser = mean_log_gamma(q_shape) - weigh(shape, q_rate.mean_log) + 0.5 * (d * LOG_2PI - lam.mean_log_det)
    return normaliser - (shape - 1.0 + 0.5 * d) * g.mean_log + q_rate.mean * g.mean + 0.5 * square
