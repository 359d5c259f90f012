"""The gamma distribution by shape and rate, or shape and scale.

p(x) = rate^shape x^(shape-1) exp(-rate x) / Gamma(shape),   x > 0,   natural parameters (shape - 1, rate)
E log x = digamma(shape) - log rate,   entropy = shape - log rate + gammaln(shape) + (1 - shape) digamma(shape)
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import divide, log, quiet, reciprocal, where
from reactivepgm.numerics.special import digamma, gammaln, xlogy


def _canonical(power: Array, rate: Array) -> Distribution:
    return GammaShapeRate._of(power + 1.0, rate)


def _is_proper(power: Array, rate: Array) -> Array:
    return (power > -1) & (rate > 0) & (power < math.inf) & (rate < math.inf)


GAMMA = Group("GAMMA", (0, 0), _canonical, _is_proper)


class GammaFamily(Distribution):
    """The gammas, whichever way they are parametrised.

    Example:
        >>> isinstance(GammaShapeScale(1.0, 2.0), GammaFamily)
        True
    """

    group: ClassVar[Group | None] = GAMMA

    @property
    def shape(self) -> Array:
        """The exponent of x plus one, (*batch,)."""
        raise NotImplementedError

    @property
    def rate(self) -> Array:
        """The decay of the tail, (*batch,)."""
        raise NotImplementedError

    @property
    def scale(self) -> Array:
        """1 / rate, (*batch,)."""
        raise NotImplementedError

    @property
    def mean(self) -> Array:
        """shape / rate."""
        return divide(self.shape, self.rate)

    @property
    def variance(self) -> Array:
        """shape / rate^2."""
        return divide(self.mean, self.rate)

    @property
    def mode(self) -> Array:
        """(shape - 1) / rate, zero for shapes below one."""
        shape = self.shape
        return divide(where(shape > 1.0, shape - 1.0, 0.0 * shape), self.rate)

    @property
    def mean_log(self) -> Array:
        """E log x."""
        with quiet(self.shape, self.rate):
            return digamma(self.shape) - log(self.rate)

    @property
    def mean_inverse(self) -> Array:
        """E 1/x = rate / (shape - 1); inf for shapes up to one.

        Example:
            >>> GammaShapeRate(3.0, 4.0).mean_inverse
            2.0
        """
        shape = self.shape
        return where(shape > 1.0, divide(self.rate, shape - 1.0), math.inf)

    def entropy(self) -> Array:
        """-E log p(x).

        Example:
            >>> GammaShapeRate(1.0, 1.0).entropy()
            1.0
        """
        with quiet(self.shape, self.rate):
            shape = self.shape
            return shape - log(self.rate) + gammaln(shape) + (1.0 - shape) * digamma(shape)

    def log_pdf(self, x: Array) -> Array:
        """The log density; -inf below zero.

        Example:
            >>> GammaShapeRate(1.0, 2.0).log_pdf(0.0) == math.log(2.0)
            True
        """
        x = as_array(x)
        shape, rate = self.shape, self.rate
        value = xlogy(shape, rate) - gammaln(shape) + xlogy(shape - 1.0, where(x >= 0.0, x, 0.0)) - rate * x
        return as_scalar(where(x >= 0.0, value, -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch).

        Example:
            >>> GammaShapeRate(1.0, 1.0).sample(np.random.default_rng(1), 5).shape
            (5,)
        """
        return self._drawn(rng.standard_gamma(self.shape, draw_shape(n, self.batch_shape)) * self.scale)

    def naturals(self) -> tuple[Array, ...]:
        """(shape - 1, rate)."""
        return aligned((self.shape - 1.0, self.rate), (0, 0))


class GammaShapeRate(GammaFamily):
    """Gamma by shape and rate.

    Args:
        shape: (*batch,).
        rate: (*batch,).

    Example:
        >>> GammaShapeRate(2.0, 4.0).mean
        0.5
    """

    __slots__ = ("rate", "shape")
    parameter_ranks: ClassVar[dict[str, int]] = {"shape": 0, "rate": 0}
    shape: Array
    rate: Array

    @property
    def scale(self) -> Array:
        """1 / rate."""
        return reciprocal(self.rate)


class GammaShapeScale(GammaFamily):
    """Gamma by shape and scale.

    Args:
        shape: (*batch,).
        scale: (*batch,).

    Example:
        >>> GammaShapeScale(2.0, 4.0).mean
        8.0
    """

    __slots__ = ("scale", "shape")
    parameter_ranks: ClassVar[dict[str, int]] = {"shape": 0, "scale": 0}
    shape: Array
    scale: Array

    @property
    def rate(self) -> Array:
        """1 / scale."""
        return reciprocal(self.scale)
