"""Where a scalar belief has its mass: an interval, the intersection of the factors' intervals for a product."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from reactivepgm.distributions import (
    Beta,
    Distribution,
    GammaFamily,
    GammaShapeLikelihood,
    InverseGamma,
    LogDensity,
    MixtureDistribution,
    ProductOfDensities,
    Uniform,
)
from reactivepgm.errors import ProductError
from reactivepgm.numerics.array import Array

Interval = tuple[Array, Array]
"""The ends, numbers or (*batch,)."""

_REAL: Interval = (-math.inf, math.inf)


def support_of(belief: Distribution) -> Interval:
    """The interval that holds all mass of a scalar belief.

    Raises:
        ProductError: a product whose factors have no value in common.

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate
        >>> support_of(GammaShapeRate(2.0, 1.0))
        (0.0, inf)
    """
    if isinstance(belief, ProductOfDensities):
        return common(*(support_of(factor) for factor in belief.factors))
    if isinstance(belief, LogDensity):
        return belief.domain
    if isinstance(belief, GammaFamily | InverseGamma | GammaShapeLikelihood):
        return 0.0, math.inf
    if isinstance(belief, Beta):
        return 0.0, 1.0
    if isinstance(belief, MixtureDistribution):
        return _of_components(belief.components)
    if isinstance(belief, Uniform):
        return belief.a, belief.b
    return _REAL


def _of_components(components: Distribution) -> Interval:
    """From the lowest end of a mixture's components to the highest."""
    low, high = support_of(components)
    return (np.min(low, axis=-1) if np.ndim(low) else low), (np.max(high, axis=-1) if np.ndim(high) else high)


def common(*intervals: Interval) -> Interval:
    """What all intervals have in common.

    Raises:
        ProductError: nothing, for some row.

    Example:
        >>> common((0.0, math.inf), (-1.0, 1.0))
        (0.0, 1.0)
    """
    low = reduce(_larger, (one for one, _ in intervals))
    high = reduce(_smaller, (other for _, other in intervals))
    if not np.all(np.asarray(low) < np.asarray(high)):
        raise ProductError(f"the factors of a product contradict each other: no value lies between {low} and {high}")
    return low, high


def _larger(a: Array, b: Array) -> Array:
    return max(a, b) if isinstance(a, float) and isinstance(b, float) else np.maximum(a, b)


def _smaller(a: Array, b: Array) -> Array:
    return min(a, b) if isinstance(a, float) and isinstance(b, float) else np.minimum(a, b)
