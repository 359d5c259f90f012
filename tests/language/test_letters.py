"""What a model's letters say to write, and that writing it helps."""

import math

import numpy as np
import pytest

from reactivepgm import (
    Categorical,
    DataError,
    Dirichlet,
    DirichletCollection,
    DiscreteTransition,
    Gamma,
    InvalidParameterError,
    MeanField,
    MissingInitialError,
    ModelError,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    NoRuleError,
    PointMass,
    ProductError,
    Quadrature,
    Unscented,
    explain,
    infer,
    model,
    q,
    randomvar,
    rule,
)
from reactivepgm.distributions import UnivariateNormal

START = {"tau": Gamma(shape=1.0, rate=1.0)}


def walk(first):
    @model
    def random_walk(y, drift):
        x = randomvar(len(y))
        tau = ~Gamma(shape=1.0, rate=1.0)
        x[0] = ~NormalMeanVariance(0.0, 100.0)
        y[0] = ~NormalMeanPrecision(x[0], tau).where(q=first)
        for t in range(1, len(y)):
            x[t] = ~NormalMeanVariance(x[t - 1], drift)
            y[t] = ~NormalMeanPrecision(x[t], tau).where(q=q(x) * q(tau))
        return x, tau

    return random_walk(drift=1.0)


@pytest.mark.parametrize("start", [{}, START], ids=["nothing", "tau"])
def test_a_missing_rule_is_told_before_initial_values_that_would_not_help(start):
    data = {"y": np.arange(5.0)}
    with pytest.raises(NoRuleError) as caught:
        infer(walk(None), data=data, initialisation=start)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("no rule for NormalMeanPrecision -> mean from (m_precision: GammaShapeRate")
    assert "y[0] = ~NormalMeanPrecision(x[0], tau)" in lines[1]
    assert lines[-1].endswith("write .where(q=q(mean) * q(precision)) or constraints=MeanField()")
    with pytest.raises(MissingInitialError):
        infer(walk(q("mean") * q("precision")), data=data)
    result = infer(walk(q("mean") * q("precision")), data=data, initialisation=START, iterations=3)
    assert set(result.posteriors) == {"x", "tau"}


@model(contract=True)
def moved(x, by):
    out = ~NormalMeanVariance(x, by)
    return out  # noqa: RET504 - a model names what it draws


def test_the_letter_about_a_contract_can_be_followed():
    @model
    def f(y):
        a = ~Normal(mean=0.0, variance=1.0)
        z = ~moved(a, 3.0)
        y[...] = ~Normal(mean=z, variance=1.0)

    with pytest.raises(NoRuleError) as caught:
        infer(f(), data={"y": 1.0})
    lines = str(caught.value).splitlines()
    assert lines[2] == "  near nothing: moved has no message rules yet"
    assert lines[3] == '  add  @rule(moved, to="out")'
    assert "Quadrature" not in str(caught.value)  # there is no log density that it could integrate
    with pytest.raises(NoRuleError, match="the node has no log density"):
        infer(f(), data={"y": 1.0}, fallback=Quadrature(32))

    @rule(moved, to="out")
    def _(m_x: UnivariateNormal, q_by: PointMass) -> NormalMeanVariance:
        return NormalMeanVariance(m_x.mean, m_x.variance + q_by.value)

    @rule(moved, to="x")
    def _(m_out: UnivariateNormal, q_by: PointMass) -> NormalMeanVariance:
        return NormalMeanVariance(m_out.mean, m_out.variance + q_by.value)

    posterior = infer(f(), data={"y": 1.0}).posteriors["a"]
    assert np.isclose(posterior.mean, 1.0 / 5.0) and np.isclose(posterior.variance, 4.0 / 5.0)


def test_a_function_without_a_meta_is_told_before_data():
    @model
    def f(y):
        a = ~Normal(mean=1.0, variance=1.0)
        b = ~Normal(mean=1.0, variance=1.0)
        c = ~product(a, b)
        y[...] = ~Normal(mean=c, variance=1.0)

    with pytest.raises(NoRuleError) as caught:
        infer(f(), data={"y": 1.0})
    lines = str(caught.value).splitlines()
    assert "test_letters.py:" in lines[1] and "c = ~product(a, b)" in lines[1] and ".where(meta=" in lines[2]
    assert any("c = ~product(a, b)" in letter for letter in explain(f(), data={"y": 1.0}).missing)


def product(a, b):
    return a * b


def test_a_product_of_two_random_numbers():
    @model
    def f(y, how):
        a = ~Normal(mean=1.0, variance=1.0)
        b = ~Normal(mean=1.0, variance=1.0)
        c = a * b if how is None else ~product(a, b).where(meta=how)
        y[...] = ~Normal(mean=c, variance=1.0)

    with pytest.raises(ProductError, match=r"write  z = ~f\(a, b\).where\(meta=Unscented\(\)\)"):
        infer(f(how=None), data={"y": 1.0})
    assert infer(f(how=Unscented()), data={"y": 1.0}).posteriors["a"].variance < 1.0


