"""The precision of a network's basic variables: what is said about single variables, and the noisy factors' residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.deferred import Deferred
from reactivepgm.plan.gaussian_arrays import GaussianKernelArrays, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_basis import Basis, blocks, matrices, matrix_of

if TYPE_CHECKING:
    from reactivepgm.plan.gaussian_network import GaussianNetwork

sparse = Deferred("scipy.sparse")

Floats = NDArray[np.float64]
IntArray = NDArray[np.intp]

_LOG_2PI = float(np.log(2.0 * np.pi))


class Precision:
    """exp(pull'b - b'matrix b / 2 + constant) over the basic variables b of all components.

    Attributes:
        matrix: (columns, columns), sparse.
        pull: (columns,).
        constant: a number.
        component: (columns,) the component of every column.
        size: (components,) how many columns each has.
    """

    def __init__(
        self,
        network: GaussianNetwork,
        basis: Basis,
        unary: Sequence[GaussianUnary],
        kernels: Sequence[GaussianKernelArrays],
    ) -> None:
        S, c = basis.S, basis.c
        self._network, self._basis = network, basis
        self.component = network.component[basis.owner]
        self.size = np.bincount(self.component, minlength=network.count)
        self.constant = -0.5 * basis.noises * _LOG_2PI
        diagonal = sparse.csr_matrix(
            (np.ones(basis.noises), (np.arange(basis.noises),) * 2), shape=(basis.columns, basis.columns)
        )
        total, pull = diagonal, np.zeros(basis.columns)
        for array, told in enumerate(unary):
            places = network.positions((array, np.arange(network.sizes[array])))
            block = matrix_of([blocks(places, places, told.precision)], len(c), len(c))
            heard = np.zeros(len(c))
            heard[places] = told.weighted_mean
            self.constant += float(heard @ c - 0.5 * c @ (block @ c))
            total, pull = total + S.T @ block @ S, pull + S.T @ (heard - block @ c)
            if told.elements is None:
                continue
            kept = basis.is_basic[network.first[array] + told.elements]
            places = network.positions((array, told.elements[kept]))
            precision, mean = np.linalg.inv(told.covariance[kept]), told.mean[kept]
            block = matrix_of([blocks(places, places, precision)], len(c), len(c))
            weighted = np.einsum("nij,nj->ni", precision, mean)
            heard = np.zeros(len(c))
            heard[places] = weighted
            total, pull = total + S.T @ block @ S, pull + S.T @ heard
            self.constant += 0.5 * float(np.linalg.slogdet(precision)[1].sum() - places.size * _LOG_2PI)
            self.constant -= 0.5 * float((mean * weighted).sum())
        for family, kernel, weight in zip(network.families, kernels, basis.noisy, strict=True):
            if weight is None:
                continue
            out = network.positions(family.out)
            rows = np.arange(out.size).reshape(out.shape)
            entries = [(rows.ravel(), out.ravel(), np.ones(out.size))]
            for end, matrix in zip(family.ins, matrices(network, family, kernel), strict=True):
                entries.append(blocks(rows, network.positions(end), -matrix))
            residual = matrix_of(entries, out.size, len(c))
            gap = residual @ c
            if kernel.offset is not None:
                gap = gap - np.broadcast_to(kernel.offset, out.shape).ravel()
            R = residual @ S
            W = matrix_of([blocks(rows, rows, weight)], out.size, out.size)
            total, pull = total + R.T @ W @ R, pull - R.T @ (W @ gap)
            self.constant += 0.5 * float(np.linalg.slogdet(weight)[1].sum() - out.size * _LOG_2PI - gap @ (W @ gap))
        self.matrix, self.pull = total, pull

    def improper(self, column: int) -> ImproperError:
        """The error about a column in whose direction nothing is known."""
        network, element = self._network, int(self._basis.owner[column])
        array = int(np.searchsorted(network.first, element, side="right")) - 1
        return ImproperError(array, element - int(network.first[array]))
