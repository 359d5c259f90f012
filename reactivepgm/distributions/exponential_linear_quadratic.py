"""The message of a hierarchical Gaussian filter: log f(x) = -(a x + b exp(c x + d x²/2)) / 2, up to a constant.

With b > 0 and d >= 0 it is log-concave, and so is its product with a normal of natural parameters (ξ, w):
    log g(x) = η x - w x²/2 - E(x),     η = ξ - a/2,     E(x) = exp(log(b/2) + c x + d x²/2)
Mode         Newton's method on log g, in a trust region of one e-folding of E
Range        around the mode μ, with s = c + d μ and E at μ, log g falls by at least
             (w + d E) Δ²/2   and   E (exp(s Δ) - 1 - s Δ),   so closed forms bound where it has fallen by 40
Moments      trapezoidal rule in that range, geometrically convergent (Trefethen and Weideman 2014, section 5)
Product      with a normal: the normal of the same moments; with another of its kind: held as a product of densities
Source       Şenöz and de Vries 2018, "Online variational message passing in the hierarchical Gaussian filter"
"""

import math
from typing import Any, ClassVar

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.indexing import draw_shape
from reactivepgm.distributions.normal import NormalMeanVariance, UnivariateNormal
from reactivepgm.distributions.product import _table as product_table
from reactivepgm.distributions.tilted import FALL, ITERATIONS, POINTS, Tilted, tilted_floats
from reactivepgm.numerics.array import Array, as_scalar
from reactivepgm.numerics.elementary import divide, exp, log, log1p, quiet, sqrt, where

_FLOATS = {float}


