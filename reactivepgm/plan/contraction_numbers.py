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
        own: list[tuple[IntArray, IntArray]] = []     # moment edges, and their variables
        info: list[IntArray] = []    # all others, and their variables
        at: list[IntArray] = []
        edges = 0
        for ends, modes in zip(structure.ends, structure.modes, strict=True):
            rows = ends[0].size
            self.edge_base.append(edges)
            self.family_rows.append(rows)
            self.family_ends.append(len(ends))
            for k, (end, mode) in enumerate(zip(ends, modes, strict=True)):
                number = np.arange(edges + k * rows, edges + (k + 1) * rows)
                edge_var.append(end)
                if isinstance(mode, int):
                    edge_mode.append(np.full(rows, mode, dtype=np.int8))
                    if mode:
                        own.append((number, end))
                    else:
                        info.append(number)
                        at.append(end)
                else:
                    drawn = mode != 0
                    edge_mode.append(drawn.astype(np.int8))
                    own.append((number[drawn], end[drawn]))
                    info.append(number[~drawn])
                    at.append(end[~drawn])
            base = 0
            if len(ends) == 2 and rows:
                pool = (int(self.label[ends[1][0]]), int(self.label[ends[0][0]]))
                base = self.pools.get(pool, 0)
                self.pools[pool] = base + rows
            self.bases.append(base)
            edges += rows * len(ends)
        self.edge_var = _joined(edge_var)
        self.edge_mode: NDArray[np.int8] = np.concatenate([np.empty(0, dtype=np.int8), *edge_mode])
        self.var_slot, self.label_sizes = _within(self.label, self.labels)
        self.edge_label = self.label[self.edge_var] if self.labels > 1 else np.zeros(edges, dtype=np.intp)
        self.edge_slot, self.edge_sizes = _within(self.edge_label, self.labels)
        self.moment_edge = np.full(V, -1, dtype=np.intp)
        self.degree: IntArray = np.zeros(V, dtype=np.intp)
        for number, drawn in own:
            self.moment_edge[as_index(drawn)] = number
            _count(self.degree, drawn)
        self._info_edges, heard = _joined(info), _joined(at)
        self._info_count: IntArray = np.zeros(V, dtype=np.intp)
        for end in at:
            _count(self._info_count, end)
        self._info_start = np.cumsum(self._info_count)
        self._info_start -= self._info_count
        self.degree += self._info_count
        if heard.size > 1 and not bool((heard[1:] >= heard[:-1]).all()):
            self._info_edges = self._info_edges[np.argsort(heard, kind="stable")]

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
        self.removed[as_index(variables)] = True
        if variables.size > 1 and not bool((variables[1:] > variables[:-1]).all()):
            variables = np.sort(variables)
        half.expands = self.expansions(variables)
        self.halves.append(half)

    def expansions(self, variables: IntArray) -> list[Expand]:
        """How these variables, in order, give all their messages once they have heard all."""
        if not variables.size:
            return []
        where = as_index(variables)
        count = self._info_count[where]
        width = count
        if int(count.max()) > 2:
            width = np.where(count <= 2, count, 2 ** np.ceil(np.log2(np.maximum(count, 1))).astype(np.intp))
        moment = self.moment_edge[where]
        key = width * 2
        key += moment >= 0
        if self.labels > 1:
            key *= self.labels
            key += self.label[where]
        expands = []
        for at in groups(key):
            some, w = variables[at], int(width[at][0])
            own, label = moment[at], int(self.label[some[0]])
            edges, padded = self._edges_into(some, w, label)
            expands.append(Expand(
                label=label, variable=self._places(self.var_slot, some),
                moment=self._places(self.edge_slot, own) if own[0] >= 0 else None, edges=edges, padded=padded,
            ))
        return expands

    def _edges_into(self, variables: IntArray, width: int, label: int) -> tuple[tuple[Index, ...] | IntArray, bool]:
        """The info edges of some variables, and whether padding stands where there are fewer."""
        start = self._info_start[as_index(variables)]
        if width <= 2:
            found = (self._info_edges[as_index(start + k if k else start)] for k in range(width))
            return tuple(self._places(self.edge_slot, edges) for edges in found), False
        position = np.arange(width)
        place = start[:, None] + position
        inside = position < self._info_count[variables][:, None]
        padded = not bool(inside.all())
        if padded:
            place[~inside] = 0
        edges = self.edge_slot[self._info_edges[place]]
        if padded:
            edges[~inside] = self.edge_sizes[label]
        return tuple(as_index(edges[:, k]) for k in range(width)) if width <= 4 else edges, padded

    def edge_places(self, edges: IntArray) -> Index:
        """Where edges are in their label's storage."""
        return self._places(self.edge_slot, edges)

    def variable_places(self, variables: IntArray) -> Index:
        """Where variables are in their label's storage."""
        return self._places(self.var_slot, variables)

    def _places(self, slots: IntArray, numbers: IntArray) -> Index:
        return as_index(numbers if self.labels == 1 else slots[numbers])


def _joined(parts: list[IntArray]) -> IntArray:
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, dtype=np.intp), *parts])


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


def _count(counts: IntArray, members: IntArray) -> None:
    """Adds how often each number occurs."""
    where = as_index(members)
    if isinstance(where, slice):
        counts[where] += 1
    elif members.size:
        counts += np.bincount(members, minlength=counts.size)
