"""Rake, reduce and compress family by family, and paths, before any row is looked at.

A family is raked whole where all its variables at one end are used there only; two families compose whole where
they meet in the same variables, row by row, and nothing else is there; and what then links each variable to the
next is a path.
"""

from __future__ import annotations

import numpy as np

from reactivepgm.plan.contraction_numbers import Numbering
from reactivepgm.plan.contraction_steps import (
    Bundle,
    Compress,
    Half,
    Index,
    IntArray,
    Path,
    Rake,
    Reduce,
    Scatter,
    as_index,
    segments,
)

_SHORT = 16   # rows; a path below this is as quick row by row


def bundles(forest: Numbering) -> list[Bundle]:
    """All families with rows, as they are before the first round."""
    result = []
    for family, rows in enumerate(forest.family_rows):
        if rows:
            first, count = forest.edge_base[family], forest.family_ends[family]
            edges = [np.arange(first + k * rows, first + (k + 1) * rows) for k in range(count)]
            modes = [_common(forest, e) for e in edges]
            if count == 2:
                edges, modes = edges[::-1], modes[::-1]
            base = forest.bases[family] if count == 2 else 0
            result.append(Bundle(family, edges, np.arange(base, base + rows), modes))
    return result


def _common(forest: Numbering, edges: IntArray) -> int | None:
    modes = forest.edge_mode[edges[0] : edges[-1] + 1]
    return int(modes[0]) if bool((modes == modes[0]).all()) else None


