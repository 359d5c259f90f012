"""Networks with small components: one dense matrix a component, all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.deferred import Deferred
from reactivepgm.plan.gaussian_basis import Basis
from reactivepgm.plan.gaussian_precision import Precision

if TYPE_CHECKING:
    from reactivepgm.plan.gaussian_network import GaussianNetwork

sparse = Deferred("scipy.sparse")

Floats = NDArray[np.float64]
IntArray = NDArray[np.intp]


class DenseSystem:
    """The inverse of a precision as a table of dense matrices, padded to the largest component.

    Attributes:
        logdet: (components,) log det of the precision.
        mean: (columns,) expectations of the basic variables.
    """

    def __init__(self, network: GaussianNetwork, basis: Basis, precision: Precision) -> None:
        component, size = precision.component, precision.size
        m, count = int(size.max(initial=0)), len(size)
        order = np.argsort(component, kind="stable")
        place = np.empty(basis.columns, dtype=np.intp)
        place[order] = np.arange(basis.columns) - np.repeat(np.cumsum(size) - size, size)
        table = np.broadcast_to(np.eye(m), (count, m, m)).copy()
        inside = np.arange(m) < size[:, None]
        table[inside[:, :, None] & inside[:, None, :]] = 0.0
        entries = sparse.coo_matrix(precision.matrix)
        np.add.at(table, (component[entries.row], place[entries.row], place[entries.col]), entries.data)
        try:
            L = np.linalg.cholesky(table)
        except np.linalg.LinAlgError:
            values, vectors = np.linalg.eigh(table)
            worst = int(values[:, 0].argmin())
            along = int(np.abs(vectors[worst, :, 0]).argmax())
            raise precision.improper(int(np.flatnonzero((component == worst) & (place == along))[0])) from None
        self.logdet: Floats = 2.0 * np.log(np.einsum("cii->ci", L)).sum(axis=1)
        covariance = np.asarray(np.linalg.inv(table), dtype=np.float64)
        pull = np.zeros((count, m))
        pull[component, place] = precision.pull
        self.mean: Floats = np.einsum("cij,cj->ci", covariance, pull)[component, place]
        entries = sparse.coo_matrix(basis.S)
        self._rows = np.zeros((int(network.start[-1]), m))
        self._rows[entries.row, place[entries.col]] = entries.data
        self._spread = _times_each(self._rows, covariance, np.repeat(network.component, network.width))

    @staticmethod
    def numbers(network: GaussianNetwork, precision: Precision) -> int:
        """How many numbers the largest table would have."""
        m = int(precision.size.max(initial=0))
        return max(len(precision.size) * m * m, int(network.start[-1]) * m)

    def spread(self, places: IntArray, others: IntArray) -> Floats:
        """Covariances of the variables at places (n, a) and (n, b): (n, a, b)."""
        return np.asarray(self._spread[places] @ np.swapaxes(self._rows[others], -1, -2))


def _times_each(rows: Floats, matrices: Floats, number: IntArray, block: int = 4096) -> Floats:
    """rows[r] @ matrices[number[r]]."""
    if len(matrices) == 1:
        return np.asarray(rows @ matrices[0])
    parts = [
        np.einsum("rm,rmn->rn", rows[first : first + block], matrices[number[first : first + block]])
        for first in range(0, len(rows), block)
    ]
    return np.concatenate(parts) if parts else rows
