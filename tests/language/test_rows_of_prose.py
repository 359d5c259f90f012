"""Row by row: what is said of the model language between its tables, once and exactly."""
# ruff: noqa: RET504, F821, F841 - a model names what it draws; late binding is what is tested

import importlib.util
import os
import subprocess
import sys
import traceback

import numpy as np
import pytest

import reactivepgm as rp
from reactivepgm import (
    Gamma,
    MeanField,
    NormalMeanPrecision,
    NormalMeanVariance,
    Uninformative,
    compare,
    constvar,
    datavar,
    infer,
    model,
    node_of,
    q,
    randomvar,
)

SPREAD = 4.0


def posterior(instance, name="x", **data):
    return infer(instance, data=data).posteriors[name]


# -- ~ and what it leaves alone -------------------------------------------------------------------------------------------


def test_prose_only_factors_are_drawn():
    ys = np.array([1.0, np.nan])

    @model
    def f(y, flag, number):
        m = ~np.isnan(ys)
        n = ~number
        x = ~NormalMeanVariance(0.0, 1.0)
        y[...] = ~NormalMeanVariance(x, 1.0)
        return m, n, ~flag

    instance = f(flag=np.array([True]), number=5)
    instance.build({"y": 1.0})
    m, n, flag = instance.returned
    assert (m.tolist(), n, flag.tolist()) == ([True, False], -6, [False])


def test_prose_an_expression_without_its_tilde_makes_a_variable_of_that_name():
    @model
    def f():
        a = ~NormalMeanVariance(1.0, 1.0)
        b = ~NormalMeanVariance(2.0, 1.0)
        x = a + b
        return x

    graph, x = f()
    assert (x.name, graph.variable("x").anonymous) == ("x", False)
    assert posterior(f()).mean == pytest.approx(3.0)


def test_prose_a_forgotten_tilde_shows_the_line():
    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        y = NormalMeanVariance(x, 1.0)

    with pytest.raises(rp.ForgottenTildeError, match=r"never drawn[\s\S]*test_rows_of_prose.py:\d+ +y = NormalMeanVariance"):
        f().build()


def test_prose_a_decorator_below():
    def other(function):
        def inner(*args):
            return function(*args)

        inner.__wrapped__ = function
        return inner

    with pytest.raises(rp.ModelError, match="directly above def"):

        @model
        @other
        def f():
            return None


def test_prose_a_lambda():
    with pytest.raises(rp.ModelError, match="a lambda holds no ~ statements"):
        model(lambda y: y)


def test_prose_super_without_arguments():
    class Base:
        def prior(self):
            return 1.0

    with pytest.raises(rp.ModelError, match="super"):

        class Derived(Base):
            @model
            def f(self):
                x = ~NormalMeanVariance(0.0, super().prior())


# -- ordinary Python ------------------------------------------------------------------------------------------------------


def test_prose_closures_are_bound_late():
    variance = 1.0

    @model
    def f():
        x = ~NormalMeanVariance(0.0, variance)

    variance = 9.0
    assert posterior(f()).variance == 9.0


def test_prose_globals_and_defaults(monkeypatch):
    @model
    def f(mean=2.0, *, scale=SPREAD):
        x = ~NormalMeanVariance(mean, scale * SPREAD)

    assert (posterior(f()).mean, posterior(f(), "x").variance) == (2.0, 16.0)
    monkeypatch.setitem(globals(), "SPREAD", 1.0)
    assert posterior(f(3.0)).variance == 4.0


def test_prose_methods():
    class Settings:
        variance = 5.0

        @model
        def f(self, y):
            x = ~NormalMeanVariance(0.0, self.variance)
            y[...] = ~NormalMeanVariance(x, 5.0)

        @staticmethod
        @model
        def g():
            x = ~NormalMeanVariance(0.0, 7.0)

    assert posterior(Settings().f(), y=2.0).mean == pytest.approx(1.0)
    assert posterior(Settings.g()).variance == 7.0


def test_prose_nested_functions_and_comprehensions():
    @model
    def f(y):
        def widened(v):
            return v + sum(k for k in range(3))

        x = ~NormalMeanVariance(0.0, widened(1.0))
        scales = [float(k) for k in range(1, 3)]
        for k in range(2):
            y[k] = ~NormalMeanVariance(x, scales[k])

    assert posterior(f(), y=[0.0, 0.0]).variance == pytest.approx(1.0 / (0.25 + 1.0 + 0.5))


