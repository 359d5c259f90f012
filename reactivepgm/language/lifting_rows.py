"""All turns of a statement but the first, added to its family at once.

The first turn runs as it always does and settles everything: the kind of the family, names, factorisation. What is left
is to append to each column what the other turns would have appended to it, or to find that a turn would have gone
elsewhere.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from reactivepgm.graph.arithmetic import is_random
from reactivepgm.graph.column import ConstantColumn, DataColumn, DerivedColumn, PluralColumn, RandomColumn
from reactivepgm.graph.draft import FamilyDraft
from reactivepgm.language.lifting_values import CannotLift, Elements, Grid, Index, Lifted, Numbers, Objects, is_lifted

SAME = object()
"""An argument that every turn has in common with the first."""


def append_turns(draft: FamilyDraft, out: Elements, arguments: Sequence[Any], grid: Grid) -> None:
    """Append what the turns after the first one add.

    Args:
        draft: the family to which the first turn has just added a row.
        out: the outputs of all turns.
        arguments: the inputs in the order of the family's interfaces, lifted where they change.
        grid: the number of turns of each loop.

    Raises:
        CannotLift: a turn's row is of another kind.
    """
    count = prod(grid) - 1
    if len(arguments) != len(draft.inputs):
        raise CannotLift
    if count == 0:
        return
    for column, argument in zip(draft.columns, (out, *arguments), strict=True):
        _append(column, argument, grid, draft.rows)
    draft.rows += count


def in_order(function: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """An operator's operands in the order of its factor's interfaces; see ``graph.arithmetic``.

    Example:
        >>> in_order(operator.truediv, ("x", 2.0))[1]
        'x'
    """
    if function in (operator.add, operator.sub):
        return operands
    if function is operator.neg:
        return (SAME, *operands)
    left, right = operands
    if function is operator.mul:
        return (right, left) if _varies(left) and not _varies(right) else operands
    if function is operator.truediv and not is_lifted(right):
        return (SAME, left)
    if function is operator.matmul and _varies(right):
        return operands
    raise CannotLift


def _varies(operand: Any) -> bool:
    """Whether an operand is a random variable, in every turn its own or always the same."""
    return operand.array.kind == "random" if isinstance(operand, Elements) else is_random(operand)


def _append(column: Any, argument: Any, grid: Grid, rows: int) -> None:
    if isinstance(column, PluralColumn):
        for part, value in zip(column.parts, _components(argument, len(column.parts)), strict=True):
            _append(part, value, grid, rows)
    elif not is_lifted(argument):
        _repeat(column, prod(grid) - 1)
    elif isinstance(column, RandomColumn):
        if not isinstance(argument, Elements) or argument.array is not column.array or argument.rest:
            raise CannotLift
        column.buffer.extend(argument.flat(grid)[1:])
    elif isinstance(column, ConstantColumn):
        _append_numbers(column, argument, grid, rows)
    elif isinstance(column, DataColumn):
        _append_data(column, argument, grid)
    elif isinstance(column, DerivedColumn) and column.layout is None and isinstance(argument, Objects):
        column.expressions.extend(argument.flat(grid)[1:])
    else:
        raise CannotLift


def _components(argument: Any, count: int) -> Sequence[Any]:
    """What sits on the K places of a plural interface."""
    if isinstance(argument, Elements) and argument.array.kind == "random" and argument.rest == (count,):
        return [Elements(argument.array, argument.table[..., k], argument.depth) for k in range(count)]
    if isinstance(argument, Lifted):
        raise CannotLift
    if not is_lifted(argument):
        return [SAME] * count
    if len(argument) != count:
        raise CannotLift
    return list(argument)


def _repeat(column: Any, count: int) -> None:
    """Append the last row again and again."""
    if isinstance(column, ConstantColumn):
        if column.rowwise is not None:
            column.rowwise.extend(np.broadcast_to(np.asarray(column.shared), (count, *column.event)))
    elif isinstance(column, DerivedColumn) and column.layout is None:
        column.expressions.extend(column.expressions[-1:] * count)
    elif isinstance(column, (RandomColumn, DataColumn)) and column.buffer.items:
        column.buffer.extend(np.full(count, column.buffer.items[-1]))
    else:
        raise CannotLift


def _append_numbers(column: ConstantColumn, argument: Any, grid: Grid, rows: int) -> None:
    if not isinstance(argument, (Index, Numbers)) or argument.rest != column.event:
        raise CannotLift
    if argument.rest and argument.table.dtype != np.float64:
        raise CannotLift  # whole numbers in vectors are checked, and converted, one by one
    values = argument.flat(grid)[1:].astype(np.float64)
    if column.rowwise is None and bool(np.equal(values, column.shared).all()):
        return
    column.extend(None, values, True, values.shape[:1], rows)
    column.shared = values[-1] if column.event else float(values[-1])


def _append_data(column: DataColumn, argument: Any, grid: Grid) -> None:
    event = column.event or ()
    if not isinstance(argument, Elements) or argument.array is not column.array or argument.rest != event:
        raise CannotLift
    numbers = argument.flat(grid)[1:]
    firsts = numbers.reshape(len(numbers), -1)[:, 0]
    if event:
        expected = firsts[:, None] + np.arange(column.block)
        if (numbers.reshape(len(numbers), -1) != expected).any() or (firsts % column.block).any():
            raise CannotLift
    column.buffer.extend(firsts)
