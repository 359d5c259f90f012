"""A list that is cheap to append to, one row or many at once, and becomes an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Buffer:
    """Rows in the order in which they came.

    Example:
        >>> b = Buffer()
        >>> b.items.append(1)
        >>> b.extend(np.array([2, 3]))
        >>> b.items.append(4)
        >>> b.array().tolist()
        [1, 2, 3, 4]
    """

    __slots__ = ("_chunks", "_flushed", "items")

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._chunks: list[NDArray[Any]] = []
        self._flushed = 0

    def extend(self, rows: NDArray[Any]) -> None:
        """Append many rows, the first axis being the rows'."""
        self._flush()
        self._chunks.append(rows)
        self._flushed += len(rows)

    def truncate(self, rows: int) -> None:
        """Drop what was appended one by one after the first ``rows`` rows."""
        del self.items[rows - self._flushed :]

    def array(self, dtype: Any = None) -> NDArray[Any]:
        """All rows as one array."""
        self._flush()
        if len(self._chunks) != 1:
            self._chunks = [np.concatenate(self._chunks)] if self._chunks else [np.zeros(0, dtype=dtype)]
        return self._chunks[0] if dtype is None else self._chunks[0].astype(dtype, copy=False)

    def _flush(self) -> None:
        if self.items:
            self._chunks.append(np.array(self.items))
            self._flushed += len(self.items)
            self.items = []
