"""Where the values of one data array come in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import DataError
from reactivepgm.graph import Reference, VariableArray, fitted


class Inlet:
    """One data array: its values so far, and which of them have arrived.

    Args:
        array: the data.
        read: which elements factors read; nobody waits for the others, unless none is read.
    """

    def __init__(self, array: VariableArray, read: NDArray[np.bool_]) -> None:
        self.array = array
        self.value: Any = None
        self.is_finished = False
        self._arrived = np.zeros(array.shape, dtype=bool)
        self._spared = ~read if read.any() else np.zeros(array.shape, dtype=bool)

    @property
    def is_complete(self) -> bool:
        """Whether every element that is read has a value (or was said to be missing)."""
        return bool((self._arrived | self._spared).all())

    def checked(self, reference: Reference, value: Any) -> Any:
        """A value in the shape of the elements that a reference names; None or NaN is a missing one.

        Raises:
            DataError: it does not fit, or the stream was finished.
        """
        array = self.array
        if self.is_finished:
            raise DataError(f"`{array.name}` was finished: no value can follow")
        if reference.is_whole:
            return fitted(array, value)
        try:
            numbers = np.asarray(np.nan if value is None else value, dtype=float)
        except (TypeError, ValueError):
            raise DataError(f"the value for {reference!r} is {value!r}: numbers are needed") from None
        event = array.value_shape if array.value_shape is not None else numbers.shape[len(reference.shape) :]
        expected = (*reference.shape, *event)
        try:
            return np.broadcast_to(numbers, expected)
        except ValueError:
            raise DataError(f"the value for {reference!r} has shape {numbers.shape}, expected {expected}") from None

    def put(self, reference: Reference, fits: Any) -> None:
        """Store what ``checked`` returned.

        Raises:
            DataError: the stream was finished meanwhile, or other elements have values of another shape.
        """
        array = self.array
        if self.is_finished:
            raise DataError(f"`{array.name}` was finished: no value can follow")
        if reference.is_whole:
            self.value = fits
            self._arrived[...] = True
            return
        event = np.shape(fits)[len(reference.shape) :]
        if self.value is None:
            self.value = np.full((*array.shape, *event), np.nan)
        elif self.value.shape != (*array.shape, *event):
            raise DataError(
                f"the value for {reference!r} has shape {np.shape(fits)}, expected"
                f" {(*reference.shape, *self.value.shape[len(array.shape):])}"
            )
        where = np.unravel_index(reference.elements, array.shape)
        self.value[where] = fits
        self._arrived[where] = True

    def check_arrived(self, reference: Reference) -> None:
        """Raise unless the elements that a reference names have values."""
        if not self._arrived.ravel()[reference.elements].all():
            raise DataError(f"{reference!r} has no value yet that could be sent again")
