"""The factors of positive variables: gamma, inverse gamma, Wishart, inverse Wishart."""

from reactivepgm.distributions import Gamma, GammaShapeRate, GammaShapeScale, InverseGamma, InverseWishart, Wishart
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register

_SHAPE = Interface("shape", ("α", "a", "alpha"), event_rank=0, support="positive")
_OUT = Interface("out", event_rank=0, support="positive")
_MATRIX = Interface("out", event_rank=2, support="positive_definite")
_SCALE_MATRIX = Interface("scale", ("S", "Ψ", "Psi"), event_rank=2, support="positive_definite")
_DF = Interface("df", ("ν", "nu"), event_rank=0, support="positive")

GAMMA_SHAPE_RATE = register(
    Node(
        "GammaShapeRate",
        "stochastic",
        (_OUT, _SHAPE, Interface("rate", ("β", "b", "beta"), event_rank=0, support="positive")),
        GammaShapeRate,
    )
)

GAMMA_SHAPE_SCALE = register(
    Node(
        "GammaShapeScale",
        "stochastic",
        (_OUT, _SHAPE, Interface("scale", ("θ", "theta"), event_rank=0, support="positive")),
        GammaShapeScale,
    )
)

GAMMA = register(
    Node("Gamma", "stochastic", (_OUT,), Gamma, parametrisations=(GAMMA_SHAPE_SCALE, GAMMA_SHAPE_RATE))
)
# By name alone, without keywords that choose, "Gamma" is the shape-scale form (Distributions.jl, Wikipedia).
register(GAMMA_SHAPE_SCALE, aliases=("Gamma",))

INVERSE_GAMMA = register(
    Node(
        "InverseGamma",
        "stochastic",
        (_OUT, _SHAPE, Interface("scale", ("θ", "theta"), event_rank=0, support="positive")),
        InverseGamma,
    ),
    aliases=("GammaInverse",),
)

WISHART = register(Node("Wishart", "stochastic", (_MATRIX, _DF, _SCALE_MATRIX), Wishart))

INVERSE_WISHART = register(Node("InverseWishart", "stochastic", (_MATRIX, _DF, _SCALE_MATRIX), InverseWishart))
