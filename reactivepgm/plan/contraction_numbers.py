"""A forest in numbers: edges, degrees and modes, and the halves of rounds as they are planned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reactivepgm.plan.contraction_steps import Expand, Half, Index, IntArray, Pool, Structure, as_index, groups


class Numbering:
    """Edges, family-major and end-major, and what every planner reads and writes."""

    def __init__(self, structure: Structure) -> None:
        self.label = np.asarray(structure.label, dtype=np.intp)
        self.labels = structure.labels
        self.path_modes = structure.path_modes
        self.halves: list[Half] = []
        self.pools: dict[Pool, int] = {}       # elements in each pool, composites included
        self.bases: list[int] = []             # first element of each two-ended family in its pool
        self.removed = np.zeros(self.label.size, dtype=bool)
        V = self.label.size
        self.edge_base: list[int] = []
        self.family_rows: list[int] = []
        self.family_ends: list[int] = []
        edge_var, edge_mode = [], []
        edges = 0
        for ends, modes in zip(structure.ends, structure.modes, strict=True):
            rows = ends[0].size
            self.edge_base.append(edges)
            self.family_rows.append(rows)
            self.family_ends.append(len(ends))
            for end, mode in zip(ends, modes, strict=True):
                edge_var.append(end)
                edge_mode.append(np.full(rows, mode, dtype=np.int8) if isinstance(mode, int) else mode.astype(np.int8))
            base = 0
            if len(ends) == 2 and rows:
                pool = (int(self.label[ends[1][0]]), int(self.label[ends[0][0]]))
                base = self.pools.get(pool, 0)
                self.pools[pool] = base + rows
            self.bases.append(base)
            edges += rows * len(ends)
        nothing = np.empty(0, dtype=np.intp)
        self.edge_var: IntArray = np.concatenate([nothing, *edge_var])
        self.edge_mode: NDArray[np.int8] = np.concatenate([nothing.astype(np.int8), *edge_mode])
        self.degree = np.bincount(self.edge_var, minlength=V)
        self.var_slot, self.label_sizes = _within(self.label, self.labels)
        self.edge_label = self.label[self.edge_var] if self.labels > 1 else np.zeros(edges, dtype=np.intp)
        self.edge_slot, self.edge_sizes = _within(self.edge_label, self.labels)
        own = np.flatnonzero(self.edge_mode)
        self.moment_edge = np.full(V, -1, dtype=np.intp)
        self.moment_edge[self.edge_var[own]] = own
        info = np.flatnonzero(self.edge_mode == 0)
        at = self.edge_var[info]
        count = np.bincount(at, minlength=V)
        self._info_count, self._info_start = count, np.cumsum(count) - count
        ordered = at.size < 2 or bool((at[1:] >= at[:-1]).all())
        self._info_edges = info if ordered else info[np.argsort(at, kind="stable")]

    def edges_of(self, family: int, end: int) -> Index:
        """The positions, in their label's storage, of the messages at one end of a family."""
        first = self.edge_base[family] + end * self.family_rows[family]
        last = first + self.family_rows[family]
        return slice(first, last) if self.labels == 1 else as_index(self.edge_slot[first:last])

    def allocate(self, pool: Pool, size: int) -> slice:
        """Places for new elements."""
        start = self.pools.get(pool, 0)
        self.pools[pool] = start + size
        return slice(start, start + size)

    def close(self, half: Half, variables: IntArray) -> None:
        """Ends half a round that removed these variables."""
        self.removed[variables] = True
        if variables.size > 1 and not bool((variables[1:] > variables[:-1]).all()):
            variables = np.sort(variables)
        half.expands = self.expansions(variables)
        self.halves.append(half)

    def expansions(self, variables: IntArray) -> list[Expand]:
        """How these variables, in order, give all their messages once they have heard all."""
        if not variables.size:
            return []
        count = self._info_count[variables]
        width = count
        if int(count.max()) > 2:
            width = np.where(count <= 2, count, 2 ** np.ceil(np.log2(np.maximum(count, 1))).astype(np.intp))
        own = self.moment_edge[variables] >= 0
        expands = []
        for at in groups((width * 2 + own) * self.labels + self.label[variables]):
            some, w, label = variables[at], int(width[at][0]), int(self.label[variables[at][0]])
            position = np.arange(w)
            inside = position < count[at][:, None]
            padded = not bool(inside.all())
            if padded:
                place = np.where(inside, self._info_start[some][:, None] + position, 0)
                edges = np.where(inside, self.edge_slot[self._info_edges[place]], self.edge_sizes[label])
            else:
                edges = self.edge_slot[self._info_edges[self._info_start[some][:, None] + position]]
            expands.append(Expand(
                label=label, variable=as_index(self.var_slot[some]),
                moment=as_index(self.edge_slot[self.moment_edge[some]]) if bool(own[at][0]) else None,
                edges=tuple(as_index(edges[:, k]) for k in range(w)) if w <= 4 else edges, padded=padded,
            ))
        return expands


def _within(label: IntArray, labels: int) -> tuple[IntArray, list[int]]:
    """Numbers the members of each label in order."""
    if labels == 1:
        return np.arange(label.size), [label.size]
    slot, sizes = np.empty(label.size, dtype=np.intp), []
    for k in range(labels):
        members = np.flatnonzero(label == k)
        slot[members] = np.arange(members.size)
        sizes.append(members.size)
    return slot, sizes
