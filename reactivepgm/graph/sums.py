"""Sums of random variables that are written as one call, as binary additions.

np.sum(x), x.sum()          x[0] + x[1] + ...                          along an axis: row by row
np.mean(x), x.mean()        the sum times 1 / n
dot([c, d], [a, b])         c a + d b: lists of numbers, data and scalar variables
C @ x, dot(c, x)            C[..., 0] x[0] + C[..., 1] x[1] + ...       where x is an array of scalar variables
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reactivepgm.errors import ModelError
from reactivepgm.graph.arithmetic import Operation, as_vector, is_random, read_operation, shape_of, unwrapped
from reactivepgm.graph.derived import Derived
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site
from reactivepgm.graph.statement import Statement
from reactivepgm.nodes import DOT, node_of

if TYPE_CHECKING:
    from reactivepgm.graph.expressions import Expressions

REDUCTIONS: frozenset[Any] = frozenset({np.sum, np.mean, np.add.reduce})


class Sums:
    """Makes the factors of sums for one builder."""

    def __init__(self, owner: Expressions) -> None:
        self._owner = owner
        self._parts: dict[tuple[Statement, str], Statement] = {}
        """The statements within a statement: its products, and its partial sums."""

    def reduced(self, function: Callable[..., Any], args: Any, kwargs: Any, statement: Statement, **options: Any) -> Any:
        """``np.sum`` or ``np.mean`` of variables: a handle, or 0 where there is nothing to add.

        Raises:
            ModelError: an argument beside the axis, an axis that is not there, or variables that are vectors.
        """
        given = dict(zip(("a", "axis"), args, strict=False)) | dict(kwargs)
        given = {"a": given.pop("array"), **given} if "array" in given else given
        value, axis = given.pop("a"), given.pop("axis", 0 if function == np.add.reduce else None)
        name = "mean" if function is np.mean else "sum"
        if given or len(args) > 2:
            raise ModelError(
                statement.site.letter(f"np.{name} of random variables takes an axis and nothing else", write=f"np.{name}(x)")
            )
        terms = _terms(value, axis, name, statement.site)
        if name == "mean":
            if not terms:
                raise ModelError(statement.site.letter("the mean of no variables is no number", write="an array with elements"))
            total = self._total(terms, statement)
            return self._product((1.0 / len(terms), total), statement, **options)
        if len(terms) == 1:
            return self._product((1.0, terms[0]), statement, **options)
        return self._added(terms, statement, **options) if terms else 0.0

    def inner(self, operands: tuple[Any, ...], statement: Statement, **options: Any) -> Any:
        """``dot(left, right)`` where an operand is several scalar variables; None where it is not."""
        if not any(map(_is_several, operands)):
            return None
        left, right = operands
        one, other = _components(left, statement.site), _components(right, statement.site)
        inside = self._part(statement, "products")
        pairs = [(one(k), other(k)) for k in range(_length(one, other, statement.site))]
        count = len(pairs)
        if count == 1:
            return self._product(pairs[0], statement, **options)
        return self._added([self._owner.operate(operator.mul, pair, inside) for pair in pairs], statement, **options)

    def _product(self, factors: tuple[Any, Any], statement: Statement, **options: Any) -> Any:
        statement.target = None
        read = read_operation(self._owner, operator.mul, factors, statement.site)
        assert isinstance(read, Operation)
        return self._owner.add_operation(read, statement, **options)

    def _added(self, terms: Sequence[Any], statement: Statement, **options: Any) -> Any:
        """The terms' sum; the last addition is the statement's own factor."""
        total = self._total(terms[:-1], statement)
        statement.target = None
        read = read_operation(self._owner, operator.add, (total, terms[-1]), statement.site)
        return self._owner.add_operation(read, statement, **options)

    def _total(self, terms: Sequence[Any], statement: Statement) -> Any:
        total, inside = terms[0], self._part(statement, "sums")
        for term in terms[1:]:
            total = self._owner.operate(operator.add, (total, term), inside)
        return total

    def _part(self, statement: Statement, kind: str) -> Statement:
        key = (statement, kind)
        if key not in self._parts:
            self._parts[key] = Statement(statement.site, scope=statement.scope)
        return self._parts[key]


def is_spelled_out(function: Any, args: Sequence[Any]) -> bool:
    """Whether a call is one of several factors."""
    if function is operator.matmul or node_of(function) is DOT:
        return any(map(_is_several, args))
    return is_reduction(function)


def is_reduction(function: Any) -> bool:
    """Whether a function adds up what it is given."""
    try:
        return function in REDUCTIONS
    except TypeError:  # unhashable: no function of NumPy's
        return False


def _terms(value: Any, axis: Any, name: str, site: Site) -> list[Any]:
    """What is added up."""
    if isinstance(value, (tuple, list)):
        if axis is not None and axis != 0:
            raise ModelError(site.letter(f"np.{name} of a list has the axis 0 only, not {axis}", write=f"np.{name}(x)"))
        return [part for item in value for part in ([item] if axis == 0 else _terms(item, None, name, site))]
    if not isinstance(value, Reference) or not is_random(value):
        return [value]
    if value.array.rank and (axis is None or not value.shape):
        raise ModelError(
            site.letter(
                f"{value.spelled} is a vector or a matrix, and np.{name} would add up its entries",
                write=f"dot(np.ones(n), {value.name})  for the sum of a vector's n entries, sum(...) to add up vectors",
            )
        )
    if axis is None:
        return [value[place] for place in np.ndindex(value.shape)]
    if not isinstance(axis, int) or not -value.ndim <= axis < value.ndim:
        raise ModelError(
            site.letter(f"{value.spelled} has {value.ndim} axes, and not the axis {axis}", write=f"np.{name}(x, axis=0)")
        )
    axis %= value.ndim
    return [value[(slice(None),) * axis + (k,)] for k in range(value.shape[axis])]


def _is_several(value: Any) -> bool:
    """Whether a value is several scalar variables, in a list or in an array of one axis."""
    if isinstance(value, (tuple, list)):
        return is_random(value)
    return isinstance(value, Reference) and is_random(value) and value.ndim == 1 and value.array.rank == 0


class _Components:
    """The components of one side of an inner product."""

    def __init__(self, value: Any, count: int | None) -> None:
        self._value = value
        self.count = count

    def __call__(self, k: int) -> Any:
        value = self._value
        if isinstance(value, (tuple, list)):
            return value[k]
        if isinstance(value, Reference) and (value.shape or value.array.value_shape is not None):
            return value[..., k]
        if isinstance(value, (Derived, Reference)):
            return Derived(value.builder, operator.getitem, (value, (Ellipsis, k)), {})
        return np.asarray(value)[..., k]


def _components(value: Any, site: Site) -> _Components:
    value = unwrapped(value)
    if isinstance(value, (tuple, list)) and not is_random(value):
        value = as_vector(value)
    if isinstance(value, (tuple, list)):
        if any(isinstance(part, (tuple, list)) for part in value):
            raise ModelError(site.letter("an inner product takes flat lists of variables", write="dot([1.0, c], [a, b])"))
        return _Components(value, len(value))
    if isinstance(value, Reference) and is_random(value) and not _is_several(value):
        what = "a vector" if value.array.rank else "no list"
        raise ModelError(
            site.letter(
                f"an inner product of several variables with {value.spelled}, which is {what}",
                write="a list of variables on both sides, or one vector variable drawn from MvNormal",
            )
        )
    shape = shape_of(value)
    if not isinstance(value, (Derived, Reference)) and not shape:
        raise ModelError(site.letter(f"{value!r} is no vector for an inner product", write="a list, such as [1.0, 2.0]"))
    return _Components(value, shape[-1] if shape else None)


def _length(left: _Components, right: _Components, site: Site) -> int:
    counts = [side.count for side in (left, right) if side.count is not None]
    if len(set(counts)) != 1 or not counts[0]:
        met = f"an inner product of {' and '.join(map(str, counts))} components"
        raise ModelError(site.letter(met, write="as many on one side as on the other, and at least one"))
    return counts[0]
