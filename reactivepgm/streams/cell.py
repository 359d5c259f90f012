"""A cell is an observable that remembers its latest value, computed when what it depends on has changed.

    source   --1-----2-----------3-->
    cell     --a-----b-----------c-->
    late subscriber    ^(b)------c-->

Between cells nothing goes through reactivex operators; users compose cells with every operator there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from reactivepgm.streams.propagation import Propagation, Unit

_NOTHING: Any = object()


class Cell(Observable[Any]):
    """An observable that replays its latest value to new subscribers, then every later one.

    Example:
        >>> from reactivepgm.streams.propagation import Propagation
        >>> cell = Cell(Propagation(), height=0)
        >>> cell.push(1.0)
        >>> seen = []
        >>> subscription = cell.subscribe(seen.append)
        >>> cell.push(2.0)
        >>> seen
        [1.0, 2.0]
    """

    def __init__(self, propagation: Propagation, height: int, compute: Callable[[], Any] | None = None) -> None:
        super().__init__()
        self._value: Any = _NOTHING
        self._observers: tuple[abc.ObserverBase[Any], ...] = ()
        self._stopped = False
        self._error: BaseException | None = None
        self._propagation = propagation
        self._ready: Callable[[], bool] = lambda: True
        self._attach: Callable[[], None] = lambda: None
        self._detach: Callable[[], None] = lambda: None
        # What nobody listens to has nothing to wait for: it leaves the work-list as soon as it is looked at.
        self.unit = Unit(height, self._recompute, lambda: not self._observers or self._ready())
        self._compute = compute

    def when(
        self, ready: Callable[[], bool], attach: Callable[[], None] | None = None, detach: Callable[[], None] | None = None
    ) -> None:
        """Say when a value can be computed, and what to do when the first listener comes and the last one goes."""
        self._ready = ready
        self._attach = attach or self._attach
        self._detach = detach or self._detach

    @property
    def value(self) -> Any:
        """The latest value.

        Raises:
            LookupError: nothing has come yet.
        """
        if self._value is _NOTHING:
            raise LookupError("no value yet: data that it depends on have not arrived")
        return self._value

    @property
    def has_value(self) -> bool:
        """Whether a value has come."""
        return self._value is not _NOTHING

    @property
    def is_observed(self) -> bool:
        """Whether anybody listens."""
        return bool(self._observers)

    def push(self, value: Any) -> None:
        """Store a value and tell the subscribers."""
        self._value = value
        for observer in self._observers:
            observer.on_next(value)

    def forget(self) -> None:
        """Replay nothing to the next subscriber."""
        self._value = _NOTHING

    def finish(self) -> None:
        """Complete the stream; later subscribers get the last value and the end."""
        if self._stopped:
            return
        self._stopped = True
        observers, self._observers = self._observers, ()
        self._detach()
        tell_all(observer.on_completed for observer in observers)

    def fail(self, error: BaseException) -> None:
        """End the stream with an error; later subscribers get the last value and the error.

        Raises:
            BaseException: the error itself, after everybody has been told, where a subscriber has no ``on_error``.
        """
        if self._stopped:
            return
        self._stopped = True
        self._error = error
        observers, self._observers = self._observers, ()
        self._detach()
        tell_all(partial(observer.on_error, error) for observer in observers)  # type: ignore[arg-type]

    def _recompute(self) -> None:
        if self._compute is not None and self._observers:
            self.push(self._compute())

    def _subscribe_core(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        with self._propagation.turn():
            if not self._observers and not self._stopped:
                self._attach()
            try:
                if self._compute is not None and self._ready():
                    self._value = self._compute()
                if not self._stopped:
                    # Before the replay: what the subscriber does there may bring the next value.
                    self._observers = (*self._observers, observer)
                if self._value is not _NOTHING:
                    observer.on_next(self._value)
            except BaseException:
                self._observers = tuple(other for other in self._observers if other is not observer)
                if not self._observers and not self._stopped:
                    self._detach()
                raise
            if self._stopped and observer not in self._observers:
                if self._error is None:
                    observer.on_completed()
                else:
                    observer.on_error(self._error)  # type: ignore[arg-type]
                return Disposable()
        return Disposable(partial(self._propagation.later, partial(self._remove, observer)))

    def _remove(self, observer: abc.ObserverBase[Any]) -> None:
        before = self._observers
        self._observers = tuple(other for other in before if other is not observer)
        if before and not self._observers and not self._stopped:
            self._detach()


def tell_all(calls: Iterable[Callable[[], object]]) -> None:
    """Make every call, then raise the first error that one of them met: nobody goes without because of another."""
    first: BaseException | None = None
    for call in calls:
        try:
            call()
        except BaseException as error:  # raised below
            first = first or error
    if first is not None:
        raise first
