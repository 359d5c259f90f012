"""Tree contraction as a structure: which elements meet in which round, found with array primitives.

A forest of variables and factors is contracted in rounds (Miller & Reif 1985, "Parallel tree contraction"):

    rake      a variable of degree one sends what it knows through its factor
    reduce    the same through a factor with three ends, which leaves an element with two
    compress  a variable of degree two between two-ended elements goes; the two become one composite

Each node keeps its degree and the *sum of its live edge numbers*: at degree one the sum is the edge, at degree
two the other edge is the sum minus this one, so no adjacency list is ever built.  Surviving edges keep their
numbers, so a message lives at an edge for good.  Two rules keep the number of rounds near 2 log2 n: of a path,
the variables whose bit-reversed number beats their neighbours' are compressed (exact halving on a contiguous
chain), and the ends of a path are held back from raking while its inside still shrinks.
Undone in reverse, each round knows every message into the variables that it removed, and *expands* them:
all their outgoing messages at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.intp]
Index = slice | IntArray
Pool = tuple[int, int]   # the labels of the two ends


class CycleError(Exception):
    """The graph is not a forest."""


def as_index(numbers: IntArray) -> Index:
    """Writes an arithmetic progression as a slice, which reads memory in order and copies nothing.

    >>> as_index(np.array([3, 5, 7])), as_index(np.array([3, 4, 7]))
    (slice(3, 8, 2), array([3, 4, 7]))
    """
    n = numbers.size
    if n == 1:
        return slice(int(numbers[0]), int(numbers[0]) + 1)
    if n > 1:
        step = int(numbers[1] - numbers[0])
        if step > 0 and numbers[-1] - numbers[0] == step * (n - 1) and bool((np.diff(numbers) == step).all()):
            return slice(int(numbers[0]), int(numbers[-1]) + 1, step)
    return numbers


def numbers_of(index: Index) -> IntArray:
    """The numbers that an index stands for.

    >>> numbers_of(slice(3, 8, 2))
    array([3, 5, 7])
    """
    return np.arange(index.start, index.stop, index.step) if isinstance(index, slice) else index


def position(index: Index, place: int) -> int:
    """The number at one place of an index.

    >>> position(slice(3, 8, 2), 1)
    5
    """
    return int(numbers_of(index)[place])


@dataclass(frozen=True, slots=True)
class Scatter:
    """Sums messages at edges into variables: one each where ``starts`` is None, else segments of the edges."""

    edges: Index
    variables: Index
    starts: IntArray | None


@dataclass(frozen=True, slots=True)
class Rake:
    """Leaf variables send through two-ended elements: ``source`` edge to ``target`` edge."""

    pool: Pool
    side: int
    element: Index
    variable: Index
    source: Index
    target: Index
    modes: tuple[int, int]
    into: Scatter


@dataclass(frozen=True, slots=True)
class Reduce:
    """Leaf variables at end ``end`` of three-ended rows of one family; a two-ended element stays."""

    family: int
    end: int
    row: Index
    variable: Index
    source: Index
    rest: tuple[int, int]           # the ends that stay, as (a, b) of the new element
    edges: tuple[Index, Index]      # their edges
    labels: tuple[int, int, int]    # of (leaf, a, b)
    modes: tuple[int, int, int]
    pool: Pool
    element: slice


@dataclass(frozen=True, slots=True)
class Compress:
    """Variables between two elements go: (left, x) and (x, right) become (left, right)."""

    pools: tuple[Pool, Pool]
    sides: tuple[int, int]          # where x stands in the left and in the right element
    elements: tuple[Index, Index]
    variable: Index
    inner: tuple[Index, Index]      # the edges of x
    outer: tuple[Index, Index]
    labels: tuple[int, int, int]    # of (left, x, right)
    modes: tuple[int, int, int, int]   # of the edges outer left, inner left, inner right, outer right
    pool: Pool
    element: slice


@dataclass(frozen=True, slots=True)
class Expand:
    """Variables all of whose incoming messages are known: their own moment edge and their other edges, padded.

    ``edges`` are (n,) indices, one for each position, or one (n, width) array where the width is large; the
    padding is the number of edges of that label, a row that holds zeros.
    """

    label: int
    variable: Index
    moment: Index | None
    edges: tuple[Index, ...] | IntArray
    padded: bool


@dataclass(slots=True)
class Half:
    """One half of a round: steps that touch different elements, and the expansion of what they removed."""

    steps: list[Rake | Reduce | Compress] = field(default_factory=list)
    expands: list[Expand] = field(default_factory=list)


@dataclass(frozen=True)
class Structure:
    """A forest in numbers: variables with labels (their size), families of rows, and edges.

    Edges run family-major, then end-major: all ``out`` ends of a family, then its first inputs, then its second.

    Args:
        label: (V,) label of every variable; elements and messages of one label share storage.
        ends: for each family the variables at its ends, out first, each (rows,).
        modes: for each family and end whether it is a moment end: a flag, or one for each row.
        labels: how many labels there are.
    """

    label: IntArray
    ends: Sequence[tuple[IntArray, ...]]
    modes: Sequence[tuple[IntArray | int, ...]]
    labels: int = 1


class Contraction:
    """The rounds for one forest, planned once.

    >>> chain = Structure(np.zeros(4, int), [(np.array([1, 2, 3]), np.array([0, 1, 2]))], [(1, 0)])
    >>> [type(step).__name__ for half in Contraction(chain).halves for step in half.steps]
    ['Compress', 'Compress', 'Rake']
    """

    def __init__(self, structure: Structure) -> None:
        self.label = np.asarray(structure.label, dtype=np.intp)
        self.labels = structure.labels
        self.halves: list[Half] = []
        self.pools: dict[Pool, int] = {}       # elements in each pool, composites included
        self.bases: list[int] = []             # first element (two-ended families) in its pool
        self._number(structure)
        self._run()

    # -- numbering ------------------------------------------------------------------------------------------

    def _number(self, structure: Structure) -> None:
        V = self.label.size
        self.edge_base: list[int] = []
        edge_var, edge_fac, edge_mode, ends_of, slots = [], [], [], [], []
        left, right, family_of, row_of = [], [], [], []
        edges = factors = 0
        for number, (ends, modes) in enumerate(zip(structure.ends, structure.modes, strict=True)):
            rows = ends[0].size
            self.edge_base.append(edges)
            row = np.arange(rows)
            for end, mode in zip(ends, modes, strict=True):
                edge_var.append(end)
                edge_fac.append(factors + row)
                edge_mode.append(np.broadcast_to(np.asarray(mode, dtype=np.intp), (rows,)))
            base = 0
            if len(ends) == 2:
                pool = (self._label_at(ends[1]), self._label_at(ends[0]))
                base = self.pools.get(pool, 0)
                self.pools[pool] = base + rows
            self.bases.append(base)
            ends_of.append(np.full(rows, len(ends)))
            slots.append(base + row)
            left.append(edges + rows + row)
            right.append(edges + row)
            family_of.append(np.full(rows, number))
            row_of.append(row)
            edges += rows * len(ends)
            factors += rows

        def joined(parts: list[IntArray]) -> IntArray:
            return np.concatenate(parts).astype(np.intp, copy=False) if parts else np.empty(0, dtype=np.intp)

        self.edge_var, self._edge_fac, self.edge_mode = joined(edge_var), joined(edge_fac), joined(edge_mode)
        self._fac_degree, self._slot = joined(ends_of), joined(slots)
        self._left, self._right, self._family = joined(left), joined(right), joined(family_of)
        self._row = joined(row_of)
        E = self.edge_var.size
        number_of = np.arange(E)
        self._var_degree = np.bincount(self.edge_var, minlength=V)
        # Edge numbers stay below 2**53, so these weighted counts are exact.
        self._var_sum = np.bincount(self.edge_var, weights=number_of, minlength=V).astype(np.intp)
        self._fac_sum = np.bincount(self._edge_fac, weights=number_of, minlength=factors).astype(np.intp)
        self.var_slot, self.label_sizes = _within(self.label, self.labels)
        self.edge_label = self.label[self.edge_var]
        self.edge_slot, self.edge_sizes = _within(self.edge_label, self.labels)
        self._first_edge = np.array(self.edge_base, dtype=np.intp)
        self._rows = np.array([ends[0].size for ends in structure.ends], dtype=np.intp)

        own = np.flatnonzero(self.edge_mode == 1)
        self.moment_edge = np.full(V, -1, dtype=np.intp)
        self.moment_edge[self.edge_var[own]] = own
        info = np.flatnonzero(self.edge_mode == 0)
        count = np.bincount(self.edge_var[info], minlength=V)
        self._info_count, self._info_start = count, np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.intp)
        at = self.edge_var[info]
        ordered = at.size < 2 or bool((at[1:] >= at[:-1]).all())
        self._info_edges = info if ordered else info[np.argsort(at, kind="stable")]

    def _label_at(self, variables: IntArray) -> int:
        return int(self.label[variables[0]]) if variables.size else 0

    def edges_of(self, family: int, end: int) -> Index:
        """The positions, in their label's storage, of the messages at one end of a family."""
        first = int(self._first_edge[family] + end * self._rows[family])
        return as_index(self.edge_slot[first : first + int(self._rows[family])])

    # -- rounds ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        V, E = self.label.size, self.edge_var.size
        removed = np.zeros(V, dtype=bool)
        live = np.arange(E)
        priority = _bit_reversed(V)
        candidate = np.zeros(V, dtype=bool)
        pick = np.empty(self._fac_degree.size, dtype=np.intp)
        self._alive = np.ones(E, dtype=bool)
        while live.size:
            raked = self._rake(live, pick, removed)
            if raked:
                live = live[self._alive[live]]
            compressed = self._compress(live, priority, candidate, removed)
            if compressed:
                live = live[self._alive[live]]
            if not raked and not compressed:
                raise CycleError("the factor graph has a cycle")
        self.roots = self._expansions(np.flatnonzero(~removed))
        del self._alive

    def _rake(self, live: IntArray, pick: IntArray, removed: NDArray[np.bool_]) -> bool:
        leaf = live[self._var_degree[self.edge_var[live]] == 1]
        if not leaf.size:
            return False
        # One leaf a factor: inputs come after the output, and the last written wins, so that inputs go first.
        # Raking an observed output first would put the difference of two large numbers where a sum will do.
        factor = self._edge_fac[leaf]
        pick[factor] = leaf
        leaf = leaf[pick[factor] == leaf]
        factor = self._edge_fac[leaf]
        two = self._fac_degree[factor] == 2
        half = Half()
        gone = []
        source = leaf[two]
        if source.size:
            factor2 = factor[two]
            target = self._fac_sum[factor2] - source
            far = self.edge_var[target]
            inside = np.flatnonzero(self._var_degree[far] == 2)
            beyond = self._edge_fac[self._var_sum[far[inside]] - target[inside]]
            held = inside[self._fac_degree[beyond] == 2]
            if held.size:
                keep = np.ones(source.size, dtype=bool)
                keep[held] = False
                source, target, factor2, far = source[keep], target[keep], factor2[keep], far[keep]
            if source.size:
                self._emit_rakes(half, source, target, factor2)
                gone.append(self.edge_var[source])
                self._alive[source] = self._alive[target] = False
                self._var_degree[gone[-1]] = 0
                # A hub loses many edges at once.
                np.subtract.at(self._var_degree, far, 1)
                np.subtract.at(self._var_sum, far, target)
        source = leaf[~two]
        if source.size:
            factor3 = factor[~two]
            self._emit_reduces(half, source, factor3)
            gone.append(self.edge_var[source])
            self._alive[source] = False
            self._var_degree[gone[-1]] = 0
            self._fac_degree[factor3] -= 1
            self._fac_sum[factor3] -= source
        if not half.steps:
            return False
        self._close(half, np.concatenate(gone), removed)
        return True

    def _compress(
        self, live: IntArray, priority: IntArray, candidate: NDArray[np.bool_], removed: NDArray[np.bool_]
    ) -> bool:
        variable = self.edge_var[live]
        first = live[(self._var_degree[variable] == 2) & (2 * live < self._var_sum[variable])]
        second = self._var_sum[self.edge_var[first]] - first
        f, g = self._edge_fac[first], self._edge_fac[second]
        two = (self._fac_degree[f] == 2) & (self._fac_degree[g] == 2)
        first, second, f, g = first[two], second[two], f[two], g[two]
        if not first.size:
            return False
        if bool((f == g).any()):
            raise CycleError("the factor graph has a cycle")
        x = self.edge_var[first]
        outer1, outer2 = self._fac_sum[f] - first, self._fac_sum[g] - second
        candidate[x] = True
        own = priority[x]
        wins = np.ones(x.size, dtype=bool)
        for outer in (outer1, outer2):
            neighbour = self.edge_var[outer]
            wins &= (own > priority[neighbour]) | ~candidate[neighbour]
        candidate[x] = False
        chosen = np.flatnonzero(wins)
        first, second, f, g, x = first[chosen], second[chosen], f[chosen], g[chosen], x[chosen]
        outer1, outer2 = outer1[chosen], outer2[chosen]
        # The side that brings the moment form stands left; among equals the order of the elements is kept.
        mode1, mode2 = self.edge_mode[first], self.edge_mode[second]
        backward = (self._right[f] != first) & (self._right[g] == second)
        swap = (mode2 > mode1) | ((mode1 == mode2) & backward)
        if bool(swap.all()):
            first, second, f, g, outer1, outer2 = second, first, g, f, outer2, outer1
        elif bool(swap.any()):
            first, second = np.where(swap, second, first), np.where(swap, first, second)
            f, g = np.where(swap, g, f), np.where(swap, f, g)
            outer1, outer2 = np.where(swap, outer2, outer1), np.where(swap, outer1, outer2)
        half = Half()
        self._emit_compressions(half, x, (first, second), (f, g), (outer1, outer2))
        self._alive[first] = self._alive[second] = False
        self._var_degree[x] = 0
        self._edge_fac[outer2] = f
        self._fac_sum[f] = outer1 + outer2
        self._left[f], self._right[f] = outer1, outer2
        self._close(half, x, removed)
        return True

    # -- steps ----------------------------------------------------------------------------------------------

    def _allocate(self, pool: Pool, size: int) -> slice:
        start = self.pools.get(pool, 0)
        self.pools[pool] = start + size
        return slice(start, start + size)

    def _emit_rakes(self, half: Half, source: IntArray, target: IntArray, factor: IntArray) -> None:
        L = self.labels
        side = (self._right[factor] == source).astype(np.intp)
        key = ((self.edge_label[source] * L + self.edge_label[target]) * 2 + side) * 4
        key += self.edge_mode[source] * 2 + self.edge_mode[target]
        for at in _groups(key):
            s, t, f, where = source[at], target[at], factor[at], int(side[at][0])
            labels = (int(self.edge_label[s[0]]), int(self.edge_label[t[0]]))
            far = self.edge_var[t]
            order: IntArray | None = None
            if far.size > 1 and not bool((far[1:] > far[:-1]).all()):
                order = np.argsort(far, kind="stable")
                s, t, f, far = s[order], t[order], f[order], far[order]
            starts: IntArray | None = None
            unique = far
            if far.size > 1:
                begins = np.flatnonzero(np.concatenate([[True], far[1:] != far[:-1]]))
                if begins.size < far.size:
                    starts, unique = begins, far[begins]
            half.steps.append(Rake(
                pool=labels if where == 0 else (labels[1], labels[0]), side=where, element=as_index(self._slot[f]),
                variable=as_index(self.var_slot[self.edge_var[s]]), source=as_index(self.edge_slot[s]),
                target=as_index(self.edge_slot[t]), modes=(int(self.edge_mode[s[0]]), int(self.edge_mode[t[0]])),
                into=Scatter(as_index(self.edge_slot[t]), as_index(self.var_slot[unique]), starts),
            ))

    def _emit_reduces(self, half: Half, source: IntArray, factor: IntArray) -> None:
        family = self._family[factor]
        rows = self._rows[family]
        end = (source - self._first_edge[family]) // rows
        a, b = np.where(end == 2, 1, np.where(end == 1, 2, 1)), np.where(end == 0, 2, 0)
        edges = self._first_edge[family] + a * rows + self._row[factor], \
            self._first_edge[family] + b * rows + self._row[factor]
        key = family * 3 + end
        for mode in (self.edge_mode[source], self.edge_mode[edges[0]], self.edge_mode[edges[1]]):
            key = key * 2 + mode
        for at in _groups(key):
            s, ea, eb, f = source[at], edges[0][at], edges[1][at], factor[at]
            labels = tuple(int(self.edge_label[e[0]]) for e in (s, ea, eb))
            pool = (labels[1], labels[2])
            element = self._allocate(pool, s.size)
            half.steps.append(Reduce(
                family=int(family[at][0]), end=int(end[at][0]), row=as_index(self._row[f]),
                variable=as_index(self.var_slot[self.edge_var[s]]), source=as_index(self.edge_slot[s]),
                rest=(int(a[at][0]), int(b[at][0])), edges=(as_index(self.edge_slot[ea]), as_index(self.edge_slot[eb])),
                labels=(labels[0], labels[1], labels[2]),
                modes=(int(self.edge_mode[s[0]]), int(self.edge_mode[ea[0]]), int(self.edge_mode[eb[0]])),
                pool=pool, element=element,
            ))
            self._slot[f] = np.arange(element.start, element.stop)
            self._left[f], self._right[f] = ea, eb

    def _emit_compressions(
        self, half: Half, x: IntArray, inner: tuple[IntArray, IntArray], factors: tuple[IntArray, IntArray],
        outer: tuple[IntArray, IntArray],
    ) -> None:
        L = self.labels
        sides = tuple((self._right[f] == e).astype(np.intp) for f, e in zip(factors, inner, strict=True))
        ends = (outer[0], inner[0], inner[1], outer[1])
        key = (self.edge_label[outer[0]] * L + self.label[x]) * L + self.edge_label[outer[1]]
        for bit in (*(self.edge_mode[e] for e in ends), *sides):
            key = key * 2 + bit
        for at in _groups(key):
            e0, e1, e2, e3 = (e[at] for e in ends)
            f, g = factors[0][at], factors[1][at]
            where = (int(sides[0][at][0]), int(sides[1][at][0]))
            labels = (int(self.edge_label[e0[0]]), int(self.edge_label[e1[0]]), int(self.edge_label[e3[0]]))
            pools = tuple((far, labels[1]) if side else (labels[1], far)
                          for far, side in zip((labels[0], labels[2]), where, strict=True))
            element = self._allocate((labels[0], labels[2]), e0.size)
            half.steps.append(Compress(
                pools=(pools[0], pools[1]), sides=where, elements=(as_index(self._slot[f]), as_index(self._slot[g])),
                variable=as_index(self.var_slot[x[at]]),
                inner=(as_index(self.edge_slot[e1]), as_index(self.edge_slot[e2])),
                outer=(as_index(self.edge_slot[e0]), as_index(self.edge_slot[e3])), labels=labels,
                modes=(int(self.edge_mode[e0[0]]), int(self.edge_mode[e1[0]]),
                       int(self.edge_mode[e2[0]]), int(self.edge_mode[e3[0]])),
                pool=(labels[0], labels[2]), element=element,
            ))
            self._slot[f] = np.arange(element.start, element.stop)

    def _close(self, half: Half, variables: IntArray, removed: NDArray[np.bool_]) -> None:
        removed[variables] = True
        half.expands = self._expansions(np.sort(variables))
        self.halves.append(half)

    def _expansions(self, variables: IntArray) -> list[Expand]:
        if not variables.size:
            return []
        count = self._info_count[variables]
        width = np.where(count <= 2, count, 2 ** np.ceil(np.log2(np.maximum(count, 1))).astype(np.intp))
        own = self.moment_edge[variables] >= 0
        expands = []
        for at in _groups((width * 2 + own) * self.labels + self.label[variables]):
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


def _groups(key: IntArray) -> Iterator[slice | IntArray]:
    """Positions that share a key, group by group."""
    if bool((key == key[0]).all()):
        yield slice(None)
        return
    order = np.argsort(key, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(key[order])) + 1)


def _bit_reversed(n: int) -> IntArray:
    """Numbers with their bits reversed, so that odd numbers beat even ones, at every scale."""
    bits = max(int(n - 1).bit_length(), 1)
    value, reverse = np.arange(n), np.zeros(n, dtype=np.intp)
    for _ in range(bits):
        reverse = (reverse << 1) | (value & 1)
        value >>= 1
    return reverse
