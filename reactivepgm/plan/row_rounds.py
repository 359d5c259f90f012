"""Rake, reduce and compress row by row, for what no whole family and no path can do.

Each node keeps its degree and the *sum of its live edge numbers*: at degree one the sum is the edge, at degree
two the other edge is the sum minus this one, so no adjacency list is ever built.  Surviving edges keep their
numbers, so a message lives at an edge for good.  Two rules keep the number of rounds near 2 log2 n: of a path,
the variables whose bit-reversed number beats their neighbours' are compressed (exact halving on a contiguous
chain), and the ends of a path are held back from raking while its inside still shrinks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reactivepgm.plan.contraction_numbers import Numbering
from reactivepgm.plan.contraction_steps import (
    Bundle,
    Compress,
    CycleError,
    Half,
    IntArray,
    Rake,
    Reduce,
    Scatter,
    as_index,
    groups,
    segments,
)


class RowRounds:
    """Plans the rest of a contraction, row by row.

    Args:
        forest: the numbering, to which the halves of rounds are added.
        bundles: what is left of the families.
    """

    def __init__(self, forest: Numbering, bundles: Sequence[Bundle]) -> None:
        self._forest = forest
        self._edge_var, self._edge_mode = forest.edge_var, forest.edge_mode
        self._edge_label, self._edge_slot, self._var_slot = forest.edge_label, forest.edge_slot, forest.var_slot
        self._degree = forest.degree
        nothing = np.empty(0, dtype=np.intp)
        sizes = [b.edges[0].size for b in bundles]
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
        self._live = np.concatenate([nothing, *(e for b in bundles for e in b.edges)])
        self._edge_fac = np.empty(forest.edge_var.size, dtype=np.intp)
        for start, bundle in zip(first, bundles, strict=False):
            for edges in bundle.edges:
                self._edge_fac[edges] = np.arange(start, start + edges.size)
        self._fac_degree = np.repeat([len(b.edges) for b in bundles] or nothing, sizes or nothing)
        # Edge numbers stay below 2**53, so these weighted counts are exact.
        live = self._live
        self._fac_sum = np.bincount(self._edge_fac[live], weights=live, minlength=int(first[-1])).astype(np.intp)
        self._var_sum = np.bincount(self._edge_var[live], weights=live, minlength=self._degree.size).astype(np.intp)
        self._left = np.concatenate([nothing, *(b.edges[0] for b in bundles)])
        self._right = np.concatenate([nothing, *(b.edges[-1] for b in bundles)])
        self._slot = np.concatenate([nothing, *(b.slots for b in bundles)])
        self._family = np.repeat([b.family for b in bundles] or nothing, sizes or nothing)
        self._alive = np.ones(forest.edge_var.size, dtype=bool)

    def run(self) -> None:
        """Contracts what is left.

        Raises:
            CycleError: nothing more can go, and something is left.
        """
        live = self._live
        if not live.size:
            return
        V = self._degree.size
        priority = _bit_reversed(V)
        candidate = np.zeros(V, dtype=bool)
        pick = np.empty(self._fac_degree.size, dtype=np.intp)
        while live.size:
            raked = self._rake(live, pick)
            if raked:
                live = live[self._alive[live]]
            compressed = self._compress(live, priority, candidate)
            if compressed:
                live = live[self._alive[live]]
            if not raked and not compressed:
                raise CycleError("the factor graph has a cycle")

    def _rake(self, live: IntArray, pick: IntArray) -> bool:
        leaf = live[self._degree[self._edge_var[live]] == 1]
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
            far = self._edge_var[target]
            inside = np.flatnonzero(self._degree[far] == 2)
            beyond = self._edge_fac[self._var_sum[far[inside]] - target[inside]]
            held = inside[self._fac_degree[beyond] == 2]
            if held.size:
                keep = np.ones(source.size, dtype=bool)
                keep[held] = False
                source, target, factor2, far = source[keep], target[keep], factor2[keep], far[keep]
            if source.size:
                self._emit_rakes(half, source, target, factor2)
                gone.append(self._edge_var[source])
                self._alive[source] = self._alive[target] = False
                self._degree[gone[-1]] = 0
                # A hub loses many edges at once.
                np.subtract.at(self._degree, far, 1)
                np.subtract.at(self._var_sum, far, target)
        source = leaf[~two]
        if source.size:
            factor3 = factor[~two]
            self._emit_reduces(half, source, factor3)
            gone.append(self._edge_var[source])
            self._alive[source] = False
            self._degree[gone[-1]] = 0
            self._fac_degree[factor3] -= 1
            self._fac_sum[factor3] -= source
        if not half.steps:
            return False
        self._forest.close(half, np.concatenate(gone))
        return True

    def _compress(self, live: IntArray, priority: IntArray, candidate: NDArray[np.bool_]) -> bool:
        variable = self._edge_var[live]
        first = live[(self._degree[variable] == 2) & (2 * live < self._var_sum[variable])]
        second = self._var_sum[self._edge_var[first]] - first
        f, g = self._edge_fac[first], self._edge_fac[second]
        two = (self._fac_degree[f] == 2) & (self._fac_degree[g] == 2)
        first, second, f, g = first[two], second[two], f[two], g[two]
        if not first.size:
            return False
        if bool((f == g).any()):
            raise CycleError("the factor graph has a cycle")
        x = self._edge_var[first]
        outer1, outer2 = self._fac_sum[f] - first, self._fac_sum[g] - second
        candidate[x] = True
        own = priority[x]
        wins = np.ones(x.size, dtype=bool)
        for outer in (outer1, outer2):
            neighbour = self._edge_var[outer]
            wins &= (own > priority[neighbour]) | ~candidate[neighbour]
        candidate[x] = False
        chosen = np.flatnonzero(wins)
        first, second, f, g, x = first[chosen], second[chosen], f[chosen], g[chosen], x[chosen]
        outer1, outer2 = outer1[chosen], outer2[chosen]
        # The side that brings the moment form stands left; among equals the order of the elements is kept.
        mode1, mode2 = self._edge_mode[first], self._edge_mode[second]
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
        self._degree[x] = 0
        self._edge_fac[outer2] = f
        self._fac_sum[f] = outer1 + outer2
        self._left[f], self._right[f] = outer1, outer2
        self._forest.close(half, x)
        return True

    # -- steps ----------------------------------------------------------------------------------------------

    def _emit_rakes(self, half: Half, source: IntArray, target: IntArray, factor: IntArray) -> None:
        L = self._forest.labels
        side = (self._right[factor] == source).astype(np.intp)
        key = ((self._edge_label[source] * L + self._edge_label[target]) * 2 + side) * 4
        key += self._edge_mode[source] * 2 + self._edge_mode[target]
        for at in groups(key):
            s, t, f, where = source[at], target[at], factor[at], int(side[at][0])
            labels = (int(self._edge_label[s[0]]), int(self._edge_label[t[0]]))
            far = self._edge_var[t]
            order, starts, unique = segments(far)
            if order is not None:
                s, t, f = s[order], t[order], f[order]
            half.steps.append(Rake(
                pool=labels if where == 0 else (labels[1], labels[0]), side=where, element=as_index(self._slot[f]),
                variable=as_index(self._var_slot[self._edge_var[s]]), source=as_index(self._edge_slot[s]),
                target=as_index(self._edge_slot[t]), modes=(int(self._edge_mode[s[0]]), int(self._edge_mode[t[0]])),
                into=Scatter(as_index(self._edge_slot[t]), as_index(self._var_slot[unique]), starts),
            ))

    def _emit_reduces(self, half: Half, source: IntArray, factor: IntArray) -> None:
        family, row = self._family[factor], self._slot[factor]
        first, rows = np.array(self._forest.edge_base), np.array(self._forest.family_rows)
        end = (source - first[family]) // rows[family]
        a, b = np.where(end == 2, 1, np.where(end == 1, 2, 1)), np.where(end == 0, 2, 0)
        edges = tuple(first[family] + k * rows[family] + row for k in (a, b))
        key = family * 3 + end
        for mode in (self._edge_mode[source], self._edge_mode[edges[0]], self._edge_mode[edges[1]]):
            key = key * 2 + mode
        for at in groups(key):
            s, ea, eb, f = source[at], edges[0][at], edges[1][at], factor[at]
            labels = tuple(int(self._edge_label[e[0]]) for e in (s, ea, eb))
            pool = (labels[1], labels[2])
            element = self._forest.allocate(pool, s.size)
            half.steps.append(Reduce(
                family=int(family[at][0]), end=int(end[at][0]), row=as_index(row[at]),
                variable=as_index(self._var_slot[self._edge_var[s]]), source=as_index(self._edge_slot[s]),
                rest=(int(a[at][0]), int(b[at][0])), edges=(as_index(self._edge_slot[ea]), as_index(self._edge_slot[eb])),
                labels=(labels[0], labels[1], labels[2]),
                modes=(int(self._edge_mode[s[0]]), int(self._edge_mode[ea[0]]), int(self._edge_mode[eb[0]])),
                pool=pool, element=element,
            ))
            self._slot[f] = np.arange(element.start, element.stop)
            self._left[f], self._right[f] = ea, eb

    def _emit_compressions(
        self, half: Half, x: IntArray, inner: tuple[IntArray, IntArray], factors: tuple[IntArray, IntArray],
        outer: tuple[IntArray, IntArray],
    ) -> None:
        L = self._forest.labels
        sides = tuple((self._right[f] == e).astype(np.intp) for f, e in zip(factors, inner, strict=True))
        ends = (outer[0], inner[0], inner[1], outer[1])
        key = (self._edge_label[outer[0]] * L + self._edge_label[inner[0]]) * L + self._edge_label[outer[1]]
        for bit in (*(self._edge_mode[e] for e in ends), *sides):
            key = key * 2 + bit
        for at in groups(key):
            e0, e1, e2, e3 = (e[at] for e in ends)
            f, g = factors[0][at], factors[1][at]
            where = (int(sides[0][at][0]), int(sides[1][at][0]))
            labels = (int(self._edge_label[e0[0]]), int(self._edge_label[e1[0]]), int(self._edge_label[e3[0]]))
            pools = tuple((far, labels[1]) if side else (labels[1], far)
                          for far, side in zip((labels[0], labels[2]), where, strict=True))
            element = self._forest.allocate((labels[0], labels[2]), e0.size)
            half.steps.append(Compress(
                pools=(pools[0], pools[1]), sides=where, elements=(as_index(self._slot[f]), as_index(self._slot[g])),
                variable=as_index(self._var_slot[x[at]]),
                inner=(as_index(self._edge_slot[e1]), as_index(self._edge_slot[e2])),
                outer=(as_index(self._edge_slot[e0]), as_index(self._edge_slot[e3])), labels=labels,
                modes=(int(self._edge_mode[e0[0]]), int(self._edge_mode[e1[0]]),
                       int(self._edge_mode[e2[0]]), int(self._edge_mode[e3[0]])),
                pool=(labels[0], labels[2]), element=element,
            ))
            self._slot[f] = np.arange(element.start, element.stop)


def _bit_reversed(n: int) -> IntArray:
    """Numbers with their bits reversed, so that odd numbers beat even ones, at every scale."""
    bits = max(int(n - 1).bit_length(), 1)
    value, reverse = np.arange(n), np.zeros(n, dtype=np.intp)
    for _ in range(bits):
        reverse = (reverse << 1) | (value & 1)
        value >>= 1
    return reverse
