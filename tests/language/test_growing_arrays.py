"""Row "indexed target", growing: an array that nobody declared grows as its elements are drawn."""
# ruff: noqa: RET504, F821 - a model names what it draws before it returns it; what grows is bound nowhere

import numpy as np
import pytest

from reactivepgm import infer
from reactivepgm.distributions import NormalMeanVariance
from reactivepgm.errors import UndeclaredVariableError
from reactivepgm.language import model, randomvar

elsewhere = (
    None,
    None,
)


@model
def growing(y):
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanVariance(x[0], 1.0)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(x[t - 1], 2.0)
        y[t] = ~NormalMeanVariance(x[t], 1.0)
    return x


@model
def declared(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanVariance(x[0], 1.0)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(x[t - 1], 2.0)
        y[t] = ~NormalMeanVariance(x[t], 1.0)
    return x


@pytest.mark.parametrize("n", [1, 2, 20])
def test_the_same_graph_as_a_declared_array(n):
    data = {"y": np.arange(float(n))}
    instance = growing()
    graph = instance.build(data)
    assert graph.same_as(declared().build(data))
    assert graph.variable("x").shape == (n,) and len(instance.returned) == n
    left, right = (infer(m(), data=data).posteriors["x"] for m in (growing, declared))
    np.testing.assert_allclose(left.mean, right.mean)


def test_it_looks_like_an_array_while_it_grows():
    @model
    def f():
        z[0] = ~NormalMeanVariance(0.0, 1.0)
        z[1] = ~NormalMeanVariance(z[-1], 1.0)
        z[len(z)] = ~NormalMeanVariance(z[0], 1.0)
        z[0] = ~NormalMeanVariance(1.0, 1.0)
        w = randomvar(2)
        w[:] = ~NormalMeanVariance(z[1:], 1.0)
        return z, list(z)

    graph, (array, parts) = f()
    assert array.shape == (3,) and [p.first for p in parts] == [0, 1, 2]
    assert graph.families[-1].random["mean"].index.tolist() == [1, 2]


@pytest.mark.parametrize("key", [1, 5, -1])
def test_use_beyond_what_is_drawn(key):
    @model
    def f(k):
        z[0] = ~NormalMeanVariance(0.0, 1.0)
        u = ~NormalMeanVariance(z[k], 1.0)
        return u

    if key == -1:
        assert f(key).build().families[1].random["mean"].index.tolist() == [0]
        return
    with pytest.raises(
        UndeclaredVariableError, match=rf"z\[{key}\] was never declared: z\[0\] to z\[0\] are drawn[\s\S]*z = randomvar\(n\)"
    ):
        f(key).build()


@pytest.mark.parametrize("key", [1, slice(0, 2), (0, 0), -1])
def test_an_array_grows_by_one_element_at_a_time(key):
    @model
    def f(k):
        z[k] = ~NormalMeanVariance(0.0, 1.0)

    with pytest.raises(UndeclaredVariableError, match="no element of z is drawn yet"):
        f(key).build()


def test_a_global_of_that_name_is_the_global():
    @model
    def f():
        elsewhere[0] = ~NormalMeanVariance(0.0, 1.0)

    with pytest.raises(UndeclaredVariableError, match="elsewhere is a tuple"):
        f().build()


def test_what_is_never_drawn_is_not_in_the_graph():
    @model
    def f(flag):
        x = ~NormalMeanVariance(0.0, 1.0)
        if flag:
            z[0] = ~NormalMeanVariance(x, 1.0)
        return x

    assert [a.name for a in f(False).build().random] == ["x"]
    assert [a.name for a in f(True).build().random] == ["z", "x"]


def test_inside_a_submodel():
    @model
    def inner(m, n):
        z[0] = ~NormalMeanVariance(m, 1.0)
        for k in range(1, n):
            z[k] = ~NormalMeanVariance(z[k - 1], 1.0)
        return z[n - 1]

    @model
    def f():
        u = randomvar(3)
        u[0] = ~NormalMeanVariance(0.0, 1.0)
        for t in range(1, 3):
            u[t] = ~inner(u[t - 1], 4)
        return u

    graph, _ = f()
    assert {a.name: a.shape for a in graph.random} == {"u": (3,), "inner.z": (6,)}
    assert sum(family.rows for family in graph.families) == 9
