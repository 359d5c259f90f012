"""What a parameter becomes at the door."""

import numpy as np
import pytest

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import as_array, as_scalar, broadcast_shapes, is_numpy, namespace, shape_of


@pytest.mark.parametrize("value", [1, True, 1.0, np.float64(1.0), np.int32(1), np.array(1.0), np.array(1)])
def test_scalars_become_floats(value):
    assert type(as_array(value)) is float
    assert as_array(value) == 1.0


@pytest.mark.parametrize("value", [[1, 2], (1, 2), np.array([1, 2]), np.array([1.0, 2.0])])
def test_sequences_become_arrays_of_floats(value):
    assert as_array(value).dtype == np.float64
    assert as_array(value).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("value", [np.float32(1.0), np.array(1.0, dtype=np.float32), np.ones(2, dtype=np.float32)])
def test_float32_stays(value):
    assert as_array(value).dtype == np.float32


def test_arrays_are_taken_without_a_copy():
    value = np.ones(3)
    assert as_array(value) is value


@pytest.mark.parametrize("value", ["one", ["a", "b"], [[1.0], [1.0, 2.0]], np.array(["a"])])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(InvalidParameterError, match="must be a number or an array of numbers"):
        as_array(value)


class Foreign:
    """An array of another library."""

    dtype = np.dtype(float)
    shape = (2,)

    def __array_namespace__(self, api_version=None):
        return "its own module"


def test_other_arrays_bring_their_namespace():
    assert namespace(1.0, np.ones(2), [1.0]) is np
    assert namespace(1.0, Foreign()) == "its own module"
    assert not is_numpy(1.0, Foreign())
    foreign = Foreign()
    assert as_array(foreign) is foreign


def test_shapes():
    assert shape_of(1.0) == () == broadcast_shapes()
    assert broadcast_shapes((3,), (), (3,), (2, 1)) == (2, 3)
    assert as_scalar(np.ones(1)).shape == (1,)
    with pytest.raises(ValueError, match="broadcast"):
        broadcast_shapes((3,), (2,))
