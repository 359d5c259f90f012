"""Where an operator stands in compiled code: how a lifted loop finds the statement of a bare ``a * x[t]``.

Run turn by turn, such an operator is told apart by the instruction that carries it out. A lifted loop carries out none,
so it looks the instruction up by the operator's position in the source.
"""

from __future__ import annotations

import ast
import dis
from functools import lru_cache
from types import CodeType

Position = tuple[int | None, int | None, int | None, int | None]
_INSTRUCTIONS = ("BINARY_OP", "UNARY_NEGATIVE")


def instruction_of(code: CodeType, node: ast.expr) -> int | None:
    """The offset of the instruction of an operator; None where it is not known for certain.

    Example:
        >>> code = compile("a + b * c", "", "eval")
        >>> tree = ast.parse("a + b * c", mode="eval").body
        >>> instruction_of(code, tree) > instruction_of(code, tree.right)
        True
    """
    found = _operators(code).get((node.lineno, node.end_lineno, node.col_offset, node.end_col_offset), ())
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=64)
def _operators(code: CodeType) -> dict[Position, tuple[int, ...]]:
    found: dict[Position, tuple[int, ...]] = {}
    for instruction in dis.get_instructions(code):
        if instruction.opname in _INSTRUCTIONS and instruction.positions is not None:
            at = instruction.positions
            position = (at.lineno, at.end_lineno, at.col_offset, at.end_col_offset)
            found[position] = (*found.get(position, ()), instruction.offset)
    return found
