"""A linear-Gaussian model as one dense joint: posterior and evidence by conditioning.

Every variable is v = m + F r + L z with z ~ N(0, I) and r flat (Lebesgue measure); the noise may be singular.
Posterior    K = L_v L_y' S^-1, S = L_y L_y', D = F_v - K F_y, P = (F_y' S^-1 F_y)^-1
             mean = m_v + K e + D P F_y' S^-1 e,  covariance = L_v L_v' - K L_y L_v' + D P D',  e = y - m_y
Evidence     log p(y) = -1/2 (k log 2 pi + log|S| + e' S^-1 e) at r = P F_y' S^-1 e, + 1/2 (d_r log 2 pi + log|P|)
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Posterior:
    """Joint posterior of the variables that were asked for, by name."""

    slices: dict[str, slice]
    joint_mean: np.ndarray
    joint_covariance: np.ndarray
    log_evidence: float

    def mean(self, name: str) -> np.ndarray:
        return self.joint_mean[self.slices[name]]

    def covariance(self, name: str, other: str | None = None) -> np.ndarray:
        return self.joint_covariance[self.slices[name], self.slices[other or name]]


class DenseGaussian:
    """Variables drawn one after another, each a linear function of earlier ones plus Gaussian noise."""

    def __init__(self) -> None:
        self._mean: dict[str, np.ndarray] = {}
        self._flat: dict[str, dict[int, np.ndarray]] = {}    # root number -> matrix
        self._noise: dict[str, dict[int, np.ndarray]] = {}   # source number -> matrix
        self._sizes: list[int] = []

    def flat(self, name: str, size: int) -> None:
        """A root without a prior."""
        self._mean[name], self._noise[name] = np.zeros(size), {}
        self._flat[name] = {self._source(size): np.eye(size)}

    def draw(self, name: str, parents: Mapping[str, object], offset=0.0, covariance=0.0) -> None:
        """name ~ N(sum_p parents[p] p + offset, covariance); a matrix may be a scalar, the covariance singular."""
        matrices = {p: np.atleast_2d(np.asarray(a, float)) for p, a in parents.items()}
        covariance = np.atleast_2d(np.asarray(covariance, float))
        size = len(next(iter(matrices.values()))) if matrices else len(covariance)
        mean = np.broadcast_to(np.asarray(offset, float), (size,)).copy()
        flat: dict[int, np.ndarray] = {}
        noise: dict[int, np.ndarray] = {}
        for p, a in matrices.items():
            mean += a @ self._mean[p]
            for target, sources in ((flat, self._flat[p]), (noise, self._noise[p])):
                for s, matrix in sources.items():
                    target[s] = target.get(s, 0.0) + a @ matrix
        if covariance.any():
            values, vectors = np.linalg.eigh(np.broadcast_to(covariance, (size, size)))
            noise[self._source(size)] = vectors * np.sqrt(np.where(values > 1e-13 * values.max(), values, 0.0))
        self._mean[name], self._flat[name], self._noise[name] = mean, flat, noise

    def condition(self, observed: Mapping[str, object], wanted: list[str] | None = None) -> Posterior:
        """The posterior given that each named variable has the value; `wanted` defaults to all the others."""
        wanted = [n for n in self._mean if n not in observed] if wanted is None else wanted
        roots = sorted({s for sources in self._flat.values() for s in sources})
        others = [s for s in range(len(self._sizes)) if s not in roots]
        slices, start = {}, 0
        for name in wanted:
            slices[name] = slice(start, start := start + len(self._mean[name]))
        mean_v = np.concatenate([self._mean[n] for n in wanted])
        F_v, L_v = self._rows(wanted, self._flat, roots), self._rows(wanted, self._noise, others)
        if not observed:
            if roots:
                raise ValueError("a flat root needs data")
            return Posterior(slices, mean_v, L_v @ L_v.T, 0.0)
        names = list(observed)
        e = np.concatenate([np.ravel(np.asarray(observed[n], float)) - self._mean[n] for n in names])
        F_y, L_y = self._rows(names, self._flat, roots), self._rows(names, self._noise, others)
        S = L_y @ L_y.T
        K = np.linalg.solve(S, L_y @ L_v.T).T
        D = F_v - K @ F_y
        P = np.linalg.inv(F_y.T @ np.linalg.solve(S, F_y))
        root = P @ F_y.T @ np.linalg.solve(S, e)
        rest = e - F_y @ root
        log_evidence = -0.5 * (len(e) * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + rest @ np.linalg.solve(S, rest))
        log_evidence += 0.5 * (len(root) * np.log(2 * np.pi) + np.linalg.slogdet(P)[1])
        return Posterior(slices, mean_v + K @ e + D @ root, L_v @ L_v.T - K @ L_y @ L_v.T + D @ P @ D.T, log_evidence)

    def _source(self, size: int) -> int:
        self._sizes.append(size)
        return len(self._sizes) - 1

    def _rows(self, names: list[str], table: dict[str, dict[int, np.ndarray]], sources: list[int]) -> np.ndarray:
        rows = []
        for name in names:
            size = len(self._mean[name])
            blocks = [table[name].get(s, np.zeros((size, self._sizes[s]))) for s in sources]
            rows.append(np.hstack([np.zeros((size, 0)), *blocks]))
        return np.vstack(rows)
