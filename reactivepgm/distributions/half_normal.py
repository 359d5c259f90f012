"""The half-normal distribution: |z| with z ~ N(0, variance).

p(x) = (2 / (pi v))^(1/2) exp(-x^2 / (2 v)),   x >= 0,   natural parameter 1/v
mean = (2 v / pi)^(1/2),   entropy = (log(pi v / 2) + 1) / 2
"""

import math
from typing import Any, ClassVar, Self

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import divide, log, quiet, reciprocal, sqrt, where
from reactivepgm.numerics.special import digamma


def _canonical(precision: Array) -> Distribution:
    return HalfNormal._of(reciprocal(precision))


def _is_proper(precision: Array) -> Array:
    return (precision > 0) & (precision < math.inf)


HALF_NORMAL = Group("HALF_NORMAL", (0,), _canonical, _is_proper)


class HalfNormal(Distribution):
    """The normal around zero, folded onto the non-negative half line.

    Args:
        normal_variance: (*batch,), of the normal before it is folded; ``variance=`` is accepted for it. The attribute
            ``variance`` is that of x itself, which is smaller.

    Example:
        >>> round(HalfNormal(1.0).mean, 6)
        0.797885
        >>> HalfNormal(variance=4.0)
        HalfNormal(normal_variance=4.0)
    """

    __slots__ = ("normal_variance",)
    parameter_ranks: ClassVar[dict[str, int]] = {"normal_variance": 0}
    group: ClassVar[Group | None] = HALF_NORMAL
    normal_variance: Array

    @classmethod
    def _checked(cls, *args: Any, **kwargs: Any) -> Self:
        if "variance" in kwargs:
            kwargs["normal_variance"] = kwargs.pop("variance")
        return super()._checked(*args, **kwargs)

    @property
    def mean(self) -> Array:
        """sqrt(2 v / pi)."""
        return math.sqrt(2.0 / math.pi) * sqrt(self.normal_variance)

    @property
    def variance(self) -> Array:
        """v (1 - 2 / pi)."""
        return (1.0 - 2.0 / math.pi) * self.normal_variance

    @property
    def mode(self) -> Array:
        """Zero."""
        return 0.0 * self.normal_variance

    @property
    def mean_log(self) -> Array:
        """E log x = (log(2 v) + digamma(1/2)) / 2.

        Example:
            >>> round(HalfNormal(1.0).mean_log, 6)
            -0.635181
        """
        return 0.5 * (log(2.0 * self.normal_variance) + digamma(0.5))

    def entropy(self) -> Array:
        """(log(pi v / 2) + 1) / 2.

        Example:
            >>> round(HalfNormal(1.0).entropy(), 6)
            0.725791
        """
        return 0.5 * (log(0.5 * math.pi * self.normal_variance) + 1.0)

    def log_pdf(self, x: Array) -> Array:
        """The log density; -inf below zero.

        Example:
            >>> round(HalfNormal(1.0).log_pdf(0.0), 6), HalfNormal(1.0).log_pdf(-1.0)
            (-0.225791, -inf)
        """
        x = as_array(x)
        with quiet(x, self.normal_variance):
            value = -0.5 * (log(0.5 * math.pi * self.normal_variance) + divide(x * x, self.normal_variance))
        return as_scalar(where(x >= 0.0, value, -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch).

        Example:
            >>> HalfNormal(1.0).sample(np.random.default_rng(1), 5).shape
            (5,)
        """
        noise = abs(rng.standard_normal(draw_shape(n, self.batch_shape)))
        return self._drawn(noise * sqrt(self.normal_variance))

    def naturals(self) -> tuple[Array, ...]:
        """(1 / normal_variance,)."""
        return (reciprocal(self.normal_variance),)
