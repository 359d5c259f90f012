"""The multivariate normal distribution in its three parametrisations.

p(x) = det(W / 2 pi)^(1/2) exp(-(x - m)' W (x - m) / 2),   W = V^-1,   natural parameters (W m, W)
entropy = (d (1 + log 2 pi) + log det V) / 2

Inverses are computed once and kept. A singular covariance has a mean, a covariance and samples; what needs its inverse
is nan. So is the mean of a singular precision.
"""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.family import NormalFamily
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_array, as_scalar, shape_of
from reactivepgm.numerics.elementary import quiet

_LOG_2PI = math.log(2.0 * math.pi)


def _canonical(weighted_mean: Array, precision: Array) -> Distribution:
    return MvNormalWeightedMeanPrecision._of(weighted_mean, precision)


def _is_proper(weighted_mean: Array, precision: Array) -> Array:
    return la.is_positive_definite(precision) & (weighted_mean == weighted_mean).all(axis=-1)


MV_NORMAL = Group("MV_NORMAL", (1, 2), _canonical, _is_proper)


class MultivariateNormal(NormalFamily):
    """The normals on vectors, whichever way they are parametrised.

    Example:
        >>> isinstance(MvNormalMeanPrecision(np.zeros(2), np.eye(2)), MultivariateNormal)
        True
    """

    __slots__ = ("_kept",)
    group: ClassVar[Group | None] = MV_NORMAL
    _kept: dict[str, Array]

    @classmethod
    def _too_few_axes(cls, name: str, rank: int, value: Array) -> Any:
        if rank == 2 and len(shape_of(value)) == 1:
            raise InvalidParameterError(
                f"{cls.__name__}: {name} must be a matrix (*batch, d, d), not a vector of shape {shape_of(value)};"
                f" for independent components write {name}=numpy.diag({name})"
            )
        super()._too_few_axes(name, rank, value)

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        vector, matrix = values
        first, second = cls.parameter_ranks
        if matrix.shape[-1] != matrix.shape[-2]:
            raise InvalidParameterError(f"{cls.__name__}: {second} must be square, not of shape {matrix.shape}")
        if vector.shape[-1] != matrix.shape[-1]:
            raise InvalidParameterError(
                f"{cls.__name__}: {first} of shape {vector.shape} does not fit {second} of shape {matrix.shape}"
            )

    def _keep(self, name: str, compute: Callable[[], Array]) -> Array:
        try:
            kept = self._kept
        except AttributeError:
            kept = {}
            object.__setattr__(self, "_kept", kept)
        value = kept.get(name)
        if value is None:
            value = kept[name] = compute()
        return value

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(d,)."""
        return tuple(next(iter(self.parameters.values())).shape[-1:])

    @property
    def covariance(self) -> Array:
        """The inverse of the precision, (*batch, d, d)."""
        raise NotImplementedError

    @property
    def precision(self) -> Array:
        """The inverse of the covariance, (*batch, d, d)."""
        raise NotImplementedError

    @property
    def weighted_mean(self) -> Array:
        """precision @ mean, (*batch, d)."""
        raise NotImplementedError

    @property
    def variance(self) -> Array:
        """The diagonal of the covariance, (*batch, d)."""
        return la.diagonal(self.covariance)

    @property
    def mode(self) -> Array:
        """The mean."""
        return self.mean

    def _log_det_covariance(self) -> Array:
        return -la.logdet(self.precision)

    def entropy(self) -> Array:
        """(d (1 + log 2 pi) + log det V) / 2.

        Example:
            >>> round(MvNormalMeanCovariance(np.zeros(2), np.eye(2)).entropy(), 6)
            2.837877
        """
        with quiet():
            value = 0.5 * (self.event_shape[0] * (1.0 + _LOG_2PI) + self._log_det_covariance())
            batch = self.batch_shape
            return value if shape_of(value) == batch else np.broadcast_to(value, batch)

    def log_pdf(self, x: Array) -> Array:
        """The log density at x (..., d).

        Example:
            >>> round(MvNormalMeanCovariance(np.zeros(2), np.eye(2)).log_pdf(np.zeros(2)), 6)
            -1.837877
        """
        with quiet():
            gap = as_array(x) - self.mean
            distance = (gap * la.matvec(self.precision, gap)).sum(axis=-1)
            return as_scalar(-0.5 * (gap.shape[-1] * _LOG_2PI + self._log_det_covariance() + distance))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch, d); a singular covariance is fine.

        Example:
            >>> MvNormalMeanCovariance(np.zeros(2), np.eye(2)).sample(np.random.default_rng(1), 5).shape
            (5, 2)
        """
        noise = rng.standard_normal((*draw_shape(n, self.batch_shape), *self.event_shape))
        # The eigenvectors give a square root where Cholesky's factorisation does not exist.
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
        return self._drawn(self.mean + (root @ noise[..., None])[..., 0])

    def naturals(self) -> tuple[Array, ...]:
        """(weighted mean, precision)."""
        return aligned((self.weighted_mean, self.precision), (1, 2))


