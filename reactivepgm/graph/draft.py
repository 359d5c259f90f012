"""A family while its statement still runs: columns that rows are appended to."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from reactivepgm.graph.clusters import Clusters
from reactivepgm.graph.column import (
    ConstantColumn,
    DataColumn,
    DerivedColumn,
    PluralColumn,
    RandomColumn,
    ScatteredColumn,
    settled,
)
from reactivepgm.graph.family import Family
from reactivepgm.graph.identity import Identities
from reactivepgm.graph.scope import ROOT, Scope
from reactivepgm.graph.site import Site
from reactivepgm.graph.term import Shape, Term
from reactivepgm.graph.variable import VariableArray
from reactivepgm.nodes import Node


class FamilyDraft:
    """Rows of one kind, appended one by one or many at once."""

    __slots__ = (
        "clusters",
        "columns",
        "factorisation_given",
        "family",
        "inputs",
        "interfaces",
        "labels",
        "meta",
        "node",
        "out",
        "parts",
        "pipeline",
        "rows",
        "scope",
        "site",
    )

    def __init__(
        self,
        node: Node,
        interfaces: tuple[str, ...],
        columns: list[Any],
        clusters: Clusters,
        options: tuple[Any, Any],
        site: Site,
        factorisation_given: bool,
        labels: dict[str, tuple[str, ...]],
        scope: Scope = ROOT,
    ) -> None:
        self.node = node
        self.interfaces = interfaces
        self.columns = columns
        self.out = columns[0]
        self.inputs = tuple(columns[1:])
        self.clusters = clusters
        self.meta, self.pipeline = options
        self.site = site
        self.factorisation_given = factorisation_given
        self.labels = labels
        self.rows = 0
        self.scope = scope
        self.parts: list[tuple[Any, Family]] = []
        """The families it became, each with the rows that went there; None for all."""

    def append(self, out: Any, arguments: Any) -> bool:
        """Append one row if it is of this draft's kind; nothing happens otherwise.

        Args:
            out: the output's reference.
            arguments: the inputs, in the order of the interfaces.
        """
        return len(arguments) == len(self.inputs) and self._completed(self.out.take(out, self.rows), arguments)

    def append_element(self, array: VariableArray, element: int, arguments: Any) -> bool:
        """The same where the output is one element of an array of scalars, by its number."""
        return len(arguments) == len(self.inputs) and self._completed(self.out.take_element(array, element), arguments)

    def _completed(self, is_taken: bool, arguments: Any) -> bool:
        """Append the inputs of a row whose output is taken, or drop what there is of it."""
        rows, inputs = self.rows, self.inputs
        if is_taken:
            if len(inputs) == 2:  # the common case, unrolled: this runs once a row
                if inputs[0].take(arguments[0], rows) and inputs[1].take(arguments[1], rows):
                    self.rows = rows + 1
                    return True
            else:
                for column, argument in zip(inputs, arguments, strict=True):
                    if not column.take(argument, rows):
                        break
                else:
                    self.rows = rows + 1
                    return True
        for column in self.columns:
            column.truncate(rows)
        return False

    def extend(self, terms: list[Term], shape: Shape) -> None:
        """Append the rows of one run of the statement, terms in the order of the interfaces."""
        for column, term in zip(self.columns, terms, strict=True):
            if isinstance(column, PluralColumn):
                for part, leaf in zip(column.parts, term.parts, strict=True):
                    _extend(part, leaf, shape, self.rows)
            else:
                _extend(column, term, shape, self.rows)
        self.rows += prod(shape)

    def found(self, row: int) -> tuple[Family | None, int]:
        """The family that a row went to, and its number there."""
        for rows, family in self.parts:
            if rows is None:
                return family, row
            if row in rows:
                return family, int((rows < row).sum())
        return None, row

    def finish(self, id: int, identities: Identities | None = None) -> list[Family]:
        """The families: one, or several where rows turned out to be of different kinds."""
        bindings = {
            name: settled(column, self.rows, self.node, name, self.site)
            for name, column in zip(self.interfaces, self.columns, strict=True)
        }
        family = Family(
            id,
            self.node,
            self.rows,
            bindings,
            self.clusters,
            self.meta,
            self.pipeline,
            self.site,
            self.factorisation_given,
            self.labels,
            self.scope,
        )
        parts = identities.applied(family) if identities else [(None, family)]
        self.parts = [(rows, part if part.id == id + i else replace(part, id=id + i)) for i, (rows, part) in enumerate(parts)]
        return [part for _, part in self.parts]


def column_of(term: Term, shape: Shape) -> Any:
    """An empty column of a term's kind."""
    if term.kind == "plural":
        return PluralColumn([column_of(part, shape) for part in term.parts])
    if term.kind == "random":
        return RandomColumn(term.value.array)
    if term.kind == "constant":
        return ConstantColumn(term.event)
    if term.kind == "derived":
        return DerivedColumn((shape, term.rank or 0) if term.rows else None)
    array: VariableArray = term.value.array
    if array.value_shape is None:
        return DataColumn(array, None)
    return (ScatteredColumn if _is_scattered(term) else DataColumn)(array, term.event)


def kind_of(term: Term, shape: Shape, unique: int) -> tuple[Any, ...]:
    """What must agree for two rows to share a family; ``unique`` keeps apart what never does."""
    if term.kind == "plural":
        return ("plural", *(kind_of(part, shape, unique) for part in term.parts))
    if term.kind == "random":
        return ("random", term.value.array.id)
    if term.kind == "constant":
        return ("constant", term.event)
    if term.kind == "derived":
        return ("derived", unique if term.rows else None)
    event = None if term.value.array.value_shape is None else term.event
    return ("data", term.value.array.id, event, _is_scattered(term))


def _is_scattered(term: Term) -> bool:
    """Whether one row's event is no contiguous, aligned block of the data."""
    reference, rank = term.value, term.rank or 0
    if not rank or reference.array.value_shape is None:
        return False
    block = prod(term.event)
    if reference.numbers is None:
        return bool(block) and reference.first % block != 0
    events = reference.numbers.reshape(-1, block)
    steps = events - events[:, :1]
    return bool((steps != range(block)).any() or (events[:, 0] % max(block, 1)).any())


def _extend(column: Any, term: Term, shape: Shape, rows: int) -> None:
    if isinstance(column, RandomColumn):
        column.extend(term.value, shape)
    elif isinstance(column, ConstantColumn):
        column.extend(term.source, term.value, term.rows != (), shape, rows)
    elif isinstance(column, DerivedColumn):
        column.extend(term.value, prod(shape))
    else:
        assert isinstance(column, (DataColumn, ScatteredColumn))
        column.extend(term.value, 0 if column.event is None else len(column.event), shape)
