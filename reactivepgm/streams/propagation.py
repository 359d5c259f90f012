"""One work-list for everything that a new datum changes: units run in order of height, each once.

A unit that depends on others is higher than all of them, so when it runs they have run: no glitch, and no recursion at
any depth. A unit marked while the list is worked off at or below the current height waits for the next propagation.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from heapq import heappop, heappush
from typing import Any

from reactivepgm.errors import ThreadError


class Unit:
    """A piece of work with a height; ``ready`` says whether what it needs has arrived."""

    __slots__ = ("dependents", "height", "marked", "ready", "run", "runs")

    def __init__(self, height: int, run: Callable[[], None], ready: Callable[[], bool] = lambda: True) -> None:
        self.height = height
        self.run = run
        self.ready = ready
        self.dependents: list[Unit] = []
        self.marked = False
        self.runs = 0


class Propagation:
    """Marks units and runs them, lowest first.

    Args:
        lock: what several threads take in turns; without it only the thread that made this may come.

    Example:
        >>> order = []
        >>> propagation = Propagation()
        >>> top, low = Unit(2, lambda: order.append("top")), Unit(1, lambda: order.append("low"))
        >>> low.dependents.append(top)
        >>> propagation.mark(low)
        >>> propagation.run()
        >>> order
        ['low', 'top']
    """

    def __init__(self, lock: AbstractContextManager[Any] | None = None) -> None:
        self._heap: list[tuple[int, int, Unit]] = []
        self._next: list[Unit] = []
        self._height = -1
        self._depth = 0
        self._serial = 0
        self._running = False
        self._thread = threading.get_ident()
        self._lock = lock
        self._later: deque[Callable[[], object]] = deque()

    def check_thread(self) -> None:
        """Raise unless called from the thread that made the graph."""
        if threading.get_ident() != self._thread:
            raise ThreadError(
                "data were pushed from another thread than the one that made the graph;\n"
                "  bring them over with  observable.pipe(reactivepgm.observe_on(loop))  or  reactivepgm.queue(maxsize)"
            )

    def turn(self) -> AbstractContextManager[Any]:
        """What a subscription happens in: the lock, where there is one, else this thread alone.

        Raises:
            ThreadError: there is no lock, and this is another thread than the graph's.
        """
        if self._lock is not None:
            return self._lock
        if threading.get_ident() != self._thread:
            raise ThreadError(
                "a subscription came from another thread than the one that made the graph;\n"
                "  subscribe there, and take the values away with  cell.pipe(reactivepgm.observe_on(scheduler))"
            )
        self._catch_up()
        return nullcontext()

    def later(self, action: Callable[[], object]) -> None:
        """Do something in a turn: now, or at the thread's next turn if this is another thread.

        Subscriptions are disposed of so, because timers and other operators do it from threads of their own.
        """
        if self._lock is not None:
            with self._lock:
                action()
        elif threading.get_ident() == self._thread:
            self._catch_up()
            action()
        else:
            self._later.append(action)

    def _catch_up(self) -> None:
        while self._later:
            self._later.popleft()()

    @property
    def is_busy(self) -> bool:
        """Whether a propagation runs, or a batch of updates is still being collected."""
        return self._running or self._depth > 0

    @property
    def is_running(self) -> bool:
        """Whether a propagation runs: who is called now is called by one of its units."""
        return self._running

    def mark(self, unit: Unit) -> None:
        """A unit has to run: in this propagation if it is still above, else in the next."""
        if unit.marked:
            return
        unit.marked = True
        if self._running and unit.height <= self._height:
            self._next.append(unit)
        else:
            self._push(unit)

    def _push(self, unit: Unit) -> None:
        self._serial += 1
        heappush(self._heap, (unit.height, self._serial, unit))

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Several updates, one propagation."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        self.run()

    def run(self) -> None:
        """Run everything that is marked and ready; nested calls leave the work to the outermost."""
        if self._depth or self._running:
            return
        self._catch_up()
        self._running = True
        waiting: list[Unit] = []
        try:
            while self._heap:
                self._height, _, unit = heappop(self._heap)
                if not unit.ready():
                    waiting.append(unit)
                    continue
                unit.marked = False
                unit.runs += 1
                unit.run()
                for dependent in unit.dependents:
                    self.mark(dependent)
        finally:
            self._running = False
            self._height = -1
            for unit in (*waiting, *self._next):
                self._push(unit)
            self._next.clear()
