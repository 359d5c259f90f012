"""Derivatives by central differences of stated order.

f'(x) = sum_k c_k (f(x + k h) - f(x - k h)) / h + O(h^order),   c by order:
2   1/2                  4   2/3, -1/12                  6   3/4, -3/20, 1/60              Fornberg 1988, table 1

The step is relative: h = step max(|x|, scale), rounded to a power of two so that x + h differs from x by h; by default
step is the root of the machine's precision that balances rounding against truncation, eps^(1 / (order + 1)).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import Array

_WEIGHTS: dict[int, tuple[float, ...]] = {
    2: (1.0 / 2.0,),
    4: (2.0 / 3.0, -1.0 / 12.0),
    6: (3.0 / 4.0, -3.0 / 20.0, 1.0 / 60.0),
}
_EPSILON = float(np.finfo(np.float64).eps)


def jacobian(
    f: Callable[[Array], Array], x: Array, *, order: int = 4, step: float | None = None, scale: Array = 1.0
) -> Array:
    """The matrices of first derivatives of a function of vectors, (*batch, e, d).

    Args:
        f: maps (..., d) to (..., e) with any leading axes; it is called once, on all points of all rows.
        x: where, (*batch, d).
        order: of the truncation error: 2, 4 or 6.
        step: relative to max(|x|, scale).
        scale: the size of a small change of each coordinate near zero; broadcasts against x.

    Raises:
        InvalidParameterError: another order.

    Example:
        >>> jacobian(lambda x: x[..., :1] * x[..., 1:], np.array([3.0, 2.0])).round(10).tolist()
        [[2.0, 3.0]]
    """
    if order not in _WEIGHTS:
        raise InvalidParameterError(f"derivatives by differences are of order 2, 4 or 6, not {order!r}")
    x = np.asarray(x, dtype=float)
    weights = _WEIGHTS[order]
    relative = _EPSILON ** (1.0 / (order + 1)) if step is None else float(step)
    size = np.maximum(np.abs(x), np.broadcast_to(np.asarray(scale, dtype=float), x.shape))
    h = np.exp2(np.round(np.log2(relative * np.where(size > 0.0, size, 1.0))))
    d = x.shape[-1]
    shifts = h[..., None, :] * np.eye(d)
    multiples = [sign * k for k in range(1, len(weights) + 1) for sign in (1.0, -1.0)]
    # Points (2 order/2, d, *batch, d): the coordinate that moves goes to the front, as a leading axis of f's argument.
    moved = np.moveaxis(shifts, -2, 0)
    values = np.asarray(f(np.stack([x + multiple * moved for multiple in multiples])))
    total = sum(w * (values[2 * k] - values[2 * k + 1]) for k, w in enumerate(weights))
    return np.moveaxis(total / np.moveaxis(h, -1, 0)[..., None], 0, -1)
