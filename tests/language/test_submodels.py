"""Row "submodel": another ``@model`` used as a factor; names, loops, arguments, what it returns, contracts, mistakes."""
# ruff: noqa: RET504, F841, RUF059 - a model names what it draws, whether it returns it or not

import re

import numpy as np
import pytest

from reactivepgm import infer
from reactivepgm.distributions import Gamma, Normal, NormalMeanPrecision, NormalMeanVariance
from reactivepgm.errors import ForgottenTildeError, ModelError, NoRuleError
from reactivepgm.graph import MeanField, Reference
from reactivepgm.language import ConstVariable, constvar, datavar, model, randomvar
from reactivepgm.rulebook import call_rule, rule

HERE = r"test_submodels\.py:\d+   "


def complaint(error, statement, cure):
    return rf"{error}[\s\S]*{HERE}{re.escape(statement)}[\s\S]*write  [\s\S]*{cure}"


def rows(graph):
    return [(family.node.name, family.rows) for family in graph.families]


def shapes(graph):
    return {array.name: array.shape for array in graph.random}


@model
def step(prev, v):
    new = ~NormalMeanVariance(prev, v)
    return new


@model
def noisy(prev):
    tau = ~Gamma(shape=1.0, rate=1.0)
    new = ~NormalMeanPrecision(prev, tau)
    return new


@model
def observed(x, y, v):
    y[...] = ~NormalMeanVariance(x, v)


@model
def transition(prev, y):
    state = ~step(prev, v=0.5)
    ~observed(x=state, y=y, v=2.0)
    return state


# -- names ----------------------------------------------------------------------------------------------------------------


def test_variables_inside_are_found_under_the_instance():
    @model
    def f():
        a = ~noisy(0.0)
        b = ~noisy(a)
        return a, b

    graph, (a, b) = f()
    assert shapes(graph) == {"noisy.tau": (), "a": (), "noisy_2.tau": (), "b": ()}
    assert (a.name, b.name) == ("a", "b")
    assert graph.variable("noisy.new").name == "a" and graph.variable("noisy_2.new").name == "b"
    tau = graph.variable("noisy_2.tau")
    assert tau.local_name == "tau" and tau.scope.name == "noisy_2" and tau.scope.is_inside("noisy")
    assert [family.scope.name for family in graph.families] == ["noisy", "noisy", "noisy_2", "noisy_2"]


def test_nested_two_deep():
    @model
    def inner(m):
        tau = ~Gamma(shape=1.0, rate=1.0)
        x = ~NormalMeanPrecision(m, tau)
        return x

    @model
    def outer(m):
        first = ~inner(m)
        second = ~inner(first)
        return second

    @model
    def f(y):
        z = ~outer(0.0)
        w = ~outer(z)
        y[...] = ~NormalMeanVariance(w, 1.0)

    graph = f().build({"y": 1.0})
    assert set(shapes(graph)) == {
        *("outer.inner.tau", "outer.inner_2.tau", "outer.first", "z"),
        *("outer_2.inner.tau", "outer_2.inner_2.tau", "outer_2.first", "w"),
    }
    scope = graph.variable("outer_2.inner.tau").scope
    assert scope.models == ("outer", "inner") and scope.is_inside("outer_2") and scope.is_inside("outer_2.inner")


def test_bare_arithmetic_inside_is_named_inside():
    @model
    def doubled(x):
        twice = 2.0 * x
        shifted = twice + 1.0
        return shifted

    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        a = ~doubled(x)
        b = ~doubled(a)
        return a, b

    graph, (a, b) = f()
    assert set(shapes(graph)) == {"x", "doubled.twice", "a", "doubled_2.twice", "b"}
    assert rows(graph)[1:] == [("multiplication", 1), ("addition", 1)] * 2
    assert (a.name, b.name) == ("a", "b")


# -- loops ----------------------------------------------------------------------------------------------------------------


