"""An exponential family as a vector space: products of densities are sums of natural parameters.

p(x) = h(x) exp(eta . T(x) - A(eta)),   p1(x) p2(x) ∝ h(x) exp((eta1 + eta2) . T(x)),   flat density: eta = 0
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from reactivepgm.numerics.array import Array

if TYPE_CHECKING:
    from reactivepgm.distributions.base import Distribution


class Group:
    """What all parametrisations of one exponential family share.

    Args:
        name: as errors print it.
        event_ranks: the number of event axes of each natural parameter.
        build: makes the canonical distribution from natural parameters.
        is_proper: tells for each row whether the natural parameters normalise.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance, NormalMeanPrecision
        >>> NormalMeanVariance.group is NormalMeanPrecision.group
        True
        >>> a, b = NormalMeanVariance(1.0, 1.0).naturals(), NormalMeanPrecision(3.0, 1.0).naturals()
        >>> NormalMeanVariance.group.from_naturals(a[0] + b[0], a[1] + b[1]).mean
        2.0
    """

    __slots__ = ("_build", "_is_proper", "event_ranks", "name")

    def __init__(
        self,
        name: str,
        event_ranks: tuple[int, ...],
        build: "Callable[..., Distribution]",
        is_proper: Callable[..., Array],
    ) -> None:
        self.name = name
        self.event_ranks = event_ranks
        self._build = build
        self._is_proper = is_proper

    def from_naturals(self, *naturals: Array) -> "Distribution":
        """The distribution, in the family's canonical class, with these natural parameters.

        Args:
            naturals: each (*batch, *event of that parameter).

        Raises:
            ProductError: discrete log-probabilities that are -inf for every category.
        """
        return self._build(*naturals)

    def is_proper(self, *naturals: Array) -> Array:
        """Whether the natural parameters normalise, (*batch,); a bool for a single row."""
        proper = self._is_proper(*naturals)
        return proper if getattr(proper, "ndim", 0) else bool(proper)

    def flat(self, batch_shape: tuple[int, ...], event_shape: tuple[int, ...]) -> tuple[Array, ...]:
        """The natural parameters of the flat density, all zero: the message that says nothing.

        Args:
            batch_shape: the rows.
            event_shape: the shape of one value; (K,) for the discrete group.

        Example:
            >>> from reactivepgm.distributions import MvNormalMeanCovariance
            >>> [x.shape for x in MvNormalMeanCovariance.group.flat((5,), (2,))]
            [(5, 2), (5, 2, 2)]
        """
        zeros = []
        for rank in self.event_ranks:
            # A parameter has no axes, the axes of a value, or (normals) a second copy of the only axis.
            event = () if rank == 0 else event_shape if rank in (-1, len(event_shape)) else event_shape * rank
            shape = (*batch_shape, *event)
            zeros.append(np.zeros(shape) if shape else 0.0)
        return tuple(zeros)

    def __repr__(self) -> str:
        return f"<group {self.name}>"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # Groups are compared by identity; each is a constant of its own name in the module of its functions.
        return _constant, (self._build.__module__, self.name)


def _constant(module: str, name: str) -> Group:
    group: Group = getattr(import_module(module), name)
    return group
