"""Programs that were compiled before: the same plan with other numbers of the same shapes is not traced again.

What a program depends on is written down as a key: nodes and their options, which elements every edge refers to, the kinds
and shapes of all values, what is asked for, and how many rules there are.
"""

from __future__ import annotations

import hashlib
import importlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any

import jax
import numpy as np

from reactivepgm.backends.beliefs import TracedBeliefs, as_numpy, parameters_of
from reactivepgm.backends.energy import check_energy
from reactivepgm.backends.program import Outcome, Program, Values, Wishes
from reactivepgm.backends.refusal import refuse_parts
from reactivepgm.distributions import Distribution
from reactivepgm.errors import ImproperPosteriorError
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.inbox import improper
from reactivepgm.plan.place import Place
from reactivepgm.plan.plan import Plan
from reactivepgm.rulebook import TABLE

_ROOM = 64
_PROGRAMS: OrderedDict[Hashable, Program] = OrderedDict()
_LOCK = Lock()


def solve(plan: Plan, beliefs: Beliefs, wishes: Wishes) -> tuple[list[float], int, bool | None]:
    """Run a plan's program from some beliefs, and leave the posteriors there as NumPy arrays.

    Args:
        plan: with its batches in order.
        beliefs: clamped, with the initial marginals; marginals that nobody wished for are computed when they are read.
        wishes: what is asked for.

    Returns:
        The free energies, how many iterations were run, and whether they settled.

    Raises:
        ModelError: something in the plan cannot be compiled.
        ImproperPosteriorError: a posterior does not normalise.
        FreeEnergyError: a free energy is not finite.
    """
    refuse_parts(plan)
    is_exact = len(plan.batches) <= 1
    asked = Wishes(1, wishes.is_scored, None, wishes.arrays) if is_exact else wishes
    outcome, program = _outcome(plan, beliefs, asked)
    _check(plan, outcome)
    done = int(outcome.done)
    terms = np.asarray(outcome.terms)[:done]
    check_energy(plan.structure, terms)
    begun = _begun(beliefs)
    for array in range(len(plan.structure.arrays)):
        if array in outcome.marginals:
            beliefs.marginals[array] = as_numpy(program.kinds[array], outcome.marginals[array])
    others = tuple(a for a in range(len(plan.structure.arrays)) if a not in outcome.marginals)
    rest = _Rest(plan, beliefs, Wishes(done, False, None, others), begun)
    for array in others:
        beliefs.marginals[array] = rest.reader(array)
    scores = [float(score) for score in terms.sum(axis=1)] if wishes.is_scored else []
    if is_exact:
        return scores * wishes.iterations, 1, True
    return scores, done, bool(outcome.is_settled) if wishes.tolerance is not None else None


class _Rest:
    """The marginals that nobody wished for: all of them by one more program, when the first is read."""

    def __init__(self, plan: Plan, beliefs: Beliefs, wishes: Wishes, begun: Mapping[int, Distribution]) -> None:
        self._plan, self._beliefs, self._wishes, self._begun = plan, beliefs, wishes, begun
        self._found: dict[int, Distribution] = {}

    def reader(self, array: int) -> Callable[[], Distribution]:
        """The function that reads one of them."""

        def read() -> Distribution:
            if not self._found:
                outcome, program = _outcome(self._plan, self._beliefs, self._wishes, self._begun)
                self._found = {a: as_numpy(program.kinds[a], parts) for a, parts in outcome.marginals.items()}
            return self._found[array]

        return read


def compilations() -> int:
    """How often programs that are kept were traced to be compiled.

    Example:
        >>> isinstance(compilations(), int)
        True
    """
    return sum(program.compilations for program in _PROGRAMS.values())


