"""The sets that a factor's arguments live in, and the check that a constant or a datum lies in them.

positive  x > 0            nonnegative  x >= 0              unit  0 <= x <= 1
binary    x = 0 or 1         count        x = 0, 1, 2, ...    category  a count, or a simplex with an axis of categories
simplex   x >= 0, sum x = 1 along the last axis             stochastic_columns  the same along the first event axis
positive_definite  x = x', all eigenvalues > 0              positive_semidefinite  x = x', all eigenvalues >= 0
"""

from collections.abc import Callable

import numpy as np

from reactivepgm.numerics.array import Array

_TOLERANCE = 1e-8


def _sums_to_one(value: Array, axis: int) -> Array:
    return (value >= 0).all(axis=axis) & (np.abs(value.sum(axis=axis) - 1) <= _TOLERANCE)


def _is_symmetric(value: Array) -> Array:
    scale = np.abs(value).max(axis=(-1, -2), initial=0.0)
    gap = np.abs(value - np.swapaxes(value, -1, -2)).max(axis=(-1, -2), initial=0.0)
    return gap <= _TOLERANCE * (1 + scale)


def _smallest_eigenvalue(value: Array) -> tuple[Array, Array]:
    usable = np.isfinite(value).all(axis=(-1, -2)) & _is_symmetric(value)
    safe = np.where(usable[..., None, None], value, np.eye(value.shape[-1]))
    eigenvalues = np.linalg.eigvalsh(safe)
    return np.where(usable, eigenvalues[..., 0], np.nan), eigenvalues[..., -1]


def _is_positive_definite(value: Array, _: int) -> Array:
    return _smallest_eigenvalue(value)[0] > 0


def _is_positive_semidefinite(value: Array, _: int) -> Array:
    smallest, largest = _smallest_eigenvalue(value)
    return smallest >= -_TOLERANCE * np.maximum(np.abs(largest), 1e-300)


def _is_category(value: Array, rank: int) -> Array:
    return _sums_to_one(value, -1) if rank else (value >= 0) & (value == np.floor(value))


# Every test maps (*batch, *event) to (*batch,) or to the shape of the value itself; a NaN fails them all.
_TESTS: dict[str, tuple[str, Callable[[Array, int], Array]]] = {
    "positive": ("must be positive", lambda x, rank: x > 0),
    "nonnegative": ("must not be negative", lambda x, rank: x >= 0),
    "binary": ("must be 0 or 1", lambda x, rank: (x == 0) | (x == 1)),
    "count": ("must be a whole number that is not negative", lambda x, rank: (x >= 0) & (x == np.floor(x))),
    "category": ("must be the number of a category, or one weight a category that sum to one", _is_category),
    "unit": ("must lie between 0 and 1", lambda x, rank: (x >= 0) & (x <= 1)),
    "simplex": ("must be probabilities that sum to one", lambda x, rank: _sums_to_one(x, -1)),
    "stochastic_columns": ("must have columns that sum to one", lambda x, rank: _sums_to_one(x, x.ndim - max(rank, 2))),
    "positive_definite": ("must be symmetric and positive definite", _is_positive_definite),
    "positive_semidefinite": ("must be symmetric and positive semidefinite", _is_positive_semidefinite),
}


def offending_row(support: str, value: Array, event_rank: int) -> tuple[str, tuple[int, ...]] | None:
    """Say what is wrong with the first row outside the support, or None.

    Args:
        support: one of the names in the module docstring.
        value: (*batch, *event).
        event_rank: how many of the last axes are the event.

    Returns:
        The complaint and the batch index of the first offending row.

    Example:
        >>> import numpy as np
        >>> offending_row("positive", np.array([1.0, -2.0]), 0)
        ('must be positive', (1,))
        >>> offending_row("positive", np.array([1.0, 2.0]), 0) is None
        True
    """
    complaint, test = _TESTS[support]
    array = np.asarray(value, dtype=float)
    if support.startswith("positive_") and (array.ndim < 2 or array.shape[-1] != array.shape[-2]):
        return "must be a square matrix", ()
    inside = np.asarray(test(array, event_rank))
    if inside.all():
        return None
    batch_rank = max(array.ndim - event_rank, 0)
    first = np.argwhere(~inside)[0]
    return complaint, tuple(int(i) for i in first[:batch_rank])
