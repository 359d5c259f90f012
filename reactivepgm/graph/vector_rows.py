"""Vectors that a statement wants as rows: ``X @ b`` is one vector variable, or n scalar ones, one inner product a row.

``A @ x`` with a matrix A and one variable x makes a vector variable, which is what a multivariate factor reads. NumPy
lets the same expression stand for n numbers; a factor of numbers, as in ``y[:] = ~Normal(mean=X @ b, variance=v)``, an
index ``(X @ b)[t]`` and a sum with n scalar variables read it that way:

    (X @ b)[t] = dot(X[t], b)          (u + v)[t] = u[t] + v[t]          (c * u)[t] = c * u[t]

The same holds of one scalar variable beside fixed values with axes: ``a * x`` with a covariate x.

Nobody knows which is meant before it is used, so the vector comes first, and goes again where only its rows are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from reactivepgm.errors import ModelError
from reactivepgm.graph.arithmetic import Operation, is_random, shape_of
from reactivepgm.graph.column import PluralColumn, RandomColumn
from reactivepgm.graph.draft import FamilyDraft
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site
from reactivepgm.graph.statement import Statement
from reactivepgm.graph.variable import VariableArray
from reactivepgm.nodes import ADDITION, DOT, MULTIPLICATION, SUBTRACTION

_ELEMENTWISE = frozenset({ADDITION, SUBTRACTION, MULTIPLICATION})


class VectorRows:
    """What is known about the vectors of one model while it is built."""

    def __init__(self) -> None:
        self._operations: dict[tuple[VariableArray, int], Operation] = {}
        self._rows: dict[tuple[VariableArray, int], Reference] = {}
        self._statements: dict[VariableArray, Statement] = {}
        self._spread: set[VariableArray] = set()
        self.split: set[VariableArray] = set()
        """The arrays whose further elements need to be noted, too: those of which rows were read, and those of a scalar
        variable beside a column of numbers, which hardly ever means a vector."""

    def __bool__(self) -> bool:
        return bool(self._operations)

    def note(self, operation: Operation, out: Reference) -> None:
        """Remember how a variable was computed, if it is a vector that could be rows."""
        if out.shape:
            return
        is_product = operation.ranks.get("A") == 2
        if is_product:
            size = (*shape_of(operation.arguments[0]), 0, 0)
            if size[0] < 2 or size[2:] != (0, 0):  # one row is a number as it is; of an unknown size nothing can be said
                return
        elif operation.node not in _ELEMENTWISE or not (any(map(self.holds, operation.arguments)) or _is_spread(operation)):
            return
        self._operations[out.array, out.first] = operation
        held = [a.array for a in operation.arguments if isinstance(a, Reference)]
        if not is_product and (_is_spread(operation) or not self._spread.isdisjoint(held)):
            self._spread.add(out.array)
            self.split.add(out.array)

    def holds(self, value: Any) -> bool:
        """Whether a value is a vector that can be rows."""
        return type(value) is Reference and not value.shape and (value.array, value.first) in self._operations

    def of(self, vector: Reference, operate: Callable[[Operation, Statement], Any], inner: Callable[..., Any]) -> Reference:
        """The rows of a vector, as variables of their own.

        Args:
            vector: a variable that ``holds``.
            operate: adds the factors of an operation.
            inner: adds those of an inner product: node, arguments, options, statement.
        """
        key = (vector.array, vector.first)
        if key not in self._rows:
            operation, array = self._operations[key], vector.array
            statement = self._statements.setdefault(array, Statement(array.site, scope=array.scope))
            self.split.add(array)
            if operation.ranks.get("A") == 2:
                handle = inner(DOT, operation.arguments, {}, statement)
            else:
                parts = tuple(self.of(a, operate, inner) if self.holds(a) else a for a in operation.arguments)
                names = operation.node.names[1:]
                ranks = {name: 0 for name, part in zip(names, parts, strict=True) if not is_random(part)}
                handle = operate(Operation(operation.node, parts, ranks), statement)
            self._rows[key] = handle.out
        return self._rows[key]

    def resolved(self, value: Any, dropped: frozenset[VariableArray]) -> Any:
        """What a model returns, with rows in the place of vectors that are gone."""
        if isinstance(value, Reference):
            return self._rows.get((value.array, value.first), value) if value.array in dropped else value
        if type(value) in (tuple, list):
            return type(value)(self.resolved(part, dropped) for part in value)
        if type(value) is dict:
            return {key: self.resolved(part, dropped) for key, part in value.items()}
        return value

    def superseded(self, drafts: list[FamilyDraft]) -> dict[FamilyDraft, Reference]:
        """The factors of vectors that only their rows are read of, each with the rows that take its variable's place."""
        gone: dict[FamilyDraft, Reference] = {}
        for draft in reversed(drafts):
            out = draft.out.array if isinstance(draft.out, RandomColumn) else None
            if out not in self._statements or any((out, k) not in self._rows for k in range(draft.rows)):
                continue
            others = (d for d in drafts if d is not draft and d not in gone)
            if out.size == draft.rows and not any(out in _arrays(d.columns) for d in others):
                gone[draft] = self._rows[out, 0]
        return gone


def is_of_numbers(operation: Operation) -> bool:
    """Whether every operand of a row is a number, and so is the result."""
    names = operation.node.names[1:]
    return operation.node in _ELEMENTWISE and all(
        a.array.rank == 0 if isinstance(a, Reference) and is_random(a) else operation.ranks.get(name) == 0 or not shape_of(a)
        for name, a in zip(names, operation.arguments, strict=True)
    )


def _is_spread(operation: Operation) -> bool:
    """Whether one scalar variable stands beside fixed values with axes, as in ``a * x`` with a covariate x."""
    random = [a for a in operation.arguments if is_random(a)]
    fixed = [a for a in operation.arguments if not is_random(a)]
    is_scalar = all(type(a) is Reference and not a.shape and a.array.rank == 0 for a in random)
    return is_scalar and any(shape_of(a) for a in fixed)


def refuse_scalars(operands: Iterable[Any], site: Site) -> None:
    """A matrix product of an array of numbers, which are not one vector.

    Raises:
        ModelError: an operand is an array of scalar variables whose length is the product's.
    """
    operands = tuple(operands)
    sizes = {size for o in operands if not is_random(o) for size in shape_of(o)}
    for operand in operands:
        is_scalars = isinstance(operand, Reference) and is_random(operand) and operand.shape and operand.array.rank == 0
        if is_scalars and operand.shape[-1] in sizes:
            name, size = operand.array.name, operand.shape[-1]
            raise ModelError(
                site.letter(
                    f"{name} is an array of {size} scalar variables, and a matrix product takes one vector",
                    write=f"{name} = ~MvNormal(mean=np.zeros({size}), covariance=np.eye({size}))  for one vector variable",
                )
            )


def _arrays(columns: Iterable[Any]) -> set[VariableArray]:
    found: set[VariableArray] = set()
    for column in columns:
        if isinstance(column, PluralColumn):
            found |= _arrays(column.parts)
        elif isinstance(column, RandomColumn):
            found.add(column.array)
    return found
