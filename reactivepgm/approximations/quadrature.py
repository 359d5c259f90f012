"""A scalar density of any shape as weighted points: Gauss-Legendre panels that double in width away from the peak.

The support is stretched to the real line first, where every density that normalises falls off at least exponentially:

(0, inf)  x = e^u          (a, b)  x = a + (b - a) / (1 + e^-u)          p(u) = p(x(u)) |dx/du|

Panels are halved until the integral of the density stays; what lies more than 150 nats below the peak is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reactivepgm.approximations.peak import Function, finite, guesses, peak
from reactivepgm.approximations.support import support_of
from reactivepgm.distributions import Distribution
from reactivepgm.errors import ImproperPosteriorError, ProductError
from reactivepgm.numerics.quadrature import gauss_legendre

Floats = NDArray[np.float64]

_NODES = 20
_NEGLIGIBLE = 150.0
_TOLERABLE = 14.0
_DOUBLINGS = 400
_HALVINGS = 6
_AGREEMENT = 1e-11


@dataclass(frozen=True)
class Points:
    """A normalised density by points and weights, both (m, *batch), and the log of its integral, (*batch,)."""

    x: Floats
    weights: Floats
    log_norm: Floats

    @property
    def mean(self) -> Floats:
        """E x, summed about the point of greatest weight, so that a distant mean keeps its digits."""
        centre = np.take_along_axis(self.x, self.weights.argmax(axis=0)[None], 0)[0]
        return np.asarray(centre + self.expectation(self.x - centre))

    def expectation(self, values: Floats) -> Floats:
        """The weighted sum of values (m, *batch)."""
        return np.asarray((self.weights * np.where(self.weights > 0.0, values, 0.0)).sum(axis=0))


class Chart:
    """An interval stretched to the real line."""

    def __init__(self, low: Floats, high: Floats) -> None:
        self.low, self.high = low, high
        kinds = {(bool(np.isfinite(a)), bool(np.isfinite(b))) for a, b in np.broadcast(low, high)}
        if len(kinds) != 1:
            raise ProductError(f"rows with bounded and with unbounded supports do not mix: {low} ... {high}")
        self.has_low, self.has_high = kinds.pop()

    def value(self, u: Floats) -> Floats:
        """x(u)."""
        if self.has_low and self.has_high:
            # From the nearer end, so that small distances keep their digits.
            step = (self.high - self.low) / (1.0 + np.exp(np.abs(u)))
            return np.where(u < 0.0, self.low + step, self.high - step)
        if self.has_low:
            return self.low + np.exp(u)
        if self.has_high:
            return self.high - np.exp(u)
        return u

    def place(self, x: Floats) -> Floats:
        """u(x), not a number outside the interval."""
        if self.has_low and self.has_high:
            return np.log(x - self.low) - np.log(self.high - x)
        if self.has_low:
            return np.log(x - self.low)
        if self.has_high:
            return np.log(self.high - x)
        return x

    def holds(self, u: Floats) -> NDArray[np.bool_]:
        """Whether the number at u is told apart from the ends."""
        with np.errstate(all="ignore"):
            x = self.value(u)
        return np.asarray(np.isfinite(x) & (x != self.low) & (x != self.high))

    def log_slope(self, u: Floats) -> Floats:
        """log |dx/du|."""
        if self.has_low and self.has_high:
            return np.log(self.high - self.low) - np.abs(u) - 2.0 * np.log1p(np.exp(-np.abs(u)))
        return u if self.has_low or self.has_high else np.zeros_like(u)


def points_of(belief: Distribution) -> Points:
    """A scalar belief, normalised or not, as points with weights.

    Raises:
        ImproperPosteriorError: the density does not normalise.
        ProductError: it is zero everywhere.

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate
        >>> points = points_of(GammaShapeRate(3.0, 2.0))
        >>> round(float(points.expectation(points.x)), 10), abs(round(float(points.log_norm), 10))
        (1.5, 0.0)
    """
    low, high = (np.asarray(end, dtype=float) for end in support_of(belief))
    chart = Chart(low, high)

    def log_density(u: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(belief.log_pdf(chart.value(u)) + chart.log_slope(u))

    with np.errstate(all="ignore"):
        starts = chart.place(guesses(belief))
    # Values outside the support stretch to nan: any finite place will do for those.
    starts = np.where(np.isfinite(starts), starts, 0.0)
    spread = np.linspace(-40.0, 40.0, 81).reshape(-1, *(1,) * (starts.ndim - 1))
    starts = np.concatenate([starts, np.broadcast_to(spread, (81, *starts.shape[1:]))])
    centre, height = peak(log_density, starts)
    if np.isneginf(height).any():
        raise ProductError(f"the density is zero wherever it was looked at: {belief!r}")
    edges = np.concatenate(
        [-_edges(log_density, chart, centre, height, -1.0)[::-1], _edges(log_density, chart, centre, height, 1.0)[1:]]
    )
    return _refined(log_density, chart, centre, height, edges)


def _edges(function: Function, chart: Chart, centre: Floats, height: Floats, side: float) -> Floats:
    """Distances from the centre on one side, (k + 1, *batch): zero, where the density halves, then doubling."""
    step = 1e-9 * (1.0 + np.abs(centre))
    near = np.zeros_like(centre, dtype=bool)
    far = np.zeros_like(near)
    scale, end = step, step
    for _ in range(_DOUBLINGS):
        place = centre + side * step
        drop = height - finite(function, place[None])[0]
        _check(chart.holds(place) | far, function, chart, height, centre, side * step)
        scale = np.where(near, scale, step)
        end = np.where(far, end, step)
        near |= drop >= 0.5
        far |= drop >= _NEGLIGIBLE
        if far.all():
            break
        step = np.where(far, step, 2.0 * step)
    else:
        raise ImproperPosteriorError("a density that is to take a family's form does not normalise: it does not fall off")
    count = int(np.ceil(np.log2(np.max(end / scale)))) + 1
    return np.stack([np.zeros_like(end), *(np.minimum(scale * 2.0**k, end) for k in range(count + 1))])


def _check(fine: NDArray[np.bool_], function: Function, chart: Chart, height: Floats, centre: Floats, step: Floats) -> None:
    """Where the numbers run out before the density has fallen off, mass would be lost.

    Args:
        fine: rows whose numbers reach this step, or whose density fell off before.
        function: the log density.
        chart: tells where the numbers run out.
        height: the highest log density.
        centre: where that is.
        step: the step, with its sign, half of which was still well.
    """
    if fine.all():
        return
    good, bad = 0.5 * step, step
    for _ in range(50):
        middle = 0.5 * (good + bad)
        holds = chart.holds(centre + middle)
        good, bad = np.where(holds, middle, good), np.where(holds, bad, middle)
    drop = height - finite(function, (centre + good)[None])[0]
    if (~fine & (drop < _TOLERABLE)).any():
        raise ImproperPosteriorError("a density that is to take a family's form does not normalise, or hardly does")


def _refined(function: Function, chart: Chart, centre: Floats, height: Floats, edges: Floats) -> Points:
    nodes, weights = (np.asarray(part) for part in gauss_legendre(_NODES))
    axes = (1,) * centre.ndim
    before = np.full(centre.shape, np.nan)
    for _ in range(_HALVINGS):
        middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * (edges[1:] - edges[:-1])
        u = centre + (middle[:, None] + half[:, None] * nodes.reshape(1, -1, *axes)).reshape(-1, *centre.shape)
        widths = (half[:, None] * weights.reshape(1, -1, *axes)).reshape(-1, *centre.shape)
        mass = widths * np.exp(finite(function, u) - height)
        total = mass.sum(axis=0)
        if (np.abs(total - before) <= _AGREEMENT * total).all():
            break
        before = total
        halved = np.empty((2 * len(edges) - 1, *centre.shape))
        halved[::2], halved[1::2] = edges, middle
        edges = halved
    inside = np.nextafter(chart.low, np.inf), np.nextafter(chart.high, -np.inf)
    with np.errstate(over="ignore"):
        x = np.clip(chart.value(u), *inside)
    return Points(x, mass / total, height + np.log(total))
