"""An engine's data stream: subscribed to, read here, read in a thread, or awaited."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from typing import Any, Self

from reactivex import Observable

from reactivepgm.distributions import Distribution


class Reading:
    """Drives ``observe`` from a data stream; what ends the stream ends the observables.

    Args:
        stream: a reactivex Observable, an iterable, an async iterable, or None.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._subscription: Any = None
        self._worker: threading.Thread | None = None
        self._stopping = threading.Event()
        self._failure: BaseException | None = None

    def observe(self, observation: Any) -> None:
        """Take one observation in."""
        raise NotImplementedError

    def complete(self) -> None:
        """End all observables."""
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        """End all observables with an error."""
        raise NotImplementedError

    @property
    def latest(self) -> Mapping[str, Distribution]:
        """The latest posteriors by name."""
        raise NotImplementedError

    def start(self) -> Self:
        """Read the data stream: an Observable is subscribed to, an iterable is read in a thread of its own."""
        if self._stream is None:
            raise ValueError("there is no datastream to start; call engine.observe(...) instead")
        if isinstance(self._stream, Observable):
            self._subscription = self._stream.subscribe(self._next, self._end, self.complete)
        elif isinstance(self._stream, AsyncIterable):
            raise ValueError("an async datastream is read by  async for posteriors in engine  or  await engine.run_async()")
        else:
            self._worker = threading.Thread(target=self._read, name="reactivepgm engine", daemon=True)
            self._worker.start()
        return self

    def run(self) -> Self:
        """Read an iterable data stream to its end, here and now."""
        for observation in self._stream:
            self.observe(observation)
        self.complete()
        return self

    async def run_async(self) -> Self:
        """Read an async data stream to its end."""
        async for _ in self:
            pass
        return self

    def __iter__(self) -> Iterator[Mapping[str, Distribution]]:
        """Read an iterable data stream; gives the posteriors after every observation."""
        for observation in self._stream:
            self.observe(observation)
            yield self.latest
        self.complete()

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Distribution]]:
        """Read the data stream, async or not; gives the posteriors after every observation."""
        if isinstance(self._stream, AsyncIterable):
            async for observation in self._stream:
                self.observe(observation)
                yield self.latest
        else:
            for observation in self._stream:
                self.observe(observation)
                yield self.latest
        self.complete()

    def stop(self) -> None:
        """Stop reading the stream; subscribers are completed."""
        self._stopping.set()
        if self._subscription is not None:
            self._subscription.dispose()
        if self._worker is not None and self._worker is not threading.current_thread():
            self._worker.join()
        self.complete()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the stream has ended; raise what ended it."""
        if self._worker is not None:
            self._worker.join(timeout)
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read(self) -> None:
        try:
            for observation in self._stream:
                if self._stopping.is_set():
                    return
                self.observe(observation)
        except BaseException as error:  # handed on to the subscribers and to join()
            self._end(error)
        else:
            self.complete()

    def _next(self, observation: Any) -> None:
        try:
            self.observe(observation)
        except Exception as error:
            if self._subscription is not None:
                self._subscription.dispose()
            self._end(error)

    def _end(self, error: BaseException) -> None:
        self._failure = error
        self.fail(error)

