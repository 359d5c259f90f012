"""What does not fit: which datum or parameter is at fault, and what becomes of its observation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from reactivepgm.errors import DataError, InvalidParameterError, ReactivePGMError
from reactivepgm.inference.course import Course
from reactivepgm.inference.feedback import Feedback

OnBad = Literal["raise", "skip", "missing"]
Observation = Mapping[str, Any]


class Faults:
    """Judges errors by ``on_bad_observation``.

    Args:
        policy: "raise", "skip", or "missing".
        course: the graph, and the last inputs that went well.
        feedback: what returned the parameters.

    Attributes:
        policy: as it was given.
        skipped: how many observations were left out.

    Raises:
        ValueError: another policy.
    """

    def __init__(self, policy: OnBad, course: Course, feedback: Feedback) -> None:
        if policy not in ("raise", "skip", "missing"):
            raise ValueError(f'on_bad_observation must be "raise", "skip" or "missing", not {policy!r}')
        self.policy = policy
        self.skipped = 0
        self._course = course
        self._feedback = feedback

    def note(self, observation: Any, number: int, error: Exception) -> None:
        """Note which observation an error came with, once."""
        if hasattr(error, "__notes__"):
            return
        names = self._course.names
        if not isinstance(observation, Mapping) and len(names) == 1:
            observation = {names[0]: observation}
        shown = dict(observation) if isinstance(observation, Mapping) else observation
        error.add_note(f"observation {number}: {shown!r}")

    def leave_out(self, error: ReactivePGMError) -> None:
        """An observation does not fit: raise, or count it as skipped."""
        if self.policy == "raise":
            raise error
        self.skipped += 1

    def is_let_pass(self, name: str, error: DataError) -> bool:
        """Whether a datum that does not fit counts as missing; else the observation is left out, or the error raised."""
        if name not in self._course.shape.names:
            raise error
        if self.policy == "missing" and name in self._course.shape.outputs:
            return True
        self.leave_out(error)
        return False

    def judge(
        self, observation: Observation, inputs: list[Any], missing: frozenset[str], error: ReactivePGMError
    ) -> tuple[list[Any], frozenset[str]] | None:
        """A step failed: because of a parameter that was fed back, of a datum, or of the model.

        Returns:
            The inputs and what is missing in them, with which the step goes well; None where the observation is left out.
        """
        if not isinstance(error, (DataError, InvalidParameterError)):
            raise error
        self._check_parameters(inputs)
        present = [name for name in observation if name in self._course.shape.outputs and name not in missing]
        if self.policy == "missing" and self._fault(inputs, missing.union(present)) is None:
            alone = [name for name in present if self._fault(inputs, missing.union(present) - {name}) is not None]
            bad = alone or present
            return self._without(inputs, bad), missing.union(bad)
        self.leave_out(error)
        return None

    def _check_parameters(self, inputs: list[Any]) -> None:
        """Raise where the parameters fail with data that went well before."""
        shape, good = self._course.shape, self._course.good
        if not shape.parameters or good is None:
            return
        missing, probe = good[0], list(good[1])
        for name in shape.parameters:
            probe[shape.order[name]] = inputs[shape.order[name]]
        fault = self._fault(probe, missing)
        if fault is not None:
            fault.args = (f"a value that {self._feedback} returned does not fit: {fault}",)
            raise fault

    def _without(self, inputs: list[Any], names: list[str]) -> list[Any]:
        """The inputs with the last good values of some data."""
        kept = list(inputs)
        for name in names:
            slot = self._course.shape.order[name]
            kept[slot] = self._course.inputs[slot]
        return kept

    def _fault(self, inputs: list[Any], missing: frozenset[str]) -> ReactivePGMError | None:
        """What is wrong with a step, without taking it."""
        carried = self._course.shape.stepper.state
        state = dict(carried)
        try:
            self._course.compiled(missing)(*inputs)
        except (DataError, InvalidParameterError) as error:
            return error
        finally:
            carried.update(state)
        return None
