"""Beliefs that are set by hand, checked against what they are about before anything is computed with them."""

from __future__ import annotations

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError
from reactivepgm.graph import Graph, VariableArray
from reactivepgm.nodes import node_of

_WITHIN = {
    "positive": {"positive", "unit"},
    "nonnegative": {"positive", "nonnegative", "unit", "count", "category", "binary"},
    "unit": {"unit"},
    "simplex": {"simplex"},
    "positive_definite": {"positive_definite"},
    "stochastic_columns": {"stochastic_columns"},
    "binary": {"binary", "category"},
    "category": {"category", "binary"},
    "count": {"count", "category", "binary"},
}
"""Which supports of beliefs lie within the support of an interface."""


def checked_belief(graph: Graph, array: VariableArray, belief: object, what: str) -> Distribution:
    """A belief about every element of an array, (size,).

    Args:
        graph: the array's.
        array: the variables.
        belief: for all of them, or one each in the array's shape.
        what: how the error calls it.

    Raises:
        DataError: it is no distribution, is about other shapes, or lives where a variable cannot.
    """
    letter = array.site.letter
    if array.kind != "random":
        raise DataError(letter(f"{what} of `{array.name}`, which is {array.kind}", write="one of a random variable"))
    if not isinstance(belief, Distribution):
        raise DataError(
            letter(f"{what} of `{array.name}` must be a distribution, not {belief!r}", write="Normal(mean=0.0, variance=1.0)")
        )
    _check_family(graph, array, belief, what)
    rank, event = array.rank, belief.event_shape
    if rank is not None and len(event) != rank:
        kind = {0: "a number", 1: "a vector", 2: "a matrix"}.get(rank, f"of rank {rank}")
        raise DataError(letter(f"{what} of `{array.name}` is about values of shape {event}; the variable is {kind}"))
    try:
        whole = belief.broadcast_to(array.shape)
        if len(array.shape) == 1:
            return whole
        return whole[np.unravel_index(np.arange(array.size), array.shape)] if array.shape else whole.broadcast_to((1,))
    except (ValueError, IndexError):
        raise DataError(
            letter(f"{what} of `{array.name}` has batch shape {belief.batch_shape}, the variable has shape {array.shape}")
        ) from None


def _check_family(graph: Graph, array: VariableArray, belief: Distribution, what: str) -> None:
    """Raise where a belief lives outside the support of an interface that the variable sits on."""
    node = node_of(type(belief).__name__)
    if node is None:
        return  # a product of densities, say: its support is not known
    support = node.interfaces[0].support
    for family in graph.families:
        for name, binding in family.random.items():
            needed = family.node.interface(name).support
            if needed not in _WITHIN or support in _WITHIN[needed]:
                continue
            if any(other is array for _, other, _ in binding.components()):
                raise DataError(
                    family.site.letter(
                        f"{what} of `{array.name}` is {type(belief).__name__}, but as `{name}` of {family.node.name} the"
                        f" variable is {needed.replace('_', ' ')}",
                        write="a distribution over such values",
                    )
                )
