"""The factors of matrices and of pairs: matrix normal, and the conjugate priors of a location with its precision."""

from reactivepgm.distributions import MatrixNormal, MatrixNormalWishart, MvNormalGamma, MvNormalWishart
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register

_MATRIX_MEAN = Interface("mean", ("M",), event_rank=2)
_ROWCOV = Interface("rowcov", ("U",), event_rank=2, support="positive_definite")
_VECTOR_MEAN = Interface("mean", ("μ", "mu", "m"), event_rank=1)
_DF = Interface("df", ("ν", "nu", "dof"), event_rank=0, support="positive")

MATRIX_NORMAL = register(
    Node(
        "MatrixNormal",
        "stochastic",
        (
            Interface("out", event_rank=2),
            _MATRIX_MEAN,
            _ROWCOV,
            Interface("colcov", ("V",), event_rank=2, support="positive_definite"),
        ),
        MatrixNormal,
    ),
    aliases=("MatrixGaussian",),
)

MATRIX_NORMAL_WISHART = register(
    Node(
        "MatrixNormalWishart",
        "stochastic",
        (
            Interface("out", event_rank=2),
            _MATRIX_MEAN,
            _ROWCOV,
            Interface("scale", ("V",), event_rank=2, support="positive_definite"),
            _DF,
        ),
        MatrixNormalWishart,
    )
)

MV_NORMAL_WISHART = register(
    Node(
        "MvNormalWishart",
        "stochastic",
        (
            Interface("out", event_rank=2),
            _VECTOR_MEAN,
            Interface("scale", ("W", "S"), event_rank=2, support="positive_definite"),
            Interface("lambda", ("λ", "lambda_"), event_rank=0, support="positive"),
            _DF,
        ),
        MvNormalWishart,
    )
)

MV_NORMAL_GAMMA = register(
    Node(
        "MvNormalGamma",
        "stochastic",
        (
            Interface("out", event_rank=1),
            _VECTOR_MEAN,
            Interface("precision", ("Λ", "Lambda"), event_rank=2, support="positive_definite"),
            Interface("shape", ("α", "alpha", "a"), event_rank=0, support="positive"),
            Interface("rate", ("β", "beta", "b"), event_rank=0, support="positive"),
        ),
        MvNormalGamma,
    )
)
