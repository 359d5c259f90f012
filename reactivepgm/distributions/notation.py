"""Parameters as text: short, and long arrays abbreviated."""

import math

import numpy as np

from reactivepgm.numerics.array import Array

_FULL = 8


def abbreviated(value: Array) -> str:
    """Numbers in full, small arrays with six digits, large ones by their ends and their shape.

    Example:
        >>> abbreviated(0.1), abbreviated(np.array([1.0, 2.0]))
        ('0.1', '[1.0, 2.0]')
        >>> abbreviated(np.arange(1000.0).reshape(500, 2))
        '[0.0, 1.0, ..., 998.0, 999.0] of shape (500, 2)'
    """
    if isinstance(value, float | np.floating):
        return _number(value)
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.size <= _FULL:
        return _nested(value)
    flat = value.reshape(-1) if value.flags.c_contiguous else value.flat
    ends = [_number(flat[i]) for i in (0, 1, value.size - 2, value.size - 1)]
    return f"[{ends[0]}, {ends[1]}, ..., {ends[2]}, {ends[3]}] of shape {value.shape}"


def _nested(value: Array) -> str:
    if value.ndim == 0:
        return _number(value)
    return "[" + ", ".join(_nested(part) for part in value) + "]"


def _number(value: Array) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return repr(value)
    if not math.isfinite(number):
        return repr(number)
    short = f"{number:.6g}"
    return short if any(c in short for c in ".en") else short + ".0"
