"""ContinuousTransition(y | x, a, W): y ~ N(A(a) x, inv W), where a function makes the matrix A from the vector a.

The rules see A through its linearisation around the mean a0 of a, exact for a linear A:

    A(a) ≈ A(a0) + sum_j J_j (a_j - a0_j),   J_j = dA/da_j
    dA/da_j ≈ (A(a - 2h) - 8 A(a - h) + 8 A(a + h) - A(a + 2h)) / 12 h,  of order four in h      Fornberg 1988, table 1
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from reactivepgm.errors import InvalidParameterError, ParametrisationError
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.numerics.array import Array

_STEP = float(np.finfo(float).eps) ** 0.2  # balances the truncation error h^4 against the rounding error eps / h
_STENCIL = ((-2.0, 1.0), (-1.0, -8.0), (1.0, 8.0), (2.0, -1.0))


@dataclass(frozen=True)
class ContinuousTransitionMeta:
    """The matrix of a continuous transition as a function of its parameters.

    Args:
        function: from the vector a (d,) to the matrix A (n, m).
        jacobian: from a to dA/da, (n, m, d); by default finite differences of order four.
        vectorized: whether both take (*batch, d) at once; else they are called once for each row of a batch.
        at: a point (d,) to linearise at toward a itself where its marginal is not at hand; any point will do for a
            function that is linear in a.

    Example:
        >>> meta = ContinuousTransitionMeta(lambda a: np.array([[a[0], 1.0], [0.0, a[0] ** 2]]))
        >>> matrix, slope = meta.linearised(np.array([2.0]))
        >>> matrix.tolist(), slope[..., 0].round(9).tolist()
        ([[2.0, 1.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 4.0]])
    """

    function: Callable[[Array], Array]
    jacobian: Callable[[Array], Array] | None = None
    vectorized: bool = False
    at: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if self.at is not None:  # as a tuple, so that metas compare
            object.__setattr__(self, "at", tuple(float(x) for x in self.at))

    def linearised(self, a: Array) -> tuple[Array, Array]:
        """The matrix at a, and its derivative.

        Args:
            a: (*batch, d).

        Returns:
            A (*batch, n, m) and dA/da (*batch, n, m, d).

        Raises:
            InvalidParameterError: the function does not return a matrix.
        """
        a = np.asarray(a, dtype=float)
        return self._matrices(a), self._slopes(a)

    def _matrices(self, a: Array) -> Array:
        matrix = self._called(self.function, a)
        if matrix.ndim != a.ndim + 1:
            raise InvalidParameterError(
                "ContinuousTransitionMeta: the function must return a matrix (n, m), "
                f"not an array of shape {matrix.shape[a.ndim - 1 :]}"
            )
        return matrix

    def _slopes(self, a: Array) -> Array:
        if self.jacobian is not None:
            return self._called(self.jacobian, a)
        columns = []
        for j in range(a.shape[-1]):
            step = _STEP * np.maximum(1.0, np.abs(a[..., j]))
            total: Array = 0.0
            for times, weight in _STENCIL:
                moved = a.copy()
                moved[..., j] += times * step
                total = total + weight * self._matrices(moved)
            columns.append(total / (12.0 * step[..., None, None]))
        return np.stack(columns, axis=-1)

    def _called(self, function: Callable[[Array], Array], a: Array) -> Array:
        if self.vectorized or a.ndim == 1:
            return np.asarray(function(a), dtype=float)
        rows = np.stack([np.asarray(function(row), dtype=float) for row in a.reshape(-1, a.shape[-1])])
        return rows.reshape(*a.shape[:-1], *rows.shape[1:])


def _needs_its_function(*_: Any) -> NoReturn:
    raise ParametrisationError(
        "ContinuousTransition stands for no density without the function that makes its matrix: "
        "write it with meta=ContinuousTransitionMeta(function)"
    )


CONTINUOUS_TRANSITION = register(
    Node(
        "ContinuousTransition",
        "stochastic",
        (
            Interface("y", ("out",), event_rank=1),
            Interface("x", event_rank=1),
            Interface("a", event_rank=1),
            Interface("W", ("precision", "Λ"), event_rank=2, support="positive_definite"),
        ),
        _needs_its_function,
        log_density=_needs_its_function,
        sampler=_needs_its_function,
    ),
    aliases=("CTransition",),
)
