"""Annotations of messages: the evidence that their scales add up to, and which inputs made them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reactivepgm.errors import ModelError
from reactivepgm.plan import Beliefs, Plan
from reactivepgm.plan.events import Event

KNOWN = ("log_scale", "inputs")


class Annotations:
    """Collects what was asked for while an inference runs.

    Args:
        names: of annotations; or the name of one.

    Raises:
        ModelError: an annotation that does not exist.

    Example:
        >>> Annotations(["inputs"]).wants_inputs
        True
    """

    def __init__(self, names: str | Iterable[str]) -> None:
        if not isinstance(names, Iterable):
            raise ModelError(f"annotations={names!r} names none; write  annotations={KNOWN!r}")
        self._names = (names,) if isinstance(names, str) else tuple(names)
        for name in self._names:
            if name not in KNOWN:
                raise ModelError(f"annotations: there is none called {name!r}; there are {', '.join(KNOWN)}")
        self._inputs: dict[tuple[str, str], tuple[str, ...]] = {}

    @property
    def wants_inputs(self) -> bool:
        """Whether messages shall be noted with their inputs."""
        return "inputs" in self._names

    def note(self, event: Event) -> None:
        """Keep the inputs of a message rule; the last call of an iteration counts."""
        if event.kind == "message rule":
            self._inputs[event.subject, event.target] = event.inputs

    def collected(self, plan: Plan, beliefs: Beliefs) -> dict[str, Any]:
        """The annotations by name: ``log_scale`` in nats; ``inputs`` from (factor, interface) to the inputs' names and classes.

        Raises:
            InferenceError: ``log_scale`` was asked for and the model has cuts or cycles.
        """
        found: dict[str, Any] = {}
        if "log_scale" in self._names:
            found["log_scale"] = plan.log_scale(beliefs)
        if "inputs" in self._names:
            found["inputs"] = dict(self._inputs)
        return found
