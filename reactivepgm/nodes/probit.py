"""Probit(out | in): a truth value with probability Φ(in)."""

from dataclasses import dataclass

import numpy as np

from reactivepgm.distributions import Bernoulli, PointMass
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.nodes.sampling import filled
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.special import normal_cdf


@dataclass(frozen=True, slots=True)
class ProbitMeta:
    """How a probit factor takes expectations of log Φ.

    Args:
        p: points of Gauss-Hermite quadrature.

    Example:
        >>> ProbitMeta()
        ProbitMeta(p=32)
    """

    p: int = 32


def probit(in_: Array) -> Bernoulli:
    """Bernoulli(Φ(in)).

    Example:
        >>> probit(0.0)
        Bernoulli(p=0.5)
    """
    return Bernoulli(normal_cdf(in_))


def _draws(rng: np.random.Generator, batch: tuple[int, ...], in_: PointMass) -> Array:
    return np.asarray(probit(filled(in_, batch)).sample(rng))


Probit = register(
    Node(
        "Probit",
        "stochastic",
        (Interface("out", event_rank=0, support="unit"), Interface("in", event_rank=0)),
        probit,
        batch_sampler=_draws,
    )
)
