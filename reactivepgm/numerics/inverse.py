"""The inverse of a number or of a matrix, as a model's statements use it: 1 / x, or X^-1 for squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics import linear_algebra as la


def inv(x: Any) -> Any:
    """The inverse of a number, or of a square matrix (*batch, d, d).

    Inside a model it is a function like any other: of a constant or of data it is computed, of a random variable it is a
    factor, which needs a ``meta=DeltaMeta(...)``.

    Args:
        x: a number, (), or matrices, (*batch, d, d).

    Returns:
        1 / x, or the inverse matrices.

    Raises:
        InvalidParameterError: a vector, a matrix that is not square, or one without inverse.

    Example:
        >>> inv(4.0)
        0.25
        >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    value = np.asarray(x, dtype=float)
    if value.ndim == 0:
        if value == 0.0:
            raise InvalidParameterError("inv(0.0): zero has no inverse")
        return 1.0 / float(value)
    if value.ndim < 2 or value.shape[-1] != value.shape[-2]:
        raise InvalidParameterError(f"inv takes a number or a square matrix, not an array of shape {value.shape}")
    result = la.inv(value)
    if np.isnan(result).any() and not np.isnan(value).any():
        raise InvalidParameterError("inv: the matrix is singular, so it has no inverse")
    return result
