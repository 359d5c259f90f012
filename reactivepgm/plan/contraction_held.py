"""Contraction that leaves chosen variables to the last, and one of them in each tree to the very end.

A tree may be contracted towards any of its variables.  Flat ones had better receive than send: what reaches them is
information that adds up, and what they would send may be flat in one direction and certain in another.  A held
variable pretends to have many more edges than it has, so that no planner takes it for a leaf or for a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.deferred import Deferred
from reactivepgm.plan.contraction_numbers import Numbering
from reactivepgm.plan.contraction_steps import Bundle, IntArray, Structure
from reactivepgm.plan.row_rounds import RowRounds

_SPARSE, _GRAPHS = Deferred("scipy.sparse"), Deferred("scipy.sparse.csgraph")
_PRETENDED = 1 << 40   # edges


@dataclass(frozen=True)
class Held:
    """Variables that are left to the last.

    Args:
        variables: their numbers.
        reluctant: for each whether it goes only after those that are not.
    """

    variables: IntArray
    reluctant: NDArray[np.bool_]

    def anchors(self, structure: Structure) -> NDArray[np.bool_]:
        """Marks one of them in each tree, a reluctant one if there is one."""
        V = structure.label.size
        pairs = [(ends[0], other) for ends in structure.ends for other in ends[1:]]
        rows, columns = (np.concatenate([np.empty(0, dtype=np.intp), *(p[k] for p in pairs)]) for k in (0, 1))
        links = _SPARSE.coo_array((np.ones(rows.size, dtype=np.int8), (rows, columns)), shape=(V, V))
        tree = _GRAPHS.connected_components(links, directed=False)[1]
        order = np.argsort(~self.reluctant, kind="stable")
        first = np.unique(tree[self.variables[order]], return_index=True)[1]
        marks = np.zeros(self.variables.size, dtype=bool)
        marks[order[first]] = True
        return marks


class HeldRounds(RowRounds):
    """Row by row, with held variables: leaves among them go when nothing else can."""

    def __init__(self, forest: Numbering, bundles: Sequence[Bundle], held: Held, structure: Structure) -> None:
        super().__init__(forest, bundles)
        waiting = ~held.anchors(structure)
        self._waiting, self._reluctant = held.variables[waiting], held.reluctant[waiting]
        self._raked = False

    def _rake(self, live: IntArray, pick: IntArray) -> bool:
        self._raked = super()._rake(live, pick)
        return self._raked

    def _compress(self, live: IntArray, priority: IntArray, candidate: NDArray[np.bool_]) -> bool:
        return super()._compress(live, priority, candidate) or (not self._raked and self._release())

    def _release(self) -> bool:
        leaf = self._degree[self._waiting] == _PRETENDED + 1
        willing = leaf & ~self._reluctant
        going = willing if willing.any() else leaf
        self._degree[self._waiting[going]] = 1
        self._waiting, self._reluctant = self._waiting[~going], self._reluctant[~going]
        return bool(going.any())


def hold(forest: Numbering, held: Held) -> None:
    """Gives held variables their pretended edges."""
    forest.degree[held.variables] += _PRETENDED
