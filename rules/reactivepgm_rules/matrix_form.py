"""The same numbers in the shape that Gaussian algebra wants: identities, blocks, diagonals, vector form of scalars."""

from reactivepgm.distributions import PointMass
from reactivepgm.numerics.array import Array, is_numpy, namespace
from reactivepgm.numerics.linear_algebra import eye, transpose


def identity_like(matrix: Array) -> Array:
    """The identity of a square matrix's size and precision.

    Example:
        >>> import numpy as np
        >>> identity_like(np.zeros((5, 2, 2))).shape
        (2, 2)
    """
    return eye(matrix.shape[-1], matrix)


def nonzero(x: Array) -> Array:
    """x, with 1 in the place of 0: a divisor whose dividend is 0 there too.

    Example:
        >>> nonzero(0.0), nonzero(2.0)
        (1.0, 2.0)
    """
    return x + (x == 0)


def is_everywhere(condition: Array) -> bool:
    """Whether a condition holds for all rows, as far as that can be known before the numbers are there.

    Args:
        condition: a boolean, or a boolean array; of a traced array nothing is known, and it counts as true.

    Example:
        >>> is_everywhere(True)
        True
    """
    if isinstance(condition, bool) or getattr(condition, "stands_for_one", False):
        return bool(condition)
    return bool(condition.all()) if is_numpy(condition) else True


def is_nonzero(x: Array) -> bool:
    """Whether no row is zero (a traced array counts as nonzero).

    Example:
        >>> is_nonzero(0.0), is_nonzero(2.0)
        (False, True)
    """
    return is_everywhere(x != 0)


def as_vector(x: Array) -> Array:
    """A scalar (*batch,) as a vector of length one: (*batch, 1).

    Example:
        >>> as_vector(2.0)
        array([2.])
    """
    return namespace(x).asarray(x)[..., None]


def as_matrix(x: Array) -> Array:
    """A scalar (*batch,) as a one by one matrix: (*batch, 1, 1).

    Example:
        >>> as_matrix(2.0)
        array([[2.]])
    """
    return namespace(x).asarray(x)[..., None, None]


def scaling(x: Array) -> Array:
    """A scalar (*batch,) shaped to multiply matrices; a float needs no shape.

    Example:
        >>> scaling(2.0)
        2.0
    """
    return x[..., None, None] if getattr(x, "ndim", 0) else x


def column_scaling(x: Array) -> Array:
    """A scalar (*batch,) shaped to multiply vectors; a float needs no shape.

    Example:
        >>> column_scaling(2.0)
        2.0
    """
    return x[..., None] if getattr(x, "ndim", 0) else x


def pair(a: Array, b: Array) -> Array:
    """Two scalars as one vector, or two vectors one after the other: (*batch, 2) or (*batch, d + e).

    Example:
        >>> pair(1.0, 2.0)
        array([1., 2.])
    """
    xp = namespace(a, b)
    if type(a) is float and type(b) is float:
        return xp.asarray([a, b])
    return xp.stack(xp.broadcast_arrays(a, b), axis=-1)


def concatenated(a: Array, b: Array) -> Array:
    """Two vectors one after the other: (*batch, d + e).

    Example:
        >>> import numpy as np
        >>> concatenated(np.ones(1), np.zeros((3, 2))).shape
        (3, 3)
    """
    xp = namespace(a, b)
    batch = xp.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    return xp.concatenate([xp.broadcast_to(x, (*batch, x.shape[-1])) for x in (a, b)], axis=-1)


def symmetric(a: Array, b: Array, c: Array) -> Array:
    """The matrix [[a, b], [b, c]] of scalars: (*batch, 2, 2).

    Example:
        >>> symmetric(1.0, 2.0, 3.0).tolist()
        [[1.0, 2.0], [2.0, 3.0]]
    """
    xp = namespace(a, b, c)
    if type(a) is float and type(b) is float and type(c) is float:
        return xp.asarray([[a, b], [b, c]])
    a, b, c = xp.broadcast_arrays(a, b, c)
    return xp.stack([xp.stack([a, b], axis=-1), xp.stack([b, c], axis=-1)], axis=-2)


def symmetric_blocks(a: Array, b: Array, c: Array) -> Array:
    """The matrix [[a, b], [b', c]] of matrices: (*batch, d + e, d + e).

    Example:
        >>> import numpy as np
        >>> symmetric_blocks(np.eye(2), np.zeros((2, 1)), np.eye(1)).shape
        (3, 3)
    """
    xp = namespace(a, b, c)
    batch = xp.broadcast_shapes(a.shape[:-2], b.shape[:-2], c.shape[:-2])
    a, b, c = (xp.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b, c))
    upper = xp.concatenate([a, b], axis=-1)
    lower = xp.concatenate([transpose(b), c], axis=-1)
    return xp.concatenate([upper, lower], axis=-2)


def as_matrix_point(point: PointMass) -> PointMass:
    """A known matrix; a known vector means the diagonal matrix.

    Example:
        >>> as_matrix_point(PointMass([1.0, 2.0])).value.tolist()
        [[1.0, 0.0], [0.0, 2.0]]
    """
    if len(point.event_shape) != 1:
        return point
    value = point.value
    return PointMass(value[..., None, :] * eye(value.shape[-1], value), event_rank=2)


def point_in_vector_form(point: PointMass) -> Array:
    """A known number as a vector of length one, a known vector as it is.

    Example:
        >>> point_in_vector_form(PointMass(2.0))
        array([2.])
    """
    return point.value if len(point.event_shape) else as_vector(point.value)
