"""The negative binomial distribution: failures before the r-th success, r any positive number.

p(k) = Γ(k + r) / (k! Γ(r)) p^r (1-p)^k;  a Poisson whose rate is Gamma(r, rate p/(1-p)). It has no group.
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar, namespace
from reactivepgm.numerics.elementary import divide, where
from reactivepgm.numerics.special import gammaln, log_factorial, xlog1py, xlogy


class NegativeBinomial(Distribution):
    """Negative binomial by the number of successes and their probability.

    Args:
        r: (*batch,), positive.
        p: (*batch,).

    Example:
        >>> NegativeBinomial(3.0, 0.5).variance
        6.0
    """

    __slots__ = ("p", "r")
    parameter_ranks: ClassVar[dict[str, int]] = {"r": 0, "p": 0}
    r: Array
    p: Array

    @property
    def mean(self) -> Array:
        """r (1 - p) / p."""
        return self.r * divide(1.0 - self.p, self.p)

    @property
    def variance(self) -> Array:
        """r (1 - p) / p²."""
        return divide(self.mean, self.p)

    @property
    def mode(self) -> Array:
        """The largest whole number up to (r - 1)(1 - p)/p; zero for r up to one."""
        top = (self.r - 1.0) * divide(1.0 - self.p, self.p)
        whole = float(math.floor(top)) if type(top) is float else namespace(top).floor(top)
        return where(whole > 0.0, whole, 0.0)

    def log_pdf(self, x: Array) -> Array:
        """The log probability of a count; -inf for anything else.

        Example:
            >>> round(NegativeBinomial(1.0, 0.5).log_pdf(0), 6)
            -0.693147
        """
        x = as_array(x)
        r, p = self.r, self.p
        inside = (x >= 0.0) & (x % 1.0 == 0.0)
        k = where(inside, x, 0.0)
        ways = gammaln(k + r) - log_factorial(k) - gammaln(r)
        return as_scalar(where(inside, ways + xlogy(r, p) + xlog1py(k, -p), -math.inf))

    def entropy(self) -> Array:
        """-E log p(k), summed until the tail is below 1e-17.

        Example:
            >>> round(NegativeBinomial(1.0, 0.5).entropy(), 6)
            1.386294
        """
        r, p = (v.ravel() for v in np.broadcast_arrays(self.r, self.p))
        flat = [_entropy(float(a), float(b)) for a, b in zip(r, p, strict=True)]
        return as_scalar(np.array(flat).reshape(self.batch_shape))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Counts, (n, *batch) of ints.

        Example:
            >>> NegativeBinomial(2.0, 1.0).sample(np.random.default_rng(1), 2).tolist()
            [0, 0]
        """
        drawn = rng.negative_binomial(self.r, self.p, draw_shape(n, self.batch_shape))
        return drawn if getattr(drawn, "ndim", 0) else int(drawn)


def _entropy(r: float, p: float) -> float:
    if p == 1.0:
        return 0.0
    d = NegativeBinomial._of(r, p)
    # The tail falls like (1-p)^k: 60 of its e-foldings beyond where the bulk ends.
    last = d.mean + 12.0 * math.sqrt(d.variance) - 60.0 / math.log1p(-p)
    log_p = d.log_pdf(np.arange(math.ceil(last) + 1.0))
    return float(-(np.exp(log_p) * log_p).sum())
