"""A cell is an observable that remembers its latest value, computed when what it depends on has changed.

    source   --1-----2-----------3-->
    cell     --a-----b-----------c-->
    late subscriber    ^(b)------c-->

Between cells nothing goes through reactivex operators; users compose cells with every operator there is.
"""

from __future__ import annotations

from collections.abc import Callable
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

    def finish(self) -> None:
        """Complete the stream; later subscribers get the last value and the end."""
        if self._stopped:
            return
        self._stopped = True
        observers, self._observers = self._observers, ()
        self._detach()
        for observer in observers:
            observer.on_completed()

    def fail(self, error: BaseException) -> None:
        """End the stream with an error; later subscribers get the last value and the error."""
        self._stopped = True
        self._error = error
        observers, self._observers = self._observers, ()
        self._detach()
        for observer in observers:
            observer.on_error(error)  # type: ignore[arg-type]

    def _recompute(self) -> None:
        if self._compute is not None and self._observers:
            self.push(self._compute())

    def _subscribe_core(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        if not self._observers and not self._stopped:
            self._attach()
        if self._compute is not None and self._ready():
            self._value = self._compute()
        if self._value is not _NOTHING:
            observer.on_next(self._value)
        if self._stopped:
            if self._error is None:
                observer.on_completed()
            else:
                observer.on_error(self._error)  # type: ignore[arg-type]
            return Disposable()
        self._observers = (*self._observers, observer)

        def remove() -> None:
            before = self._observers
            self._observers = tuple(other for other in before if other is not observer)
            if before and not self._observers and not self._stopped:
                self._detach()

        return Disposable(remove)
