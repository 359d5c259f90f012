"""Networks with large components: a sparse factorisation, and of the inverse only what marginals and joints need.

The precision is factorised by fronts, one column at a time in an order of little fill (Duff and Reid 1983, "The multifrontal
solution of indefinite sparse symmetric linear systems"); on the way back every front receives the entries of the inverse
at its own rows from its parent (Takahashi, Fagan and Chen 1973): with F the front of column j, d its pivot, l the rest
of the column over d, and Z the inverse at the rows of the rest,

    Z_rest,j = -Z l,     Z_jj = 1/d + l'Z l
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.deferred import Deferred
from reactivepgm.plan.contraction_steps import CycleError
from reactivepgm.plan.gaussian_arrays import ImproperError
from reactivepgm.plan.gaussian_basis import Basis
from reactivepgm.plan.gaussian_precision import Precision

if TYPE_CHECKING:
    from reactivepgm.plan.gaussian_network import GaussianNetwork

sparse = Deferred("scipy.sparse")
solvers = Deferred("scipy.sparse.linalg")

Floats = NDArray[np.float64]
IntArray = NDArray[np.intp]

_MOST = 30_000_000
"""Numbers in all fronts, or products behind one table of covariances, up to which this is done."""


class SparseSystem:
    """The inverse of a precision where its factors' variables meet.

    Attributes:
        logdet: (components,) log det of the precision.
        mean: (columns,) expectations of the basic variables.

    Raises:
        CycleError: the fronts are too large.
    """

    def __init__(self, network: GaussianNetwork, basis: Basis, precision: Precision) -> None:
        self._rows = sparse.csr_matrix(basis.S)
        matrix, met = sparse.coo_matrix(precision.matrix), sparse.coo_matrix(_meetings(network, self._rows))
        row, column = np.concatenate([matrix.row, met.row]), np.concatenate([matrix.col, met.col])
        self._place = _ordered(row, column, basis.columns)
        self._order = np.argsort(self._place)
        row, column = self._place[row], self._place[column]
        below = row >= column
        # Entries of the same place add up, and what meets without a term keeps its place as a zero.
        data = np.concatenate([matrix.data, np.zeros(met.nnz)])[below]
        lower = sparse.csc_matrix((data, (row[below], column[below])), shape=matrix.shape)
        fronts = _Fronts(lower, lambda place: precision.improper(int(self._order[place])))
        self.logdet: Floats = np.zeros(len(precision.size))
        np.add.at(self.logdet, precision.component[self._order], np.log(fronts.pivots))
        self.mean: Floats = fronts.solved(precision.pull[self._order])[self._place]
        self._columns = basis.columns
        self._keys, self._values = fronts.inverse()

    def spread(self, places: IntArray, others: IntArray) -> Floats:
        """Covariances of the variables at places (n, a) and (n, b): (n, a, b).

        Raises:
            CycleError: variables that are sums of very many others.
        """
        shape = (*places.shape, others.shape[1])
        first = np.broadcast_to(places[:, :, None], shape).ravel()
        second = np.broadcast_to(others[:, None, :], shape).ravel()
        start, width = self._rows.indptr, np.diff(self._rows.indptr)
        products = width[first] * width[second]
        if products.sum() > _MOST:
            raise CycleError("variables that are sums of very many others")
        pair = np.repeat(np.arange(len(first)), products)
        within = np.arange(len(pair)) - np.repeat(np.cumsum(products) - products, products)
        one = start[first[pair]] + within // width[second[pair]]
        other = start[second[pair]] + within % width[second[pair]]
        i, j = self._place[self._rows.indices[one]], self._place[self._rows.indices[other]]
        key = np.minimum(i, j) * self._columns + np.maximum(i, j)
        found = np.searchsorted(self._keys, key)
        assert (self._keys[found] == key).all(), "a covariance of variables that meet in no factor"
        terms = self._rows.data[one] * self._rows.data[other] * self._values[found]
        return np.bincount(pair, terms, minlength=len(first)).reshape(shape)


class _Fronts:
    """A Cholesky factorisation, one front a column: its rows below the diagonal, pivots and multipliers."""

    def __init__(self, lower: Any, improper: Callable[[int], ImproperError]) -> None:
        n = lower.shape[0]
        self.pivots = np.zeros(n)
        self.rows: list[IntArray] = []
        self.multipliers: list[Floats] = []
        self._parents = np.full(n, -1, dtype=np.intp)
        waiting: list[list[tuple[IntArray, Floats]]] = [[] for _ in range(n)]
        numbers = 0
        for j in range(n):
            own = slice(lower.indptr[j], lower.indptr[j + 1])
            index, children = lower.indices[own], waiting[j]
            waiting[j] = []
            rows = np.unique(np.concatenate([[j], index, *(r for r, _ in children)]))
            numbers += len(rows) ** 2
            if numbers > _MOST:
                raise CycleError("a component that fills up")
            front = np.zeros((len(rows), len(rows)))
            front[np.searchsorted(rows, index), 0] = lower.data[own]
            for child, update in children:
                at = np.searchsorted(rows, child)
                front[at[:, None], at] += update
            pivot = front[0, 0]
            if not pivot > 0.0:
                raise improper(j)
            rest, multipliers = rows[1:], front[1:, 0] / pivot
            self.pivots[j] = pivot
            self.rows.append(rest)
            self.multipliers.append(multipliers)
            if len(rest):
                self._parents[j] = rest[0]
                waiting[rest[0]].append((rest, front[1:, 1:] - np.outer(multipliers, front[1:, 0])))

    def solved(self, right: Floats) -> Floats:
        """The solution for one right-hand side."""
        x = right.copy()
        for j, (rows, multipliers) in enumerate(zip(self.rows, self.multipliers, strict=True)):
            x[rows] -= multipliers * x[j]
        x /= self.pivots
        for j in range(len(x) - 1, -1, -1):
            x[j] -= self.multipliers[j] @ x[self.rows[j]]
        return x

    def inverse(self) -> tuple[IntArray, Floats]:
        """The inverse at the places of the fronts: sorted keys ``row * n + column`` of the upper triangle, and values."""
        n = len(self.pivots)
        tables: list[Floats] = [np.zeros((0, 0))] * n
        for j in range(n - 1, -1, -1):
            rows, multipliers, parent = self.rows[j], self.multipliers[j], self._parents[j]
            table = np.empty((len(rows) + 1, len(rows) + 1))
            if parent >= 0:
                at = np.searchsorted(self.rows[parent], rows[1:]) + 1
                at = np.concatenate([[0], at])
                table[1:, 1:] = tables[parent][at[:, None], at]
            table[1:, 0] = table[0, 1:] = -table[1:, 1:] @ multipliers
            table[0, 0] = 1.0 / self.pivots[j] - multipliers @ table[1:, 0]
            tables[j] = table
        keys = [j * n + np.concatenate([[j], rows]) for j, rows in enumerate(self.rows)]
        return np.concatenate(keys), np.concatenate([table[0] for table in tables])


def _meetings(network: GaussianNetwork, rows: Any) -> Any:
    """Which basic variables meet in a factor: their covariances are wanted."""
    total = sparse.csr_matrix((rows.shape[1],) * 2)
    for family in network.families:
        ends = [network.positions(end) for end in family.ends]
        width = sum(end.shape[1] for end in ends)
        places = np.concatenate(ends, axis=1)
        number = np.repeat(np.arange(family.rows), width)
        gather = sparse.csr_matrix((np.ones(places.size), (number, places.ravel())), shape=(family.rows, rows.shape[0]))
        met = gather @ abs(rows)
        if float(np.square(np.diff(met.indptr).astype(float)).sum()) > _MOST:
            raise CycleError("variables that are sums of very many others")
        total = total + met.T @ met
    return total


def _ordered(row: IntArray, column: IntArray, n: int) -> IntArray:
    """The place of every column in an order of little fill (minimum degree)."""
    weight = np.concatenate([np.ones(len(row)), np.full(n, 2.0 * len(row) + 1.0)])
    diagonal = np.arange(n)
    at = np.concatenate([row, diagonal]), np.concatenate([column, diagonal])
    dominant = sparse.csc_matrix((weight, at), shape=(n, n))
    factors = solvers.splu(dominant, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return np.asarray(factors.perm_c, dtype=np.intp)
