"""Expected products of random matrices, for beliefs in Kronecker form or about vec(X), column by column.

Row scatter      E[(X - M) K (X - M)'] for independent X and M, K (p, p):
                 (EX - EM) K (EX - EM)' + sum over both of
                     U tr(V K)                       for MatrixNormal(., U, V)
                     sum_jk K_jk Cov[x_j, x_k]       for a normal on vec(X) with columns x_j
Column scatter   E[(X - M)' K (X - M)], K (n, n): the same with rows and columns exchanged
"""

from reactivepgm.distributions import MatrixNormal, MultivariateNormal, PointMass
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.kronecker import unvec
from reactivepgm.numerics.linear_algebra import symmetrise, trace_product, transpose

from .matrix_form import scaling

MatrixBelief = MatrixNormal | MultivariateNormal | PointMass


class MatrixMoments:
    """The mean (*batch, n, p) of a random matrix and its entries' covariances.

    Args:
        mean: (*batch, n, p).
        belief: in Kronecker form, about vec(X), or certain.

    Example:
        >>> import numpy as np
        >>> as_matrices(MatrixNormal(np.zeros((2, 1)), np.eye(2), [[3.0]]), 2).among_rows(np.eye(1)).tolist()
        [[3.0, 0.0], [0.0, 3.0]]
    """

    def __init__(self, mean: Array, belief: MatrixBelief) -> None:
        self.mean = mean
        self._belief = belief

    def _blocks(self, covariance: Array) -> Array:
        """Cov[x_ij, x_kl] as (*batch, j, i, l, k)."""
        n, p = self.mean.shape[-2:]
        return covariance.reshape(*covariance.shape[:-2], p, n, p, n)

    def among_rows(self, k: Array) -> Array:
        """E[(X - EX) K (X - EX)'], (*batch, n, n); zero for what is certain."""
        q = self._belief
        if isinstance(q, PointMass):
            return 0.0
        if isinstance(q, MatrixNormal):
            return scaling(trace_product(q.colcov, k)) * q.rowcov
        return namespace(k).einsum("...jilk,...jl->...ik", self._blocks(q.covariance), k)

    def among_columns(self, k: Array) -> Array:
        """E[(X - EX)' K (X - EX)], (*batch, p, p); zero for what is certain."""
        q = self._belief
        if isinstance(q, PointMass):
            return 0.0
        if isinstance(q, MatrixNormal):
            return scaling(trace_product(q.rowcov, k)) * q.colcov
        return namespace(k).einsum("...jilk,...ik->...jl", self._blocks(q.covariance), k)


def as_matrices(q: MatrixBelief, rows: int) -> MatrixMoments:
    """The moments of a belief about a matrix with a given number of rows, which may be held as one about vec(X).

    Example:
        >>> import numpy as np
        >>> as_matrices(PointMass(np.eye(2)), 2).mean.shape
        (2, 2)
    """
    return MatrixMoments(unvec(q.mean, rows) if isinstance(q, MultivariateNormal) else q.mean, q)


def row_scatter(x: MatrixMoments, m: MatrixMoments, k: Array) -> Array:
    """E[(X - M) K (X - M)'] for independent X and M, (*batch, n, n).

    Example:
        >>> import numpy as np
        >>> x, m = (as_matrices(PointMass([[a, b]]), 1) for a, b in ((1.0, 2.0), (0.0, 0.0)))
        >>> row_scatter(x, m, np.eye(2)).tolist()
        [[5.0]]
    """
    gap = x.mean - m.mean
    return symmetrise(gap @ k @ transpose(gap) + x.among_rows(k) + m.among_rows(k))


def column_scatter(x: MatrixMoments, m: MatrixMoments, k: Array) -> Array:
    """E[(X - M)' K (X - M)] for independent X and M, (*batch, p, p).

    Example:
        >>> import numpy as np
        >>> x, m = (as_matrices(PointMass([[a, b]]), 1) for a, b in ((1.0, 2.0), (0.0, 0.0)))
        >>> column_scatter(x, m, np.eye(1)).tolist()
        [[1.0, 2.0], [2.0, 4.0]]
    """
    gap = x.mean - m.mean
    return symmetrise(transpose(gap) @ k @ gap + x.among_columns(k) + m.among_columns(k))
