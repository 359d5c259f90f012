"""The guides run from top to bottom and print what they show; the index names every one of them."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import blocks, run_page

DOCS = Path(__file__).parents[2] / "docs"
MADE = "rules.md"  # by a command; tests/rulebook/test_catalogue.py holds it and the registry together
GUIDES = sorted(page for page in DOCS.glob("*.md") if page.name not in ("README.md", MADE))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_runs_and_prints_what_it_shows(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_page(guide, tmp_path) > 0


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_every_output_stands_below_the_code_that_prints_it(guide):
    languages = [language for language, _, _ in blocks(guide)]
    assert set(languages) <= {"python", "text", "sh"}
    assert all(before == "python" for before, after in zip(["", *languages], languages, strict=False) if after == "text")


def test_the_index_links_every_guide_and_nothing_else():
    linked = re.findall(r"\]\(([\w-]+\.md)\)", (DOCS / "README.md").read_text())
    assert sorted(set(linked)) == sorted([MADE, *(guide.name for guide in GUIDES)])
