"""A Gaussian belief through a function, by Gauss-Hermite cubature on a grid: the best linear map and what it leaves.

x = m + L ξ,   ξ ~ N(0, I) by n points a coordinate with weights w
mean  μ = sum w f,   A L = sum w (f - μ) ξ',   noise = sum w r r',  r = f - μ - A L ξ
                                                          Arasaratnam, Haykin and Elliott 2007; Ito and Xiong 2000

Moments of polynomials of degree n - 1 are exact (degree 2n - 1 for the mean).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from reactivepgm.approximations.linearisation import Affine, against_root, square_root
from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import matvec, symmetrise
from reactivepgm.numerics.quadrature import gauss_hermite

_MOST = 10**6


def gauss_hermite_regression(f: Callable[[Array], Array], mean: Array, covariance: Array, *, n: int = 11) -> Affine:
    """The linear regression of f(x) on x under a Gaussian belief, with the remaining covariance as noise.

    Args:
        f: maps (..., d) to (..., e) with any leading axes; called once, on all points of all rows.
        mean: (*batch, d).
        covariance: (*batch, d, d).
        n: points a coordinate; n^d in all.

    Raises:
        InvalidParameterError: more than a million points a row.

    Example:
        >>> fit = gauss_hermite_regression(lambda x: x**2, np.array([1.0]), np.array([[1.0]]), n=3)
        >>> [part.round(9).tolist() for part in fit.moments(np.array([1.0]), np.array([[1.0]]))]
        [[2.0], [[6.0]]]
    """
    d = mean.shape[-1]
    if n**d > _MOST:
        raise InvalidParameterError(f"GaussHermite({n}) of {d} coordinates has {n}^{d} points; Unscented() has {2 * d + 1}")
    nodes, weights = gauss_hermite(n)
    grid = np.array(list(product(nodes, repeat=d)))
    mass = np.prod(np.array(list(product(weights, repeat=d))), axis=-1)
    root = square_root(covariance)
    offsets = np.einsum("...ij,mj->m...i", root, grid)
    images = np.asarray(f(mean + offsets))
    centre = np.tensordot(mass, images, axes=1)
    gaps = images - centre
    gain = np.einsum("m,m...e,md->...ed", mass, gaps, grid)
    rest = gaps - np.einsum("...ed,md->m...e", gain, grid)
    noise = np.einsum("m,m...a,m...b->...ab", mass, rest, rest)
    matrix = against_root(gain, root)
    return Affine(matrix, centre - matvec(matrix, mean), symmetrise(noise))
