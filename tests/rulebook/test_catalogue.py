"""The command line prints the registry, and the committed page of rules is what the command makes."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import reactivepgm.__main__ as command
from reactivepgm.rulebook import TABLE, load_packs
from reactivepgm.rulebook.catalogue import entries, entry
from reactivepgm.rulebook.catalogue_text import COMMAND

ROOT = Path(__file__).parents[2]


def of_the_library():
    """The entries without those that other test modules make when they are imported."""
    return [found for found in entries() if all("reactivepgm_rules" in row.file for row in found.rows)]


def run(*arguments):
    """In a process of its own: other tests file rules."""
    paths = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'rules')!r}]; sys.argv = ['reactivepgm', *sys.argv[1:]]; "
    code = paths + "import runpy; runpy.run_module('reactivepgm', run_name='__main__')"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_the_committed_page_is_current():
    made = run("rules", "--markdown")
    assert made.returncode == 0, made.stderr
    assert (ROOT / "docs" / "rules.md").read_text() == made.stdout, f"run: {COMMAND}"


def test_every_rule_of_the_table_is_on_its_node_s_page():
    load_packs()
    for found in of_the_library():
        filed = {id(r) for (_, key, _), rules in TABLE._rules.items() if key == found.node.key for r in rules}
        assert len(found.rows) == len(filed), found.node.name
        for row in found.rows:
            assert row.claim, row
            assert row.inputs.startswith("(") and row.output
            assert int(row.place.rpartition(":")[2]) > 0


def test_what_differs_is_told_with_its_node(capsys):
    assert command.main(["rules", "InverseGamma"]) == 0
    assert "Differs from the usual rule: the energy has E[θ] E[1/out]" in capsys.readouterr().out
    page = (ROOT / "docs" / "rules.md").read_text()
    told = page.partition("## What is deliberately different")[2].partition("\n## ")[0]
    for found in of_the_library():
        for difference in found.differences:
            assert any(found.node.name in line and line.endswith(difference) for line in told.splitlines()), found.node.name


def test_a_node_in_a_pipe_is_one_line_a_rule(capsys):
    assert command.main(["rules", "GaussianMixture"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "NormalMixture (also GaussianMixture), stochastic"
    assert any(line.split() == ["switch", "z", "any", "shape"] for line in lines)
    (row,) = [line for line in lines if line.startswith("message m ")]
    assert "q_out: NormalFamily | PointMass" in row
    assert "reactivepgm_rules/normal_mixture.py:" in row


def test_a_terminal_gets_tables(monkeypatch, capsys):
    stream = io.StringIO()
    monkeypatch.setattr(command, "Console", lambda: Console(file=stream, force_terminal=True, width=140, color_system=None))
    assert command.main(["rules", "Beta"]) == 0
    assert "Interfaces" in stream.getvalue() and "─" in stream.getvalue()
    assert command.main(["rules"]) == 0
    assert "NormalMeanVariance" in stream.getvalue()


def test_all_nodes_with_their_counts():
    lines = [line.split("  ") for line in run("rules").stdout.splitlines()]
    without = {line[0] for line in lines if set(" ".join(line[-12:]).split()[-5:]) == {"-"}}
    assert without == {"MvNormal", "Normal"}  # keywords choose among others
    (beta,) = [[cell.strip() for cell in line if cell.strip()] for line in lines if line[0] == "Beta"]
    assert beta == ["Beta", "out, a, b", "2", "1", "1", "-", "-"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("NormalMixtur", "did you mean NormalMixture"), ("gcv", "did you mean GCV"), ("xyzzy", "lists them all")],
)
def test_an_unknown_name(name, hint):
    done = run("rules", name)
    assert done.returncode == 2
    assert hint in done.stderr and done.stdout == ""


def test_the_version():
    done = run("--version")
    assert done.returncode == 0 and done.stdout.startswith("reactivepgm ")


def test_names_that_keywords_choose_between(capsys):
    assert command.main(["rules", "MvNormal"]) == 0
    assert "MvNormalMeanCovariance(mean=, covariance=)" in capsys.readouterr().out
    assert entry("MvNormal").rows == ()
