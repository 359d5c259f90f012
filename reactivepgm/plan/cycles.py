"""Whether the regions of a batch have cycles, and how many regions there are, without planning their sweep.

A graph is a forest exactly when it has as many edges as it has vertices less components.
"""

from __future__ import annotations

import numpy as np

from reactivepgm.plan.colouring import components
from reactivepgm.plan.pool import concatenate_indices
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.structure import Structure


def regions_and_cycle(structure: Structure, batch: Batch) -> tuple[int, bool]:
    """The number of regions of a batch, and whether any of them has a cycle.

    Edges that join the same factor and the same variable count once: a variable may stand twice in a sum.
    """
    sizes = [batch.size(array, structure) for array in batch.elements]
    starts = dict(zip(batch.elements, np.cumsum([0, *sizes]), strict=False))
    total = sum(sizes)
    variables, factors = [], []
    count = 0
    for cluster in batch.joint:
        for edge in cluster.edges:
            variables.append(edge.place.index + starts[edge.array])
            factors.append(np.arange(count, count + cluster.size))
        count += cluster.size
    if not variables:
        return total, False
    ends = np.unique(np.stack([concatenate_indices(variables), concatenate_indices(factors) + total]), axis=1)
    number, _ = components(total + count, ends[0], ends[1])
    return number, bool(ends.shape[1] > total + count - number)
