"""A function of single values, applied to every row of a batch.

It is called once a row. Where the function also takes whole arrays, the rows along the last axis, one call replaces
them: after it has given the same numbers as the rows one by one on a first batch, and while it does so for the first,
the middle and the last row of every further one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import Array

Floats = NDArray[np.float64]

_WORTH = 8
_LIMIT = 4096
_TOLERANCE = 1e-12
_VERDICTS: dict[Any, bool] = {}
"""Whether a function takes whole arrays; not there before it was tried."""


class RowFunction:
    """A Python function of numbers and arrays, for many rows.

    Args:
        function: maps single values to a number or a vector.
        ranks: the event rank of each of its arguments.

    Example:
        >>> f = RowFunction(lambda x, v: x * v[0] + v[1], (0, 1))
        >>> f([np.array([1.0, 2.0]), np.array([10.0, 1.0])], (2,)).tolist()
        [11.0, 21.0]
    """

    __slots__ = ("function", "name", "ranks")

    def __init__(self, function: Callable[..., Any], ranks: Sequence[int]) -> None:
        self.function = function
        self.ranks = tuple(ranks)
        self.name = getattr(function, "__name__", repr(function))

    def __call__(self, values: Sequence[Array], batch: tuple[int, ...]) -> Array:
        """The function's values, (*batch, *event).

        Args:
            values: the arguments, (*any batch that broadcasts, *event) each.
            batch: the rows.

        Raises:
            InvalidParameterError: the values are no numbers or vectors, or their shapes differ.
        """
        columns = []
        for value, rank in zip(values, self.ranks, strict=True):
            value = np.asarray(value, dtype=float)
            event = value.shape[value.ndim - rank :]
            columns.append(np.broadcast_to(value, (*batch, *event)).reshape((-1, *event)))
        rows = prod(batch)
        result = self._many(columns, rows) if rows >= _WORTH else self._each(columns, range(rows))
        return result.reshape((*batch, *result.shape[1:]))

    def _many(self, columns: list[Floats], rows: int) -> Floats:
        verdict = self._verdict()
        if verdict is False:
            return self._each(columns, range(rows))
        if verdict is None:
            slow = self._each(columns, range(rows))
            fast = self._whole(columns, slow.shape[1:])
            self._note(fast is not None and _are_same(fast, slow))
            return slow
        checked = sorted({0, rows // 2, rows - 1})
        few = self._each(columns, checked)
        fast = self._whole(columns, few.shape[1:])
        if fast is not None and _are_same(fast[checked], few):
            return fast
        self._note(False)
        return self._each(columns, range(rows))

    def _each(self, columns: list[Floats], rows: Sequence[int]) -> Floats:
        drawn = [self._value(*(_single(column[row]) for column in columns)) for row in rows]
        shapes = {value.shape for value in drawn}
        if len(shapes) > 1:
            raise InvalidParameterError(f"{self.name} gives values of different shapes: {sorted(shapes)}")
        return np.stack(drawn)

    def _value(self, *arguments: Any) -> Floats:
        value = self.function(*arguments)
        try:
            result = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise InvalidParameterError(f"{self.name} gives {value!r}, which is neither a number nor a vector") from None
        if result.ndim > 1:
            raise InvalidParameterError(f"{self.name} gives an array of shape {result.shape}, not a number or a vector")
        return result

    def _whole(self, columns: list[Floats], event: tuple[int, ...]) -> Floats | None:
        """One call with the rows along the last axis, so that ``x[0]`` is the first component of all rows."""
        arguments = [np.moveaxis(column, 0, -1).copy() for column in columns]
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(self.function(*arguments), dtype=float)
        except Exception:
            return None
        rows = len(columns[0])
        return np.moveaxis(value, -1, 0) if value.shape == (*event, rows) else None

    def _verdict(self) -> bool | None:
        try:
            return _VERDICTS.get((self.function, self.ranks))
        except TypeError:  # an unhashable callable is called row by row
            return False

    def _note(self, verdict: bool) -> None:
        if len(_VERDICTS) >= _LIMIT:
            _VERDICTS.clear()
        _VERDICTS[self.function, self.ranks] = verdict


def _single(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else np.array(value)


def _are_same(fast: Floats, slow: Floats) -> bool:
    finite = np.abs(slow[np.isfinite(slow)])
    size = float(finite.max(initial=0.0))
    return bool(np.allclose(fast, slow, rtol=_TOLERANCE, atol=_TOLERANCE * size, equal_nan=True))
