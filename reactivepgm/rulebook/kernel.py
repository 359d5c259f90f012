"""Kernels: the normal form of a factor between variables once everything else about it is known.

Gaussian    out = sum_k A_k in_k + b + e,   e ~ N(0, C)        (C may be singular, also zero)
Discrete    log potential L[out, in]
"""

from dataclasses import dataclass

from reactivepgm.numerics.array import Array


@dataclass(frozen=True, slots=True)
class GaussianKernel:
    """out = sum_k matrices[k] @ in_k + offset + N(0, covariance), always in vector form: a scalar has d = 1.

    Args:
        matrices: one a variable of ``ins``, (*batch, d_out, d_in); None is the identity. A (*batch, 1, 1) matrix
            between vectors is that multiple of the identity (a scalar times a vector, whose length the rule cannot see).
        offset: (*batch, d_out); None is zero.
        covariance: (*batch, d_out, d_out); None is zero, a deterministic factor.

    Example:
        >>> GaussianKernel((None, None)).covariance is None
        True
    """

    matrices: tuple[Array | None, ...]
    offset: Array | None = None
    covariance: Array | None = None


@dataclass(frozen=True, slots=True)
class DiscreteKernel:
    """Log potentials between two discrete variables.

    Args:
        log_matrix: (*batch, K_out, K_in).

    Example:
        >>> import numpy as np
        >>> DiscreteKernel(np.log([[0.9, 0.2], [0.1, 0.8]])).log_matrix.shape
        (2, 2)
    """

    log_matrix: Array
