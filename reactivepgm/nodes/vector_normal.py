"""Further Gaussian factors of vectors: by weighted mean, with one precision for all components, with a scaled matrix."""

import numpy as np

from reactivepgm.distributions import (
    MvNormalMeanPrecision,
    MvNormalMeanScalePrecision,
    MvNormalWeightedMeanPrecision,
    PointMass,
)
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.numerics.array import Array

_OUT = Interface("out", event_rank=1)
_MEAN = Interface("mean", ("m", "mu", "μ"), event_rank=1)

MV_NORMAL_WEIGHTED_MEAN_PRECISION = register(
    Node(
        "MvNormalWeightedMeanPrecision",
        "stochastic",
        (
            _OUT,
            Interface("xi", ("ξ", "weighted_mean", "weightedmean"), event_rank=1),
            Interface("precision", ("Λ", "Lambda", "invcov", "W"), event_rank=2, support="positive_definite"),
        ),
        MvNormalWeightedMeanPrecision,
    ),
    aliases=("MvGaussianWeightedMeanPrecision",),
)

MV_NORMAL_MEAN_SCALE_PRECISION = register(
    Node(
        "MvNormalMeanScalePrecision",
        "stochastic",
        (_OUT, _MEAN, Interface("precision", ("γ", "gamma", "scale"), event_rank=0, support="positive")),
        MvNormalMeanScalePrecision,
    ),
    aliases=("MvGaussianMeanScalePrecision",),
)


def scaled_matrix_normal(mean: Array, scale: Array, matrix: Array) -> MvNormalMeanPrecision:
    """The normal with precision ``scale * matrix``.

    Args:
        mean: (*batch, d).
        scale: (*batch,), positive.
        matrix: (*batch, d, d), positive definite.

    Example:
        >>> scaled_matrix_normal([0.0], 2.0, [[3.0]]).precision.tolist()
        [[6.0]]
    """
    return MvNormalMeanPrecision(mean, np.asarray(scale)[..., None, None] * np.asarray(matrix))


def _draws(rng: np.random.Generator, batch: tuple[int, ...], mean: PointMass, scale: PointMass, matrix: PointMass) -> Array:
    belief = scaled_matrix_normal(mean.value, scale.value, matrix.value)
    return belief.broadcast_to(batch).sample(rng)


MV_NORMAL_MEAN_SCALE_MATRIX_PRECISION = register(
    Node(
        "MvNormalMeanScaleMatrixPrecision",
        "stochastic",
        (
            _OUT,
            _MEAN,
            Interface("scale", ("γ", "gamma"), event_rank=0, support="positive"),
            Interface("matrix", ("G",), event_rank=2, support="positive_definite"),
        ),
        scaled_matrix_normal,
        batch_sampler=_draws,
    ),
    aliases=("MvGaussianMeanScaleMatrixPrecision",),
)
