"""The Laplace distribution: p(x) = exp(-|x - mean| / scale) / (2 scale). It has no group."""

from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import log


class Laplace(Distribution):
    """Laplace by mean and scale, the mean distance from the mean.

    Args:
        mean: (*batch,).
        scale: (*batch,).

    Example:
        >>> Laplace(1.0, 2.0).variance, round(Laplace(1.0, 0.5).log_pdf(2.0), 6)
        (8.0, -2.0)
    """

    __slots__ = ("mean", "scale")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 0, "scale": 0}
    mean: Array
    scale: Array

    @property
    def variance(self) -> Array:
        """2 scale²."""
        return 2.0 * self.scale * self.scale

    @property
    def mode(self) -> Array:
        """The mean."""
        return self.mean

    def entropy(self) -> Array:
        """1 + log 2 scale."""
        value = 1.0 + log(2.0 * self.scale)
        return value if not self.batch_shape else np.broadcast_to(value, self.batch_shape)

    def log_pdf(self, x: Array) -> Array:
        """The log density."""
        return as_scalar(-abs(as_array(x) - self.mean) / self.scale - log(2.0 * self.scale))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch)."""
        return self._drawn(self.mean + self.scale * rng.laplace(size=draw_shape(n, self.batch_shape)))
