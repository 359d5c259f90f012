"""The calls that a guarded loop makes on the run of its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reactivepgm.language.lifting import SHORTEST, Loop, Source, length_of, started
from reactivepgm.language.lifting_run import lifted

_BAILS = 2
"""After so many failures a loop is not tried again in a run."""


class LoopHooks:
    """A part of the run: which loops are lifted, and how it went."""

    loops: Sequence[Loop] = ()
    """The loops of the model, by number."""
    attempts: Mapping[int, tuple[int, int]] = {}
    """For each loop that was tried, how often it was lifted and how often that failed."""

    started = staticmethod(started)

    @staticmethod
    def source(function: Any, *args: Any, **kwargs: Any) -> Any:
        """``enumerate(...)`` or ``zip(...)``, not yet started; another function that has the name is called."""
        if function is enumerate or function is zip:
            return Source(function, args, kwargs)
        return function(*map(started, args), **kwargs)

    def may_lift(self, number: int, source: Any) -> bool:
        """Whether lifting is worth a try."""
        if self.attempts and self.attempts.get(number, (0, 0))[1] >= _BAILS:
            return False
        length = length_of(source)
        return length is not None and length >= SHORTEST

    def lift(self, number: int, source: Any, values: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any] | None:
        """Run a loop at once; None, and nothing has happened, where that is not certain to mean the same."""
        done = lifted(self, self.loops[number], source, values, current)
        lifts, bails = self.attempts.get(number, (0, 0))
        self.attempts = {**self.attempts, number: (lifts + (done is not None), bails + (done is None))}
        return done
