"""Rows "deterministic" and "nested call": functions of variables and data, sums of many, containers, mixed components."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import operator
import re
from functools import reduce

import numpy as np
import pytest

from reactivepgm import infer
from reactivepgm.distributions import Normal, NormalMeanPrecision, NormalMeanVariance
from reactivepgm.errors import ModelError
from reactivepgm.graph import MeanField
from reactivepgm.graph.binding import MixedBinding
from reactivepgm.language import UnfactorizedData, datavar, model, q, randomvar
from reactivepgm.nodes import NormalMixture

HERE = r"test_functions\.py:\d+   "


def bend(x, u):
    return x * u


def shapes(graph):
    return {array.name: array.shape for array in graph.random}


def test_data_are_arguments_of_a_function():
    @model
    def f(u):
        x = ~NormalMeanVariance(0.0, 1.0)
        z = randomvar(len(u))
        for t in range(len(u)):
            z[t] = ~bend(x, u[t])
        w = ~bend(u=2.0 * u[0], x=x)
        return z, w

    data = {"u": np.array([1.0, 2.0, 3.0])}
    graph = f().build(data)
    family = graph.families[1]
    assert family.rows == 3 and family.interfaces == ("out", "in1", "in2")
    assert family.random["in1"].array.name == "x"
    assert family.fixed["in2"].resolve(data).value.tolist() == [1.0, 2.0, 3.0]
    assert family.node.target(2.0, 3.0) == 6.0
    assert graph.families[2].node.target(3.0, 5.0) == 15.0
    assert graph.same_as(f().build(data)) and not graph.same_as(f().build({"u": np.ones(2)}))


def test_random_and_fixed_components_side_by_side():
    @model
    def f(y):
        z = randomvar(len(y))
        m = ~NormalMeanVariance(0.0, 1.0)
        for i in range(len(y)):
            y[i] = ~NormalMixture(z[i], (m, 3.0), (1.0, 2.0))
        u = ~NormalMixture(z[0], (y[0], m), (1.0, 2.0))
        return u

    graph = f().build({"y": np.zeros(3)})
    binding = graph.families[1].bindings["m"]
    assert isinstance(binding, MixedBinding) and binding.width == 2 and binding.rows == 3
    assert binding.clamped[1].resolve({}).value == 3.0
    assert graph.families[2].bindings["m"].names == ("y",)
    assert "1 random, 1 fixed" in repr(binding)


@pytest.mark.parametrize("spelled", ["operators", "sum", "reduce", "statement", "named"])
def test_a_sum_of_many_is_folded_to_binary_additions(spelled):
    @model
    def f():
        x = randomvar(4)
        x[:] = ~NormalMeanVariance(0.0, 1.0)
        if spelled == "operators":
            s = x[0] + x[1] + x[2] + x[3]
        elif spelled == "sum":
            s = sum(x)
        elif spelled == "reduce":
            s = ~reduce(operator.add, [x[i] for i in range(4)])
        elif spelled == "statement":
            s = ~(x[0] + x[1] + x[2] + x[3])
        else:
            s = ~sum([x[0], x[1], x[2], x[3]])
        return s

    graph, s = f()
    added = [family.rows for family in graph.families if family.node.name == "addition"]
    assert sum(added) == 3 and s.name == "s" and s.shape == ()
    assert shapes(graph)["s"] == ()


def test_a_sum_that_ends_in_an_element_or_in_data():
    @model
    def f(y, n):
        x, s = randomvar(n), randomvar(2)
        x[:] = ~NormalMeanVariance(0.0, 1.0)
        s[0] = ~sum(x[i] for i in range(n))
        s[1] = ~reduce(operator.add, x)
        y[0] = ~sum([s[0], s[1], x[0]])

    graph = f(n=3).build({"y": [6.0]})
    added = [family for family in graph.families if family.node.name == "addition"]
    assert sum(family.rows for family in added) == 6
    assert set(shapes(graph)) >= {"x", "s"} and shapes(graph)["s"] == (2,)
    assert [family.fixed["out"].names for family in added if "out" in family.fixed] == [("y",)]
    assert all(names in family.interfaces for family in added for cluster in family.clusters for names in cluster)


def test_the_sum_in_inference():
    @model
    def f(y):
        x = randomvar(3)
        x[:] = ~NormalMeanVariance(1.0, 2.0)
        s = ~sum([x[0], x[1], x[2]])
        y[...] = ~NormalMeanVariance(s, 1.0)

    result = infer(f(), data={"y": 10.0}, free_energy=True)
    # s ~ N(3, 6), y - 3 = 7 with variance 7: every x gets 2/7 of it.
    np.testing.assert_allclose(result.posteriors["x"].mean, [3.0, 3.0, 3.0])
    np.testing.assert_allclose(result.posteriors["s"].mean, 9.0)
    np.testing.assert_allclose(result.free_energy[-1], 0.5 * (np.log(2 * np.pi * 7.0) + 49.0 / 7.0))


def test_lists_of_variables_in_a_function_of_ones_own():
    def dotted(weights, variables):
        return reduce(operator.add, [w * v for w, v in zip(weights, variables, strict=True)])

    @model
    def f(y):
        x = randomvar(3)
        x[:] = ~NormalMeanVariance(0.0, 1.0)
        s = ~dotted([1.0, 2.0, 3.0], [x[0], x[1], x[2]])
        y[:] = ~NormalMeanVariance(dotted([1.0, 1.0], [x[0], s]), 1.0)

    graph = f().build({"y": np.zeros(2)})
    count = {name: sum(g.rows for g in graph.families if g.node.name == name) for name in ("multiplication", "addition")}
    assert count == {"multiplication": 5, "addition": 3}


def test_a_list_that_a_function_looks_into_with_numbers():
    @model
    def f(u):
        x = ~NormalMeanVariance(0.0, 1.0)
        z = ~bend(x, [u[0], 1.0])
        return z

    with pytest.raises(ModelError, match=rf"argument 1 of bend is a list with a variable or data[\s\S]*{HERE}z = ~bend"):
        f().build({"u": [1.0]})


@pytest.mark.parametrize(
    ("function", "argument", "cure"),
    [
        (np.average, "array", r"np.mean\(x\)"),
        (np.prod, "list", r"reduce\(operator.mul, x\)"),
        (np.cumsum, "array", r"s\[t\] = ~"),
    ],
)
def test_numpys_products_and_running_sums_are_refused(function, argument, cure):
    def given(x):
        return x if argument == "array" else [x[0], x[1]]

    @model
    def drawn():
        x = randomvar(3)
        s = ~function(given(x))
        return s

    @model
    def nested():
        x = randomvar(3)
        s = ~NormalMeanVariance(function(given(x)), 1.0)
        return s

    for m in (drawn, nested):
        with pytest.raises(ModelError, match=rf"adds or multiplies numbers[\s\S]*{HERE}s = ~[\s\S]*write  {cure}"):
            m().build()


def test_derived_data_streams():
    @model
    def f():
        y = datavar(float)
        z = ~Normal(mean=2.0 * y + 1.0, variance=1.0)
        v = datavar(float, 3)
        w = randomvar(3)
        w[:] = ~Normal(mean=v - y, variance=1.0)
        for t in range(3):
            w[t] = ~Normal(mean=abs_of(v[t]) * y, variance=1.0)
        return z, w

    def abs_of(value):
        return abs(value)

    data = {"y": 3.0, "v": [1.0, -2.0, 4.0]}
    graph = f().build(data)
    means = [family.fixed["mean"].resolve(graph.read_data(data)).value for family in graph.families]
    assert means[0] == 7.0
    assert means[1].tolist() == [-2.0, -5.0, 1.0] and means[2].tolist() == [3.0, 6.0, 12.0]
    result = infer(f(), data=data)
    np.testing.assert_allclose(result.posteriors["z"].mean, 7.0)


def test_arithmetic_without_a_tilde_names_its_variable():
    @model
    def f():
        a = ~NormalMeanVariance(0.0, 1.0)
        b = ~NormalMeanVariance(0.0, 1.0)
        x = a + b
        y = 2.0 * x - b
        for _ in range(3):
            s = a + b + x
        return x, y, s

    graph, (x, y, s) = f()
    assert (x.name, y.name, s.name) == ("x", "y", "s")
    assert shapes(graph)["s"] == (3,) and s.elements.tolist() == 2


# -- UnfactorizedData -----------------------------------------------------------------------------------------------------


def test_unfactorised_data_stay_in_their_cluster():
    @model
    def f(y):
        m = ~NormalMeanVariance(0.0, 1.0)
        w = randomvar()
        y[:] = ~NormalMeanPrecision(m, w)
        y[0] = ~NormalMeanPrecision(m, w).where(q=q(out, mean) * q(precision))  # noqa: F821
        y[0] = ~NormalMeanPrecision(m, w).where(q=MeanField())
        y[0] = ~NormalMeanPrecision(m, w).where(q=q(mean) * q(precision))  # noqa: F821

    ys = [1.0, 2.0]
    plain, kept = f().build({"y": ys}), f().build({"y": UnfactorizedData(ys)})
    assert [family.clusters for family in plain.families[1:]] == [
        (("out",), ("mean", "precision")),
        *[(("out",), ("mean",), ("precision",))] * 3,
    ]
    assert [family.clusters for family in kept.families[1:]] == [
        (("out", "mean", "precision"),),
        (("out", "mean"), ("precision",)),
        *[(("out",), ("mean",), ("precision",))] * 2,
    ]
    assert kept.read_data({"y": UnfactorizedData(ys)})["y"].tolist() == ys


def test_unfactorised_data_give_the_same_numbers():
    @model
    def f(y):
        x = randomvar(len(y))
        x[0] = ~NormalMeanVariance(0.0, 10.0)
        x[1:] = ~NormalMeanVariance(x[:-1], 1.0)
        y[:] = ~NormalMeanVariance(x, 2.0)

    @model
    def declared(n):
        y = datavar(float, n)
        x = randomvar(n)
        x[:] = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanVariance(x, 2.0)

    ys = np.arange(5.0)
    left, right = (infer(f(), data={"y": d}, free_energy=True) for d in (ys, UnfactorizedData(ys)))
    np.testing.assert_allclose(left.posteriors["x"].mean, right.posteriors["x"].mean)
    np.testing.assert_allclose(left.free_energy, right.free_energy)
    assert declared(5).build({"y": UnfactorizedData(ys)}).families[1].clusters == (("out", "mean"), ("variance",))


def test_the_letter_names_the_statement():
    @model
    def f():
        x = randomvar(2)
        return np.exp(x)

    with pytest.raises(ModelError, match=rf"NumPy's exp[\s\S]*{HERE}{re.escape('return np.exp(x)')}"):
        f().build()


def _around(value):
    return NormalMeanVariance(2.0 * value, 1.0)


def test_a_plain_function_that_returns_a_factor_of_a_variable_is_drawn():
    @model
    def f(y):
        a = ~NormalMeanVariance(0.0, 1.0)
        b = ~_around(a)
        y[...] = ~NormalMeanVariance(b, 1.0)

    posterior = infer(f(), data={"y": 3.0}).posteriors
    assert np.isclose(posterior["a"].mean, 2.0 * 3.0 / 6.0) and np.isclose(posterior["a"].variance, 1.0 - 4.0 / 6.0)
    assert np.isclose(posterior["b"].mean, 5.0 * 3.0 / 6.0)
