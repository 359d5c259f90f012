"""MvNormalWishart(out | mean, scale, lambda, df): message, energy; out = [x'; W].

Factor        log f = log Wishart(W; ν, S) + (d log(λ/2π) + log|W| - λ (x - μ)'W(x - μ))/2,  the parameters known
Energy        -E[log f], with E[(x - μ)'W(x - μ)] = (m - μ)'E[W](m - μ) + d/l
              under q(x, W) = MvNormalWishart(m, ., l, .), as Cov[x | W] = inv(l W)
"""

from reactivepgm.distributions import MvNormalWishart, PointMass
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import log
from reactivepgm.numerics.linear_algebra import quad_form
from reactivepgm.rulebook import average_energy, rule

from .noise import LOG_2PI


@rule(MvNormalWishart, to="out")
def _(q_mean: PointMass, q_scale: PointMass, q_lambda: PointMass, q_df: PointMass) -> MvNormalWishart:
    """Known parameters are the message."""
    return MvNormalWishart(q_mean.value, q_scale.value, q_lambda.value, q_df.value)


@average_energy(MvNormalWishart)
def _(q_out: MvNormalWishart, q_mean: PointMass, q_scale: PointMass, q_lambda: PointMass, q_df: PointMass) -> Array:
    """The energy of the Wishart and that of a normal whose precision it is."""
    w, d, relative = q_out.noise_precision, q_out.mean.shape[-1], q_lambda.value
    square = quad_form(w.mean, q_out.mean - q_mean.value) + d / q_out.lambda_
    normal = 0.5 * (d * (LOG_2PI - log(relative)) - w.mean_log_det + relative * square)
    return normal + average_energy("Wishart", q_out=w, q_df=q_df, q_scale=q_scale)
