"""The log-normal distribution: exp(z) with z ~ N(log_mean, log_variance).

p(x) = exp(-(log x - m)² / (2 v)) / (x sqrt(2 π v)),  x > 0;  natural parameters (m/v - 1, 1/v) of (log x, -log² x / 2)
E x = exp(m + v/2),  Var x = (exp(v) - 1) (E x)²,  entropy = m + (1 + log 2 π v) / 2
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned
from reactivepgm.distributions.normal import NormalMeanVariance
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import divide, exp, log, reciprocal, where


def _canonical(power: Array, precision: Array) -> "LogNormal":
    return LogNormal._of(divide(power + 1.0, precision), reciprocal(precision))


def _is_proper(power: Array, precision: Array) -> Array:
    return (precision > 0) & (precision < math.inf) & (power == power)


LOG_NORMAL = Group("LOG_NORMAL", (0, 0), _canonical, _is_proper)


class LogNormal(Distribution):
    """Log-normal by the mean and the variance of the logarithm.

    Args:
        log_mean: (*batch,).
        log_variance: (*batch,).

    Example:
        >>> round(LogNormal(0.0, 1.0).mean, 6), LogNormal(2.0, 1.0).mean_log
        (1.648721, 2.0)
    """

    __slots__ = ("log_mean", "log_variance")
    parameter_ranks: ClassVar[dict[str, int]] = {"log_mean": 0, "log_variance": 0}
    group: ClassVar[Group | None] = LOG_NORMAL
    log_mean: Array
    log_variance: Array

    @property
    def logarithm(self) -> NormalMeanVariance:
        """The distribution of log x."""
        return NormalMeanVariance._of(self.log_mean, self.log_variance)

    @property
    def mean(self) -> Array:
        """exp(m + v/2)."""
        return exp(self.log_mean + 0.5 * self.log_variance)

    @property
    def variance(self) -> Array:
        """(exp(v) - 1) (E x)²."""
        return (exp(self.log_variance) - 1.0) * self.mean * self.mean

    @property
    def mode(self) -> Array:
        """exp(m - v)."""
        return exp(self.log_mean - self.log_variance)

    @property
    def mean_log(self) -> Array:
        """E log x."""
        return self.log_mean

    @property
    def mean_inverse(self) -> Array:
        """E 1/x = exp(v/2 - m)."""
        return exp(0.5 * self.log_variance - self.log_mean)

    def entropy(self) -> Array:
        """m + (1 + log 2 π v) / 2."""
        return self.log_mean + self.logarithm.entropy()

    def log_pdf(self, x: Array) -> Array:
        """The log density; -inf up to zero.

        Example:
            >>> round(LogNormal(0.0, 1.0).log_pdf(1.0), 6)
            -0.918939
        """
        x = as_array(x)
        y = log(where(x > 0.0, x, 1.0))
        return as_scalar(where(x > 0.0, self.logarithm.log_pdf(y) - y, -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch)."""
        return exp(self.logarithm.sample(rng, n))

    def naturals(self) -> tuple[Array, ...]:
        """(m/v - 1, 1/v)."""
        return aligned((divide(self.log_mean, self.log_variance) - 1.0, reciprocal(self.log_variance)), (0, 0))
