"""Invertible maps of vectors, layer by layer, with inverses and Jacobians: (*batch, d) in and out.

Planar       y = x + u tanh(w'x + b),  w'u > -1                             Rezende and Mohamed 2015, equation 10
Radial       y = x + β (x - z) / (α + |x - z|),  α > 0, β > -α              Rezende and Mohamed 2015, equation 14
Permutation  y_i = x_order[i]
Coupling     in blocks of equal size, y_1 = x_1, y_k = x_k + f_k(x_{k-1})   Dinh, Krueger and Bengio 2015, section 3.3
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics import linear_algebra as la
from reactivepgm.numerics.array import Array, as_array

_BISECTIONS = 60


class Layer(Protocol):
    """What every layer offers."""

    def forward(self, x: Array) -> Array:
        """The image."""

    def backward(self, y: Array) -> Array:
        """The preimage."""

    def jacobian(self, x: Array) -> Array:
        """∂y/∂x at x, (*batch, d, d)."""


def _vector(value: Array) -> Array:
    return np.atleast_1d(np.asarray(as_array(value)))


class PlanarFlow:
    """A bend along one direction.

    Args:
        u: (d,), where to.
        w: (d,), along what.
        b: offset.

    Raises:
        InvalidParameterError: w'u <= -1, so that the map has no inverse.

    Example:
        >>> layer = PlanarFlow(1.0, 2.0, 3.0)
        >>> round(float(layer.backward(layer.forward(np.array([0.5])))[0]), 12)
        0.5
    """

    def __init__(self, u: Array, w: Array, b: float) -> None:
        self.u, self.w, self.b = _vector(u), _vector(w), float(b)
        self.stretch = float(self.u @ self.w)
        if not self.stretch > -1.0:
            raise InvalidParameterError(f"PlanarFlow: w'u must be above -1 for an inverse, not {self.stretch}")

    def forward(self, x: Array) -> Array:
        """x + u tanh(w'x + b)."""
        return x + self.u * np.tanh(x @ self.w + self.b)[..., None]

    def backward(self, y: Array) -> Array:
        """By bisection for the number w'x, then two steps of Newton's method."""
        goal, c = y @ self.w, self.stretch
        low, high = goal - abs(c), goal + abs(c)
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            above = middle + c * np.tanh(middle + self.b) > goal
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        along = 0.5 * (low + high)
        for _ in range(2):
            bend = np.tanh(along + self.b)
            along = along - (along + c * bend - goal) / (1.0 + c * (1.0 - bend * bend))
        return y - self.u * np.tanh(along + self.b)[..., None]

    def jacobian(self, x: Array) -> Array:
        """I + (1 - tanh²) u w'."""
        slope = 1.0 - np.tanh(x @ self.w + self.b) ** 2
        return np.eye(len(self.u)) + slope[..., None, None] * np.outer(self.u, self.w)


class RadialFlow:
    """A swelling or shrinking around a centre.

    Args:
        centre: (d,).
        alpha: positive.
        beta: above -alpha.

    Raises:
        InvalidParameterError: parameters without an inverse.

    Example:
        >>> layer = RadialFlow([0.0, 0.0], 1.0, 2.0)
        >>> layer.backward(layer.forward(np.array([0.5, 1.0]))).round(12)
        array([0.5, 1. ])
    """

    def __init__(self, centre: Array, alpha: float, beta: float) -> None:
        self.centre, self.alpha, self.beta = _vector(centre), float(alpha), float(beta)
        if not (self.alpha > 0.0 and self.beta > -self.alpha):
            raise InvalidParameterError(f"RadialFlow: alpha must be positive and beta above -alpha, not {alpha} and {beta}")

    def _parts(self, x: Array) -> tuple[Array, Array]:
        gap = x - self.centre
        return gap, np.sqrt((gap * gap).sum(-1, keepdims=True))

    def forward(self, x: Array) -> Array:
        """x + β (x - z) / (α + |x - z|)."""
        gap, radius = self._parts(x)
        return x + self.beta * gap / (self.alpha + radius)

    def backward(self, y: Array) -> Array:
        """The radius solves a quadratic equation, of which one root is positive."""
        gap, image = self._parts(y)
        half = 0.5 * (self.alpha + self.beta - image)
        root = np.sqrt(half * half + self.alpha * image)
        radius = np.where(half > 0.0, self.alpha * image / (root + np.abs(half)), root - half)
        return self.centre + gap / (1.0 + self.beta / (self.alpha + radius))

    def jacobian(self, x: Array) -> Array:
        """(1 + β h) I - β h² (x - z)(x - z)' / |x - z|, h = 1 / (α + |x - z|)."""
        gap, radius = self._parts(x)
        h = 1.0 / (self.alpha + radius)
        pull = (self.beta * h * h / np.where(radius > 0.0, radius, 1.0))[..., None]
        return (1.0 + self.beta * h)[..., None] * np.eye(x.shape[-1]) - pull * la.outer(gap)


class Permutation:
    """The coordinates in another order.

    Args:
        order: (d,), each of 0 ... d-1 once.

    Raises:
        InvalidParameterError: no permutation.

    Example:
        >>> Permutation([2, 0, 1]).forward(np.array([1.0, 2.0, 3.0]))
        array([3., 1., 2.])
    """

    def __init__(self, order: Sequence[int]) -> None:
        self.order = np.asarray(order, dtype=np.intp)
        if sorted(self.order.tolist()) != list(range(len(self.order))):
            raise InvalidParameterError(f"Permutation: {list(order)} is no order of 0 ... {len(self.order) - 1}")

    def forward(self, x: Array) -> Array:
        """The coordinates in the order."""
        return x[..., self.order]

    def backward(self, y: Array) -> Array:
        """The coordinates put back."""
        return y[..., np.argsort(self.order)]

    def jacobian(self, x: Array) -> Array:
        """The permutation's matrix."""
        matrix = np.eye(len(self.order))[self.order]
        return np.broadcast_to(matrix, (*x.shape[:-1], *matrix.shape))


class AdditiveCoupling:
    """Every block is moved by a function of the block before it, the first block stays.

    Args:
        flows: the functions f_2, f_3, ..., one for each block after the first; or one of them.
        size: coordinates a block.

    Example:
        >>> AdditiveCoupling(PlanarFlow(1.0, 2.0, 3.0)).forward(np.array([-5.0, -1.5])).round(5)
        array([-5. , -7.5])
    """

    def __init__(self, flows: Layer | Sequence[Layer], size: int = 1) -> None:
        self.flows: tuple[Layer, ...] = tuple(flows) if isinstance(flows, Sequence) else (flows,)
        self.size = size

    def _blocks(self, x: Array) -> list[Array]:
        blocks = len(self.flows) + 1
        if x.shape[-1] != blocks * self.size:
            raise InvalidParameterError(
                f"AdditiveCoupling: {blocks} blocks of {self.size} do not make a vector of length {x.shape[-1]}"
            )
        return [x[..., k * self.size : (k + 1) * self.size] for k in range(blocks)]

    def forward(self, x: Array) -> Array:
        """y_k = x_k + f_k(x_{k-1})."""
        blocks = self._blocks(x)
        moved = [block + f.forward(before) for f, before, block in zip(self.flows, blocks, blocks[1:], strict=False)]
        return np.concatenate([blocks[0], *moved], axis=-1)

    def backward(self, y: Array) -> Array:
        """Block after block, each from the one found before."""
        blocks = self._blocks(y)
        found = [blocks[0]]
        for f, block in zip(self.flows, blocks[1:], strict=True):
            found.append(block - f.forward(found[-1]))
        return np.concatenate(found, axis=-1)

    def jacobian(self, x: Array) -> Array:
        """Ones on the diagonal, the Jacobians of the f_k below it."""
        matrix = np.zeros((*x.shape, x.shape[-1])) + np.eye(x.shape[-1])
        for k, (f, block) in enumerate(zip(self.flows, self._blocks(x), strict=False)):
            here, after = slice(k * self.size, (k + 1) * self.size), slice((k + 1) * self.size, (k + 2) * self.size)
            matrix[..., after, here] = f.jacobian(block)
        return matrix


class FlowModel:
    """Layers one after another.

    Args:
        layers: the first is applied first.

    Example:
        >>> model = FlowModel(AdditiveCoupling(PlanarFlow(1.0, 2.0, 3.0)), Permutation([1, 0]))
        >>> model.backward(model.forward(np.array([0.5, 1.0]))).round(12)
        array([0.5, 1. ])
        >>> round(abs(model.log_det_jacobian(np.array([0.5, 1.0]))), 12)
        0.0
    """

    def __init__(self, *layers: Layer) -> None:
        self.layers = layers

    def forward(self, x: Array) -> Array:
        """All layers."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, y: Array) -> Array:
        """All layers undone, the last one first."""
        for layer in reversed(self.layers):
            y = layer.backward(y)
        return y

    def jacobian(self, x: Array) -> Array:
        """The product of the layers' Jacobians, each where x has got to."""
        matrix = np.eye(x.shape[-1])
        for layer in self.layers:
            matrix = layer.jacobian(x) @ matrix
            x = layer.forward(x)
        return matrix

    def log_det_jacobian(self, x: Array) -> Array:
        """log |det ∂y/∂x|, (*batch,)."""
        sign, value = np.linalg.slogdet(self.jacobian(x))
        return float(value) if not np.ndim(sign) else value