def test_categories_as_numbers():
    """The prior's length says how many there are, so that numbers mean what one-hot vectors do."""

    @model
    def counts(y):
        p = ~Dirichlet(np.array([1.0, 2.0, 3.0]))
        y[:] = ~Categorical(p)

    @model
    def in_a_loop(y):
        p = ~Dirichlet(np.array([1.0, 2.0, 3.0]))
        for t in range(len(y)):
            y[t] = ~Categorical(p)

    numbers = [2, 0, 1, 2]
    hot = infer(counts(), data={"y": np.eye(3)[numbers]}, free_energy=True)
    for function in (counts, in_a_loop):
        result = infer(function(), data={"y": numbers}, free_energy=True)
        assert np.array_equal(result.posteriors["p"].alpha, [2.0, 3.0, 5.0])
        assert np.isclose(result.free_energy[-1], hot.free_energy[-1])
    assert np.array_equal(infer(counts(), data={"y": [2, None, 1]}).posteriors["p"].alpha, [1.0, 3.0, 4.0])
    with pytest.raises(DataError, match=r"one of 3 categories, 0 to 2; row 1 is 3\n  at .*y\[:\] = ~Categorical"):
        infer(counts(), data={"y": [0, 3]})


def test_steps_between_categories_as_numbers():
    @model
    def f(y):
        a = ~DirichletCollection(np.ones((3, 3)))
        for t in range(1, len(y)):
            y[t] = ~DiscreteTransition(y[t - 1], a)

    numbers = [0, 1, 2, 1, 2]
    expected = np.ones((3, 3))
    np.add.at(expected, (numbers[1:], numbers[:-1]), 1.0)
    for data in (numbers, np.eye(3)[numbers]):
        assert np.allclose(infer(f(), data={"y": data}).posteriors["a"].alpha, expected)


def test_mean_field_helps_where_a_letter_says_so():
    @model
    def f(y):
        m = ~Normal(mean=0.0, variance=1.0)
        tau = ~Gamma(shape=1.0, rate=1.0)
        y[:] = ~NormalMeanPrecision(m, tau)

    with pytest.raises(NoRuleError, match=r"or constraints=MeanField\(\)"):
        infer(f(), data={"y": [1.0]})
    assert infer(f(), data={"y": [1.0]}, constraints=MeanField(), initialisation=START).posteriors["m"].variance < 1.0


def test_what_is_no_parameter():
    with pytest.raises(InvalidParameterError, match="NormalMeanVariance: mean is None, which is no number"):
        Normal(mean=None, variance=1.0)

    @model
    def f(y):
        x = ~Normal(mean=0.0, variance=1.0)
        if x > 0:
            y[...] = ~Normal(mean=x, variance=1.0)

    with pytest.raises(ModelError, match=r"cannot be a comparison\n  at .*if x > 0:\n  write  a model that does not branch"):
        infer(f(), data={"y": 1.0})


OPERATIONS = {
    "xor": lambda a: a ^ a,
    "xor of a constant": lambda a: 1 ^ a,
    "left shift": lambda a: a << 1,
    "right shift": lambda a: 1 >> a,
    "divmod": lambda a: divmod(a, 2),
    "divmod by it": lambda a: divmod(2, a),
    "floor division": lambda a: a // 2,
    "remainder": lambda a: a % 2,
    "round": round,
    "abs": abs,
    "trunc": math.trunc,
    "floor": math.floor,
    "ceil": math.ceil,
    "less": lambda a: a < 1,
    "not less": lambda a: a >= a,
    "equal": lambda a: a == 1.0,
    "not equal": lambda a: a != 1.0,
    "float": float,
    "int": int,
    "a number before @": lambda a: 2.0 @ a,
    "a number after @": lambda a: a @ 2,
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_what_python_can_do_to_numbers_and_no_factor_does_says_what_to_write(operation):
    @model
    def f(y):
        a = ~Normal(mean=0.0, variance=1.0)
        b = operation(a)
        y[...] = ~Normal(mean=b, variance=1.0)

    with pytest.raises(ModelError, match=r"  at   (.|\n)*  write  "):
        infer(f(), data={"y": 1.0})


def test_data_are_computed_with_but_for_their_bits():
    @model
    def f(x, y):
        a = ~Normal(mean=0.0, variance=1.0)
        whole, rest = divmod(x, 2.0)
        y[...] = ~Normal(mean=a + whole + rest + math.floor(x), variance=1.0)

    @model
    def g(x, y):
        a = ~Normal(mean=0.0, variance=1.0)
        y[...] = ~Normal(mean=a + (x ^ 1), variance=1.0)

    assert np.isclose(infer(f(), data={"x": 3.5, "y": 0.0}).posteriors["a"].mean, -(1.0 + 1.5 + 3.0) / 2.0)
    with pytest.raises(ModelError, match=r"data are floats, which \^ does not take(.|\n)*  write  "):
        infer(g(), data={"x": 3.0, "y": 0.0})
