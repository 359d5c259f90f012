"""Products of messages without closed form, held as densities of all elements until a form makes them beliefs."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reactivepgm.approximations import support_of
from reactivepgm.distributions import BETA, GAMMA, INVERSE_GAMMA, NORMAL, Distribution, Group, LogDensity
from reactivepgm.graph import FixedMarginal, VariableArray
from reactivepgm.numerics.array import Array
from reactivepgm.plan.place import Place
from reactivepgm.plan.structure import Structure

Mask = NDArray[np.bool_] | None

_REAL = (-math.inf, math.inf)
_POSITIVE = (0.0, math.inf)

_DENSITIES: dict[Group, tuple[tuple[float, float], Callable[..., Array]]] = {
    NORMAL: (_REAL, lambda x, pull, precision: x * (pull - 0.5 * precision * x)),
    GAMMA: (_POSITIVE, lambda x, power, rate: power * np.log(x) - rate * x),
    INVERSE_GAMMA: (_POSITIVE, lambda x, power, scale: -power * np.log(x) - scale / x),
    BETA: ((0.0, 1.0), lambda x, a, b: a * np.log(x) + b * np.log1p(-x)),
}


def improper_density(group: Group, naturals: list[Array]) -> Distribution | None:
    """A member of a family that need not normalise, as a log density; None for families of vectors and categories."""
    if group not in _DENSITIES:
        return None
    domain, density = _DENSITIES[group]
    return LogDensity._of(lambda x: density(x, *naturals), domain, np.shape(naturals[0]), ())


def gathered(message: Distribution, place: Place, size: int, missing: Mask) -> Distribution:
    """The product of a family's messages at every element: log densities add where rows meet.

    Args:
        message: one a row, or one for all rows.
        place: the elements that the rows refer to.
        size: how many elements there are.
        missing: rows that say nothing.
    """
    rank = len(message.event_shape)

    def log_density(x: Array) -> Array:
        x = np.asarray(x)
        rows = x[(..., place.index, *(slice(None),) * rank)]
        values = np.broadcast_to(message.log_pdf(rows), rows.shape[: rows.ndim - rank])
        if missing is not None:
            values = np.where(missing, 0.0, values)
        total = np.zeros(x.shape[: x.ndim - rank])
        np.add.at(np.moveaxis(total, -1, 0), place.index, np.moveaxis(values, -1, 0))
        return total

    low, high = (np.asarray(end) for end in (support_of(message) if rank == 0 else _REAL))
    everywhere = missing is None and len(np.unique(place.index)) == size
    domain = (float(low.max()), float(high.min())) if everywhere and (low == low.max()).all() else _REAL
    return LogDensity._of(log_density, domain, (size,), message.event_shape)


def spread(variable: VariableArray, belief: Distribution) -> Distribution:
    """A belief given for a variable's own shape, or for all its elements alike, element by element."""
    if not variable.shape:
        return belief.broadcast_to((1,))
    whole = belief.broadcast_to(variable.shape)
    if len(variable.shape) == 1:
        return whole
    return whole[tuple(np.unravel_index(np.arange(variable.size), variable.shape))]


def fixed_marginals(structure: Structure) -> dict[int, Distribution]:
    """The marginals that are given, by array."""
    return {
        array: spread(structure.arrays[array], forms.marginal.marginal)
        for array, forms in structure.forms.items()
        if isinstance(forms.marginal, FixedMarginal)
    }
