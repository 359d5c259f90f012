"""The inverse gamma distribution: 1/x is gamma.

p(x) = scale^shape x^(-shape-1) exp(-scale/x) / Gamma(shape),   x > 0,   natural parameters (shape + 1, scale)
entropy = shape + log scale + gammaln(shape) - (1 + shape) digamma(shape)
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import divide, log, quiet, where
from reactivepgm.numerics.special import digamma, gammaln, xlogy


def _canonical(power: Array, scale: Array) -> Distribution:
    return InverseGamma._of(power - 1.0, scale)


def _is_proper(power: Array, scale: Array) -> Array:
    return (power > 1) & (scale > 0) & (power < math.inf) & (scale < math.inf)


INVERSE_GAMMA = Group("INVERSE_GAMMA", (0, 0), _canonical, _is_proper)


class InverseGamma(Distribution):
    """Inverse gamma by shape and scale; a message with shape -1/2 is as welcome as any.

    Args:
        shape: (*batch,).
        scale: (*batch,).

    Example:
        >>> InverseGamma(3.0, 4.0).mean
        2.0
    """

    __slots__ = ("scale", "shape")
    parameter_ranks: ClassVar[dict[str, int]] = {"shape": 0, "scale": 0}
    group: ClassVar[Group | None] = INVERSE_GAMMA
    shape: Array
    scale: Array

    @property
    def mean(self) -> Array:
        """scale / (shape - 1); inf for shapes up to one."""
        return where(self.shape > 1.0, divide(self.scale, self.shape - 1.0), math.inf)

    @property
    def variance(self) -> Array:
        """scale^2 / ((shape - 1)^2 (shape - 2)); inf for shapes up to two."""
        less = self.shape - 1.0
        return where(self.shape > 2.0, divide(self.scale * self.scale, less * less * (self.shape - 2.0)), math.inf)

    @property
    def mode(self) -> Array:
        """scale / (shape + 1)."""
        return divide(self.scale, self.shape + 1.0)

    @property
    def mean_log(self) -> Array:
        """E log x = log scale - digamma(shape)."""
        with quiet(self.shape, self.scale):
            return log(self.scale) - digamma(self.shape)

    @property
    def mean_inverse(self) -> Array:
        """E 1/x = shape / scale."""
        return divide(self.shape, self.scale)

    def entropy(self) -> Array:
        """-E log p(x).

        Example:
            >>> round(InverseGamma(1.0, 1.0).entropy(), 6)
            2.154431
        """
        with quiet(self.shape, self.scale):
            shape = self.shape
            return shape + log(self.scale) + gammaln(shape) - (1.0 + shape) * digamma(shape)

    def log_pdf(self, x: Array) -> Array:
        """The log density; -inf up to zero.

        Example:
            >>> InverseGamma(1.0, 1.0).log_pdf(1.0)
            -1.0
        """
        x = as_array(x)
        safe = where(x > 0.0, x, 1.0)
        shape, scale = self.shape, self.scale
        value = xlogy(shape, scale) - gammaln(shape) - (shape + 1.0) * log(safe) - scale / safe
        return as_scalar(where(x > 0.0, value, -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch).

        Example:
            >>> InverseGamma(2.0, 1.0).sample(np.random.default_rng(1), 5).shape
            (5,)
        """
        return self._drawn(divide(self.scale, rng.standard_gamma(self.shape, draw_shape(n, self.batch_shape))))

    def naturals(self) -> tuple[Array, ...]:
        """(shape + 1, scale)."""
        return aligned((self.shape + 1.0, self.scale), (0, 0))
