"""The normal-gamma distribution of a vector and a precision: the conjugate prior of a regression with unknown noise.

x | g ~ N(m, inv(g L)),  g ~ Gamma(shape a, rate b):   p(x, g) ∝ g^(a - 1 + d/2) exp(-g (b + (x - m)'L(x - m)/2))
Natural parameters: the power a - 1 + d/2, and the matrix K with p(x, g) ∝ g^power exp(-g [x; 1]' K [x; 1] / 2),
    K = [[L, -L m], [., 2 b + m'L m]]
entropy = H[g] + (d (1 + log 2 pi) - log|L| - d E log g) / 2                      Bernardo and Smith 1994, section 5.2

Messages may have a singular L, and so no m; they are kept by their natural parameters.
"""

import math
from typing import Any, ClassVar, Self

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.gamma import GammaShapeRate
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.distributions.mv_normal import MvNormalMeanPrecision
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_array, as_scalar, namespace
from reactivepgm.numerics.elementary import log, quiet, where

_LOG_2PI = math.log(2.0 * math.pi)


def _canonical(power: Array, quadratic: Array) -> Distribution:
    return MvNormalGamma._of(power, quadratic)


def _is_proper(power: Array, quadratic: Array) -> Array:
    # A positive definite K is a positive definite L and a positive rate.
    return (power > 0.5 * (quadratic.shape[-1] - 1) - 1.0) & (power < math.inf) & la.is_positive_definite(quadratic)


MV_NORMAL_GAMMA = Group("MV_NORMAL_GAMMA", (0, 2), _canonical, _is_proper)


def _column(x: Array) -> Array:
    return x[..., None] if getattr(x, "ndim", 0) else x


def _matrix(x: Array) -> Array:
    return x[..., None, None] if getattr(x, "ndim", 0) else x


