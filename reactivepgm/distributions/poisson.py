"""The Poisson distribution on the counts 0, 1, 2, ...

p(k) = rate^k exp(-rate) / k!;  its base measure 1/k! is not flat, so that products leave the family: it has no group.
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar, namespace
from reactivepgm.numerics.elementary import log, where
from reactivepgm.numerics.special import log_factorial, xlogy

_MANY = 1e3
"""From this rate on the entropy's series is exact to rounding."""
_BLOCK = 4096


class Poisson(Distribution):
    """Poisson by its rate.

    Args:
        rate: (*batch,).

    Example:
        >>> Poisson(3.0).variance
        3.0
    """

    __slots__ = ("rate",)
    parameter_ranks: ClassVar[dict[str, int]] = {"rate": 0}
    rate: Array

    @property
    def mean(self) -> Array:
        """rate."""
        return self.rate

    @property
    def variance(self) -> Array:
        """rate."""
        return self.rate

    @property
    def mode(self) -> Array:
        """The largest count up to the rate."""
        return float(math.floor(self.rate)) if type(self.rate) is float else namespace(self.rate).floor(self.rate)

    def entropy(self) -> Array:
        """-sum p log p = rate (1 - log rate) + E log k!, summed within 12 standard deviations; a series for high rates.

        Example:
            >>> round(Poisson(1.0).entropy(), 6)
            1.304842
        """
        rate = np.asarray(self.rate, dtype=float)
        flat = rate.reshape(-1)
        with np.errstate(invalid="ignore"):
            known = np.where(flat == 0.0, 0.0, np.where(np.isposinf(flat), math.nan, _far(np.maximum(flat, _MANY))))
            summed = np.flatnonzero((flat > 0.0) & (flat < _MANY))
        known[~(flat >= 0.0)] = math.nan
        for start in range(0, len(summed), _BLOCK):
            rows = summed[start : start + _BLOCK]
            known[rows] = _near(flat[rows])
        return as_scalar(known.reshape(rate.shape))

    def log_pdf(self, x: Array) -> Array:
        """The log probability of a count; -inf for anything else.

        Example:
            >>> Poisson(2.0).log_pdf(0)
            -2.0
        """
        x = as_array(x)
        inside = (x >= 0.0) & (x % 1.0 == 0.0)
        safe = where(inside, x, 0.0)
        return as_scalar(where(inside, xlogy(safe, self.rate) - self.rate - log_factorial(safe), -math.inf))

    @property
    def log_rate(self) -> Array:
        """log rate, the natural parameter of the family with base measure 1/k!."""
        return log(self.rate)

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Counts, (n, *batch) of ints.

        Example:
            >>> Poisson(0.0).sample(np.random.default_rng(1), 3).tolist()
            [0, 0, 0]
        """
        drawn = rng.poisson(self.rate, draw_shape(n, self.batch_shape))
        return drawn if getattr(drawn, "ndim", 0) else int(drawn)


def _near(rate: Array) -> Array:
    """Sums over all counts within 12 standard deviations, rows of one width."""
    spread = 12.0 * np.sqrt(rate) + 30.0
    low = np.maximum(0.0, np.floor(rate - spread))
    count = low[:, None] + np.arange(math.ceil(float((rate + spread - low).max())))
    log_p = count * np.log(rate)[:, None] - rate[:, None] - log_factorial(count)
    return np.asarray(-(np.exp(log_p) * log_p).sum(-1))


def _far(rate: Array) -> Array:
    """1/2 log(2 pi e rate) - 1/(12 rate) - 1/(24 rate²) - 19/(360 rate³) - ..., Evans & Boersma 1988."""
    small = 1.0 / rate
    return 0.5 * np.log(2.0 * math.pi * math.e * rate) - small * (1.0 / 12.0 + small * (1.0 / 24.0 + small * 19.0 / 360.0))
