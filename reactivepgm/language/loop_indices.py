"""Which indices are computed from a loop's counter, as in ``x[t - 1]``, so that they may fall before the first element."""

from __future__ import annotations

import ast
from collections.abc import Sequence


def counters_of(loop: ast.For) -> list[str]:
    """The names that count the turns of a loop: of ``range``, and the first of ``enumerate``.

    Example:
        >>> [counters_of(loop) for loop in ast.parse("for t in range(9): pass\\nfor t, y in enumerate(ys): pass").body]
        [['t'], ['t']]
    """
    called = loop.iter.func if isinstance(loop.iter, ast.Call) else None
    kind = called.id if isinstance(called, ast.Name) else ""
    target = loop.target
    if kind == "enumerate" and isinstance(target, (ast.Tuple, ast.List)) and target.elts:
        target = target.elts[0]
    return [target.id] if kind in ("range", "enumerate") and isinstance(target, ast.Name) else []


def computed_places(node: ast.Subscript, counters: Sequence[str]) -> tuple[int, ...]:
    """The entries of an index that arithmetic makes of a counter; () where there is none.

    A counter by itself counts as its loop says, from the end too, and what begins with a minus is meant to.

    Example:
        >>> [computed_places(ast.parse(f"x[{key}]").body[0].value, ["t"]) for key in ("t", "0, t - 1", "-1 - t", "t - 2:t")]
        [(), (1,), (), (0,)]
    """
    if not counters or not isinstance(node.value, ast.Name):
        return ()
    entries = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return tuple(place for place, entry in enumerate(entries) if _is_computed(entry, counters))


def _is_computed(entry: ast.expr, counters: Sequence[str]) -> bool:
    if isinstance(entry, ast.Slice):
        return any(bound is not None and _is_computed(bound, counters) for bound in (entry.lower, entry.upper))
    if not isinstance(entry, ast.BinOp):
        return False
    first: ast.expr = entry
    while isinstance(first, ast.BinOp):
        first = first.left
    is_from_the_end = isinstance(first, ast.UnaryOp) and isinstance(first.op, ast.USub)
    return not is_from_the_end and any(isinstance(n, ast.Name) and n.id in counters for n in ast.walk(entry))
