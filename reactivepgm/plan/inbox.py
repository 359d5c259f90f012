"""All messages that arrive at the variables of one array, multiplied.

Members of one exponential family multiply by adding natural parameters, in place and for all rows at once. Whatever does
not (a point mass, a bounded prior, a log density) is kept aside and multiplied one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import (
    Bernoulli,
    Categorical,
    Distribution,
    Group,
    ProductOfDensities,
    Uninformative,
    product,
)
from reactivepgm.errors import ImproperPosteriorError, ProductError
from reactivepgm.graph import Family, VariableArray
from reactivepgm.graph.prod_constraint import ProdAnalytical
from reactivepgm.numerics.array import Array
from reactivepgm.plan.clash import clash_letter
from reactivepgm.plan.forms import gathered, improper_density
from reactivepgm.plan.place import Place
from reactivepgm.plan.structure import Edge

Mask = NDArray[np.bool_] | None


def naturals_of(message: Distribution, rows: int, missing: Mask = None) -> list[Array]:
    """The natural parameters of a batched message, one entry a row; zero (flat) where the observation is missing."""
    batch_rank = len(message.batch_shape)
    return [one_each(values, np.ndim(values) - batch_rank, rows, missing) for values in message.naturals()]


def one_each(values: Array, event_rank: int, rows: int, missing: Mask) -> Array:
    """Parameter values broadcast to one entry a row, zero where masked."""
    values = np.asarray(values, dtype=float)
    shape = (rows, *values.shape[values.ndim - event_rank :])
    whole = values if values.shape == shape else np.broadcast_to(values, shape)
    if missing is None:
        return whole
    return np.where(missing.reshape(-1, *(1,) * (whole.ndim - 1)), 0.0, whole)


class Inbox:
    """The product of the messages at every element of an array."""

    def __init__(self, array: VariableArray, size: int) -> None:
        self.array = array
        self.size = size
        self.group: Group | None = None
        self._events: list[tuple[int, ...]] = []
        self._terms: list[tuple[Place, list[Array], Mask]] = []
        self._naturals: list[Array] | None = None
        self._asides: list[tuple[Place, Distribution, Mask]] = []
        self._kinds: dict[type[Distribution], Family] = {}

    def put(self, edge: Edge, message: Distribution, missing: Mask, family: Family) -> None:
        """Multiply a family's messages into the elements that an edge refers to."""
        place = edge.place
        if isinstance(message, Uninformative):
            return
        kind = type(message)
        group: Group | None = getattr(message, "group", None)
        if group is None or (self.group is not None and group is not self.group):
            self._asides.append((place, message, missing))
        else:
            batch_rank = len(message.batch_shape)
            parts = [np.asarray(part, dtype=float) for part in message.naturals()]
            events = [part.shape[batch_rank:] for part in parts]
            if self.group is None:
                self.group, self._events = group, events
            elif events != self._events:
                raise ProductError(self._shapes(message, family))
            self._terms.append((place, parts, missing))
            self._naturals = None
        self._kinds.setdefault(kind, family)

    @property
    def naturals(self) -> list[Array]:
        """The sums of the natural parameters, each (size, *event); none before the first message."""
        if self._naturals is None:
            self._naturals = [self._sum(number, event) for number, event in enumerate(self._events)]
        return self._naturals

    def _sum(self, number: int, event: tuple[int, ...]) -> Array:
        """One natural parameter; messages at all elements come first, and their sum is where the others are added."""
        shape = (self.size, *event)
        total: Array | None = None
        is_own = False
        rest = []
        for place, parts, missing in self._terms:
            part = parts[number]
            if place.kind != "all" or missing is not None:
                rest.append((place, part, missing))
            elif total is None:
                total = part
            elif is_own and total.shape == shape:
                total += part
            else:
                total, is_own = total + part, True
        if total is None:
            total, is_own = np.zeros(shape), True
        elif total.shape != shape:
            total, is_own = np.broadcast_to(total, shape), False
        if rest and not is_own:
            total = np.array(total)  # keeps the layout
        for place, part, missing in rest:
            if missing is not None:
                part = one_each(part, len(event), place.rows, missing)
            place.add(total, part)
        return total

    def product(self, has_form: bool = False) -> Distribution:
        """The normalised product; an error where it is improper or has no closed form.

        Args:
            has_form: whether a form will make a belief of what has none.
        """
        if self.group is None and not self._asides:
            raise ImproperPosteriorError(
                f"nothing is known about `{self.array.name}` ({self.array.site}): no message reaches it\n"
                f"  add  a prior, such as  {self.array.name} = ~Normal(mean=0.0, variance=100.0)"
            )
        result: Distribution | None = None
        if self.group is not None:
            result = self._normalised(self.group, has_form)
        for place, message, missing in self._asides:
            if has_form and not self._is_simple(place, message, missing):
                message = gathered(message, place, self.size, missing)
                place, missing = Place(np.arange(self.size), self.size), None
            result = self._multiplied(result, place, message, missing)
        assert result is not None
        must_close = isinstance(self.array.constraints.get("prod"), ProdAnalytical)
        if isinstance(result, ProductOfDensities) and (must_close or not has_form):
            raise ProductError(clash_letter(self.array, self._kinds))
        return result

    @property
    def holds_asides(self) -> bool:
        """Whether some messages have no natural parameters to add."""
        return bool(self._asides)

    def _is_simple(self, place: Place, message: Distribution, missing: Mask) -> bool:
        """Whether messages multiply element by element as they stand."""
        if missing is not None and missing.any():
            return False
        return place.kind == "all" or (place.rows == 1 and self.size == 1 and message.batch_shape in ((), (1,)))

    def _normalised(self, group: Group, has_form: bool = False) -> Distribution:
        proper = np.asarray(group.is_proper(*self.naturals))
        if not self._asides and not proper.all():
            element = int(np.flatnonzero(~np.broadcast_to(proper, (self.size,)))[0])
            raise ImproperPosteriorError(improper(self.array, element))
        if has_form and self._asides and not proper.all():
            held = improper_density(group, self.naturals)
            if held is not None:
                return held
        belief = group.from_naturals(*self.naturals)
        return as_binary(belief) if self.holds_only(Bernoulli) else belief

    def holds_only(self, kind: type[Distribution]) -> bool:
        """Whether every message so far was of this kind (and there was one)."""
        return set(self._kinds) == {kind}

    def _multiplied(self, result: Distribution | None, place: Place, message: Distribution, missing: Mask) -> Distribution:
        if missing is not None and missing.any():
            raise ProductError(
                f"a {type(message).__name__} message reaches `{self.array.name}` from a row whose observation is missing"
            )
        if place.kind == "all":
            aligned = message.broadcast_to((place.rows,))
            return aligned if result is None else product(result, aligned)
        if place.kind == "one" or self.size == 1:
            every = message.broadcast_to((place.rows,))
            for row in range(place.rows):
                result = every[row : row + 1] if result is None else product(result, every[row : row + 1])
            assert result is not None
            return result
        if place.is_injective and place.rows == self.size:
            aligned = message.broadcast_to((place.rows,))[np.argsort(place.index)]
            return aligned if result is None else product(result, aligned)
        raise ProductError(
            f"{type(message).__name__} messages reach only some elements of `{self.array.name}`, which hold other families;\n"
            "  declare those elements as a variable of their own"
        )

    def _shapes(self, message: Distribution, family: Family) -> str:
        return (
            f"messages of different shapes meet at `{self.array.name}`: {message!r} has event shape {message.event_shape}\n"
            f"  from {family.site}\n"
            f"  the others have {tuple(self._events)}"
        )


def as_binary(belief: Distribution) -> Distribution:
    """A categorical belief over two categories as a Bernoulli one, for variables that are drawn as such."""
    assert isinstance(belief, Categorical)
    return Bernoulli._of(belief.p[..., 1])


def improper(array: VariableArray, element: int) -> str:
    """The letter about a posterior that does not normalise."""
    where = array.name if array.shape == () else f"{array.name}[{', '.join(map(str, np.unravel_index(element, array.shape)))}]"
    return (
        f"the posterior of `{where}` does not normalise: priors and data leave it undetermined\n"
        f"  drawn at {array.site}\n"
        "  add a proper prior, or data that reach it"
    )
