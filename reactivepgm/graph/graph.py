"""A finished model: variable arrays and factor families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, overload
from weakref import WeakSet

import numpy as np

from reactivepgm.errors import DataError
from reactivepgm.graph.canonical import is_same
from reactivepgm.graph.categories import tell_categories
from reactivepgm.graph.constraint import constrained
from reactivepgm.graph.data_value import fitted
from reactivepgm.graph.drawing import Drawing, draw
from reactivepgm.graph.family import FactorHandle, Family
from reactivepgm.graph.form_constraint import Forms, declared_forms, families_under
from reactivepgm.graph.html import html_of_arrays, html_of_families, html_of_graph
from reactivepgm.graph.listing import array_line, clusters_text, describe, factor_text, options_text
from reactivepgm.graph.network import as_networkx
from reactivepgm.graph.variable import VariableArray


class Graph:
    """A factor graph in which one statement is one family of factors.

    Args:
        arrays: all variable arrays, in the order of declaration.
        families: all factor families, in the order of their first rows.
        options: what the model was declared with.
        aliases: further names of arrays, such as those that variables have inside a model that returned them.
        forms: by array id, the forms of marginals and messages; by default those the variables were declared with.
    """

    def __init__(
        self,
        arrays: tuple[VariableArray, ...],
        families: tuple[Family, ...],
        options: Mapping[str, Any] | None = None,
        aliases: Mapping[str, VariableArray] | None = None,
        forms: Mapping[int, Forms] | None = None,
    ) -> None:
        self.arrays = arrays
        self.forms: Mapping[int, Forms] = declared_forms(arrays) if forms is None else forms
        self.families = families_under(families, self.forms)
        tell_categories(self.families)
        self.options = dict(options or {})
        self.aliases = dict(aliases or {})
        self.origin: Graph | None = None
        """The graph that the model made, of one that was put under constraints: both have the same variables."""
        self.derived: WeakSet[Graph] = WeakSet()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "derived": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.derived = WeakSet()  # what is derived from the original stays with it
        if self.origin is not None:
            self.origin.derived.add(self)

    @property
    def random(self) -> tuple[VariableArray, ...]:
        """The arrays of random variables."""
        return tuple(a for a in self.arrays if a.kind == "random")

    @property
    def data(self) -> tuple[VariableArray, ...]:
        """The arrays of data."""
        return tuple(a for a in self.arrays if a.kind == "data")

    @property
    def variables(self) -> dict[str, VariableArray]:
        """All arrays by name; printing it shows a line each."""
        return _Variables({a.name: a for a in self.arrays})

    @property
    def factors(self) -> Sequence[FactorHandle]:
        """All factors, one a row, family by family; printing it shows a line a family."""
        return _Factors(self.families)

    def family(self, id: int) -> Family:
        """The family of a number."""
        return self.families[id]

    def variable(self, name: str) -> VariableArray:
        """The array of a name.

        Raises:
            DataError: no array has that name; the message lists those there are.
        """
        for array in self.arrays:
            if array.name == name:
                return array
        if name in self.aliases:
            return self.aliases[name]
        raise DataError(f"the model has no variable {name}; it has {', '.join(a.name for a in self.arrays if not a.anonymous)}")

    def read_data(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Data as arrays of floats, NaN where missing, checked against the declarations.

        Raises:
            DataError: a name that is not in the model, data that are absent, or of another shape or type.
        """
        known = {a.name: a for a in self.data}
        for name in data:
            if name not in known:
                names = ", ".join(known) or "none"
                raise DataError(
                    f"there are no data called {name} in the model; its data are {names}\n"
                    "  write  data={...} with those names"
                )
        needed = {n for f in self.families for b in f.bindings.values() for n in b.names}
        for name in needed:
            if name not in data:
                raise DataError(known[name].site.letter(f"no data for {name}", write=f'data={{"{name}": ...}}'))
        return {name: fitted(known[name], value) for name, value in data.items()}

    def refuse_unread(self, data: Mapping[str, Any]) -> None:
        """Data that no factor reads would be lost in silence.

        Raises:
            DataError: there are such data; the message says how to observe them.
        """
        read = {name for family in self.families for binding in family.bindings.values() for name in binding.names}
        for array in self.data:
            if array.name in data and array.name not in read and array.size:
                raise DataError(
                    array.site.letter(
                        f"no factor of the model reads the data {array.name}, so they would change nothing",
                        write=f"{array.name}[:] = ~F(...) to observe them; {array.name} as an argument of the model instead of"
                        f" data= where only the function itself looks at them; or data= without {array.name}",
                    )
                )

    def constrained(self, constraints: Any) -> Graph:
        """The graph under whole-model constraints, which hold where a statement has no ``where(q=...)`` of its own.

        Args:
            constraints: MeanField(), BetheFactorisation(), ``"q(x, tau) = q(x) q(tau)"``, ``"q(x) :: PointMass"``,
                ``"in submodel: q(a, b) = q(a) q(b)"``, the same as objects, or a list of these.

        Raises:
            ConstraintError: a constraint that matches nothing, or contradicts a statement's own ``where``.
            ConstraintSyntaxError: a text that cannot be read.
        """
        families, forms = constrained(self, constraints)
        made = Graph(self.arrays, families, self.options, self.aliases, forms)
        made.origin = self.origin or self
        made.origin.derived.add(made)
        return made

    def with_pipeline(self, pipeline: Any) -> Graph:
        """The graph with a pipeline on the messages of all statements that have none of their own."""
        families = tuple(
            replace(family, pipeline=pipeline) if family.pipeline is None else family for family in self.families
        )
        return Graph(self.arrays, families, self.options, self.aliases, self.forms)

    def with_fallback(self, fallback: Any) -> Graph:
        """The graph with something that stands in for the missing rules of its stochastic factors, where they name nothing."""
        families = tuple(
            replace(family, fallback=fallback) if family.node.kind == "stochastic" and family.fallback is None else family
            for family in self.families
        )
        return Graph(self.arrays, families, self.options, self.aliases, self.forms)

    def same_as(self, other: Graph) -> bool:
        """Whether two graphs say the same, however their models were written: loops, vector statements, builder calls."""
        return is_same(self, other)

    def to_networkx(self, expand: bool = False) -> Any:
        """A bipartite networkx graph: arrays and families as nodes, or with ``expand`` every variable and factor."""
        return as_networkx(self, expand)

    def draw(self, path: str | None = None, format: str | None = None, *, expand: bool = False) -> Drawing:
        """A picture by Graphviz: repeated variables and factors once, in a plate; observed variables grey.

        Args:
            path: where to save it; the ending says the format. Without Graphviz, text with the ending ``.txt``.
            format: svg, png, pdf, ..., where the ending is not to say it.
            expand: every variable and every factor by itself, for small graphs.

        Returns:
            A Drawing: notebooks show it, ``.svg`` and ``.png`` render it, printing it shows the plates as text.

        Raises:
            ModelError: too many variables and factors to draw one by one.
        """
        return draw(self, path, format, expand)

    def describe(self) -> str:
        """The graph as text: arrays, families, clusters, lines."""
        return describe(self)

    def __repr__(self) -> str:
        factors = sum(f.rows for f in self.families)
        variables = sum(a.size for a in self.random)
        inside = f"{variables} random variables in {len(self.random)} arrays"
        return f"<Graph of {inside}, {factors} factors in {len(self.families)} families>"

    def _repr_html_(self) -> str:
        return html_of_graph(self)


