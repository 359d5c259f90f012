"""A belief as weighted points, so that any expectation is a sum: densities from scipy, never from the library.

Scalars      trapezoid on x (real line), log x (half line) or logit x (unit interval), geometrically convergent
Counts       every value with weight above 1e-22
Wishart      X = L A A' L', Bartlett 1933: A_11² ~ chi²(ν), A_22² ~ chi²(ν - 1), A_21 ~ N(0, 1)  (2 x 2 matrices)
Mv normal    Gauss-Hermite in the Cholesky frame, exact for polynomials of degree 2n - 1
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

Nodes = tuple[np.ndarray, np.ndarray]


def nodes(belief: Any, n: int = 160) -> Nodes:
    """Points (m, *event) and weights (m,) that sum to one."""
    return _NODES[type(belief).__name__](belief, n)


def expectation(f: Callable[..., Any], *beliefs: Any, n: int = 160) -> Any:
    """E[f(x_1, x_2, ...)] under independent beliefs; f sees whole arrays and broadcasts over leading axes."""
    parts = [nodes(b, n) for b in beliefs]
    k = len(parts)
    points = [x.reshape((1,) * i + (-1,) + (1,) * (k - i - 1) + x.shape[1:]) for i, (x, _) in enumerate(parts)]
    value = f(*points)
    for i, (_, w) in enumerate(parts):
        value = np.sum(value * w.reshape((1,) * i + (-1,) + (1,) * (k - i - 1)), axis=i, keepdims=True)
    return float(np.squeeze(value))


def mean_of(f: Callable[[Any], Any], belief: Any, n: int = 200) -> Any:
    """E[f(x)] of an array-valued f under one belief."""
    x, w = nodes(belief, n)
    return np.tensordot(w, f(x), axes=1)


def mean_log_det(belief: Any) -> float:
    """E[log|X|] of a 2 x 2 matrix, from the two chi² variables alone: |A A'| is their product."""
    if type(belief).__name__ == "PointMass":
        return float(_log_det(np.asarray(belief.value)))
    logs = [np.dot(w, np.log(x)) for x, w in (_half_line(stats.gamma((belief.df - i) / 2, scale=2), 160) for i in (0, 1))]
    inverted = type(belief).__name__ == "InverseWishart"
    return float(_log_det(np.asarray(belief.scale)) + (-1 if inverted else 1) * sum(logs))


def _trapezoid(log_density: Callable[[np.ndarray], np.ndarray], low: float, high: float, n: int) -> Nodes:
    """Nodes on the part of [low, high] where the density is above 1e-20 of its maximum."""
    coarse = np.linspace(low, high, 20001)
    log_p = log_density(coarse)
    seen = coarse[log_p > log_p.max() - 46.0]
    t = np.linspace(seen[0], seen[-1], n)
    w = np.exp(log_density(t) - log_p.max())
    return t, w / w.sum()


def _real(frozen: Any, n: int) -> Nodes:
    return _trapezoid(frozen.logpdf, frozen.mean() - 12 * frozen.std(), frozen.mean() + 12 * frozen.std(), n)


def _half_line(frozen: Any, n: int) -> Nodes:
    t, w = _trapezoid(lambda t: frozen.logpdf(np.exp(t)) + t, -80.0, 12.0, n)
    return np.exp(t), w


def _inverse_gamma(d: Any, n: int) -> Nodes:
    """1/x is a Gamma, whose tail in the log falls off doubly exponentially."""
    y, w = _half_line(stats.gamma(d.shape, scale=1 / d.scale), n)
    return 1 / y, w


def _unit(frozen: Any, n: int) -> Nodes:
    t, w = _trapezoid(lambda t: frozen.logpdf(1 / (1 + np.exp(-t))) - 2 * np.logaddexp(0, -t) - t, -36.0, 36.0, n)
    return 1 / (1 + np.exp(-t)), w


def _counts(frozen: Any) -> Nodes:
    x = np.arange(int(frozen.mean() + 15 * frozen.std() + 50))
    w = frozen.pmf(x)
    return x[w > 1e-22].astype(float), w[w > 1e-22]


