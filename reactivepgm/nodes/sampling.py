"""Draws of a node's output for many rows at once, given its inputs as batches of values.

Inputs are point masses: their event ranks tell rows from events, and their batch shapes broadcast to the batch drawn.
Distribution classes and the library's own nodes are drawn in one call; any other function is called once for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from reactivepgm.distributions import Distribution, PointMass
from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import Array

if TYPE_CHECKING:
    from reactivepgm.nodes.node import Node

Batch = tuple[int, ...]
Input = PointMass | tuple[PointMass, ...]


def draw(node: Node, rng: np.random.Generator, inputs: Sequence[Input], batch: Batch) -> Array:
    """One draw of the output for every row of a batch.

    Args:
        node: the kind of factor.
        rng: the source of randomness.
        inputs: in the order of the interfaces; on a plural interface a tuple of components.
        batch: the rows; the inputs' batch shapes broadcast to it.

    Returns:
        (*batch, *event); of a deterministic node the exact value.

    Raises:
        InvalidParameterError: an input that is no category where one is needed.

    Example:
        >>> from reactivepgm.nodes import node_of
        >>> draw(node_of("addition"), np.random.default_rng(1), [PointMass([1.0, 2.0], event_rank=0), PointMass(3.0)], (2,))
        array([4., 5.])
    """
    if node.batch_sampler is not None:
        return np.asarray(node.batch_sampler(rng, batch, *inputs))
    target = node.target
    if node.kind == "stochastic" and node.is_drawn_by_target and isinstance(target, type) and issubclass(target, Distribution):
        return np.asarray(target(*spread(inputs, batch)).sample(rng))
    return _one_by_one(node, rng, inputs, batch)


def spread(inputs: Sequence[Input], batch: Batch) -> list[Array]:
    """The inputs' values, the smallest of them brought to the batch: a matrix that all rows share stays one matrix."""
    points = [point for point in inputs if isinstance(point, PointMass)]
    smallest = min(points, key=lambda point: prod(point.event_shape), default=None)
    if smallest is not None and np.broadcast_shapes(*(p.batch_shape for p in points)) == batch:
        smallest = None
    return [filled(p, batch) if p is smallest else p.value for p in points]


def filled(point: PointMass, batch: Batch) -> Array:
    """A value for every row, (*batch, *event)."""
    return np.broadcast_to(point.value, (*batch, *point.event_shape))


def aligned_events(points: Iterable[PointMass]) -> list[Array]:
    """Values whose events broadcast against each other as NumPy broadcasts single values.

    Example:
        >>> one, two = PointMass(np.zeros((5, 2)), event_rank=1), PointMass(np.zeros(5), event_rank=0)
        >>> [value.shape for value in aligned_events([one, two])]
        [(5, 2), (5, 1)]
    """
    points = list(points)
    rank = max(point.event_rank for point in points)
    return [
        np.reshape(point.value, (*point.batch_shape, *(1,) * (rank - point.event_rank), *point.event_shape)) for point in points
    ]


def categories(point: PointMass, size: int, what: str) -> Array:
    """Category numbers, (*batch,), from numbers or one-hot vectors.

    Raises:
        InvalidParameterError: a number that is no category.
    """
    value = np.asarray(point.value)
    if point.event_rank:
        value = value.argmax(axis=-1)
    number = value.astype(np.intp)
    if not ((number == value) & (number >= 0) & (number < size)).all():
        raise InvalidParameterError(f"{what} must be one of the categories 0 ... {size - 1}")
    return number


def rows_index(batch: Batch) -> tuple[Array, ...]:
    """Index arrays that walk along a batch, to choose something else in every row."""
    return np.ogrid[tuple(slice(size) for size in batch)] if batch else ()


def _one_by_one(node: Node, rng: np.random.Generator, inputs: Sequence[Input], batch: Batch) -> Array:
    """A function written for single values is called once for every row."""
    assert node.sampler is not None
    is_sole_plural = len(node.interfaces) == 2 and node.interfaces[1].plural
    columns = [
        tuple(_rows(part, batch) for part in column) if isinstance(column, tuple) else _rows(column, batch) for column in inputs
    ]
    drawn = []
    for row in range(prod(batch)):
        values: list[Any] = [tuple(c[row] for c in column) if isinstance(column, tuple) else column[row] for column in columns]
        drawn.append(np.asarray(node.sampler(rng, *(values[0] if is_sole_plural else values))))
    whole = np.stack(drawn)
    return whole.reshape(*batch, *whole.shape[1:])


def _rows(point: PointMass, batch: Batch) -> Any:
    value = filled(point, batch).reshape(-1, *point.event_shape)
    return value.tolist() if point.event_rank == 0 else value
