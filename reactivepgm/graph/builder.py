"""The only door into a graph: declare variables, add factors, finish."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from reactivepgm.errors import DataError, ForgottenTildeError, ModelError
from reactivepgm.graph.arithmetic import unwrapped
from reactivepgm.graph.clusters import Partition
from reactivepgm.graph.column import RandomColumn
from reactivepgm.graph.constant import ConstantReference
from reactivepgm.graph.data_value import as_data_value
from reactivepgm.graph.draft import FamilyDraft, column_of, kind_of
from reactivepgm.graph.expressions import Expressions
from reactivepgm.graph.family import FactorHandle, Family
from reactivepgm.graph.graph import Graph
from reactivepgm.graph.growing import GrowingReference
from reactivepgm.graph.identity import Identities
from reactivepgm.graph.namespace import Namespace
from reactivepgm.graph.reference import Reference, whole
from reactivepgm.graph.scope import Scope
from reactivepgm.graph.site import Site, caller_site, operation_key, user_frame
from reactivepgm.graph.statement import Statement
from reactivepgm.graph.term import Term, check_together, read_term, rows_of
from reactivepgm.graph.variable import VariableArray
from reactivepgm.nodes import DOT, Interface, Node, node_of


class GraphBuilder(Expressions):
    """Collects a model's variables and factors.

    Args:
        default_factorisation: for statements that give none.
        pipeline: for statements that give none.

    Example:
        >>> builder = GraphBuilder()
        >>> x = builder.random("x", (3,))
        >>> y = builder.data("y", (3,))
        >>> _ = builder.add("NormalMeanVariance", {"out": x[0], "mean": 0.0, "variance": 100.0})
        >>> _ = builder.add("NormalMeanVariance", {"out": x[1:], "mean": x[:-1], "variance": 1.0})
        >>> _ = builder.add("NormalMeanVariance", {"out": y, "mean": x, "variance": 1.0})
        >>> [family.rows for family in builder.finish().families]
        [1, 2, 3]
    """

    def __init__(self, *, default_factorisation: Any = None, pipeline: Any = None) -> None:
        super().__init__()
        self.default_factorisation = default_factorisation
        self.default_pipeline = pipeline
        self._namespace = Namespace()
        self._drafts: list[FamilyDraft] = []
        self.unfactorised: frozenset[str] = frozenset()
        """The data that stay in their factors' clusters."""
        self._growing: list[VariableArray] = []
        self._dropped: frozenset[VariableArray] = frozenset()
        """The arrays whose place others have taken."""
        self.identities = Identities()
        """What models inside the model returned, and which variables that is."""

    def random(self, name: str | None, shape: tuple[int, ...] = (), site: Site | None = None) -> Reference:
        """Declare random variables; without a name the array is anonymous."""
        return whole(self._namespace.declare(self, name, "random", tuple(shape), site, self.scope))

    def data(
        self,
        name: str | None,
        shape: tuple[int, ...] | None = None,
        site: Site | None = None,
        *,
        value_shape: tuple[int, ...] | None = (),
        value: Any = None,
    ) -> Reference:
        """Declare data.

        Args:
            name: its name in ``data=``.
            shape: how many data there are; by default the whole shape of ``value``.
            site: where it was declared.
            value_shape: shape of one datum; None when only the data will tell.
            value: the data themselves, where they are known while building.
        """
        known = None
        if value is not None:
            known = self._read(name or "data", value, site)
            shape = np.shape(known) if shape is None else shape
        elif shape is None:
            shape, value_shape = (), None
        array = self._namespace.declare(self, name, "data", tuple(shape), site, self.scope)
        array.value_shape = value_shape
        if known is not None:
            array.value = known
            self.known_data[array.name] = known
        return whole(array)

    def _read(self, name: str, value: Any, site: Site | None) -> Any:
        try:
            return as_data_value(name, value)
        except DataError as error:
            raise DataError((site or caller_site()).letter(str(error))) from None

    def constant(self, value: Any, name: str | None = None, site: Site | None = None) -> ConstantReference:
        """A clamped constant: one shared copy, however often it is used."""
        if isinstance(value, np.ndarray):
            value = value.copy()
            value.setflags(write=False)
        array = self._namespace.declare(self, name, "constant", np.shape(value), site, self.scope)
        array.value = value
        return ConstantReference(array)

    def growing(self, name: str, site: Site | None = None) -> GrowingReference:
        """An array that grows as its elements are drawn; it is left out of the graph if none is."""
        array = self.scope.declared.get(name)
        if array is None:
            array = self._namespace.declare(self, self.scope.qualified(name), "random", (0,), site, self.scope)
            self._growing.append(array)
            if self.scope.path:
                self.scope.declared[name] = array
        return GrowingReference(array, array.size)

    def redeclared(self, kind: str, shape: tuple[int, ...]) -> tuple[Any, Reference | None]:
        """Further elements of the array that an earlier turn of the same inner model declared at the caller's place.

        Returns:
            What ``declared`` files a first array under, and the elements; None where there is no array yet.
        """
        if not self.scope.path:
            return None, None
        place = (kind, operation_key(user_frame()))
        turn = self.scope.turns.get(place, 0)
        self.scope.turns[place] = turn + 1
        array = self.scope.declared.get((place, turn))
        if array is None:
            return (place, turn), None
        return None, Reference(array, array.grow(prod(shape), shape), shape)

    def declared(self, key: Any, reference: Reference) -> Reference:
        """File what ``redeclared`` did not find."""
        if key is not None:
            self.scope.declared[key] = reference.array
        return reference

    def enter(self, outer: Scope, model: str) -> Scope:
        """A new scope for a model that is called inside another."""
        return self._namespace.enter(outer, model)

    def drawn_kinds(self, arrays: list[VariableArray]) -> set[Any]:
        """The nodes that draw some variables, with the shapes of their constants; None for what nothing draws yet."""
        kinds: dict[VariableArray, Any] = dict.fromkeys(arrays)
        for draft in self._drafts:
            array = draft.out.array if isinstance(draft.out, RandomColumn) else None
            if array in kinds:
                shapes = tuple(getattr(column, "event", None) for column in draft.inputs)
                kinds[array] = (draft.node, shapes) if array.rank else draft.node
        return set(kinds.values())

    def rename(self, array: VariableArray, name: str) -> None:
        """Give an anonymous array the name under which the model keeps it."""
        self._namespace.rename(array, name)

    @property
    def known_data(self) -> dict[str, Any]:
        """Data whose values are known while the model is built."""
        return self._namespace.known_data

    def add(
        self,
        node: Any,
        arguments: Mapping[str, Any],
        *,
        q: Any = None,
        meta: Any = None,
        pipeline: Any = None,
        site: Site | None = None,
        name: str | None = None,
        statement: Statement | None = None,
        sliced: int | None = None,
        ranks: Mapping[str, int] | None = None,
        target: Any = None,
    ) -> FactorHandle:
        """Add the factors of one run of a statement: one row, or many by broadcasting.

        Args:
            node: a node, or whatever ``node_of`` understands.
            arguments: by interface name or alias; without the output, a variable is created for it.
            q: how q factorises: MeanField(), FullFactorisation(), a product of q(...) terms, or the same as text.
            meta: any object for the rules.
            pipeline: a stage on outgoing messages.
            site: the statement; by default the caller's line.
            name: of the variable that is created for the output.
            statement: what earlier runs of the same statement left; rows of one kind share a family.
            sliced: leading axes of the output that count rows where the interface leaves it open; by default all.
            ranks: event ranks that the statement knows better than the interfaces.
            target: what the statement names, to recognise its next row.

        Returns:
            The handle, with ``out``, the output's reference.
        """
        kind = node_of(node)
        if kind is None:
            raise ModelError((site or caller_site()).letter(f"{node!r} is no factor", write="a distribution or a node"))
        if statement is None:
            statement = self.statement_here(site)
        site = statement.site
        given = {kind.interface(key).name: value for key, value in arguments.items()}
        output = kind.interfaces[0]
        out = unwrapped(given.pop(output.name, None))
        if out is not None and not isinstance(out, Reference):
            raise ModelError(site.letter(f"the target of {kind.name} is {out!r}, which is no variable", write="randomvar()"))
        order = [i.name for i in kind.interfaces[1:] if i.name in given]
        order += [n for n in given if n not in order]
        ranks = _known_ranks(kind, order, ranks or {})
        if self.vectors and not kind.is_deterministic:
            given = {n: self.as_rows(v) if _is_number(kind.interface(n)) else v for n, v in given.items()}
        terms = [read_term(kind, kind.interface(n), given[n], site, ranks.get(n)) for n in order]
        check_together(kind, terms, site)
        goal = None if out is None else read_term(kind, output, out, site)
        shape = rows_of(kind, terms, goal, 99 if sliced is None else sliced, site)
        if out is None:
            out = statement.new_elements(self, name, shape)
        if goal is None:
            goal = read_term(kind, output, out, site)
        every = [goal, *terms]
        choice = q if q is not None or kind.is_deterministic else self.default_factorisation
        random = frozenset(t.interface.name for t in every if any(leaf.kind == "random" for leaf in t.leaves))
        labels = {n: _labels(kind, i, n, statement, {**given, output.name: out}) for i, n in enumerate([output.name, *order])}
        joined = frozenset(t.interface.name for t in every if self.unfactorised & _data_names(t))
        partition = Partition(kind, (output.name, *order), random, labels, {**given, output.name: out}, site, joined)
        clusters = partition.clusters(choice)
        pipeline = self.default_pipeline if pipeline is None else pipeline
        key = (kind, tuple(kind_of(t, shape, len(self._drafts)) for t in every), clusters, _Same(meta), _Same(pipeline))
        draft = statement.drafts.get(key)
        if draft is None:
            columns = [column_of(t, shape) for t in every]
            names = (output.name, *order)
            draft = FamilyDraft(
                kind, names, columns, clusters, (meta, pipeline), site, q is not None, labels, statement.scope
            )
            statement.drafts[key] = draft
            self._drafts.append(draft)
        if out.array.rank is None:
            out.array.rank = 0 if kind is DOT else output.event_rank
        row, count = draft.rows, prod(shape)
        if count:
            draft.extend(every, shape)
        statement.remember(draft, target, (q, meta, pipeline))
        return FactorHandle(draft, row, count, out)

    def finish(self, options: Mapping[str, Any] | None = None) -> Graph:
        """The graph; the builder's references stop working.

        Raises:
            ForgottenTildeError: a factor was written down and never drawn.
        """
        for factor in self._undrawn:
            if not factor.is_drawn:
                raise ForgottenTildeError(factor.letter())
        self._drop_vectors()
        self.identities.settle()
        empty = {array for array in self._growing if not array.size}
        empty |= self._dropped
        arrays = [array for array in self._namespace.arrays if not self.identities.is_gone(array) and array not in empty]
        for array in self._namespace.arrays:
            array.settle()
            array.is_unfactorised = array.name in self.unfactorised
        families: list[Family] = []
        for draft in self._drafts:
            if draft.rows:
                families += draft.finish(len(families), self.identities)
        graph = Graph(tuple(arrays), tuple(families), dict(options or {}), dict(self.identities.aliases()))
        for number, array in enumerate(arrays):
            array.id = number
            array.graph = graph
        return graph

    def _drop_vectors(self) -> None:
        """Vectors that only their rows are read of leave the graph; the rows take over their names."""
        gone = self.vectors.superseded(self._drafts) if self.vectors else {}
        for draft, rows in gone.items():
            array = draft.out.array
            self._dropped |= {array}
            self._drafts.remove(draft)
            if not array.anonymous and rows.array.anonymous:
                name = array.name
                self._namespace.release(array)
                self.rename(rows.array, name)

    def resolved(self, returned: Any) -> Any:
        """What the model returned, in terms of what the finished graph has."""
        if self._dropped:
            returned = self.vectors.resolved(returned, self._dropped)
        return self.identities.resolved(returned)


