"""The check that a matrix parameter is square."""

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import Array


def check_square(owner: str, name: str, value: Array) -> None:
    """Raise unless the last two axes are equal.

    Raises:
        InvalidParameterError: naming the shape.

    Example:
        >>> import numpy as np
        >>> check_square("Wishart", "scale", np.zeros((3, 2)))
        Traceback (most recent call last):
        ...
        reactivepgm.errors.InvalidParameterError: Wishart: scale must be square, not of shape (3, 2)
    """
    if value.shape[-1] != value.shape[-2]:
        raise InvalidParameterError(f"{owner}: {name} must be square, not of shape {value.shape}")
