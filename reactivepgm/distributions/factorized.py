"""A joint belief that falls apart into independent ones.

q(a, b, c) = q(a, b) q(c),   entropy = the sum of the parts' entropies
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from reactivepgm.distributions.base import Distribution, rebuilt
from reactivepgm.distributions.bivariate_normal import BivariateNormal
from reactivepgm.distributions.mv_normal import MvNormalMeanCovariance
from reactivepgm.distributions.point_mass import PointMass
from reactivepgm.errors import InvalidParameterError, ParametrisationError
from reactivepgm.numerics.array import Array, broadcast_shapes

Name = str | tuple[str, ...]


class Parts(dict[Name, Distribution]):
    """Distributions by name; a tuple of one name is that name."""

    def __init__(self, parts: Mapping[Name, Distribution]) -> None:
        super().__init__({_plain(name): part for name, part in parts.items()})

    def __missing__(self, name: Name) -> Distribution:
        if _plain(name) in self:
            return self[_plain(name)]
        raise KeyError(name)


def _plain(name: Name) -> Name:
    return name[0] if isinstance(name, tuple) and len(name) == 1 else name


class Factorized(Distribution):
    """Independent beliefs about named variables, or about named groups of them.

    Args:
        factors: a distribution for each name or tuple of names; batch shapes broadcast.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> joint = Factorized({"out": NormalMeanVariance(0.0, 1.0), "mean": PointMass(2.0)})
        >>> joint.marginal("mean").mean
        2.0
    """

    __slots__ = ("factors",)
    factors: Mapping[Name, Distribution]

    @classmethod
    def _of(cls, *values: Any) -> Self:
        self = object.__new__(cls)
        object.__setattr__(self, "factors", Parts(values[0]))
        return self

    @classmethod
    def _checked(cls, factors: Mapping[Name, Distribution]) -> Self:
        for name, factor in factors.items():
            if not isinstance(factor, Distribution):
                raise ParametrisationError(f"Factorized: {name!r} must be a distribution, not {factor!r}")
        self = cls._of(factors)
        try:
            self.batch_shape  # noqa: B018
        except ValueError:
            shapes = {name: factor.batch_shape for name, factor in factors.items()}
            raise InvalidParameterError(f"Factorized: the batch shapes do not broadcast: {shapes}") from None
        return self

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The broadcast of the factors' batch shapes."""
        return broadcast_shapes(*(factor.batch_shape for factor in self.factors.values()))

    def marginal(self, name: str) -> Distribution:
        """The belief about one name.

        Raises:
            ParametrisationError: it has no factor of its own.
        """
        factor = self.factors.get(name)
        if factor is None:
            raise ParametrisationError(f"no factor for {name!r}; there are {', '.join(map(str, self.factors))}")
        return factor

    @property
    def mean(self) -> dict[Name, Array]:
        """The factors' means by name."""
        return {name: factor.mean for name, factor in self.factors.items()}

    @property
    def variance(self) -> dict[Name, Array]:
        """The factors' variances by name."""
        return {name: factor.variance for name, factor in self.factors.items()}

    @property
    def std(self) -> dict[Name, Array]:
        """The factors' standard deviations by name."""
        return {name: factor.std for name, factor in self.factors.items()}

    @property
    def mode(self) -> dict[Name, Array]:
        """The factors' modes by name."""
        return {name: factor.mode for name, factor in self.factors.items()}

    def entropy(self) -> Array:
        """The sum of the entropies; point masses contribute nothing.

        Example:
            >>> from reactivepgm.distributions import Uniform
            >>> Factorized({"a": Uniform(0.0, 1.0), "b": PointMass(2.0)}).entropy()
            0.0
        """
        batch = self.batch_shape
        total: Array = np.zeros(batch) if batch else 0.0
        for factor in self.factors.values():
            if not isinstance(factor, PointMass):
                total = total + factor.entropy()
        return total

    def log_pdf(self, x: Mapping[Name, Array]) -> Array:
        """The sum of the log densities at values given by name.

        Example:
            >>> from reactivepgm.distributions import Uniform
            >>> Factorized({"a": Uniform(0.0, 1.0), "b": Uniform(0.0, 1.0)}).log_pdf({"a": 0.5, "b": 0.5})
            0.0
        """
        return sum((factor.log_pdf(x[name]) for name, factor in self.factors.items()), start=0.0)

    def sample(self, rng: np.random.Generator, n: int | None = None) -> dict[Name, Array]:
        """Independent draws by name."""
        return {name: factor.sample(rng, n) for name, factor in self.factors.items()}

    def broadcast_to(self, batch_shape: tuple[int, ...]) -> Self:
        """Every factor brought to a batch shape."""
        return type(self)._of({name: factor.broadcast_to(batch_shape) for name, factor in self.factors.items()})

    def __getitem__(self, index: Any) -> Self:
        """Choose rows of every factor."""
        batch = self.batch_shape
        return type(self)._of({name: factor.broadcast_to(batch)[index] for name, factor in self.factors.items()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Factorized) and dict(self.factors) == dict(other.factors)

    def __hash__(self) -> int:
        return hash((type(self), frozenset(self.factors.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt, (type(self), (dict(self.factors),))

    def __repr__(self) -> str:
        return f"Factorized({dict(self.factors)!r})"


def as_vectors(joint: Distribution) -> Distribution:
    """A joint as whoever asks for it gets it: two numbers that are kept apart inside are a vector normal.

    Example:
        >>> as_vectors(BivariateNormal(0.0, 1.0, 2.0, 0.5, 2.0)).mean
        array([0., 1.])
    """
    if isinstance(joint, BivariateNormal):
        return MvNormalMeanCovariance._of(joint.mean, joint.covariance)
    if isinstance(joint, Factorized):
        return Factorized({names: as_vectors(part) for names, part in joint.factors.items()})
    return joint
