"""Moments of exp(ξ x - w x²/2 - (a x + b exp(c x + d x²/2)) / 2) in plain floats: for one row a third of what arrays cost.

The steps are those of ExponentialLinearQuadratic for batches: Newton's method within an e-folding of E, the range in which the
density has fallen by 40 on both sides of the mode, the trapezoidal rule.
"""

import math
from typing import NamedTuple

from reactivepgm.numerics.array import Array

FALL = 40.0
"""exp(-40) is below the rounding of a double."""
ITERATIONS = 200
POINTS = 24, 4000
"""At least and at most."""


class Tilted(NamedTuple):
    """What the trapezoidal rule gives: log of the integral, mean, variance, each (*batch,)."""

    log_norm: Array
    mean: Array
    variance: Array


def tilted_floats(a: float, b: float, c: float, d: float, xi: float, w: float) -> Tilted | None:
    """Log of the integral, mean and variance; None where a limit is met (flat, infinite, improper) that arrays know.

    Example:
        >>> round(tilted_floats(1.0, 1.0, -1.0, 0.0, 0.0, 0.5).variance, 6)
        0.996007
    """
    if not (b > 0.0 and d >= 0.0 and (w > 0.0 or d > 0.0 or (xi - 0.5 * a) * c > 0.0)):
        return None
    try:
        return _moments(xi - 0.5 * a, math.log(0.5 * b), c, d, w)
    except (ArithmeticError, ValueError):
        return None


def _moments(eta: float, level: float, c: float, d: float, w: float) -> Tilted | None:
    root = math.sqrt(d)
    x = _start(eta, level, c, d, w)
    for _ in range(ITERATIONS):
        slope = c + d * x
        bend = math.exp(level + x * (c + 0.5 * d * x))
        curvature = w + (d + slope * slope) * bend
        step = (eta - w * x - slope * bend) / curvature
        limit = 2.0 / (abs(slope) + root)
        size = abs(step)
        if size > limit:
            x += step * limit / size
        else:
            x += step
            if step * step * curvature < 1e-6 and size < limit:
                break
    at = math.exp(level + x * (c + 0.5 * d * x))
    slope = c + d * x
    left, right = _reach(at, slope, w, d)
    bell = 0.5 / math.sqrt(w + (d + slope * slope) * at)
    edge = 0.33 / (max(abs(slope - d * left), abs(slope + d * right)) + root)
    width = left + right
    if not width < math.inf:
        return None
    n = max(POINTS[0], min(math.ceil(width / min(bell, edge)), POINTS[1]))
    return _summed(eta, w, x, at, slope, d, -left, width / n, n)


def _start(eta: float, level: float, c: float, d: float, w: float) -> float:
    base = eta / w if w > 0.0 else -c / d if d > 0.0 else -level / c
    excess = level - 3.0
    if excess + base * (c + 0.5 * d * base) <= 0.0:
        return base
    disc = c * c - 2.0 * d * excess
    if disc <= 0.0:
        return -c / d
    root = math.sqrt(disc)
    if c + d * base >= 0.0:
        return -2.0 * excess / (c + root) if c >= 0.0 else (root - c) / d
    return 2.0 * excess / (root - c) if c <= 0.0 else -(c + root) / d


def _reach(height: float, slope: float, w: float, d: float) -> tuple[float, float]:
    ratio = FALL / height
    curved = w + d * height
    bell = math.sqrt(2.0 * FALL / curved) if curved > 0.0 else math.inf
    steep = abs(slope)
    if steep == 0.0:
        return bell, bell
    up = math.sqrt(2.0 * ratio)
    down = min((ratio + min(up, 1.0)) / steep, bell)
    for _ in range(3):
        up = math.log1p(ratio + up)
    up = min(up / steep, bell)
    return (down, up) if slope > 0.0 else (up, down)


def _summed(eta: float, w: float, x: float, at: float, slope: float, d: float, gap: float, h: float, n: int) -> Tilted:
    rest = eta - w * x - slope * at  # zero, but for what Newton's method left
    half_w, half_d = 0.5 * w, 0.5 * d
    exp, expm1 = math.exp, math.expm1
    total = first = second = 0.0
    for _ in range(n + 1):
        linear, square = slope * gap, gap * gap
        rise = linear + half_d * square
        if rise < 700.0:
            weight = exp(rest * gap - half_w * square - at * (expm1(rise) - linear))
            total += weight
            weight *= gap
            first += weight
            second += weight * gap
        gap += h
    mean = first / total
    log_norm = eta * x - half_w * x * x - at + math.log(total * h)
    return Tilted(log_norm, x + mean, second / total - mean * mean)
