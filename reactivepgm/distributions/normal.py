"""The normal distribution on the real line in its three parametrisations.

p(x) = sqrt(w / 2 pi) exp(-w (x - m)^2 / 2),   w = 1/v,   natural parameters (w m, w)
entropy = (1 + log 2 pi v) / 2

A precision of zero (or below) is allowed: such messages say little (or less than nothing) and only products of them
need to be proper.
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.family import NormalFamily
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import divide, log, quiet, reciprocal, sqrt

_LOG_2PI = math.log(2.0 * math.pi)


def _canonical(weighted_mean: Array, precision: Array) -> Distribution:
    return NormalWeightedMeanPrecision._of(weighted_mean, precision)


def _is_proper(weighted_mean: Array, precision: Array) -> Array:
    return (precision > 0) & (precision < math.inf) & (weighted_mean == weighted_mean)


NORMAL = Group("NORMAL", (0, 0), _canonical, _is_proper)


class UnivariateNormal(NormalFamily):
    """The normals on the real line, whichever way they are parametrised.

    Example:
        >>> isinstance(NormalMeanPrecision(0.0, 2.0), UnivariateNormal)
        True
    """

    group: ClassVar[Group | None] = NORMAL

    @property
    def precision(self) -> Array:
        """1 / variance, (*batch,)."""
        raise NotImplementedError

    @property
    def weighted_mean(self) -> Array:
        """precision * mean, (*batch,)."""
        raise NotImplementedError

    @property
    def mode(self) -> Array:
        """The mean."""
        return self.mean

    def entropy(self) -> Array:
        """(1 + log 2 pi v) / 2.

        Example:
            >>> round(NormalMeanVariance(0.0, 1.0).entropy(), 6)
            1.418939
        """
        return _over_batch(self, 0.5 * (1.0 + _LOG_2PI + log(self.variance)))

    def log_pdf(self, x: Array) -> Array:
        """The log density.

        Example:
            >>> round(NormalMeanVariance(0.0, 1.0).log_pdf(0.0), 6)
            -0.918939
        """
        precision = self.precision
        with quiet(precision, x, self.mean):
            gap = as_array(x) - self.mean
            return as_scalar(0.5 * (log(precision) - _LOG_2PI - precision * gap * gap))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch).

        Example:
            >>> NormalMeanVariance(0.0, 1.0).sample(np.random.default_rng(1), 5).shape
            (5,)
        """
        noise = rng.standard_normal(draw_shape(n, self.batch_shape))
        return self._drawn(self.mean + sqrt(self.variance) * noise)

    def naturals(self) -> tuple[Array, ...]:
        """(weighted mean, precision)."""
        return aligned((self.weighted_mean, self.precision), (0, 0))


def _over_batch(belief: Distribution, value: Array) -> Array:
    if type(value) is float and type(belief.mean) is float:
        return value
    batch = belief.batch_shape
    return value if getattr(value, "shape", ()) == batch else np.broadcast_to(value, batch)


class NormalMeanVariance(UnivariateNormal):
    """Normal by mean and variance.

    Args:
        mean: (*batch,).
        variance: (*batch,).

    Example:
        >>> NormalMeanVariance(1.0, 2.0).precision
        0.5
    """

    __slots__ = ("mean", "variance")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 0, "variance": 0}
    mean: Array
    variance: Array

    @property
    def precision(self) -> Array:
        """1 / variance."""
        return reciprocal(self.variance)

    @property
    def weighted_mean(self) -> Array:
        """mean / variance."""
        return divide(self.mean, self.variance)


class NormalMeanPrecision(UnivariateNormal):
    """Normal by mean and precision.

    Args:
        mean: (*batch,).
        precision: (*batch,).

    Example:
        >>> NormalMeanPrecision(1.0, 2.0).weighted_mean
        2.0
    """

    __slots__ = ("mean", "precision")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 0, "precision": 0}
    mean: Array
    precision: Array

    @property
    def variance(self) -> Array:
        """1 / precision."""
        return reciprocal(self.precision)

    @property
    def weighted_mean(self) -> Array:
        """precision * mean."""
        return self.precision * self.mean


class NormalWeightedMeanPrecision(UnivariateNormal):
    """Normal by its natural parameters: weighted mean (precision times mean) and precision.

    Args:
        weighted_mean: (*batch,).
        precision: (*batch,); zero makes the flat message.

    Example:
        >>> NormalWeightedMeanPrecision(2.0, 2.0).mean
        1.0
        >>> NormalWeightedMeanPrecision(0.0, 0.0).mean
        nan
    """

    __slots__ = ("precision", "weighted_mean")
    parameter_ranks: ClassVar[dict[str, int]] = {"weighted_mean": 0, "precision": 0}
    weighted_mean: Array
    precision: Array

    @property
    def mean(self) -> Array:
        """weighted_mean / precision; nan for the flat message."""
        return divide(self.weighted_mean, self.precision)

    @property
    def variance(self) -> Array:
        """1 / precision; inf for the flat message."""
        return reciprocal(self.precision)
