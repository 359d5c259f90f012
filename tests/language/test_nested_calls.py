"""Nested calls and bare arithmetic: anonymous factors, folded constants, expressions over data."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import numpy as np
import pytest

from reactivepgm.distributions import Gamma, MvNormalMeanCovariance, Normal, NormalMeanPrecision, NormalMeanVariance
from reactivepgm.language import constvar, datavar, model, randomvar

dot = np.dot


def inv(value):
    return 1.0 / value


def names(graph):
    return [family.node.name for family in graph.families]


def test_a_call_with_a_random_argument_is_an_anonymous_factor():
    @model
    def f():
        w = ~Gamma(shape=1.0, rate=1.0)
        x = ~NormalMeanVariance(0.0, inv(w))
        return x

    graph, _ = f()
    assert names(graph) == ["GammaShapeRate", "Delta(inv)", "NormalMeanVariance"]
    assert graph.families[2].random["variance"].array.anonymous


def test_a_call_with_constants_is_folded():
    @model
    def f(precision):
        x = ~NormalMeanVariance(0.0, inv(precision))
        return x

    graph, _ = f(4.0)
    assert graph.families[0].fixed["variance"].resolve({}).value == 0.25


def test_a_call_with_data_is_an_expression_over_data():
    @model
    def f(y, precision):
        x = ~NormalMeanVariance(0.0, inv(precision))
        y[:] = ~NormalMeanVariance(x, 2.0 * inv(precision) + 1.0)

    graph = f().build({"y": np.zeros(2), "precision": 4.0})
    assert names(graph) == ["NormalMeanVariance"] * 2
    binding = graph.families[0].fixed["variance"]
    assert binding.names == ("precision",)
    assert binding.resolve({"precision": 4.0}).value == 0.25
    assert binding.resolve({"precision": 2.0}).value == 0.5
    assert graph.families[1].fixed["variance"].resolve({"precision": 2.0}).value == 2.0


def test_expressions_over_data_in_a_loop_are_computed_for_all_rows_at_once():
    @model
    def f(y, u):
        x = ~NormalMeanVariance(0.0, 1.0)
        for t in range(len(y)):
            y[t] = ~NormalMeanVariance(x, 2.0 * u[t] + float(t))

    u = np.array([1.0, 2.0, 3.0])
    graph = f().build({"y": np.zeros(3), "u": u})
    binding = graph.families[1].fixed["variance"]
    assert binding.resolve({"u": u}).value.tolist() == [2.0, 5.0, 8.0]
    assert type(binding.source).__name__ == "BatchedSource"


def test_a_long_running_sum_of_data_needs_no_recursion():
    @model
    def f(y):
        total = 0.0
        for t in range(len(y)):
            total = total + y[t]
        x = ~NormalMeanVariance(total, 1.0)
        return x

    y = np.ones(5000)
    graph = f().build({"y": y})
    assert graph.families[0].fixed["mean"].resolve({"y": y}).value == 5000.0


def test_arithmetic_as_an_argument():
    @model
    def f(n):
        x = randomvar(n)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        for t in range(1, n):
            x[t] = ~NormalMeanVariance(0.5 * x[t - 1] + 1.0, 1.0)
        return x

    graph, _ = f(5)
    assert [(g.node.name, g.rows) for g in graph.families] == [
        ("NormalMeanVariance", 1),
        ("multiplication", 4),
        ("addition", 4),
        ("NormalMeanVariance", 4),
    ]
    product = graph.families[1]
    assert product.fixed["A"].resolve({}).value == 0.5
    assert product.random["in"].array.name == "x" and product.random["out"].array.anonymous


@pytest.mark.parametrize("spelled", ["A @ x", "A * x", "x @ A.T"])
def test_a_matrix_times_a_variable(spelled):
    A = np.array([[1.0, 1.0], [0.0, 1.0]])

    @model
    def f():
        x = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))
        if spelled == "A @ x":
            z = A @ x
        elif spelled == "A * x":
            z = A * x
        else:
            z = x @ A.T
        return z

    graph, z = f()
    assert z.name == "z" and names(graph)[1] == "multiplication"
    point = graph.families[1].fixed["A"].resolve({})
    assert point.value.tolist() == A.tolist() and point.batch_shape == ()


def test_scalars_a_row_and_matrices_a_row():
    @model
    def f():
        x = randomvar(3)
        a = np.array([1.0, 2.0, 3.0]) * x
        b = np.ones((3, 2, 2)) @ x
        c = np.ones((2, 2)) @ x
        d = x / np.array([1.0, 2.0, 4.0])
        e = x / 2.0
        return a, b, c, d, e

    graph, returned = f()
    assert [r.shape for r in returned] == [(3,)] * 5
    shapes = [family.fixed["A"].resolve({}).batch_shape for family in graph.families]
    assert shapes == [(3,), (3,), (), (3,), ()]
    assert graph.families[3].fixed["A"].resolve({}).value.tolist() == [1.0, 0.5, 0.25]


def test_inner_products():
    X = np.arange(6.0).reshape(3, 2)

    @model
    def loop(y):
        w = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))
        for i in range(len(y)):
            y[i] = ~NormalMeanVariance(dot(X[i], w), 1.0)

    @model
    def vector(y):
        w = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))
        y[:] = ~NormalMeanVariance(dot(X, w), 1.0)

    @model
    def operator(y):
        w = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))
        for i in range(len(y)):
            y[i] = ~NormalMeanVariance(X[i] @ w, 1.0)

    data = {"y": np.zeros(3)}
    graph = loop().build(data)
    assert [(g.node.name, g.rows) for g in graph.families][1:] == [("dot", 3), ("NormalMeanVariance", 3)]
    assert graph.families[1].fixed["in1"].resolve({}).value.tolist() == X.tolist()
    assert graph.same_as(vector().build(data))
    assert graph.same_as(operator().build(data))


def test_covariates_as_data():
    @model
    def f(y, X):
        w = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))
        for i in range(len(y)):
            y[i] = ~NormalMeanVariance(dot(X[i], w), 1.0)

    X = np.arange(6.0).reshape(3, 2)
    graph = f().build({"y": np.zeros(3), "X": X})
    point = graph.families[1].fixed["in1"].resolve({"X": X})
    assert point.value.tolist() == X.tolist() and point.batch_shape == (3,)


def test_a_stochastic_call_as_an_argument_is_drawn():
    @model
    def nested():
        x = ~NormalMeanVariance(NormalMeanVariance(0.0, 4.0), 1.0)
        y = ~NormalMeanVariance(x + Normal(mean=0.0, variance=1.0), 1.0)
        return x, y

    graph, _ = nested()
    assert len(graph.random) == 5
    assert names(graph) == ["NormalMeanVariance"] * 3 + ["addition", "NormalMeanVariance"]


def test_a_distribution_as_a_plain_functions_argument_is_folded():
    @model
    def f():
        x = ~NormalMeanVariance(mean_of(Normal(mean=3.0, variance=1.0)), 1.0)
        return x

    graph, _ = f()
    assert len(graph.families) == 1
    assert graph.families[0].fixed["mean"].resolve({}).value == 3.0


def mean_of(distribution):
    return distribution.mean


def test_indexing_and_looking_at_structure_make_no_factors():
    @model
    def f(y):
        x = randomvar(len(y))
        for t in range(len(x)):
            x[t] = ~NormalMeanVariance(float(len(x)), 1.0)
            y[t] = ~NormalMeanVariance(x[len(x) - 1 - t], 1.0)

    graph = f().build({"y": np.zeros(3)})
    assert names(graph) == ["NormalMeanVariance"] * 2


def test_the_sum_of_variables():
    @model
    def f():
        x = randomvar(4)
        s = sum(x[1:], x[0])
        y = ~NormalMeanVariance(sum(x), 1.0)
        return s, y

    graph, (s, _) = f()
    assert s.name == "s"
    assert sum(family.rows for family in graph.families if family.node.name == "addition") == 6


def test_constants_by_hand_count_as_constants():
    @model
    def f(n):
        c = constvar(1.0)
        d = c + 1.0
        x = randomvar(n)
        for t in range(1, n):
            x[t] = ~(x[t - 1] + c)
        y = ~NormalMeanVariance(x[0], d)
        z = ~NormalMeanPrecision(c, inv(d))
        return y, z

    graph, _ = f(4)
    assert (graph.families[0].node.name, graph.families[0].rows) == ("addition", 3)
    assert graph.families[0].fixed["in2"].resolve({}).value == 1.0
    assert graph.families[1].fixed["variance"].resolve({}).value == 2.0


def test_a_variable_twice_in_one_operation():
    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        return x + x

    graph, _ = f()
    assert graph.families[1].random["in1"].index.tolist() == graph.families[1].random["in2"].index.tolist() == [0]


def test_functions_of_declared_data():
    @model
    def f():
        y = datavar(float)
        x = ~NormalMeanVariance(np.exp(y), 1.0)
        return x

    graph, _ = f()
    assert graph.families[0].fixed["mean"].resolve({"y": 0.0}).value == 1.0
