"""Arrays that lie with the batch axis contiguous in memory, whatever axes of the event follow it in the shape.

Shapes are batch-first for the reader; for the machine a loop over few components with vectors over the batch costs a
fraction of a loop over the batch with short vectors. NumPy keeps the layout of its operands where they have one, so it is
enough to choose it where components first meet rows: (rows, 1) against (K,).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.array import Array, namespace

FEW = 8
"""Up to how many entries an axis is short."""

_BESIDE = 64
"""Up to how many entries of a row the rows are laid side by side."""


def empty_by_batch(shape: tuple[int, ...]) -> Array:
    """An uninitialised array of a shape whose first axis is contiguous in memory, the others outside in their order.

    Example:
        >>> empty_by_batch((100, 3, 2)).strides
        (8, 1600, 800)
    """
    return np.moveaxis(np.empty((*shape[1:], shape[0])), -1, 0)


def zeros_by_batch(shape: tuple[int, ...]) -> Array:
    """Zeros, with the batch axis contiguous where one short axis follows it; NumPy's own layout for all else.

    Matrices stay as they are, since LAPACK and matrix products want them so.

    Example:
        >>> zeros_by_batch((100, 3)).strides, zeros_by_batch((100, 3, 3)).strides
        ((8, 800), (72, 24, 8))
    """
    return np.zeros(shape[::-1]).T if len(shape) == 2 and 1 < shape[1] <= FEW else np.zeros(shape)


def by_batch(array: Array) -> Array:
    """The array itself, or a copy in the layout of ``zeros_by_batch``.

    Example:
        >>> by_batch(np.zeros((100, 3))).strides
        (8, 800)
    """
    if array.ndim != 2 or not 1 < array.shape[1] <= FEW or is_by_batch(array):
        return array
    return np.asfortranarray(array)


def taken(array: Array, index: NDArray[np.intp] | slice) -> Array:
    """Rows of an array, in its own layout: indexing alone would turn a contiguous batch axis inside out.

    Example:
        >>> taken(zeros_by_batch((100, 3)), np.array([5, 7])).strides
        (8, 16)
    """
    if isinstance(index, slice) or array.ndim != 2 or not is_by_batch(array):
        return array[index]
    return array.T.take(index, axis=1).T


def is_by_batch(array: Array) -> bool:
    """Whether the batch axis is contiguous in memory and the others lie outside."""
    return bool(array.ndim < 2 or (array.flags.f_contiguous and not array.flags.c_contiguous))


def crossed(ufunc: Callable[..., Array], x: Array, y: Array) -> Array:
    """``x - y`` or another operation of two operands that broadcast against each other, the batch axis contiguous.

    Args:
        ufunc: a function of ``operator`` (sub, add, mul, truediv).
        x: (rows, 1, *event).
        y: (K, *event) or (1, K, *event).

    Returns:
        (rows, K, *event).

    Example:
        >>> import operator
        >>> gap = crossed(operator.sub, np.zeros((100, 1)), np.ones((1, 3)))
        >>> gap.shape, gap.strides
        ((100, 3), (8, 800))
    """
    if type(x) is not np.ndarray or type(y) is not np.ndarray or x.shape[:1] == y.shape[:1] or x.ndim < 2:
        return ufunc(x, y)
    shape = np.broadcast_shapes(x.shape, y.shape)
    if not x.dtype == y.dtype == np.float64 or shape[0] <= FEW or shape[0] < shape[1]:
        return ufunc(x, y)
    result: Any = empty_by_batch(shape)
    return _UFUNCS[ufunc.__name__](x, y, out=result)


_UFUNCS: dict[str, Any] = {"sub": np.subtract, "add": np.add, "mul": np.multiply, "truediv": np.true_divide}


def along_last(pair: Callable[..., Array], reduction: Callable[..., Array], x: Array, axis: int | tuple[int, ...]) -> Array:
    """A reduction that keeps its axis; over few entries of a long array it runs along the others, many times faster.

    Args:
        pair: the reduction of two, such as ``numpy.add``.
        reduction: the reduction itself, such as ``numpy.sum``.
        x: (*batch, K).
        axis: what to reduce.

    Example:
        >>> along_last(np.maximum, np.max, np.array([[1.0, 2.0], [4.0, 3.0], [0.0, 0.0]]), -1).tolist()
        [[2.0], [4.0], [0.0]]
    """
    if axis == -1 and x.ndim > 1 and 1 < x.shape[-1] <= FEW < len(x):
        total = pair(x[..., 0:1], x[..., 1:2])
        for k in range(2, x.shape[-1]):
            total = pair(total, x[..., k : k + 1])
        return total
    return reduction(x, axis=axis, keepdims=True)


def total_along_last(x: Array) -> Array:
    """Sums over the last axis, which stays with length one.

    Example:
        >>> total_along_last(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [[3.0], [7.0]]
    """
    xp = namespace(x)
    return along_last(xp.add, xp.sum, x, -1)


def total_over_rows(x: Array) -> Array:
    """Sums over the first axis; many rows of few entries are laid side by side first, so that each sum is one run.

    Args:
        x: (rows, *event).

    Example:
        >>> total_over_rows(np.ones((1000, 2, 2))).tolist()
        [[1000.0, 1000.0], [1000.0, 1000.0]]
    """
    if type(x) is np.ndarray and x.flags.c_contiguous and x.ndim > 1 and 1 < x[:1].size <= _BESIDE < len(x):
        return np.ascontiguousarray(x.reshape(len(x), -1).T).sum(axis=1).reshape(x.shape[1:])
    return x.sum(axis=0)
