"""What README says is run, at README's own line numbers, and what it says is printed is printed."""

import re
from pathlib import Path

from tests.docs.blocks import blocks, run_page

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_runs_and_prints_what_it_says(tmp_path):
    assert run_page(README, tmp_path) > 0


def test_the_readme_is_short_and_sets_up_with_two_commands():
    text = README.read_text()
    assert len(text.splitlines()) < 150
    commands = [line.split("#")[0].strip() for line in blocks(README)[0][2].splitlines()]
    assert commands == ["make demo", "make test"]
    makefile = (README.parent / "Makefile").read_text()
    assert all(re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE) for command in commands)
