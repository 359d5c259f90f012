"""Beliefs without a family: unnormalised log densities, and products of what does not multiply in closed form.

They are held as they are until a form constraint projects them onto a family.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Self

import numpy as np

from reactivepgm.distributions.base import Distribution, rebuilt
from reactivepgm.errors import InvalidParameterError, ProductError
from reactivepgm.numerics.array import Array, as_array, broadcast_shapes
from reactivepgm.numerics.elementary import where

Domain = tuple[float, float]
_REAL: Domain = (-math.inf, math.inf)


class Unresolved(Distribution):
    """What has a log density and nothing else.

    Example:
        >>> isinstance(LogDensity(lambda x: -x * x), Unresolved)
        True
    """

    def _no(self, what: str) -> NoReturn:
        raise ProductError(
            f"{self!r} has no {what} in closed form; constrain the form of this belief to a family,"
            " or choose a prior that is conjugate to its messages"
        )

    @property
    def mean(self) -> Array:
        """Not known.

        Raises:
            ProductError: always.
        """
        return self._no("mean")

    @property
    def variance(self) -> Array:
        """Not known.

        Raises:
            ProductError: always.
        """
        return self._no("variance")

    @property
    def mode(self) -> Array:
        """Not known.

        Raises:
            ProductError: always.
        """
        return self._no("mode")

    def entropy(self) -> Array:
        """Not known.

        Raises:
            ProductError: always.
        """
        return self._no("entropy")

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Not possible.

        Raises:
            ProductError: always.
        """
        return self._no("sampler")


class LogDensity(Unresolved):
    """An unnormalised log density given as a function.

    Args:
        fn: from x (..., *event) to the log density (...).
        domain: the interval outside which the density is zero, for scalars; by default the real line.
        batch_shape: the rows that the function returns.
        event_shape: the shape of one value.

    Example:
        >>> LogDensity(lambda x: -x, domain=(0.0, float("inf"))).log_pdf([1.0, -1.0])
        array([ -1., -inf])
    """

    __slots__ = ("_batch_shape", "_event_shape", "domain", "fn")
    fn: Callable[[Array], Array]
    domain: Domain

    @classmethod
    def _of(cls, *values: Any) -> Self:
        defaults: list[Any] = [None, _REAL, (), ()]
        fn, domain, batch_shape, event_shape = [*values, *defaults[len(values) :]]
        self = object.__new__(cls)
        object.__setattr__(self, "fn", fn)
        object.__setattr__(self, "domain", domain)
        object.__setattr__(self, "_batch_shape", batch_shape)
        object.__setattr__(self, "_event_shape", event_shape)
        return self

    @classmethod
    def _checked(
        cls,
        fn: Callable[[Array], Array],
        domain: Domain = _REAL,
        batch_shape: tuple[int, ...] = (),
        event_shape: tuple[int, ...] = (),
    ) -> Self:
        if not callable(fn):
            raise InvalidParameterError(f"LogDensity: the log density must be a function, not {fn!r}")
        low, high = domain
        return cls._of(fn, (float(low), float(high)), tuple(batch_shape), tuple(event_shape))

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The rows."""
        return self._batch_shape  # type: ignore[attr-defined,no-any-return]

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one value."""
        return self._event_shape  # type: ignore[attr-defined,no-any-return]

    def log_pdf(self, x: Array) -> Array:
        """The function's value, -inf outside the domain."""
        x = as_array(x)
        if self.event_shape or self.domain == _REAL:
            return self.fn(x)
        low, high = self.domain
        inside = (x >= low) & (x <= high)
        # The function is not asked about values outside its domain, but about one inside in their place.
        return where(inside, self.fn(where(inside, x, _inside(low, high))), -math.inf)

    def broadcast_to(self, batch_shape: tuple[int, ...]) -> Self:
        """The same function for more rows."""
        return type(self)._of(self.fn, self.domain, tuple(batch_shape), self.event_shape)

    def __getitem__(self, index: Any) -> Self:
        """One function cannot be taken apart, unless there is but one row.

        Raises:
            ProductError: there are several rows.
        """
        if self.batch_shape:
            self._no("rows")
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LogDensity) and (self.fn, self.domain) == (other.fn, other.domain)

    def __hash__(self) -> int:
        return hash((type(self), self.fn, self.domain))

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt, (type(self), (self.fn, self.domain, self.batch_shape, self.event_shape))

    def __repr__(self) -> str:
        return f"LogDensity({getattr(self.fn, '__name__', self.fn)!s}, domain={self.domain})"


def _inside(low: float, high: float) -> float:
    if math.isinf(low):
        return high - 1.0
    return low + 1.0 if math.isinf(high) else 0.5 * (low + high)


class ProductOfDensities(Unresolved):
    """A product that has no closed form, held by its factors.

    Args:
        factors: the beliefs that were multiplied.

    Example:
        >>> from reactivepgm.distributions import GammaShapeRate, NormalMeanVariance
        >>> both = ProductOfDensities((NormalMeanVariance(0.0, 1.0), GammaShapeRate(1.0, 1.0)))
        >>> round(both.log_pdf(1.0), 6)
        -2.418939
    """

    __slots__ = ("factors",)
    factors: tuple[Distribution, ...]

    @classmethod
    def _of(cls, *values: Any) -> Self:
        self = object.__new__(cls)
        object.__setattr__(self, "factors", values[0])
        return self

    @classmethod
    def _checked(cls, factors: Iterable[Distribution]) -> Self:
        flat: list[Distribution] = []
        for factor in factors:
            flat.extend(factor.factors if isinstance(factor, ProductOfDensities) else (factor,))
        return cls._of(tuple(flat))

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The broadcast of the factors' batch shapes."""
        return broadcast_shapes(*(factor.batch_shape for factor in self.factors))

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one value."""
        return max((factor.event_shape for factor in self.factors), key=len, default=())

    def log_pdf(self, x: Array) -> Array:
        """The sum of the factors' log densities, unnormalised."""
        total = self.factors[0].log_pdf(x)
        for factor in self.factors[1:]:
            total = total + factor.log_pdf(x)
        return total

    def broadcast_to(self, batch_shape: tuple[int, ...]) -> Self:
        """Every factor brought to a batch shape."""
        return type(self)._of(tuple(factor.broadcast_to(batch_shape) for factor in self.factors))

    def __getitem__(self, index: Any) -> Self:
        """Choose rows of every factor."""
        batch = self.batch_shape
        return type(self)._of(tuple(factor.broadcast_to(batch)[index] for factor in self.factors))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProductOfDensities) and self.factors == other.factors

    def __hash__(self) -> int:
        return hash((type(self), self.factors))

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt, (type(self), (self.factors,))

    def __repr__(self) -> str:
        return "ProductOfDensities(" + ", ".join(map(repr, self.factors)) + ")"
