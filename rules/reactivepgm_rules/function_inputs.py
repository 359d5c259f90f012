"""The inputs of a Python function as one Gaussian vector: what is random joined, what is known held fast.

x = [in_i; in_j; ...] over the random inputs,  mean [m_i; m_j; ...],  covariance diag(V_i, V_j, ...)
"""

from collections.abc import Callable, Sequence
from typing import Any

from reactivepgm.approximations.cubature import gauss_hermite_regression
from reactivepgm.approximations.linearisation import Affine, linearised
from reactivepgm.approximations.row_function import RowFunction
from reactivepgm.approximations.unscented import unscented
from reactivepgm.distributions import MultivariateNormal, PointMass, UnivariateNormal
from reactivepgm.errors import InferenceError
from reactivepgm.nodes.delta import GaussHermite, GaussianMethod, Linearisation, Unscented
from reactivepgm.numerics.array import Array, broadcast_shapes, namespace

from .gaussian_joint import in_vector_form
from .gaussian_map import as_moments
from .matrix_form import is_everywhere

Belief = UnivariateNormal | MultivariateNormal | PointMass


class Inputs:
    """The arguments of one function.

    Args:
        function: of single values.
        beliefs: one an argument, in order.

    Raises:
        InferenceError: a belief is improper.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> ins = Inputs(lambda x, c: x * c, [NormalMeanVariance(2.0, 1.0), PointMass(3.0)])
        >>> ins(ins.mean).tolist(), ins.sizes
        ([6.0], (1,))
    """

    def __init__(self, function: Callable[..., Any], beliefs: Sequence[Belief]) -> None:
        self.beliefs = [b if isinstance(b, PointMass) else as_moments(b, "a function") for b in beliefs]
        self.shapes = [b.event_shape for b in self.beliefs]
        self.random = [k for k, b in enumerate(self.beliefs) if not isinstance(b, PointMass)]
        self.sizes = tuple((self.shapes[k] or (1,))[0] for k in self.random)
        self.function = RowFunction(function, [len(shape) for shape in self.shapes])
        self.vectors = [in_vector_form(b) for b in self.beliefs if not isinstance(b, PointMass)]
        self.mean = joined([v.mean for v in self.vectors])
        self.covariance = blocks([v.covariance for v in self.vectors])
        self.out_rank = 0
        """Axes of the function's value, once it was called."""

    def __call__(self, x: Array) -> Array:
        """The function's values in vector form, (..., e), for points (..., d) of the random inputs."""
        values: list[Array] = [b.value if isinstance(b, PointMass) else None for b in self.beliefs]
        for k, part in zip(self.random, self.parts(x), strict=True):
            values[k] = part if self.shapes[k] else part[..., 0]
        fixed = [self.beliefs[k].batch_shape for k in range(len(values)) if k not in self.random]
        batch = broadcast_shapes(x.shape[:-1], *fixed)
        result = self.function(values, batch)
        if not is_everywhere(result == result):
            first = namespace(result).argwhere(result != result)[0][: len(batch)]
            point = namespace(x).broadcast_to(x, (*batch, x.shape[-1]))[tuple(first)]
            raise InferenceError(
                f"{self.function.name} gives no number at {point.tolist()}, where a belief about its inputs is to go"
                " through it: a narrower belief, Linearisation(), or a function that is defined there"
            )
        self.out_rank = result.ndim - len(batch)
        return result if self.out_rank else result[..., None]

    def parts(self, x: Array) -> list[Array]:
        """A vector over the random inputs, cut into them along the last axis."""
        ends = [sum(self.sizes[: k + 1]) for k in range(len(self.sizes))]
        return [x[..., end - size : end] for size, end in zip(self.sizes, ends, strict=True)]

    def fitted(self, method: GaussianMethod, mean: Array = None, covariance: Array = None) -> Affine:
        """The linear map with noise that stands for the function under a belief, by default that of the inputs."""
        mean = self.mean if mean is None else mean
        covariance = self.covariance if covariance is None else covariance
        if isinstance(method, Unscented):
            return unscented(self, mean, covariance, alpha=method.alpha, beta=method.beta, kappa=method.kappa)
        if isinstance(method, GaussHermite):
            return gauss_hermite_regression(self, mean, covariance, n=method.n)
        own = None if method.jacobian is None else self._jacobian(method)
        return linearised(self, mean, covariance, order=method.order, step=method.step, jacobian=own)

    def _jacobian(self, method: Linearisation) -> Callable[[Array], Array]:
        """The user's derivatives by the random inputs, side by side."""

        def side_by_side(*arguments: Any) -> Array:
            assert method.jacobian is not None
            given = method.jacobian(*arguments)
            every = given if isinstance(given, tuple) else (given,)
            xp = namespace(*every)
            columns = []
            for k, size in zip(self.random, self.sizes, strict=True):
                columns.append(xp.asarray(every[k], dtype=float).reshape(-1, size))
            return xp.concatenate(columns, axis=-1).reshape(-1)

        def at(x: Array) -> Array:
            flat = Inputs.__new__(Inputs)
            flat.beliefs, flat.shapes, flat.random, flat.sizes = self.beliefs, self.shapes, self.random, self.sizes
            flat.function = RowFunction(side_by_side, self.function.ranks)
            result = flat(x)
            return result.reshape(*result.shape[:-1], -1, x.shape[-1])

        return at


def joined(vectors: Sequence[Array]) -> Array:
    """Vectors one after the other, (*batch, d + e + ...).

    Example:
        >>> import numpy as np
        >>> joined([np.ones(1), np.zeros(1)]).tolist()
        [1.0, 0.0]
    """
    xp = namespace(*vectors)
    batch = broadcast_shapes(*(v.shape[:-1] for v in vectors))
    return xp.concatenate([xp.broadcast_to(v, (*batch, v.shape[-1])) for v in vectors], axis=-1)


def blocks(matrices: Sequence[Array]) -> Array:
    """A block-diagonal matrix, (*batch, d + e + ..., d + e + ...).

    Example:
        >>> import numpy as np
        >>> blocks([np.eye(1), 2.0 * np.eye(1)]).tolist()
        [[1.0, 0.0], [0.0, 2.0]]
    """
    xp = namespace(*matrices)
    batch = broadcast_shapes(*(m.shape[:-2] for m in matrices))
    rows = []
    for k, matrix in enumerate(matrices):
        zeros = [xp.zeros((*batch, matrix.shape[-1], other.shape[-1])) for other in matrices]
        zeros[k] = xp.broadcast_to(matrix, (*batch, *matrix.shape[-2:]))
        rows.append(xp.concatenate(zeros, axis=-1))
    return xp.concatenate(rows, axis=-2)
