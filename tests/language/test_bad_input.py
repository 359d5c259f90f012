"""Every mistake meets an error that names file, line and statement, and says what to write instead."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import re

import numpy as np
import pytest

from reactivepgm import infer
from reactivepgm.distributions import (
    Gamma,
    MvNormalMeanCovariance,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    Uniform,
)
from reactivepgm.errors import (
    ConstraintSyntaxError,
    DataError,
    ForgottenTildeError,
    InvalidParameterError,
    ModelError,
    ParametrisationError,
    UndeclaredVariableError,
)
from reactivepgm.language import datavar, model, randomvar

HERE = r"test_bad_input\.py:\d+   "


def complaint(error, statement, cure):
    """A pattern: the complaint, the site with its statement, the cure."""
    return rf"{error}[\s\S]*{HERE}{re.escape(statement)}[\s\S]*write  [\s\S]*{cure}"


def test_a_forgotten_tilde():
    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        z = NormalMeanVariance(x, 1.0)
        return z

    pattern = complaint(
        "was written down and never drawn", "z = NormalMeanVariance(x, 1.0)", r"z = ~NormalMeanVariance\(x, 1.0\)"
    )
    with pytest.raises(ForgottenTildeError, match=pattern):
        f().build()


def test_a_forgotten_tilde_on_an_element():
    @model
    def f(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        y[0] = NormalMeanVariance(x, 1.0)

    pattern = complaint("never drawn", "y[0] = NormalMeanVariance(x, 1.0)", r"y\[0\] = ~NormalMeanVariance\(x, 1.0\)")
    with pytest.raises(ForgottenTildeError, match=pattern):
        f().build({"y": [1.0]})


def test_a_forgotten_tilde_on_an_argument():
    @model
    def constant():
        m = NormalMeanVariance(0.0, 1.0)
        x = ~NormalMeanVariance(m, 1.0)
        return x

    @model
    def random():
        a = ~NormalMeanVariance(0.0, 1.0)
        m = NormalMeanVariance(a, 1.0)
        x = ~NormalMeanVariance(m, 1.0)
        return x

    @model
    def operand():
        a = ~NormalMeanVariance(0.0, 1.0)
        m = Normal(mean=0.0, variance=1.0)
        x = ~NormalMeanVariance(a + m, 1.0)
        return x

    for build in (constant, random):
        pattern = complaint(
            "mean of NormalMeanVariance is NormalMeanVariance", "x = ~NormalMeanVariance(m, 1.0)", "name = ~Norm"
        )
        with pytest.raises(ForgottenTildeError, match=pattern):
            build().build()
    with pytest.raises(ForgottenTildeError, match=complaint("never drawn", "x = ~NormalMeanVariance(a + m, 1.0)", "name = ~")):
        operand().build()


def test_an_assignment_to_an_element():
    @model
    def f():
        x = randomvar(2)
        x[0] = 3.0

    with pytest.raises(ModelError, match=complaint("drawn from a factor, not assigned 3.0", "x[0] = 3.0", r"x\[0\] = ~3.0")):
        f().build()


def test_an_undeclared_array():
    @model
    def skipped(y):
        x[0] = ~NormalMeanVariance(0.0, 1.0)  # noqa: F821
        x[2] = ~NormalMeanVariance(0.0, 1.0)  # noqa: F821

    @model
    def used(y):
        y[0] = ~NormalMeanVariance(x[0], 1.0)  # noqa: F821
        x[0] = ~NormalMeanVariance(0.0, 1.0)  # noqa: F821

    @model
    def late(y):
        x[0] = ~NormalMeanVariance(0.0, 1.0)  # noqa: F821
        x = randomvar(2)
        return x

    statements = [
        "x[2] = ~NormalMeanVariance(0.0, 1.0)",
        "y[0] = ~NormalMeanVariance(x[0], 1.0)",
        "x[0] = ~NormalMeanVariance(0.0",
    ]
    for build, statement in zip((skipped, used, late), statements, strict=True):
        pattern = complaint(r"x(\[\d\])? was never declared", statement, r"x = randomvar\(n\)")
        with pytest.raises(UndeclaredVariableError, match=pattern):
            build().build({"y": [1.0]})


def test_another_undefined_name_stays_a_name_error():
    @model
    def f():
        x = ~NormalMeanVariance(undefined, 1.0)  # noqa: F821
        return x

    with pytest.raises(NameError, match="undefined"):
        f().build()


@pytest.mark.parametrize(("container", "word"), [((None, None), "tuple"), ("ab", "str")])
def test_an_element_of_something_that_is_no_array_of_variables(container, word):
    @model
    def f(n):
        x = container
        x[0] = ~NormalMeanVariance(0.0, 1.0)

    pattern = complaint(f"x is a {word}, not an array of variables", "x[0] = ~NormalMeanVariance(0.0, 1.0)", r"randomvar\(n\)")
    with pytest.raises(UndeclaredVariableError, match=pattern):
        f(2).build()


def test_data_given_as_an_argument():
    @model
    def f(y):
        y[0] = ~NormalMeanVariance(0.0, 1.0)

    pattern = complaint("y is a constant ndarray", "y[0] = ~NormalMeanVariance(0.0, 1.0)", r'data=\{"y": ...\}')
    with pytest.raises(DataError, match=pattern):
        f(np.zeros(3)).build()


def test_a_name_that_would_forget_its_data():
    @model
    def f(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        y = ~NormalMeanVariance(x, 1.0)
        return y

    pattern = complaint("y is data, and this would forget them", "y = ~NormalMeanVariance(x, 1.0)", r"y\[:\] = ~Normal")
    with pytest.raises(ModelError, match=pattern):
        f().build({"y": [1.0, 2.0]})
    with pytest.raises(ModelError, match=r"y\[...\] = ~NormalMeanVariance\(x, 1.0\)"):
        f().build({"y": 1.0})


@model
def declared():
    y = datavar(float, 3)
    x = ~NormalMeanVariance(0.0, 1.0)
    for i in range(3):
        y[i] = ~NormalMeanVariance(x, 1.0)
    return x, y


@model
def observed(y):
    x = ~NormalMeanVariance(0.0, 1.0)
    for i in range(len(y)):
        y[i] = ~NormalMeanVariance(x, 1.0)


def test_data_of_the_wrong_length():
    pattern = complaint(
        "the data for y have length 2, the model was built for 3", "y = datavar(float, 3)", "data of that shape for y"
    )
    with pytest.raises(DataError, match=pattern):
        declared().build({"y": [1.0, 2.0]})
    graph = observed().build({"y": [1.0, 2.0]})
    with pytest.raises(DataError, match="the data for y have length 3, the model was built for 2"):
        graph.families[1].fixed["out"].resolve({"y": [1.0, 2.0, 3.0]})


def test_data_of_the_wrong_shape():
    with pytest.raises(DataError, match=r"the data for y have shape \(3, 2\), the model was built for \(3\)"):
        declared().build({"y": np.zeros((3, 2))})
    pattern = complaint(
        r"has shape \(2, 2\), and out of NormalMeanVariance is a scalar", "y[i] = ~NormalMeanVariance(x, 1.0)", r"y\[:\]"
    )
    with pytest.raises(DataError, match=pattern):
        observed().build({"y": np.zeros((3, 2, 2))})

    @model
    def vector(y):
        y[0] = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))

    pattern = complaint(
        "out of MvNormalMeanCovariance must be a vector", "y[0] = ~MvNormalMeanCovariance(np", "a vector for out"
    )
    with pytest.raises(DataError, match=pattern):
        vector().build({"y": [1.0]})


@pytest.mark.parametrize("data", [["one", "two"], [object(), 1.0], [1 + 2j, 1.0]])
def test_data_of_the_wrong_type(data):
    with pytest.raises(DataError, match=r"the data for y"):
        observed().build({"y": data})


def test_ragged_data():
    with pytest.raises(DataError, match=r"rows of different shapes: \(1,\), \(2,\)[\s\S]*rows of one shape"):
        observed().build({"y": [[1.0], [1.0, 2.0]]})


def test_data_for_a_name_that_is_not_in_the_model():
    with pytest.raises(DataError, match="no data called elephant in the model; its data are y"):
        observed().build({"y": [1.0], "elephant": 2.0})


@pytest.mark.parametrize("variance", [-1.0, -1, np.array([1.0, -2.0])], ids=str)
def test_a_negative_variance(variance):
    @model
    def f(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanVariance(x, variance)

    pattern = complaint("variance must not be negative", "y[:] = ~NormalMeanVariance(x, variance)", "a value for variance")
    with pytest.raises(InvalidParameterError, match=pattern):
        f().build({"y": [1.0, 2.0]})


def test_a_negative_variance_in_a_later_row():
    @model
    def f(n):
        x = randomvar(n)
        for t in range(n):
            x[t] = ~NormalMeanVariance(0.0, 1.5 - t)

    with pytest.raises(InvalidParameterError, match=complaint("row 2 is -0.5", "x[t] = ~NormalMeanVariance(0.0, 1.5 - t)", "")):
        f(3).build()


def test_a_negative_variance_in_the_data():
    @model
    def f(v):
        x = ~NormalMeanVariance(0.0, v)
        return x

    graph = f().build({"v": 1.0})
    with pytest.raises(
        InvalidParameterError, match=complaint("variance must not be negative", "x = ~NormalMeanVariance(0.0, v)", "")
    ):
        graph.families[0].fixed["variance"].resolve({"v": -1.0})


def test_a_matrix_that_is_not_positive_definite():
    @model
    def f(matrix):
        x = ~MvNormalMeanCovariance(np.zeros(2), matrix)
        return x

    statement = "x = ~MvNormalMeanCovariance(np.zeros(2), matrix)"
    with pytest.raises(InvalidParameterError, match=complaint("covariance must be .*positive", statement, "covariance")):
        f(np.array([[1.0, 2.0], [2.0, 1.0]])).build()
    with pytest.raises(InvalidParameterError, match=complaint("covariance of .* must be a matrix", statement, "a matrix")):
        f(1.0).build()


def test_an_argument_that_is_no_number():
    @model
    def f(v):
        x = ~NormalMeanVariance(0.0, v)
        return x

    wrong = {"wide": "wide", None: "None", float("nan"): "nan", (1.0, float("nan")): "an array with NaN in it"}
    for value, shown in wrong.items():
        with pytest.raises(
            InvalidParameterError, match=complaint(f"variance of .* is {shown}, which is no number", "x = ~Normal", "a number")
        ):
            f(value).build()


@pytest.mark.parametrize("kind", ["random", "data"])
def test_the_truth_of_a_variable(kind):
    @model
    def f():
        y = datavar(float)
        x = ~NormalMeanVariance(0.0, 1.0)
        if y if kind == "data" else x:
            y[...] = ~NormalMeanVariance(x, 1.0)
        return x

    name = "y" if kind == "data" else "x"
    pattern = complaint(f"the {kind} variable {name} has no value while the model is built", "if y if kind", "does not branch")
    with pytest.raises(ModelError, match=pattern):
        f().build()


@pytest.mark.parametrize("ends", [(2.0, 1.0), (1.0, 1.0), (np.zeros(2), np.array([1.0, -1.0]))], ids=["order", "point", "rows"])
def test_constants_that_do_not_fit_each_other(ends):
    @model
    def written():
        x = ~Uniform(*ends)
        return [x]

    @model
    def given(prior):
        x = ~prior
        return [x]

    for instance in (written(), given(Uniform(*ends))):
        with pytest.raises(InvalidParameterError, match=rf"Uniform: a must be smaller than b; they are[\s\S]*{HERE}x = ~"):
            instance.build()


@pytest.mark.parametrize(
    "misuse",
    [
        lambda x: x > 0,
        lambda x: x == 1.0,
        float,
        int,
        lambda x: [1, 2][x],
        np.asarray,
        np.exp,
        np.prod,
        lambda x: x**2,
        lambda x: 1.0 / x,
    ],
    ids=["order", "equality", "float", "int", "index", "array", "ufunc", "function", "power", "division"],
)
def test_values_that_a_variable_does_not_have(misuse):
    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        z = misuse(x)
        return z

    with pytest.raises(ModelError, match=HERE):
        f().build()


@pytest.mark.parametrize(
    ("target", "args", "kwargs", "words"),
    [
        (Normal, (0, 1), {}, ("mean=", "variance=", "precision=")),
        (Gamma, (1, 1), {}, ("shape=", "rate=", "scale=")),
        (Normal, (), {"mean": 0.0, "scale": 1.0}, ("mean=", "variance=")),
        (NormalMeanVariance, (0.0,), {}, ("misses variance",)),
        (NormalMeanVariance, (0.0, 1.0, 2.0), {}, ("takes 2 arguments",)),
        (NormalMeanPrecision, (0.0,), {"mean": 1.0, "precision": 1.0}, ("twice",)),
        (NormalMeanVariance, (), {"mean": 1.0, "elephant": 1.0}, ("no interface 'elephant'",)),
    ],
)
def test_arguments_that_do_not_say_what_they_are(target, args, kwargs, words):
    @model
    def f():
        x = ~target(*args, **kwargs)
        return x

    with pytest.raises(ParametrisationError) as caught:
        f().build()
    assert all(word in str(caught.value) for word in words)
    assert "x = ~target(*args, **kwargs)" in str(caught.value) and "test_bad_input.py" in str(caught.value)


def test_a_variable_drawn_from_a_variable():
    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        y = ~x
        return y

    with pytest.raises(ModelError, match=complaint("is a variable already", "y = ~x", "y = x")):
        f().build()


def test_an_element_drawn_from_no_factor():
    @model
    def f():
        x = randomvar(2)
        x[0] = ~3
        return x

    with pytest.raises(ModelError, match=complaint("-4 is no factor", "x[0] = ~3", "a factor after ~")):
        f().build()


def test_wrong_arguments_of_a_nested_call():
    @model
    def f():
        x = ~NormalMeanVariance(Normal(randomvar(), 1.0), 1.0)
        return x

    with pytest.raises(
        ParametrisationError, match=rf"mean=[\s\S]*{HERE}x = ~NormalMeanVariance\(Normal\(randomvar\(\), 1.0\), 1.0\)"
    ):
        f().build()


def test_a_factorisation_that_cannot_be_read():
    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0).where(q="q(out")
        return x

    with pytest.raises(ConstraintSyntaxError, match=rf"at position 5: expected '\)'[\s\S]*{HERE}x = ~Normal") as caught:
        f().build()
    assert caught.value.position == 5


@model
def level(y, spread):
    x = ~NormalMeanVariance(0.0, 1.0)
    y[:] = ~NormalMeanVariance(x, spread)


def test_names_of_data_that_are_nearly_right():
    with pytest.raises(DataError) as caught:
        infer(level(spread=1.0), data={"y": [1.0], "spraed": 2.0})
    assert "there are no data called spraed" in str(caught.value)
    with pytest.raises(DataError, match="level misses y; data= has Y"):
        infer(level(spread=1.0), data={"Y": [1.0]})
    with pytest.raises(DataError, match=r"no data called yy in the model; its data are y[\s\S]*write  'y' for 'yy'"):
        infer(level(spread=1.0), data={"y": [1.0], "yy": [1.0]})


def test_data_that_no_factor_reads():
    @model
    def parameter(y, z):
        x = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanVariance(x, float(len(z)))

    @model
    def declared(y):
        z = datavar(float, 2)
        x = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanVariance(x, float(len(z)))

    for f in (parameter, declared):
        with pytest.raises(DataError, match=complaint("no factor of the model reads the data z", "", r"z\[:\] = ~F")):
            infer(f(), data={"y": [1.0], "z": [2.0, 3.0]})
    assert np.isclose(infer(parameter(z=[2.0, 3.0]), data={"y": [1.0]}).posteriors["x"].mean, 1.0 / 3.0)
