"""What a builder looked like before a loop was lifted, as far as the attempt touched it."""

from __future__ import annotations

from typing import Any

from reactivepgm.graph import GraphBuilder, Statement
from reactivepgm.graph.buffer import Buffer
from reactivepgm.graph.column import ConstantColumn, DerivedColumn, PluralColumn
from reactivepgm.graph.draft import FamilyDraft

_STATEMENT = ("created", "latest", "target", "options", "keywords", "similar")
_CONSTANT = ("shared", "source", "snapshot", "rowwise")


class Journal:
    """Undoes an attempt.

    Statements are watched before they run; arrays and families that are new go away by number.

    Args:
        builder: the builder.
    """

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        names = builder._namespace
        self.arrays = len(names.arrays)
        self._names = dict(names._names)
        self._anonymous = names._anonymous
        self._drafts = len(builder._drafts)
        self._undrawn = len(builder._undrawn)
        self._operations: list[Any] = []
        self._before: dict[int, tuple[Any, ...]] = {}

    def operation(self, key: Any) -> None:
        """A statement is about to be filed under a key."""
        self._operations.append(key)

    def watch(self, statement: Statement) -> None:
        """A statement is about to run."""
        if id(statement) in self._before:
            return
        values = [getattr(statement, name) for name in _STATEMENT]
        created = statement.created
        size = None if created is None else (created._grown, created._block)
        drafts = dict(statement.drafts)
        self._before[id(statement)] = (statement, values, size, drafts, [_state(draft) for draft in drafts.values()])

    def undo(self) -> None:
        """Put everything back."""
        for statement, values, size, drafts, states in self._before.values():
            for name, value in zip(_STATEMENT, values, strict=True):
                setattr(statement, name, value)
            if size is not None:
                statement.created._grown, statement.created._block = size
            statement.drafts = drafts
            for draft, state in zip(drafts.values(), states, strict=True):
                _restore(draft, state)
        builder, names = self.builder, self.builder._namespace
        builder.places.clear()
        for key in self._operations:
            builder._operations.pop(key, None)
        del builder._drafts[self._drafts :]
        del builder._undrawn[self._undrawn :]
        del names.arrays[self.arrays :]
        names._names, names._anonymous = self._names, self._anonymous


def _state(draft: FamilyDraft) -> tuple[int, list[Any]]:
    return draft.rows, [_column_state(column) for column in draft.columns]


def _restore(draft: FamilyDraft, state: tuple[int, list[Any]]) -> None:
    draft.rows = state[0]
    for column, kept in zip(draft.columns, state[1], strict=True):
        _restore_column(column, kept)


def _column_state(column: Any) -> Any:
    if isinstance(column, PluralColumn):
        return [_column_state(part) for part in column.parts]
    if isinstance(column, ConstantColumn):
        values = [getattr(column, name) for name in _CONSTANT]
        return values, None if column.rowwise is None else _buffer_state(column.rowwise)
    if isinstance(column, DerivedColumn):
        return len(column.expressions)
    return _buffer_state(column.buffer)


def _restore_column(column: Any, state: Any) -> None:
    if isinstance(column, PluralColumn):
        for part, kept in zip(column.parts, state, strict=True):
            _restore_column(part, kept)
    elif isinstance(column, ConstantColumn):
        for name, value in zip(_CONSTANT, state[0], strict=True):
            setattr(column, name, value)
        if column.rowwise is not None:
            _restore_buffer(column.rowwise, state[1])
    elif isinstance(column, DerivedColumn):
        del column.expressions[state:]
    else:
        _restore_buffer(column.buffer, state)


def _buffer_state(buffer: Buffer) -> tuple[Any, ...]:
    return buffer.items, len(buffer.items), len(buffer._chunks), buffer._flushed


def _restore_buffer(buffer: Buffer, state: tuple[Any, ...]) -> None:
    # A list that was turned into a chunk meanwhile is still whole, so it comes back as it was.
    buffer.items, length, chunks, buffer._flushed = state
    del buffer.items[length:]
    del buffer._chunks[chunks:]
