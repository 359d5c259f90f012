"""Student's t distribution by location, scale and degrees of freedom; a normal whose precision is a Gamma.

p(x) = Γ((ν+1)/2) / (Γ(ν/2) sqrt(ν π) s) (1 + z²/ν)^(-(ν+1)/2),  z = (x - location) / s. It has no group.
"""

import math
from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import divide, log, log1p, where
from reactivepgm.numerics.special import betaln, digamma, gammaln

_LOG_PI = math.log(math.pi)


class StudentT(Distribution):
    """Student's t.

    Args:
        location: (*batch,).
        scale: (*batch,).
        df: degrees of freedom, (*batch,).

    Example:
        >>> StudentT(1.0, 2.0, 4.0).variance, StudentT(0.0, 1.0, 2.0).variance
        (8.0, inf)
    """

    __slots__ = ("df", "location", "scale")
    parameter_ranks: ClassVar[dict[str, int]] = {"location": 0, "scale": 0, "df": 0}
    location: Array
    scale: Array
    df: Array

    @property
    def mean(self) -> Array:
        """The location; nan for one degree of freedom and less."""
        return where(self.df > 1.0, self.location, math.nan)

    @property
    def variance(self) -> Array:
        """scale² ν / (ν - 2); inf for two degrees of freedom and less, nan for one and less."""
        spread = self.scale * self.scale * divide(self.df, self.df - 2.0)
        return where(self.df > 2.0, spread, where(self.df > 1.0, math.inf, math.nan))

    @property
    def mode(self) -> Array:
        """The location."""
        return self.location

    def entropy(self) -> Array:
        """(ν+1)/2 (ψ((ν+1)/2) - ψ(ν/2)) + log(sqrt ν B(ν/2, 1/2)) + log scale."""
        half = 0.5 * self.df
        value = (half + 0.5) * (digamma(half + 0.5) - digamma(half)) + 0.5 * log(self.df) + betaln(half, 0.5) + log(self.scale)
        return value if not self.batch_shape else np.broadcast_to(value, self.batch_shape)

    def log_pdf(self, x: Array) -> Array:
        """The log density.

        Example:
            >>> round(StudentT(0.0, 1.0, 1.0).log_pdf(0.0), 6)
            -1.14473
        """
        df = self.df
        z = (as_array(x) - self.location) / self.scale
        height = gammaln(0.5 * df + 0.5) - gammaln(0.5 * df) - 0.5 * (log(df) + _LOG_PI) - log(self.scale)
        return as_scalar(height - (0.5 * df + 0.5) * log1p(z * z / df))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch)."""
        return self._drawn(self.location + self.scale * rng.standard_t(self.df, draw_shape(n, self.batch_shape)))
