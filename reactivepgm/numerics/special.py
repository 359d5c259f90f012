"""Special functions of statistics, floats for floats and arrays for arrays.

multigammaln(a, d)  = d (d-1)/4 log pi + sum_i gammaln(a + (1-i)/2)      i = 1..d
multidigamma(a, d)  = sum_i digamma(a + (1-i)/2)                          Muirhead 1982, section 2.1
log_multibeta(alpha) = sum_k gammaln(alpha_k) - gammaln(sum_k alpha_k)
"""

import importlib
import math
from types import ModuleType
from typing import Any

import numpy as np

from reactivepgm.numerics.array import Array, as_scalar, namespace
from reactivepgm.numerics.deferred import Deferred
from reactivepgm.numerics.elementary import log
from reactivepgm.numerics.layout import along_last

_SPECIAL = Deferred("scipy.special")
_LOG_PI = math.log(math.pi)


def _library(*arrays: Array) -> Any:
    xp = namespace(*arrays)
    if xp is np:
        return _SPECIAL
    return getattr(xp, "special", None) or importlib.import_module(xp.__name__.split(".")[0] + ".scipy.special")


def gammaln(x: Array) -> Array:
    """log |Gamma(x)|; inf at the poles 0, -1, -2, ...

    Example:
        >>> gammaln(1.0), gammaln(0.0)
        (0.0, inf)
    """
    if type(x) is float:
        try:
            return math.lgamma(x)
        except (ValueError, OverflowError):
            return math.inf
    return as_scalar(_library(x).gammaln(x))


def digamma(x: Array) -> Array:
    """The derivative of gammaln.

    Example:
        >>> round(digamma(1.0), 6)
        -0.577216
    """
    return as_scalar(_library(x).digamma(x))


def trigamma(x: Array) -> Array:
    """The second derivative of gammaln.

    Example:
        >>> abs(trigamma(1.0) - math.pi**2 / 6) < 1e-14
        True
    """
    # The Hurwitz zeta function at 2; polygamma would turn float32 into float64.
    return as_scalar(_library(x).zeta(2.0, x))


def betaln(a: Array, b: Array) -> Array:
    """log B(a, b) = gammaln(a) + gammaln(b) - gammaln(a + b), without its cancellation.

    Example:
        >>> betaln(1.0, 1.0)
        0.0
    """
    library = _library(a, b)
    if isinstance(library, ModuleType):  # of another array library; JAX's own has eight digits
        return gammaln(a) + gammaln(b) - gammaln(a + b)
    return as_scalar(library.betaln(a, b))


def log_multibeta(alpha: Array, axis: int = -1) -> Array:
    """The log normaliser of a Dirichlet along an axis.

    Example:
        >>> bool(abs(log_multibeta(np.array([1.0, 1.0, 1.0])) + math.log(2.0)) < 1e-15)
        True
    """
    return as_scalar(gammaln(alpha).sum(axis=axis) - gammaln(alpha.sum(axis=axis)))


def multigammaln(a: Array, d: int) -> Array:
    """The log of the multivariate gamma function of dimension d.

    Example:
        >>> multigammaln(1.5, 1) == gammaln(1.5)
        True
    """
    total = 0.25 * d * (d - 1) * _LOG_PI + gammaln(a)
    for i in range(1, d):
        total = total + gammaln(a - 0.5 * i)
    return total


def multidigamma(a: Array, d: int) -> Array:
    """The derivative of multigammaln in a.

    Example:
        >>> multidigamma(1.5, 1) == digamma(1.5)
        True
    """
    total = digamma(a)
    for i in range(1, d):
        total = total + digamma(a - 0.5 * i)
    return total


def multitrigamma(a: Array, d: int) -> Array:
    """The second derivative of multigammaln in a.

    Example:
        >>> multitrigamma(1.5, 1) == trigamma(1.5)
        True
    """
    total = trigamma(a)
    for i in range(1, d):
        total = total + trigamma(a - 0.5 * i)
    return total


def log_factorial(k: Array) -> Array:
    """log k!

    Example:
        >>> round(log_factorial(4.0), 12) == round(math.log(24.0), 12)
        True
    """
    return gammaln(k + 1.0)


def xlogy(x: Array, y: Array) -> Array:
    """x log y, zero where x is zero.

    Example:
        >>> xlogy(0.0, 0.0)
        0.0
    """
    if type(x) is float and type(y) is float:
        return 0.0 if x == 0.0 and y == y else x * log(y)
    return as_scalar(_library(x, y).xlogy(x, y))


def xlog1py(x: Array, y: Array) -> Array:
    """x log(1 + y), zero where x is zero.

    Example:
        >>> xlog1py(0.0, -1.0)
        0.0
    """
    return as_scalar(_library(x, y).xlog1py(x, y))


def logsumexp(x: Array, axis: int | tuple[int, ...] = -1, keepdims: bool = False) -> Array:
    """log sum exp along axes, without overflow; -inf where all terms are -inf.

    Example:
        >>> logsumexp(np.array([-np.inf, -np.inf])), logsumexp(np.array([1000.0, -np.inf]))
        (-inf, 1000.0)
    """
    xp = namespace(x)
    top = along_last(xp.maximum, xp.max, x, axis)
    # An infinite top is not subtracted: inf - inf is nan.
    base = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    with np.errstate(divide="ignore", invalid="ignore"):
        total = xp.log(along_last(xp.add, xp.sum, xp.exp(x - base), axis)) + base
    return as_scalar(total if keepdims else xp.squeeze(total, axis=axis))


def softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """exp(x) normalised along axes; nan where all terms are -inf.

    Example:
        >>> softmax(np.array([0.0, 0.0]))
        array([0.5, 0.5])
    """
    xp = namespace(x)
    with np.errstate(invalid="ignore", under="ignore"):
        weights = x - along_last(xp.maximum, xp.max, x, axis)
        if type(weights) is np.ndarray and weights.dtype.kind == "f":
            np.exp(weights, out=weights)
            weights /= along_last(np.add, np.sum, weights, axis)
            return weights
        weights = xp.exp(weights)
        return weights / along_last(xp.add, xp.sum, weights, axis)


def log_softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """x minus its logsumexp along axes.

    Example:
        >>> bool(np.allclose(np.exp(log_softmax(np.array([1.0, 1.0]))), 0.5))
        True
    """
    with np.errstate(invalid="ignore"):
        return x - logsumexp(x, axis=axis, keepdims=True)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)).

    Example:
        >>> sigmoid(0.0), sigmoid(-1000.0)
        (0.5, 0.0)
    """
    return as_scalar(_library(x).expit(x))


def logit(p: Array) -> Array:
    """log p - log(1 - p), the inverse of sigmoid.

    Example:
        >>> logit(0.5), logit(0.0)
        (0.0, -inf)
    """
    return as_scalar(_library(p).logit(p))


def normal_cdf(x: Array) -> Array:
    """The distribution function of N(0, 1).

    Example:
        >>> normal_cdf(0.0)
        0.5
    """
    return as_scalar(_library(x).ndtr(x))


def log_normal_cdf(x: Array) -> Array:
    """The log of the distribution function of N(0, 1), accurate far in the left tail.

    Example:
        >>> round(log_normal_cdf(-40.0), 3)
        -804.608
    """
    return as_scalar(_library(x).log_ndtr(x))
