"""Parameters from expected logarithms, by Newton's method.

Gamma       log a - psi(a) = log E x - E log x
Dirichlet   psi(alpha_k) - psi(sum alpha) = E log x_k               Minka 2000, "Estimating a Dirichlet distribution"
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import InferenceError
from reactivepgm.numerics.special import digamma, trigamma

Floats = NDArray[np.float64]

_STEPS = 200
_TOLERANCE = 1e-13


def gamma_from_logs(mean: Floats, mean_log: Floats) -> Floats:
    """The shape of the Gamma with given E x and E log x, (*batch,).

    Raises:
        InferenceError: no Gamma has these expectations.

    Example:
        >>> round(float(gamma_from_logs(np.array(1.5), digamma(3.0) - np.log(2.0))), 10)
        3.0
    """
    gap = np.log(mean) - mean_log
    if not (gap > 0.0).all():
        raise InferenceError(f"no Gamma has E x = {mean} and E log x = {mean_log}")
    shape = (3.0 - gap + np.sqrt((gap - 3.0) ** 2 + 24.0 * gap)) / (12.0 * gap)
    for _ in range(_STEPS):
        # In 1/shape, where the equation is almost linear.
        slope = 1.0 / shape - trigamma(shape)
        inverse = 1.0 / shape + (np.log(shape) - digamma(shape) - gap) / (shape * shape * slope)
        fresh = np.where(inverse > 0.0, 1.0 / np.where(inverse > 0.0, inverse, 1.0), 2.0 * shape)
        done = np.abs(fresh - shape) <= _TOLERANCE * shape
        shape = fresh
        if done.all():
            break
    return np.asarray(shape)


def beta_from_logs(mean_log: Floats, mean_log_complement: Floats) -> tuple[Floats, Floats]:
    """a and b of the Beta with given E log x and E log(1 - x).

    Example:
        >>> a, b = beta_from_logs(digamma(2.0) - digamma(5.0), digamma(3.0) - digamma(5.0))
        >>> round(float(a), 10), round(float(b), 10)
        (2.0, 3.0)
    """
    alpha = dirichlet_from_logs(np.stack([mean_log, mean_log_complement], axis=-1))
    return alpha[..., 0], alpha[..., 1]


def dirichlet_from_logs(mean_log: Floats) -> Floats:
    """The alpha (*batch, K) of the Dirichlet with given E log x_k.

    Raises:
        InferenceError: no Dirichlet has these expectations.

    Example:
        >>> dirichlet_from_logs(digamma([1.0, 2.0]) - digamma(3.0)).round(10)
        array([1., 2.])
    """
    mean_log = np.asarray(mean_log, dtype=float)
    if not (np.exp(mean_log).sum(axis=-1) < 1.0).all():
        raise InferenceError(f"no Dirichlet has E log x = {mean_log}")
    alpha = _started(mean_log)
    for _ in range(_STEPS):
        total = alpha.sum(axis=-1, keepdims=True)
        gradient = digamma(total) - digamma(alpha) + mean_log
        diagonal = -trigamma(alpha)
        constant = trigamma(total)
        shared = (gradient / diagonal).sum(axis=-1, keepdims=True) / (1.0 / constant + (1.0 / diagonal).sum(-1, keepdims=True))
        step = (gradient - shared) / diagonal
        fresh = alpha - step
        # A step that leaves the positive numbers is too long; halving each parameter is safe.
        fresh = np.where((fresh > 0.0).all(axis=-1, keepdims=True), fresh, 0.5 * alpha)
        done = np.abs(fresh - alpha) <= _TOLERANCE * alpha
        alpha = fresh
        if done.all():
            break
    return alpha


def _started(mean_log: Floats) -> Floats:
    """Proportions by the geometric means; the concentration by Stirling's formula (Minka 2000, appendix)."""
    share = np.exp(mean_log)
    lost = -np.log(share.sum(axis=-1, keepdims=True))
    share = share / share.sum(axis=-1, keepdims=True)
    return np.asarray(share * (0.5 * (share.shape[-1] - 1.0) / lost))
