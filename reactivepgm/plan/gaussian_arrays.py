"""What goes into a Gaussian forest: factor families as index arrays, and the numbers that fill them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reactivepgm.errors import ImproperPosteriorError
from reactivepgm.numerics.array import Array
from reactivepgm.plan.contraction_steps import IntArray

End = tuple[int, IntArray]


class ImproperError(ImproperPosteriorError):
    """Nothing determines an element of an array: its marginal does not exist."""

    def __init__(self, array: int, element: int, reason: str = "nothing determines it") -> None:
        super().__init__(f"element {element} of array {array} has no proper marginal: {reason}")
        self.reason = reason
        self.array = array
        self.element = element


@dataclass(frozen=True)
class Factors:
    """One family of conditional factors, out = sum_k A_k in_k + b + N(0, C).

    Args:
        out: array number and element index within that array, (rows,).
        ins: the same for one or two inputs.
    """

    out: End
    ins: tuple[End, ...]

    @property
    def rows(self) -> int:
        """The number of factors."""
        return int(self.out[1].size)

    @property
    def ends(self) -> tuple[End, ...]:
        """All ends, out first."""
        return (self.out, *self.ins)


@dataclass(frozen=True)
class GaussianUnary:
    """What is said about one array alone: exp(eta'x - x'Jx/2), and normalised densities kept in moment form.

    Args:
        weighted_mean: eta (n, d), zeros where nothing is known.
        precision: J (n, d, d), likewise.
        elements: (m,) elements that also have a prior in moment form, each once.
        mean: (m, d).
        covariance: (m, d, d), which may be singular.
    """

    weighted_mean: Array
    precision: Array
    elements: IntArray | None = None
    mean: Array = None
    covariance: Array = None

    @staticmethod
    def flat(size: int, dimension: int) -> GaussianUnary:
        """Nothing is said about an array; its zeros take no memory.

        >>> GaussianUnary.flat(10, 2).is_flat, GaussianUnary(np.ones((10, 2)), np.zeros((10, 2, 2))).is_flat
        (True, False)
        """
        return GaussianUnary(np.broadcast_to(0.0, (size, dimension)), np.broadcast_to(0.0, (size, dimension, dimension)))

    @property
    def is_flat(self) -> bool:
        """Whether nothing is said."""
        if self.elements is not None and len(self.elements):
            return False
        parts = np.asarray(self.weighted_mean), np.asarray(self.precision)
        return not any((part.flat[:1] if not any(part.strides) else part).any() for part in parts)


@dataclass(frozen=True)
class GaussianKernelArrays:
    """The numbers of one family; a leading 1 is shared by all rows.

    Args:
        matrices: A_k (rows or 1, d_out, d_in) for each input, or None for the identity.
        offset: b (rows or 1, d_out), or None for zero.
        covariance: C (rows or 1, d_out, d_out), or None for a deterministic family.
    """

    matrices: Sequence[Array]
    offset: Array = None
    covariance: Array = None


@dataclass(frozen=True)
class GaussianMessage:
    """Messages at one end of a family: moments (mean, covariance) where ``moment``, else (weighted mean, precision).

    Args:
        moment: one flag for all rows, or (rows,) flags where flat roots make some rows differ.
        vector: (rows, d).
        matrix: (rows, d, d).
    """

    moment: Array
    vector: Array
    matrix: Array
