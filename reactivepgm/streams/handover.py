"""From producers to an engine: across threads and loops, and what happens when they are faster than it.

    producer    --1-2-3-4-------5---->
    engine      --|    |    |    |--->    busy in between
    latest      --1----4---------5---     2 and 3 dropped, and counted
    queue       --1----2----3----4-5-     nothing dropped; a full queue blocks or raises
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Literal

from reactivex import Observable, abc, operators
from reactivex.scheduler.eventloop import AsyncIOThreadSafeScheduler

from reactivepgm.errors import DataError


def observe_on(
    where: abc.SchedulerBase | asyncio.AbstractEventLoop | None = None,
) -> Callable[[Observable[Any]], Observable[Any]]:
    """An operator that brings observations to the engine's thread.

        producer's thread   --1--2-----3------>
        engine's thread     ---1--2-----3----->

    Args:
        where: the engine's asyncio loop, a reactivex scheduler that runs in the engine's thread, or None for the running
            loop.

    Raises:
        RuntimeError: nothing is given and no loop runs.

    Example:
        >>> import reactivex
        >>> from reactivex.scheduler import ImmediateScheduler
        >>> reactivex.of(1.0, 0.0).pipe(observe_on(ImmediateScheduler())).subscribe(print).dispose()
        1.0
        0.0
    """
    if where is None:
        where = asyncio.get_running_loop()
    scheduler = AsyncIOThreadSafeScheduler(where) if isinstance(where, asyncio.AbstractEventLoop) else where
    return operators.observe_on(scheduler)


class Handover(abc.ObserverBase[Any]):
    """Between producers in any thread and one engine: an observer for them, an iterable for it.

    Give it to ``infer_online`` as its data stream; or ``.aiter()`` of it, where the engine runs in an asyncio loop.

    Args:
        maxsize: how many observations may wait; 0 for any number.
        when_full: let the producer wait, raise, or drop the oldest (which is counted).

    Attributes:
        dropped: how many observations were dropped.
    """

    def __init__(self, maxsize: int, when_full: Literal["block", "raise", "drop"]) -> None:
        if maxsize < 0:
            raise ValueError(f"maxsize must be 0 or more, not {maxsize}")
        if when_full not in ("block", "raise", "drop"):
            raise ValueError(f'when_full must be "block", "raise" or "drop", not {when_full!r}')
        self.dropped = 0
        self._maxsize = maxsize
        self._when_full = when_full
        self._items: deque[Any] = deque()
        self._changed = threading.Condition()
        self._is_finished = False
        self._error: BaseException | None = None
        self._wakers: list[Callable[[], object]] = []
        self._refusal: str | None = None
        self._is_deserted = False

    def __len__(self) -> int:
        return len(self._items)

    # -- for producers

    def put(self, item: Any, timeout: float | None = None) -> None:
        """Hand an observation over; callable from any thread.

        Args:
            item: the observation.
            timeout: how many seconds to wait for a place; None for as long as it takes.

        Raises:
            DataError: no place is left, the stream was finished, or nobody takes from it any more.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while self._must_wait:
                rest = None if end is None else end - time.monotonic()
                if rest is not None and rest <= 0:
                    break
                self._changed.wait(rest)
            self._store(item)

    async def aput(self, item: Any) -> None:
        """Hand an observation over from an asyncio task; waits without blocking the loop."""
        while True:
            with self._changed:
                if not self._must_wait:
                    self._store(item)
                    return
                woken = self._wait()
            await woken

    def finish(self) -> None:
        """No observation follows; what waits is still taken."""
        with self._changed:
            self._is_finished = True
            self._wake()

    def on_next(self, value: Any) -> None:
        """The same as ``put``, for ``observable.subscribe(handover)``."""
        self.put(value)

    def on_error(self, error: Exception) -> None:
        """The engine meets the error after what was handed over before it."""
        self._error = error
        self.finish()

    def on_completed(self) -> None:
        """The same as ``finish``."""
        self.finish()

    # -- for the engine

    def abandon(self, reason: str) -> None:
        """Nobody takes any more: who iterates comes to an end, who waits for a place is refused; what waits stays.

        An engine does so when it stops or fails, and whoever iterates anew takes it back.

        Args:
            reason: what producers are told.
        """
        with self._changed:
            self._refusal = reason
            self._wake()

    def __iter__(self) -> Iterator[Any]:
        """Observations in their order; waits for the next until the stream is finished."""
        self.reopen()
        return self._taken()

    def _taken(self) -> Iterator[Any]:
        try:
            while True:
                with self._changed:
                    while not self._items and not self._is_finished and self._refusal is None:
                        self._changed.wait()
                    if not self._items or self._refusal is not None:
                        break
                    item = self._take()
                yield item
        except GeneratorExit:
            self._desert()
            raise
        if self._error is not None and self._refusal is None:
            raise self._error

    def aiter(self) -> Awaited:
        """The same for an asyncio task: an async iterable that waits without blocking the loop."""
        return Awaited(self)

    async def awaited(self) -> AsyncIterator[Any]:
        """What one ``async for`` over ``aiter()`` takes."""
        try:
            while True:
                with self._changed:
                    if self._refusal is not None or (not self._items and self._is_finished):
                        break
                    item = (self._take(),) if self._items else None
                    woken = None if item is not None else self._wait()
                if item is not None:
                    yield item[0]
                elif woken is not None:
                    await woken
        except GeneratorExit:
            self._desert()
            raise
        if self._error is not None and self._refusal is None:
            raise self._error

    def reopen(self) -> None:
        """Somebody takes again."""
        with self._changed:
            self._refusal, self._is_deserted = None, False

    def _desert(self) -> None:
        """Who iterated has left in the middle: producers that wait for a place would wait for ever."""
        with self._changed:
            self._is_deserted = True
            self._wake()

    # -- inside; the lock is held

    @property
    def _is_full(self) -> bool:
        return 0 < self._maxsize <= len(self._items)

    @property
    def _must_wait(self) -> bool:
        is_over = self._is_finished or self._is_deserted or self._refusal is not None
        return self._is_full and self._when_full == "block" and not is_over

    def _store(self, item: Any) -> None:
        if self._is_finished:
            raise DataError("the stream was finished: no observation can follow")
        if self._refusal is not None:
            raise DataError(f"nobody takes observations any more, {len(self._items)} wait: {self._refusal}")
        if self._is_full:
            if self._is_deserted and self._when_full == "block":
                raise DataError(f"{self._maxsize} observations wait, and whoever took them has left off")
            if self._when_full != "drop":
                raise DataError(
                    f"{self._maxsize} observations wait and the engine has taken none of them in time: take them faster,"
                    ' queue(maxsize=...) more, or drop old ones with latest()'
                )
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._wake()

    def _take(self) -> Any:
        """The oldest one that waits."""
        item = self._items.popleft()
        self._wake()
        return item

    def _wait(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._wakers.append(lambda: loop.call_soon_threadsafe(_resolve, future))
        return future

    def _wake(self) -> None:
        self._changed.notify_all()
        wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()


class Awaited:
    """A handover as an async iterable."""

    def __init__(self, handover: Handover) -> None:
        self._handover = handover

    def __aiter__(self) -> AsyncIterator[Any]:
        self._handover.reopen()
        return self._handover.awaited()

    def abandon(self, reason: str) -> None:
        """The same as the handover's."""
        self._handover.abandon(reason)


def queue(maxsize: int, *, when_full: Literal["block", "raise"] = "block") -> Handover:
    """A handover that loses nothing: when it is full the producer waits, or gets an error.

        producer    --1-2-3-4-------->
        engine      --1----2----3---4->

    Args:
        maxsize: how many observations may wait; 0 for any number.
        when_full: what a producer meets when there is no place.

    Example:
        >>> inbox = queue(10)
        >>> for flip in (1.0, 0.0, 1.0):
        ...     inbox.put(flip)
        >>> inbox.finish()
        >>> list(inbox)
        [1.0, 0.0, 1.0]
    """
    if when_full not in ("block", "raise"):
        raise ValueError(f'when_full must be "block" or "raise", not {when_full!r}; latest() drops')
    return Handover(maxsize, when_full)


def latest() -> Handover:
    """A handover that keeps the newest observation only; those that it drops are counted in ``dropped``.

        producer    --1-2-3-4-------5-->
        engine      --1----4---------5->

    Example:
        >>> inbox = latest()
        >>> for flip in (1.0, 0.0, 1.0):
        ...     inbox.put(flip)
        >>> inbox.finish()
        >>> list(inbox), inbox.dropped
        ([1.0], 2)
    """
    return Handover(1, "drop")


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
