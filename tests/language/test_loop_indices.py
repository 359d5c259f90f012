"""Indices that a loop computes: before the first element they are an error, whether the loop is lifted or not."""

import numpy as np
import pytest

from reactivepgm import datavar, model, randomvar
from reactivepgm.distributions import NormalMeanVariance
from reactivepgm.errors import ModelError, UndeclaredVariableError

LENGTHS = (3, 100)
"""Below and above the length from which loops are lifted."""


def built(function, *args, data=None):
    return model(function)(*args).build(data)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("lift", [True, False])
def test_before_the_start(n, lift):
    @model(lift=lift)
    def ring(n):
        x = randomvar(n)
        for t in range(n):
            x[t] = ~NormalMeanVariance(x[t - 1], 1.0)

    with pytest.raises(UndeclaredVariableError) as caught:
        ring(n).build()
    told, at, write = str(caught.value).splitlines()
    assert told.startswith("x[-1] was never declared") and "x[t] = ~NormalMeanVariance(x[t - 1], 1.0)" in at
    assert "for t in range(1, len(x))" in write and "% len(x)" in write


@pytest.mark.parametrize("n", LENGTHS)
def test_in_targets_slices_axes_and_enumerations(n):
    def target(n):
        x = randomvar(n)
        for t in range(n):
            x[t - 2] = ~NormalMeanVariance(0.0, 1.0)

    def window(n):
        x, y = randomvar(n), randomvar(n, 2)
        for t in range(n):
            y[t, :] = ~NormalMeanVariance(x[t - 2 : t], 1.0)

    def axis(n):
        x = randomvar(2, n)
        for t in range(n):
            x[1, t] = ~NormalMeanVariance(x[0, t - 1], 1.0)

    def counted(n):
        x = randomvar(n)
        for t, v in enumerate(np.ones(n)):
            x[t] = ~NormalMeanVariance(x[t - 1], v)

    def data(n):
        y = datavar(float, n)
        for t in range(n):
            y[t] = ~NormalMeanVariance(y[t - 1], 1.0)

    for function in (target, window, axis, counted, data):
        with pytest.raises(UndeclaredVariableError, match="computed in a loop, lies before the first element"):
            built(function, n)


@pytest.mark.parametrize("n", LENGTHS)
def test_what_counts_from_the_end_on_purpose(n):
    def f(n):
        x, z = randomvar(n), randomvar(n)
        weights = np.arange(1.0, n + 1.0)
        x[0] = ~NormalMeanVariance(0.0, weights[-1])
        for t in range(1, n):
            x[t] = ~NormalMeanVariance(x[t - 1], weights[t - 2])
        for t in range(n):
            z[t] = ~NormalMeanVariance(x[-1 - t], 1.0)
        for k in range(-2, 0):
            e = ~NormalMeanVariance(x[k], 1.0)
        for t in range(n):
            e = ~NormalMeanVariance(x[(t - 1) % n], 1.0)
        return e

    graph = built(f, n)
    back, last, ring = (graph.families[k].random["mean"].index.tolist() for k in (2, 3, 4))
    assert back == list(range(n))[::-1] and last == [n - 2, n - 1] and ring == [n - 1, *range(n - 1)]


@pytest.mark.parametrize("n", LENGTHS)
def test_a_name_that_stands_for_a_datum(n):
    """``for v in y: v = ~F()`` would give the name to a new variable, and the data would be lost."""

    def loop(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        for v in y:
            v = ~NormalMeanVariance(x, 1.0)  # noqa: F841 - the mistake

    def element(y):
        x = ~NormalMeanVariance(0.0, 1.0)
        for t in range(len(y)):
            v = y[t]
            v = ~NormalMeanVariance(x, 1.0)  # noqa: F841 - the mistake

    for function in (loop, element):
        with pytest.raises(ModelError) as caught:
            built(function, data={"y": np.ones(n)})
        told, at, write = str(caught.value).splitlines()
        assert told.startswith("v is y[0], a part of the data y, and this would forget it")
        assert "v = ~NormalMeanVariance(x, 1.0)" in at and "y[t] = ~NormalMeanVariance(x, 1.0)" in write


def test_a_datum_that_is_an_argument_may_give_its_name():
    def f(inputs, y):
        for t, v in enumerate(inputs):
            v = ~NormalMeanVariance(v, 1.0)
            y[t] = ~NormalMeanVariance(v, 1.0)

    graph = built(f, data={"inputs": [1.0, 2.0], "y": [1.0, 2.0]})
    assert [family.rows for family in graph.families] == [2, 2]
