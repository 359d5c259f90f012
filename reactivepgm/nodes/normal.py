"""The Gaussian factors: NormalMeanVariance, NormalMeanPrecision and their multivariate kin."""

from reactivepgm.distributions import (
    MvNormal,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
)
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register

_MEAN = ("m", "mu", "μ")
_PRECISION = ("prec", "w", "tau", "τ", "gamma", "γ", "invcov")

NORMAL_MEAN_VARIANCE = register(
    Node(
        "NormalMeanVariance",
        "stochastic",
        (
            Interface("out", event_rank=0),
            Interface("mean", _MEAN, event_rank=0),
            Interface("variance", ("var", "v", "σ²", "sigma2"), event_rank=0, support="nonnegative"),
        ),
        NormalMeanVariance,
    ),
    aliases=("GaussianMeanVariance",),
)

NORMAL_MEAN_PRECISION = register(
    Node(
        "NormalMeanPrecision",
        "stochastic",
        (
            Interface("out", event_rank=0),
            Interface("mean", _MEAN, event_rank=0),
            Interface("precision", _PRECISION, event_rank=0, support="positive"),
        ),
        NormalMeanPrecision,
    ),
    aliases=("GaussianMeanPrecision",),
)

NORMAL_WEIGHTED_MEAN_PRECISION = register(
    Node(
        "NormalWeightedMeanPrecision",
        "stochastic",
        (
            Interface("out", event_rank=0),
            Interface("xi", ("ξ", "weighted_mean", "weightedmean"), event_rank=0),
            Interface("precision", _PRECISION, event_rank=0, support="positive"),
        ),
        NormalWeightedMeanPrecision,
    ),
    aliases=("GaussianWeightedMeanPrecision",),
)

MV_NORMAL_MEAN_COVARIANCE = register(
    Node(
        "MvNormalMeanCovariance",
        "stochastic",
        (
            Interface("out", event_rank=1),
            Interface("mean", _MEAN, event_rank=1),
            # A singular covariance is a legitimate constant: part of a state may move without noise.
            Interface("covariance", ("cov", "Σ", "Sigma", "V"), event_rank=2, support="positive_semidefinite"),
        ),
        MvNormalMeanCovariance,
    ),
    aliases=("MvGaussianMeanCovariance",),
)

MV_NORMAL_MEAN_PRECISION = register(
    Node(
        "MvNormalMeanPrecision",
        "stochastic",
        (
            Interface("out", event_rank=1),
            Interface("mean", _MEAN, event_rank=1),
            Interface(
                "precision",
                ("prec", "invcov", "Λ", "Lambda", "W", "w", "P"),
                event_rank=2,
                support="positive_definite",
            ),
        ),
        MvNormalMeanPrecision,
    ),
    aliases=("MvGaussianMeanPrecision",),
)

NORMAL = register(
    Node(
        "Normal",
        "stochastic",
        (Interface("out", event_rank=0),),
        Normal,
        parametrisations=(NORMAL_MEAN_VARIANCE, NORMAL_MEAN_PRECISION),
    )
)

MV_NORMAL = register(
    Node(
        "MvNormal",
        "stochastic",
        (Interface("out", event_rank=1),),
        MvNormal,
        parametrisations=(MV_NORMAL_MEAN_COVARIANCE, MV_NORMAL_MEAN_PRECISION),
    )
)
