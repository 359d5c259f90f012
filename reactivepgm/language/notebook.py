"""``x ~ Normal(...)`` in a notebook cell: turned into ``x = ~Normal(...)`` before Python sees it.

    %load_ext reactivepgm.notebook

Only a statement counts: a target, the ``~``, one operand. It works on tokens, so strings, comments, magics and the
ordinary ``~`` stay as they are, and so does every line number.
"""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

_OPEN, _CLOSE = "([{", ")]}"
_COMPOUND = frozenset({"for", "while", "if", "elif", "else", "with", "try", "except", "finally", "def", "class", "async"})
_SPACE = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENDMARKER)


def transformed(lines: list[str]) -> list[str]:
    """The lines of a cell with every ``target ~ operand`` statement written as ``target = ~operand``.

    Example:
        >>> transformed(["x[t] ~ Normal(mean=0.0, variance=1.0)  # x ~ N\\n", "m = ~mask\\n"])
        ['x[t] = ~Normal(mean=0.0, variance=1.0)  # x ~ N\\n', 'm = ~mask\\n']
    """
    if lines and lines[0].startswith("%%"):
        return lines
    lines = list(lines)
    places = [place for statement in _statements(lines) if (place := _tilde_of(statement, lines)) is not None]
    for row, column in sorted(places, reverse=True):  # from the end, so that earlier columns stay true
        line = lines[row - 1]
        lines[row - 1] = f"{line[:column]}= ~{line[column + 1 :].lstrip(' ')}"
    return lines


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext reactivepgm.notebook``."""
    if transformed not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(transformed)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext reactivepgm.notebook``."""
    if transformed in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(transformed)


def _statements(lines: list[str]) -> Iterator[list[tokenize.TokenInfo]]:
    """The tokens of each simple statement; what stands behind the colon of ``for ...: x[t] ~ F()`` is one too."""
    statement: list[tokenize.TokenInfo] = []
    depth = lambdas = 0
    for token in _tokens(lines):
        if token.type == tokenize.OP:
            depth += (token.string in _OPEN) - (token.string in _CLOSE)
        elif token.string == "lambda" and not depth:
            lambdas += 1
        ends_header = token.string == ":" and not depth and statement and statement[0].string in _COMPOUND
        if ends_header and lambdas:
            lambdas, ends_header = lambdas - 1, False
        if token.type == tokenize.NEWLINE or (token.string == ";" and not depth) or ends_header:
            yield statement
            statement, lambdas = [], 0
        elif token.type not in _SPACE:
            statement.append(token)
    yield statement


def _tokens(lines: list[str]) -> Iterator[tokenize.TokenInfo]:
    """Tokens as far as they can be read: a cell may be unfinished, or no Python at all."""
    tokens = tokenize.generate_tokens(io.StringIO("".join(lines)).readline)
    try:
        yield from tokens
    except (tokenize.TokenError, SyntaxError):
        return


def _tilde_of(statement: list[tokenize.TokenInfo], lines: list[str]) -> tuple[int, int] | None:
    """Where a statement's own ``~`` stands, if it has one between a target and an operand."""
    if not statement or keyword.iskeyword(statement[0].string):
        return None
    depth = 0
    for before, token in pairwise([statement[0], *statement]):
        if token.string in _OPEN:
            depth += 1
        elif token.string in _CLOSE:
            depth -= 1
        elif token.string == "~" and not depth:
            target = _between(lines, statement[0].start, token.start)
            operand = _between(lines, token.end, statement[-1].end)
            is_binary = before is not token and before.string != ","
            is_turned = is_binary and _is_target(target) and _is_operand(operand, _is_unfinished(statement))
            return token.start if is_turned else None
    return None


def _is_unfinished(statement: list[tokenize.TokenInfo]) -> bool:
    """Whether a bracket is still open, as while a cell is typed at the prompt."""
    return sum((token.string in _OPEN) - (token.string in _CLOSE) for token in statement) > 0


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    (first, left), (last, right) = start, end
    if first == last:
        return lines[first - 1][left:right]
    return lines[first - 1][left:] + "".join(lines[first : last - 1]) + lines[last - 1][:right]


def _is_target(text: str) -> bool:
    """Whether something may stand left of an ``=``: a name, an element, or a tuple of these."""
    try:
        (statement,) = ast.parse(f"{text.strip()} = 0").body
    except (SyntaxError, ValueError):
        return False
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return False
    target = statement.targets[0]
    parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
    return all(isinstance(part, (ast.Name, ast.Subscript)) for part in parts)


def _is_operand(text: str, is_unfinished: bool) -> bool:
    """Whether ``~`` applies to all of it: a call, a name, something in parentheses; or a call that is not finished.

    What is written in numbers and text alone is no factor; ``x ~ 4`` stays the syntax error that it is in Python.
    """
    try:
        tree = ast.parse(f"(~{text}\n)", mode="eval").body
    except (SyntaxError, ValueError):
        return is_unfinished and re.fullmatch(r"\s*[\w.]+\((?s:.*)", text) is not None
    is_whole = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Invert)
    return is_whole and any(isinstance(node, ast.Name) for node in ast.walk(tree))
