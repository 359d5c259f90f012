"""Factors that choose: Mixture(out | switch, inputs) hands one input on, GammaMixture(out | switch, a, b) draws from one."""

from typing import Any

import numpy as np

from reactivepgm.distributions import GammaShapeRate, PointMass
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.nodes.sampling import categories, filled, rows_index
from reactivepgm.numerics.array import Array


def _number(switch: Any) -> int:
    return int(np.argmax(switch)) if np.ndim(switch) else int(switch)


def chosen_input(switch: Any, inputs: Any) -> Any:
    """The input that the switch chooses.

    Args:
        switch: its index, or a one-hot vector.
        inputs: the inputs.

    Example:
        >>> chosen_input(1, (3.0, 4.0))
        4.0
    """
    return inputs[_number(switch)]


def chosen_gamma(switch: Any, a: Any, b: Any) -> GammaShapeRate:
    """The Gamma that the switch chooses.

    Args:
        switch: the component's index, or its one-hot vector.
        a: shapes, one a component.
        b: rates, one a component.

    Example:
        >>> chosen_gamma([0, 1], (1.0, 4.0), (1.0, 2.0))
        GammaShapeRate(shape=4.0, rate=2.0)
    """
    k = _number(switch)
    return GammaShapeRate(a[k], b[k])


def _chosen(switch: PointMass, parts: tuple[PointMass, ...], batch: tuple[int, ...], node: str) -> Array:
    index = (*rows_index(batch), np.broadcast_to(categories(switch, len(parts), f"switch of {node}"), batch))
    return np.stack([filled(part, batch) for part in parts], axis=len(batch))[index]


def _inputs(rng: np.random.Generator, batch: tuple[int, ...], switch: PointMass, inputs: tuple[PointMass, ...]) -> Array:
    return _chosen(switch, inputs, batch, "Mixture")


def _gammas(
    rng: np.random.Generator, batch: tuple[int, ...], switch: PointMass, a: tuple[PointMass, ...], b: tuple[PointMass, ...]
) -> Array:
    shape, rate = (_chosen(switch, parts, batch, "GammaMixture") for parts in (a, b))
    return np.asarray(GammaShapeRate(shape, rate).sample(rng))


Mixture = register(
    Node(
        "Mixture",
        "deterministic",
        (Interface("out"), Interface("switch"), Interface("inputs", plural=True)),
        chosen_input,
        batch_sampler=_inputs,
    )
)

GammaMixture = register(
    Node(
        "GammaMixture",
        "stochastic",
        (
            Interface("out", event_rank=0, support="positive"),
            Interface("switch", ("z",)),
            Interface("a", ("shape", "shapes", "α"), event_rank=0, plural=True, support="positive"),
            Interface("b", ("rate", "rates", "β"), event_rank=0, plural=True, support="positive"),
        ),
        chosen_gamma,
        batch_sampler=_gammas,
    )
)
