"""From what the user calls data to arrays: floats, missing values as NaN, shapes checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from reactivepgm.errors import DataError
from reactivepgm.graph.unfactorised import UnfactorizedData
from reactivepgm.graph.variable import VariableArray


def as_data_value(name: str, raw: Any) -> Any:
    """A float, or an array of floats in which NaN marks what is missing.

    ``None`` stands for a missing value anywhere in a list; a masked array's mask counts. float32 stays float32.

    Args:
        name: the data's name, for messages.
        raw: a number, ``None``, an array, a (nested) list or tuple, a masked array, or whatever NumPy can read.

    Raises:
        DataError: text, objects or ragged lists.

    Example:
        >>> as_data_value("y", [1, None, 3])
        array([ 1., nan,  3.])
    """
    if type(raw) is float:
        return raw
    if type(raw) is UnfactorizedData:
        raw = raw.value
    if raw is None:
        return float("nan")
    if isinstance(raw, (bool, int)):
        return _as_float(name, raw)
    if isinstance(raw, np.ma.MaskedArray):
        if raw.dtype == object:
            return as_data_value(name, np.where(np.ma.getmaskarray(raw), np.nan, raw.data))
        if raw.dtype.kind not in "fiub":
            raise _no_numbers(name, str(raw.dtype))
        kind = raw.dtype if np.issubdtype(raw.dtype, np.floating) else np.float64
        return np.where(np.ma.getmaskarray(raw), np.nan, np.asarray(raw.data, dtype=kind)).astype(kind, copy=False)
    array = _as_array(name, raw)
    if array.dtype == object:
        array = _from_objects(name, array)
    if np.issubdtype(array.dtype, np.floating):
        return float(array) if array.ndim == 0 and array.dtype == np.float64 else array
    if array.dtype == bool or np.issubdtype(array.dtype, np.integer):
        return float(array) if array.ndim == 0 else array.astype(np.float64)
    raise _no_numbers(name, str(array.dtype))


def _as_float(name: str, number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        raise DataError(f"{name} holds an integer of {number.bit_length()} bits, which no float can hold") from None


def _as_array(name: str, raw: Any) -> Any:
    try:
        return np.asarray(raw)
    except ValueError:
        return _filled(name, raw)


def _from_objects(name: str, array: Any) -> Any:
    """An object array: None becomes NaN; entries that are sequences of one shape become axes."""
    if all(entry is None or isinstance(entry, (bool, int, float, np.number)) for entry in array.flat):
        return np.array([np.nan if e is None else _as_float(name, e) for e in array.flat]).reshape(array.shape)
    if array.ndim == 0:
        raise _no_numbers(name, type(array.item()).__name__)
    return _filled(name, array.tolist())


def _no_numbers(name: str, kind: str) -> DataError:
    return DataError(
        f"the data for {name} are of type {kind}; numbers are needed\n  write  floats, with NaN or None where one is missing"
    )


def _filled(name: str, raw: Any) -> Any:
    """Rows of one shape, with None for a whole missing row."""
    rows = [None if entry is None else np.asarray(as_data_value(name, entry)) for entry in raw]
    shapes = {row.shape for row in rows if row is not None}
    if len(shapes) != 1:
        raise DataError(
            f"the data for {name} have rows of different shapes: {', '.join(map(str, sorted(shapes)))}\n"
            f"  write  rows of one shape, or several data instead of {name}"
        )
    missing = np.full(shapes.pop(), np.nan)
    return np.array([missing if row is None else row for row in rows])


def fitted(array: VariableArray, raw: Any) -> Any:
    """A data value that fits its declaration.

    Raises:
        DataError: a wrong length, shape or type.

    Example:
        >>> from reactivepgm.graph.site import Site
        >>> fitted(VariableArray(0, "y", "data", (2,), Site("m.py", 1, "y")), [1, 2])
        array([1., 2.])
    """
    if type(raw) is float and array.shape == () and not array.value_shape:
        return raw
    value = as_data_value(array.name, raw)
    expected, shape = array.shape, np.shape(value)
    if array.value_shape is None:
        if shape[: len(expected)] == expected:
            return value
    elif shape == (*expected, *array.value_shape):
        return value
    elif raw is None:
        return np.full((*expected, *array.value_shape), np.nan)
    raise DataError(_misfit(array, shape))


def _misfit(array: VariableArray, shape: tuple[int, ...]) -> str:
    expected = array.shape if array.value_shape is None else (*array.shape, *array.value_shape)
    if len(expected) == len(shape) == 1:
        met = f"the data for {array.name} have length {shape[0]}, the model was built for {expected[0]}"
    else:
        sizes = [*map(str, expected), *(["..."] if array.value_shape is None else [])]
        met = f"the data for {array.name} have shape {shape}, the model was built for ({', '.join(sizes)})"
    return array.site.letter(met, write=f"data of that shape for {array.name}, or build the model anew with these data")
