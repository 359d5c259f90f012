"""``x ~ Normal(...)`` in cells: what is turned, what is left alone, and a real Jupyter kernel."""

import ast
import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactivepgm.language.notebook import transformed
from reactivepgm.notebook import load_ipython_extension, unload_ipython_extension

ROOT = Path(__file__).parents[2]


def cell(text):
    return "".join(transformed(text.splitlines(True)))


TURNED = {
    "x ~ F(1)": "x = ~F(1)",
    "x~F(1)": "x= ~F(1)",
    "x  ~  F(1)  # x ~ F": "x  = ~F(1)  # x ~ F",
    "x[t] ~ F(x[t - 1], v)": "x[t] = ~F(x[t - 1], v)",
    "x[i, f(j)][1:] ~ rp.nodes.F()": "x[i, f(j)][1:] = ~rp.nodes.F()",
    "node, y ~ F(1)": "node, y = ~F(1)",
    "(node, y[0]) ~ F(1)": "(node, y[0]) = ~F(1)",
    "x ~ F(1).where(q=q(a) * q(b))": "x = ~F(1).where(q=q(a) * q(b))",
    "x ~ F(\n    1,\n    ~m,\n)\ny ~ F(2)": "x = ~F(\n    1,\n    ~m,\n)\ny = ~F(2)",
    "x[\n  0\n] ~ F(1)": "x[\n  0\n] = ~F(1)",
    "c ~ (a + b)": "c = ~(a + b)",
    "theta ~ prior": "theta = ~prior",
    "a ~ F(1); b ~ F(2)": "a = ~F(1); b = ~F(2)",
    "for t in range(9): x[t] ~ F(1)": "for t in range(9): x[t] = ~F(1)",
    "if x[{1: 2}[1]: (lambda: 3)()]: y ~ F(1)": "if x[{1: 2}[1]: (lambda: 3)()]: y = ~F(1)",
    "def f():\n    '''x ~ F'''\n    x ~ F('y ~ G')\n": "def f():\n    '''x ~ F'''\n    x = ~F('y ~ G')\n",
    "@model\ndef f(y):\n\tx ~ F(1)\n\treturn x": "@model\ndef f(y):\n\tx = ~F(1)\n\treturn x",
    "x ~ F(1)\n%time y = 1\n!ls ~/x": "x = ~F(1)\n%time y = 1\n!ls ~/x",
    "σ ~ F(1)": "σ = ~F(1)",
    "x ~ F(\n": "x = ~F(\n",
    "x ~ (~F(1))": "x = ~(~F(1))",
}
LEFT = [
    "m = ~mask",
    "x = ~F(1)",
    "~x",
    "return ~x",
    "f(~x)",
    "x[~m] = 3",
    "y = a & ~b",
    "if ~x: pass",
    "assert ~x",
    "not ~x",
    "lambda: ~x",
    "x = lambda y: ~y",
    "# x ~ F(1)",
    "s = 'x ~ F(1)'",
    's = """\nx ~ F(1)\n"""',
    "%%bash\nx ~ F(1)",
    "!ls ~ F(1)",
    "%run ~/script.py",
    "x ~ a + b",
    "x + y ~ F(1)",
    "f(x) ~ F(1)",
    "x.y ~ F(1)",
    "x: T ~ F(1)",
    "x, ~y",
    "match ~f(x):\n    case 1: pass",
    "x .~ F(1)",
    "x ~ F(1) if c else d",
    "x ~",
    "",
]


@pytest.mark.parametrize("text", TURNED)
def test_a_true_tilde_is_turned(text):
    assert cell(text) == TURNED[text]
    assert cell(cell(text)) == cell(text)
    assert cell(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("text", LEFT)
def test_everything_else_is_left_alone(text):
    assert cell(text) == text


PIECES = [*TURNED, *LEFT, "x = 1", "(", ")", "'", '"""', "\\\n", "~", ":", "for t in x:", "    ", "\n", "%", "?"]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=6), st.sampled_from(["", "\n", " "]))
def test_valid_python_is_never_changed_and_nothing_fails(pieces, between):
    text = between.join(pieces)
    found = cell(text)
    assert found.count("\n") == text.count("\n")
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return
    assert found == text or text.startswith("%%")


def test_loading_twice_and_unloading():
    class Shell:
        input_transformers_cleanup: list = []  # noqa: RUF012 - as IPython has it

    shell = Shell()
    load_ipython_extension(shell)
    load_ipython_extension(shell)
    assert shell.input_transformers_cleanup == [transformed]
    unload_ipython_extension(shell)
    unload_ipython_extension(shell)
    assert shell.input_transformers_cleanup == []


