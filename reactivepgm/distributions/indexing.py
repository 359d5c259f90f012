"""Choosing, broadcasting and joining rows of parameters, with views wherever NumPy allows.

A parameter is (*batch, *event), its event rank says where the batch ends.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reactivepgm.numerics.array import Array, as_scalar, broadcast_shapes, namespace, shape_of


def batch_of(value: Array, rank: int) -> tuple[int, ...]:
    """The leading axes of a parameter.

    Example:
        >>> batch_of(np.zeros((5, 2)), 1)
        (5,)
    """
    shape = shape_of(value)
    return shape[: len(shape) - rank]


def broadcast_rows(value: Array, rank: int, batch: tuple[int, ...]) -> Array:
    """A parameter with its batch axes brought to a shape.

    Example:
        >>> broadcast_rows(np.zeros(2), 1, (5,)).shape
        (5, 2)
    """
    shape = shape_of(value)
    event = shape[len(shape) - rank :]
    wanted = (*batch, *event)
    return value if shape == wanted else namespace(value).broadcast_to(value, wanted)


def take_rows(values: tuple[Array, ...], ranks: tuple[int, ...], batch: tuple[int, ...], index: Any) -> list[Array]:
    """Index the batch axes of all parameters; those without batch axes stay as they are where others carry the batch.

    Raises:
        IndexError: more indices than batch axes.

    Example:
        >>> take_rows((np.arange(3.0), 1.0), (0, 0), (3,), slice(1, None))
        [array([1., 2.]), 1.0]
    """
    parts = index if type(index) is tuple else (index,)
    used = sum(_axes_used(part) for part in parts)
    if used > len(batch):
        raise IndexError(f"{used} indices for the {len(batch)} batch axes of shape {batch}")
    spans = any(part is Ellipsis for part in parts)
    carried = False
    result = []
    for value, rank in zip(values, ranks, strict=True):
        own = batch_of(value, rank)
        if own == () and batch:
            result.append(value)
            continue
        carried = carried or own == batch
        whole = broadcast_rows(value, rank, batch)
        result.append(_pick(whole, parts, rank, spans))
    if not carried and values:
        result = [_pick(broadcast_rows(v, r, batch), parts, r, spans) for v, r in zip(values, ranks, strict=True)]
    return result


def _pick(value: Array, parts: tuple[Any, ...], rank: int, spans: bool) -> Array:
    key = (*parts, *(slice(None),) * rank) if spans else parts
    array = np.asarray(value) if type(value) is float else value
    return as_scalar(array[key])


def _axes_used(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    return int(part.ndim) if getattr(getattr(part, "dtype", None), "kind", "") == "b" else 1


def stack_rows(values: Sequence[Array], rank: int, axis: int) -> Array:
    """Parameters of equal batch shape under a new batch axis.

    Example:
        >>> stack_rows([1.0, 2.0], 0, 0)
        array([1., 2.])
    """
    batch = batch_of(values[0], rank)
    place = axis if axis >= 0 else len(batch) + 1 + axis
    return namespace(*values).stack([np.asarray(v) if type(v) is float else v for v in values], axis=place)


def concatenate_rows(values: Sequence[Array], axis: int) -> Array:
    """Parameters one after the other along a batch axis.

    Example:
        >>> concatenate_rows([np.zeros(2), np.ones(1)], 0)
        array([0., 0., 1.])
    """
    return namespace(*values).concatenate(values, axis=axis)


def common_batch(values: Sequence[Array], ranks: Sequence[int]) -> tuple[int, ...]:
    """The broadcast of the parameters' batch shapes.

    Example:
        >>> common_batch((np.zeros((5, 2)), 1.0), (1, 0))
        (5,)
    """
    return broadcast_shapes(*(batch_of(value, rank) for value, rank in zip(values, ranks, strict=True)))


def aligned(values: Sequence[Array], ranks: Sequence[int]) -> tuple[Array, ...]:
    """Parameters all brought to their common batch shape; floats alone stay floats.

    Example:
        >>> aligned((np.zeros(2), 1.0), (0, 0))[1]
        array([1., 1.])
    """
    for value in values:
        if type(value) is not float:
            break
    else:
        return tuple(values)
    batch = common_batch(values, ranks)
    return tuple(broadcast_rows(value, rank, batch) for value, rank in zip(values, ranks, strict=True))


def draw_shape(n: int | None, batch: tuple[int, ...]) -> tuple[int, ...]:
    """The leading axes of a sample.

    Example:
        >>> draw_shape(3, (2,)), draw_shape(None, (2,))
        ((3, 2), (2,))
    """
    return batch if n is None else (n, *batch)
