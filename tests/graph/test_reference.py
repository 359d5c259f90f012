"""References are index arithmetic: they agree with NumPy's indexing of the element numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactivepgm.errors import ModelError, UndeclaredVariableError
from reactivepgm.graph import GraphBuilder, Reference, Site, VariableArray
from reactivepgm.graph.reference import whole

SITE = Site("m.py", 1, "x = randomvar()")

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


def keys(shape):
    axis = st.one_of(
        st.integers(-shape[0], shape[0] - 1),
        st.slices(shape[0]),
        st.lists(st.integers(0, shape[0] - 1), min_size=1, max_size=3),
    )
    return st.one_of(axis, st.just(Ellipsis), axis.map(lambda first: (first, Ellipsis)))


@given(st.data())
def test_indexing_agrees_with_numpy(data):
    shape = data.draw(shapes)
    x = whole(VariableArray(0, "x", "random", shape, SITE))
    numbers = np.arange(x.size).reshape(shape)
    for _ in range(2):
        if not x.shape or not x.size:
            break
        key = data.draw(keys(x.shape))
        x, numbers = x[key], numbers[key]
        assert x.elements.tolist() == np.asarray(numbers).tolist()
        assert x.shape == np.shape(numbers)
        assert x.numbers is None or not np.array_equal(x.numbers.ravel(), np.arange(x.first, x.first + x.size))


@given(st.integers(1, 5), st.integers(-9, 9))
def test_an_element_is_inside_or_an_error(n, i):
    x = whole(VariableArray(0, "x", "random", (n,), SITE))
    if -n <= i < n:
        assert int(x[i].elements) == range(n)[i]
    else:
        with pytest.raises(UndeclaredVariableError, match="never declared"):
            x[i]


def test_equality_is_of_array_and_elements():
    x = whole(VariableArray(0, "x", "random", (3,), SITE))
    y = whole(VariableArray(1, "y", "random", (3,), SITE))
    assert x == x[:] and x[1] == x[1:2][0] and x != y and hash(x[1]) == hash(x[1])
    assert x[[2, 0]] != x[[0, 2]]


def test_names_of_elements():
    array = VariableArray(0, "x", "random", (2, 3), SITE)
    assert [array.element_name(i) for i in (0, 4)] == ["x[0, 0]", "x[1, 1]"]
    assert VariableArray(0, "x", "random", (), SITE).element_name(0) == "x"
    assert repr(array) == "<random x (2, 3)>"


def test_a_finished_model_takes_no_more_factors():
    builder = GraphBuilder()
    x = builder.random("x")
    builder.add("NormalMeanVariance", {"out": x, "mean": 0.0, "variance": 1.0})
    builder.finish()
    with pytest.raises(ModelError, match="the model of the random variable x is finished"):
        _ = x + 1.0


def test_a_constant_reference_acts_like_its_value():
    builder = GraphBuilder()
    c = builder.constant(np.array([1, 2]), "c")
    assert isinstance(c, Reference) and c[1] == 2 and (c + 1).tolist() == [2, 3]
    assert [1, 2, 3][builder.constant(1)] == 2 and int(builder.constant(3)) == 3
    assert c == c and c != builder.constant(5) and list(c) == [1, 2] and np.asarray(c).tolist() == [1, 2]
    d = builder.constant(2.0)
    assert d > 1 and d >= 2 and d < 3 and d <= 2 and d == 2.0 and float(d) == 2.0 and bool(d) and len({d: 1}) == 1