class _Variables(dict[str, VariableArray]):
    """Arrays by name."""

    def __repr__(self) -> str:
        return "\n".join(f"{array_line(array)}   {array.site}" for array in self.values()) or "no variables"

    def _repr_html_(self) -> str:
        return html_of_arrays(tuple(self.values()), f"{len(self)} arrays of variables")


class _Factors(Sequence[FactorHandle]):
    """Handles made on demand."""

    def __init__(self, families: tuple[Family, ...]) -> None:
        self._families = families
        self._starts = np.cumsum([0, *(f.rows for f in families)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @overload
    def __getitem__(self, index: int) -> FactorHandle: ...
    @overload
    def __getitem__(self, index: slice) -> list[FactorHandle]: ...
    def __getitem__(self, index: int | slice) -> FactorHandle | list[FactorHandle]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index += len(self) if index < 0 else 0
        if not 0 <= index < len(self):
            raise IndexError(f"factor {index} of {len(self)}")
        number = int(np.searchsorted(self._starts, index, side="right")) - 1
        return FactorHandle(self._families[number], index - int(self._starts[number]))

    def __iter__(self) -> Iterator[FactorHandle]:
        return (FactorHandle(family, row) for family in self._families for row in range(family.rows))

    def __repr__(self) -> str:
        rows = (f"{f.rows} x {factor_text(f)}   {clusters_text(f)}{options_text(f)}   {f.site}" for f in self._families)
        return "\n".join(rows) or "no factors"

    def _repr_html_(self) -> str:
        return html_of_families(self._families, f"{len(self)} factors in {len(self._families)} families")
