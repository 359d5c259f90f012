"""A loop and a vector statement are the same graph; building costs microseconds a row."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import time

import numpy as np
import pytest

from reactivepgm.distributions import Bernoulli, Beta, MvNormalMeanCovariance, NormalMeanPrecision, NormalMeanVariance
from reactivepgm.errors import DataError, ModelError
from reactivepgm.language import datavar, model, randomvar
from reactivepgm.nodes import DiscreteTransition


@model
def chain_loop(y, v):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanVariance(x[0], 1.0)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(x[t - 1], v)
        y[t] = ~NormalMeanVariance(x[t], 1.0)


@model
def chain_vector(y, v):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanVariance(x[:-1], v)
    y[:] = ~NormalMeanVariance(x, 1.0)


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("v", [1.0, 2])
def test_a_loop_equals_a_vector_statement(n, v):
    data = {"y": np.arange(float(n))}
    loop, vector = chain_loop(v=v).build(data), chain_vector(v=v).build(data)
    assert loop.same_as(vector) and vector.same_as(loop)
    assert n == 1 or not loop.same_as(chain_loop(v=v + 1).build(data))


def test_a_hundred_thousand_steps():
    data = {"y": np.zeros(100_000)}

    def best(build):
        times = []
        for _ in range(3):
            started = time.perf_counter()
            graph = build(v=1.0).build(data)
            times.append(time.perf_counter() - started)
        return min(times), graph

    loop_time, loop = best(chain_loop)
    vector_time, vector = best(chain_vector)
    assert loop_time < 1.0 and vector_time < 0.1
    assert loop.same_as(vector)


def test_two_axes():
    @model
    def loop(y):
        x = randomvar(3, 4)
        for i in range(3):
            for j in range(4):
                y[i, j] = ~NormalMeanVariance(x[i, j], 1.0)

    @model
    def vector(y):
        x = randomvar((3, 4))
        y[:, :] = ~NormalMeanVariance(x, 1.0)

    @model
    def rowwise(y):
        x = randomvar(3, 4)
        for i in range(3):
            y[i, :] = ~NormalMeanVariance(x[i], 1.0)

    data = {"y": np.arange(12.0).reshape(3, 4)}
    graph = loop().build(data)
    assert graph.same_as(vector().build(data)) and graph.same_as(rowwise().build(data))


def test_broadcasting():
    @model
    def f(y):
        a, b = randomvar(3, 1), randomvar(4)
        y[:, :] = ~NormalMeanVariance(a, b)

    family = f().build({"y": np.zeros((3, 4))}).families[0]
    assert family.random["mean"].index.tolist() == np.repeat(np.arange(3), 4).tolist()
    assert family.random["variance"].index.tolist() == np.tile(np.arange(4), 3).tolist()


def test_a_random_index_array():
    group = np.array([0, 2, 2, 1])

    @model
    def f(y):
        m = randomvar(3)
        y[:] = ~NormalMeanVariance(m[group], 1.0)

    assert f().build({"y": np.zeros(4)}).families[0].random["mean"].index.tolist() == group.tolist()


def test_vectors_and_matrices_as_events():
    A, Q = np.array([[1.0, 1.0], [0.0, 1.0]]), np.eye(2)

    @model
    def loop(y):
        x = randomvar(len(y))
        x[0] = ~MvNormalMeanCovariance(np.zeros(2), Q)
        for t in range(len(y)):
            if t > 0:
                x[t] = ~MvNormalMeanCovariance(A @ x[t - 1], Q)
            y[t] = ~MvNormalMeanCovariance(x[t], Q)

    @model
    def vector(y):
        x = randomvar(len(y))
        x[0] = ~MvNormalMeanCovariance(np.zeros(2), Q)
        x[1:] = ~MvNormalMeanCovariance(A @ x[:-1], Q)
        y[:] = ~MvNormalMeanCovariance(x, Q)

    # With two rows of two-vectors, too, what is a row and what an event follows from the factor.
    for n in (2, 3, 5):
        data = {"y": np.arange(2.0 * n).reshape(n, 2)}
        graph = loop().build(data)
        assert graph.same_as(vector().build(data))
        point = vector().build(data).families[-1].fixed["out"].resolve(data)
        assert point.batch_shape == (n,) and point.value.tolist() == data["y"].tolist()


def test_a_table_of_probabilities_is_never_taken_for_rows():
    T = np.full((3, 3), 1 / 3)

    @model
    def f():
        z = randomvar(4)
        z[1:] = ~DiscreteTransition(z[:-1], T)

    family = f().build().families[0]
    assert family.rows == 3 and family.fixed["a"].resolve({}).batch_shape == ()


def test_observing_many_with_a_factor_of_open_rank():
    @model
    def coin(y):
        p = ~Beta(1.0, 1.0)
        y[:] = ~Bernoulli(p)

    @model
    def loop(y):
        p = ~Beta(1.0, 1.0)
        for i in range(len(y)):
            y[i] = ~Bernoulli(p)

    data = {"y": [1, 0, 1]}
    assert coin().build(data).families[1].rows == 3
    assert coin().build(data).same_as(loop().build(data))


def test_a_new_name_takes_the_statements_shape():
    @model
    def f():
        x = ~NormalMeanVariance(np.zeros(5), 1.0)
        return x

    graph, x = f()
    assert x.shape == (5,) and graph.families[0].rows == 5


def test_expressions_over_data_as_vectors():
    @model
    def loop(y, u):
        x = ~NormalMeanVariance(0.0, 1.0)
        for t in range(len(y)):
            y[t] = ~NormalMeanPrecision(x, 2.0 * u[t])

    @model
    def vector(y, u):
        x = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanPrecision(x, 2.0 * u)

    data = {"y": np.zeros(3), "u": np.array([1.0, 2.0, 3.0])}
    for build in (loop, vector):
        family = build().build(data).families[1]
        assert family.rows == 3
        assert family.fixed["precision"].resolve(data).value.tolist() == [2.0, 4.0, 6.0]


def test_data_whose_shape_only_the_data_will_tell():
    @model
    def f(n):
        y = datavar(np.ndarray, n)
        x = randomvar(n)
        y[:] = ~MvNormalMeanCovariance(x, np.eye(2))
        for t in range(n):
            y[t] = ~MvNormalMeanCovariance(x[t], np.eye(2))
        return x, y

    graph, _ = f(3)
    value = np.arange(6.0).reshape(3, 2)
    for family in graph.families:
        assert family.fixed["out"].resolve({"y": value}).value.tolist() == value.tolist()
    with pytest.raises(DataError, match=r"length|shape"):
        graph.families[0].fixed["out"].resolve({"y": value[:2]})


def test_parts_of_data():
    @model
    def f(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        y[:, 1] = ~NormalMeanVariance(x, 1.0)
        z = ~MvNormalMeanCovariance(np.zeros(2), np.eye(2))
        u = ~MvNormalMeanCovariance(y[:, 0], np.eye(2))
        return z, u

    value = np.array([[1.0, 2.0], [3.0, 4.0]])
    graph = f().build({"y": value})
    assert graph.families[1].fixed["out"].resolve({"y": value}).value.tolist() == [2.0, 4.0]
    assert graph.families[3].fixed["mean"].resolve({"y": value}).value.tolist() == [1.0, 3.0]


def test_shapes_that_do_not_fit():
    @model
    def f(y):
        x = randomvar(3)
        y[:] = ~NormalMeanVariance(x, 1.0)

    with pytest.raises(ModelError, match="rows of this NormalMeanVariance statement do not fit together") as caught:
        f().build({"y": np.zeros(4)})
    assert "out (4,)" in str(caught.value) and "mean (3,)" in str(caught.value)
    assert "test_vector_statements.py" in str(caught.value)
