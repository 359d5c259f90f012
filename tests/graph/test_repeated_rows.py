"""Rows that repeat what the last one had on a plural interface are counted; the index arrays are the same."""

from __future__ import annotations

import numpy as np
import pytest

from reactivepgm.graph.column import ConstantColumn, PluralColumn, RandomColumn
from reactivepgm.graph.draft import FamilyDraft
from reactivepgm.graph.reference import Reference, whole
from reactivepgm.graph.site import Site
from reactivepgm.graph.variable import VariableArray
from reactivepgm.nodes import node_of

SITE = Site("model.py", 1, "")


def array(number: int, name: str, size: int) -> VariableArray:
    return VariableArray(number, name, "random", (size,), SITE)


X, M = array(0, "x", 50), array(1, "m", 3)
x, m = whole(X), whole(M)
PAIR, OTHER = (m[0], m[2]), (m[1], m[0])


def found(column: PluralColumn) -> list[list[int]]:
    return np.transpose([part.buffer.array(np.intp) for part in column.parts]).tolist()


def two() -> PluralColumn:
    return PluralColumn([RandomColumn(M), RandomColumn(M)])


@pytest.mark.parametrize(
    "rows", [[PAIR] * 5, [PAIR, PAIR, OTHER, OTHER, PAIR], [PAIR, [m[2], m[1]], PAIR, PAIR], [m[1:], m[1:], m[:2], m[1:]]]
)
def test_the_elements_of_every_row(rows: list[object]) -> None:
    column = two()
    chosen = m[1:]
    rows = [chosen if isinstance(r, Reference) and r == chosen else r for r in rows]
    for number, row in enumerate(rows):
        assert column.take(row, number)
    assert found(column) == [[part.first for part in row] for row in rows]


def test_a_list_may_change_between_rows() -> None:
    column, changing = two(), [m[0], m[1]]
    assert column.take(changing, 0)
    changing[0] = m[2]
    assert column.take(changing, 1)
    assert found(column) == [[0, 1], [2, 1]]


def test_rows_that_were_read_in_between_stay() -> None:
    column = two()
    for number in range(6):
        assert column.take(PAIR, number)
        if number in (2, 3):
            assert len(found(column)) == number + 1
    assert found(column) == [[0, 2]] * 6


def test_a_row_that_does_not_fit_leaves_nothing() -> None:
    mixture = node_of("NormalMixture")
    assert mixture is not None
    columns = [RandomColumn(X), RandomColumn(X), two(), ConstantColumn(())]
    draft = FamilyDraft(mixture, ("out", "switch", "m", "p"), columns, (), (None, None), SITE, False, {})
    fits = [True, False, True, True, False, True, False, True]
    for row, fit in enumerate(fits):
        pair = PAIR if row < 6 else OTHER
        assert draft.append_element(X, row, (x[row + 10], pair, 1.0 if fit else "no number")) is fit
    assert draft.rows == sum(fits)
    assert found(columns[2]) == [[0, 2]] * 4 + [[1, 0]]
    assert columns[0].buffer.array(np.intp).tolist() == [row for row, fit in enumerate(fits) if fit]
