"""A normal that lives on a subspace: x = T z with z ~ N(m, V), as joints of factors that copy coordinates have it.

mean = T m,   covariance = T V T' (singular),   entropy = that of z

The entropy is taken in the coordinates z, where the density exists: a factor that ties the other coordinates has its
own density in z too, so that the difference of its energy and this entropy is what the free energy needs.
"""

from typing import ClassVar

import numpy as np

from reactivepgm.distributions.mv_normal import MultivariateNormal, MvNormalMeanCovariance
from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array


class EmbeddedNormal(MultivariateNormal):
    """The image of a multivariate normal under a known matrix with more rows than columns.

    Args:
        source_mean: (*batch, k).
        source_covariance: (*batch, k, k).
        matrix: (*batch, d, k), of rank k.

    Example:
        >>> twice = EmbeddedNormal([1.0], [[2.0]], [[1.0], [1.0]])
        >>> twice.covariance.tolist(), round(twice.entropy(), 6)
        ([[2.0, 2.0], [2.0, 2.0]], 1.765512)
    """

    __slots__ = ("matrix", "source_covariance", "source_mean")
    parameter_ranks: ClassVar[dict[str, int]] = {"source_mean": 1, "source_covariance": 2, "matrix": 2}
    source_mean: Array
    source_covariance: Array
    matrix: Array

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        MvNormalMeanCovariance._check_shapes(*values[:2])
        if values[2].shape[-1] != values[0].shape[-1]:
            raise InvalidParameterError(
                f"EmbeddedNormal: matrix of shape {values[2].shape} does not fit source_mean of shape {values[0].shape}"
            )

    @property
    def source(self) -> MvNormalMeanCovariance:
        """The normal on the free coordinates."""
        return MvNormalMeanCovariance._of(self.source_mean, self.source_covariance)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(d,)."""
        return tuple(self.matrix.shape[-2:-1])

    @property
    def mean(self) -> Array:
        """matrix @ source_mean."""
        return la.matvec(self.matrix, self.source_mean)

    @property
    def covariance(self) -> Array:
        """matrix @ source_covariance @ matrix'."""
        return self._keep("covariance", lambda: self.matrix @ self.source_covariance @ la.transpose(self.matrix))

    @property
    def precision(self) -> Array:
        """None exists; nan."""
        return la.inv(self.covariance) * np.nan

    @property
    def weighted_mean(self) -> Array:
        """None exists; nan."""
        return self.mean * np.nan

    def entropy(self) -> Array:
        """The entropy of the free coordinates."""
        return self.source.entropy()

    def log_pdf(self, x: Array) -> Array:
        """The log density of the free coordinates at the point that maps to x; -inf off the subspace.

        Example:
            >>> twice = EmbeddedNormal([0.0], [[1.0]], [[1.0], [1.0]])
            >>> twice.log_pdf([0.0, 1.0]), round(twice.log_pdf([0.0, 0.0]), 6)
            (-inf, -0.918939)
        """
        x = np.asarray(x, dtype=float)
        up = la.transpose(self.matrix)
        z = la.solve_vector(up @ self.matrix, la.matvec(up, x))
        off = np.abs(la.matvec(self.matrix, z) - x).max(axis=-1) > 1e-9 * (1.0 + np.abs(x).max(axis=-1))
        value = np.where(off, -np.inf, self.source.log_pdf(z))
        return value if value.ndim else float(value)

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch, d)."""
        return la.matvec(self.matrix, self.source.sample(rng, n))