def _wishart(df: float, scale: np.ndarray, n: int) -> Nodes:
    assert scale.shape == (2, 2)
    a, wa = _half_line(stats.gamma(df / 2, scale=2), n)
    b, wb = _half_line(stats.gamma((df - 1) / 2, scale=2), n)
    c, wc = np.polynomial.hermite_e.hermegauss(4)  # X is of degree 2 in A_21, and so is inv(X)
    grid = np.array(list(itertools.product(np.sqrt(a), np.sqrt(b), c)))
    weight = np.prod(np.array(list(itertools.product(wa, wb, wc / wc.sum()))), axis=-1)
    lower = np.zeros((len(grid), 2, 2))
    lower[:, 0, 0], lower[:, 1, 1], lower[:, 1, 0] = grid.T
    root = np.linalg.cholesky(scale) @ lower
    return root @ np.swapaxes(root, -1, -2), weight


def _inverse_wishart(df: float, scale: np.ndarray, n: int) -> Nodes:
    x, w = _wishart(df, np.linalg.inv(scale), n)
    return np.linalg.inv(x), w


def _mv_normal(mean: np.ndarray, covariance: np.ndarray) -> Nodes:
    z, w = np.polynomial.hermite_e.hermegauss(3)
    grid = np.array(list(itertools.product(z, repeat=len(mean))))
    weight = np.prod(np.array(list(itertools.product(w / w.sum(), repeat=len(mean)))), axis=-1)
    return mean + grid @ np.linalg.cholesky(covariance).T, weight


def _normal(d: Any, n: int) -> Nodes:
    return _real(stats.norm(d.mean, np.sqrt(d.variance)), n)


_NODES: dict[str, Callable[[Any, int], Nodes]] = {
    "PointMass": lambda d, n: (np.asarray(d.value, float)[None], np.ones(1)),
    "NormalMeanVariance": _normal,
    "NormalMeanPrecision": _normal,
    "NormalWeightedMeanPrecision": _normal,
    "GammaShapeRate": lambda d, n: _half_line(stats.gamma(d.shape, scale=1 / d.rate), n),
    "GammaShapeScale": lambda d, n: _half_line(stats.gamma(d.shape, scale=d.scale), n),
    "InverseGamma": _inverse_gamma,
    "Beta": lambda d, n: _unit(stats.beta(d.a, d.b), n),
    "Poisson": lambda d, n: _counts(stats.poisson(d.rate)),
    "Bernoulli": lambda d, n: (np.array([0.0, 1.0]), np.array([1 - d.p, d.p])),
    "Categorical": lambda d, n: (np.eye(len(d.p)), np.asarray(d.p)),
    "Wishart": lambda d, n: _wishart(d.df, np.asarray(d.scale), min(n, 200)),
    "InverseWishart": lambda d, n: _inverse_wishart(d.df, np.asarray(d.scale), min(n, 200)),
    "MvNormalMeanCovariance": lambda d, n: _mv_normal(np.asarray(d.mean), np.asarray(d.covariance)),
    "MvNormalMeanPrecision": lambda d, n: _mv_normal(np.asarray(d.mean), np.asarray(d.covariance)),
}


def _log_det(x: np.ndarray) -> float:
    return np.linalg.slogdet(x)[1]


_UNNORMALISED: dict[str, Callable[[Any, Any], Any]] = {
    "GammaShapeRate": lambda d, x: (d.shape - 1) * np.log(x) - d.rate * x,
    "InverseGamma": lambda d, x: -(d.shape + 1) * np.log(x) - d.scale / x,
    "NormalMeanPrecision": lambda d, x: d.precision * x * (d.mean - x / 2),
    "Wishart": lambda d, x: (d.df - len(x) - 1) / 2 * _log_det(x) - np.trace(d.inverse_scale @ x) / 2,
    "InverseWishart": lambda d, x: -(d.df + len(x) + 1) / 2 * _log_det(x) - np.trace(d.scale @ np.linalg.inv(x)) / 2,
}


def assert_same_shape(message: Any, log_oracle: Callable[[Any], Any], points: Any, tolerance: float = 1e-8) -> None:
    """The message's log density equals the oracle's up to a constant at all points; it need not normalise."""
    log_density = _UNNORMALISED.get(type(message).__name__, lambda d, x: d.log_pdf(x))
    gap = np.array([float(log_density(message, x)) - float(log_oracle(x)) for x in points])
    assert np.ptp(gap) <= tolerance * (1.0 + np.abs(gap).max()), gap
