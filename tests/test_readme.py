"""What README says is run, at README's own line numbers, and what it says is printed is printed."""

import contextlib
import io
import linecache
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, int, str]]:
    """Language, first line's number and text of every fenced block."""
    text = README.read_text()
    return [(m[1], text[: m.start(2)].count("\n"), m[2]) for m in BLOCK.finditer(text)]


def test_the_readme_runs_and_prints_what_it_says(tmp_path):
    # The blocks stand in a file at README's line numbers: @model reads its source, and a traceback points into README.
    found = blocks()
    lines = [""] * len(README.read_text().splitlines())
    for language, start, text in found:
        if language == "python":
            lines[start : start + text.count("\n")] = text.splitlines()
    script = tmp_path / "readme.py"
    script.write_text("\n".join(lines) + "\n")
    linecache.checkcache()
    namespace: dict[str, object] = {"__name__": "readme", "__file__": str(script)}
    assert found
    for (language, start, text), following in zip(found, [*found[1:], ("", 0, "")], strict=True):
        if language != "python":
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * start + text, str(script), "exec"), namespace)
        if following[0] == "text":
            assert printed.getvalue() == following[2]


def test_the_readme_is_short_and_sets_up_with_two_commands():
    text = README.read_text()
    assert len(text.splitlines()) < 150
    first = BLOCK.search(text)
    assert first is not None
    commands = [line.split("#")[0].strip() for line in first[2].splitlines()]
    assert commands == ["make demo", "make test"]
    makefile = (README.parent / "Makefile").read_text()
    assert all(re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE) for command in commands)
