"""The multinomial distribution: how many of n trials fell into each of K categories.

p(k_1 ... k_K) = n! prod_i p_i^k_i / k_i!;  the base measure is not flat, so that it has no group.
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.binomial import Binomial
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.linear_algebra import eye, outer
from reactivepgm.numerics.special import log_factorial, xlogy


def _column(n: Array) -> Array:
    return n[..., None] if getattr(n, "ndim", 0) else n


class Multinomial(Distribution):
    """Multinomial by the number of trials and the probabilities of the categories.

    Args:
        n: whole numbers, (*batch,).
        p: (*batch, K), sums to one.

    Example:
        >>> Multinomial(10, [0.2, 0.8]).mean
        array([2., 8.])
    """

    __slots__ = ("n", "p")
    parameter_ranks: ClassVar[dict[str, int]] = {"n": 0, "p": 1}
    n: Array
    p: Array

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(K,)."""
        return tuple(self.p.shape[-1:])

    @property
    def mean(self) -> Array:
        """n p, (*batch, K)."""
        return _column(self.n) * self.p

    @property
    def variance(self) -> Array:
        """n p (1 - p), (*batch, K)."""
        return self.mean * (1.0 - self.p)

    @property
    def covariance(self) -> Array:
        """n (diag p - p p'), (*batch, K, K)."""
        p = self.p
        spread = p[..., None] * eye(p.shape[-1], p) - outer(p)
        return _column(_column(self.n)) * spread

    @property
    def mode(self) -> Array:
        """A most probable outcome, (*batch, K): floors of (n + K/2) p, mended one trial at a time (Finucan 1964)."""
        n, p = np.broadcast_arrays(np.asarray(self.n)[..., None], self.p)
        counts = np.floor((n + 0.5 * p.shape[-1]) * p)
        with np.errstate(divide="ignore", invalid="ignore"):
            while True:
                excess = counts.sum(-1) - n[..., 0]
                if not excess.any():
                    return counts
                gain = np.where((excess < 0)[..., None], p / (counts + 1.0), np.where(counts > 0, counts / p, -math.inf))
                best = gain.argmax(-1)[..., None] == np.arange(p.shape[-1])
                counts = counts - np.sign(excess)[..., None] * best

    def mean_log_factorials(self) -> Array:
        """E log k_i!, (*batch, K): each count on its own is binomial."""
        return Binomial._of(np.broadcast_to(_column(self.n), self.p.shape), self.p).expectation(log_factorial)

    def entropy(self) -> Array:
        """-E log p.

        Example:
            >>> round(Multinomial(1, [0.5, 0.5]).entropy(), 6)
            0.693147
        """
        terms = self.mean_log_factorials() - xlogy(self.mean, self.p)
        return as_scalar(terms.sum(-1) - log_factorial(self.n))

    def log_pdf(self, x: Array) -> Array:
        """The log probability of counts (..., K); -inf for anything else.

        Example:
            >>> round(Multinomial(2, [0.5, 0.5]).log_pdf([1, 1]), 6)
            -0.693147
        """
        x = as_array(x)
        inside = ((x >= 0.0) & (x % 1.0 == 0.0)).all(-1) & (x.sum(-1) == self.n)
        k = np.where(inside[..., None], x, 0.0)
        value = log_factorial(self.n) + (xlogy(k, self.p) - log_factorial(k)).sum(-1)
        return as_scalar(np.where(inside, value, -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Counts, (n, *batch, K) of ints.

        Example:
            >>> Multinomial(3, [1.0, 0.0]).sample(np.random.default_rng(1)).tolist()
            [3, 0]
        """
        trials = np.broadcast_to(np.asarray(self.n).astype(np.int64), self.batch_shape)
        return rng.multinomial(trials, self.p, draw_shape(n, self.batch_shape))