def _outcome(
    plan: Plan, beliefs: Beliefs, wishes: Wishes, begun: Mapping[int, Distribution] | None = None
) -> tuple[Outcome, Program]:
    begun = _begun(beliefs) if begun is None else begun
    fixed = TracedBeliefs.clamped_in(beliefs)
    masks = {family.id: mask for family in plan.structure.families if (mask := beliefs.missing(family)) is not None}
    values = Values(
        tuple(_number(value.value) for value in fixed.values()),
        tuple(masks.values()),
        {array: tuple(map(_number, parameters_of(belief))) for array, belief in begun.items()},
    )
    with double_precision():
        key = (_plan_key(plan), _value_key(plan, fixed, begun, values), tuple(_place_of(plan, id) for id in masks), wishes)
        with _LOCK:
            program = _PROGRAMS.get(key)
            if program is not None:
                _PROGRAMS.move_to_end(key)
        if program is None:
            program = Program(plan, fixed, tuple(masks), begun, wishes, values)
            with _LOCK:
                _PROGRAMS[key] = program
                while len(_PROGRAMS) > _ROOM:
                    _PROGRAMS.popitem(last=False)
        return program(values), program


def double_precision() -> AbstractContextManager[Any]:
    """Numbers of 64 bits in this context and thread; the user's own setting is left as it is."""
    switch: Any = getattr(jax, "enable_x64", None)
    if switch is None:  # as older versions have it
        switch = importlib.import_module("jax.experimental").enable_x64
    context: AbstractContextManager[Any] = switch(True)
    return context


def _begun(beliefs: Beliefs) -> dict[int, Distribution]:
    """The marginals that are there already, in order of the arrays."""
    found = {}
    for array in range(len(beliefs.structure.arrays)):
        belief = beliefs.marginals[array]
        if belief is not None:
            found[array] = belief
    return found


def _number(value: Any) -> Any:
    return np.asarray(value, dtype=np.float64)


def _place_of(plan: Plan, family: int) -> int:
    return next(place for place, found in enumerate(plan.structure.families) if found.id == family)


def _plan_key(plan: Plan) -> Hashable:
    structure = plan.structure
    place = {family.id: number for number, family in enumerate(structure.families)}
    families = tuple(
        (
            family.node.key, family.rows, _hashable(family.meta),
            tuple(
                (cluster.number, tuple((e.interface, e.component, e.array, _place_key(e.place)) for e in cluster.edges))
                for cluster in structure.clusters[family.id]
            ),
        )
        for family in structure.families
    )
    batches = tuple(
        (
            tuple((array, None if at is None else at.tobytes()) for array, at in batch.elements.items()),
            tuple((place[c.family.id], c.number, None if c.rows is None else c.rows.tobytes()) for c in batch.clusters),
        )
        for batch in plan.batches
    )
    return TABLE.version, tuple(array.size for array in structure.arrays), families, batches


def _place_key(place: Place) -> Hashable:
    """What an edge refers to: a slice by its ends, anything else by a digest."""
    if place.window is not None:
        return place.kind, place.rows, place.size, place.window.start, place.window.stop, place.window.step
    return place.kind, place.rows, place.size, hashlib.blake2b(place.index.tobytes(), digest_size=16).digest()


def _hashable(meta: Any) -> Hashable:
    try:
        hash(meta)
    except TypeError:
        return type(meta), id(meta)  # kept alive by the program of its plan
    return type(meta), meta


def _value_key(
    plan: Plan, fixed: Mapping[tuple[int, str], Distribution], begun: Mapping[int, Distribution], values: Values
) -> Hashable:
    return (
        tuple((_place_of(plan, id), name, len(point.event_shape)) for (id, name), point in fixed.items()),
        tuple(value.shape for value in values.fixed),
        tuple(
            (array, type(belief), tuple(part.shape for part in values.begun[array])) for array, belief in begun.items()
        ),
    )


def _check(plan: Plan, outcome: Outcome) -> None:
    """Raise for the first array, in the order of the plan, of which an element's posterior did not normalise."""
    for array, first in outcome.bad.items():
        variable = plan.structure.arrays[array]
        if int(first) < variable.size:
            raise ImproperPosteriorError(improper(variable, int(first)))
