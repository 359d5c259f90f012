"""The Dirichlet distribution on the simplex.

p(x) = prod_k x_k^(alpha_k - 1) / B(alpha),   natural parameters (alpha - 1,)
E log x_k = digamma(alpha_k) - digamma(sum alpha)
"""

from typing import ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.numerics.array import Array, as_array, as_scalar
from reactivepgm.numerics.elementary import divide, quiet
from reactivepgm.numerics.special import digamma, log_multibeta, xlogy


def mode_of(alpha: Array, axis: int) -> Array:
    """(alpha - 1) / sum(alpha - 1) along an axis, where all alpha exceed one; else nan.

    Example:
        >>> mode_of(np.array([2.0, 4.0]), -1)
        array([0.25, 0.75])
    """
    less = alpha - 1.0
    inside = (less > 0).all(axis=axis, keepdims=True)
    return np.where(inside, divide(less, less.sum(axis=axis, keepdims=True)), np.nan)


def draw(rng: np.random.Generator, alpha: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Dirichlet draws along an axis: gammas, normalised in the log domain so that tiny alphas do not underflow.

    Example:
        >>> x = draw(np.random.default_rng(1), np.full(3, 1e-3), (3,), -1)
        >>> abs(float(x.sum()) - 1.0) < 1e-12
        True
    """
    # Gamma(a) = Gamma(a + 1) U^(1/a)                                               Marsaglia & Tsang 2000, section 8
    log_gamma = np.log(rng.standard_gamma(alpha + 1.0, shape)) - rng.standard_exponential(shape) / alpha
    weights = np.exp(log_gamma - log_gamma.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


def _canonical(power: Array) -> Distribution:
    return Dirichlet._of(power + 1.0)


def _is_proper(power: Array) -> Array:
    return ((power > -1) & (power < np.inf)).all(axis=-1)


DIRICHLET = Group("DIRICHLET", (1,), _canonical, _is_proper)


class Dirichlet(Distribution):
    """Dirichlet by its pseudo-counts.

    Args:
        alpha: (*batch, K).

    Example:
        >>> Dirichlet([1.0, 3.0]).mean
        array([0.25, 0.75])
    """

    __slots__ = ("alpha",)
    parameter_ranks: ClassVar[dict[str, int]] = {"alpha": 1}
    group: ClassVar[Group | None] = DIRICHLET
    alpha: Array

    @property
    def event_shape(self) -> tuple[int, ...]:
        """(K,)."""
        return tuple(self.alpha.shape[-1:])

    @property
    def mean(self) -> Array:
        """alpha / sum alpha."""
        with quiet():
            return self.alpha / self.alpha.sum(axis=-1, keepdims=True)

    @property
    def variance(self) -> Array:
        """m (1 - m) / (sum alpha + 1), component by component."""
        with quiet():
            total = self.alpha.sum(axis=-1, keepdims=True)
            mean = self.alpha / total
            return mean * (1.0 - mean) / (total + 1.0)

    @property
    def covariance(self) -> Array:
        """(diag(m) - m m') / (sum alpha + 1), (*batch, K, K)."""
        with quiet():
            total = self.alpha.sum(axis=-1, keepdims=True)
            mean = self.alpha / total
            spread = mean[..., :, None] * (np.eye(mean.shape[-1], dtype=mean.dtype) - mean[..., None, :])
            return spread / (total[..., None] + 1.0)

    @property
    def mode(self) -> Array:
        """(alpha - 1) / sum(alpha - 1); nan where some alpha does not exceed one."""
        return mode_of(self.alpha, -1)

    @property
    def mean_log(self) -> Array:
        """E log x, (*batch, K)."""
        with quiet():
            return digamma(self.alpha) - digamma(self.alpha.sum(axis=-1, keepdims=True))

    def entropy(self) -> Array:
        """-E log p(x).

        Example:
            >>> round(Dirichlet([1.0, 1.0, 1.0]).entropy(), 6)
            -0.693147
        """
        with quiet():
            return as_scalar(log_multibeta(self.alpha) - ((self.alpha - 1.0) * self.mean_log).sum(axis=-1))

    def log_pdf(self, x: Array) -> Array:
        """The log density at x (..., K) on the simplex, with respect to all components but one; -inf off it.

        Example:
            >>> round(Dirichlet([1.0, 1.0, 1.0]).log_pdf([0.2, 0.3, 0.5]), 6)
            0.693147
        """
        x = as_array(x)
        inside = (x >= 0.0).all(axis=-1) & (abs(x.sum(axis=-1) - 1.0) < 1e-6)
        value = xlogy(self.alpha - 1.0, np.where(x >= 0.0, x, 1.0)).sum(axis=-1) - log_multibeta(self.alpha)
        return as_scalar(np.where(inside, value, -np.inf))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws, (n, *batch, K).

        Example:
            >>> Dirichlet([1.0, 1.0]).sample(np.random.default_rng(1), 5).shape
            (5, 2)
        """
        return self._drawn(draw(rng, self.alpha, draw_shape(n, self.alpha.shape), -1))

    def naturals(self) -> tuple[Array, ...]:
        """(alpha - 1,)."""
        return (self.alpha - 1.0,)
