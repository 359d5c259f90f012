"""Expectations of a log factor that are quadratic forms, read off exactly by differences; Gaussian algebra on them.

A quadratic f(z) = c + h'z - z'K z/2 has h_i = (f(e_i) - f(-e_i))/2 and K by second differences, without any error of
truncation. So the expectation of a log factor, by quadrature, becomes a Gaussian with dense (h, K).
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from tests.oracles.quadrature_nodes import nodes

Nodes = tuple[np.ndarray, np.ndarray]


def nodes_of(belief: Any) -> Nodes:
    """Nodes of a belief, normals by Gauss-Hermite of three points; of a normal-gamma, [x, g] with x | g likewise."""
    kind = type(belief).__name__
    z, wz = np.polynomial.hermite_e.hermegauss(3)
    if kind.startswith("Normal"):
        return belief.mean + z * np.sqrt(belief.variance), wz / wz.sum()
    if kind != "MvNormalGamma":
        return nodes(belief, 100)
    g, wg = nodes(_Gamma(belief.shape, belief.rate), 100)
    d = len(belief.mean)
    grid = np.array(list(itertools.product(z, repeat=d)))
    wz = np.prod(np.array(list(itertools.product(wz / wz.sum(), repeat=d))), axis=-1)
    root = np.linalg.cholesky(np.linalg.inv(belief.precision))
    x = belief.mean + (grid @ root.T)[None] / np.sqrt(g)[:, None, None]
    points = np.concatenate([x, np.broadcast_to(g[:, None, None], (*x.shape[:-1], 1))], axis=-1)
    return points.reshape(-1, d + 1), (wg[:, None] * wz).ravel()


class _Gamma:
    def __init__(self, shape: float, rate: float) -> None:
        self.shape, self.rate = shape, rate


_Gamma.__name__ = "GammaShapeRate"


def expect(f: Callable[..., Any], *beliefs: Any) -> float:
    """E[f] under independent beliefs, f seeing arrays that broadcast over leading axes."""
    parts = [nodes_of(b) for b in beliefs]
    k = len(parts)
    points = [x.reshape((1,) * i + (-1,) + (1,) * (k - i - 1) + x.shape[1:]) for i, (x, _) in enumerate(parts)]
    value = f(*points)
    for i, (_, w) in enumerate(parts):
        value = np.sum(value * w.reshape((1,) * i + (-1,) + (1,) * (k - i - 1)), axis=i, keepdims=True)
    return float(np.squeeze(value))


def quadratic(f: Callable[[np.ndarray], float], d: int) -> tuple[np.ndarray, np.ndarray]:
    """h and K of a quadratic f on vectors of length d; checks that f is one."""
    e, zero = np.eye(d), np.zeros(d)
    c = f(zero)
    up, down = np.array([f(e[i]) for i in range(d)]), np.array([f(-e[i]) for i in range(d)])
    h = (up - down) / 2
    k = np.empty((d, d))
    for i in range(d):
        k[i, i] = -(up[i] + down[i] - 2 * c)
        for j in range(i):
            k[i, j] = k[j, i] = -(f(e[i] + e[j]) - up[i] - up[j] + c)
    z = np.linspace(0.5, -1.5, d)
    expected = c + h @ z - z @ k @ z / 2
    assert abs(f(z) - expected) <= 1e-8 * (1 + abs(expected)), "not quadratic"
    return h, k


def quadratic_mean(f: Callable[..., Any], d: int, *beliefs: Any) -> tuple[np.ndarray, np.ndarray]:
    """h and K of z -> E[f(z, ...)] under independent beliefs about the other arguments."""
    return quadratic(lambda z: expect(lambda *points: f(z, *points), *beliefs), d)


def told(h: np.ndarray, k: np.ndarray, keep: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """h and K of the kept coordinates, the others integrated out."""
    keep = list(keep)
    drop = [i for i in range(len(h)) if i not in keep]
    gain = k[np.ix_(keep, drop)] @ np.linalg.inv(k[np.ix_(drop, drop)]) if drop else np.zeros((len(keep), 0))
    return h[keep] - gain @ h[drop], k[np.ix_(keep, keep)] - gain @ k[np.ix_(drop, keep)]


def with_message(h: np.ndarray, k: np.ndarray, m: Any, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """h and K times a Gaussian message about matrix @ z."""
    d = len(matrix)
    weighted, precision = np.reshape(m.weighted_mean, d), np.reshape(m.precision, (d, d))
    return h + matrix.T @ weighted, k + matrix.T @ precision @ matrix


def normal_log_pdf(gap: np.ndarray, precision: np.ndarray) -> Any:
    """log N(gap; 0, inv precision) of vectors, broadcasting."""
    square = np.einsum("...i,...ij,...j->...", gap, precision, gap)
    return 0.5 * (np.linalg.slogdet(precision)[1] - gap.shape[-1] * np.log(2 * np.pi) - square)


def scalar_log_pdf(gap: Any, precision: Any) -> Any:
    """log N(gap; 0, 1 / precision) of numbers."""
    return stats.norm.logpdf(gap * np.sqrt(precision)) + 0.5 * np.log(precision)
