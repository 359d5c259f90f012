"""The stages that messages may pass between their rule and their variable.

    rule        --a----b----c------->
    Logger      --a----b----c------->   and a line for each
    Schedule    -----a----b----c---->   when the scheduler says so
    InitVague   0-a----b----c------->   0 is vague

``where(pipeline=LoggerPipelineStage() + AsyncPipelineStage())`` on a statement, ``@model(pipeline=...)`` on all that have
none, ``randomvar(pipeline=...)`` on what reaches a variable, after the stages of the statements that send it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable
from reactivex.scheduler import CurrentThreadScheduler
from reactivex.scheduler.eventloop import AsyncIOScheduler
from reactivex.subject import Subject

from reactivepgm.distributions import Distribution
from reactivepgm.plan import Origin, PipelineStage, stages_in
from reactivepgm.streams.vague import vague_message


class EmptyPipelineStage(PipelineStage):
    """Nothing: messages go through as they are, also where the model has a pipeline."""

    is_tap = True
    is_empty = True


class LoggerPipelineStage(PipelineStage):
    """Writes a line for every batched message.

        messages   --a----b-------->
        output     --"a"--"b"------>
        out        --a----b-------->

    Args:
        output: ``print``, a ``logging.Logger`` (lines have level INFO), or any function of a line.
        rows: whether every row gets a line of its own.
        name: what lines begin with.

    Example:
        >>> from reactivepgm import Beta, Bernoulli, infer, model
        >>> @model
        ... def coin(flips):
        ...     p = ~Beta(a=1.0, b=1.0)
        ...     flips[:] = ~Bernoulli(p).where(pipeline=LoggerPipelineStage())
        >>> result = infer(coin(), data={"flips": [1, 0, 1]})
        Bernoulli -> p [3 rows]: Beta(a=[2.0, 1.0, 2.0], b=[1.0, 2.0, 1.0])
    """

    is_tap = True

    def __init__(
        self, output: logging.Logger | Callable[[str], Any] = print, *, rows: bool = False, name: str = ""
    ) -> None:
        self._write: Callable[[str], Any] = output.info if isinstance(output, logging.Logger) else output
        self._rows = rows
        self._name = f"{name}: " if name else ""

    def apply(self, message: Distribution, origin: Origin) -> Distribution:
        """The message itself; its line is written."""
        size = origin.family.rows if origin.rows is None else len(origin.rows)
        if not self._rows:
            self._write(f"{self._name}{origin.name} [{size} row{'s' * (size != 1)}]: {message!r}")
            return message
        numbers = np.arange(size) if origin.rows is None else origin.rows
        each = message if len(message.batch_shape) and message.batch_shape[0] == size else message.broadcast_to((size,))
        for place, number in enumerate(numbers):
            is_missing = origin.missing is not None and origin.missing[place]
            self._write(f"{self._name}{origin.name} [{number}]: {'missing' if is_missing else repr(each[place])}")
        return message


class InitVaguePipelineStage(PipelineStage):
    """A vague message to begin with, where one is read before the first has come: at a delay, or in a cycle.

        messages   -----a----b-------->
        out        0----a----b-------->

    Args:
        *dims: the dimension of a vector, the dimensions of a matrix, the number of categories; nothing for a scalar.
    """

    is_tap = True

    def __init__(self, *dims: int) -> None:
        self._dims = dims

    def initial(self, origin: Origin, rows: int) -> Distribution | None:
        """The vague message of the family that the interface calls for."""
        return vague_message(origin, self._dims).broadcast_to((rows,))

    def __repr__(self) -> str:
        return f"InitVaguePipelineStage({', '.join(map(str, self._dims))})"


class DiscontinuePipelineStage(PipelineStage):
    """Drops messages that a message causes while it is being passed on, so that none can cause itself.

        messages   --a(a')----b------->
        out        --a--------b------->

    Inside a sweep nothing causes itself and every message goes through; behind a delay it breaks the circle.
    """

    is_tap = True

    def connect(self, messages: Any, origin: Origin) -> Any:
        """The messages that are no echo."""

        def subscribe(observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            is_passing = False

            def on_next(message: Distribution) -> None:
                nonlocal is_passing
                if is_passing:
                    return
                is_passing = True
                try:
                    observer.on_next(message)
                finally:
                    is_passing = False

            disposable: abc.DisposableBase = messages.subscribe(
                on_next, observer.on_error, observer.on_completed, scheduler=scheduler
            )
            return disposable

        return Observable(subscribe)


class ScheduleOnPipelineStage(PipelineStage):
    """Hands messages on when a scheduler says so; its edges are borders of their regions.

        messages   --a----b-------->
        scheduler  -----s----s----->
        out        -----a----b----->

    Args:
        scheduler: any reactivex scheduler, or a ``PendingScheduler`` that waits for ``release()``.
    """

    delays = True

    def __init__(self, scheduler: abc.SchedulerBase) -> None:
        self._scheduler = scheduler

    def scheduler(self) -> abc.SchedulerBase:
        """The scheduler for the next message."""
        return self._scheduler

    def connect(self, messages: Any, origin: Origin) -> Any:
        """One scheduled action a message, so that a release passes on what has come and nothing later."""

        def subscribe(observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            group = CompositeDisposable()

            def later(deliver: Callable[[], None]) -> None:
                is_over = False
                handle: abc.DisposableBase = Disposable()

                def action(scheduler: abc.SchedulerBase, state: Any = None) -> None:
                    nonlocal is_over
                    is_over = True
                    group.remove(handle)
                    deliver()

                handle = self.scheduler().schedule(action)
                if not is_over:
                    group.add(handle)

            group.add(
                messages.subscribe(
                    lambda message: later(lambda: observer.on_next(message)),
                    observer.on_error,
                    lambda: later(observer.on_completed),
                    scheduler=scheduler,
                )
            )
            return group

        return Observable(subscribe)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._scheduler!r})"


class AsyncPipelineStage(ScheduleOnPipelineStage):
    """Hands messages on when the present work is done: on the next turn of the asyncio loop, where one runs.

        messages   --a----b-------->
        out        ---a----b------->

    Args:
        scheduler: another scheduler than that of the running loop, or of this thread where no loop runs.
    """

    def __init__(self, scheduler: abc.SchedulerBase | None = None) -> None:
        self._given = scheduler

    def scheduler(self) -> abc.SchedulerBase:
        """The given one; else the running loop's, else this thread's."""
        if self._given is not None:
            return self._given
        try:
            return AsyncIOScheduler(asyncio.get_running_loop())
        except RuntimeError:
            return CurrentThreadScheduler.singleton()

    def __repr__(self) -> str:
        return f"AsyncPipelineStage({'' if self._given is None else repr(self._given)})"


def connected(
    stage: PipelineStage,
    origin: Origin,
    arrive: Callable[[Distribution], None],
    fail: Callable[[BaseException], None],
) -> Callable[[Distribution], None]:
    """The near end of a pipeline: what is put in there comes out by ``arrive``, when it comes.

    Args:
        stage: the pipeline.
        origin: where its messages are from.
        arrive: takes what comes out.
        fail: takes the error that ends it.
    """
    near: Subject[Distribution] = Subject()
    messages: Any = near
    for part in stages_in(stage):
        messages = part.connect(messages, origin)
    messages.subscribe(arrive, fail)
    return near.on_next
