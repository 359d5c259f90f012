"""What is done to a graph, one thing after another: a subscriber's updates wait for the end of the present wave.

    done          --1-----------3--->
    a subscriber  -----2a-2b-------->      (in the middle of 1)
    waves         --1----2a--2b-3--->
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from reactivepgm.streams.propagation import Propagation

Action = Callable[[], None]


class Order:
    """Actions in the order in which they were asked for, without recursion; nobody sees a wave begin in another.

    Args:
        propagation: the work-list of the graph.
        wave: runs what is marked.

    Example:
        >>> done = []
        >>> order = Order(Propagation(), lambda: done.append("wave"))
        >>> with order.batch():
        ...     order.do(lambda: done.append("a"))
        ...     order.do(lambda: done.append("b"))
        >>> done
        ['a', 'b', 'wave']
    """

    def __init__(self, propagation: Propagation, wave: Action) -> None:
        self._propagation = propagation
        self._wave = wave
        self._queued: deque[Action] = deque()
        self._batched: list[Action] | None = None
        self._is_working = False

    def do(self, action: Action) -> None:
        """Do it; with the rest of a batch; or, for a subscriber in the middle of a wave, when what came before is done."""
        if self._batched is not None:
            self._batched.append(action)
            return
        self._queued.append(action)
        if self._propagation.is_running or self._is_working:
            return
        self._is_working = True
        try:
            while self._queued:
                self._queued.popleft()()
        finally:
            self._is_working = False

    def advance(self) -> None:
        """Run what is marked, unless a wave runs or a batch is being done: then they do."""
        if self._propagation.is_busy:
            return
        if self._is_working:
            self._wave()
        else:
            self.do(self._wave)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Several actions, one wave; a batch inside another is a part of it."""
        if self._batched is not None:
            yield
            return
        batched: list[Action] = []
        self._batched = batched
        try:
            yield
        finally:
            self._batched = None
            if batched:
                self.do(partial(self._together, batched))

    def _together(self, actions: list[Action]) -> None:
        with self._propagation.batch():
            for action in actions:
                action()
        self.advance()
