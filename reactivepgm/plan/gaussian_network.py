"""Linear-Gaussian factors with cycles, solved whole: each connected component as one normal distribution.

Deterministic variables are linear in the others, x = S b + c, where b are the basic ones (those that a noisy factor or
a prior draws, and the noises of singular covariances). With J, eta what is said about single variables and
r = S_out b - sum_k A_k S_k b - ... the residual of a noisy factor with covariance Q,

    Lambda = S'J S + sum R'inv(Q) R,     b ~ N(inv(Lambda) h, inv(Lambda)),     x ~ N(S E[b] + c, S inv(Lambda) S')

which is exact where messages along a cycle would only give the means. Small components are solved as dense batches,
large ones by a sparse factorisation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.deferred import Deferred
from reactivepgm.numerics.linear_algebra import symmetrise
from reactivepgm.plan.contraction_steps import CycleError
from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary
from reactivepgm.plan.gaussian_basis import Basis
from reactivepgm.plan.gaussian_dense import DenseSystem
from reactivepgm.plan.gaussian_precision import Precision
from reactivepgm.plan.gaussian_sparse import SparseSystem

sparse = Deferred("scipy.sparse")
csgraph = Deferred("scipy.sparse.csgraph")

Floats = NDArray[np.float64]
IntArray = NDArray[np.intp]

_DENSE = 400
"""Basic variables of a component up to which it is solved by dense algebra."""
_MOST = 20_000_000
"""Numbers in the largest dense table."""
_LOG_2PI = float(np.log(2.0 * np.pi))


class GaussianNetwork:
    """Takes what ``GaussianForest`` takes, cycles included.

    Raises:
        CycleError: an element that two factors draw.

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
            CycleError: functions of functions too deep, or a component that fills up.
        """
        basis = Basis(self, unary, kernels)
        precision = Precision(self, basis, unary, kernels)
        is_small = precision.size.max(initial=0) <= _DENSE and DenseSystem.numbers(self, precision) <= _MOST
        system = (DenseSystem if is_small else SparseSystem)(self, basis, precision)
        return NetworkBeliefs(self, basis, precision, system)


class NetworkBeliefs:
    """Posterior of a network with cycles; see ``GaussianBeliefs`` for what its members mean.

    There are no messages in it; the entropy of a component that its variables and factors do not account for is booked
    as the mutual information of one factor's inputs.
    """

    def __init__(
        self, network: GaussianNetwork, basis: Basis, precision: Precision, system: DenseSystem | SparseSystem
    ) -> None:
        self._network, self._noisy, self._system = network, basis.noisy, system
        entropies = precision.size * _LOG_2PI - system.logdet
        self.log_partition = precision.constant + 0.5 * float(precision.pull @ system.mean + entropies.sum())
        mean = basis.S @ system.mean + basis.c
        self.mean: list[Floats] = []
        self.covariance: list[Floats] = []
        for array, (n, d) in enumerate(zip(network.sizes, network.dims, strict=True)):
            self.mean.append(mean[network.base[array] : network.base[array + 1]].reshape(n, d))
            places = network.positions((array, np.arange(n)))
            self.covariance.append(symmetrise(system.spread(places, places)))
        self._unaccounted = self._entropy_left(precision, system)

    def joint(self, family: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Joint moments of output and input of a one-input family; of both inputs of a two-input family."""
        ends = self._network.families[family].ends
        one, other = (0, 1) if len(ends) == 2 else (1, 2)
        (a, i), (b, j) = ends[one], ends[other]
        across = self._system.spread(self._network.positions(ends[one]), self._network.positions(ends[other]))
        return self.mean[a][i], self.mean[b][j], self.covariance[a][i], self.covariance[b][j], across

    def conditional_entropy_terms(self, family: int) -> Floats:
        """Zero: what narrows the noise is in the entropy of the component."""
        return np.zeros(self._network.families[family].rows)

    def mutual_information(self, family: int) -> Floats:
        """For one row of a component what its entropy lacks, zero elsewhere."""
        return self._unaccounted[family]

    def _entropy_left(self, precision: Precision, system: DenseSystem | SparseSystem) -> dict[int, Floats]:
        network = self._network
        left = 0.5 * (precision.size * (1.0 + _LOG_2PI) - system.logdet)
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