def test_prose_traceback_lines_are_exact():
    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        raise LookupError("here")  # the line that is looked for

    with pytest.raises(LookupError) as caught:
        f().build()
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert last.filename == __file__ and last.line.startswith('raise LookupError("here")')


# -- no source, another source --------------------------------------------------------------------------------------------

TEXT = """
from reactivepgm import NormalMeanVariance, model, randomvar

@model
def f(y):
    x = ~NormalMeanVariance(0.0, 1.0)
    y[...] = ~NormalMeanVariance(x, 1.0)
"""


def test_prose_no_source():
    names = {}
    exec(TEXT, names)
    assert names["f"].is_traced and posterior(names["f"](), y=1.0).mean == pytest.approx(0.5)


def test_prose_a_file_that_changed_after_its_import(tmp_path):
    file = tmp_path / "changing.py"
    file.write_text(TEXT.replace("@model\n", ""))
    spec = importlib.util.spec_from_file_location("changing", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    file.write_text("# a new first line\n" + TEXT.replace("@model\n", "").replace("1.0)", "3.0)"))
    traced = model(module.f)
    assert traced.is_traced and posterior(traced(), y=1.0).mean == pytest.approx(0.5)


@pytest.mark.parametrize("how", ["-c", "piped"])
def test_prose_code_from_the_command_line(how):
    text = TEXT + "from reactivepgm import infer\nprint(float(infer(f(), data={'y': 1.0}).posteriors['x'].mean))\n"
    arguments, given = (["-c", text], None) if how == "-c" else (["-"], text)
    # A child finds the library where this process has found it, installed or not.
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, *arguments], input=given, capture_output=True, text=True, check=True, env=found)
    assert done.stdout == "0.5\n"


def test_prose_a_true_tilde_in_a_notebook():
    from reactivepgm.language.notebook import transformed

    assert transformed(["x ~ Normal(mean=0.0, variance=1.0)\n"]) == ["x = ~Normal(mean=0.0, variance=1.0)\n"]


# -- statements -----------------------------------------------------------------------------------------------------------


def test_prose_derived_data_stream():
    @model
    def f():
        y = datavar(float)
        z = ~NormalMeanVariance(2.0 * y + 1.0, 0.5)
        return y, z

    graph, (y, z) = f()
    assert len(graph.families) == 1
    seen = []
    rp.marginal(z).subscribe(lambda belief: seen.append(float(belief.mean)))
    for value in (1.0, 2.0):
        rp.update(y, value)
    assert seen == [3.0, 5.0]


def test_prose_submodels_as_arguments_and_two_deep():
    @model
    def by_variance(x):
        z = ~NormalMeanVariance(x, 2.0)
        return z

    @model
    def by_precision(x):
        z = ~NormalMeanPrecision(x, 4.0)
        return z

    @model
    def twice(x, inner):
        middle = ~inner(x)
        z = ~inner(middle)
        return z

    @model
    def f(inner):
        x = ~NormalMeanVariance(0.0, 1.0)
        end = ~twice(x, inner=inner)
        return end

    assert posterior(f(by_variance), "end").variance == pytest.approx(5.0)
    assert posterior(f(by_precision), "end").variance == pytest.approx(1.5)
    assert "twice.middle" in f(by_variance).build().variables


def test_prose_a_submodel_contracted_to_one_node():
    @model(contract=True)
    def widen(x):
        out = ~NormalMeanVariance(x, 1.0)
        return out

    @rp.rule(widen.contract(), to="out")
    def _(m_x: rp.NormalMeanVariance) -> NormalMeanVariance:
        return NormalMeanVariance(m_x.mean, m_x.variance + 10.0)

    @rp.rule(widen.contract(), to="out")
    def _(m_x: rp.NormalWeightedMeanPrecision) -> NormalMeanVariance:
        return NormalMeanVariance(m_x.mean, m_x.variance + 10.0)

    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        z = ~widen(x)
        return z

    assert [family.node.name for family in f().build().families] == ["NormalMeanVariance", "widen"]
    assert posterior(f(), "z").variance == pytest.approx(11.0)


