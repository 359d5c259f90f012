"""One model on many workers: every shard updates what is its own, the driver what is shared.

    one iteration = for every batch of the plan:  shards update their own elements
                                                  shared elements in it?  shards tell sums of natural parameters,
                                                  the driver adds them to its own messages, multiplies, and broadcasts

    free energy   = sum of the shards' terms + the global part's

The batches and their order are those of the plan of the whole model, so every iteration is the iteration of one machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution, concatenate
from reactivepgm.errors import ModelError
from reactivepgm.graph.part import Cutter
from reactivepgm.inference.infer import Run
from reactivepgm.inference.shard import Inputs, Order, Shard
from reactivepgm.inference.workers import Crew, workers_of
from reactivepgm.plan.arrangement import arrangements, forgets
from reactivepgm.plan.division import GLOBAL, divided
from reactivepgm.plan.meeting import together
from reactivepgm.plan.part_plan import GlobalPlan


@dataclass
class ShardedRun(Run):
    """A run whose plates are worked on elsewhere.

    Args:
        executor: see ``infer``.
        shards: how many; by default as many as there are workers.
    """

    executor: Any = None
    shards: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        workers = workers_of(self.executor)
        count = workers.workers if self.shards is None else self.shards
        if count < 1:
            raise ModelError(f"shards={self.shards} are none\n  write  a number from 1 on, or leave it away")
        if self.messages:
            raise ModelError("messages= begin regions with cycles, which are not done on shards\n  write  no executor=")
        structure = self.plan.structure
        self._division = divided(structure, count)
        parts = [self._division.part(shard) for shard in [*range(self._division.shards), GLOBAL]]
        arranged = arrangements(self.plan, self._division, [elements for _, elements in parts])
        cutter = Cutter(self.graph, self.data)
        inputs = []
        for shard, ((rows, elements), arrangement) in enumerate(zip(parts, arranged, strict=True)):
            by_id = {structure.arrays[array].id: chosen for array, chosen in elements.items()}
            initial = {}
            for array, chosen in elements.items():
                belief = self.beliefs.marginals[array]
                if belief is not None:
                    initial[structure.arrays[array].id] = belief.broadcast_to((structure.arrays[array].size,))[chosen]
            part = cutter.part(rows, by_id)
            if shard < self._division.shards:
                inputs.append(Inputs(part.arrays, part.families, part.forms, arrangement, initial, self._note(shard)))
        self._global = GlobalPlan(part, arrangement)
        self._believed = self._global.beliefs()
        self._believed.clamp({})
        for id, belief in initial.items():
            self._believed.fix(self._global.structure.number[id], belief)
        self._forgets = forgets(self.plan, self._division)
        self._pending: list[Order] = []
        self.crew = Crew(workers, inputs)

    def _note(self, shard: int) -> str:
        """Which elements a shard has, for errors, which count within it."""
        structure, division = self.plan.structure, self._division
        shown = []
        for array, where in zip(structure.arrays, division.elements, strict=True):
            chosen = np.flatnonzero(where == shard)
            if len(chosen) and not array.anonymous:
                shown.append(f"{array.element_name(int(chosen[0]))} to {array.element_name(int(chosen[-1]))}")
        having = f", which has {', '.join(shown)}" if shown else ""
        return f"in shard {shard}{having}; numbers of rows and elements count within the shard"

    def advance(self) -> None:
        """One iteration."""
        if self._forgets:
            self.crew.begin([(Shard.restore, self._global.marginals(self._believed))])
        for number, meeting in enumerate(self._global.arrangement.meetings):
            if meeting != "joint":
                self._pending.append((Shard.update, number))
            if meeting == "none":
                self._global.step(number, self._believed)
                continue
            told = self._asked((Shard.tell, number, self._global.shapes(number, self._believed)))
            ids = dict.fromkeys(id for said in told for id in said)
            arrays = {id: self.plan.structure.arrays[self.plan.structure.number[id]] for id in ids}
            sums = {id: together([said[id] for said in told if id in said], arrays[id]) for id in ids}
            self._global.hear({id: found for id, found in sums.items() if found is not None})
            self._global.step(number, self._believed)
            marginals = self._global.marginals(self._believed, number)
            self._pending.append((Shard.restore, marginals) if meeting == "star" else (Shard.take, number, marginals))
        if any(order[0] is not Shard.restore for order in self._pending):
            self._asked()

    def _asked(self, *orders: Order) -> list[Any]:
        """What the shards answer to the last of these orders, after what is pending."""
        orders = (*self._pending, *orders)
        self._pending = []
        return [results[-1] for results in self.crew.ask(*orders)]

    def score(self) -> float:
        """The free energy, in nats."""
        shares = self._asked((Shard.score,))
        return float(np.sum(shares)) + self._global.free_energy(self._believed)

    def posterior(self, name: str) -> Distribution:
        """The belief about a variable, collected from all shards."""
        array = self._named[name]
        if array.size:
            self._collect(array.id)
        return super().posterior(name)

    def hidden(self) -> dict[str, Any]:
        """The beliefs about variables without a name, as far as they are shared or global; the others stay where they are."""
        for number, array in enumerate(self.plan.structure.arrays):
            if array.anonymous and (self._division.elements[number] == GLOBAL).all():
                self._collect(array.id)
        return super().hidden()

    def _collect(self, id: int) -> None:
        """Bring the marginals of an array together."""
        number = self.plan.structure.number[id]
        where, size = self._division.elements[number], self.plan.structure.arrays[number].size
        found, places = [], []
        if (where == GLOBAL).any():
            belief = self._believed.marginals[self._global.structure.number[id]]
            assert belief is not None
            places.append(np.flatnonzero(where == GLOBAL))
            here = np.flatnonzero(self._division.shared[number] | (where == GLOBAL))
            found.append(belief.broadcast_to((len(here),)))
        if (where != GLOBAL).any():
            for shard, marginals in enumerate(self._asked((Shard.marginals, [id]))):
                elements = np.flatnonzero(self._division.shared[number] | (where == shard))
                own = np.flatnonzero(where[elements] == shard)
                if len(own):
                    found.append(marginals[id][own])
                    places.append(elements[own])
        whole = found[0] if len(found) == 1 else concatenate(found)
        order = np.concatenate(places)
        is_ordered = len(found) == 1 or bool((np.diff(order) > 0).all())
        self.beliefs.fix(number, whole.broadcast_to((size,)) if is_ordered else whole[np.argsort(order)])

    def close(self) -> None:
        """Let the workers forget their shards."""
        self.crew.close()
