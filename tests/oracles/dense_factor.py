"""A linear-Gaussian factor among vectors as one dense quadratic form; messages and joints by Schur complements.

exp(-(z - c)' K (z - c) / 2) over z = all variables, deterministic factors with their noise as a limit: the constraint
sum_k A_k z_k = 0 is eliminated exactly by an orthonormal basis of its null space.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np


class DenseFactor:
    """N(residual; 0, noise) with residual = sum_k matrices[k] z_k, `noise` None for residual = 0."""

    def __init__(self, matrices: Mapping[str, Any], noise: Any = None) -> None:
        self._matrices = {name: np.atleast_2d(np.asarray(a, float)) for name, a in matrices.items()}
        self._noise = None if noise is None else np.atleast_2d(np.asarray(noise, float))
        self._slices, start = {}, 0
        for name, a in self._matrices.items():
            self._slices[name] = slice(start, start := start + a.shape[1])
        self._size = start

    def posterior(self, wanted: tuple[str, ...], messages: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the wanted variables given Gaussian messages and point masses on the others."""
        precision, weighted = np.zeros((self._size, self._size)), np.zeros(self._size)
        a = np.hstack(list(self._matrices.values()))
        known, at = [], np.zeros(self._size)
        for name, m in messages.items():
            s = self._slices[name]
            if type(m).__name__ == "PointMass":
                known.append(name)
                at[s] = np.ravel(m.value)
            else:
                precision[s, s] += np.atleast_2d(np.asarray(m.precision, float))
                weighted[s] += np.ravel(m.weighted_mean)
        if self._noise is not None:
            precision += a.T @ np.linalg.solve(self._noise, a)
        rows = [a] if self._noise is None else []
        rows += [np.eye(self._size)[self._slices[name]] for name in known]
        basis, origin = np.eye(self._size), np.zeros(self._size)
        if rows:
            constraint = np.vstack(rows)
            zero = np.zeros(len(a) if self._noise is None else 0)
            right = np.concatenate([zero, *(at[self._slices[name]] for name in known)])
            _, s, v = np.linalg.svd(constraint)
            basis = v[np.sum(s > 1e-12) :].T
            origin = np.linalg.lstsq(constraint, right, rcond=None)[0]
        reduced = np.linalg.inv(basis.T @ precision @ basis)
        mean = origin + basis @ reduced @ basis.T @ (weighted - precision @ origin)
        covariance = basis @ reduced @ basis.T
        index = np.concatenate([np.arange(self._size)[self._slices[n]] for n in wanted])
        return mean[index], covariance[np.ix_(index, index)]

    def message(self, to: str, messages: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Weighted mean and precision of the message toward a variable, read off under a wide, then removed, prior."""
        d = self._matrices[to].shape[1]
        mean, covariance = self.posterior((to,), {**messages, to: _Prior(np.zeros(d), np.eye(d))})
        total = np.linalg.inv(covariance)
        return total @ mean, total - np.eye(d)


class _Prior:
    def __init__(self, weighted_mean: np.ndarray, precision: np.ndarray) -> None:
        self.weighted_mean, self.precision = weighted_mean, precision
