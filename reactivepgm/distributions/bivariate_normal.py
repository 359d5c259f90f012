"""The joint normal distribution of two numbers, by numbers: what a factor ties together where both ends are scalars.

p(x, y) = N([x, y]; [a, b], [[u, c], [c, v]]),   E(x - y)² = (a - b)² + u + v - 2 c
entropy = 1 + log 2 pi + (log u + log(v - c²/u)) / 2

A member of the family of multivariate normals in another storage: for one row everything is a float.
"""

import math
from typing import Any, ClassVar

import numpy as np

from reactivepgm.distributions.mv_normal import MultivariateNormal
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, namespace, shape_of
from reactivepgm.numerics.elementary import log

_LOG_2PI = math.log(2.0 * math.pi)


class BivariateNormal(MultivariateNormal):
    """The normal of a vector of two numbers, first and second.

    Args:
        mean_first: (*batch,).
        mean_second: (*batch,).
        variance_first: (*batch,).
        between: (*batch,), the covariance of both.
        variance_second: (*batch,).

    Example:
        >>> pair = BivariateNormal(1.0, 0.0, 2.0, 0.5, 2.0)
        >>> pair.covariance.tolist(), pair.square_gap
        ([[2.0, 0.5], [0.5, 2.0]], 4.0)
    """

    __slots__ = ("between", "mean_first", "mean_second", "variance_first", "variance_second")
    parameter_ranks: ClassVar[dict[str, int]] = {
        "mean_first": 0, "mean_second": 0, "variance_first": 0, "between": 0, "variance_second": 0,
    }  # fmt: skip
    mean_first: Array
    mean_second: Array
    variance_first: Array
    between: Array
    variance_second: Array

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        """Numbers always fit."""

    @classmethod
    def _too_few_axes(cls, name: str, rank: int, value: Array) -> Any:
        super(MultivariateNormal, cls)._too_few_axes(name, rank, value)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(2,)."""
        return (2,)

    @property
    def mean(self) -> Array:
        """Both means, (*batch, 2)."""
        return self._keep("mean", lambda: _beside(self.mean_first, self.mean_second, shape=self.batch_shape))

    @property
    def covariance(self) -> Array:
        """The covariance matrix, (*batch, 2, 2)."""
        return self._keep("covariance", self._matrix)

    def _matrix(self) -> Array:
        shape, c = self.batch_shape, self.between
        rows = (_beside(self.variance_first, c, shape=shape), _beside(c, self.variance_second, shape=shape))
        return namespace(*rows).stack(rows, axis=-2)

    @property
    def precision(self) -> Array:
        """The inverse of the covariance."""
        return self._keep("precision", lambda: la.inv_psd(self.covariance))

    @property
    def weighted_mean(self) -> Array:
        """precision @ mean."""
        return self._keep("weighted_mean", lambda: la.matvec(self.precision, self.mean))

    @property
    def square_gap(self) -> Array:
        """E(first - second)², (*batch,)."""
        gap = self.mean_first - self.mean_second
        return gap * gap + self.variance_first + self.variance_second - self.between - self.between

    def _log_det_covariance(self) -> Array:
        u, c = self.variance_first, self.between
        # Where the first is certain c is zero, and so is what is taken off.
        return log(u) + log(self.variance_second - c * (c / (u + (u == 0.0))))

    def entropy(self) -> Array:
        """1 + log 2 pi + log det / 2; minus infinity where one number follows from the other.

        Example:
            >>> round(BivariateNormal(0.0, 0.0, 1.0, 0.0, 1.0).entropy(), 6)
            2.837877
        """
        value = 1.0 + _LOG_2PI + 0.5 * self._log_det_covariance()
        if type(value) is float and type(self.mean_first) is float and type(self.mean_second) is float:
            return value
        batch = self.batch_shape
        return value if shape_of(value) == batch else np.broadcast_to(value, batch)


def _beside(a: Array, b: Array, shape: tuple[int, ...]) -> Array:
    xp = namespace(a, b)
    return xp.stack([xp.broadcast_to(xp.asarray(part), shape) for part in (a, b)], axis=-1)
