"""Bad input: each mistake meets an error that names it, where it is, and what to write instead."""

import re

import numpy as np
import pytest

from reactivepgm import (
    Beta,
    ConstraintError,
    DataError,
    ForgottenTildeError,
    Gamma,
    InvalidParameterError,
    ModelError,
    ModelReturnsNothingError,
    MvNormal,
    MvNormalMeanCovariance,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    NoRuleError,
    ParametrisationError,
    ProductError,
    UndeclaredVariableError,
    datavar,
    infer,
    model,
    q,
    randomvar,
)

HERE = re.escape("test_bad_input.py")


@model
def good(y):
    x = ~NormalMeanVariance(0.0, 1.0)
    for i in range(len(y)):
        y[i] = ~NormalMeanVariance(x, 1.0)
    return x


def test_a_forgotten_tilde_on_a_latent_variable():
    @model
    def forgotten(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        z = NormalMeanVariance(x, 1.0)
        y[0] = ~NormalMeanVariance(x, 1.0)
        return z

    with pytest.raises(ForgottenTildeError, match=rf"{HERE}[\s\S]*z = NormalMeanVariance\(x, 1.0\)[\s\S]*~"):
        infer(forgotten(), data={"y": [1.0]})


def test_a_forgotten_tilde_on_an_observation():
    @model
    def forgotten(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        y[0] = NormalMeanVariance(x, 1.0)

    with pytest.raises(ModelError, match=rf"{HERE}[\s\S]*~"):
        infer(forgotten(), data={"y": [1.0]})


def test_a_binary_tilde_is_a_syntax_error_of_python():
    with pytest.raises(SyntaxError):
        compile("x ~ NormalMeanVariance(0.0, 1.0)", "model.py", "exec")


def gap(y):
    x[1] = ~NormalMeanVariance(0.0, 1.0)  # noqa: F821
    y[0] = ~NormalMeanVariance(x[1], 1.0)  # noqa: F821


def beyond(y):
    x[0] = ~NormalMeanVariance(0.0, 1.0)  # noqa: F821
    y[0] = ~NormalMeanVariance(x[1], 1.0)  # noqa: F821


@pytest.mark.parametrize("function", [gap, beyond])
def test_an_undeclared_array(function):
    with pytest.raises(UndeclaredVariableError, match=r"x\[1\] was never declared[\s\S]*x = randomvar\(n\)") as caught:
        infer(model(function)(), data={"y": [1.0]})
    assert "test_bad_input.py" in str(caught.value)


def unknown_edge(y):
    x = ~NormalMeanVariance(0.0, 1.0)
    y[0] = ~NormalMeanPrecision(x, 2.0).where(q="q(out) q(mean) q(precision) q(elephant)")


def repeated_edge(y):
    x = ~NormalMeanVariance(0.0, 1.0)
    y[0] = ~NormalMeanPrecision(x, 2.0).where(q="q(out) q(mean) q(precision, mean)")


def missing_edge(y):
    x = ~NormalMeanVariance(0.0, 1.0)
    t = ~Gamma(shape=1.0, rate=1.0)
    y[0] = ~NormalMeanPrecision(x, t).where(q=q(out) * q(mean))  # noqa: F821


@pytest.mark.parametrize(
    ("function", "word"), [(unknown_edge, "elephant"), (repeated_edge, "mean"), (missing_edge, "precision")]
)
def test_an_edge_that_is_unknown_repeated_or_missing(function, word):
    # The error shows the offender, the factor's interfaces and the statement's line.
    with pytest.raises(ConstraintError) as caught:
        infer(model(function)(), data={"y": [1.0]})
    for expected in (word, "out", "mean", "precision", "test_bad_input.py"):
        assert expected in str(caught.value)


@pytest.mark.parametrize("constraint", ["q(x, nobody) = q(x) q(nobody)", "q(ghost) = prod q(ghost[i])"])
def test_a_constraint_that_matches_nothing(constraint):
    with pytest.raises(ConstraintError, match=r"nobody|ghost"):
        infer(good(), data={"y": [1.0]}, constraints=constraint)


def test_data_of_the_wrong_length():
    @model
    def declared():
        y = datavar(float, 3)
        x = ~NormalMeanVariance(0.0, 1.0)
        for i in range(3):
            y[i] = ~NormalMeanVariance(x, 1.0)
        return x

    with pytest.raises(DataError, match=r"y[\s\S]*3[\s\S]*2|y[\s\S]*2[\s\S]*3"):
        infer(declared(), data={"y": [1.0, 2.0]})


def test_data_of_the_wrong_shape():
    with pytest.raises(DataError, match="y"):
        infer(good(), data={"y": np.zeros((3, 2, 2))})


def test_data_of_the_wrong_type():
    with pytest.raises(DataError, match="y"):
        infer(good(), data={"y": ["one", "two"]})


def test_missing_values_where_none_may_be():
    @model
    def covariate(y, a):
        x = ~NormalMeanVariance(0.0, 1.0)
        for i in range(len(y)):
            y[i] = ~NormalMeanVariance(a[i] * x, 1.0)
        return x

    with pytest.raises(DataError, match=r"\ba\b"):
        infer(covariate(), data={"y": [1.0, 2.0], "a": [1.0, np.nan]})


def test_data_for_a_name_that_is_not_in_the_model():
    with pytest.raises(DataError, match=r"elephant[\s\S]*y|y[\s\S]*elephant"):
        infer(good(), data={"y": [1.0], "elephant": [1.0]})


def test_unpacking_a_model_that_returns_nothing():
    @model
    def silent():
        x = ~NormalMeanVariance(0.0, 1.0)
        y = datavar(float)
        y[...] = ~NormalMeanVariance(x, 1.0)

    with pytest.raises(ModelReturnsNothingError, match="silent"):
        _graph, _returned = silent()


def test_beliefs_that_do_not_multiply():
    @model
    def impossible(y):
        g = ~Gamma(shape=1.0, rate=1.0)
        y[0] = ~NormalMeanVariance(g, 1.0)
        return g

    with pytest.raises(ProductError, match=rf"g[\s\S]*GammaShapeRate[\s\S]*{HERE}[\s\S]*Normal"):
        infer(impossible(), data={"y": [1.0]})


def test_a_missing_rule():
    @model
    def impossible(y):
        g = ~Gamma(shape=1.0, rate=1.0)
        y[0] = ~Beta(g, 1.0)
        return g

    with pytest.raises(NoRuleError) as caught:
        infer(impossible(), data={"y": [0.5]})
    letter = str(caught.value)
    for expected in ("Beta -> a", "@rule(", "test_bad_input.py", "y[0] = ~Beta(g, 1.0)"):
        assert expected in letter


@pytest.mark.parametrize("variance", [-1.0, np.array([1.0, -2.0])], ids=["scalar", "array"])
def test_a_negative_variance(variance):
    @model
    def negative(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanVariance(x, variance)

    with pytest.raises(InvalidParameterError, match=r"variance[\s\S]*-[12]"):
        infer(negative(), data={"y": [1.0, 2.0]})


def test_a_matrix_that_is_not_positive_definite():
    @model
    def indefinite(y):
        x = ~MvNormalMeanCovariance(np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]]))
        y[...] = ~MvNormalMeanCovariance(x, np.eye(2))

    with pytest.raises(InvalidParameterError, match=r"covariance[\s\S]*positive"):
        infer(indefinite(), data={"y": np.zeros(2)})


