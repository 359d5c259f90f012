"""The array algebra of a factor a[out, in, T1, ...]: expect over some axes, weigh others, sum what is left over.

Every array is laid out with its batch axes first and then one axis for each interface of the factor, of length one
where the array does not depend on that interface; then everything broadcasts.
"""

from collections.abc import Sequence

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.elementary import log
from reactivepgm.numerics.special import logsumexp

from .expectations import weigh


def aligned(array: Array, axes: Sequence[int], rank: int) -> Array:
    """An array over some of the factor's axes, laid out over all of them.

    Args:
        array: (*batch, *lengths), its trailing axes those that ``axes`` names, in that order.
        axes: numbers of the factor's axes.
        rank: how many axes the factor has.

    Returns:
        (*batch, ...) with ``rank`` trailing axes.

    Example:
        >>> import numpy as np
        >>> aligned(np.ones((2, 3)), axes=(2, 0), rank=3).shape
        (3, 1, 2)
    """
    xp = namespace(array)
    batch = array.ndim - len(axes)
    order = sorted(range(len(axes)), key=axes.__getitem__)
    if list(order) != list(range(len(axes))):
        array = xp.transpose(array, (*range(batch), *(batch + k for k in order)))
    lengths = dict(zip(sorted(axes), array.shape[batch:], strict=True))
    return array.reshape(array.shape[:batch] + tuple(lengths.get(k, 1) for k in range(rank)))


def expected(log_table: Array, weights: Array, axes: Sequence[int], rank: int) -> Array:
    """The mean of a log table over some axes, which then have length one; 0 log 0 = 0.

    Example:
        >>> import numpy as np
        >>> table = np.array([[0.0, -np.inf], [-1.0, -2.0]])
        >>> expected(table, np.array([[1.0], [0.0]]), axes=(0,), rank=2)
        array([[  0., -inf]])
    """
    return weigh(weights, log_table).sum(tuple(k - rank for k in axes), keepdims=True)


def weighted(log_table: Array, weights: Array) -> Array:
    """A log table times probabilities over some of its axes."""
    return log_table + log(weights)


def summed(log_table: Array, kept: Sequence[int], rank: int) -> Array:
    """The log of the sum over all axes but those kept: (*batch, *lengths of ``kept``, in their order).

    Example:
        >>> import numpy as np
        >>> np.exp(summed(np.log([[0.25, 0.5], [0.75, 0.5]]), kept=(0,), rank=2)).tolist()
        [0.75, 1.25]
    """
    others = tuple(k - rank for k in range(rank) if k not in kept)
    if any(log_table.shape[k] > 1 for k in others):
        log_table = logsumexp(log_table, axis=others)
    else:
        log_table = namespace(log_table).squeeze(log_table, axis=others)
    batch = log_table.ndim - len(kept)
    place = {axis: n for n, axis in enumerate(sorted(kept))}
    return namespace(log_table).transpose(log_table, (*range(batch), *(batch + place[axis] for axis in kept)))


def require_rank(table: Array, rank: int) -> None:
    """Raise unless a table has an axis for each interface.

    Raises:
        InvalidParameterError: it has fewer.
    """
    if table.ndim < rank:
        raise InvalidParameterError(
            f"DiscreteTransition: a has shape {table.shape}, but there are {rank} variables: "
            "one axis each is needed, in the order out, in, T1, T2, ..."
        )
