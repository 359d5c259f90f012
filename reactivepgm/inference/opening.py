"""The first observations of an engine: their shapes build the graph, and what comes for the first time builds it anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from reactivepgm.errors import DataError, InvalidParameterError, ModelError, ReactivePGMError
from reactivepgm.graph import UnfactorizedData
from reactivepgm.inference.assembly import datum_value, is_missing, may_be_missing
from reactivepgm.inference.callbacks import Callbacks
from reactivepgm.inference.course import Course
from reactivepgm.inference.faults import Faults, Observation
from reactivepgm.inference.feedback import Feedback


class Opening:
    """Builds graphs for the shapes that observations turn out to have.

    Args:
        course: gets the graphs.
        feedback: returns the parameters that have no argument, from the initial marginals.
        faults: judges data that do not fit.
        told: hears of the model's creation.

    Attributes:
        held: observations that left shapes open; they wait for one that does not.
    """

    def __init__(self, course: Course, feedback: Feedback, faults: Faults, told: Callbacks) -> None:
        self.held: list[Observation] = []
        self._course = course
        self._feedback = feedback
        self._faults = faults
        self._told = told
        self._parameters: dict[str, Any] = {}
        self._has_begun = False

    def begin(self, observation: Any) -> None:
        """Parameters that have no argument and do not come with the data begin at what the initial marginals say."""
        if self._has_begun:
            return
        course = self._course
        names = course.names
        brought = set(observation) if isinstance(observation, Mapping) else set(names if len(names) == 1 else ())
        self._has_begun = True
        if brought.issuperset(names) or not self._feedback.is_given or not course.assembler.initialisation:
            return
        try:
            new = self._feedback(course.assembler.initialisation, observation)
        except ModelError as error:
            if isinstance(error.__cause__, KeyError):
                return
            raise
        self._parameters = {name: course.assembler.given.get(name, value) for name, value in new.items()}
        course.names = tuple(name for name in names if name not in new)

    def build(self, observation: Observation) -> list[Observation]:
        """Build the graph from the shapes of an observation; where they do not suffice, it waits for the next one.

        Returns:
            The observations that can be taken in now.
        """
        values: dict[str, Any] = {}
        for name, value in observation.items():
            try:
                values[name] = datum_value(name, value)
            except DataError as error:
                if self._faults.policy != "missing":
                    self._faults.leave_out(error)
                    return []
                values[name] = float("nan")
        course, parameters = self._course, self._parameters
        course.wrapped = {name for name, value in observation.items() if isinstance(value, UnfactorizedData)}
        self._told.tell("before_model_creation")
        try:
            graph = course.build(tuple(parameters), {**values, **parameters})
        except ReactivePGMError as error:
            if any(is_missing(value) for value in values.values()):
                self.held.append(observation)
            elif isinstance(error, DataError) and set(observation) <= set(course.names):
                self._faults.leave_out(error)
            else:
                raise
            return []
        outputs = frozenset(name for name in values if may_be_missing(graph, name))
        values = {name: np.full(np.shape(v), np.nan) if name in outputs else v for name, v in values.items()}
        try:
            course.begin(graph, tuple(parameters), {**values, **parameters}, outputs)
            self._told.tell("after_model_creation", graph)
        except (DataError, InvalidParameterError) as error:
            if outputs == set(values):  # nothing was learned from data yet: the model itself is at fault
                raise
            self._faults.leave_out(error)
            return []
        held, self.held = self.held, []
        return [*held, observation]

    def learn(self, observation: Observation) -> bool:
        """Build anew with data that come for the first time; False where the observation is left out."""
        shape, skips = self._course.shape, self._faults.policy != "missing"
        new: dict[str, Any] = {}
        for name in shape.unknown.intersection(observation):
            try:
                value = datum_value(name, observation[name])
                if not is_missing(value):
                    shape.check_rows(name, value)
                    new[name] = value
            except DataError as error:
                if not self._faults.is_let_pass(name, error):
                    return False
        for names in [list(new)] if skips else [[name] for name in new]:
            try:
                if names:
                    self._course.rebuild({}, {name: new[name] for name in names})
            except (DataError, InvalidParameterError) as error:
                if skips:
                    self._faults.leave_out(error)
                    return False
        return True

    def reopen(self) -> None:
        """The graph came from a checkpoint."""
        self._has_begun = True
