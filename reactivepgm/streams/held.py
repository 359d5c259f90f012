"""Posteriors held back until they are released."""

from __future__ import annotations

from collections.abc import Callable


class ScheduledUpdates:
    """Variables whose regions wait: their posteriors stay as they are until ``release``.

        data       --1---2------3------------>
        release    ----------r-------r------->
        posterior  ----------p2------p3------>

    Whatever reads the posteriors meanwhile, subscribers and other regions, sees the old ones.

    Args:
        arrays: ids of the variable arrays.
        advance: runs what is marked.
        forget: takes this out of the graph.
    """

    def __init__(
        self, arrays: frozenset[int], advance: Callable[[], None], forget: Callable[[ScheduledUpdates], None]
    ) -> None:
        self.arrays = arrays
        self.is_open = False
        self._advance = advance
        self._forget = forget

    def release(self) -> None:
        """Bring the posteriors up to date with everything that has come; what comes later waits again."""
        self.is_open = True
        try:
            self._advance()
        finally:
            self.is_open = False

    def dispose(self) -> None:
        """Hold nothing back any more."""
        self._forget(self)
        self._advance()
