"""In which order messages flow in a forest without kernels: leaves first, then back, whole rounds at a time.

Every edge carries one message in each direction. A factor with one open edge sends to its variable, a variable with one
open edge sends to its factor, and the edge closes; when all edges are closed the same steps in reverse, each with its
direction turned round, send the rest. A round without any step while edges are open is a cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reactivepgm.plan.contraction import CycleError

IntArray = NDArray[np.intp]


@dataclass(frozen=True)
class Step:
    """Edges that carry their messages at the same time."""

    to_variable: bool
    edges: IntArray


def rounds_of(variables: IntArray, factors: IntArray) -> list[Step]:
    """The steps of an exact sweep; ``variables[e]`` and ``factors[e]`` are the two ends of edge ``e``.

    Raises:
        CycleError: if the graph is not a forest.

    Example:
        >>> steps = rounds_of(np.array([0, 1]), np.array([0, 0]))
        >>> [(step.to_variable, step.edges.tolist()) for step in steps]
        [(False, [0, 1]), (True, [0, 1])]
    """
    inward: list[Step] = []
    opened = np.arange(len(variables))
    while len(opened):
        degree = np.bincount(factors[opened])
        ready = degree[factors[opened]] == 1
        steps = [Step(True, opened[ready])]
        opened = opened[~ready]
        if len(opened):
            degree = np.bincount(variables[opened])
            ready = degree[variables[opened]] == 1
            steps.append(Step(False, opened[ready]))
            opened = opened[~ready]
        steps = [step for step in steps if len(step.edges)]
        if not steps:
            raise CycleError
        inward += steps
    outward = [Step(not step.to_variable, step.edges) for step in reversed(inward)]
    return inward + outward