class MvNormalMeanCovariance(MultivariateNormal):
    """Multivariate normal by mean and covariance.

    Args:
        mean: (*batch, d).
        covariance: (*batch, d, d).

    Example:
        >>> MvNormalMeanCovariance([1.0, 2.0], 2.0 * np.eye(2)).weighted_mean
        array([0.5, 1. ])
    """

    __slots__ = ("covariance", "mean")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 1, "covariance": 2}
    mean: Array
    covariance: Array

    @property
    def precision(self) -> Array:
        """The inverse of the covariance."""
        return self._keep("precision", lambda: la.inv_psd(self.covariance))

    @property
    def weighted_mean(self) -> Array:
        """precision @ mean."""
        return self._keep("weighted_mean", lambda: la.matvec(self.precision, self.mean))

    def _log_det_covariance(self) -> Array:
        return la.logdet(self.covariance)


class MvNormalMeanPrecision(MultivariateNormal):
    """Multivariate normal by mean and precision.

    Args:
        mean: (*batch, d).
        precision: (*batch, d, d).

    Example:
        >>> MvNormalMeanPrecision([1.0, 2.0], 2.0 * np.eye(2)).variance
        array([0.5, 0.5])
    """

    __slots__ = ("mean", "precision")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 1, "precision": 2}
    mean: Array
    precision: Array

    @property
    def covariance(self) -> Array:
        """The inverse of the precision."""
        return self._keep("covariance", lambda: la.inv_psd(self.precision))

    @property
    def weighted_mean(self) -> Array:
        """precision @ mean."""
        return self._keep("weighted_mean", lambda: la.matvec(self.precision, self.mean))


class MvNormalWeightedMeanPrecision(MultivariateNormal):
    """Multivariate normal by its natural parameters: weighted mean (precision @ mean) and precision.

    Args:
        weighted_mean: (*batch, d).
        precision: (*batch, d, d); may be singular.

    Example:
        >>> MvNormalWeightedMeanPrecision([1.0, 2.0], 2.0 * np.eye(2)).mean
        array([0.5, 1. ])
    """

    __slots__ = ("precision", "weighted_mean")
    parameter_ranks: ClassVar[dict[str, int]] = {"weighted_mean": 1, "precision": 2}
    weighted_mean: Array
    precision: Array

    @property
    def covariance(self) -> Array:
        """The inverse of the precision; nan where there is none."""
        return self._keep("covariance", lambda: la.inv_psd(self.precision))

    @property
    def mean(self) -> Array:
        """covariance @ weighted_mean; nan where there is none."""
        return self._keep("mean", self._solve)

    def _solve(self) -> Array:
        with np.errstate(invalid="ignore"):
            return la.matvec(self.covariance, self.weighted_mean)
