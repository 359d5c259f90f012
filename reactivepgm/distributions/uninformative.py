"""The belief that says nothing: a flat density, the identity of the product."""

import math
from typing import Any, ClassVar, Self

import numpy as np

from reactivepgm.distributions.base import Distribution
from reactivepgm.errors import ImproperPosteriorError
from reactivepgm.numerics.array import Array


class Uninformative(Distribution):
    """The flat density on any domain; its log density is zero everywhere.

    Example:
        >>> Uninformative().log_pdf(3.0)
        0.0
    """

    parameter_ranks: ClassVar[dict[str, int]] = {}
    _float_arity: ClassVar[int] = 0

    @classmethod
    def _of(cls, *values: Any) -> Self:
        return object.__new__(cls)

    @property
    def mean(self) -> Array:
        """nan: there is none."""
        return math.nan

    @property
    def variance(self) -> Array:
        """inf."""
        return math.inf

    @property
    def mode(self) -> Array:
        """nan: every value is as good."""
        return math.nan

    def entropy(self) -> Array:
        """inf."""
        return math.inf

    def log_pdf(self, x: Array) -> Array:
        """Zero, (unnormalised) everywhere."""
        return 0.0

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Not possible.

        Raises:
            ImproperPosteriorError: always.
        """
        raise ImproperPosteriorError("nothing can be drawn from Uninformative(); give the variable a proper prior")

    def broadcast_to(self, batch_shape: tuple[int, ...]) -> Self:
        """Itself: it is the same in every row."""
        return self

    def __getitem__(self, index: Any) -> Self:
        """Itself: it is the same in every row."""
        return self