def _data_names(term: Term) -> frozenset[str]:
    """The data that a term names."""
    return frozenset(leaf.value.array.name for leaf in term.leaves if leaf.kind == "data")


def _is_number(interface: Interface) -> bool:
    """Whether what sits on an interface is a number each."""
    return interface.event_rank == 0 and not interface.plural


class _Same:
    """A key for options: equal when the objects are equal, hashable whatever they are."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same):
            return False
        if self.value is other.value:
            return True
        try:
            return type(self.value) is type(other.value) and bool(self.value == other.value)
        except (TypeError, ValueError):
            return False

    def __hash__(self) -> int:
        return hash(type(self.value))


def _known_ranks(node: Node, order: list[str], ranks: Mapping[str, int]) -> Mapping[str, int]:
    """A table of conditional probabilities has an axis for the output and one for every condition."""
    if node.numbered is None:
        return ranks
    return {**{n: len(order) for n in order if node.interface(n).support == "stochastic_columns"}, **ranks}


def _labels(node: Node, position: int, interface: str, statement: Statement, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The names by which a statement calls what sits on an interface: the source text, and the array's name."""
    labels = []
    for key, text in statement.labels.items():
        if key == position or (isinstance(key, str) and node.interface(interface).answers_to(key)):
            labels.append(text)
    argument = arguments[interface]
    for part in argument if isinstance(argument, (tuple, list)) else (argument,):
        if isinstance(part, Reference) and not part.array.anonymous:
            labels.append(part.array.name)
    return tuple(dict.fromkeys(labels))