def test_prose_sums_of_many_terms():
    @model
    def f(y):
        a, b, c, d = (~NormalMeanVariance(float(k), 1.0) for k in range(4))
        y[...] = ~NormalMeanVariance(a + b + c + d, 1.0)

    graph = f().build({"y": 1.0})
    assert [family.node.name for family in graph.families].count("addition") == 3


# -- interfaces and their names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "interface", "aliases"),
    [
        ("NormalMeanVariance", "mean", ("m", "μ")),
        ("NormalMeanVariance", "variance", ("var", "v", "σ²")),
        ("NormalMeanPrecision", "precision", ("prec", "w", "τ", "γ")),
        ("MvNormalMeanCovariance", "covariance", ("cov", "Σ", "V")),
        ("GammaShapeRate", "shape", ("α", "a")),
        ("GammaShapeRate", "rate", ("β", "b")),
        ("GammaShapeScale", "scale", ("θ",)),
    ],
)
def test_prose_aliases(node, interface, aliases):
    found = node_of(node).interface(interface)
    assert all(found.answers_to(alias) for alias in (interface, *aliases))


def test_prose_both_forms_of_q_mean_the_same():
    @model
    def f():
        y_mean, y_var = randomvar(), randomvar()
        y = ~NormalMeanVariance(y_mean, y_var).where(q=q(mean) * q(variance) * q(out))
        z = ~NormalMeanVariance(y_mean, y_var).where(q="q(y_mean, v) q(z)")
        w = ~NormalMeanVariance(y_mean, y_var).where(q=q(y_mean, v) * q(out))

    clusters = [family.clusters for family in f().build().families]
    assert clusters[0] == (("out",), ("mean",), ("variance",)) and clusters[1] == clusters[2]


# -- pipelines ------------------------------------------------------------------------------------------------------------


def test_prose_vague_messages_of_given_dimensions():
    scheduler = rp.PendingScheduler()

    @model
    def f():
        y = datavar(np.ndarray)
        x = ~rp.MvNormal(mean=np.zeros(2), covariance=np.eye(2))
        stages = rp.InitVaguePipelineStage(2) + rp.ScheduleOnPipelineStage(scheduler)
        y[...] = ~rp.MvNormal(mean=x, covariance=np.eye(2)).where(pipeline=stages)
        return x, y

    _, (x, y) = f()
    seen = []
    rp.marginal(x).subscribe(lambda belief: seen.append(np.ravel(belief.mean).round(6).tolist()))
    rp.update(y, np.array([2.0, 4.0]))
    assert seen == [[0.0, 0.0]]
    scheduler.release()
    assert seen == [[0.0, 0.0], [1.0, 2.0]]


def test_prose_any_class_may_be_a_stage():
    class Counting(rp.PipelineStage):
        """How often a message went by."""

        def __init__(self):
            self.seen = 0

        def apply(self, message, origin):
            self.seen += 1
            return message

    first, second = Counting(), Counting()

    @model
    def f(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        y[...] = ~NormalMeanVariance(x, 1.0).where(pipeline=first + rp.EmptyPipelineStage() + second)

    infer(f(), data={"y": 1.0})
    assert first.seen == second.seen == 1


# -- what beats what ------------------------------------------------------------------------------------------------------


def test_prose_constraints_are_compared_by_name():
    @model
    def f(y):
        m = ~NormalMeanVariance(0.0, 100.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y[:] = ~NormalMeanPrecision(m, w)

    start = {"w": Gamma(shape=1.0, rate=1.0), "m": NormalMeanVariance(0.0, 1.0)}
    found = compare(f(), {"y": [1.0, 2.0]}, constraints={"apart": MeanField(), "point": [MeanField(), "q(w) :: PointMass"]},
                    initialisation=start, iterations=10)  # fmt: skip
    assert found.best == "apart" and "does not compare: point" in repr(found)


def test_prose_constants_made_by_hand_are_shared():
    matrix = np.eye(3)

    @model
    def f():
        shared = constvar(matrix)
        x = randomvar(4)
        x[0] = ~rp.MvNormal(mean=np.zeros(3), covariance=shared)
        for t in range(1, 4):
            x[t] = ~rp.MvNormal(mean=x[t - 1], covariance=shared)
        return shared

    graph, shared = f()
    assert shared.value.shape == (3, 3) and [family.rows for family in graph.families] == [1, 3]
    assert not isinstance(shared.value, Uninformative)
