"""What data say about the shape of a Gamma: log f(x) = gamma x - p log Γ(x), x > 0, up to a constant.

Product      (p1, gamma1) (p2, gamma2) -> (p1 + p2, gamma1 + gamma2), the naturals being (gamma, p)
Proper       p > 0, or p = 0 and gamma < 0
Mode         ψ(x) = gamma / p
Moments      by the trapezoidal rule in log x, where f falls off at least exponentially
Source       Miller 1980, Technometrics 22, 65 (the conjugate prior of a Gamma shape)
"""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.group import Group
from reactivepgm.distributions.indexing import aligned, draw_shape
from reactivepgm.numerics.array import Array, as_scalar
from reactivepgm.numerics.special import digamma, gammaln, trigamma

_POINTS = 300
_NEGLIGIBLE = 40.0
_EULER = 0.5772156649015329


class _Grid(NamedTuple):
    """Points x and their probabilities along the last axis, and the log of the integral of f."""

    x: Array
    weights: Array
    log_norm: Array


def _canonical(gamma: Array, p: Array) -> "GammaShapeLikelihood":
    return GammaShapeLikelihood._of(p, gamma)


def _is_proper(gamma: Array, p: Array) -> Array:
    return (p > 0.0) | ((p == 0.0) & (gamma < 0.0))


GAMMA_SHAPE = Group("GAMMA_SHAPE", (0, 0), _canonical, _is_proper)


class GammaShapeLikelihood(Distribution):
    """The density proportional to exp(gamma x - p log Γ(x)) on x > 0: the message of a Gamma factor toward its shape.

    Args:
        p: how many observations it stands for, (*batch,).
        gamma: their sum of E[log out] + E[log rate], (*batch,).

    Example:
        >>> message = GammaShapeLikelihood(p=3.0, gamma=1.2)
        >>> round(float(message.mean), 6), round(float(message.mode), 6)
        (2.128228, 1.96506)
    """

    __slots__ = ("gamma", "p")
    parameter_ranks: ClassVar[dict[str, int]] = {"p": 0, "gamma": 0}
    group: ClassVar[Group] = GAMMA_SHAPE
    _float_arity: ClassVar[int] = 2

    p: Array
    gamma: Array

    def naturals(self) -> tuple[Array, Array]:
        """(gamma, p)."""
        return self.gamma, self.p

    def log_pdf(self, x: Array) -> Array:
        """log f(x) without its constant, (*batch,)."""
        return self.gamma * x - self.p * gammaln(x)

    @property
    def mean(self) -> Array:
        """E x, (*batch,)."""
        grid = self._grid()
        return as_scalar((grid.weights * grid.x).sum(-1))

    @property
    def variance(self) -> Array:
        """The variance, (*batch,)."""
        grid = self._grid()
        centred = grid.x - (grid.weights * grid.x).sum(-1, keepdims=True)
        return as_scalar((grid.weights * centred * centred).sum(-1))

    @property
    def mode(self) -> Array:
        """Where the density is highest, (*batch,); zero for p = 0, and nan where there is no density."""
        p, gamma = (np.asarray(a) for a in aligned((self.p, self.gamma), (0, 0)))
        top = np.where(p > 0.0, _inverse_digamma(_ratio(gamma, p)), 0.0)
        return as_scalar(np.where(_is_proper(gamma, p), top, np.nan).astype(p.dtype))

    def entropy(self) -> Array:
        """-E log of the normalised density, (*batch,)."""
        grid = self._grid()
        p, gamma = np.asarray(self.p)[..., None], np.asarray(self.gamma)[..., None]
        return as_scalar(grid.log_norm - (grid.weights * (gamma * grid.x - p * gammaln(grid.x))).sum(-1))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws by inverting the distribution function on a fine grid in log x."""
        grid = self._grid(4096)
        shape = draw_shape(n, self.batch_shape)
        u = rng.random(shape)
        x, weights = (g.reshape(-1, g.shape[-1]) for g in (grid.x, grid.weights))
        columns = np.reshape(u, (-1, len(x)))
        middle = np.cumsum(weights, axis=-1) - 0.5 * weights
        drawn = [np.exp(np.interp(columns[:, k], middle[k], np.log(x[k]))) for k in range(len(x))]
        return as_scalar(np.stack(drawn, axis=-1).reshape(shape))

    def _grid(self, points: int = _POINTS) -> _Grid:
        p, gamma = (np.asarray(a)[..., None] for a in aligned((self.p, self.gamma), (0, 0)))
        proper = _is_proper(gamma, p)
        p, gamma = np.where(proper, p, np.nan), np.where(proper, gamma, np.nan)
        peak = np.log(np.where(p > 0.0, _inverse_digamma(_ratio(gamma, p)), -1.0 / np.where(gamma == 0.0, 1.0, gamma)))

        def log_density(t: Array) -> Array:
            x = np.exp(t)
            return gamma * x - p * gammaln(x) + t

        level = log_density(peak) - _NEGLIGIBLE
        left = _crossing(log_density, level, peak, peak - 2.0 * _NEGLIGIBLE)
        right = _crossing(log_density, level, peak, peak + 20.0)
        t = left + (right - left) * np.linspace(0.0, 1.0, points, dtype=p.dtype)
        height = log_density(t)
        top = height.max(-1, keepdims=True)
        weights = np.exp(height - top)
        total = weights.sum(-1, keepdims=True)
        step = (right - left)[..., 0] / (points - 1)
        return _Grid(np.exp(t), weights / total, (top + np.log(total))[..., 0] + np.log(step))


def _crossing(log_density: Callable[[Array], Array], level: Array, inside: Array, outside: Array) -> Array:
    """Where a unimodal log density comes down to a level, by bisection."""
    for _ in range(50):
        middle = 0.5 * (inside + outside)
        above = log_density(middle) > level
        inside, outside = np.where(above, middle, inside), np.where(above, outside, middle)
    return outside


def _ratio(gamma: Array, p: Array) -> Array:
    """gamma / p where p > 0, else a number that does no harm."""
    return np.where(p > 0.0, gamma, 0.0) / np.where(p > 0.0, p, 1.0)


def _inverse_digamma(y: Array) -> Array:
    """x > 0 with ψ(x) = y, by Newton's method from Minka's start (2000, appendix C)."""
    high = y >= -2.22
    x = np.where(high, np.exp(np.where(high, y, 0.0)) + 0.5, -1.0 / np.where(high, -1.0, y + _EULER))
    for _ in range(6):
        x = x - (digamma(x) - y) / trigamma(x)
    return x
