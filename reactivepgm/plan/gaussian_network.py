"""Linear-Gaussian factors with cycles, solved whole: each connected component as one normal distribution.

Deterministic variables are linear in the others, x = S b + c, where b are the basic ones (those that a noisy factor or
a prior draws, and the noises of singular covariances). With J, eta what is said about single variables and
r = S_out b - sum_k A_k S_k b - ... the residual of a noisy factor with covariance Q,

    Lambda = S'J S + sum R'inv(Q) R,     b ~ N(inv(Lambda) h, inv(Lambda)),     x ~ N(S E[b] + c, S inv(Lambda) S')

which is exact where messages along a cycle would only give the means. Components are solved as dense batches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.deferred import Deferred
from reactivepgm.plan.contraction_steps import CycleError
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary, ImproperError
from reactivepgm.plan.gaussian_basis import Basis, blocks, matrices, matrix_of

sparse = Deferred("scipy.sparse")
csgraph = Deferred("scipy.sparse.csgraph")

Floats = NDArray[np.float64]
IntArray = NDArray[np.intp]

_LARGEST = 1500
_MOST = 20_000_000
"""Numbers in the largest dense table; beyond it, and beyond the largest component, cycles are left to floods."""
_LOG_2PI = float(np.log(2.0 * np.pi))


class GaussianNetwork:
    """Takes what ``GaussianForest`` takes, cycles included.

    Raises:
        CycleError: an element that two factors draw, or a component too large for dense algebra.

    Example:
        >>> slope = [Factors((2, np.arange(2)), ((0, np.zeros(2, int)), (1, np.zeros(2, int))))]
        >>> network = GaussianNetwork([1, 1, 2], [1, 1, 1], slope)
        >>> flat, one = np.zeros((1, 1)), np.ones((1, 1, 1))
        >>> priors = [GaussianUnary(flat, one), GaussianUnary(flat, one), GaussianUnary(np.ones((2, 1)), np.ones((2, 1, 1)))]
        >>> beliefs = network.solve(priors, [GaussianKernelArrays((None, np.array([[[0.0]], [[1.0]]])))])
        >>> beliefs.mean[0].round(6), beliefs.covariance[1].round(6)
        (array([[0.6]]), array([[[0.6]]]))
    """

    def __init__(self, sizes: Sequence[int], dims: Sequence[int], families: Sequence[Factors]) -> None:
        self.sizes, self.dims, self.families = list(sizes), list(dims), list(families)
        self.first = np.cumsum([0, *sizes])
        self.base = np.cumsum([0, *(n * d for n, d in zip(sizes, dims, strict=True))])
        self.width = np.repeat(self.dims, self.sizes)
        self.start = np.concatenate([[0], np.cumsum(self.width)])
        self.outputs = np.zeros(int(self.first[-1]), dtype=np.intp)
        for family in families:
            np.add.at(self.outputs, self.elements(family.out), 1)
        if (self.outputs > 1).any():
            raise CycleError("an element that two factors draw")
        pairs = [(self.elements(f.out), self.elements(end)) for f in families for end in f.ins]
        left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
        links = sparse.coo_matrix((np.ones(len(left)), (left, right)), shape=(self.first[-1],) * 2)
        self.count, self.component = csgraph.connected_components(links, directed=False)

    def elements(self, end: tuple[int, IntArray]) -> IntArray:
        """The elements at one end of a family, numbered over all arrays."""
        return np.asarray(self.first[end[0]] + end[1])

    def positions(self, end: tuple[int, IntArray]) -> IntArray:
        """The places of their components, (rows, d)."""
        array, index = end
        return np.asarray(self.base[array] + index[:, None] * self.dims[array] + np.arange(self.dims[array]))

    def solve(self, unary: Sequence[GaussianUnary], kernels: Sequence[GaussianKernelArrays]) -> NetworkBeliefs:
        """The exact posterior.

        Raises:
            ImproperError: nothing determines a variable.
            CycleError: functions of functions too deep, or a component too large.
        """
        basis = Basis(self, unary, kernels)
        system = _System(self, basis, unary, kernels)
        return NetworkBeliefs(self, basis, system, kernels)


class _System:
    """The precision of the basic variables, component by component, and its solution.

    Attributes:
        place: (columns,) position of a column within its component.
        mean: (components, m) E[b]; padded with zeros.
        covariance: (components, m, m) inv(Lambda); padded with the identity.
        logdet: (components,) log det Lambda.
        size: (components,) number of columns.
        constant: what the log of the integral has besides.
    """

    def __init__(
        self,
        network: GaussianNetwork,
        basis: Basis,
        unary: Sequence[GaussianUnary],
        kernels: Sequence[GaussianKernelArrays],
    ) -> None:
        S, c = basis.S, basis.c
        of_column = network.component[basis.owner]
        self.size = np.bincount(of_column, minlength=network.count)
        m = int(self.size.max(initial=0))
        if m > _LARGEST or max(network.count * m * m, int(network.start[-1]) * m) > _MOST:
            raise CycleError("a component too large for dense algebra")
        order = np.argsort(of_column, kind="stable")
        self.place = np.empty(basis.columns, dtype=np.intp)
        self.place[order] = np.arange(basis.columns) - np.repeat(np.cumsum(self.size) - self.size, self.size)
        self.component = of_column
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
        dense = np.broadcast_to(np.eye(m), (network.count, m, m)).copy()
        where = np.arange(m) < self.size[:, None]
        dense[where[:, :, None] & where[:, None, :]] = 0.0
        entries_ = sparse.coo_matrix(total)
        at = self.component[entries_.row], self.place[entries_.row], self.place[entries_.col]
        np.add.at(dense, at, entries_.data)
        right = np.zeros((network.count, m))
        right[self.component, self.place] = pull
        try:
            L = np.linalg.cholesky(dense)
        except np.linalg.LinAlgError:
            raise self._improper(network, basis, dense) from None
        self.logdet = 2.0 * np.log(np.einsum("cii->ci", L)).sum(axis=1)
        self.covariance: Floats = np.asarray(np.linalg.inv(dense), dtype=np.float64)
        self.mean = np.einsum("cij,cj->ci", self.covariance, right)
        self.log_partition = self.constant + 0.5 * float(
            (self.mean * right).sum() + (self.size * _LOG_2PI - self.logdet).sum()
        )

    def _improper(self, network: GaussianNetwork, basis: Basis, dense: Floats) -> ImproperError:
        """Names the variable along which the worst direction mostly lies."""
        values, vectors = np.linalg.eigh(dense)
        component = int(values[:, 0].argmin())
        column = int(np.abs(vectors[component, :, 0]).argmax())
        (number,) = np.flatnonzero((self.component == component) & (self.place == column))
        element = int(basis.owner[number])
        array = int(np.searchsorted(network.first, element, side="right")) - 1
        return ImproperError(array, element - int(network.first[array]))


class NetworkBeliefs:
    """Posterior of a network with cycles; see ``GaussianBeliefs`` for what its members mean.

    There are no messages in it; the entropy of a component that its variables and factors do not account for is booked
    as the mutual information of one factor's inputs.
    """

    def __init__(
        self, network: GaussianNetwork, basis: Basis, system: _System, kernels: Sequence[GaussianKernelArrays]
    ) -> None:
        self._network, self._kernels, self._noisy = network, kernels, basis.noisy
        self.log_partition = system.log_partition
        m = system.covariance.shape[-1]
        entries = sparse.coo_matrix(basis.S)
        of_row = np.repeat(network.component, network.width)
        self._rows = np.zeros((int(network.start[-1]), m))
        self._rows[entries.row, system.place[entries.col]] = entries.data
        self._spread = _times_each(self._rows, system.covariance, of_row)
        mean = np.einsum("rm,rm->r", self._rows, system.mean[of_row]) + basis.c
        self.mean: list[Floats] = []
        self.covariance: list[Floats] = []
        for array, (n, d) in enumerate(zip(network.sizes, network.dims, strict=True)):
            self.mean.append(mean[network.base[array] : network.base[array + 1]].reshape(n, d))
            places = network.positions((array, np.arange(n)))
            self.covariance.append(_symmetric(self._across(places, places)))
        self._unaccounted = self._entropy_left(system)

    def _across(self, places: IntArray, others: IntArray) -> Floats:
        return np.asarray(self._spread[places] @ np.swapaxes(self._rows[others], -1, -2))

    def joint(self, family: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Joint moments of output and input of a one-input family; of both inputs of a two-input family."""
        ends = self._network.families[family].ends
        one, other = (0, 1) if len(ends) == 2 else (1, 2)
        (a, i), (b, j) = ends[one], ends[other]
        across = self._across(self._network.positions(ends[one]), self._network.positions(ends[other]))
        return self.mean[a][i], self.mean[b][j], self.covariance[a][i], self.covariance[b][j], across

    def conditional_entropy_terms(self, family: int) -> Floats:
        """Zero: what narrows the noise is in the entropy of the component."""
        return np.zeros(self._network.families[family].rows)

    def mutual_information(self, family: int) -> Floats:
        """For one row of a component what its entropy lacks, zero elsewhere."""
        return self._unaccounted[family]

    def _entropy_left(self, system: _System) -> dict[int, Floats]:
        network = self._network
        left = 0.5 * (system.size * (1.0 + _LOG_2PI) - system.logdet)
        for array, (n, d) in enumerate(zip(network.sizes, network.dims, strict=True)):
            elements = network.first[array] + np.arange(n)
            is_root = network.outputs[elements] == 0
            logdet = np.linalg.slogdet(self.covariance[array][is_root])[1]
            np.add.at(left, network.component[elements[is_root]], -0.5 * (d * (1.0 + _LOG_2PI) + logdet))
        for family, weight in zip(network.families, self._noisy, strict=True):
            if weight is not None:
                d = network.dims[family.out[0]]
                entropy = 0.5 * (d * (1.0 + _LOG_2PI) - np.linalg.slogdet(weight)[1])
                np.add.at(left, network.component[network.elements(family.out)], -entropy)
        booked = np.zeros(network.count, dtype=bool)
        found: dict[int, Floats] = {}
        for number, family in enumerate(network.families):
            found[number] = np.zeros(family.rows)
            if len(family.ins) == 2:
                components, rows = np.unique(network.component[network.elements(family.out)], return_index=True)
                new = ~booked[components]
                found[number][rows[new]] = -left[components[new]]
                booked[components] = True
        return found


def _times_each(rows: Floats, matrices: Floats, number: IntArray, block: int = 4096) -> Floats:
    """rows[r] @ matrices[number[r]]."""
    if len(matrices) == 1:
        return np.asarray(rows @ matrices[0])
    parts = [
        np.einsum("rm,rmn->rn", rows[first : first + block], matrices[number[first : first + block]])
        for first in range(0, len(rows), block)
    ]
    return np.concatenate(parts) if parts else rows


def _symmetric(matrix: Floats) -> Floats:
    return 0.5 * (matrix + np.swapaxes(matrix, -1, -2))
