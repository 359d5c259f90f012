"""Rules whose inputs are lists of samples: called with every sample as a point, the results averaged.

log of a variational message   E_q log f = sum_i w_i log f(x_i)       so its natural parameters are weighted sums
average energy                 E_q U     = sum_i w_i U(x_i)

Both are exact for the samples. Messages that integrate over other messages are no such averages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from reactivepgm.approximations import WeightedSamples
from reactivepgm.distributions import Distribution, PointMass, ProductOfDensities
from reactivepgm.errors import ConstraintError
from reactivepgm.numerics.array import Array

Inputs = Mapping[str, Distribution]


def has_samples(inputs: Inputs) -> bool:
    """Whether an input is a list of samples.

    Example:
        >>> has_samples({"q_mean": WeightedSamples([0.0, 1.0], [0.5, 0.5])})
        True
    """
    return any(isinstance(value, WeightedSamples) for value in inputs.values())


def average_message(call: Callable[[Inputs], Distribution], inputs: Inputs) -> Distribution | None:
    """The variational message from lists of samples; None where it is no average.

    Args:
        call: the rule, from inputs to the message.
        inputs: by the names in the rule's signature, batch shapes that broadcast.
    """
    if any(name.startswith("m_") and not isinstance(value, PointMass) for name, value in inputs.items()):
        return None
    name, points, weights = _first(inputs)
    rest = {**inputs, name: points}
    message = average_message(call, rest) if has_samples(rest) else call(rest)
    if message is None or message.group is None or isinstance(message, ProductOfDensities):
        return None
    batch = np.broadcast_shapes(message.batch_shape, weights.shape)
    whole = message.broadcast_to(batch)
    naturals = []
    for value in whole.naturals():
        event = np.ndim(value) - len(batch)
        factors = np.broadcast_to(weights, batch).reshape(*batch, *(1,) * event)
        naturals.append((factors * value).sum(axis=0))
    return message.group.from_naturals(*naturals)


def average_number(call: Callable[[Inputs], Array], inputs: Inputs) -> Array:
    """The average of a number, such as an energy, over lists of samples."""
    name, points, weights = _first(inputs)
    rest = {**inputs, name: points}
    values = average_number(call, rest) if has_samples(rest) else call(rest)
    return (weights * values).sum(axis=0)


def _first(inputs: Inputs) -> tuple[str, PointMass, Array]:
    """The first list of samples: its name, its points with the samples as a new first axis, and their weights."""
    name, samples = next((n, value) for n, value in inputs.items() if isinstance(value, WeightedSamples))
    if sum(isinstance(value, WeightedSamples) for value in inputs.values()) > 1:
        raise ConstraintError(
            f"two inputs of one factor are lists of samples, {', '.join(inputs)}\n"
            "  write  Composite(SampleList(n), ProjectedTo(Normal)) for one of them"
        )
    whole = samples.broadcast_to(samples.batch_shape)
    axis = len(samples.batch_shape)
    points = PointMass(np.moveaxis(whole.points, axis, 0), event_rank=len(samples.event_shape))
    return name, points, np.moveaxis(np.asarray(whole.weights), axis, 0)