class FamilyRounds:
    """Plans what can be done with whole families.

    Args:
        forest: the numbering, to which the halves of rounds are added.
        rest: all families.
    """

    def __init__(self, forest: Numbering, rest: list[Bundle]) -> None:
        self._forest, self._rest = forest, rest

    def run(self) -> list[Bundle]:
        """Contracts as far as whole families go, and returns what is left."""
        changed = True
        while changed and self._rest:
            left = [bundle for bundle in list(self._rest) if self._leave(bundle)]
            changed = bool(left) or self._fuse()
        for bundle in list(self._rest):
            self._path(bundle)
        return self._rest

    def _at(self, edges: IntArray) -> IntArray:
        return self._forest.edge_var[as_index(edges)]

    def _label(self, edges: IntArray) -> int:
        return int(self._forest.edge_label[edges[0]])

    def _slots(self, edges: IntArray) -> Index:
        return self._forest.edge_places(edges)

    def _variables(self, variables: IntArray) -> Index:
        return self._forest.variable_places(variables)

    # -- leaves ---------------------------------------------------------------------------------------------

    def _leave(self, bundle: Bundle) -> bool:
        """Rakes or reduces a family whose variables at one end are used there only; inputs before the output."""
        if None in bundle.modes:
            return False
        three = len(bundle.edges) == 3
        for end in (2, 1, 0) if three else (0, 1):
            variables = self._at(bundle.edges[end])
            if bool((self._forest.degree[variables] == 1).all()):
                if three:
                    self._reduce(bundle, end, variables)
                else:
                    self._rake(bundle, end, variables)
                return True
        return False

    def _rake(self, bundle: Bundle, end: int, variables: IntArray) -> None:
        forest = self._forest
        s, t, slots = bundle.edges[end], bundle.edges[1 - end], bundle.slots
        far = self._at(t)
        forest.degree[variables] = 0
        np.subtract.at(forest.degree, far, 1)
        order, starts, once = segments(far)
        leaving = variables
        if order is not None:
            s, t, slots, leaving = s[order], t[order], slots[order], variables[order]
        target = self._slots(t)
        half = Half([Rake(
            pool=(self._label(bundle.edges[0]), self._label(bundle.edges[1])), side=end, element=as_index(slots),
            variable=self._variables(leaving), source=self._slots(s), target=target,
            modes=(bundle.modes[end] or 0, bundle.modes[1 - end] or 0),
            into=Scatter(target, self._variables(once), starts),
        )])
        forest.close(half, variables)
        self._rest.remove(bundle)

    def _reduce(self, bundle: Bundle, end: int, variables: IntArray) -> None:
        forest = self._forest
        a, b = {0: (1, 2), 1: (2, 0), 2: (1, 0)}[end]
        s, ea, eb = (bundle.edges[k] for k in (end, a, b))
        labels = (self._label(s), self._label(ea), self._label(eb))
        element = forest.allocate((labels[1], labels[2]), s.size)
        forest.degree[variables] = 0
        modes = [m or 0 for m in bundle.modes]
        forest.close(Half([Reduce(
            family=bundle.family, end=end, row=as_index(bundle.slots), variable=self._variables(variables),
            source=self._slots(s), rest=(a, b), edges=(self._slots(ea), self._slots(eb)), labels=labels,
            modes=(modes[end], modes[a], modes[b]), pool=(labels[1], labels[2]), element=element,
        )]), variables)
        bundle.edges, bundle.modes = [ea, eb], [modes[a], modes[b]]
        bundle.slots = np.arange(element.start, element.stop)

    # -- composites -----------------------------------------------------------------------------------------

    def _fuse(self) -> bool:
        """Composes the first two families that meet in the same variables, where nothing else is."""
        for i, one in enumerate(self._rest):
            if len(one.edges) != 2 or None in one.modes:
                continue
            for two in self._rest[i + 1 :]:
                if len(two.edges) != 2 or None in two.modes or two.slots.size != one.slots.size:
                    continue
                for e in (1, 0):
                    variables = self._at(one.edges[e])
                    if not bool((self._forest.degree[variables] == 2).all()):
                        continue
                    for f in (0, 1):
                        if np.array_equal(variables, self._at(two.edges[f])):
                            self._compress(one, e, two, f, variables)
                            return True
        return False

    def _compress(self, one: Bundle, e: int, two: Bundle, f: int, variables: IntArray) -> None:
        forest = self._forest
        if (two.modes[f] or 0) > (one.modes[e] or 0) or (two.modes[f] == one.modes[e] and e == 0 and f == 1):
            one, e, two, f = two, f, one, e
        inner, outer = (one.edges[e], two.edges[f]), (one.edges[1 - e], two.edges[1 - f])
        labels = (self._label(outer[0]), self._label(inner[0]), self._label(outer[1]))
        pools = tuple((self._label(b.edges[0]), self._label(b.edges[1])) for b in (one, two))
        element = forest.allocate((labels[0], labels[2]), inner[0].size)
        modes = [one.modes[1 - e] or 0, one.modes[e] or 0, two.modes[f] or 0, two.modes[1 - f] or 0]
        forest.degree[variables] = 0
        forest.close(Half([Compress(
            pools=(pools[0], pools[1]), sides=(e, f), elements=(as_index(one.slots), as_index(two.slots)),
            variable=self._variables(variables), inner=(self._slots(inner[0]), self._slots(inner[1])),
            outer=(self._slots(outer[0]), self._slots(outer[1])), labels=labels,
            modes=(modes[0], modes[1], modes[2], modes[3]), pool=(labels[0], labels[2]), element=element,
        )]), variables)
        self._rest.remove(two)
        one.edges, one.modes = list(outer), [modes[0], modes[3]]
        one.slots = np.arange(element.start, element.stop)

    # -- paths ----------------------------------------------------------------------------------------------

    def _path(self, bundle: Bundle) -> None:
        """Takes a family that links each variable to the next as one job, several runs one after another."""
        forest = self._forest
        rows = bundle.slots.size
        if len(bundle.edges) != 2 or rows < _SHORT or tuple(bundle.modes) != forest.path_modes:
            return
        left, right, slots = *bundle.edges, bundle.slots
        first, last = self._at(left), self._at(right)
        if self._label(left) != self._label(right):
            return
        joined = first[1:] == last[:-1]
        if 2 * int(joined.sum()) < rows:    # backwards in time, perhaps
            left, right, slots = left[::-1], right[::-1], slots[::-1]
            first, last = first[::-1], last[::-1]
            joined = first[1:] == last[:-1]
        breaks = np.flatnonzero(~joined)
        if 2 * breaks.size > rows:
            return
        starts, ends = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [rows - 1]])
        degree = forest.degree
        if bool((degree[first[starts]] != 1).any() or (degree[last[ends]] != 1).any()):
            return
        inner = last[:-1][joined] if breaks.size else last[:-1]
        if not bool((degree[inner] == 2).all()):
            return
        place, variables = _spread_out(first, last, breaks)
        step = Path(
            label=self._label(left), element=as_index(slots), variable=self._variables(variables),
            size=variables.size, left=self._slots(left), right=self._slots(right),
            real=place,
            followers=self._variables(first[starts[1:]]) if breaks.size else None, drawn=self._variables(last),
        )
        degree[as_index(variables)] = 0
        forest.close(Half([step]), variables)
        self._rest.remove(bundle)


def _spread_out(first: IntArray, last: IntArray, breaks: IntArray) -> tuple[IntArray | None, IntArray]:
    """The places of a path's elements among all gaps, None where there are no others; and its variables."""
    if not breaks.size:
        return None, np.concatenate([first[:1], last])
    rows = first.size
    gap = np.zeros(rows, dtype=np.intp)
    gap[breaks + 1] = 1
    place = np.arange(rows) + np.cumsum(gap)
    variables = np.empty(rows + breaks.size + 1, dtype=np.intp)
    starts = np.concatenate([[0], breaks + 1])
    variables[place + 1] = last
    variables[place[starts]] = first[starts]
    return place, variables
