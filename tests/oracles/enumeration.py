"""A discrete model summed out state by state: marginals and evidence without any message.

p(x) ∝ prod_a f_a(x_a); the whole joint table is written down, so keep the number of states below a million or so.
"""

from collections.abc import Mapping, Sequence

import numpy as np


class Enumeration:
    """Joint table over named discrete variables; `states` gives the number of states of each."""

    def __init__(self, states: Mapping[str, int]) -> None:
        self._axes = {name: i for i, name in enumerate(states)}
        self._log = np.zeros(tuple(states.values()))

    def factor(self, names: Sequence[str], table: np.ndarray) -> None:
        """Multiply in f(names), a table of nonnegative numbers with one axis for each name."""
        table = np.asarray(table, float)
        axes = [self._axes[n] for n in names]
        shape = [1] * self._log.ndim
        for axis, size in zip(axes, table.shape, strict=True):
            shape[axis] = size
        with np.errstate(divide="ignore"):
            log_table = np.log(np.transpose(table, np.argsort(axes))).reshape(shape)
        self._log = self._log + log_table

    @property
    def log_evidence(self) -> float:
        peak = self._log.max()
        return float(peak + np.log(np.exp(self._log - peak).sum()))

    def marginal(self, *names: str) -> np.ndarray:
        """Posterior table of the names, axes in the order asked for."""
        joint = np.exp(self._log - self.log_evidence)
        keep = [self._axes[n] for n in names]
        table = joint.sum(axis=tuple(i for i in range(joint.ndim) if i not in keep))
        return np.transpose(table, np.argsort(np.argsort(keep)))
