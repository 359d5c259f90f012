"""What a user may be told while an inference runs, and how it can be stopped early.

Events in order: before_model_creation, after_model_creation, before_inference, before_iteration, before_data_update,
after_data_update, the single computations (on_message_rule, on_joint_rule, on_kernel, on_product, on_marginal),
after_iteration, after_inference; on_energy_rule where a score is computed. An engine tells of the model once, of everything
else with every observation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reactivepgm.errors import ModelError
from reactivepgm.inference.trace import Trace
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
    "on_joint_rule",
    "on_energy_rule",
    "on_kernel",
    "on_product",
    "on_marginal",
)
_WATCHED = {
    "message rule": "on_message_rule",
    "joint rule": "on_joint_rule",
    "energy rule": "on_energy_rule",
    "kernel": "on_kernel",
    "product": "on_product",
    "marginal": "on_marginal",
}


class Callbacks:
    """Functions by the names of events; a list of them for several.

    Args:
        functions: from an event to a function or a list of functions; or an object with methods of these names, such as
            a ``Benchmark``; or a list of such mappings and objects.
        trace: keeps every single computation.

    Raises:
        ModelError: an event that does not exist, something that cannot be called, or an object without any.

    Example:
        >>> seen = []
        >>> Callbacks({"after_iteration": seen.append}).tell("after_iteration", 3)
        False
        >>> seen
        [3]
    """

    def __init__(self, functions: Any = None, trace: Trace | None = None) -> None:
        self._trace = trace
        self._functions: dict[str, list[Callable[..., Any]]] = {}
        for part in functions if isinstance(functions, list | tuple) else [functions]:
            if part is not None:
                self._add(part)
        self._begun = self._functions
        self.begin()

    def _add(self, part: Any) -> None:
        named = part if isinstance(part, Mapping) else {name: getattr(part, name) for name in EVENTS if hasattr(part, name)}
        if not named and not isinstance(part, Mapping):
            raise ModelError(
                f"callbacks={part!r} maps no events to functions and has no method of their names; write"
                '  callbacks={"after_iteration": function}'
            )
        for name, value in named.items():
            if name not in EVENTS:
                raise ModelError(f"callbacks: there is no event {name!r}; there are {', '.join(EVENTS)}")
            several = list(value) if isinstance(value, list | tuple) else [value]
            for function in several:
                if not callable(function):
                    raise ModelError(f"callbacks: {function!r} for {name!r} cannot be called")
            self._functions.setdefault(name, []).extend(several)

    def begin(self) -> None:
        """A new run begins: what keeps count of iterations starts afresh."""
        self._functions = {
            name: [function.fresh() if hasattr(function, "fresh") else function for function in several]
            for name, several in self._begun.items()
        }

    def tell(self, event: str, *details: Any) -> bool:
        """Call the functions of an event; True if one of them asks to stop by returning True."""
        stop = False
        for function in self._functions.get(event, ()):
            stop |= function(*details) is True
        return stop

    @property
    def is_quiet(self) -> bool:
        """Whether nobody wants to know of anything."""
        return not self._functions and self._trace is None

    @property
    def hears_iterations(self) -> bool:
        """Whether somebody wants to know of iterations, or may stop them."""
        return "before_iteration" in self._functions or "after_iteration" in self._functions

    @property
    def watches(self) -> bool:
        """Whether somebody wants to know of single rule calls, products or marginals."""
        return self._trace is not None or any(name in self._functions for name in _WATCHED.values())

    def note(self, event: Event) -> None:
        """Pass a computed event on."""
        if self._trace is not None:
            self._trace.note(event)
        name = _WATCHED.get(event.kind)
        if name is not None:
            self.tell(name, event)


QUIET = Callbacks()
"""Nobody wants to know."""


@dataclass
class EarlyStopping:
    """Asks to stop when the free energy has changed by less than ``rtol * (1 + |F|)`` for ``patience`` iterations.

    Used as a callback: ``infer(..., callbacks={"after_iteration": EarlyStopping(rtol=1e-6)}, free_energy=True)``; an engine
    scores its iterations for it by itself.

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

    def fresh(self) -> EarlyStopping:
        """The same criterion with nothing seen yet: every run, and every observation of an engine, gets its own."""
        return EarlyStopping(self.rtol, self.patience)

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
