"""A Gaussian belief through a function, by 2d + 1 sigma points: the unscented transform as a linear regression.

Points        m and m ± sqrt(s) l_k, l_k the columns of L, L L' = V, s = α²(d + κ)
Weights       1/(2 s) each; of the central point 1 - d/s for the mean, 2 - d/s - α² + β for the covariance
Regression    o_k, e_k: odd and even part of f - f(m) along l_k;   A L = [o_1 ... o_d] / sqrt(s),   δ = sum e_k / s
              mean f(m) + δ,   noise sum e_k e_k' / s + (β - α²) δ δ'
                                        Wan and van der Merwe 2000, algorithm 2.1; Lefebvre, Bruyninckx, De Schutter 2002

The covariance A V A' + noise and the cross-covariance A V are those of the transform. Written in odd and even parts no
large numbers cancel, however small α is, and without curvature the noise is exactly zero.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np

from reactivepgm.approximations.linearisation import Affine, against_root, square_root
from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import matvec, outer, symmetrise, transpose


def unscented(
    f: Callable[[Array], Array],
    mean: Array,
    covariance: Array,
    *,
    alpha: float = 1e-3,
    beta: float = 2.0,
    kappa: float = 0.0,
) -> Affine:
    """The linear map with noise that has the moments of the unscented transform.

    Args:
        f: maps (..., d) to (..., e) with any leading axes; called once, on all points of all rows.
        mean: (*batch, d).
        covariance: (*batch, d, d).
        alpha: how far the points lie from the mean.
        beta: weight of the central point; 2 is best for Gaussians.
        kappa: a second parameter of the distance.

    Raises:
        InvalidParameterError: the points have no positive distance from the mean.

    Example:
        >>> fit = unscented(lambda x: x**2, np.array([0.0]), np.array([[1.0]]), alpha=1.0)
        >>> [part.tolist() for part in fit.moments(np.array([0.0]), np.array([[1.0]]))]
        [[1.0], [[2.0]]]
    """
    d = mean.shape[-1]
    s = alpha * alpha * (d + kappa)
    if not s > 0.0:
        raise InvalidParameterError(f"Unscented: alpha² (d + kappa) must be positive; alpha={alpha}, kappa={kappa}, d={d}")
    root = square_root(covariance)
    steps = sqrt(s) * np.moveaxis(root, -1, 0)
    images = np.asarray(f(np.concatenate([mean[None], mean + steps, mean - steps])))
    centre = images[0]
    plus, minus = images[1 : d + 1] - centre, images[d + 1 :] - centre
    odd, even = 0.5 * (plus - minus), 0.5 * (plus + minus)
    matrix = against_root(np.moveaxis(odd, 0, -1) / sqrt(s), root)
    drift = even.sum(axis=0) / s
    columns = np.moveaxis(even, 0, -1)
    noise = columns @ transpose(columns) / s + (beta - alpha * alpha) * outer(drift)
    return Affine(matrix, centre + drift - matvec(matrix, mean), symmetrise(noise))
