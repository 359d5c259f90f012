"""Models without source, or with another one than theirs, run as they were compiled: the same graph, or the reason."""

import importlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from reactivepgm import NormalMeanVariance, model
from reactivepgm.errors import ForgottenTildeError, ModelError
from tests.language.same_graph import NAMES, outcome

ROOT = Path(__file__).parents[2]
MODEL = """
@model
def walk(y, n, v):
    x = randomvar(n)
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    for t in range(1, n):
        x[t] = ~NormalMeanVariance(x[t - 1], v)
        y[t] = ~NormalMeanPrecision(x[t], tau).where(q=q(x[t]) * q(tau))
    return x, tau

"""
SCRIPT = f"""
from reactivepgm import *
{MODEL}
instance = walk(n=4, v=2.0)
graph = instance.build({{"y": [1.0, 2.0, 3.0, 4.0]}})
print(walk.is_traced, instance.returned, [(f.node.name, f.rows, f.clusters) for f in graph.families])
result = infer(instance, data={{"y": [1.0, 2.0, 3.0, 4.0]}}, iterations=3, initialisation={{"tau": Gamma(shape=1.0, rate=1.0)}})
print(result.posteriors["x"].mean.round(6).tolist())

"""
DATA = {"y": [1.0, 2.0, 3.0, 4.0]}


def printed(arguments, text=None, cwd=None):
    """The lines that a Python process prints."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "rules")]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, *arguments], input=text, text=True, capture_output=True, cwd=cwd, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def from_file(tmp_path_factory):
    """What the script prints with its source at hand."""
    path = tmp_path_factory.mktemp("source") / "walk_script.py"
    path.write_text(SCRIPT)
    lines = printed([str(path)])
    assert lines[0].startswith("False (x, tau)")
    return lines


def expected(lines):
    return [lines[0].replace("False", "True", 1), *lines[1:]]


def test_a_command_line(from_file):
    assert printed(["-c", SCRIPT]) == expected(from_file)


def test_piped_input(from_file):
    assert printed(["-"], SCRIPT) == expected(from_file)


def test_the_interactive_prompt(from_file):
    assert printed(["-i", "-q"], SCRIPT) == expected(from_file)


def test_exec(from_file):
    assert printed(["-c", f"exec({SCRIPT!r})"]) == expected(from_file)


def test_a_file_that_changes_after_import(from_file, tmp_path):
    (tmp_path / "walk_model.py").write_text("from reactivepgm import *\n" + MODEL)
    script = f"""
