"""A shard where it is worked on: its part of the model, its beliefs, and what the driver asks of it.

A shard stays in the process that made it, under the number of the run. Whoever is asked for a shard that is not there, or that
is not at the expected point, says so, and is given the shard's inputs and what has happened since: the broadcasts of the shared
marginals. From those every belief follows again, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ReactivePGMError
from reactivepgm.graph import Family, Forms, Graph, VariableArray
from reactivepgm.plan.arrangement import Arrangement
from reactivepgm.plan.kernels import Shape
from reactivepgm.plan.part_plan import ShardPlan

IntArray = NDArray[np.intp]
ById = Mapping[int, Distribution]


@dataclass(frozen=True)
class Inputs:
    """All that a shard is made of; nothing in it changes.

    Attributes:
        arrays: the variables of the shard's part of the model.
        families: its factors, with their data.
        forms: the forms of its variables.
        arrangement: what the shard has to know of the plan.
        initial: by array id, marginals to begin with.
        note: which shard it is, for errors.
    """

    arrays: tuple[VariableArray, ...]
    families: tuple[Family, ...]
    forms: Mapping[int, Forms]
    arrangement: Arrangement
    initial: ById
    note: str


class Shard:
    """One shard and what it believes."""

    def __init__(self, inputs: Inputs) -> None:
        self.note = inputs.note
        self.plan = ShardPlan(Graph(inputs.arrays, inputs.families, forms=inputs.forms), inputs.arrangement)
        self.beliefs = self.plan.beliefs()
        self.beliefs.clamp({})
        for id, belief in inputs.initial.items():
            self.beliefs.fix(self.plan.structure.number[id], belief)

    def update(self, batch: int) -> None:
        """Update what the shard has of its own in a batch."""
        self.plan.step(batch, self.beliefs)

    def tell(self, batch: int, shapes: Mapping[int, Shape]) -> Any:
        """What the shard says to the shared elements of a batch."""
        return self.plan.tell(batch, self.beliefs, shapes)

    def take(self, batch: int, marginals: ById) -> None:
        """The new marginals of the shared elements of a batch."""
        self.plan.take(batch, self.beliefs, marginals)

    def restore(self, marginals: ById) -> None:
        """The marginals of the shared elements as they were when an iteration began."""
        self.plan.restore(self.beliefs, marginals)

    def score(self) -> float:
        """The shard's share of the free energy."""
        return self.plan.free_energy(self.beliefs)

    def marginals(self, ids: Sequence[int]) -> dict[int, Distribution]:
        """By array id, the marginals of the shard's elements of an array."""
        found = {}
        for id in ids:
            if id in self.plan.structure.number:
                array = self.plan.structure.number[id]
                belief = self.beliefs.marginals[array]
                assert belief is not None
                found[id] = belief.broadcast_to((self.plan.structure.arrays[array].size,))
        return found


Order = tuple[Callable[..., Any], *tuple[Any, ...]]
"""A method of Shard and its arguments."""


@dataclass(frozen=True)
class Reply:
    """What a process answers.

    Attributes:
        is_absent: whether the shard is not there as expected; then nothing was done.
        results: what every order gave.
    """

    is_absent: bool
    results: tuple[Any, ...] = ()


_HELD: dict[tuple[str, int], tuple[int, Shard]] = {}
"""By run and shard, how many requests the shard has answered, and the shard."""


@dataclass(frozen=True)
class Request:
    """What the driver asks of a shard.

    Attributes:
        run: whose shard; it begins with the driver's own name.
        live: the runs that the driver still has.
        shard: its number.
        version: how many requests it has answered before.
        orders: what to do.
    """

    run: str
    live: frozenset[str]
    shard: int
    version: int
    orders: tuple[Order, ...]


def answer(request: Request, inputs: Inputs | None = None, history: Sequence[Order] = ()) -> Reply:
    """Do what a request says.

    Args:
        request: the request.
        inputs: to make the shard anew.
        history: orders that bring the new shard to where it has to be.
    """
    forget(request.run.partition("/")[0], request.live)
    key = request.run, request.shard
    if inputs is None:
        version, shard = _HELD.pop(key, (-1, None))
        if shard is None or version != request.version:
            return Reply(True)
    else:
        shard = Shard(inputs)
    try:
        _done(shard, history)
        results = _done(shard, request.orders)
    except ReactivePGMError as error:
        error.add_note(shard.note)
        raise
    _HELD[key] = request.version + 1, shard
    return Reply(False, results)


def forget(driver: str, live: frozenset[str]) -> None:
    """Let go of the shards of a driver's runs that are over."""
    for run, shard in list(_HELD):
        if run.partition("/")[0] == driver and run not in live:
            _HELD.pop((run, shard), None)


def _done(shard: Shard, orders: Sequence[Order]) -> tuple[Any, ...]:
    return tuple(order(shard, *arguments) for order, *arguments in orders)
