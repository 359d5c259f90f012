"""What a model function may be: closures, globals, defaults, methods, nested functions, notebook cells; its tracebacks."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import functools
import linecache
import sys
import traceback

import numpy as np
import pytest

import reactivepgm.language as language
from reactivepgm.distributions import NormalMeanVariance
from reactivepgm.errors import DataError, ModelError, ModelReturnsNothingError
from reactivepgm.language import ModelInstance, datavar, model, randomvar

VARIANCE = 2.0


def variance_of(graph, family=0):
    return graph.families[family].fixed["variance"].resolve({}).value


def test_globals_are_looked_up_when_the_model_runs(monkeypatch):
    @model
    def f():
        x = ~NormalMeanVariance(0.0, VARIANCE)
        return x

    assert variance_of(f().build()) == 2.0
    monkeypatch.setattr(sys.modules[__name__], "VARIANCE", 5.0)
    assert variance_of(f().build()) == 5.0


def test_closures_are_bound_late():
    variance = 1.0

    @model
    def f():
        nonlocal calls
        calls += 1
        x = ~NormalMeanVariance(0.0, variance)
        return x

    calls = 0
    assert variance_of(f().build()) == 1.0
    variance = 3.0
    assert variance_of(f().build()) == 3.0
    assert calls == 2


def test_defaults_and_keyword_only_arguments():
    @model
    def f(v=1.0, *rest, w, u=4.0, **more):
        x = ~NormalMeanVariance(v, u + w)
        return x, rest, more

    graph, (_, rest, more) = f(w=1.0)
    assert variance_of(graph) == 5.0 and rest == () and more == {}
    graph, (_, rest, more) = f(2.0, 3.0, w=0.0, u=1.0, z=5)
    assert variance_of(graph) == 1.0 and rest == (3.0,) and more == {"z": 5}


class Sensor:
    __variance = 7.0

    def __init__(self, variance):
        self.variance = variance

    @model
    def method(self, y):
        x = ~NormalMeanVariance(0.0, self.variance)
        y[:] = ~NormalMeanVariance(x, self.__variance)
        return x

    @staticmethod
    @model
    def static(v):
        x = ~NormalMeanVariance(0.0, v)
        return x


def test_methods_and_private_names():
    graph = Sensor(3.0).method().build({"y": np.zeros(2)})
    assert variance_of(graph, 0) == 3.0 and variance_of(graph, 1) == 7.0
    assert variance_of(Sensor.static(4.0).build()) == 4.0


def test_nested_functions_and_helpers():
    @model
    def f(n):
        x = randomvar(n)

        def step(t):
            x[t] = ~NormalMeanVariance(x[t - 1], 1.0)
            noise = ~NormalMeanVariance(0.0, 1.0)
            return noise

        x[0] = ~NormalMeanVariance(0.0, 1.0)
        noises = [step(t) for t in range(1, n)]
        return x, noises

    graph, (_, noises) = f(4)
    assert [family.rows for family in graph.families] == [1, 3, 3]
    assert noises[0].name == "noise"


def test_a_helper_without_the_decorator_does_arithmetic():
    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        z = rotated(x)
        return z

    graph, z = f()
    assert z.name == "z" and graph.families[1].node.name == "multiplication"


def rotated(x):
    return np.eye(2) @ x


def test_a_model_inside_a_model_function_looks_after_itself():
    @model
    def outer():
        @model
        def inner():
            x = ~NormalMeanVariance(0.0, 1.0)
            return x

        graph, _ = inner()
        y = ~NormalMeanVariance(0.0, 2.0)
        return graph, y

    graph, (inner_graph, _) = outer()
    assert variance_of(graph) == 2.0 and variance_of(inner_graph) == 1.0


def test_a_notebook_cell():
    source = "@model\ndef cell(v):\n    x = ~NormalMeanVariance(0.0, v)\n    return x\n"
    name = "<ipython-input-7-abcdef>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    namespace = {"model": model, "NormalMeanVariance": NormalMeanVariance, "__name__": "__main__"}
    exec(compile(source, name, "exec"), namespace)
    graph, x = namespace["cell"](2.0)
    assert x.name == "x" and graph.families[0].site.line == 3 and graph.families[0].site.file == name


def test_tracebacks_point_at_the_users_line():
    @model
    def f(y):
        x = randomvar(len(y))
        for t in range(len(y)):
            x[t] = ~NormalMeanVariance(
                float(t),
                1.0 / (1.0 - t),  # here
            )

    with pytest.raises(ZeroDivisionError) as caught:
        f().build({"y": np.zeros(3)})
    frames = [frame for frame in traceback.extract_tb(caught.tb) if frame.filename == __file__ and frame.name == "f"]
    assert [frame.line for frame in frames] == ["1.0 / (1.0 - t),  # here"]


def test_a_model_keeps_its_name_and_documentation():
    @model
    def f(y, v=1.0):
        """A documented model."""
        return y

    assert f.__name__ == "f" and f.__doc__ == "A documented model." and "f(y, v=1.0)" in repr(f)
    assert isinstance(f(v=2.0), ModelInstance) and repr(f(v=2.0)) == "<f(v=2.0)>"


def test_an_instance_is_lazy_and_can_be_built_again():
    built = []

    @model
    def f(y):
        built.append(len(y))
        x = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanVariance(x, 1.0)
        return x

    instance = f()
    assert built == []
    one, two = instance.build({"y": np.zeros(2)}), instance.build({"y": np.zeros(3)})
    assert built == [2, 3] and not one.same_as(two)
    assert instance.returned.array.graph is two


def test_unpacking_gives_exactly_what_was_returned():
    marker = object()

    @model
    def f():
        y = datavar(float)
        x = ~NormalMeanVariance(0.0, 1.0)
        y[...] = ~NormalMeanVariance(x, 1.0)
        return marker

    graph, returned = f()
    assert returned is marker and len(graph.families) == 2


def test_unpacking_a_model_that_returns_nothing():
    @model
    def silent():
        x = ~NormalMeanVariance(0.0, 1.0)  # noqa: F841

    with pytest.raises(
        ModelReturnsNothingError, match=r"silent returns nothing to unpack[\s\S]*test_model_function.py[\s\S]*return x, y"
    ):
        _graph, _ = silent()
    assert silent().build().families


def test_arguments_that_are_missing_unknown_or_given_twice():
    @model
    def f(y, v):
        y[...] = ~NormalMeanVariance(0.0, v)

    with pytest.raises(DataError, match=r"f misses v[\s\S]*data=\{\"v\": ...\}[\s\S]*f\(v=...\)"):
        f().build({"y": 1.0})
    with pytest.raises(DataError, match="v is given twice"):
        f(v=1.0).build({"y": 1.0, "v": 2.0})
    with pytest.raises(ModelError, match="unexpected keyword argument 'w'"):
        f(w=1.0)
    with pytest.raises(DataError, match=r"no data called w in the model; its data are y[\s\S]*write"):
        f(v=1.0).build({"y": 1.0, "w": 2.0})


def test_a_lambda():
    with pytest.raises(ModelError, match=r"a lambda holds no ~ statements[\s\S]*def name"):
        model(lambda y: y)


def test_a_decorator_below():
    def shout(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)

        return wrapper

    with pytest.raises(ModelError, match=r"wrapped by a decorator below @model[\s\S]*@model directly above def"):

        @model
        @shout
        def f():
            return 1

    def quiet(function):
        return function

    with pytest.raises(ModelError, match=r"the decorator @quiet stands below @model"):

        @language.model
        @quiet
        def g():
            return 1

    @quiet
    @model()
    def h():
        return 1

    assert h().build().families == ()


def test_a_static_method_below():
    with pytest.raises(ModelError, match="@model stands above @staticmethod"):

        class _Bad:
            @model
            @staticmethod
            def f():
                return 1


def test_super_without_arguments():
    with pytest.raises(ModelError, match=r"super\(\) without arguments[\s\S]*super\(ClassName, self\)"):

        class _Bad(Sensor):
            @model
            def f(self):
                return super().method


def test_generators_and_coroutines():
    with pytest.raises(ModelError, match="generator"):

        @model
        def f():
            yield 1

    with pytest.raises(ModelError, match="coroutine"):

        @model
        async def g():
            return 1
