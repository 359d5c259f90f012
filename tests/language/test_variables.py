"""randomvar, datavar, constvar: every dimension form, and how variables learn their names."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import numpy as np
import pytest

from reactivepgm.distributions import NormalMeanVariance, PointMass
from reactivepgm.errors import DataError, ModelError, UndeclaredVariableError
from reactivepgm.language import ConstVariable, constvar, datavar, model, randomvar


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [((), ()), ((3,), (3,)), ((3, 2), (3, 2)), (((3, 2),), (3, 2)), (([3, 2],), (3, 2)), ((np.int64(3),), (3,)), ((0,), (0,))],
)
@pytest.mark.parametrize("kind", ["random", "data"])
def test_every_dimension_form(arguments, shape, kind):
    @model
    def f():
        x = randomvar(*arguments) if kind == "random" else datavar(float, *arguments)
        return x

    graph, x = f()
    assert x.shape == shape and x.kind == kind
    assert graph.variable(x.name).shape == shape


@pytest.mark.parametrize("size", [-1, 2.5, "three", (2, -1)])
def test_a_size_that_is_none(size):
    @model
    def f():
        return randomvar(size)

    with pytest.raises(ModelError, match=r"is no size[\s\S]*randomvar\(n\)"):
        f().build()


def test_a_type_that_is_none():
    @model
    def f():
        return datavar(3)

    with pytest.raises(ModelError, match=r"datavar\(3\) names no type[\s\S]*datavar\(float, n\)"):
        f().build()


@pytest.mark.parametrize("function", [randomvar, datavar, lambda: constvar(1.0)])
def test_declarations_outside_a_model(function):
    with pytest.raises(ModelError, match="outside a model"):
        function()


def test_names():
    @model
    def f():
        a = randomvar()
        b, c = randomvar(2), randomvar(3)
        many = [randomvar() for _ in range(2)]
        d = [randomvar(2)]
        for _ in range(2):
            e = randomvar()
        return a, b, c, many, d, e

    graph, (a, b, c, many, d, e) = f()
    assert [v.name for v in (a, b, c, *many, *d, e)] == ["a", "b", "c", "many_0", "many_1", "d", "e_2"]
    assert set(graph.variables) == {"a", "b", "c", "many_0", "many_1", "d", "e", "e_2"}


def test_options_of_random_variables_are_kept():
    @model
    def f():
        x = randomvar(3, form_constraint=PointMass)
        return x

    graph, _ = f()
    assert graph.variable("x").constraints == {"form": PointMass}


@pytest.mark.parametrize(
    ("declare", "letter"),
    [
        (lambda: randomvar(3, prod_constraint="p"), "prod_constraint is 'p'"),
        (lambda: randomvar(foo=3), "randomvar has no option foo"),
        (lambda: datavar(float, foo=3), "datavar has no option foo"),
        (lambda: constvar(1.0, foo=3), "constvar has no option foo"),
    ],
)
def test_options_that_mean_nothing_are_refused(declare, letter):
    @model
    def f():
        return declare()

    with pytest.raises(ModelError, match=f"{letter}(.|\n)*  at   (.|\n)*  write  "):
        f().build({})


def test_constants():
    @model
    def f(c: ConstVariable, d: "ConstVariable" = 2.0):
        a = constvar(np.eye(2))
        b = constvar(lambda i, j: 10.0 * i + j, 2, 2)
        e = constvar(3.0, 2)
        return a, b, c, d, e

    _, (a, b, c, d, e) = f(1.0)
    assert a.value.tolist() == np.eye(2).tolist() and a.name == "a"
    assert b.value.tolist() == [[0.0, 1.0], [10.0, 11.0]] and b[1, 0] == 10.0
    assert c.kind == "constant" and c.value == 1.0 and d.value == 2.0
    assert e.value.tolist() == [3.0, 3.0]
    assert float(c) == 1.0 and bool(c) and c == 1.0
    with pytest.raises(ValueError, match="read-only"):
        a.value[0, 0] = 5.0


def test_a_constant_is_shared_by_all_rows():
    @model
    def f(n, c: ConstVariable):
        x = randomvar(n)
        for t in range(1, n):
            x[t] = ~NormalMeanVariance(x[t - 1], c)
        return x

    graph, _ = f(5, 2.0)
    assert graph.families[0].rows == 4
    assert graph.families[0].fixed["variance"].resolve({}).batch_shape == ()


def test_an_index_outside():
    @model
    def f(n):
        x = randomvar(3)
        x[n] = ~NormalMeanVariance(0.0, 1.0)
        return x

    assert f(-1).build().families[0].random["out"].index.tolist() == [2]
    with pytest.raises(
        UndeclaredVariableError, match=r"x\[3\] was never declared: x has shape \(3,\)[\s\S]*x = randomvar\("
    ) as caught:
        f(3).build()
    assert "test_variables.py" in str(caught.value) and "x[n] = ~NormalMeanVariance(0.0, 1.0)" in str(caught.value)


def test_an_element_of_a_single_variable():
    @model
    def f():
        x = randomvar()
        x[0] = ~NormalMeanVariance(0.0, 1.0)

    with pytest.raises(
        UndeclaredVariableError, match=r"x\[0\] was never declared: x is a single variable[\s\S]*x = randomvar\(n\)"
    ):
        f().build()


def test_an_index_outside_the_data():
    @model
    def f(y):
        y[7] = ~NormalMeanVariance(0.0, 1.0)

    with pytest.raises(UndeclaredVariableError, match=r"y\[7\][\s\S]*data of at least that size"):
        f().build({"y": [1.0, 2.0]})


def test_references_look_like_arrays():
    @model
    def f(y):
        x = randomvar(2, 3)
        return x, y

    instance = f()
    instance.build({"y": np.zeros((4, 2))})
    x, y = instance.returned
    assert (len(x), x.ndim, x.size, x.shape) == (2, 2, 6, (2, 3))
    assert [row.elements.tolist() for row in x] == [[0, 1, 2], [3, 4, 5]]
    assert x[..., 1].elements.tolist() == [1, 4] and x[-1, -1].elements.tolist() == 5
    assert repr(x) == "x" and repr(x[1, 2]) == "x[1, 2]" and repr(y[0]) == "y[[0, 1]]"
    assert x == x and x[0] != x[1] and x != "x" and {x: 1}[x] == 1
    assert len(y) == 4 and y[1].shape == (2,)
    with pytest.raises(ModelError, match="has no length"):
        len(x[0, 0])


def test_data_forms():
    @model
    def f():
        y = datavar(float, 3)
        v = datavar(np.ndarray)
        x = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanVariance(x, 1.0)
        return x, v

    graph = f().build({"y": [1, None, 3], "v": [1.0, 2.0]})
    point, mask = graph.families[1].fixed["out"].resolve_masked({"y": [1, None, 3]})
    assert mask.tolist() == [False, True, False] and np.isfinite(point.value).all()
    assert graph.read_data({"y": np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 0])})["y"][0] == 1.0
    with pytest.raises(DataError, match="no data for y"):
        graph.families[1].fixed["out"].resolve({})
