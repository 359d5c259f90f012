"""The words of a contraction: steps over whole batches, and the structure that they are planned for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.intp]
Index = slice | IntArray
_FEW = 8
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


def groups(key: IntArray) -> Iterator[slice | IntArray]:
    """Positions that share a key, group by group.

    >>> [at.tolist() for at in groups(np.array([1, 0, 1]))]
    [[1], [0, 2]]
    >>> list(groups(np.array([4, 3, 3])))
    [slice(1, 3, None), slice(0, 1, None)]
    """
    begins = np.flatnonzero(key[1:] != key[:-1]) + 1
    if begins.size < _FEW:    # runs of equal keys, as a rule; in order and without a copy
        bounds = [0, *begins.tolist(), key.size]
        runs = sorted((int(key[first]), first, last) for first, last in pairwise(bounds))
        if len({value for value, _, _ in runs}) == len(runs):
            yield from (slice(first, last) for _, first, last in runs)
            return
    order = np.argsort(key, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(key[order])) + 1)


def segments(targets: IntArray) -> tuple[IntArray | None, IntArray | None, IntArray]:
    """How to sum into targets: the order that brings equal ones together, where each begins, and the targets once.

    >>> order, starts, once = segments(np.array([4, 2, 4]))
    >>> order.tolist(), starts.tolist(), once.tolist()
    ([1, 0, 2], [0, 1], [2, 4])
    """
    order: IntArray | None = None
    if targets.size > 1 and not bool((targets[1:] >= targets[:-1]).all()):
        order = np.argsort(targets, kind="stable")
        targets = targets[order]
    if targets.size > 1:
        begins = np.flatnonzero(np.concatenate([[True], targets[1:] != targets[:-1]]))
        if begins.size < targets.size:
            return order, begins, targets[begins]
    return order, None, targets


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
class Path:
    """A run of kernels in a row, variable after variable, solved as one job.

    Several runs may follow each other: ``real`` are the places of the elements among all gaps between variables,
    None where there is no gap without an element.
    """

    label: int
    element: Index
    variable: Index
    size: int               # of variables
    left: Index             # edges at the left ends of the elements
    right: Index
    real: IntArray | None
    followers: Index | None   # the variables that start a later run
    drawn: Index            # the variables at the right ends


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


Step = Rake | Reduce | Compress | Path


@dataclass(slots=True)
class Half:
    """One half of a round: steps that touch different elements, and the expansion of what they removed."""

    steps: list[Step] = field(default_factory=list)
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
        path_modes: the modes of the ends (a, b) of the elements that paths may be made of.
    """

    label: IntArray
    ends: Sequence[tuple[IntArray, ...]]
    modes: Sequence[tuple[IntArray | int, ...]]
    labels: int = 1
    path_modes: tuple[int, int] = (0, 1)


@dataclass(slots=True, eq=False)
class Bundle:
    """What is left of a family or of a composite of families: edges at each end, and elements.

    Two-ended bundles list their ends as (a, b) of their pool, three-ended ones as (out, in1, in2).
    ``modes`` are the modes of the ends where all rows agree, else None.
    """

    family: int
    edges: list[IntArray]
    slots: IntArray
    modes: list[int | None]
