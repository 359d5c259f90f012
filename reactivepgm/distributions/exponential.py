"""The exponential distribution of waiting times, a gamma of shape one: p(x) = rate exp(-rate x), x >= 0."""

from typing import ClassVar

from reactivepgm.distributions.gamma import GammaFamily
from reactivepgm.distributions.indexing import aligned
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.elementary import reciprocal


class Exponential(GammaFamily):
    """Exponential by its rate.

    Args:
        rate: (*batch,).

    Example:
        >>> Exponential(2.0).mean, round(Exponential(2.0).log_pdf(1.0), 6)
        (0.5, -1.306853)
    """

    __slots__ = ("rate",)
    parameter_ranks: ClassVar[dict[str, int]] = {"rate": 0}
    rate: Array

    @property
    def shape(self) -> Array:
        """One."""
        return 1.0

    @property
    def scale(self) -> Array:
        """1 / rate."""
        return reciprocal(self.rate)

    def naturals(self) -> tuple[Array, ...]:
        """(0, rate)."""
        return aligned((0.0, self.rate), (0, 0))
