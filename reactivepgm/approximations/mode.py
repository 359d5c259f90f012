"""Where a belief is highest, within bounds: in closed form where the family has one, else by optimisation.

The families here have one peak, so that the highest point within bounds is the peak moved to the nearer bound.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from reactivepgm.approximations.peak import guesses, peak
from reactivepgm.approximations.support import common, support_of
from reactivepgm.distributions import (
    Categorical,
    Distribution,
    LogDensity,
    PointMass,
    ProductOfDensities,
)
from reactivepgm.errors import ImproperPosteriorError
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.deferred import Deferred

_OPTIMIZE = Deferred("scipy.optimize")

Floats = NDArray[np.float64]
Bounds = tuple[float, float]

ANYWHERE: Bounds = (-math.inf, math.inf)


def mode_of(belief: Distribution, bounds: Bounds = ANYWHERE) -> PointMass:
    """All mass on the value of highest density; a category is a one-hot vector.

    Args:
        belief: normalised or not, (*batch, *event).
        bounds: the lowest and the highest value allowed, of every component.

    Raises:
        ImproperPosteriorError: there is no highest point: the density is unbounded, or rises for ever.

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate
        >>> mode_of(GammaShapeRate(3.0, 4.0)), mode_of(GammaShapeRate(3.0, 4.0), (1.0, 9.0))
        (PointMass(value=0.5), PointMass(value=1.0))
    """
    if isinstance(belief, Categorical):
        return PointMass(np.eye(belief.p.shape[-1])[np.asarray(belief.mode)], event_rank=1)
    rank = len(belief.event_shape)
    if isinstance(belief, LogDensity | ProductOfDensities):
        return PointMass(_highest(belief, bounds) if rank == 0 else _climbed(belief, bounds), event_rank=rank)
    value = np.asarray(belief.mode, dtype=float)
    if bounds != ANYWHERE:
        inside = ((value >= bounds[0]) & (value <= bounds[1])).all(axis=tuple(range(-rank, 0)), keepdims=True)
        value = np.clip(value, *bounds) if rank == 0 else value if inside.all() else _climbed(belief, bounds)
    if not isinstance(belief, PointMass):
        _check(belief, value)
    return PointMass(value, event_rank=rank)


def _check(belief: Distribution, value: Floats) -> None:
    with np.errstate(all="ignore"):
        height = np.asarray(belief.log_pdf(value))
    if np.isnan(value).any() or np.isnan(height).any() or np.isposinf(height).any():
        raise ImproperPosteriorError(
            f"{belief!r} has no mode: its density is unbounded or has several peaks\n"
            "  write  bounds=(low, high) that leave the end of the support out, or a prior that falls off there"
        )


def _highest(belief: Distribution, bounds: Bounds) -> Array:
    """The mode of a scalar density without closed form."""
    low, high = (np.asarray(end, dtype=float) for end in common(support_of(belief), bounds))
    starts = np.clip(guesses(belief), low, high)
    ends = [np.broadcast_to(end, starts.shape[1:])[None] for end in (low, high) if np.isfinite(end).all()]
    width = np.where(np.isfinite(high - low), high - low, 1.0)
    inner = np.where(np.isfinite(low), low, high - width) + width * np.linspace(0.0, 1.0, 65).reshape(-1, *(1,) * low.ndim)
    inner = inner.reshape(-1, *(1,) * (starts.ndim - inner.ndim), *inner.shape[1:])
    parts = [starts, *ends]
    if np.isfinite(inner).all():
        parts.append(np.broadcast_to(inner, (65, *starts.shape[1:])))
    points = np.concatenate(parts)
    place, height = peak(lambda x: np.asarray(belief.log_pdf(x)), points)
    runs = np.isneginf(height) | (place <= 0.999 * points.min(axis=0)) | (place >= 0.999 * points.max(axis=0))
    if (runs & ~np.isclose(place, low, rtol=0.0) & ~np.isclose(place, high, rtol=0.0)).any():
        raise ImproperPosteriorError(f"no highest point was found: {belief!r}\n  write  bounds=(low, high)")
    return place if place.shape else float(place)


def _climbed(belief: Distribution, bounds: Bounds) -> Floats:
    """The mode of a density over vectors, row by row (L-BFGS-B, Byrd, Lu, Nocedal & Zhu 1995)."""
    batch, event = belief.batch_shape, belief.event_shape
    start = np.clip(_start(belief), *bounds)
    limits = [tuple(None if math.isinf(end) else end for end in bounds)] * math.prod(event)
    found = np.array(start)
    for row in np.ndindex(*batch):
        # Functions cannot be taken apart by rows: the others keep their start.
        def fall(x: Floats, row: tuple[int, ...] = row) -> float:
            whole = np.array(start)
            whole[row] = x.reshape(event)
            return -float(np.broadcast_to(belief.log_pdf(whole), batch)[row])

        options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10_000}
        answer = _OPTIMIZE.minimize(fall, start[row].ravel(), method="L-BFGS-B", bounds=limits, options=options)
        if not np.isfinite(answer.fun):
            raise ImproperPosteriorError(f"no highest point was found: {belief!r}\n  write  bounds=(low, high)")
        found[row] = answer.x.reshape(event)
    return found


def _start(belief: Distribution) -> Floats:
    """The first mean that exists."""
    whole = (*belief.batch_shape, *belief.event_shape)
    for part in belief.factors if isinstance(belief, ProductOfDensities) else (belief,):
        if not isinstance(part, LogDensity):
            mean = np.asarray(part.mean, dtype=float)
            if np.isfinite(mean).all():
                return np.broadcast_to(mean, whole)
    return np.zeros(whole)
