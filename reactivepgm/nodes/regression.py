"""The factors of a noisy inner product: SoftDot, Autoregressive and ConjugateAR.

SoftDot          y ~ N(theta'x, 1/gamma)                                numbers y; theta and x both numbers or both vectors
Autoregressive   a number y: the same; a vector y = (y1, ..., yp), the state of a process of order p:
                 y1 ~ N(theta'x, 1/gamma) and (y2, ..., yp) = (x1, ..., x(p-1))
ConjugateAR      Autoregressive with w = [theta, gamma] on one edge
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from reactivepgm.distributions import MvNormalMeanCovariance, NormalMeanPrecision, PointMass
from reactivepgm.errors import ParametrisationError
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.nodes.sampling import filled
from reactivepgm.numerics.array import Array


@dataclass(frozen=True)
class ARMeta:
    """What kind of process an autoregressive factor describes.

    Args:
        order: how many past values count; 1 for a univariate process.
        variate: "univariate" (y and x are numbers) or "multivariate" (they are states: vectors of the last values).
        safe: accepted as others have it; nothing here is regularised, so it changes nothing.

    Raises:
        ParametrisationError: another variate, an order below one, or a univariate process of another order than one.

    Example:
        >>> ARMeta(order=2, variate="multivariate")
        MultivariateARMeta(order=2, variate='multivariate', safe=True)
    """

    order: int = 1
    variate: Literal["univariate", "multivariate"] = "univariate"
    safe: bool = True

    def __new__(cls, order: int = 1, variate: str = "univariate", safe: bool = True) -> "ARMeta":
        """The kind of meta that the variate asks for, so that rules can be chosen by it."""
        kinds: dict[str, type[ARMeta]] = {"univariate": UnivariateARMeta, "multivariate": MultivariateARMeta}
        if variate not in kinds:
            raise ParametrisationError(f"ARMeta: variate is 'univariate' or 'multivariate', not {variate!r}")
        if order < 1 or (variate == "univariate" and order != 1):
            raise ParametrisationError(
                f"ARMeta: a {variate} process cannot have order {order}; states of order p > 1 are variate='multivariate'"
            )
        return object.__new__(kinds[variate])


class UnivariateARMeta(ARMeta):
    """Numbers: y ~ N(theta x, 1/gamma)."""


class MultivariateARMeta(ARMeta):
    """States: vectors of the last ``order`` values."""


def inner_product(x: Array, theta: Array) -> Array:
    """theta'x of two vectors, or of two numbers.

    Example:
        >>> inner_product([1.0, 2.0], [3.0, 4.0]), inner_product(2.0, 3.0)
        (11.0, 6.0)
    """
    product = np.multiply(x, theta)
    return float(product.sum()) if np.ndim(x) else float(product)


def soft_dot(theta: Array, x: Array, gamma: Array) -> NormalMeanPrecision:
    """The distribution of y ~ N(theta'x, 1/gamma).

    Example:
        >>> soft_dot([1.0, 2.0], [3.0, 4.0], 2.0)
        NormalMeanPrecision(mean=11.0, precision=2.0)
    """
    return NormalMeanPrecision(inner_product(x, theta), gamma)


def next_state(x: Array, theta: Array, gamma: Array) -> NormalMeanPrecision | MvNormalMeanCovariance:
    """The distribution of the next value, or of the next state, whose last components are copies.

    Example:
        >>> next_state([1.0, 2.0], [0.5, 0.25], 4.0).covariance.tolist()
        [[0.25, 0.0], [0.0, 0.0]]
    """
    if not np.ndim(x):
        return soft_dot(theta, x, gamma)
    x = np.asarray(x, dtype=float)
    covariance = np.zeros((len(x), len(x)))
    covariance[0, 0] = 1.0 / gamma
    return MvNormalMeanCovariance(np.concatenate([[inner_product(x, theta)], x[:-1]]), covariance)


def _log_density(y: Array, x: Array, theta: Array, gamma: Array) -> Array:
    if np.ndim(y) and not np.array_equal(np.asarray(y)[1:], np.asarray(x)[:-1]):
        return -np.inf
    return soft_dot(theta, x, gamma).log_pdf(y[0] if np.ndim(y) else y)


def _conjugate_log_density(y: Array, x: Array, w: Array) -> Array:
    return _log_density(y, x, *_split(np.asarray(w), np.ndim(x)))


def _split(w: Array, rank: int) -> tuple[Array, Array]:
    return (w[..., :-1] if rank else w[..., 0]), w[..., -1]


def _soft_dots(rng: np.random.Generator, batch: tuple[int, ...], theta: PointMass, x: PointMass, gamma: PointMass) -> Array:
    return _draw(rng, batch, x, theta.value, gamma.value)[0]


def _draw(
    rng: np.random.Generator, batch: tuple[int, ...], x: PointMass, theta: Array, gamma: Array
) -> tuple[Array, Array]:
    values = filled(x, batch)
    mean = (values * theta).sum(axis=-1) if x.event_rank else values * theta
    return mean + rng.standard_normal(batch) / np.sqrt(gamma), values


def _states(rng: np.random.Generator, batch: tuple[int, ...], x: PointMass, theta: PointMass, gamma: PointMass) -> Array:
    return _shifted(x, *_draw(rng, batch, x, theta.value, gamma.value))


def _conjugate_states(rng: np.random.Generator, batch: tuple[int, ...], x: PointMass, w: PointMass) -> Array:
    return _shifted(x, *_draw(rng, batch, x, *_split(np.asarray(w.value), x.event_rank)))


def _shifted(x: PointMass, newest: Array, values: Array) -> Array:
    return np.concatenate([newest[..., None], values[..., :-1]], axis=-1) if x.event_rank else newest


def _conjugate_next_state(x: Array, w: Array) -> NormalMeanPrecision | MvNormalMeanCovariance:
    return next_state(x, *_split(np.asarray(w), np.ndim(x)))


_X = Interface("x")
_THETA = Interface("theta", ("θ",))
_GAMMA = Interface("gamma", ("γ",), event_rank=0, support="positive")

SOFT_DOT = register(
    Node("SoftDot", "stochastic", (Interface("y", ("out",), 0), _THETA, _X, _GAMMA), soft_dot, batch_sampler=_soft_dots),
    aliases=("softdot",),
)

AUTOREGRESSIVE = register(
    Node(
        "Autoregressive",
        "stochastic",
        (Interface("y", ("out",)), _X, _THETA, _GAMMA),
        next_state,
        log_density=_log_density,
        batch_sampler=_states,
    ),
    aliases=("AR",),
)

CONJUGATE_AR = register(
    Node(
        "ConjugateAR",
        "stochastic",
        (Interface("y", ("out",)), _X, Interface("w", event_rank=1)),
        _conjugate_next_state,
        log_density=_conjugate_log_density,
        batch_sampler=_conjugate_states,
    )
)
