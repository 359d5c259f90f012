"""What an engine hands out: observables by name, computed because somebody listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from reactivepgm.errors import ModelError
from reactivepgm.streams import Cell, Propagation


class Outlet(Cell):
    """A cell that tells the engine when it gets its first listener, and when the last one has gone.

    Args:
        propagation: has the lock.
        rewire: told of the first listener and of the last one.
        moment: the same object until the next observation has been taken in; nothing older than that is replayed.
    """

    def __init__(self, propagation: Propagation, rewire: Callable[[], None], moment: Callable[[], object]) -> None:
        super().__init__(propagation, 0)
        self._rewire = rewire
        self._moment = moment
        self._left: object = None
        self.when(lambda: True, attach=self._come, detach=self._gone)

    def _come(self) -> None:
        if self._left is not self._moment():
            self.forget()

    def _gone(self) -> None:
        self._left = self._moment()
        self._rewire()

    def _subscribe_core(self, observer: Any, scheduler: Any = None) -> Any:
        before = self.is_observed
        subscription = super()._subscribe_core(observer, scheduler)
        if not before and self.is_observed:
            self._rewire()
        return subscription


class Outlets:
    """The outlets of one kind, by name, made when they are asked for.

    Until the first observation any name may be asked for; then those that do not exist are errors.
    """

    def __init__(self, propagation: Propagation, rewire: Callable[[], None], moment: Callable[[], object], kind: str) -> None:
        self._propagation = propagation
        self._rewire = rewire
        self._moment = moment
        self._kind = kind
        self._cells: dict[str, Outlet] = {}
        self._known: set[str] | None = None

    def __getitem__(self, name: str) -> Outlet:
        if name not in self._cells:
            if self._known is not None and name not in self._known:
                raise KeyError(self._unknown(name, self._known))
            self._cells[name] = Outlet(self._propagation, self._rewire, self._moment)
        return self._cells[name]

    def check(self, known: set[str]) -> None:
        """The names are known from now on; raise for one that was asked for and does not exist."""
        self._known = known
        for name in self._cells:
            if name not in known:
                raise ModelError(self._unknown(name, known))

    def _unknown(self, name: str, known: set[str]) -> str:
        return f"no {self._kind} named {name!r}; there are: {', '.join(sorted(known))}"

    @property
    def observed(self) -> list[str]:
        """The names that somebody listens to."""
        return [name for name, cell in self._cells.items() if cell.is_observed]

    def all(self) -> Iterable[Outlet]:
        """All cells."""
        return self._cells.values()
