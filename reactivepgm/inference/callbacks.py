"""What a user may be told while an inference runs, and how it can be stopped early.

Events in order: before_model_creation, after_model_creation, before_inference, before_iteration, before_data_update,
after_data_update, on_message_rule, on_product, on_marginal, after_iteration, after_inference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reactivepgm.errors import ModelError
from reactivepgm.plan.events import Event

EVENTS = (
    "before_model_creation",
    "after_model_creation",
    "before_inference",
    "after_inference",
    "before_iteration",
    "after_iteration",
    "before_data_update",
    "after_data_update",
    "on_message_rule",
    "on_product",
    "on_marginal",
)
_WATCHED = {"message rule": "on_message_rule", "product": "on_product", "marginal": "on_marginal"}


class Callbacks:
    """Functions by the names of events; a list of them for several.

    Args:
        functions: from an event to a function or a list of functions.

    Raises:
        ModelError: an event that does not exist.

    Example:
        >>> seen = []
        >>> Callbacks({"after_iteration": seen.append}).tell("after_iteration", 3)
        False
        >>> seen
        [3]
    """

    def __init__(self, functions: Mapping[str, Any] | None) -> None:
        self._functions: dict[str, list[Callable[..., Any]]] = {}
        for name, value in (functions or {}).items():
            if name not in EVENTS:
                raise ModelError(f"callbacks: there is no event {name!r}; there are {', '.join(EVENTS)}")
            self._functions[name] = list(value) if isinstance(value, list | tuple) else [value]

    def tell(self, event: str, *details: Any) -> bool:
        """Call the functions of an event; True if one of them asks to stop by returning True."""
        answers = [function(*details) for function in self._functions.get(event, ())]
        return any(answer is True for answer in answers)

    @property
    def watches(self) -> bool:
        """Whether somebody wants to know of single rule calls, products or marginals."""
        return any(name in self._functions for name in _WATCHED.values())

    def note(self, event: Event) -> None:
        """Pass a computed event on."""
        name = _WATCHED.get(event.kind)
        if name is not None:
            self.tell(name, event)


@dataclass
class EarlyStopping:
    """Asks to stop when the free energy has changed by less than ``rtol * (1 + |F|)`` for ``patience`` iterations.

    Used as a callback: ``infer(..., callbacks={"after_iteration": EarlyStopping(rtol=1e-6)}, free_energy=True)``.

    Attributes:
        rtol: the relative change that counts as none.
        patience: for how many iterations in a row.

    Example:
        >>> stopping = EarlyStopping(rtol=1e-3, patience=2)
        >>> [stopping(i, score) for i, score in enumerate([5.0, 4.0, 4.0, 4.0])]
        [False, False, False, True]
    """

    rtol: float = 1e-6
    patience: int = 1
    _last: float | None = field(default=None, repr=False)
    _calm: int = field(default=0, repr=False)

    def __call__(self, iteration: int, free_energy: float | None) -> bool:
        """Take note of an iteration's score; True to stop.

        Raises:
            ModelError: there is no score; ask for ``free_energy=True``.
        """
        if free_energy is None:
            raise ModelError("EarlyStopping needs the score of every iteration: add free_energy=True")
        last, self._last = self._last, free_energy
        still = last is not None and abs(free_energy - last) <= self.rtol * (1.0 + abs(free_energy))
        self._calm = self._calm + 1 if still else 0
        return self._calm >= self.patience
