"""Partial observations: wait until every datum has come, or step at each with the rest missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from reactivepgm.errors import DataError


class Arrivals:
    """Queues of data that arrive apart; nothing that came is dropped.

    Example:
        >>> arrivals = Arrivals("all")
        >>> list(arrivals.complete({"a": 1.0}, ("a", "b")))
        []
        >>> list(arrivals.complete({"b": 2.0}, ("a", "b")))
        [{'a': 1.0, 'b': 2.0}]
    """

    def __init__(self, when: Literal["all", "any"]) -> None:
        self.when = when
        self._waiting: dict[str, deque[Any]] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether something has come that waits for the rest."""
        return bool(self._waiting) and any(self._waiting.values())

    def waiting(self) -> dict[str, list[Any]]:
        """What has come and waits for the rest."""
        return {name: list(queue) for name, queue in self._waiting.items() if queue}

    def rest(self, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """What waits, as observations in which the rest is missing; nothing waits afterwards."""
        while self.is_waiting:
            yield {name: self._waiting[name].popleft() if self._waiting.get(name) else None for name in names}

    def refill(self, waiting: Mapping[str, list[Any]]) -> None:
        """Take over what waited elsewhere."""
        self._waiting = {name: deque(values) for name, values in waiting.items()}

    def complete(self, observation: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """The observations that are complete now, each with all names.

        Args:
            observation: what came.
            names: the data of a whole observation.
        """
        for name in observation:
            if name not in names:
                raise DataError(f"there are no data called {name} in the model; an observation has {', '.join(names)}")
        if self.when == "any" or (len(observation) == len(names) and not any(self._waiting.values())):
            yield {**dict.fromkeys(names), **observation}
            return
        for name, value in observation.items():
            self._waiting.setdefault(name, deque()).append(value)
        while all(self._waiting.get(name) for name in names):
            yield {name: self._waiting[name].popleft() for name in names}
