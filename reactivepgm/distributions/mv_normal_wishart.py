"""The normal-Wishart distribution of a vector and a precision matrix: the conjugate prior of a vector normal.

x | W ~ N(m, inv(l W)),  W ~ Wishart(df, S)
p(x, W) ∝ |W|^((df - d)/2) exp(-tr(W (l (x - m)(x - m)' + inv(S)))/2)
natural parameters (df - d, l, l m, inv S + l m m')                               Bernardo and Smith 1994, section 5.2
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned
from reactivepgm.distributions.matrix_normal import check_sides
from reactivepgm.distributions.matrix_normal_wishart import MatrixNormalWishart
from reactivepgm.distributions.wishart import Wishart
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_scalar


def _column(x: Array) -> Array:
    return x[..., None] if getattr(x, "ndim", 0) else x


def _canonical(power: Array, relative: Array, pull: Array, square: Array) -> Distribution:
    mean = pull / _column(relative)
    scale = la.inv_psd(la.symmetrise(square - la.outer(mean, pull)))
    return MvNormalWishart._of(mean, scale, relative, power + float(pull.shape[-1]))


def _is_proper(power: Array, relative: Array, pull: Array, square: Array) -> Array:
    inverse_scale = square - la.outer(pull) / _column(_column(relative))
    return (power > -1.0) & (power < math.inf) & (relative > 0) & la.is_positive_definite(inverse_scale)


MV_NORMAL_WISHART = Group("MV_NORMAL_WISHART", (0, 0, 1, 2), _canonical, _is_proper)


class MvNormalWishart(Distribution):
    """Normal-Wishart by mean, scale of the Wishart, relative precision and degrees of freedom.

    A value is the vector with the precision below it, [x'; W], (d + 1, d). ``mean``, ``covariance`` and ``variance``
    speak of x, ``noise_precision`` of W.

    Args:
        mean: (*batch, d).
        scale: (*batch, d, d).
        lambda_: (*batch,), the precision of x in units of W.
        df: (*batch,).

    Example:
        >>> d = MvNormalWishart([0.0, 0.0], np.eye(2), 2.0, 5.0)
        >>> d.event_shape, d.covariance.tolist()
        ((3, 2), [[0.25, 0.0], [0.0, 0.25]])
    """

    __slots__ = ("df", "lambda_", "mean", "scale")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 1, "scale": 2, "lambda_": 0, "df": 0}
    group: ClassVar[Group | None] = MV_NORMAL_WISHART
    mean: Array
    scale: Array
    lambda_: Array
    df: Array

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        mean, scale = values[:2]
        check_sides("MvNormalWishart", ("mean", "lambda_", "scale"), mean[..., None, :], np.ones((1, 1)), scale)

    @property
    def as_matrix_normal(self) -> MatrixNormalWishart:
        """The same belief about the row x' above W."""
        relative = np.asarray(self.lambda_)[..., None, None]
        return MatrixNormalWishart._of(self.mean[..., None, :], 1.0 / relative, self.scale, self.df)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(d + 1, d): the vector as a row, then the precision."""
        d = self.mean.shape[-1]
        return (d + 1, d)

    @property
    def noise_precision(self) -> Wishart:
        """The marginal of W."""
        return Wishart._of(self.df, self.scale)

    @property
    def covariance(self) -> Array:
        """Of x, (*batch, d, d): E[inv W] / lambda_; nan where df <= d + 1."""
        return self.noise_precision.mean_inverse / np.asarray(self.lambda_)[..., None, None]

    @property
    def variance(self) -> Array:
        """Of every component of x, (*batch, d)."""
        return la.diagonal(self.covariance)

    @property
    def mode(self) -> Array:
        """[mean'; (df - d) scale]; nan where there is none."""
        return self.as_matrix_normal.mode

    def entropy(self) -> Array:
        """-E log p(x, W).

        Example:
            >>> round(MvNormalWishart([0.0], [[0.5]], 1.0, 2.0).entropy(), 6)  # a normal-gamma of shape 1, rate 1
            2.707546
        """
        return self.as_matrix_normal.entropy()

    def log_pdf(self, x: Array) -> Array:
        """The log density at [x'; W], (..., d + 1, d).

        Example:
            >>> round(MvNormalWishart([0.0], [[0.5]], 1.0, 2.0).log_pdf([[0.0], [1.0]]), 6)
            -1.918939
        """
        return self.as_matrix_normal.log_pdf(x)

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws [x'; W], (n, *batch, d + 1, d).

        Example:
            >>> MvNormalWishart([0.0], [[0.5]], 1.0, 2.0).sample(np.random.default_rng(1), 5).shape
            (5, 2, 1)
        """
        return self.as_matrix_normal.sample(rng, n)

    def naturals(self) -> tuple[Array, ...]:
        """(df - d, lambda_, lambda_ m, inv S + lambda_ m m')."""
        mean, relative = self.mean, self.lambda_
        pull = _column(relative) * mean
        square = la.inv_psd(self.scale) + la.outer(mean, pull)
        return aligned((as_scalar(self.df - float(mean.shape[-1])), relative, pull, square), (0, 0, 1, 2))
