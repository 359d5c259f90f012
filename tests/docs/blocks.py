"""Code blocks of a Markdown page, run in order at the page's own line numbers; what they print is what the page shows."""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import re
from pathlib import Path
from types import CodeType
from typing import Any

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, int, str]]:
    """Language, number of the first line (from 0) and text of every fenced block."""
    text = page.read_text()
    return [(m[1], text[: m.start(2)].count("\n"), m[2]) for m in BLOCK.finditer(text)]


def run_page(page: Path, folder: Path) -> int:
    """Run every Python block of a page in one namespace, and compare with the ``text`` block that follows it, if any.

    Args:
        page: the Markdown file.
        folder: where the script goes: the blocks at the page's line numbers, because @model reads its source and a
            traceback is to point into the page.

    Returns:
        How many outputs were compared.
    """
    found = blocks(page)
    assert found
    lines = [""] * len(page.read_text().splitlines())
    for language, start, text in found:
        if language == "python":
            lines[start : start + text.count("\n")] = text.splitlines()
    script = folder / f"{page.stem}.py"
    script.write_text("\n".join(lines) + "\n")
    linecache.checkcache()
    namespace: dict[str, Any] = {"__name__": page.stem, "__file__": str(script)}
    imports: list[ast.stmt] = []
    compared = 0
    for (language, start, text), following in zip(found, [*found[1:], ("", 0, "")], strict=True):
        if language != "python":
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(_compiled(start, text, str(script), imports), namespace)
        if following[0] == "text":
            assert printed.getvalue() == following[2], f"{page.name}:{start + 1}"
            compared += 1
    return compared


def _compiled(start: int, text: str, file: str, imports: list[ast.stmt]) -> CodeType:
    """One block by itself, as the compiler would make it in the whole file.

    A call ``np.tanh(x)`` is compiled in its own way where the file imports ``np``, and @model compares the code with that
    of the file; so the imports of earlier blocks are repeated where they are never run.
    """
    tree = ast.parse("\n" * start + text)
    repeated: list[ast.stmt] = [ast.If(ast.Constant(False), list(imports), [])] if imports else []
    imports += [statement for statement in tree.body if isinstance(statement, (ast.Import, ast.ImportFrom))]
    whole = ast.fix_missing_locations(ast.Module(repeated + tree.body, []))
    return compile(whole, file, "exec", dont_inherit=True)
