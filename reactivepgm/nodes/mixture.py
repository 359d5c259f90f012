"""NormalMixture(out | switch, m, p): a switch chooses the component that out is drawn from."""

from typing import Any

import numpy as np

from reactivepgm.distributions import MvNormalMeanPrecision, NormalMeanPrecision, PointMass
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.nodes.sampling import categories, filled, rows_index
from reactivepgm.numerics.array import Array


def chosen_component(switch: Any, m: Any, p: Any) -> NormalMeanPrecision | MvNormalMeanPrecision:
    """The component that the switch chooses.

    Args:
        switch: the component's index, or its one-hot vector.
        m: means, one a component.
        p: precisions, one a component.

    Example:
        >>> float(chosen_component(1, (-1.0, 1.0), (1.0, 4.0)).mean)
        1.0
    """
    k = int(np.argmax(switch)) if np.ndim(switch) else int(switch)
    if np.ndim(m[k]):
        return MvNormalMeanPrecision(m[k], p[k])
    return NormalMeanPrecision(m[k], p[k])


def _chosen_draws(
    rng: np.random.Generator, batch: tuple[int, ...], switch: PointMass, m: tuple[PointMass, ...], p: tuple[PointMass, ...]
) -> Array:
    index = (*rows_index(batch), np.broadcast_to(categories(switch, len(m), "switch of NormalMixture"), batch))
    mean, precision = (np.stack([filled(part, batch) for part in parts], axis=len(batch))[index] for parts in (m, p))
    family = MvNormalMeanPrecision if m[0].event_rank else NormalMeanPrecision
    return np.asarray(family(mean, precision).sample(rng))


NORMAL_MIXTURE = register(
    Node(
        "NormalMixture",
        "stochastic",
        (
            Interface("out"),
            Interface("switch", ("z",)),
            Interface("m", ("means", "mean", "μ"), plural=True),
            Interface("p", ("precisions", "precision", "w", "Λ"), plural=True),
        ),
        chosen_component,
        batch_sampler=_chosen_draws,
    ),
    aliases=("GaussianMixture",),
)
