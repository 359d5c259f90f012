"""The factor of a number that is normal around zero but cannot be negative."""

from reactivepgm.distributions import HalfNormal
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register

HALF_NORMAL = register(
    Node(
        "HalfNormal",
        "stochastic",
        (
            Interface("out", event_rank=0, support="nonnegative"),
            Interface("variance", ("v", "var", "σ²", "sigma2"), event_rank=0, support="positive"),
        ),
        HalfNormal,
    )
)
