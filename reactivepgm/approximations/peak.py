"""The highest point of a function of one number, for all rows at once: a grid over all scales, then golden sections.

Kiefer 1953, "Sequential minimax search for a maximum": each step shortens the bracket by (sqrt(5) - 1) / 2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution, LogDensity, ProductOfDensities

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]
"""From (m, *batch) to (m, *batch)."""

_GOLDEN = 0.5 * (5.0**0.5 - 1.0)
_STEPS = 90
_SCALES = np.concatenate([-np.logspace(9, -6, 91), [0.0], np.logspace(-6, 9, 91)])


def guesses(belief: Distribution) -> Floats:
    """Places where a belief may have its mass, (c, *batch): about the means of the parts that have one, and all scales.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> bool((guesses(NormalMeanVariance(1e4, 1e-4)) == 1e4).any())
        True
    """
    batch = belief.batch_shape
    found = [np.broadcast_to(_SCALES.reshape(-1, *(1,) * len(batch)), (len(_SCALES), *batch))]
    for part in belief.factors if isinstance(belief, ProductOfDensities) else (belief,):
        if isinstance(part, LogDensity):
            continue
        with np.errstate(all="ignore"):
            mean, std = np.broadcast_arrays(part.mean, part.std, np.empty(batch))[:2]
        known = np.isfinite(mean) & np.isfinite(std)
        steps = np.linspace(-8.0, 8.0, 33).reshape(-1, *(1,) * len(batch))
        around = np.where(known, mean, 0.0) + np.where(known, std, 1.0) * steps
        found.append(np.broadcast_to(around, (len(steps), *batch)))
    return np.concatenate(found)


def peak(function: Function, points: Floats) -> tuple[Floats, Floats]:
    """The place and the height of the maximum about the best of some points.

    Args:
        function: what is not a number, or infinite, counts as minus infinity.
        points: (c, *batch) where to look first, in any order.

    Returns:
        Both (*batch,); a height of -inf where the function is so at every point.

    Example:
        >>> place, _ = peak(lambda x: -((x - 2.0) ** 2), np.array([-1.0, 1.0, 5.0]))
        >>> round(float(place), 6)
        2.0
    """
    points = np.sort(points, axis=0)
    heights = finite(function, points)
    best = heights.argmax(axis=0)[None]
    last = len(points) - 1
    low = np.take_along_axis(points, np.maximum(best - 1, 0), 0)
    high = np.take_along_axis(points, np.minimum(best + 1, last), 0)
    middle = np.take_along_axis(points, best, 0)
    place, height = _golden(function, low, high)
    before = np.take_along_axis(heights, best, 0)
    better = height > before
    return np.where(better, place, middle)[0], np.where(better, height, before)[0]


def _golden(function: Function, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = finite(function, left), finite(function, right)
    for _ in range(_STEPS):
        rises = at_left < at_right
        low, high = np.where(rises, left, low), np.where(rises, high, right)
        fresh = np.where(rises, low + _GOLDEN * (high - low), high - _GOLDEN * (high - low))
        value = finite(function, fresh)
        left, right = np.where(rises, right, fresh), np.where(rises, fresh, left)
        at_left, at_right = np.where(rises, at_right, value), np.where(rises, value, at_left)
    rises = at_left < at_right
    return np.where(rises, right, left), np.where(rises, at_right, at_left)


def finite(function: Function, points: Floats) -> Floats:
    """The function's values, -inf where they are no finite numbers."""
    with np.errstate(all="ignore"):
        values = np.broadcast_to(np.asarray(function(points), dtype=float), points.shape)
    return np.where(np.isfinite(values), values, -np.inf)
