"""An engine's data stream: subscribed to, read here, read in a thread, or awaited.

    fresh     --start, run, for, async for-->  reading  --end of the stream, error, stop-->  over

An engine reads its stream once; one that is over takes nothing more, and its observables have ended.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, aclosing, closing
from typing import Any, Literal, Self

from reactivex import Observable, operators
from reactivex.subject import Subject

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, EngineError
from reactivepgm.inference.meter import meter
from reactivepgm.streams import Handover, queue


class Reading:
    """Drives ``observe`` from a data stream; what ends the stream ends the observables.

    Args:
        stream: a reactivex Observable, an iterable, an async iterable, or None.
        progress: whether ``run`` and ``run_async`` show a bar; None for in a terminal only.

    Attributes:
        unread: what the stream gave after the engine had been stopped; it was not taken in.

    Raises:
        DataError: the stream is none of these.
    """

    def __init__(self, stream: Any, progress: bool | None = None) -> None:
        if stream is not None and (
            isinstance(stream, str | bytes | Mapping) or not isinstance(stream, Observable | Iterable | AsyncIterable)
        ):
            raise DataError(
                f"datastream={stream!r} gives no observations one by one; it must be an iterable, an async iterable or an"
                ' Observable of them, such as  [{"y": 1.0}, {"y": 2.0}]'
            )
        self.count = 0
        self.unread: list[Any] = []
        self._progress = progress
        self._stream: Any = stream
        self._turn = threading.RLock()
        self._state: Literal["fresh", "reading", "over"] = "fresh"
        self._reason = ""
        self._is_stopping = False
        self._is_busy = False
        self._failure: BaseException | None = None
        self._ended = threading.Event()
        self._source: Any = None
        self._stops: Subject[None] = Subject()
        self._wakers: list[Callable[[], object]] = []
        self._thread: int | None = None

    def observe(self, observation: Any) -> None:
        """Take one observation in."""
        raise NotImplementedError

    def settle(self) -> None:
        """Deal with what still waits when the stream has ended."""
        raise NotImplementedError

    def complete(self) -> None:
        """End all observables."""
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        """End all observables with an error."""
        raise NotImplementedError

    def snapshot(self) -> Mapping[str, Distribution]:
        """All posteriors as they are now."""
        raise NotImplementedError

    @property
    def is_over(self) -> bool:
        """Whether the stream has ended, failed or been stopped: the engine takes nothing more."""
        return self._state == "over"

    @property
    def turn(self) -> AbstractContextManager[Any]:
        """What every thread holds while it observes, subscribes, reads or stops; between observations it is free."""
        return self._turn

    # -- reading

    def start(self) -> Self:
        """Read the data stream: an Observable is subscribed to, an iterable is read in a thread of its own.

        Raises:
            EngineError: there is no stream, it is read already or was, or it is an async one.
        """
        if isinstance(self._stream, AsyncIterable):
            raise EngineError("an async datastream is read by  async for posteriors in engine  or  await engine.run_async()")
        self._begin("start()")
        if isinstance(self._stream, Observable):
            self._stream.pipe(operators.take_until(self._stops)).subscribe(self._next, self._end, self._finish)
        else:
            self._source = self._source or iter(self._stream)
            worker = threading.Thread(target=self._read, name="reactivepgm engine", daemon=True)
            worker.start()
            self._thread = worker.ident
        return self

    def run(self) -> Self:
        """Read the data stream to its end, here and now.

        Raises:
            EngineError: there is no stream, or it is read already or was.
        """
        with meter(self._progress, self._stream, lambda: self.count) as advance:
            for _ in self._pull("run()"):
                if advance is not None:
                    advance()
        return self

    async def run_async(self) -> Self:
        """Read the data stream, async or not, to its end."""
        with meter(self._progress, self._stream, lambda: self.count) as advance:
            async with aclosing(self._await("run_async()")) as turns:
                async for _ in turns:
                    if advance is not None:
                        advance()
        return self

    def __iter__(self) -> Iterator[Mapping[str, Distribution]]:
        """Read the data stream; gives all posteriors after every observation, in a dictionary that stays as it is.

        A loop that is left in the middle may be taken up again; an Observable is subscribed to at its begin, and what it
        sends meanwhile waits.
        """
        with closing(self._pull("for")) as turns:
            for _ in turns:
                yield self.snapshot()

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Distribution]]:
        """Read the data stream, async or not; gives all posteriors after every observation."""
        async with aclosing(self._await("async for")) as turns:
            async for _ in turns:
                yield self.snapshot()

    # -- ending

    def stop(self) -> None:
        """Stop reading the stream; subscribers are completed, once the observation that is being taken in is done.

        Callable from any thread, from a subscriber, and again. A thread that waits for its stream is not waited for: what
        the stream gives it later is kept in ``unread``. A generator is closed, a queue's producers are refused.
        """
        with self._turn:
            if self._state == "over":
                return
            self._is_stopping = True
            if not self._is_busy:
                self._stopped()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the stream has ended; raise what ended it.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether it has ended.

        Raises:
            EngineError: nothing is being read, or it is read by this very thread.
        """
        if self._state == "fresh":
            raise EngineError("there is nothing to wait for: engine.start() comes first")
        if self._state == "reading" and self._is_read_here():
            raise EngineError("this thread reads the stream, so it would wait for itself; write  await engine.run_async()")
        has_ended = self._ended.wait(timeout)
        if self._failure is not None:
            raise self._failure
        return has_ended

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- inside

    def _begin(self, how: str) -> None:
        with self._turn:
            if self._stream is None:
                raise EngineError(f"there is no datastream for {how} to read; call engine.observe(...) instead")
            if self._state == "reading":
                raise EngineError(f"{how}: the engine reads its datastream already; it is read once")
            self.check_open(how)
            self._state = "reading"
            self._thread = threading.get_ident()

    def check_open(self, how: str) -> None:
        """Raise if the engine is over.

        Raises:
            EngineError: its stream has ended, failed or been stopped.
        """
        if self._state == "over":
            raise EngineError(
                f"{how}: the engine {self._reason}, and its observables have ended; make another one, or go on from a"
                " checkpoint with  resume(path, model, ...)"
            )

    def _pull(self, how: str) -> Generator[None, None, None]:
        """Take the stream in, one observation a turn; errors are told to the subscribers and raised."""
        self._begin(how)
        try:
            if self._source is None:
                self._source = iter(self._bridge() if isinstance(self._stream, Observable) else self._stream)
            for observation in self._source:
                if not self._took(observation):
                    return
                yield
                if self._state == "over":
                    return
        except GeneratorExit:
            self._pause()
            raise
        except BaseException as error:
            self._end(error)
            raise
        else:
            self._finish_aloud()
        finally:
            self._leave()

    async def _await(self, how: str) -> AsyncGenerator[None, None]:
        """The same for an asyncio task; ``stop`` ends the waiting for the next observation."""
        self._begin(how)
        loop = asyncio.get_running_loop()
        stopped = loop.create_future()
        self._wakers.append(lambda: loop.call_soon_threadsafe(_resolve, stopped))
        try:
            if self._source is None:
                stream = self._bridge().aiter() if isinstance(self._stream, Observable) else self._stream
                self._source = aiter(stream) if isinstance(stream, AsyncIterable) else _in_turns(iter(stream))
            async for observation in _until(stopped, self._source):
                if not self._took(observation):
                    return
                yield
                if self._state == "over":
                    return
        except (GeneratorExit, asyncio.CancelledError):
            self._pause()
            raise
        except BaseException as error:
            self._end(error)
            raise
        else:
            self._finish_aloud()
        finally:
            if self._state == "over" and hasattr(self._source, "aclose"):
                await self._source.aclose()

    def _bridge(self) -> Handover:
        """What an Observable sends, in order, for a loop to take."""
        inbox = queue(0)
        self._stream.pipe(operators.take_until(self._stops)).subscribe(inbox)
        return inbox

    def _read(self) -> None:
        try:
            for observation in self._source:
                if not self._took(observation):
                    self._leave()
                    return
        except BaseException as error:  # handed on to the subscribers and to join()
            try:
                self._end(error)
            finally:
                self._leave()
        else:
            self._finish()

    def _next(self, observation: Any) -> None:
        try:
            self._took(observation)
        except Exception as error:
            self._end(error)

    def _took(self, observation: Any) -> bool:
        """Take an observation in, unless the engine is over; False if it is over now."""
        with self._turn:
            if self._state == "over":
                self.unread.append(observation)
                return False
            self.observe(observation)
            return not self.is_over

    def _leave(self) -> None:
        """Close a generator that nobody will go on with, so that what it holds open is released."""
        if self._state == "over" and hasattr(self._source, "close"):
            self._source.close()

    def _pause(self) -> None:
        """A loop was left; another one may go on."""
        with self._turn:
            if self._state == "reading":
                self._state = "fresh"

    def _finish(self) -> None:
        with self._turn:
            if self._state == "over":
                return
            try:
                self.settle()
            except Exception as error:
                self._end(error)
            else:
                self._close("has read its datastream to the end", self.complete)

    def _finish_aloud(self) -> None:
        self._finish()
        if self._failure is not None:
            raise self._failure

    def _stopped(self) -> None:
        """The end that ``stop`` asked for; the turn is this thread's."""
        if self._state != "over":
            self._close("was stopped", self.complete)

    def _end(self, error: BaseException) -> None:
        with self._turn:
            if self._state != "over":
                self._failure = error
                self._close(f"failed ({type(error).__name__}: {error})", lambda: self.fail(error))

    def _close(self, reason: str, tell: Callable[[], None]) -> None:
        self._state, self._reason = "over", reason
        try:
            tell()
        finally:
            self._stops.on_next(None)
            for stream in (self._stream, self._source):
                if hasattr(stream, "abandon"):
                    stream.abandon(f"the engine {reason}")
            wakers, self._wakers = self._wakers, []
            for wake in wakers:
                wake()
            self._ended.set()

    def _is_read_here(self) -> bool:
        if self._thread == threading.get_ident() and not isinstance(self._stream, Observable):
            return True
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        return isinstance(self._stream, Observable | AsyncIterable)


async def _in_turns(source: Iterator[Any]) -> AsyncIterator[Any]:
    """An iterator that lets other tasks have their turn between its items."""
    for item in source:
        yield item
        await asyncio.sleep(0)


async def _until(stopped: asyncio.Future[None], source: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The items of a source until a future is done, also while the next one is being waited for."""
    while not stopped.done():
        reading = asyncio.ensure_future(_one(source))
        both: set[asyncio.Future[Any]] = {reading, stopped}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not reading.done():
                reading.cancel()
                await asyncio.wait({reading})
        if reading.cancelled():
            return
        found = reading.result()
        if not found:
            return
        yield found[0]


async def _one(source: AsyncIterator[Any]) -> tuple[Any, ...]:
    """The next item in a tuple; an empty one at the end."""
    try:
        return (await anext(source),)
    except StopAsyncIteration:
        return ()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
