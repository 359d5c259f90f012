"""Mills' ratio of the standard normal, R(x) = Φ(-x) / φ(x) = sqrt(π/2) erfcx(x / sqrt 2).

It has full relative accuracy at every x: about 1/x far to the right, and sqrt(2π) exp(x²/2) far to the left.
"""

import math

from reactivepgm.numerics.array import Array, as_scalar, is_numpy
from reactivepgm.numerics.deferred import Deferred
from reactivepgm.numerics.elementary import exp
from reactivepgm.numerics.special import log_normal_cdf

_SPECIAL = Deferred("scipy.special")
_ROOT_HALF = math.sqrt(0.5)
_ROOT_HALF_PI = math.sqrt(0.5 * math.pi)


def mills_ratio(x: Array) -> Array:
    """Φ(-x) / φ(x); inf where it overflows, left of -37 or so.

    Example:
        >>> round(mills_ratio(0.0), 6), round(1e9 * mills_ratio(1e9), 6), mills_ratio(-100.0)
        (1.253314, 1.0, inf)
    """
    if type(x) is float:
        return _ROOT_HALF_PI * float(_SPECIAL.erfcx(_ROOT_HALF * x))
    if is_numpy(x):
        return as_scalar(_ROOT_HALF_PI * _SPECIAL.erfcx(_ROOT_HALF * x))
    return exp(log_normal_cdf(-x) + 0.5 * x * x + 0.5 * math.log(2.0 * math.pi))
