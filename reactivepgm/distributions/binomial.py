"""The binomial distribution on 0 ... n: successes among n trials.

p(k) = n! / (k! (n-k)!) p^k (1-p)^(n-k);  its base measure is not flat, so that products leave the family: it has no group.
"""

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar, namespace
from reactivepgm.numerics.elementary import where
from reactivepgm.numerics.special import log_factorial, xlog1py, xlogy


class Binomial(Distribution):
    """Binomial by the number of trials and the probability of success.

    Args:
        n: whole numbers, (*batch,).
        p: (*batch,).

    Example:
        >>> Binomial(10, 0.5).variance
        2.5
    """

    __slots__ = ("n", "p")
    parameter_ranks: ClassVar[dict[str, int]] = {"n": 0, "p": 0}
    n: Array
    p: Array

    @property
    def mean(self) -> Array:
        """n p."""
        return self.n * self.p

    @property
    def variance(self) -> Array:
        """n p (1 - p)."""
        return self.n * self.p * (1.0 - self.p)

    @property
    def mode(self) -> Array:
        """The largest whole number up to (n + 1) p, and n at most."""
        top = (self.n + 1.0) * self.p
        whole = float(math.floor(top)) if type(top) is float else namespace(top).floor(top)
        return where(whole > self.n, self.n, whole)

    def expectation(self, f: Callable[[Array], Array]) -> Array:
        """E f(k), summed over all counts; f maps arrays of counts elementwise.

        Example:
            >>> round(Binomial(10, 0.5).expectation(lambda k: k * k), 9)
            27.5
        """
        count = np.arange(int(np.max(np.asarray(self.n), initial=0.0)) + 1.0)
        n, p = np.asarray(self.n)[..., None], np.asarray(self.p)[..., None]
        weight = np.exp(Binomial._of(n, p).log_pdf(count))
        return as_scalar((weight * np.where(weight > 0.0, f(count), 0.0)).sum(-1))

    def entropy(self) -> Array:
        """-E log p(k), summed over all counts.

        Example:
            >>> round(Binomial(1, 0.5).entropy(), 6)
            0.693147
        """
        n, p = self.n, self.p
        mean = self.mean
        surprise = self.expectation(log_factorial) + Binomial._of(n, 1.0 - p).expectation(log_factorial) - log_factorial(n)
        return surprise - xlogy(mean, p) - xlog1py(n - mean, -p)

    def log_pdf(self, x: Array) -> Array:
        """The log probability of a count; -inf for anything else.

        Example:
            >>> round(Binomial(2, 0.5).log_pdf(1), 6)
            -0.693147
        """
        x = as_array(x)
        n, p = self.n, self.p
        inside = (x >= 0.0) & (x <= n) & (x % 1.0 == 0.0)
        k = where(inside, x, 0.0)
        ways = log_factorial(n) - log_factorial(k) - log_factorial(n - k)
        return as_scalar(where(inside, ways + xlogy(k, p) + xlog1py(n - k, -p), -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Counts, (n, *batch) of ints.

        Example:
            >>> Binomial(3, 1.0).sample(np.random.default_rng(1), 2).tolist()
            [3, 3]
        """
        drawn = rng.binomial(np.asarray(self.n).astype(np.int64), self.p, draw_shape(n, self.batch_shape))
        return drawn if getattr(drawn, "ndim", 0) else int(drawn)
