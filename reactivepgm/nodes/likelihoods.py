"""Further likelihoods: counts, waiting times, heavy tails, positive numbers and angles."""

from reactivepgm.distributions import (
    Binomial,
    Exponential,
    Laplace,
    LogNormal,
    Multinomial,
    NegativeBinomial,
    StudentT,
    VonMises,
)
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register

_NUMBER = Interface("out", event_rank=0)
_COUNT = Interface("out", event_rank=0, support="nonnegative")
_POSITIVE = Interface("out", event_rank=0, support="positive")
_CHANCE = Interface("p", ("θ", "theta"), event_rank=0, support="unit")
_SCALE = Interface("scale", ("b", "s"), event_rank=0, support="positive")

BINOMIAL = register(
    Node("Binomial", "stochastic", (_COUNT, Interface("n", event_rank=0, support="nonnegative"), _CHANCE), Binomial)
)

MULTINOMIAL = register(
    Node(
        "Multinomial",
        "stochastic",
        (
            Interface("out", event_rank=1, support="nonnegative"),
            Interface("n", event_rank=0, support="nonnegative"),
            Interface("p", event_rank=1, support="simplex"),
        ),
        Multinomial,
    )
)

NEGATIVE_BINOMIAL = register(
    Node(
        "NegativeBinomial",
        "stochastic",
        (_COUNT, Interface("r", event_rank=0, support="positive"), _CHANCE),
        NegativeBinomial,
    )
)

EXPONENTIAL = register(
    Node(
        "Exponential",
        "stochastic",
        (
            Interface("out", event_rank=0, support="nonnegative"),
            Interface("rate", ("λ", "lambda_", "l"), event_rank=0, support="positive"),
        ),
        Exponential,
    )
)

LOG_NORMAL = register(
    Node(
        "LogNormal",
        "stochastic",
        (
            _POSITIVE,
            Interface("log_mean", ("mean", "m", "mu", "μ"), event_rank=0),
            Interface("log_variance", ("variance", "var", "v", "σ²", "sigma2"), event_rank=0, support="nonnegative"),
        ),
        LogNormal,
    )
)

LAPLACE = register(
    Node("Laplace", "stochastic", (_NUMBER, Interface("mean", ("m", "mu", "μ"), event_rank=0), _SCALE), Laplace)
)

STUDENT_T = register(
    Node(
        "StudentT",
        "stochastic",
        (
            _NUMBER,
            Interface("location", ("mean", "m", "mu", "μ"), event_rank=0),
            _SCALE,
            Interface("df", ("ν", "nu"), event_rank=0, support="positive"),
        ),
        StudentT,
    )
)

VON_MISES = register(
    Node(
        "VonMises",
        "stochastic",
        (
            _NUMBER,
            Interface("mean", ("m", "mu", "μ"), event_rank=0),
            Interface("concentration", ("κ", "kappa"), event_rank=0, support="nonnegative"),
        ),
        VonMises,
    )
)
