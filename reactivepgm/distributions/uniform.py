"""The uniform distribution on an interval."""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import log, where


class Uniform(Distribution):
    """Uniform between two ends.

    Args:
        a: the lower end, (*batch,).
        b: the upper end, (*batch,).

    Example:
        >>> Uniform(0.0, 4.0).mean
        2.0
    """

    __slots__ = ("a", "b")
    parameter_ranks: ClassVar[dict[str, int]] = {"a": 0, "b": 0}
    a: Array
    b: Array

    @property
    def mean(self) -> Array:
        """(a + b) / 2."""
        return 0.5 * (self.a + self.b)

    @property
    def variance(self) -> Array:
        """(b - a)^2 / 12."""
        width = self.b - self.a
        return width * width / 12.0

    @property
    def mode(self) -> Array:
        """The middle: all values between the ends are modes."""
        return self.mean

    def entropy(self) -> Array:
        """log(b - a).

        Example:
            >>> Uniform(2.0, 3.0).entropy()
            0.0
        """
        return log(self.b - self.a)

    def log_pdf(self, x: Array) -> Array:
        """-log(b - a) inside, -inf outside.

        Example:
            >>> Uniform(0.0, 1.0).log_pdf([0.5, 2.0])
            array([  0., -inf])
        """
        x = as_array(x)
        return as_scalar(where((x >= self.a) & (x <= self.b), 0.0 - log(self.b - self.a), -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch).

        Example:
            >>> Uniform(0.0, 1.0).sample(np.random.default_rng(1), 5).shape
            (5,)
        """
        return self._drawn(rng.uniform(self.a, self.b, draw_shape(n, self.batch_shape)))
