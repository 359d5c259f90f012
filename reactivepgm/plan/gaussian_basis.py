"""The basic variables of a linear-Gaussian network, and every variable as a linear function of them.

Basic are the variables that a noisy factor or a prior draws, and the noises of singular covariances:
x = S b + c, with S = (I - D)^-1 P where D holds the deterministic factors and P picks the basic ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.deferred import Deferred
from reactivepgm.plan.contraction_steps import CycleError
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary

if TYPE_CHECKING:
    from reactivepgm.plan.gaussian_network import GaussianNetwork

sparse = Deferred("scipy.sparse")

Floats = NDArray[np.float64]
IntArray = NDArray[np.intp]

_DEEPEST = 64


class Basis:
    """Every variable as a linear function of the basic ones, x = S b + c."""

    def __init__(
        self, network: GaussianNetwork, unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays]
    ) -> None:
        self.network = network
        total = int(network.start[-1])
        self._columns = 0
        self._owner: list[IntArray] = []
        entries: list[tuple[IntArray, IntArray, Floats]] = []
        links: list[tuple[IntArray, IntArray, Floats]] = []
        constant = np.zeros(total)
        is_basic = np.ones(len(network.width), dtype=bool)
        self.noisy: list[Floats | None] = []
        """The inverse covariances of the families whose residuals count, (rows, d, d)."""
        for family, kernel in zip(network.families, kernels, strict=True):
            precision = None if kernel.covariance is None else inverted(kernel.covariance, family.rows)
            self.noisy.append(precision)
            if precision is not None:
                continue
            out = network.positions(family.out)
            is_basic[network.elements(family.out)] = False
            for end, matrix in zip(family.ins, matrices(network, family, kernel), strict=True):
                links.append(blocks(out, network.positions(end), matrix))
            if kernel.offset is not None:
                constant[out] += np.broadcast_to(kernel.offset, out.shape)
            if kernel.covariance is not None:
                entries.append(self._noise(out, np.broadcast_to(kernel.covariance, (*out.shape, out.shape[1]))))
        for array, told in enumerate(unary):
            if told.elements is None:
                continue
            chosen = network.first[array] + told.elements
            if network.outputs[chosen].any():
                raise CycleError("a variable that is drawn, and known as well")
            singular = np.isnan(_inverses(told.covariance)).any(axis=(1, 2))
            if singular.any():
                places = network.positions((array, told.elements[singular]))
                is_basic[chosen[singular]] = False
                constant[places] += told.mean[singular]
                entries.append(self._noise(places, told.covariance[singular]))
        self.noises = self._columns
        """Columns that are noises of unit variance; they come first."""
        basic = np.flatnonzero(is_basic)
        places = np.flatnonzero(np.repeat(is_basic, network.width))
        entries.append((places, self._columns + np.arange(len(places)), np.ones(len(places))))
        self._owner.append(np.repeat(basic, network.width[basic]))
        self.columns = self._columns + len(places)
        self.owner = np.concatenate(self._owner)
        """The element that each column belongs to."""
        self.is_basic = is_basic
        self.S, self.c = _closed(matrix_of(entries, total, self.columns), constant, matrix_of(links, total, total))

    def _noise(self, places: IntArray, covariance: Floats) -> tuple[IntArray, IntArray, Floats]:
        """New columns e ~ N(0, I) with L e at these places, L L' the covariance."""
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.clip(values, 0.0, None))[:, None, :]
        columns = self._columns + np.arange(places.size).reshape(places.shape)
        self._columns += places.size
        element = np.searchsorted(self.network.start, places[:, 0], side="right") - 1
        self._owner.append(np.repeat(element, places.shape[1]))
        return blocks(places, columns, root)


def matrices(network: GaussianNetwork, family: Factors, kernel: GaussianKernelArrays) -> list[Floats]:
    """A_k of every row, (rows, d_out, d_in)."""
    d_out = network.dims[family.out[0]]
    found = []
    for (array, _), matrix in zip(family.ins, kernel.matrices, strict=True):
        shape = (family.rows, d_out, network.dims[array])
        found.append(np.broadcast_to(np.eye(*shape[1:]) if matrix is None else matrix, shape))
    return found


def blocks(rows: IntArray, columns: IntArray, values: Any) -> tuple[IntArray, IntArray, Floats]:
    """The entries of (n, a, b) blocks at rows (n, a) and columns (n, b)."""
    shape = (*rows.shape, columns.shape[1])
    at = np.broadcast_to(rows[:, :, None], shape).ravel(), np.broadcast_to(columns[:, None, :], shape).ravel()
    return (*at, np.broadcast_to(values, shape).ravel())


def matrix_of(entries: Sequence[tuple[IntArray, IntArray, Floats]], rows: int, columns: int) -> Any:
    """A sparse matrix from entries; repeated ones add up."""
    if not entries:
        return sparse.csr_matrix((rows, columns))
    row, column, data = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    return sparse.csr_matrix((data, (row, column)), shape=(rows, columns))


def _closed(start: Any, constant: Floats, links: Any) -> tuple[Any, Floats]:
    """(I - D)^-1 of a matrix and of a vector, D being nilpotent: functions of functions are followed to their ends."""
    S, step, c, shift = start, start, constant, constant
    for _ in range(_DEEPEST):
        step, shift = links @ step, links @ shift
        if not step.nnz and not shift.any():
            return S, c
        S, c = S + step, c + shift
    raise CycleError("functions of functions too deep")


def _inverses(covariance: Floats) -> Floats:
    """Inverses of symmetric matrices, nan where one is singular to working precision."""
    values, vectors = np.linalg.eigh(covariance)
    is_sound = values[:, 0] > 1e-13 * np.abs(values[:, -1])
    inverse = np.einsum("nij,nj,nkj->nik", vectors, 1.0 / np.where(is_sound[:, None], values, 1.0), vectors)
    return np.where(is_sound[:, None, None], inverse, np.nan)


def inverted(covariance: Floats, rows: int) -> Floats | None:
    """The same for a family, one a row; None where any is singular."""
    inverse = _inverses(np.asarray(covariance))
    return None if np.isnan(inverse).any() else np.broadcast_to(inverse, (rows, *inverse.shape[1:]))
