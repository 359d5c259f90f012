"""The order in which a directed model draws its variables: families whole where they can be, rows by levels elsewhere.

Every row of a family makes the elements on its output from those on its inputs. Families that do not feed themselves are
blocks of their own; a set of families that feed each other (a chain) is cut into levels, the rows whose inputs are all
there (Kahn 1962, on arrays).
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import ModelError
from reactivepgm.graph.binding import FixedBinding, MixedBinding
from reactivepgm.graph.derived import BatchedSource
from reactivepgm.graph.family import Family
from reactivepgm.graph.source import ConstantSource, DataSource, SelectedSource, Source, StackedSource
from reactivepgm.graph.variable import VariableArray
from reactivepgm.numerics.deferred import Deferred

IntArray = NDArray[np.intp]

_SPARSE, _GRAPHS = Deferred("scipy.sparse"), Deferred("scipy.sparse.csgraph")


@dataclass(frozen=True, eq=False)
class Block:
    """Factors that are drawn at once: rows of a family, None for all of them."""

    family: Family
    rows: IntArray | None = None


@dataclass(frozen=True, eq=False)
class Ancestry:
    """Blocks in an order in which every input is there; by array id which cells are drawn; the data that feed back.

    A cell is an element of a random array, or a number in a data array (an element, where the shape of its value is
    not known).
    """

    blocks: tuple[Block, ...]
    drawn: dict[int, NDArray[np.bool_]]
    feedback: frozenset[str]


def ancestry(
    families: Sequence[Family], arrays: Iterable[VariableArray], *, given: Container[int] = (), feedback: bool = True
) -> Ancestry:
    """How to draw from a directed model, ancestors first.

    Args:
        families: the factors, each of which draws its output.
        arrays: the random arrays that must be drawn, and the data.
        given: ids of random arrays whose values are there already.
        feedback: whether data that are drawn are inputs where the model uses them as such; else those are given.

    Raises:
        ModelError: an element is drawn twice or never, a factor draws a constant, or the factors go in a circle.

    Example:
        >>> from reactivepgm.graph import GraphBuilder
        >>> builder = GraphBuilder()
        >>> x = builder.random("x", (3,))
        >>> _ = builder.add("NormalMeanVariance", {"out": x[0], "mean": 0.0, "variance": 1.0})
        >>> _ = builder.add("NormalMeanVariance", {"out": x[1:], "mean": x[:-1], "variance": 1.0})
        >>> graph = builder.finish()
        >>> [(b.family.id, b.rows) for b in ancestry(graph.families, graph.arrays).blocks]
        [(0, None), (1, array([0])), (1, array([1]))]
    """
    return _Ordering(tuple(families), tuple(arrays), given, feedback).ancestry()


def data_cells(source: Source, rows: int) -> IntArray:
    """The cells of one data array that a source reads, (rows or 1, cells of a row); see Ancestry.

    Example:
        >>> from reactivepgm.graph import Site, VariableArray
        >>> y = VariableArray(0, "y", "data", (3, 2), Site("m.py", 1, "y"))
        >>> data_cells(DataSource(y, (2,), np.array([0, 2]), True, False), 2)
        array([[0, 1],
               [4, 5]])
    """
    assert isinstance(source, DataSource)
    index = np.asarray(source.index)
    if source.is_scattered:
        return index.reshape(rows if source.is_rowwise else 1, -1)
    blocks = index.reshape(-1, 1)
    if source.event is None:
        return blocks
    size = prod(source.event)
    return blocks * size + np.arange(size)


def cell_count(array: VariableArray) -> int:
    """How many cells an array has."""
    return array.size if array.kind == "random" else prod(array.shape) * prod(array.value_shape or ())


def plain_source(source: Source) -> Source:
    """The same values without a selection of rows in between, as far as the source is no arbitrary expression.

    Example:
        >>> plain_source(SelectedSource(ConstantSource(np.array([1.0, 2.0]), True), np.array([1]))).value
        array([2.])
    """
    if not isinstance(source, SelectedSource):
        return source
    inner, rows = plain_source(source.source), source.rows
    if isinstance(inner, ConstantSource):
        return ConstantSource(np.asarray(inner.value)[rows], True)
    if isinstance(inner, DataSource):
        return DataSource(inner.array, inner.event, np.asarray(inner.index)[rows], True, inner.is_scattered)
    if isinstance(inner, (StackedSource, BatchedSource)):
        parts = tuple(plain_source(SelectedSource(part, rows)) if part.is_rowwise else part for part in inner.parts)
        if isinstance(inner, StackedSource):
            return StackedSource(parts, len(rows))
        return BatchedSource(inner.function, parts)
    return source


def data_sources(source: Source) -> list[DataSource] | None:
    """The elements of data that a source is made of; None where it is an arbitrary expression."""
    source = plain_source(source)
    if isinstance(source, DataSource):
        return [source]
    if isinstance(source, (BatchedSource, StackedSource)):
        parts = [data_sources(part) for part in source.parts]
        return None if any(part is None for part in parts) else [found for part in parts for found in part or ()]
    return None if source.names else []


def output_source(family: Family) -> DataSource | None:
    """Which data a family's output observes; None for a random output.

    Raises:
        ModelError: the output is a constant or an expression.
    """
    binding = family.bindings[family.interfaces[0]]
    if not isinstance(binding, FixedBinding):
        return None
    source = plain_source(binding.source)
    if isinstance(source, DataSource):
        return source
    raise ModelError(
        family.site.letter(
            f"{family.node.name} draws a constant, so that nothing can be sampled forward",
            write="a variable or data as the target",
        )
    )


def covariates_of(family: Family) -> set[str]:
    """The data among a family's inputs.

    Example:
        >>> from reactivepgm.graph import GraphBuilder
        >>> builder = GraphBuilder()
        >>> x, y = builder.data("x"), builder.data("y")
        >>> _ = builder.add("NormalMeanVariance", {"out": y, "mean": x, "variance": 1.0})
        >>> covariates_of(builder.finish().family(0))
        {'x'}
    """
    return {name for binding in fixed_inputs(family) for name in binding.names}


def fixed_inputs(family: Family) -> list[FixedBinding]:
    """What is fixed among a family's inputs; a plural interface may have fixed components beside random ones.

    Example:
        >>> from reactivepgm.graph import GraphBuilder
        >>> builder = GraphBuilder()
        >>> _ = builder.add("NormalMeanVariance", {"out": builder.random("x"), "mean": 0.0, "variance": 1.0})
        >>> [binding.interface for binding in fixed_inputs(builder.finish().family(0))]
        ['mean', 'variance']
    """
    found: list[FixedBinding] = []
    for name, binding in family.bindings.items():
        if name != family.interfaces[0]:
            if isinstance(binding, FixedBinding):
                found.append(binding)
            elif isinstance(binding, MixedBinding):
                found += binding.clamped.values()
    return found


class _Ordering:
    def __init__(
        self, families: tuple[Family, ...], arrays: tuple[VariableArray, ...], given: Container[int], feedback: bool
    ) -> None:
        self.families = families
        self.given = given
        self.arrays = [a for a in arrays if a.kind == "data" or (a.kind == "random" and a.id not in given)]
        starts = np.cumsum([0, *(cell_count(a) for a in self.arrays)])
        self.first = {a.id: int(start) for a, start in zip(self.arrays, starts, strict=False)}
        self.cells = int(starts[-1])
        self.starts = np.cumsum([0, *(f.rows for f in families)])
        self.owner = np.repeat(np.arange(len(families)), [f.rows for f in families])
        outputs = [source.array.name for f in families if (source := output_source(f)) is not None]
        used = {name for family in families for name in covariates_of(family)}
        self.feedback = frozenset(outputs) & used if feedback else frozenset()

    def ancestry(self) -> Ancestry:
        maker = self._makers()
        edges = [self._edges(family, start, maker) for family, start in zip(self.families, self.starts, strict=False)]
        into = [np.unique(self.owner[makers]) for makers, _ in edges]
        blocks: list[Block] = []
        for group in _groups(into):
            if len(group) == 1 and group[0] not in into[group[0]]:
                blocks.append(Block(self.families[group[0]]))
            else:
                blocks += self._levels(group, edges)
        drawn = {a.id: maker[self.first[a.id] :][: cell_count(a)] >= 0 for a in self.arrays}
        return Ancestry(tuple(blocks), drawn, self.feedback)

    def _makers(self) -> IntArray:
        """For each cell the row that draws it, -1 where none does."""
        maker = np.full(self.cells, -1, dtype=np.intp)
        cells, rows = [], []
        for family, start in zip(self.families, self.starts, strict=False):
            found = self._output_cells(family)
            made = np.broadcast_to(start + np.arange(family.rows)[:, None], (family.rows, found.shape[1]))
            cells.append(np.broadcast_to(found, made.shape).ravel())
            rows.append(made.ravel())
        if cells:
            flat, made = np.concatenate(cells), np.concatenate(rows)
            twice = np.bincount(flat, minlength=self.cells) > 1
            if twice.any():
                cell = int(flat[twice[flat]][0])
                self._drawn_twice(cell, made[flat == cell])
            maker[flat] = made
        for array in self.arrays:
            never = maker[self.first[array.id] :][: array.size] < 0
            if array.kind == "random" and never.any():
                raise ModelError(
                    array.site.letter(
                        f"{array.element_name(int(np.argmax(never)))} is never drawn, so the model cannot be sampled forward",
                        write=f"a prior for it, as in {array.name} = ~Normal(mean=0.0, variance=1.0)",
                    )
                )
        return maker

    def _output_cells(self, family: Family) -> IntArray:
        source = output_source(family)
        if source is not None:
            return data_cells(source, family.rows) + self.first[source.array.id]
        binding = family.random[family.interfaces[0]]
        return binding.index.reshape(family.rows, -1) + self.first[binding.array.id]

    def _edges(self, family: Family, start: int, maker: IntArray) -> tuple[IntArray, IntArray]:
        """(rows that make an input, rows of the family that need it)."""
        cells = []
        for name, binding in family.random.items():
            if name != family.interfaces[0]:
                cells += [
                    index[:, None] + self.first[array.id]
                    for _, array, index in binding.components()
                    if array.id not in self.given
                ]
        for fixed in fixed_inputs(family):
            cells += self._fed(family, fixed)
        if not cells:
            return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
        makers = maker[np.concatenate([np.broadcast_to(c, (family.rows, c.shape[1])) for c in cells], axis=1)]
        needing = np.broadcast_to(start + np.arange(family.rows)[:, None], makers.shape)
        return makers[makers >= 0], needing[makers >= 0]

    def _fed(self, family: Family, binding: FixedBinding) -> list[IntArray]:
        """The cells of data that are drawn and used as an input."""
        fed = sorted(self.feedback.intersection(binding.names))
        if not fed:
            return []
        sources = data_sources(binding.source)
        if sources is None:
            raise ModelError(
                family.site.letter(
                    f"{fed[0]} is drawn by the model and is an input of {family.node.name} through an expression",
                    write=f"{fed[0]} as a randomvar(...) that is observed, or data={{...}} without a factor that draws it",
                )
            )
        return [data_cells(s, family.rows) + self.first[s.array.id] for s in sources if s.array.name in self.feedback]

    def _levels(self, group: list[int], edges: list[tuple[IntArray, IntArray]]) -> list[Block]:
        """The rows of families that feed each other, by levels."""
        chosen = np.concatenate([np.arange(self.starts[f], self.starts[f + 1]) for f in group])
        local = np.full(int(self.starts[-1]), -1, dtype=np.intp)
        local[chosen] = np.arange(len(chosen))
        makers = local[np.concatenate([edges[f][0] for f in group])]
        needing = local[np.concatenate([edges[f][1] for f in group])]
        inside = makers >= 0
        makers, needing = makers[inside], needing[inside]
        order = np.argsort(makers, kind="stable")
        followers = needing[order]
        bounds = np.searchsorted(makers[order], np.arange(len(chosen) + 1))
        waiting = np.bincount(needing, minlength=len(chosen))
        ready = np.flatnonzero(waiting == 0)
        done = 0
        blocks: list[Block] = []
        while len(ready):
            done += len(ready)
            blocks += self._split(chosen[ready])
            lengths = bounds[ready + 1] - bounds[ready]
            steps = np.arange(int(lengths.sum())) + np.repeat(bounds[ready] - np.cumsum(lengths) + lengths, lengths)
            nearer, times = np.unique(followers[steps], return_counts=True)
            waiting[nearer] -= times
            ready = nearer[waiting[nearer] == 0]
        if done < len(chosen):
            self._circle(chosen, makers, needing)
        return blocks

    def _split(self, rows: IntArray) -> list[Block]:
        owners = self.owner[rows]
        if owners[0] == owners[-1] and (owners == owners[0]).all():
            return [Block(self.families[owners[0]], rows - self.starts[owners[0]])]
        return [Block(self.families[f], rows[owners == f] - self.starts[f]) for f in np.unique(owners)]

    def _name(self, row: int) -> str:
        """What a row draws, for messages."""
        number = int(self.owner[row])
        family = self.families[number]
        source = output_source(family)
        array = family.random[family.interfaces[0]].array if source is None else source.array
        cell = int(self._output_cells(family)[min(row - self.starts[number], len(self._output_cells(family)) - 1), 0])
        return array.element_name(cell - self.first[array.id])

    def _drawn_twice(self, cell: int, rows: IntArray) -> None:
        sites = list(dict.fromkeys(self.families[self.owner[row]].site for row in rows))
        also = "".join(f"\n  and  {site}" for site in sites[1:])
        raise ModelError(
            sites[0].letter(
                f"{self._name(int(rows[0]))} is drawn by {len(rows)} factors, so the model cannot be sampled forward{also}",
                write="one factor that draws it; the others may observe it through data of their own",
            )
        )

    def _circle(self, chosen: IntArray, makers: IntArray, needing: IntArray) -> None:
        size = len(chosen)
        links = _SPARSE.csr_matrix((np.ones(len(makers)), (makers, needing)), shape=(size, size))
        _, labels = _GRAPHS.connected_components(links, directed=True, connection="strong")
        itself = np.bincount(makers[makers == needing], minlength=size) > 0
        row = int(chosen[np.argmax((np.bincount(labels)[labels] > 1) | itself)])
        raise ModelError(
            self.families[self.owner[row]].site.letter(
                f"{self._name(row)} depends on itself, so the model cannot be sampled forward",
                write="factors that draw each variable from variables drawn before",
            )
        )


def _groups(into: list[IntArray]) -> list[list[int]]:
    """Families that feed each other, groups in an order in which the feeding ones come first."""
    count = len(into)
    makers = np.concatenate([*into, np.zeros(0, dtype=np.intp)]).astype(np.intp)
    needing = np.repeat(np.arange(count), [len(part) for part in into])
    links = _SPARSE.csr_matrix((np.ones(len(makers)), (makers, needing)), shape=(count, count))
    number, labels = _GRAPHS.connected_components(links, directed=True, connection="strong")
    groups: list[list[int]] = [[] for _ in range(number)]
    for family, label in enumerate(labels):
        groups[label].append(family)
    pairs = {(int(a), int(b)) for a, b in zip(labels[makers], labels[needing], strict=True) if a != b}
    after: list[list[int]] = [[] for _ in range(number)]
    waiting = [0] * number
    for one, other in pairs:
        after[one].append(other)
        waiting[other] += 1
    ready = [(groups[g][0], g) for g in range(number) if not waiting[g]]
    heapq.heapify(ready)
    ordered = []
    while ready:
        _, group = heapq.heappop(ready)
        ordered.append(groups[group])
        for other in after[group]:
            waiting[other] -= 1
            if not waiting[other]:
                heapq.heappush(ready, (groups[other][0], other))
    return ordered
