"""Messages that say next to nothing, in the family that an interface calls for."""

from __future__ import annotations

import numpy as np

from reactivepgm.distributions import (
    Beta,
    Categorical,
    Dirichlet,
    DirichletCollection,
    Distribution,
    GammaFamily,
    GammaShapeRate,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    Wishart,
)
from reactivepgm.errors import ModelError
from reactivepgm.plan import Origin

HUGE = 1e12


def vague_message(origin: Origin, dims: tuple[int, ...]) -> Distribution:
    """The vague member of the family that fits an interface and these dimensions.

    Args:
        origin: the factors and their interface.
        dims: () for a scalar, (d,) for a vector or d categories, more for matrices and arrays.

    Raises:
        ModelError: the interface needs other dimensions.
    """
    node = origin.family.node
    interface = node.interface(origin.interface)
    support, rank = interface.support, interface.event_rank
    is_output = interface is node.interfaces[0]
    kind = node.target if isinstance(node.target, type) and is_output else object
    discrete = is_output and node.name in ("Bernoulli", "Categorical")
    if node.name == "Bernoulli" and is_output:
        return Categorical(np.full(2, 0.5))
    if discrete or (node.name == "DiscreteTransition" and support is None):
        return Categorical(np.full(_one(origin, dims), 1.0 / _one(origin, dims)))
    if support == "positive_definite":
        d = dims[0] if dims else 1
        return Wishart(float(d), np.eye(d) * HUGE)
    if support == "simplex":
        return Dirichlet(np.ones(_one(origin, dims)))
    if support == "stochastic_columns":
        return DirichletCollection(np.ones(dims))
    if support == "unit":
        return Beta(1.0, 1.0)
    if support in ("positive", "nonnegative") or issubclass(kind, GammaFamily):
        return GammaShapeRate(1.0, 1.0 / HUGE)
    if dims or rank == 1:
        d = _one(origin, dims)
        return MvNormalMeanCovariance(np.zeros(d), np.eye(d) * HUGE)
    return NormalMeanVariance(0.0, HUGE)


def _one(origin: Origin, dims: tuple[int, ...]) -> int:
    if len(dims) != 1:
        raise ModelError(
            origin.family.site.letter(
                f"the vague message of {origin.name} needs one dimension, not {dims}", write="InitVaguePipelineStage(d)"
            )
        )
    return dims[0]