class MvNormalGamma(Distribution):
    """Normal-gamma by mean and relative precision of the vector, shape and rate of the precision's gamma.

    A value is the vector with the precision behind it, [x, g]. ``mean``, ``covariance`` and ``variance`` speak of x,
    ``noise_precision`` of g.

    Args:
        mean: (*batch, d).
        precision: (*batch, d, d), of x in units of g.
        shape: (*batch,).
        rate: (*batch,).

    Example:
        >>> d = MvNormalGamma([1.0], [[2.0]], 3.0, 6.0)
        >>> d.covariance.tolist(), d.noise_precision.mean
        ([[1.5]], 0.5)
        >>> flat = MvNormalGamma.from_quadratic(0.0, np.zeros((2, 2)))
        >>> flat.shape, flat.precision.tolist()
        (0.5, [[0.0]])
    """

    __slots__ = ("_kept", "_stored")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 1, "precision": 2, "shape": 0, "rate": 0}
    group: ClassVar[Group | None] = MV_NORMAL_GAMMA
    _stored: tuple[Array, ...]
    _kept: Array

    @classmethod
    def _of(cls, *values: Any) -> Self:
        """Trusted: (mean, precision, shape, rate) or the natural parameters (power, quadratic)."""
        self = object.__new__(cls)
        object.__setattr__(self, "_stored", values)
        return self

    @classmethod
    def from_quadratic(cls, power: Array, quadratic: Array) -> Self:
        """The density g^power exp(-g [x; 1]' K [x; 1] / 2), kept as it is: K may be singular.

        Args:
            power: (*batch,).
            quadratic: K, (*batch, d + 1, d + 1).
        """
        return cls._of(as_array(power), as_array(quadratic))

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        MvNormalMeanPrecision._check_shapes(*values[:2])

    @property
    def _is_quadratic(self) -> bool:
        return len(self._stored) == 2

    @property
    def parameters(self) -> dict[str, Array]:
        """The four parameters, or the two natural ones, whichever were given."""
        names = ("power", "quadratic") if self._is_quadratic else tuple(self.parameter_ranks)
        return dict(zip(names, self._stored, strict=True))

    @property
    def _ranks(self) -> tuple[int, ...]:
        return (0, 2) if self._is_quadratic else tuple(self.parameter_ranks.values())

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(d + 1,): the vector, then the precision."""
        return (self._stored[1].shape[-1] + (not self._is_quadratic),)

    @property
    def mean(self) -> Array:
        """Of x, (*batch, d); nan where the precision is singular."""
        if not self._is_quadratic:
            return self._stored[0]
        try:
            return self._kept
        except AttributeError:
            object.__setattr__(self, "_kept", la.solve_vector(self.precision, self.weighted_mean))
            return self._kept

    @property
    def precision(self) -> Array:
        """Of x in units of g, (*batch, d, d)."""
        return self._stored[1][..., :-1, :-1] if self._is_quadratic else self._stored[1]

    @property
    def weighted_mean(self) -> Array:
        """precision @ mean, (*batch, d)."""
        if self._is_quadratic:
            return -self._stored[1][..., :-1, -1]
        return la.matvec(self._stored[1], self._stored[0])

    @property
    def shape(self) -> Array:
        """Of the gamma, (*batch,)."""
        return self._stored[0] + (1.0 - 0.5 * (self.event_shape[0] - 1)) if self._is_quadratic else self._stored[2]

    @property
    def rate(self) -> Array:
        """Of the gamma, (*batch,); nan where the precision is singular."""
        if not self._is_quadratic:
            return self._stored[3]
        return as_scalar(0.5 * (self._stored[1][..., -1, -1] - la.inner(self.weighted_mean, self.mean)))

    @property
    def noise_precision(self) -> GammaShapeRate:
        """The marginal of g."""
        return GammaShapeRate._of(self.shape, self.rate)

    @property
    def covariance(self) -> Array:
        """Of x: inv(precision) rate / (shape - 1); nan where shape <= 1."""
        less = self.shape - 1.0
        return _matrix(self.rate / where(less > 0.0, less, math.nan)) * la.inv_psd(self.precision)

    @property
    def variance(self) -> Array:
        """Of every component of x, (*batch, d)."""
        return la.diagonal(self.covariance)

    @property
    def mode(self) -> Array:
        """[mean, (shape - 1 + d/2) / rate], (*batch, d + 1)."""
        mean, d = self.mean, self.event_shape[0] - 1
        top = namespace(mean).broadcast_to((self.shape - 1.0 + 0.5 * d) / self.rate, mean.shape[:-1])
        return namespace(mean).concatenate([mean, top[..., None]], axis=-1)

    def entropy(self) -> Array:
        """-E log p(x, g).

        Example:
            >>> round(MvNormalGamma([0.0], [[1.0]], 1.0, 1.0).entropy(), 6)
            2.707546
        """
        with quiet():
            gamma, d = self.noise_precision, self.event_shape[0] - 1
            return gamma.entropy() + 0.5 * (d * (1.0 + _LOG_2PI - gamma.mean_log) - la.logdet(self.precision))

    def log_pdf(self, x: Array) -> Array:
        """The log density at [x, g], (..., d + 1).

        Example:
            >>> round(MvNormalGamma([0.0], [[1.0]], 1.0, 1.0).log_pdf([0.0, 1.0]), 6)
            -1.918939
        """
        x = as_array(x)
        vector, g = x[..., :-1], as_scalar(x[..., -1])
        gap = vector - self.mean
        square = (gap * la.matvec(self.precision, gap)).sum(axis=-1)
        d = gap.shape[-1]
        positive = where(g > 0.0, g, 1.0)
        normal = 0.5 * (la.logdet(self.precision) + d * (log(positive) - _LOG_2PI) - positive * square)
        return as_scalar(where(g > 0.0, normal + self.noise_precision.log_pdf(positive), -math.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws [x, g], (n, *batch, d + 1).

        Example:
            >>> MvNormalGamma([0.0], [[1.0]], 1.0, 1.0).sample(np.random.default_rng(1), 5).shape
            (5, 2)
        """
        shape = draw_shape(n, self.batch_shape)
        g = np.broadcast_to(rng.standard_gamma(self.shape, shape) / self.rate, shape)[..., None]
        noise = rng.standard_normal((*shape, self.event_shape[0] - 1))
        root = la.inv(la.transpose(la.cholesky(self.precision)))
        return self._drawn(np.concatenate([self.mean + (root @ noise[..., None])[..., 0] / np.sqrt(g), g], axis=-1))

    def naturals(self) -> tuple[Array, ...]:
        """(power, K), as the module says."""
        if self._is_quadratic:
            return aligned(self._stored, (0, 2))
        mean, precision, shape, rate = self._stored
        weighted = la.matvec(precision, mean)
        corner = 2.0 * rate + la.inner(mean, weighted)
        return aligned((shape - (1.0 - 0.5 * mean.shape[-1]), bordered(precision, -weighted, corner)), (0, 2))


def bordered(matrix: Array, column: Array, corner: Array) -> Array:
    """The symmetric matrix [[A, b], [b', c]], (*batch, d + 1, d + 1).

    Example:
        >>> bordered(np.eye(1), np.array([2.0]), 3.0).tolist()
        [[1.0, 2.0], [2.0, 3.0]]
    """
    xp = namespace(matrix, column)
    corner = xp.asarray(corner)
    batch = xp.broadcast_shapes(matrix.shape[:-2], column.shape[:-1], corner.shape)
    d = column.shape[-1]
    matrix = xp.broadcast_to(matrix, (*batch, d, d))
    column = xp.broadcast_to(column, (*batch, d))
    below = xp.concatenate([column, xp.broadcast_to(corner, batch)[..., None]], axis=-1)
    return xp.concatenate([xp.concatenate([matrix, column[..., None]], axis=-1), below[..., None, :]], axis=-2)