CELLS = [
    "%load_ext reactivepgm.notebook\nfrom reactivepgm import *",
    """
# a comment: x ~ F
@model
def walk(y):
    x = randomvar(len(y))
    tau ~ Gamma(shape=1.0, rate=1.0)
    x[0] ~ NormalMeanVariance(0.0, 100.0)
    for t in range(1, len(y)):
        x[t] ~ NormalMeanVariance(
            x[t - 1],
            1.0,
        )
        y[t] ~ NormalMeanPrecision(x[t], tau).where(q=MeanField())
    return x, tau
""",
    "instance = walk()\ngraph = instance.build({'y': [0.0] * 40})\n"
    "print(walk.is_traced, instance.returned, [f.rows for f in graph.families], graph.families[2].site.line)",
    "%time mask = ~True\nprint(mask, 'x ~ F')",
    """
@model
def wrong(y):
    x ~ NormalMeanVariance(0.0, 1.0)

    y[0] ~ NormalMeanVariance(x, 1.0 / 0.0)
""",
    "wrong().build({'y': [1.0]})",
    "%unload_ext reactivepgm.notebook",
    "x ~ NormalMeanVariance(0.0, 1.0)",
    "result = infer(graph, data={'y': [0.0] * 40}, iterations=3, free_energy=True,\n"
    "    initialisation={'x': Normal(mean=0.0, variance=1.0), 'tau': Gamma(shape=1.0, rate=1.0)})\nresult",
    "result.posteriors['x']",
    "graph.constrained('q(tau) :: PointMass')",
    "graph.variables",
    "graph.factors",
    "explain(graph)",
    "result.posteriors",
    "compare(graph, {'y': [0.0] * 40}, constraints={'<b>cut</b>': MeanField()}, iterations=2,\n"
    "    initialisation={'x': Normal(mean=0.0, variance=1.0), 'tau': Gamma(shape=1.0, rate=1.0)})",
]
SHOWN = dict(enumerate(["free energy", "NormalMeanVariance", "PointMass", "tau", "q(out)", "updates", "tau", "cut"], 8))


def test_a_jupyter_kernel(tmp_path, monkeypatch):
    reason = "needs nbclient and ipykernel (pip install reactivepgm[dev])"
    nbformat = pytest.importorskip("nbformat", reason=reason)
    nbclient = pytest.importorskip("nbclient", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "rules")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(text.strip("\n")) for text in CELLS]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python", "language": "python"}
    client = nbclient.NotebookClient(notebook, timeout=120, allow_errors=True)
    client.create_kernel_manager()
    client.km.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    asyncio.run(client.async_execute())
    errors = {
        number: output for number, c in enumerate(notebook.cells) for output in c.outputs if output.output_type == "error"
    }
    assert sorted(errors) == [5, 7], errors
    texts = ["".join(o.text for o in c.outputs if o.output_type == "stream" and o.name == "stdout") for c in notebook.cells]
    assert texts[2] == "False (x, tau) [1, 1, 39, 39] 8\n"
    assert texts[3].endswith("-2 x ~ F\n")
    assert errors[5].ename == "ZeroDivisionError"
    frames = "\n".join(errors[5].traceback)
    assert "y[" in frames and "5" in frames
    assert errors[7].ename == "SyntaxError"
    for number, word in SHOWN.items():
        (shown,) = (o.data["text/html"] for o in notebook.cells[number].outputs if o.output_type == "execute_result")
        assert word in shown and "<b>cut</b>" not in shown, number
        plain = next(o.data["text/plain"] for o in notebook.cells[number].outputs if o.output_type == "execute_result")
        assert plain and "object at 0x" not in plain


def test_the_prompt_of_ipython_waits_for_the_end_of_a_cell():
    pytest.importorskip("IPython", reason="needs IPython (pip install reactivepgm[dev])")
    script = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "reactivepgm.notebook")
for text in ("def f():\\n    x ~ F(1)", "x ~ F(\\n", "x ~ F(1)"):
    print(shell.check_complete(text)[0])
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "rules")])}
    done = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, env=environment, check=False)
    assert done.stdout.split() == ["incomplete", "incomplete", "complete"], done.stderr


@pytest.mark.parametrize("line", ["x ~ 4\n", "x ~ -4.0\n", "x ~ (1, 2)\n", "x[0] ~ 'text'\n", "x ~ [1][0]\n"])
def test_what_is_written_in_numbers_is_no_factor(line):
    """It stays the syntax error that it is in Python."""
    assert transformed([line]) == [line]
    with pytest.raises(SyntaxError):
        compile(line, "<cell>", "exec")
