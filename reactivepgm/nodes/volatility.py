"""GCV(y | x, z, kappa, omega): a Gaussian whose log variance is kappa z + omega, and the meta that approximates it."""

from dataclasses import dataclass

import numpy as np

from reactivepgm.distributions import NormalMeanVariance, PointMass
from reactivepgm.errors import InvalidParameterError
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.nodes.sampling import filled
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import exp


@dataclass(frozen=True, slots=True)
class GaussHermiteCubature:
    """Moments by Gauss-Hermite quadrature under N(0, 1).

    Args:
        n: how many points.

    Raises:
        InvalidParameterError: n is no positive whole number.

    Example:
        >>> GaussHermiteCubature(20).n
        20
    """

    n: int = 20

    def __post_init__(self) -> None:
        if self.n != int(self.n) or self.n < 1:
            raise InvalidParameterError(f"GaussHermiteCubature: n must be a positive whole number, not {self.n!r}")


@dataclass(frozen=True, slots=True)
class GCVMeta:
    """How a GCV factor takes moments of a message that is no normal; without meta they are exact.

    Args:
        approximation: the quadrature.

    Example:
        >>> GCVMeta()
        GCVMeta(approximation=GaussHermiteCubature(n=20))
    """

    approximation: GaussHermiteCubature = GaussHermiteCubature(20)


def volatile(x: Array, z: Array, kappa: Array, omega: Array) -> NormalMeanVariance:
    """N(x, exp(kappa z + omega)).

    Example:
        >>> volatile(1.0, 0.0, 1.0, 0.0)
        NormalMeanVariance(mean=1.0, variance=1.0)
    """
    return NormalMeanVariance(x, exp(kappa * z + omega))


def _draws(rng: np.random.Generator, batch: tuple[int, ...], *inputs: PointMass) -> Array:
    return np.asarray(volatile(*(filled(point, batch) for point in inputs)).sample(rng))


GCV = register(
    Node(
        "GCV",
        "stochastic",
        (
            Interface("y", ("out",), event_rank=0),
            Interface("x", ("mean",), event_rank=0),
            Interface("z", event_rank=0),
            Interface("kappa", ("κ",), event_rank=0),
            Interface("omega", ("ω",), event_rank=0),
        ),
        volatile,
        batch_sampler=_draws,
    )
)
