"""Modified Bessel functions of the first kind as the von Mises distribution needs them.

log I_0(x),  and the mean length A(x) = I_1(x) / I_0(x), 0 <= A < 1, with its inverse           Mardia and Jupp 2000, 3.5
"""

import numpy as np

from reactivepgm.numerics.array import Array, as_scalar
from reactivepgm.numerics.deferred import Deferred
from reactivepgm.numerics.elementary import log, where

_SPECIAL = Deferred("scipy.special")

_NEWTON_STEPS = 8


def log_bessel_i0(x: Array) -> Array:
    """log I_0(x), without overflow.

    Example:
        >>> log_bessel_i0(0.0), round(log_bessel_i0(1e4), 6)
        (0.0, 9994.475904)
    """
    return log(as_scalar(_SPECIAL.i0e(x))) + abs(x)


def bessel_ratio(x: Array) -> Array:
    """A(x) = I_1(x) / I_0(x).

    Example:
        >>> bessel_ratio(0.0), round(bessel_ratio(2.0), 6)
        (0.0, 0.697775)
    """
    return as_scalar(_SPECIAL.i1e(x) / _SPECIAL.i0e(x))


def inverse_bessel_ratio(length: Array) -> Array:
    """x with A(x) = length, by Newton's method from the start of Best and Fisher 1981; inf for a length of one.

    Example:
        >>> round(inverse_bessel_ratio(bessel_ratio(2.0)), 12)
        2.0
    """
    r = np.asarray(length, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        near = r * (2.0 + r * r * (1.0 + 5.0 * r * r / 6.0))
        middle = -0.4 + 1.39 * r + 0.43 / (1.0 - r)
        far = 1.0 / (r * (3.0 - r * (4.0 - r)))
        x = np.where(r < 0.53, near, np.where(r < 0.85, middle, far))
        for _ in range(_NEWTON_STEPS):
            a = bessel_ratio(x)
            slope = 1.0 - a * a - np.where(x > 0.0, a / np.where(x > 0.0, x, 1.0), 0.5)
            x = np.maximum(x - (a - r) / slope, 0.5 * x)
    return as_scalar(where(r < 1.0, x, np.inf))
