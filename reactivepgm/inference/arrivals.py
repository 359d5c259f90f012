"""Partial observations: wait until every datum has come, or step at each with the rest missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from reactivepgm.errors import DataError


class Arrivals:
    """Queues of data that arrive apart; nothing that came is dropped.

    Attributes:
        when: "all" or "any".
        queues: what waits, by name; names for which nothing waits are not there.

    Example:
        >>> arrivals = Arrivals("all")
        >>> list(arrivals.complete({"a": 1.0}, ("a", "b")))
        []
        >>> list(arrivals.complete({"b": 2.0}, ("a", "b")))
        [{'a': 1.0, 'b': 2.0}]
    """

    def __init__(self, when: Literal["all", "any"]) -> None:
        self.when = when
        self.queues: dict[str, deque[Any]] = {}

    def waiting(self) -> dict[str, list[Any]]:
        """What has come and waits for the rest."""
        return {name: list(queue) for name, queue in self.queues.items()}

    def rest(self, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """What waits, as observations in which the rest is missing; nothing waits afterwards."""
        while self.queues:
            yield {name: self._taken(name) if name in self.queues else None for name in names}

    def refill(self, waiting: Mapping[str, list[Any]]) -> None:
        """Take over what waited elsewhere."""
        self.queues.clear()
        self.queues.update({name: deque(values) for name, values in waiting.items() if values})

    def _taken(self, name: str) -> Any:
        queue = self.queues[name]
        value = queue.popleft()
        if not queue:
            del self.queues[name]
        return value

    def complete(self, observation: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """The observations that are complete now, each with all names.

        Args:
            observation: what came.
            names: the data of a whole observation.
        """
        for name in observation:
            if name not in names:
                raise DataError(f"there are no data called {name} in the model; an observation has {', '.join(names)}")
        if self.when == "any" or (len(observation) == len(names) and not self.queues):
            yield {**dict.fromkeys(names), **observation}
            return
        for name, value in observation.items():
            self.queues.setdefault(name, deque()).append(value)
        while len(self.queues) == len(names):
            yield {name: self._taken(name) for name in names}
