"""The one array type that rules speak of: floats, NumPy arrays or traced arrays, used by operators alone."""

from typing import Any, TypeAlias

import numpy as np

from reactivepgm.errors import InvalidParameterError

Array: TypeAlias = Any

_PLAIN = (float, int, bool, np.ndarray, np.generic, list, tuple)


def namespace(*arrays: Array) -> Any:
    """The module whose functions apply to all of the arrays: NumPy, unless one of them brings its own.

    Args:
        arrays: floats, NumPy arrays or arrays with ``__array_namespace__``.

    Returns:
        A module with the functions of NumPy.

    Example:
        >>> namespace(1.0, np.zeros(3)).__name__
        'numpy'
    """
    for array in arrays:
        if not isinstance(array, _PLAIN):
            own = getattr(array, "__array_namespace__", None)
            if own is not None:
                return own()
    return np


def is_numpy(*arrays: Array) -> bool:
    """Whether every argument is a float, a sequence or a NumPy array, so that LAPACK and in-place work are allowed.

    Example:
        >>> is_numpy(1.0, np.zeros(3))
        True
    """
    return all(isinstance(array, _PLAIN) for array in arrays)


def as_array(value: Array) -> Array:
    """A parameter as the library keeps it: scalars are Python floats, integers become floats, float32 stays float32.

    Args:
        value: a number, a (nested) list, or an array of any backend.

    Returns:
        A Python float for a scalar (a NumPy scalar if it is not float64), else an array of floats; arrays of floats
        are returned as they are, without a copy.

    Raises:
        InvalidParameterError: what was given are not numbers.

    Example:
        >>> as_array(1), as_array([1, 2])
        (1.0, array([1., 2.]))
        >>> as_array(np.float32(0.5)).dtype
        dtype('float32')
    """
    kind = type(value)
    if kind is float:
        return value
    if kind is int or kind is bool:
        return float(value)
    if isinstance(value, np.ndarray):
        return _floats(value)
    if isinstance(value, np.generic):
        return as_scalar(value) if value.dtype.kind == "f" else _floats(np.asarray(value))
    if hasattr(value, "__array_namespace__"):
        return value if value.dtype.kind not in "biu" else value.astype(float)
    try:
        return _floats(np.asarray(value))
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(f"a parameter must be a number or an array of numbers, not {value!r}") from error


def _floats(array: Array) -> Array:
    kind = array.dtype.kind
    if kind in "biu":
        array = array.astype(float)
    elif kind not in "fcO":
        raise InvalidParameterError(f"a parameter must be a number or an array of numbers, not {array!r}")
    return array if array.ndim else as_scalar(array[()])


def as_scalar(value: Array) -> Array:
    """Turn a zero-dimensional float64 into a Python float, which is twenty times faster to compute with.

    Args:
        value: anything; arrays with axes are returned as they are.

    Example:
        >>> type(as_scalar(np.float64(1.0)))
        <class 'float'>
    """
    if type(value) is np.float64:
        return float(value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return float(value) if value.dtype == np.float64 else value[()]
    return value


def shape_of(value: Array) -> tuple[int, ...]:
    """The shape of an array; ``()`` for a number.

    Example:
        >>> shape_of(1.0), shape_of(np.zeros((2, 3)))
        ((), (2, 3))
    """
    return () if type(value) is float else tuple(getattr(value, "shape", ()))


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of these shapes have together; equal and empty shapes are free.

    Raises:
        ValueError: the shapes do not broadcast.

    Example:
        >>> broadcast_shapes((), (3, 1), (2,))
        (3, 2)
    """
    result: tuple[int, ...] = ()
    for shape in shapes:
        if shape and shape != result:
            result = shape if not result else np.broadcast_shapes(result, shape)
    return result
