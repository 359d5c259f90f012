"""The von Mises distribution on angles: p(x) = exp(κ cos(x - mean)) / (2 π I_0(κ)),  -π <= x < π.

Natural parameters κ (cos mean, sin mean); E exp(i x) = A(κ) exp(i mean), A = I_1 / I_0          Mardia and Jupp 2000, 3.5
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.bessel import bessel_ratio, log_bessel_i0

_LOG_2PI = math.log(2.0 * math.pi)


def _canonical(cosine: Array, sine: Array) -> "VonMises":
    return VonMises._of(as_scalar(np.arctan2(sine, cosine)), as_scalar(np.hypot(cosine, sine)))


def _is_proper(cosine: Array, sine: Array) -> Array:
    return np.isfinite(cosine) & np.isfinite(sine)


VON_MISES = Group("VON_MISES", (0, 0), _canonical, _is_proper)


class VonMises(Distribution):
    """Von Mises by mean direction and concentration.

    Args:
        mean: an angle, (*batch,).
        concentration: (*batch,), not negative; zero is the uniform distribution of angles.

    Example:
        >>> round(VonMises(0.5, 2.0).length, 6), VonMises(0.0, 0.0).variance
        (0.697775, 1.0)
    """

    __slots__ = ("concentration", "mean")
    parameter_ranks: ClassVar[dict[str, int]] = {"mean": 0, "concentration": 0}
    group: ClassVar[Group | None] = VON_MISES
    mean: Array
    concentration: Array

    @property
    def length(self) -> Array:
        """A(κ) = |E exp(i x)|."""
        return bessel_ratio(self.concentration)

    @property
    def variance(self) -> Array:
        """The circular variance 1 - A(κ)."""
        return 1.0 - self.length

    @property
    def mode(self) -> Array:
        """The mean direction."""
        return self.mean

    def entropy(self) -> Array:
        """log 2 π I_0(κ) - κ A(κ)."""
        k = self.concentration
        value = _LOG_2PI + log_bessel_i0(k) - k * bessel_ratio(k)
        return value if not self.batch_shape else np.broadcast_to(value, self.batch_shape)

    def log_pdf(self, x: Array) -> Array:
        """The log density of an angle, whichever turn it is given in.

        Example:
            >>> round(VonMises(0.0, 0.0).log_pdf(1.0) + math.log(2 * math.pi), 12)
            0.0
        """
        k = self.concentration
        return as_scalar(k * np.cos(as_array(x) - self.mean) - _LOG_2PI - log_bessel_i0(k))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Angles in [-π, π), (n, *batch)."""
        return self._drawn(np.asarray(rng.vonmises(self.mean, self.concentration, draw_shape(n, self.batch_shape))))

    def naturals(self) -> tuple[Array, ...]:
        """κ (cos mean, sin mean)."""
        k, mean = self.concentration, self.mean
        return aligned((as_scalar(k * np.cos(mean)), as_scalar(k * np.sin(mean))), (0, 0))
