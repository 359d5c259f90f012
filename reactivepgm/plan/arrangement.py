"""How the parts of a divided model follow one plan: its batches in its order, restricted to what a part holds.

A batch with shared elements is where parts *meet*. If messages flow between variables there, the region stays whole in every
part; otherwise a shard's own elements are a batch, and its messages to the shared ones another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import ModelError
from reactivepgm.nodes import DELTA
from reactivepgm.plan.colouring import components
from reactivepgm.plan.division import Division
from reactivepgm.plan.own_edges import own_inputs
from reactivepgm.plan.pipeline import stage_of
from reactivepgm.plan.plan import Plan
from reactivepgm.plan.pool import concatenate_indices
from reactivepgm.plan.regions import Batch, batch_of
from reactivepgm.plan.structure import Cluster, Structure

IntArray = NDArray[np.intp]
Meeting = Literal["none", "star", "joint"]
_NOWHERE = -1


@dataclass(frozen=True)
class Arrangement:
    """What a part has to know of the plan.

    Attributes:
        meetings: for each batch, whether shared elements are in it, and whether messages flow between variables there.
        numbers: by array id, the batch of every element of the part, or the one batch of all; -1: never updated.
        shared: by array id, which elements of the part are shared.
    """

    meetings: tuple[Meeting, ...]
    numbers: Mapping[int, int | IntArray]
    shared: Mapping[int, IntArray]

    def batch(self, structure: Structure, number: int, *, split: bool) -> tuple[Batch | None, Batch | None]:
        """The part's own elements and the shared ones of a batch; ``split=False`` leaves all in the first."""
        colours: dict[int, IntArray] = {}
        for array, variable in enumerate(structure.arrays):
            numbers = self.numbers[variable.id]
            here = np.broadcast_to(np.asarray(numbers) == number, (variable.size,))
            if here.any():
                colours[array] = np.where(here, 0, _NOWHERE)
                if split and self.meetings[number] == "star":
                    shared = self.shared[variable.id]
                    colours[array][shared[here[shared]]] = 1
        return _coloured(structure, colours, 0), _coloured(structure, colours, 1)


def _coloured(structure: Structure, colours: Mapping[int, IntArray], wanted: int) -> Batch | None:
    chosen = {array: found for array, found in colours.items() if (found == wanted).any()}
    if not chosen:
        return None
    clusters = [c for some in structure.clusters.values() for c in some if c.edges[0].array in chosen]
    if all((found == wanted).all() for found in chosen.values()):
        return Batch(dict.fromkeys(chosen), tuple(clusters))
    return batch_of(structure, list(chosen), clusters, chosen, wanted)


def arrangements(plan: Plan, division: Division, parts: list[dict[int, IntArray]]) -> list[Arrangement]:
    """The plan as every part has to know it.

    Args:
        plan: of the whole model.
        division: how the model was divided.
        parts: for each part, its elements by array.

    Raises:
        ModelError: something in the model cannot be done part by part.
    """
    structure = plan.structure
    _refuse(structure)
    numbers = _numbers(plan)
    meetings = tuple(_meeting(batch, division) for batch in plan.batches)
    for batch, meeting in zip(plan.batches, meetings, strict=True):
        if meeting == "joint":
            _refuse_cycles(structure, batch, division)
    found = []
    for elements in parts:
        of_part: dict[int, int | IntArray] = {}
        shared: dict[int, IntArray] = {}
        for array, chosen in elements.items():
            number, id = numbers[array], structure.arrays[array].id
            of_part[id] = number if isinstance(number, int) else number[chosen]
            shared[id] = np.flatnonzero(division.shared[array][chosen])
        found.append(Arrangement(meetings, of_part, shared))
    return found


def forgets(plan: Plan, division: Division) -> bool:
    """Whether an iteration of a shard follows from the shared marginals alone, and not from its own earlier state."""
    structure = plan.structure
    span = [(int(np.min(number)), int(np.max(number))) for number in _numbers(plan)]
    local = [not shared.all() for shared in division.shared]
    return all(
        one.number == other.number or not any(local[edge.array] for edge in other.edges) or _is_earlier(one, other, span)
        for clusters in structure.clusters.values()
        for one in clusters
        for other in clusters
    )


