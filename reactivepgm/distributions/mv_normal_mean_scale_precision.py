"""The multivariate normal whose precision is a multiple of the identity.

p(x) = (g / 2 pi)^(d/2) exp(-g |x - m|^2 / 2),   natural parameters (g m, g I), shared with the other normals
"""

from typing import Any, ClassVar

from reactivepgm.distributions.mv_normal import MultivariateNormal
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import log, reciprocal


class MvNormalMeanScalePrecision(MultivariateNormal):
    """Multivariate normal by mean and one precision for all components, which are independent.

    Args:
        mean: (*batch, d).
        scale: (*batch,), the precision of every component.

    Example:
        >>> MvNormalMeanScalePrecision([1.0, 2.0], 4.0).covariance.tolist()
        [[0.25, 0.0], [0.0, 0.25]]
    """

    __slots__ = ("mean", "scale")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 1, "scale": 0}
    mean: Array
    scale: Array

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        """A vector and a number always fit."""

    @classmethod
    def _too_few_axes(cls, name: str, rank: int, value: Array) -> Any:
        super(MultivariateNormal, cls)._too_few_axes(name, rank, value)

    def _multiple_of_identity(self, factor: Array) -> Array:
        identity = la.eye(self.mean.shape[-1], self.mean)
        return (factor[..., None, None] if getattr(factor, "ndim", 0) else factor) * identity

    @property
    def precision(self) -> Array:
        """scale times the identity."""
        return self._keep("precision", lambda: self._multiple_of_identity(self.scale))

    @property
    def covariance(self) -> Array:
        """The identity over scale."""
        return self._keep("covariance", lambda: self._multiple_of_identity(reciprocal(self.scale)))

    @property
    def weighted_mean(self) -> Array:
        """scale * mean."""
        return (self.scale[..., None] if getattr(self.scale, "ndim", 0) else self.scale) * self.mean

    def _log_det_covariance(self) -> Array:
        return -self.mean.shape[-1] * log(self.scale)
