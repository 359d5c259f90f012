"""Fixed bindings: constants, data and expressions as point masses; missing values; wrong data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactivepgm.errors import DataError, InvalidParameterError
from reactivepgm.graph import GraphBuilder, as_data_value


def observed(count, node="NormalMeanVariance", value_shape=(), **constants):
    """The binding of data ``y`` on the output of a factor, and the builder's graph."""
    builder = GraphBuilder()
    y = builder.data("y", () if count is None else (count,), value_shape=value_shape)
    constants = constants or {"mean": 0.0, "variance": 1.0}
    builder.add(node, {"out": y, **constants})
    return builder.finish().families[0].fixed["out"]


def test_one_row_is_a_plain_float():
    for binding in (observed(None), observed(1)):
        for value in (2.0, np.array(2.0), np.float64(2.0), 2):
            value = value if binding is not observed and binding.source.array.shape == () else [value]
            point = binding.resolve({"y": value})
            assert type(point.value) is float and point.value == 2.0 and point.batch_shape == ()


def test_rows_have_a_batch_axis():
    point = observed(3).resolve({"y": (1, 2, 3)})
    assert point.batch_shape == (3,) and point.value.dtype == np.float64
    vectors = observed(3, "MvNormalMeanCovariance", None, mean=np.zeros(2), covariance=np.eye(2))
    point = vectors.resolve({"y": np.arange(6.0).reshape(3, 2)})
    assert point.batch_shape == (3,) and point.value.shape == (3, 2)


def test_single_precision_stays():
    assert observed(3).resolve({"y": np.zeros(3, dtype=np.float32)}).value.dtype == np.float32


def test_contiguous_rows_are_a_view():
    value = np.arange(3.0)
    assert observed(3).resolve({"y": value}).value.base is not None


@given(st.lists(st.one_of(st.none(), st.floats(-5, 5)), min_size=2, max_size=6))
def test_missing_values_are_masked(values):
    point, mask = observed(len(values)).resolve_masked({"y": values})
    missing = [v is None for v in values]
    assert np.isfinite(point.value).all()
    assert (mask.tolist() if mask is not None else [False] * len(values)) == missing
    assert [p for p, m in zip(point.value, missing, strict=True) if not m] == [v for v in values if v is not None]


@pytest.mark.parametrize(
    "value", [[1.0, None], [1, None], np.array([1.0, np.nan]), np.ma.masked_array([1, 7], [False, True]), (1.0, np.nan)]
)
def test_every_way_to_say_missing(value):
    point, mask = observed(2).resolve_masked({"y": value})
    assert mask.tolist() == [False, True] and point.value.tolist() == [1.0, 1.0]


def test_a_missing_scalar_and_a_missing_vector():
    point, mask = observed(None).resolve_masked({"y": None})
    assert mask.tolist() == [True] and point.value == 0.0
    vectors = observed(2, "MvNormalMeanCovariance", None, mean=np.zeros(2), covariance=np.eye(2))
    point, mask = vectors.resolve_masked({"y": [None, [1.0, 2.0]]})
    assert mask.tolist() == [True, False] and point.value.tolist() == [[1.0, 2.0], [1.0, 2.0]]
    positive = observed(None, "GammaShapeRate", shape=1.0, rate=1.0)
    assert positive.resolve_masked({"y": None})[0].value == 1.0


def test_a_vector_that_is_missing_in_part():
    vectors = observed(2, "MvNormalMeanCovariance", None, mean=np.zeros(2), covariance=np.eye(2))
    with pytest.raises(DataError, match="row 1 of out of MvNormalMeanCovariance is missing in part"):
        vectors.resolve_masked({"y": [[1.0, 2.0], [np.nan, 2.0]]})


def test_a_value_is_demanded():
    with pytest.raises(DataError, match="a value is missing at row 1 of out"):
        observed(2).resolve({"y": [1.0, None]})
    with pytest.raises(DataError, match=r"no data for y[\s\S]*data=\{\"y\": ...\}"):
        observed(2).resolve({})


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ([1.0, 2.0], "have length 2, the model was built for 3"),
        (np.zeros((3, 1)), r"have shape \(3, 1\), the model was built for \(3\)"),
        (1.0, r"have shape \(\), the model was built for \(3\)"),
        ("abc", "of type <U3; numbers are needed"),
        ([[1.0], [1.0, 2.0], [1.0]], "rows of different shapes"),
    ],
)
def test_data_that_do_not_fit(value, complaint):
    with pytest.raises(DataError, match=complaint):
        observed(3).resolve({"y": value})


def test_data_outside_the_support():
    binding = observed(2, "GammaShapeRate", shape=1.0, rate=1.0)
    with pytest.raises(InvalidParameterError, match=r"out must be positive; row 1 is -1.0[\s\S]*test_bindings.py"):
        binding.resolve({"y": [1.0, -1.0]})
    vectors = observed(2, "MvNormalMeanCovariance", None, mean=np.zeros(2), covariance=np.eye(2))
    with pytest.raises(DataError, match=r"out of MvNormalMeanCovariance must be a vector; its shape is \(\)"):
        vectors.resolve({"y": [1.0, 2.0]})


def test_constants_need_no_data():
    builder = GraphBuilder()
    builder.add("NormalMeanVariance", {"mean": np.arange(3), "variance": 2}, name="x")
    fixed = builder.finish().families[0].fixed
    assert fixed["mean"].names == () and fixed["mean"].resolve({}).value.tolist() == [0.0, 1.0, 2.0]
    assert fixed["variance"].resolve({}).value == 2.0 and fixed["variance"].resolve_masked({})[1] is None
    assert fixed["mean"].resolve({}) is fixed["mean"].resolve({})


def test_stacked_fixed_values_on_a_plural_interface():
    builder = GraphBuilder()
    z, u = builder.random("z", (3,)), builder.data("u", (3,))
    builder.add("NormalMixture", {"switch": z, "m": (u, 1.0), "p": (1.0, 2.0)}, name="x")
    fixed = builder.finish().families[0].fixed
    point = fixed["m"].resolve({"u": [5.0, 6.0, 7.0]})
    assert point.batch_shape == (3, 2) and point.value.tolist() == [[5.0, 1.0], [6.0, 1.0], [7.0, 1.0]]
    assert fixed["m"].names == ("u",) and fixed["p"].resolve({}).batch_shape == (2,)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_any_index_into_data(index):
    builder = GraphBuilder()
    y = builder.data("y", (5,))
    for i in index:
        builder.add("NormalMeanVariance", {"mean": y[i], "variance": 1.0}, name="x")
    value = np.arange(5.0) * 1.5
    point = builder.finish().families[0].fixed["mean"].resolve({"y": value})
    assert np.broadcast_to(point.value, (len(index),)).tolist() == value[index].tolist()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (True, 1.0),
        (3, 3.0),
        (None, np.nan),
        ([1, 2], [1.0, 2.0]),
        ([[1, 2], None], [[1, 2], [np.nan, np.nan]]),
        ((x for x in ()), None),
    ],
    ids=["bool", "int", "none", "list", "row missing", "generator"],
)
def test_data_values(raw, expected):
    if expected is None:
        with pytest.raises(DataError, match="of type generator"):
            as_data_value("y", raw)
    else:
        assert np.array_equal(np.asarray(as_data_value("y", raw)), np.asarray(expected), equal_nan=True)
