"""Counts with logistic probabilities: BinomialPolya(y | x, n, beta) and MultinomialPolya(x | N, psi), and their metas."""

from dataclasses import dataclass

import numpy as np

from reactivepgm.distributions import Binomial, Multinomial
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.special import sigmoid


@dataclass(frozen=True, slots=True)
class BinomialPolyaMeta:
    """Expectations over beta by quadrature, as in all models; a rule that is called without it takes beta at its mean.

    Args:
        points: points of Gauss-Hermite quadrature.

    Example:
        >>> BinomialPolyaMeta()
        BinomialPolyaMeta(points=32)
    """

    points: int = 32


@dataclass(frozen=True, slots=True)
class MultinomialPolyaMeta:
    """How a multinomial factor takes expectations over psi.

    Args:
        points: points of Gauss-Hermite quadrature.

    Example:
        >>> MultinomialPolyaMeta()
        MultinomialPolyaMeta(points=21)
    """

    points: int = 21


def logistic_binomial(x: Array, n: Array, beta: Array) -> Binomial:
    """Binomial(n, σ(x · beta)).

    Example:
        >>> logistic_binomial([1.0, 2.0], 3, [0.0, 0.0])
        Binomial(n=3.0, p=0.5)
    """
    return Binomial(n, sigmoid(float(np.dot(x, beta))))


def stick_breaking(psi: Array) -> Array:
    """Probabilities p_k = σ(psi_k) prod_{j<k} σ(-psi_j), the last one the rest: (*batch, K-1) to (*batch, K).

    Example:
        >>> stick_breaking(np.array([0.0, 0.0])).tolist()
        [0.5, 0.25, 0.25]
    """
    one = np.ones_like(psi[..., :1])
    taken = np.concatenate([sigmoid(psi), one], axis=-1)
    return taken * np.cumprod(np.concatenate([one, sigmoid(-psi)], axis=-1), axis=-1)


def logistic_multinomial(N: Array, psi: Array) -> Multinomial:
    """Multinomial(N, stick_breaking(psi)).

    Example:
        >>> logistic_multinomial(3, [0.0])
        Multinomial(n=3.0, p=[0.5, 0.5])
    """
    return Multinomial(N, stick_breaking(np.atleast_1d(np.asarray(psi, dtype=float))))


BinomialPolya = register(
    Node(
        "BinomialPolya",
        "stochastic",
        (
            Interface("y", ("out",), event_rank=0, support="nonnegative"),
            Interface("x"),
            Interface("n", event_rank=0, support="nonnegative"),
            Interface("beta", ("β",)),
        ),
        logistic_binomial,
        meta=BinomialPolyaMeta(),
    )
)

MultinomialPolya = register(
    Node(
        "MultinomialPolya",
        "stochastic",
        (
            Interface("x", ("out",), event_rank=1, support="nonnegative"),
            Interface("N", ("n",), event_rank=0, support="nonnegative"),
            Interface("psi", ("ψ",)),
        ),
        logistic_multinomial,
    )
)
