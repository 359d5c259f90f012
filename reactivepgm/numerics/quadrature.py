"""Gauss quadrature: nodes and weights, and expectations under normals and on intervals.

Hermite    E f(x), x ~ N(m, v)         = sum_i w_i f(m + sqrt(v) x_i)
Laguerre   ∫_0^∞ exp(-x) f(x) dx       = sum_i w_i f(x_i)
Legendre   ∫_a^b f(x) dx               = (b-a)/2 sum_i w_i f((a+b)/2 + (b-a)/2 x_i)        Golub & Welsch 1969
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import sqrt

Rule = tuple[tuple[float, ...], tuple[float, ...]]


@lru_cache(maxsize=64)
def gauss_hermite(n: int) -> Rule:
    """Nodes and weights for N(0, 1); the weights sum to one.

    Example:
        >>> nodes, weights = gauss_hermite(3)
        >>> round(sum(w * x**4 for x, w in zip(nodes, weights)), 12)
        3.0
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    return tuple(nodes.tolist()), tuple((weights / weights.sum()).tolist())


@lru_cache(maxsize=64)
def gauss_laguerre(n: int) -> Rule:
    """Nodes and weights for exp(-x) on the positive half-line.

    Example:
        >>> nodes, weights = gauss_laguerre(3)
        >>> round(sum(w * x**2 for x, w in zip(nodes, weights)), 12)
        2.0
    """
    nodes, weights = np.polynomial.laguerre.laggauss(n)
    return tuple(nodes.tolist()), tuple(weights.tolist())


@lru_cache(maxsize=64)
def gauss_legendre(n: int) -> Rule:
    """Nodes and weights on [-1, 1].

    Example:
        >>> nodes, weights = gauss_legendre(2)
        >>> round(sum(w * x**2 for x, w in zip(nodes, weights)), 12)
        0.666666666667
    """
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return tuple(nodes.tolist()), tuple(weights.tolist())


def expectation(f: Callable[[Array], Array], mean: Array, variance: Array, n: int = 21) -> Array:
    """E f(x) under N(mean, variance); exact for polynomials of degree up to 2n - 1.

    Args:
        f: called once per node with an array of the batch's shape (a float for floats).
        mean: (*batch,).
        variance: (*batch,).
        n: how many nodes.

    Example:
        >>> round(expectation(lambda x: x * x, 1.0, 2.0, n=5), 12)
        3.0
    """
    std = sqrt(variance)
    nodes, weights = gauss_hermite(n)
    total = weights[0] * f(mean + std * nodes[0])
    for node, weight in zip(nodes[1:], weights[1:], strict=True):
        total = total + weight * f(mean + std * node)
    return total


def integral(f: Callable[[Array], Array], low: Array, high: Array, n: int = 21) -> Array:
    """The integral of f from low to high; exact for polynomials of degree up to 2n - 1.

    Example:
        >>> round(integral(lambda x: x * x, 0.0, 3.0, n=5), 12)
        9.0
    """
    centre, half = 0.5 * (high + low), 0.5 * (high - low)
    nodes, weights = gauss_legendre(n)
    total = weights[0] * f(centre + half * nodes[0])
    for node, weight in zip(nodes[1:], weights[1:], strict=True):
        total = total + weight * f(centre + half * node)
    return half * total


def laguerre_integral(f: Callable[[Array], Array], scale: Array = 1.0, n: int = 21) -> Array:
    """E f(x) for an exponential variable x with the given mean, ∫ exp(-x/s)/s f(x) dx.

    Example:
        >>> round(laguerre_integral(lambda x: x, scale=2.0, n=5), 12)
        2.0
    """
    nodes, weights = gauss_laguerre(n)
    total = weights[0] * f(scale * nodes[0])
    for node, weight in zip(nodes[1:], weights[1:], strict=True):
        total = total + weight * f(scale * node)
    return total
