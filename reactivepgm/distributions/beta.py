"""The beta distribution on the unit interval.

p(x) = x^(a-1) (1-x)^(b-1) / B(a, b),   natural parameters (a - 1, b - 1)
E log x = digamma(a) - digamma(a + b),   E log(1 - x) = digamma(b) - digamma(a + b)
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import divide, quiet, where
from reactivepgm.numerics.special import betaln, digamma, xlog1py, xlogy


def _canonical(power: Array, complement: Array) -> Distribution:
    return Beta._of(power + 1.0, complement + 1.0)


def _is_proper(power: Array, complement: Array) -> Array:
    return (power > -1) & (complement > -1) & (power < math.inf) & (complement < math.inf)


BETA = Group("BETA", (0, 0), _canonical, _is_proper)


class Beta(Distribution):
    """Beta by its two pseudo-counts.

    Args:
        a: (*batch,).
        b: (*batch,).

    Example:
        >>> Beta(1.0, 3.0).mean
        0.25
    """

    __slots__ = ("a", "b")
    parameter_ranks: ClassVar[dict[str, int]] = {"a": 0, "b": 0}
    group: ClassVar[Group | None] = BETA
    a: Array
    b: Array

    @property
    def mean(self) -> Array:
        """a / (a + b)."""
        return divide(self.a, self.a + self.b)

    @property
    def variance(self) -> Array:
        """a b / ((a + b)^2 (a + b + 1))."""
        total = self.a + self.b
        return divide(self.a * self.b, total * total * (total + 1.0))

    @property
    def mode(self) -> Array:
        """(a - 1) / (a + b - 2), or the end of the interval where the density is highest; nan if both ends are."""
        a, b = self.a, self.b
        inside = divide(a - 1.0, a + b - 2.0)
        flat = where((a == 1.0) & (b == 1.0), 0.5, math.nan)
        edges = where((a <= 1.0) & (b > a), 0.0, where((b <= 1.0) & (a > b), 1.0, flat))
        # Both below one: the density is infinite at both ends.
        edges = where((a < 1.0) & (b < 1.0), math.nan, edges)
        return where((a > 1.0) & (b > 1.0), inside, edges)

    @property
    def mean_log(self) -> Array:
        """E log x."""
        with quiet(self.a, self.b):
            return digamma(self.a) - digamma(self.a + self.b)

    @property
    def mean_log_complement(self) -> Array:
        """E log(1 - x)."""
        with quiet(self.a, self.b):
            return digamma(self.b) - digamma(self.a + self.b)

    def entropy(self) -> Array:
        """-E log p(x).

        Example:
            >>> Beta(1.0, 1.0).entropy()
            0.0
        """
        with quiet(self.a, self.b):
            a, b = self.a, self.b
            total = a + b
            return betaln(a, b) - (a - 1.0) * digamma(a) - (b - 1.0) * digamma(b) + (total - 2.0) * digamma(total)

    def log_pdf(self, x: Array) -> Array:
        """The log density; -inf outside the unit interval.

        Example:
            >>> Beta(1.0, 1.0).log_pdf(0.5)
            0.0
        """
        x = as_array(x)
        inside = (x >= 0.0) & (x <= 1.0)
        safe = where(inside, x, 0.5)
        value = xlogy(self.a - 1.0, safe) + xlog1py(self.b - 1.0, -safe) - betaln(self.a, self.b)
        return as_scalar(where(inside, value, -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch).

        Example:
            >>> Beta(1.0, 1.0).sample(np.random.default_rng(1), 5).shape
            (5,)
        """
        return self._drawn(rng.beta(self.a, self.b, draw_shape(n, self.batch_shape)))

    def naturals(self) -> tuple[Array, ...]:
        """(a - 1, b - 1)."""
        return aligned((self.a - 1.0, self.b - 1.0), (0, 0))