import pathlib, sys
sys.path.insert(0, {str(tmp_path)!r})
import walk_model
path = pathlib.Path(walk_model.__file__)
path.write_text(path.read_text().replace("randomvar(n)", "randomvar(n + 1)"))
from reactivepgm import *
walk = model(walk_model.walk.function)
"""
    assert printed(["-c", script + SCRIPT.replace(MODEL, "")]) == expected(from_file)


def module_of(path, text):
    path.write_text(textwrap.dedent(text))
    return importlib.import_module(path.stem)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "# a line above\n" + text,
        lambda text: text.replace("v + 1", "v + 2"),
        lambda text: text.replace("def f", "def g"),
        lambda text: "",
        lambda text: "def f(:\n",
        lambda text: "class f:\n    pass\n",
        lambda text: "    indented",
    ],
)
def test_any_change_of_the_file_is_noticed(tmp_path, monkeypatch, change, request):
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / f"changing_{abs(hash(request.node.name))}.py"
    module = module_of(path, "def f(v):\n    assert v\n    return v + 1\n")
    assert not NAMES["model"](module.f).is_traced
    path.write_text(change(path.read_text()) + "#" * 7)
    traced = NAMES["model"](module.f)
    assert traced.is_traced
    _graph, value = traced(1.0)
    assert value == 2.0


def arrays_of(graph):
    return [("" if a.anonymous else a.name, a.kind, a.shape) for a in graph.arrays]


def traced(body, data=None, **arguments):
    """A model without source, and the same with source."""
    text = "@model\ndef f(y=None, k=2):\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"
    names = {**NAMES, "__name__": "nowhere"}
    exec(text, names)
    instance = names["f"](**arguments)
    assert names["f"].is_traced
    graph = instance.build(data)
    known = outcome(text, data or {}, lift=False, **arguments)
    assert not known.error
    assert graph.same_as(known.graph)
    assert arrays_of(graph) == arrays_of(known.graph)
    assert [(f.node.name, f.rows, f.clusters) for f in graph.families] == [
        (f.node.name, f.rows, f.clusters) for f in known.graph.families
    ]
    assert repr(instance.returned) == known.returned
    return graph


SAME = {
    "names": "x = ~NormalMeanVariance(0.0, 1.0)\nz = ~NormalMeanVariance(x, 1.0)\nreturn x, z",
    "constants, data and variables made by hand": """
        c = constvar(2.0)
        w = datavar(float, 2)
        x = randomvar(2)
        x[0] = ~NormalMeanVariance(c, 1.0)
        w[:] = ~NormalMeanVariance(x, 1.0)
        return c, w, x
    """,
    "vectors": "x = randomvar(3)\nx[:] = ~NormalMeanVariance(np.zeros(3), 1.0)\nx[1:] = ~NormalMeanVariance(x[:-1], 1.0)",
    "two indices": "x = randomvar(2, 3)\nx[0, k - 1] = ~NormalMeanVariance(0.0, 1.0)\nx[1][k] = ~NormalMeanVariance(0.0, 1.0)",
    "one datum": "y[...] = ~NormalMeanVariance(0.0, 1.0)",
    "arithmetic": """
        x = ~NormalMeanVariance(0.0, 1.0)
        z = randomvar(2)
        a = 2.0 * x + 1.0
        b = ~(a + x)
        z[0] = ~(a - x)
        return a, b
    """,
    "a second factor on one variable": "x = ~NormalMeanVariance(0.0, 1.0)\nx = ~NormalMeanVariance(1.0, 1.0)\nreturn x",
    "a declared variable": "x = randomvar()\nx = ~NormalMeanVariance(1.0, 1.0)\nreturn x",
    "a name moves on": "x = ~NormalMeanVariance(0.0, 1.0)\nfor t in range(3):\n    x = ~NormalMeanVariance(x, 1.0)\nreturn x",
    "names in a loop": """
        for t in range(3):
            a = ~NormalMeanVariance(0.0, 1.0)
            b = ~NormalMeanVariance(a, 1.0)
            a = ~NormalMeanVariance(b, 1.0)
        return a, b
    """,
    "several targets": "x = z = ~NormalMeanVariance(0.0, 1.0)\nreturn x, z",
    "a walrus": "a = (x := ~NormalMeanVariance(0.0, 1.0))\nreturn x",
    "a node": "node, x = ~NormalMeanVariance(0.0, 1.0)\nreturn x",
    "a prior": "prior = Beta(1.0, 2.0)\ntheta = ~prior\nreturn theta",
    "a function": "x = ~NormalMeanVariance(0.0, 1.0)\nz = ~NormalMeanVariance(np.tanh(x), 1.0)\nreturn z",
    "ordinary inversion": "x = ~NormalMeanVariance(0.0, 1.0)\nm = ~np.array([True, False])\nn = ~5\nreturn m, n",
    "a closure": "v = 2.0\ndef inner():\n    e = ~NormalMeanVariance(0.0, v)\n    return e\na = inner()\nreturn a",
    "expressions over data": "x = ~NormalMeanVariance(2.0 * y + 1.0, 1.0)\nreturn x",
    "options": "x = ~NormalMeanVariance(0.0, 1.0)\nz = ~NormalMeanVariance(x, 1.0).where(q=MeanField(), meta='m')\nreturn z",
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_graph_without_source(name):
    traced(SAME[name], {"y": 1.0} if name in ("one datum", "expressions over data") else None)


REFUSED = {
    "y = ~NormalMeanVariance(0.0, 1.0)": (ModelError, r"y is data, and this would forget them[\s\S]*y\[...\] = ~"),
    "x[0] = ~NormalMeanVariance(0.0, 1.0)": (ModelError, r"no source to look at[\s\S]*randomvar"),
    "x = [None]\nx[0] = ~NormalMeanVariance(0.0, 1.0)": (ForgottenTildeError, "no array of variables"),
    "x = ~NormalMeanVariance(y, 1.0).where(q=q(mean) * q(out))": (ModelError, r"no source[\s\S]*q\(mean\) q\(out\)"),
    "x = ~NormalMeanVariance(0.0, 1.0)\nx = ~x": (ModelError, "is a variable already"),
    "x = randomvar(2)\nx[5] = ~NormalMeanVariance(0.0, 1.0)": (ModelError, r"x\[5\] was never declared"),
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_only_the_source_could_tell_is_said(body):
    names = {**NAMES, "__name__": "nowhere"}
    exec("@model\ndef f(y=0.0):\n" + textwrap.indent(body, "    "), names)
    kind, text = REFUSED[body]
    with pytest.raises(kind, match=text):
        names["f"]().build({"y": 1.0})


def test_a_model_without_source_inside_one_with_source():
    names = {**NAMES, "__name__": "nowhere"}
    exec("@model\ndef inner(m):\n    s = ~NormalMeanVariance(m, 1.0)\n    return s", names)
    inner = names["inner"]

    @NAMES["model"]
    def outer():
        x = ~NAMES["NormalMeanVariance"](0.0, 1.0)
        z = ~inner(x)
        return x, z

    graph, (_x, z) = outer()
    assert inner.is_traced and not outer.is_traced
    assert [f.rows for f in graph.families] == [1, 1] and z.name == "z"


def test_inversion_of_a_distribution_outside_a_model():
    with pytest.raises(TypeError, match="bad operand type for unary ~: 'NormalMeanVariance' outside a model"):
        ~NAMES["NormalMeanVariance"](0.0, 1.0)


def test_a_helper_that_is_not_rewritten_may_draw():
    names = {**NAMES, "__name__": "nowhere"}
    exec("def prior():\n    return ~NormalMeanVariance(0.0, np.float64(1.0))", names)
    prior = names["prior"]

    @NAMES["model"]
    def f():
        x = prior()
        return x  # noqa: RET504 - the name is what is tested

    graph, x = f()
    assert x.name == "x" and graph.families[0].rows == 1


def test_options_of_a_factor_of_constants():
    namespace = {"model": model, "NormalMeanVariance": NormalMeanVariance}
    source = """
@model
def sourceless(y, prior):
    x = ~NormalMeanVariance(0.0, 1.0).where(meta="here")
    w = ~prior.where(meta="there")
    y[...] = ~NormalMeanVariance(x + w, 1.0)
"""
    exec(source, namespace)
    prior = NormalMeanVariance(1.0, 2.0)
    graph = namespace["sourceless"](prior=prior).build({"y": 1.0})
    assert [(name, array.shape) for name, array in graph.variables.items()][1:3] == [("x", ()), ("w", ())]
    assert [family.meta for family in graph.families][:2] == ["here", "there"]
    exec(source.replace("meta=", "mata="), namespace)
    with pytest.raises(ModelError, match=r"where\(\) has no option mata"):
        namespace["sourceless"](prior=prior).build({"y": 1.0})


def test_options_of_a_distribution_outside_a_model():
    with pytest.raises(TypeError, match="'NormalMeanVariance' outside a model"):
        NormalMeanVariance(0.0, 1.0).where(meta=1)
