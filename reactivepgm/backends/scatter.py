"""Sums into elements of arrays that cannot be overwritten: by slices and reshapes where the places allow, else by scatter."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.array import Array
from reactivepgm.plan.place import Place

IntArray = NDArray[np.intp]


def segments_summed(values: Array, starts: IntArray | None) -> Array:
    """Sums over runs of the last axis that begin at ``starts``; the values themselves where there are none."""
    if starts is None:
        return values
    n = values.shape[-1]
    lengths = np.diff(np.append(starts, n))
    if (lengths == lengths[0]).all():
        return values.reshape(*values.shape[:-1], len(starts), int(lengths[0])).sum(axis=-1)
    summed = jax.ops.segment_sum(
        jnp.moveaxis(values, -1, 0), np.repeat(np.arange(len(starts)), lengths), len(starts), indices_are_sorted=True
    )
    return jnp.moveaxis(summed, 0, -1)


def placed(total: Array | None, place: Place, values: Array, event: tuple[int, ...]) -> Array:
    """Totals of an array's elements with the rows' values (rows or 1, *event) added where they belong.

    Args:
        total: (size, *event); None for zero.
        place: the elements that the rows refer to.
        values: one a row, or one for all rows.
        event: the shape of one value.
    """
    is_shared = values.ndim == len(event) or values.shape[0] < place.rows
    one = values.reshape(event) if is_shared else None
    if place.kind == "one":
        amount = place.rows * one if one is not None else values.sum(axis=0)
        if place.size == 1:
            return amount[None] if total is None else total + amount
        assert place.window is not None
        return _zeros(total, place, event, values).at[place.window].add(amount)
    whole = jnp.broadcast_to(one, (place.rows, *event)) if one is not None else values
    if place.kind == "all":
        return whole if total is None else total + whole
    zeros = _zeros(total, place, event, values)
    if place.window is not None and place.window.step in (None, 1):
        return zeros.at[place.window].add(whole)
    return zeros.at[place.index].add(whole, unique_indices=place.is_injective)


def _zeros(total: Array | None, place: Place, event: tuple[int, ...], like: Array) -> Array:
    return jnp.zeros((place.size, *event), dtype=like.dtype) if total is None else total