def test_a_condition_on_a_random_variable():
    @model
    def conditional(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        if x > 0:
            y[0] = ~NormalMeanVariance(x, 1.0)

    with pytest.raises((ModelError, TypeError), match="x"):
        infer(conditional(), data={"y": [1.0]})


def test_the_truth_of_a_random_variable():
    @model
    def conditional(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        if x:
            y[0] = ~NormalMeanVariance(x, 1.0)

    with pytest.raises(ModelError, match="x"):
        infer(conditional(), data={"y": [1.0]})


def test_the_truth_of_data():
    @model
    def conditional():
        y = datavar(float)
        x = randomvar()
        x = ~NormalMeanVariance(0.0, 1.0)
        if y:
            y[...] = ~NormalMeanVariance(x, 1.0)
        return x

    with pytest.raises(ModelError, match="y"):
        infer(conditional(), data={"y": 1.0})


@pytest.mark.parametrize(
    ("make", "words"),
    [(lambda: Normal(0, 1), ("mean=", "variance=", "precision=")),
     (lambda: MvNormal(np.zeros(2), np.eye(2)), ("mean=", "covariance=", "precision=")),
     (lambda: Gamma(1, 1), ("shape=", "rate=", "scale="))],
    ids=["Normal", "MvNormal", "Gamma"],
)
def test_positions_where_names_are_due(make, words):
    with pytest.raises(ParametrisationError) as caught:
        make()
    assert all(word in str(caught.value) for word in words)