class ExponentialLinearQuadratic(Distribution):
    """The density proportional to exp(-(a x + b exp(c x + d x²/2)) / 2) on the real line.

    Args:
        a: (*batch,), the slope of the linear part.
        b: (*batch,), positive.
        c: (*batch,).
        d: (*batch,), not negative. With d = 0 the density is proper where a and c have opposite signs.

    Example:
        >>> message = ExponentialLinearQuadratic(a=1.0, b=1.0, c=-1.0, d=0.0)  # -log of a chi-squared variable
        >>> round(message.mean, 6), round(message.variance, 6)
        (1.270363, 4.934802)
    """

    __slots__ = ("a", "b", "c", "d")
    parameter_ranks: ClassVar[dict[str, int]] = {"a": 0, "b": 0, "c": 0, "d": 0}
    a: Array
    b: Array
    c: Array
    d: Array

    def log_pdf(self, x: Array) -> Array:
        """log f(x) without its constant, (*batch,)."""
        if type(x) is int:
            x = float(x)
        x = x if type(x) is float else np.asarray(x)
        return as_scalar(-0.5 * (self.a * x + self.b * exp(self.c * x + 0.5 * self.d * x * x)))

    @property
    def mean(self) -> Array:
        """E x, (*batch,); nan where the density is improper."""
        return self.tilted(0.0, 0.0).mean

    @property
    def variance(self) -> Array:
        """The variance, (*batch,)."""
        return self.tilted(0.0, 0.0).variance

    @property
    def mode(self) -> Array:
        """Where the density is highest, (*batch,)."""
        return self._peak(0.0, 0.0)

    def entropy(self) -> Array:
        """-E log of the normalised density, (*batch,)."""
        log_norm, mean, _ = self.tilted(0.0, 0.0)
        x, weights = self._grid(4096)
        b, c, d = (np.asarray(v)[..., None] for v in (self.b, self.c, self.d))
        bend = (weights * b * np.exp(c * x + 0.5 * d * x * x)).sum(-1)
        return as_scalar(log_norm + 0.5 * (self.a * mean + bend))

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws by inverting the distribution function on a fine grid, (n, *batch)."""
        x, weights = (g.reshape(-1, g.shape[-1]) for g in self._grid(4096))
        shape = draw_shape(n, self.batch_shape)
        columns = np.reshape(rng.random(shape), (-1, len(x)))
        middle = np.cumsum(weights, axis=-1) - 0.5 * weights
        drawn = [np.interp(columns[:, k], middle[k], x[k]) for k in range(len(x))]
        return as_scalar(np.stack(drawn, axis=-1).reshape(shape))

    def tilted(self, weighted_mean: Array, precision: Array) -> Tilted:
        """Integral and moments of the product with exp(ξ x - w x²/2).

        Args:
            weighted_mean: ξ, (*batch,).
            precision: w, (*batch,), not negative.

        Example:
            >>> flat = ExponentialLinearQuadratic(0.0, 0.0, 1.0, 1.0)
            >>> round(flat.tilted(2.0, 4.0).variance, 9)
            0.25
        """
        w, a, b, c, d = precision, self.a, self.b, self.c, self.d
        if {type(a), type(b), type(c), type(d), type(weighted_mean), type(w)} == _FLOATS:
            found = tilted_floats(a, b, c, d, weighted_mean, w)
            if found is not None:
                return found
        proper = (w > 0.0) | ((self.b > 0.0) & ((d > 0.0) | ((weighted_mean - 0.5 * self.a) * c > 0.0)))
        peak = where(proper, self._peak(weighted_mean, w), math.nan)
        if type(peak) is float and peak != peak:
            return Tilted(math.nan, math.nan, math.nan)
        height, slope = self._bend(peak), c + d * peak
        left, right = _reach(height, slope, w, d)
        step = _step(height, slope, w, d, left, right)
        rest = weighted_mean - 0.5 * self.a - w * peak - slope * height  # zero, but for what Newton's method left
        points = max(POINTS[0], int(np.nanmax(np.ceil(np.asarray((left + right) / step)), initial=0.0)) + 1)
        steps = np.linspace(0.0, 1.0, min(points, POINTS[1]))
        peaked = [np.asarray(v)[..., None] for v in (peak, height, slope, rest, left, right, w, d)]
        top, at, s, tilt, lo, hi, w_, d_ = peaked
        gap = -lo + (hi + lo) * steps
        with quiet(gap):
            rise = s * gap + 0.5 * d_ * gap * gap
            weights = np.exp(tilt * gap - 0.5 * w_ * gap * gap - at * (np.expm1(rise) - s * gap))
            total = weights.sum(-1)
            mean = (weights * gap).sum(-1) / total
            second = (weights * (gap - mean[..., None]) ** 2).sum(-1) / total
            width = ((hi + lo)[..., 0]) * (steps[1] - steps[0])
            log_norm = self._level(weighted_mean, w, top[..., 0], at[..., 0]) + np.log(total * width)
        return Tilted(as_scalar(log_norm), as_scalar(top[..., 0] + mean), as_scalar(second))

    def _level(self, xi: Array, w: Array, x: Array, at: Array) -> Array:
        return (xi - 0.5 * self.a) * x - 0.5 * w * x * x - at

    def _bend(self, x: Array) -> Array:
        """E(x) = b exp(c x + d x²/2) / 2."""
        return exp(log(0.5 * self.b) + x * (self.c + 0.5 * self.d * x))

    def _peak(self, xi: Array, w: Array) -> Array:
        """The mode of the product with exp(ξ x - w x²/2)."""
        c, d = self.c, self.d
        eta, level = xi - 0.5 * self.a, log(0.5 * self.b)
        x = _start(eta, w, c, d, level)
        root = sqrt(d)
        for _ in range(ITERATIONS):
            slope = c + d * x
            bend = exp(level + x * (c + 0.5 * d * x))
            curvature = w + (d + slope * slope) * bend
            step = divide(eta - w * x - slope * bend, curvature)
            limit = divide(2.0, abs(slope) + root)
            size = abs(step)
            step = where(size > limit, divide(step * limit, size), step)
            x = x + step
            if _all((step * step * curvature < 1e-6) & (size < limit)):
                break
        return x

    def _grid(self, points: int) -> tuple[Array, Array]:
        peak = self._peak(0.0, 0.0)
        height, slope = self._bend(peak), self.c + self.d * peak
        left, right = _reach(height, slope, 0.0, self.d)
        peak, left, right, a, b, c, d = (np.asarray(v)[..., None] for v in (peak, left, right, self.a, self.b, self.c, self.d))
        x = peak - left + (left + right) * np.linspace(0.0, 1.0, points)
        with quiet(x):
            height = -0.5 * (a * x + b * np.exp(c * x + 0.5 * d * x * x))
            weights = np.exp(height - height.max(-1, keepdims=True))
        return x, weights / weights.sum(-1, keepdims=True)


def _all(condition: Any) -> bool:
    return condition if type(condition) is bool else bool(np.all(condition | ~np.isfinite(condition)))


def _start(eta: Array, w: Array, c: Array, d: Array, level: Array) -> Array:
    """The mode without E, or where E is about e³ on the way from there to lower E, so that E does not overflow."""
    base = where(w > 0.0, divide(eta, w), where(d > 0.0, divide(-c, d), divide(-level, c)))
    base = where(base == base, base, 0.0)
    excess = level - 3.0
    disc = c * c - 2.0 * d * excess
    root = sqrt(where(disc > 0.0, disc, 0.0))
    right = c + d * base >= 0.0
    # Both roots of d x²/2 + c x + excess = 0, each by the form that does not cancel; linear where d = 0.
    plus = where(c >= 0.0, divide(-2.0 * excess, c + root), divide(root - c, d))
    minus = where(c <= 0.0, divide(2.0 * excess, root - c), divide(-(c + root), d))
    crossing = where(disc > 0.0, where(right, plus, minus), divide(-c, d))
    high = (excess + base * (c + 0.5 * d * base) > 0.0) & (crossing == crossing)
    return where(high, crossing, base)


def _reach(height: Array, slope: Array, w: Array, d: Array) -> tuple[Array, Array]:
    """How far to the left and to the right of the mode the density lives."""
    ratio = divide(FALL, height)
    bell = sqrt(divide(2.0 * FALL, w + d * height))
    up = sqrt(2.0 * ratio)
    down = ratio + where(up < 1.0, up, 1.0)
    for _ in range(3):
        up = log1p(ratio + up)
    steep = abs(slope)
    up, down = divide(up, steep), divide(down, steep)
    up, down = where(up < bell, up, bell), where(down < bell, down, bell)
    rising = slope > 0.0
    return where(rising, down, up), where(rising, up, down)


def _step(height: Array, slope: Array, w: Array, d: Array, left: Array, right: Array) -> Array:
    """A step at which the trapezoidal rule is exact to rounding: against the width of the bell and of the edge."""
    bell = divide(0.5, sqrt(w + (d + slope * slope) * height))
    low, high = abs(slope - d * left), abs(slope + d * right)
    edge = divide(0.33, where(low > high, low, high) + sqrt(d))
    return where(bell < edge, bell, edge)


def _with_normal(normal: UnivariateNormal, message: ExponentialLinearQuadratic) -> NormalMeanVariance:
    """The normal that has the product's moments (assumed density filtering); a certain normal stays as it is."""
    with quiet(normal.mean, normal.precision):
        _, mean, variance = message.tilted(normal.weighted_mean, normal.precision)
    certain = normal.variance == 0.0
    return NormalMeanVariance._of(where(certain, normal.mean, mean), where(certain, 0.0, variance))


def _of_normal(message: ExponentialLinearQuadratic, normal: UnivariateNormal) -> NormalMeanVariance:
    return _with_normal(normal, message)


product_table.add((UnivariateNormal, ExponentialLinearQuadratic), _with_normal)
product_table.add((ExponentialLinearQuadratic, UnivariateNormal), _of_normal)