@model
def flat(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanVariance(x[0], 2.0)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(x[t - 1], 0.5)
        y[t] = ~NormalMeanVariance(x[t], 2.0)
    return x


@model
def vector(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanVariance(x[:-1], 0.5)
    y[:] = ~NormalMeanVariance(x, 2.0)
    return x


@model
def nested(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    ~observed(x[0], y[0], 2.0)
    for t in range(1, len(y)):
        x[t] = ~transition(x[t - 1], y[t])
    return x


@pytest.mark.parametrize("n", [1, 2, 9])
def test_a_loop_of_calls_is_the_graph_of_the_flat_loop(n):
    data = {"y": np.arange(float(n))}
    one, two, three = (m().build(data) for m in (flat, vector, nested))
    assert one.same_as(two) and one.same_as(three) and three.same_as(one)
    assert len(three.families) <= 4
    results = [infer(m(), data=data, free_energy=True) for m in (flat, vector, nested)]
    for result in results[1:]:
        np.testing.assert_allclose(result.posteriors["x"].mean, results[0].posteriors["x"].mean, rtol=1e-10)
        np.testing.assert_allclose(result.free_energy, results[0].free_energy, rtol=1e-10)


def test_each_statement_inside_is_one_family_over_all_calls():
    @model
    def f(n):
        x = randomvar(n)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        for t in range(1, n):
            x[t] = ~noisy(x[t - 1])
        return x

    graph, x = f(6)
    assert rows(graph) == [("NormalMeanVariance", 1), ("GammaShapeRate", 5), ("NormalMeanPrecision", 5)]
    assert shapes(graph) == {"x": (6,), "noisy.tau": (5,)}
    assert graph.families[2].random["out"].index.tolist() == [1, 2, 3, 4, 5]
    assert graph.families[2].random["precision"].index.tolist() == [0, 1, 2, 3, 4]
    assert x.is_whole


def test_a_name_carried_through_a_loop():
    @model
    def f(y):
        z = ~NormalMeanVariance(0.0, 100.0)
        for t in range(len(y)):
            z = ~transition(z, y[t])
        return z

    instance = f()
    graph = instance.build({"y": np.zeros(4)})
    assert shapes(graph) == {"z": (), "z_2": (4,)}
    assert instance.returned.name == "z_2" and instance.returned.elements.tolist() == 3
    assert sorted(n for _, n in rows(graph)) == [1, 1, 3, 4]


def test_arrays_declared_inside_get_an_axis_for_the_calls():
    @model
    def block(m, n):
        x = randomvar(n)
        x[0] = ~NormalMeanVariance(m, 1.0)
        for k in range(1, n):
            x[k] = ~NormalMeanVariance(x[k - 1], 1.0)
        return x

    @model
    def f():
        m = ~NormalMeanVariance(0.0, 1.0)
        for _ in range(3):
            z = ~block(m, 4)
        return z

    graph, z = f()
    assert shapes(graph) == {"m": (), "z": (3, 4)}
    assert rows(graph) == [("NormalMeanVariance", 1), ("NormalMeanVariance", 3), ("NormalMeanVariance", 9)]
    assert z.elements.tolist() == [8, 9, 10, 11]


def test_only_the_last_of_several_is_returned():
    @model
    def burst(m, n):
        s = m
        for _ in range(n):
            s = ~NormalMeanVariance(s, 1.0)
        return s

    @model
    def f(y):
        x = randomvar(len(y))
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        for t in range(1, len(y)):
            x[t] = ~burst(x[t - 1], 3)
        y[:] = ~NormalMeanVariance(x, 1.0)

    graph = f().build({"y": np.arange(4.0)})
    assert shapes(graph) == {"x": (4,), "burst.s": (6,)}
    chain = [family for family in graph.families if "s = ~" in family.site.text]
    assert sum(family.rows for family in chain) == 9
    edges = {
        (family.random["mean"].array.name, int(i), family.random["out"].array.name, int(j))
        for family in chain
        for i, j in zip(family.random["mean"].index, family.random["out"].index, strict=True)
    }
    expected = set()
    for t in range(3):
        first, second = ("burst.s", 2 * t), ("burst.s", 2 * t + 1)
        expected |= {("x", t, *first), (*first, *second), (*second, "x", t + 1)}
    assert edges == expected

    @model
    def plain(y):
        x = randomvar(10)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        x[1:] = ~NormalMeanVariance(x[:-1], 1.0)
        for t in range(4):
            y[t] = ~NormalMeanVariance(x[3 * t], 1.0)

    left, right = (infer(m(), data={"y": np.arange(4.0)}, free_energy=True) for m in (f, plain))
    np.testing.assert_allclose(left.posteriors["x"].mean, right.posteriors["x"].mean[::3], rtol=1e-10)
    np.testing.assert_allclose(left.free_energy, right.free_energy, rtol=1e-10)


# -- arguments ------------------------------------------------------------------------------------------------------------


def test_every_kind_of_argument():
    @model
    def regression(w, x, y, prior, noise: ConstVariable, names=("unused",)):
        b = ~prior
        for i in range(len(y)):
            y[i] = ~NormalMeanVariance(x[i] * w + b, noise)
        return b

    @model
    def f(x, y):
        w = ~NormalMeanVariance(0.0, 10.0)
        c = constvar(0.5)
        b = ~regression(w, x, y[1:], prior=Normal(mean=0.0, variance=1.0), noise=c)
        d = ~regression(w, x[:1], y[:1], Normal(mean=0.0, variance=1.0), noise=0.5)
        return b, d

    data = {"x": np.arange(4.0), "y": np.ones(5)}
    graph = f().build(data)
    assert set(shapes(graph)) >= {"w", "b", "d"}
    assert [n for name, n in rows(graph) if name == "NormalMeanVariance"] == [1, 1, 4, 1, 1]


def test_a_slice_of_variables():
    @model
    def couple(x):
        x[1:] = ~NormalMeanVariance(x[:-1], 1.0)

    @model
    def f():
        x = randomvar(6)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        x[3] = ~NormalMeanVariance(0.0, 1.0)
        ~couple(x[:3])
        ~couple(x=x[3:])
        return x

    graph, _ = f()
    assert rows(graph) == [("NormalMeanVariance", 1)] * 2 + [("NormalMeanVariance", 2)] * 2
    assert graph.families[3].random["out"].index.tolist() == [4, 5]


@pytest.mark.parametrize("form", ["the model", "with arguments", "as a statement's value"])
def test_models_as_arguments(form):
    @model
    def apply_model(inner, m):
        if form == "as a statement's value":
            waiting = inner(prev=m)
            z = ~waiting
        else:
            z = ~inner(prev=m) if form == "with arguments" else ~inner(m, 2.0)
        return z

    @model
    def f():
        z = ~apply_model(step(v=2.0), 0.0) if form != "the model" else ~apply_model(step, 0.0)
        return z

    @model
    def named():
        inner = step(v=2.0) if form != "the model" else step
        z = ~apply_model(inner, 0.0)
        return z

    for m in (f, named):
        graph, z = m()
        assert rows(graph) == [("NormalMeanVariance", 1)]
        assert graph.families[0].fixed["variance"].resolve({}).value == 2.0
        assert graph.families[0].scope.path == ("apply_model", "step")
        assert z.array.graph is graph


def test_a_parameter_that_is_a_variable_is_drawn():
    @model
    def prior(x, v):
        x = ~NormalMeanVariance(0.0, v)

    @model
    def f():
        x = randomvar(2)
        ~prior(x[0], 1.0)
        _ = ~prior(x[1], 2.0)
        return x

    graph, _ = f()
    assert shapes(graph) == {"x": (2,)}
    assert [family.random["out"].index.tolist() for family in graph.families] == [[0], [1]]


def test_defaults_of_the_inner_model_hold_inside_only():
    @model(default_factorisation=MeanField())
    def inner(m):
        x = ~NormalMeanVariance(m, 1.0)
        return x

    @model
    def f():
        a = ~NormalMeanVariance(0.0, 1.0)
        b = ~inner(a)
        c = ~NormalMeanVariance(b, 1.0)
        return c

    graph, _ = f()
    assert graph.families[1].clusters == (("out",), ("mean",), ("variance",))
    assert graph.families[2].clusters == (("out", "mean"), ("variance",))


def test_data_declared_inside():
    @model
    def sensor(x):
        y = datavar(float)
        y[...] = ~NormalMeanVariance(x, 1.0)

    @model
    def f(n):
        x = ~NormalMeanVariance(0.0, 1.0)
        for _ in range(n):
            ~sensor(x)

    graph = f(3).build({"sensor.y": [1.0, 2.0, 3.0]})
    assert [a.shape for a in graph.data] == [(3,)]
    result = infer(f(3), data={"sensor.y": [1.0, 2.0, 3.0]})
    np.testing.assert_allclose(result.posteriors["x"].mean, 1.5)


# -- what it returns ------------------------------------------------------------------------------------------------------


def test_several_values():
    @model
    def pair(m):
        u = ~NormalMeanVariance(m, 1.0)
        w = ~NormalMeanVariance(u, 1.0)
        return u, w

    @model
    def triple(m):
        u = ~NormalMeanVariance(m, 1.0)
        w = ~NormalMeanVariance(u, 1.0)
        return u, w, 3.0

    @model
    def f():
        x = randomvar(3)
        a, b = ~pair(0.0)
        x[0], c = ~pair(b)
        d, x[1] = ~pair(c)
        e, x[2], number = ~triple(d)
        return a, b, x, number

    graph, (a, b, x, number) = f()
    assert shapes(graph) == {"x": (3,), "a": (), "b": (), "c": (), "d": (), "e": ()}
    assert (a.name, b.name, number) == ("a", "b", 3.0) and x.is_whole
    assert len(graph.families) == 8


def test_a_declared_name_is_tied():
    @model
    def f():
        z = randomvar()
        z = ~step(0.0, 1.0)
        z = ~step(1.0, 1.0)
        return z

    graph, z = f()
    assert shapes(graph) == {"z": ()} and z.name == "z"
    assert [family.random["out"].array.name for family in graph.families] == ["z", "z"]


def test_an_argument_or_a_number_that_is_returned():
    @model
    def same(x):
        return x

    @model
    def count(x):
        return len(x)

    @model
    def f(y):
        x = randomvar(len(y))
        z = ~same(x[1])
        n = ~count(x)
        return x, z, n

    instance = f()
    instance.build({"y": np.zeros(3)})
    x, z, n = instance.returned
    assert z == x[1] and n == 3


def test_what_is_returned_may_be_data():
    @model
    def f(y):
        x = ~NormalMeanVariance(0.0, 100.0)
        for t in range(len(y)):
            y[t] = ~step(x, 1.0)

    @model
    def plain(y):
        x = ~NormalMeanVariance(0.0, 100.0)
        y[:] = ~NormalMeanVariance(x, 1.0)

    data = {"y": [1.0, 2.0, 4.0]}
    assert f().build(data).same_as(plain().build(data))
    left, right = (infer(m(), data=data, free_energy=True) for m in (f, plain))
    np.testing.assert_allclose(left.free_energy, right.free_energy)


def test_an_inner_model_as_an_argument_of_a_factor():
    @model
    def f():
        x = ~NormalMeanVariance(step(0.0, 1.0), 2.0)
        z = ~(x + step(x, 1.0))
        y = ~NormalMeanVariance(~step(z, 1.0), 1.0)
        return x, y

    graph, _ = f()
    assert rows(graph).count(("NormalMeanVariance", 1)) == 5
    assert isinstance(graph.variable("step.new").name, str)


def test_a_plain_function_may_draw_an_inner_model():
    def helper(m):
        return ~step(m, 1.0)

    @model
    def f():
        z = helper(0.0)
        w = helper(z)
        return z, w

    graph, (z, w) = f()
    assert isinstance(z, Reference) and isinstance(w, Reference)
    assert sum(family.rows for family in graph.families) == 2


# -- contracts ------------------------------------------------------------------------------------------------------------


@model(contract=True)
def bump(x, size=1.0):
    z = ~NormalMeanVariance(x, size)
    return z


def test_a_contract_is_one_node_with_rules_of_its_own():
    @model
    def f(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        z = ~bump(x)
        y[...] = ~NormalMeanVariance(z, 1.0)

    graph = f().build({"y": 1.0})
    assert rows(graph) == [("NormalMeanVariance", 1), ("bump", 1), ("NormalMeanVariance", 1)]
    assert graph.families[1].interfaces == ("out", "x", "size")
    with pytest.raises(NoRuleError, match=r"no rule for bump"):
        infer(f(), data={"y": 1.0})


def test_a_contract_on_request_and_rules_for_it():
    @model
    def lift(x):
        z = ~NormalMeanVariance(x, 1.0)
        return z

    node = lift.contract()
    assert node is lift.contract() and node.names == ("out", "x")

    @rule(node, to="out")
    def _(m_x: NormalMeanVariance) -> NormalMeanVariance:
        return NormalMeanVariance(m_x.mean, m_x.variance + 1.0)

    assert call_rule(node, "out", m_x=NormalMeanVariance(1.0, 2.0)) == NormalMeanVariance(1.0, 3.0)

    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        z = ~lift.contract()(x=x)
        return z

    graph, z = f()
    assert rows(graph)[1] == ("lift", 1) and z.name == "z"


# -- mistakes -------------------------------------------------------------------------------------------------------------


def test_where_does_not_reach_inside():
    @model
    def f():
        z = ~step(0.0, 1.0).where(q=MeanField())
        return z

    pattern = complaint(r"where\(q=...\) does not reach into the model step", "z = ~step(0.0, 1.0).where", "in step: q")
    with pytest.raises(ModelError, match=pattern):
        f().build()


@model
def down(depth, x):
    y = ~NormalMeanVariance(x, 1.0)
    if depth == 0:
        return y
    z = ~down(depth - 1, x=y)
    return z


@model
def bottomless(x):
    y = ~NormalMeanVariance(x, 1.0)
    z = ~bottomless(y)
    return z


def test_recursion():
    """A model that draws itself: depth n is a chain of n + 1."""

    @model
    def top(depth, y):
        x = ~down(depth, 0.0)
        y[...] = ~NormalMeanVariance(x, 1.0)
        return x

    depth = 30
    posterior = infer(top(depth), data={"y": 3.0}).posteriors["x"]
    prior = depth + 1.0
    assert np.isclose(posterior.mean, 3.0 * prior / (prior + 1.0)) and np.isclose(posterior.variance, prior / (prior + 1.0))


def test_recursion_in_a_closure_and_of_two_models():
    @model
    def even(n, x):
        y = ~NormalMeanVariance(x, 1.0)
        if n:
            y = ~odd(n - 1, y)
        return y

    @model
    def odd(n, x):
        y = ~NormalMeanVariance(x, 2.0)
        if n:
            y = ~even(n - 1, y)
        return y

    @model
    def top():
        z = ~even(5, 0.0)
        return z

    assert np.isclose(infer(top()).posteriors["z"].variance, 9.0)


def test_recursion_without_an_end():
    with pytest.raises(ModelError, match=complaint("bottomless draws itself", "", "a condition that ends it")):
        bottomless(0.0).build()


def test_a_model_that_names_itself():
    instance = named_by_itself()
    assert len(instance.build({"y": 1.0}).families) == 2 and instance.returned is named_by_itself


@model
def named_by_itself(y):
    own = named_by_itself
    x = ~NormalMeanVariance(0.0, 1.0)
    y[...] = ~NormalMeanVariance(x, 1.0)
    return own


@pytest.mark.parametrize(
    ("line", "told", "cure"),
    [
        ("step(0.0, 1.0)", "step.previous=0.0, .*was written down and never drawn", "~step"),
        ("a = step(0.0, 1.0)", "never drawn: its ~ is missing", "a = ~step"),
        ("a = step(x, 1.0); y[...] = ~NormalMeanVariance(a, 1.0)", "mean of .* is step.* a model", "name = ~step"),
        ("a = step(x, 1.0) + x", "never drawn", "name = ~step"),
        ("z = randomvar(2); z[0] = step(x, 1.0)", "never drawn", "~step"),
        ("a, b = step(x, 1.0)", "never drawn", "~step"),
        ("a = [step(x, 1.0)]", "never drawn", "~step"),
    ],
)
def test_a_forgotten_tilde(tmp_path, line, told, cure):
    path = tmp_path / "forgetful.py"
    body = "\n    ".join(line.split("; "))
    path.write_text(
        "from reactivepgm import *\n@model\ndef step(previous, noise):\n    new = ~NormalMeanVariance(previous, noise)\n"
        f"    return new\n@model\ndef f(y):\n    x = ~NormalMeanVariance(0.0, 1.0)\n    {body}\n"
    )
    names = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    with pytest.raises(ForgottenTildeError) as caught:
        names["f"]().build({"y": 1.0})
    first, *rest = str(caught.value).splitlines()
    assert re.search(told, first) and "forgetful.py" in rest[0] and cure in rest[1]


def test_a_model_handed_on_is_drawn_where_it_arrives():
    @model
    def inner(a, b):
        z = ~NormalMeanVariance(a, b)
        return z

    @model
    def outer(prior):
        z = ~prior(b=2.0)
        return z

    @model
    def top():
        x = ~outer(inner(a=1.0))
        kept = inner(1.0, 3.0)
        y = ~kept
        return x, y

    graph, (x, y) = top()
    assert [float(f.fixed["variance"].resolve({}).value) for f in graph.families] == [2.0, 3.0]


def test_nothing_is_returned():
    @model
    def f(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        z = ~observed(x, y, 1.0)
        return z

    with pytest.raises(ModelError, match=complaint("observed returns nothing that z could be", "z = ~observed", "~observed")):
        f().build({"y": 1.0})


def test_an_element_cannot_be_a_variable_that_exists():
    @model
    def same(x):
        return x

    @model
    def f():
        x = randomvar(2)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        x[1] = ~same(x[0])

    pattern = complaint(r"same returns x\[0\], which is no variable that it made", "x[1] = ~same", "")
    with pytest.raises(ModelError, match=pattern):
        f().build()


def test_one_variable_cannot_be_two():
    @model
    def twice():
        x = ~NormalMeanVariance(0.0, 1.0)
        return x, x

    @model
    def f():
        x = randomvar(2)
        x[0], x[1] = ~twice()

    with pytest.raises(ModelError, match=complaint("would be two variables at once", "x[0], x[1] = ~twice()", "one target")):
        f().build()


def test_shapes_that_do_not_fit():
    @model
    def two():
        x = randomvar(2)
        x[:] = ~NormalMeanVariance(0.0, 1.0)
        return x

    @model
    def f():
        x = randomvar(3)
        x[0] = ~two()

    with pytest.raises(ModelError, match=complaint(r"what is returned has shape \(2,\)", "x[0] = ~two()", "same shape")):
        f().build()


def test_wrong_arguments():
    @model
    def f():
        z = ~step(0.0, wrong=1.0)
        return z

    with pytest.raises(ModelError, match=complaint("step: missing a required argument|unexpected", "z = ~step", "step")):
        f().build()


def test_unpacking_one_value():
    @model
    def f():
        a, b = ~step(0.0, 1.0)
        return a, b

    with pytest.raises(ModelError, match=r"step returns step\.new"):
        f().build()


def test_data_that_a_parameter_would_forget():
    @model
    def wrong(x, y):
        y = ~NormalMeanVariance(x, 1.0)

    @model
    def f(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        ~wrong(x, y[0])

    with pytest.raises(ModelError, match=complaint("y is data, and this would forget", "y = ~NormalMeanVariance", r"y\[...\]")):
        f().build({"y": [1.0]})


def test_outside_a_model():
    with pytest.raises(ModelError, match=r"~step\(...\) stands outside a model"):
        ~step(0.0, 1.0)
