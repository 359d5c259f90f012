"""The only door into a graph: declare variables, add factors, finish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, ForgottenTildeError, ModelError
from reactivepgm.graph.arithmetic import Operation, is_random, read_function, read_operation, unwrapped
from reactivepgm.graph.clusters import Partition
from reactivepgm.graph.data_value import as_data_value
from reactivepgm.graph.derived import tilde_of_data
from reactivepgm.graph.draft import FamilyDraft, column_of, kind_of
from reactivepgm.graph.family import FactorHandle
from reactivepgm.graph.function_node import function_node
from reactivepgm.graph.graph import Graph
from reactivepgm.graph.operand import Operand
from reactivepgm.graph.pending import PendingFactor
from reactivepgm.graph.reference import Reference, whole
from reactivepgm.graph.site import Site, caller_site, operation_key, site_of, user_frame
from reactivepgm.graph.statement import Statement
from reactivepgm.graph.term import read_term, rows_of
from reactivepgm.graph.variable import Kind, VariableArray
from reactivepgm.nodes import DOT, Node, node_of


class GraphBuilder:
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
        self.default_factorisation = default_factorisation
        self.default_pipeline = pipeline
        self.known_data: dict[str, Any] = {}
        self._arrays: list[VariableArray] = []
        self._names: dict[str, VariableArray] = {}
        self._drafts: list[FamilyDraft] = []
        self._pending: list[PendingFactor] = []
        self._operations: dict[Any, Statement] = {}
        self._anonymous = 0

    # -- variables ------------------------------------------------------------------------------------------------

    def random(self, name: str | None, shape: tuple[int, ...] = (), site: Site | None = None) -> Reference:
        """Declare random variables; without a name the array is anonymous."""
        return whole(self._declare(name, "random", tuple(shape), site))

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
        array = self._declare(name, "data", tuple(shape), site)
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

    def constant(self, value: Any, name: str | None = None, site: Site | None = None) -> Reference:
        """A clamped constant: one shared copy, however often it is used."""
        if isinstance(value, np.ndarray):
            value = value.copy()
            value.setflags(write=False)
        array = self._declare(name, "constant", np.shape(value), site)
        array.value = value
        return whole(array)

    def rename(self, array: VariableArray, name: str) -> None:
        """Give an anonymous array the name under which the model keeps it."""
        if array.anonymous:
            del self._names[array.name]
            if array.name in self.known_data:
                self.known_data[name] = self.known_data.pop(array.name)
            array.name, array.anonymous = self._unique(name), False
            self._names[array.name] = array

    def find(self, name: str) -> VariableArray | None:
        """The array of a name, if there is one."""
        return self._names.get(name)

    def _declare(self, name: str | None, kind: Kind, shape: tuple[int, ...], site: Site | None) -> VariableArray:
        anonymous = name is None
        if name is None:
            self._anonymous += 1
            name = f"_{self._anonymous}"
        site = caller_site() if site is None else site
        array = VariableArray(len(self._arrays), self._unique(name), kind, shape, site, anonymous=anonymous, builder=self)
        self._arrays.append(array)
        self._names[array.name] = array
        return array

    def _unique(self, name: str) -> str:
        if name not in self._names:
            return name
        number = 2
        while f"{name}_{number}" in self._names:
            number += 1
        return f"{name}_{number}"

    # -- factors --------------------------------------------------------------------------------------------------

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
            statement = self._operation(site)
        site = statement.site
        given = {kind.interface(key).name: value for key, value in arguments.items()}
        output = kind.interfaces[0]
        out = unwrapped(given.pop(output.name, None))
        if out is not None and not isinstance(out, Reference):
            raise ModelError(site.letter(f"the target of {kind.name} is {out!r}, which is no variable", write="randomvar()"))
        order = [i.name for i in kind.interfaces[1:] if i.name in given]
        order += [n for n in given if n not in order]
        ranks = _known_ranks(kind, order, ranks or {})
        terms = [read_term(kind, kind.interface(n), given[n], site, ranks.get(n)) for n in order]
        goal = None if out is None else read_term(kind, output, out, site)
        shape = rows_of(kind, terms, goal, 99 if sliced is None else sliced, site)
        if out is None:
            out = statement.new_elements(self, name, shape)
        if goal is None:
            goal = read_term(kind, output, out, site)
        every = [goal, *terms]
        choice = self.default_factorisation if q is None else q
        random = frozenset(t.interface.name for t in every if any(leaf.kind == "random" for leaf in t.leaves))
        labels = {n: _labels(kind, i, n, statement, {**given, output.name: out}) for i, n in enumerate([output.name, *order])}
        partition = Partition(kind, (output.name, *order), random, labels, {**given, output.name: out}, site)
        clusters = partition.clusters(choice)
        pipeline = self.default_pipeline if pipeline is None else pipeline
        key = (kind, tuple(kind_of(t, shape, len(self._drafts)) for t in every), clusters, _Same(meta), _Same(pipeline))
        draft = statement.drafts.get(key)
        if draft is None:
            columns = [column_of(t, shape) for t in every]
            draft = FamilyDraft(kind, (output.name, *order), columns, clusters, (meta, pipeline), site, q is not None, labels)
            statement.drafts[key] = draft
            self._drafts.append(draft)
        row, count = draft.rows, prod(shape)
        if count:
            draft.extend(every, shape)
        statement.remember(draft, target, (q, meta, pipeline))
        return FactorHandle(draft, row, count, out)

    def _operation(self, site: Site | None) -> Statement:
        frame = user_frame()
        key = site if site is not None and site.line else operation_key(frame)
        statement = self._operations.get(key)
        if statement is None:
            statement = Statement(site_of(frame) if site is None else site)
            self._operations[key] = statement
        return statement

    # -- expressions ----------------------------------------------------------------------------------------------

    def combine(self, function: Callable[..., Any], *operands: Any) -> Any:
        """An operator on operands of which one at least is symbolic."""
        frame = user_frame()
        key = operation_key(frame)
        statement = self._operations.get(key)
        if statement is None:
            statement = self._operations[key] = Statement(site_of(frame))
        return self.operate(function, operands, statement)

    def operate(self, function: Callable[..., Any], operands: tuple[Any, ...], statement: Statement) -> Any:
        """An operator as part of a statement: a new anonymous variable, an expression over data, or a value."""
        if statement.target is function:
            again = statement.repeated(operands[::-1] if statement.options == "swapped" else operands)
            if again is not None:
                return again
        read = read_operation(self, function, operands, statement.site)
        if not isinstance(read, Operation):
            return read
        handle = self.add_operation(read, statement)
        if handle.out.shape == () and len(operands) == 2 and _is_order(read.arguments, operands):
            statement.target, statement.options = function, None
        elif handle.out.shape == () and len(operands) == 2 and _is_order(read.arguments, operands[::-1]):
            statement.target, statement.options = function, "swapped"
        else:
            statement.target = None
        return handle.out

    def add_operation(self, operation: Operation, statement: Statement, **options: Any) -> FactorHandle:
        """Add the factor of an operator."""
        names = operation.node.names[1:]
        arguments = dict(zip(names, operation.arguments, strict=True))
        if "out" in options and options["out"] is not None:
            arguments["out"] = options["out"]
        options.pop("out", None)
        return self.add(operation.node, arguments, statement=statement, ranks=operation.ranks, **options)

    def function_of(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """A NumPy function that met a reference: an expression over data, ``dot``, or an error for random variables."""
        if not any(is_random(value) for value in (*args, *kwargs.values())):
            return read_function(self, function, tuple(args), dict(kwargs))
        statement = self._operation(None)
        if function is np.dot and not kwargs:
            return self.call(DOT, tuple(args), {}, statement)
        name = getattr(function, "__name__", repr(function))
        raise ModelError(
            statement.site.letter(
                f"NumPy's {name} cannot be applied to random variables",
                write=f"z = ~np.{name}(...)  for a deterministic factor",
            )
        )

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], statement: Statement) -> Any:
        """A call among a statement's arguments: an anonymous variable, an expression over data, or the value."""
        if statement.target is function and not kwargs:
            again = statement.repeated(args)
            if again is not None:
                return again
        handle = self.called(function, args, kwargs, statement)
        return handle.out if isinstance(handle, FactorHandle) else handle

    def called(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], statement: Statement, **options: Any) -> Any:
        """The same, as a handle where it made a factor; ``options`` as for ``add``, the output under ``out``."""
        if not any(is_random(value) for value in (*args, *kwargs.values())):
            return read_function(self, function, args, kwargs)
        out = options.pop("out", None)
        node, arguments, ranks = self._deterministic(function, args, kwargs, statement.site)
        if out is not None:
            arguments[node.interfaces[0].name] = out
        handle = self.add(node, arguments, statement=statement, ranks=ranks, **options)
        is_plain = handle.count == 1 and not node.interfaces[-1].plural and not kwargs
        statement.target = function if is_plain else None
        return handle

    def _deterministic(
        self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], site: Site
    ) -> tuple[Node, dict[str, Any], dict[str, int]]:
        node = node_of(function)
        if node is None or (node.interfaces[-1].plural and function is not node):
            node, args = function_node(function, args, kwargs, site)
            return node, node.bind(args, {}), {}
        args = tuple(unwrapped(a) for a in args)
        ranks: dict[str, int] = {}
        if node is DOT:
            # An inner product: what is fixed is a vector, and further leading axes are rows.
            ranks = {n: 1 for n, a in zip(("in1", "in2"), args, strict=False) if not is_random(a)}
        return node, node.bind(args, kwargs), ranks

    def pending(self, constructor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a distribution's constructor gives on symbolic arguments; a distribution where all are constants."""
        plain = tuple(unwrapped(a) for a in args)
        named = {k: unwrapped(v) for k, v in kwargs.items()}
        if not any(_is_symbolic(v) for v in (*plain, *named.values())):
            return constructor(*plain, **named)
        factor = PendingFactor(constructor, plain, named, caller_site(), self)
        self._pending.append(factor)
        return factor

    def draw_pending(self, factor: PendingFactor) -> Reference:
        """``~factor`` where nobody says what the output is called."""
        handle = self.draw(factor, self._operation(None))
        out: Reference = handle.out
        return out

    def draw(self, factor: PendingFactor | Distribution, statement: Statement, **options: Any) -> FactorHandle:
        """Add the factor that a pending factor or a prior distribution stands for."""
        out = options.pop("out", None)
        if isinstance(factor, PendingFactor):
            factor.is_drawn = True
            target, args, kwargs = factor.target, factor.args, factor.kwargs
            options = {**{k: v for k, v in factor.options.items() if v is not None}, **options}
        else:
            target, args, kwargs = type(factor), (), dict(factor.parameters)
        node = node_of(target)
        if node is None:
            raise ModelError(
                statement.site.letter(
                    f"{getattr(target, '__name__', target)} is no factor", write="a distribution that has a node"
                )
            )
        arguments = node.bind(args, kwargs)
        node = node.with_keywords(kwargs) if node.parametrisations else node
        if out is not None:
            arguments[node.interfaces[0].name] = out
        return self.add(node, arguments, statement=statement, **options)

    def inverted(self, reference: Reference) -> Any:
        """``~`` on a bare reference."""
        if reference.array.kind == "constant":
            return ~reference.array.value
        if reference.array.kind == "data":
            return read_function(self, tilde_of_data, (reference,), {})
        raise ModelError(
            caller_site().letter(
                f"~ draws from a factor; {reference.spelled} is a variable already",
                write="y = x  for another name, or y = ~F(x)",
            )
        )

    # -- the end --------------------------------------------------------------------------------------------------

    def finish(self, options: Mapping[str, Any] | None = None) -> Graph:
        """The graph; the builder's references stop working.

        Raises:
            ForgottenTildeError: a factor was written down and never drawn.
        """
        for factor in self._pending:
            if not factor.is_drawn:
                raise ForgottenTildeError(factor.letter())
        for array in self._arrays:
            array.settle()
        drafts = [draft for draft in self._drafts if draft.rows]
        families = tuple(draft.finish(id) for id, draft in enumerate(drafts))
        graph = Graph(tuple(self._arrays), families, dict(options or {}))
        for array in self._arrays:
            array.graph = graph
        return graph


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


def _is_symbolic(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(_is_symbolic(part) for part in value)
    return isinstance(value, (Operand, PendingFactor))


def _is_order(arguments: tuple[Any, ...], operands: tuple[Any, ...]) -> bool:
    return len(arguments) == len(operands) and all(a is b for a, b in zip(arguments, operands, strict=True))


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