def _is_earlier(one: Cluster, other: Cluster, span: list[tuple[int, int]]) -> bool:
    """Whether all that ``other`` is about has been updated before any of ``one``."""
    return max(span[e.array][1] for e in other.edges) < min(span[e.array][0] for e in one.edges)


def _numbers(plan: Plan) -> list[int | IntArray]:
    numbers: list[int | IntArray] = [_NOWHERE] * len(plan.structure.arrays)
    for number, batch in enumerate(plan.batches):
        for array, chosen in batch.elements.items():
            if chosen is None:
                numbers[array] = number
                continue
            before = numbers[array]
            if isinstance(before, int):
                before = numbers[array] = np.full(plan.structure.arrays[array].size, before, dtype=np.intp)
            before[chosen] = number
    return numbers


def _meeting(batch: Batch, division: Division) -> Meeting:
    met = any(
        (division.shared[array] if chosen is None else division.shared[array][chosen]).any()
        for array, chosen in batch.elements.items()
    )
    if not met:
        return "none"
    return "joint" if batch.joint else "star"


def _refuse(structure: Structure) -> None:
    """Raise for what is not done on shards, wherever it stands."""
    for family in structure.families:
        clusters = structure.clusters[family.id]
        complaint = None
        if family.node.key == DELTA.key and clusters:
            complaint = "is a function, which is approximated anew in every iteration"
        elif stage_of(family) is not None:
            complaint = "has a pipeline"
        elif any(own_inputs(cluster) for cluster in clusters):
            complaint = "has messages that depend on what comes in on their own edges (expectation propagation)"
        if complaint is not None:
            raise ModelError(
                family.site.letter(
                    f"{family.node.name} {complaint}; that is not done on shards", write="infer(...) without executor="
                )
            )
    for array, forms in structure.forms.items():
        given = getattr(forms.marginal, "marginal", None)
        if given is not None and given.batch_shape:
            variable = structure.arrays[array]
            raise ModelError(
                variable.site.letter(
                    f"the marginals of {variable.name} are given one by one; on shards one belief has to hold for all",
                    write="infer(...) without executor=",
                )
            )


def _refuse_cycles(structure: Structure, batch: Batch, division: Division) -> None:
    """A plate may touch what is shared in its region once only: anything more is a cycle through the shared variables."""
    starts = np.concatenate([[0], np.cumsum([array.size for array in structure.arrays])]).astype(np.intp)
    vertex = {}
    for array, chosen in batch.elements.items():
        vertex[array] = starts[array] + (np.arange(structure.arrays[array].size) if chosen is None else chosen)
    shared = np.concatenate(division.shared)
    ends: list[tuple[Cluster, IntArray, IntArray]] = []
    for cluster in batch.joint:
        first = vertex[cluster.edges[0].array][cluster.edges[0].place.index]
        ends += [(cluster, first, vertex[edge.array][edge.place.index]) for edge in cluster.edges[1:]]
    inner = [~shared[one] & ~shared[other] for _, one, other in ends]
    left = concatenate_indices([one[kept] for (_, one, _), kept in zip(ends, inner, strict=True)])
    right = concatenate_indices([other[kept] for (_, _, other), kept in zip(ends, inner, strict=True)])
    labels = components(int(starts[-1]), left, right)[1]
    seen = np.zeros(int(starts[-1]), dtype=bool)
    for cluster, one, other in ends:
        rows = division.rows[cluster.family.id]
        outside = (rows if cluster.rows is None else rows[cluster.rows]) >= 0
        both = shared[one] & shared[other] & outside
        inward, outward = outside & shared[other] & ~shared[one], outside & shared[one] & ~shared[other]
        touching = np.concatenate([labels[one][inward], labels[other][outward]])
        once = np.bincount(touching, minlength=len(seen))
        if both.any() or (once > 1).any() or (seen & (once > 0)).any():
            raise ModelError(
                cluster.family.site.letter(
                    "a plate of the model touches shared variables of one region more than once, so that messages would have"
                    " to go from shard to shard",
                    write="the shared coefficients as one vector, dot(X[i], w) in place of a * x[i] + b; a factorisation that"
                    " puts them into regions of their own, such as MeanField(); or infer(...) without executor=",
                )
            )
        seen |= once > 0
