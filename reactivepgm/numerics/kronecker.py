"""Matrices as vectors, column by column: vec(A X B) = (B' kron A) vec(X)          Magnus and Neudecker 1999, section 2.4."""

from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.linear_algebra import transpose


def vec(matrix: Array) -> Array:
    """The columns one below the other: (*batch, n, p) gives (*batch, n p).

    Example:
        >>> import numpy as np
        >>> vec(np.array([[1.0, 2.0], [3.0, 4.0]]))
        array([1., 3., 2., 4.])
    """
    up = transpose(matrix)
    return up.reshape(*up.shape[:-2], up.shape[-2] * up.shape[-1])


def unvec(vector: Array, rows: int) -> Array:
    """The matrix with a given number of rows whose ``vec`` this is: (*batch, n p) gives (*batch, n, p).

    Example:
        >>> import numpy as np
        >>> unvec(np.array([1.0, 3.0, 2.0, 4.0]), 2).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    return transpose(vector.reshape(*vector.shape[:-1], vector.shape[-1] // rows, rows))


def kron(a: Array, b: Array) -> Array:
    """The Kronecker product: (*batch, p, q) and (*batch, n, m) give (*batch, p n, q m).

    Example:
        >>> import numpy as np
        >>> kron(np.eye(2), np.array([[2.0]])).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """
    product = namespace(a, b).einsum("...ij,...kl->...ikjl", a, b)
    rows, columns = a.shape[-2] * b.shape[-2], a.shape[-1] * b.shape[-1]
    return product.reshape(*product.shape[:-4], rows, columns)
