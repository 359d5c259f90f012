"""The natural gradient of E_q[g(x)]: the member of q's own family nearest to g, a regression on sufficient statistics.

gradient = Cov_q[T]^-1 Cov_q[T, g],        q(x) ∝ exp(eta . T(x))

Amari 1998; Salimans and Knowles 2013, "Fixed-form variational posterior approximation through stochastic linear regression".
Normals are regressed on 1, u, u u' in standardised coordinates u, with points that all rows share; scalar families on
their own statistics, with points by quadrature.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from reactivepgm.approximations.quadrature import points_of
from reactivepgm.distributions import (
    BETA,
    GAMMA,
    INVERSE_GAMMA,
    LOG_NORMAL,
    MV_NORMAL,
    NORMAL,
    Distribution,
    Group,
    MultivariateNormal,
    UnivariateNormal,
)
from reactivepgm.errors import ModelError
from reactivepgm.numerics.quadrature import gauss_hermite

Floats = NDArray[np.float64]

_GRID = 2
"""Normals of more coordinates together are drawn."""


def statistics(group: Group, x: Floats) -> list[Floats] | None:
    """T(x), one array for each natural parameter; None for families that have no place here.

    Example:
        >>> [t.tolist() for t in statistics(NORMAL, np.array([2.0]))]
        [[2.0], [-2.0]]
    """
    if group is NORMAL:
        return [x, -0.5 * x * x]
    if group is MV_NORMAL:
        return [x, -0.5 * x[..., :, None] * x[..., None, :]]
    with np.errstate(all="ignore"):
        if group is GAMMA:
            return [np.log(x), -x]
        if group is BETA:
            return [np.log(x), np.log1p(-x)]
        if group is INVERSE_GAMMA:
            return [-np.log(x), -1.0 / x]
        if group is LOG_NORMAL:
            return [np.log(x), -0.5 * np.log(x) ** 2]
    return None


def log_kernel(message: Distribution, x: Floats) -> Floats:
    """The log density up to a constant, of improper messages too.

    Args:
        message: (*batch,).
        x: (..., *batch, *event).

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate
        >>> log_kernel(GammaShapeRate(-0.5, 2.0), np.array([1.0])).tolist()
        [-2.0]
    """
    found = None if message.group is None else statistics(message.group, x)
    if found is None:
        with np.errstate(all="ignore"):
            return np.asarray(message.log_pdf(x))
    total: Floats = np.zeros(())
    with np.errstate(all="ignore"):
        for eta, t in zip(message.naturals(), found, strict=True):
            rank = np.ndim(eta) - len(message.batch_shape)
            # Zero times an infinite statistic is nothing said, not a contradiction.
            term = np.where(np.asarray(eta) == 0.0, 0.0, eta * t)
            total = total + term.sum(axis=tuple(range(-rank, 0)))
    return np.asarray(total)


class Cloud:
    """Weighted points of independent beliefs, and the natural gradients of a function known at them.

    Args:
        beliefs: one an input, batch shape (rows,): normals of any dimension, or a single gamma, inverse gamma,
            log-normal or beta.
        points: Gauss-Hermite points a coordinate.
        samples: draws for normals of more than two coordinates together.
        seed: of the draws.

    Raises:
        ModelError: inputs of other families.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> cloud = Cloud([NormalMeanVariance(np.array([1.0]), np.array([2.0]))], 5, 10, 0)
        >>> (x,) = cloud.x
        >>> [part.round(12).tolist() for part in cloud.gradients(3.0 * x - x**2)[0]]
        [[3.0], [2.0]]
    """

    def __init__(self, beliefs: Sequence[Distribution], points: int, samples: int, seed: int) -> None:
        self.beliefs = beliefs
        self.x: list[Floats]
        """For each input its points, (m, rows, *event)."""
        self.weights: Floats
        """(m, rows)."""
        self._normal = all(isinstance(b, UnivariateNormal | MultivariateNormal) for b in beliefs)
        if self._normal:
            self._sizes = [(b.event_shape or (1,))[0] for b in beliefs]
            self._place_normals(points, samples, seed)
        elif len(beliefs) == 1 and beliefs[0].group in (GAMMA, INVERSE_GAMMA, LOG_NORMAL, BETA):
            found = points_of(beliefs[0])
            self.x, self.weights = [found.x], found.weights
        else:
            kinds = " and ".join(type(belief).__name__ for belief in beliefs)
            raise ModelError(f"CVI follows normal inputs, or a single gamma, inverse gamma, log-normal or beta, not {kinds}")

    def _place_normals(self, points: int, samples: int, seed: int) -> None:
        d = sum(self._sizes)
        self._u, weights, self._fit = _standard(d, points, samples, seed)
        self.x, self._roots = [], []
        start = 0
        rows = 0
        for belief, size in zip(self.beliefs, self._sizes, strict=True):
            u = self._u[:, start : start + size]
            start += size
            mean = np.asarray(belief.mean)
            if isinstance(belief, MultivariateNormal):
                root = np.linalg.cholesky(np.asarray(belief.covariance))
                self.x.append(mean + np.einsum("...ij,mj->m...i", root, u))
            else:
                root = np.sqrt(np.asarray(belief.variance))
                self.x.append(mean + root * u.reshape(-1, *(1,) * np.ndim(root)))
            self._roots.append(root)
            rows = max(rows, self.x[-1].shape[1])
        self.weights = np.broadcast_to(weights[:, None], (len(weights), rows))

    def expectation(self, values: Floats) -> Floats:
        """E g, (rows,), from values (m, rows)."""
        return np.asarray((self.weights * values).sum(axis=0))

    def gradients(self, values: Floats) -> list[list[Floats]]:
        """For each input the natural parameters of the gradient, (rows, *event) each, from values (m, rows)."""
        if not self._normal:
            return [self._scalar(values)]
        # The fit is exact for quadratics whatever the level; taking the level off keeps digits.
        level = values - self.expectation(values)
        d = self._u.shape[1]
        coefficients = self._fit @ level
        linear, bend = coefficients[1 : d + 1], np.zeros((d, d, values.shape[1]))
        for number, (i, j) in enumerate(combinations_with_replacement(range(d), 2)):
            value = coefficients[d + 1 + number]
            bend[i, j] += value
            bend[j, i] += value
        found = []
        start = 0
        for belief, root, size in zip(self.beliefs, self._roots, self._sizes, strict=True):
            own = slice(start, start + size)
            start += size
            slope, curve = np.moveaxis(linear[own], 0, -1), np.moveaxis(bend[own, own], -1, 0)
            mean = np.asarray(belief.mean)
            if belief.event_shape:
                back = np.linalg.inv(root)
                precision = -np.swapaxes(back, -1, -2) @ curve @ back
                precision = 0.5 * (precision + np.swapaxes(precision, -1, -2))
                pull = np.einsum("...ji,...j->...i", back, slope) + np.einsum("...ij,...j->...i", precision, mean)
                found.append([pull, precision])
            else:
                precision = -curve[:, 0, 0] / root**2
                found.append([slope[:, 0] / root + precision * mean, precision])
        return found

    def _scalar(self, values: Floats) -> list[Floats]:
        (belief,), (x,) = self.beliefs, self.x
        assert belief.group is not None
        table = statistics(belief.group, x)
        assert table is not None
        centred = [t - self.expectation(t) for t in table]
        level = values - self.expectation(values)
        gram = np.stack([np.stack([self.expectation(s * t) for s in centred], -1) for t in centred], -2)
        right = np.stack([self.expectation(t * level) for t in centred], -1)
        solved: Floats = np.asarray(np.linalg.solve(gram, right[..., None])[..., 0], dtype=float)
        return [solved[..., k] for k in range(solved.shape[-1])]


@lru_cache(maxsize=64)
def _standard(d: int, points: int, samples: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Points (m, d) of the standard normal, weights (m,), and the matrix from values to coefficients of 1, u, u u'."""
    if d <= _GRID:
        nodes, weight = (np.asarray(part) for part in gauss_hermite(points))
        u = np.stack(np.meshgrid(*(nodes,) * d, indexing="ij"), -1).reshape(-1, d)
        weights = np.prod(np.stack(np.meshgrid(*(weight,) * d, indexing="ij"), -1).reshape(-1, d), axis=-1)
    else:
        features = 1 + d + d * (d + 1) // 2
        if samples < 2 * features:
            raise ModelError(
                f"CVI of {d} coordinates fits {features} coefficients: write CVI(samples={10 * features}), not {samples}"
            )
        half = np.random.default_rng(seed).standard_normal(((samples + 1) // 2, d))
        u = np.concatenate([half, -half])
        # Mean zero and covariance one, as the points stand for; so linear functions have no error.
        u = u @ np.linalg.inv(np.linalg.cholesky(u.T @ u / len(u))).T
        weights = np.full(len(u), 1.0 / len(u))
    columns: list[Floats] = [np.ones(len(u)), *u.T, *(u[:, i] * u[:, j] for i, j in combinations_with_replacement(range(d), 2))]
    # Coefficients of u_i^2 count twice when they are put at (i, i) of a symmetric matrix, as those of u_i u_j do.
    table = np.stack(columns, axis=-1)
    weighted = table * weights[:, None]
    fit = np.linalg.solve(table.T @ weighted, weighted.T)
    return u, weights, fit
