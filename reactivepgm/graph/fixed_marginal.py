"""Whether a marginal that is given fits its variable: its batch the array, its values the factors' edges.

An array of shape s takes one belief for all elements or a batch that broadcasts to s; an edge takes values of so many
axes, and of a set such as the positive numbers or the categories.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from reactivepgm.approximations import support_of
from reactivepgm.distributions import Bernoulli, Categorical, Distribution, PointMass
from reactivepgm.errors import ConstraintError
from reactivepgm.graph.family import Family
from reactivepgm.graph.forms import FixedMarginal, Form
from reactivepgm.graph.variable import VariableArray
from reactivepgm.nodes import Interface

_DISCRETE = (Bernoulli, Categorical)
_CATEGORIES = frozenset({"binary", "category"})
_INTERVALS = {
    "positive": (0.0, math.inf),
    "nonnegative": (0.0, math.inf),
    "unit": (0.0, 1.0),
}
_KINDS = {0: "numbers", 1: "vectors", 2: "matrices"}


def check_fixed(families: Iterable[Family], forms: Mapping[int, Form]) -> None:
    """Refuse fixed marginals that do not fit, before anything is computed.

    Args:
        families: all factor families.
        forms: of the marginals, by array id.

    Raises:
        ConstraintError: names the constraint, the variable, what it was given and what it takes.
    """
    for family in families:
        for name, binding in family.random.items():
            for _, array, _ in binding.components():
                fixed = forms.get(array.id)
                if isinstance(fixed, FixedMarginal):
                    _check_shape(array, fixed)
                    _check_values(family, family.node.interface(name), array, fixed)


def _check_shape(array: VariableArray, fixed: FixedMarginal) -> None:
    batch = fixed.marginal.batch_shape
    try:
        fits = np.broadcast_shapes(batch, array.shape) == array.shape
    except ValueError:
        fits = False
    if not fits:
        one = "one belief without a batch" + (f", or a batch of shape {array.shape}" if array.shape else "")
        raise ConstraintError(
            array.site.letter(
                f"the constraint q({array.name}) :: {fixed!r} does not fit: the marginal has batch shape {batch},"
                f" the variable `{array.name}` has shape {array.shape}",
                write=one,
            )
        )


def _check_values(family: Family, interface: Interface, array: VariableArray, fixed: FixedMarginal) -> None:
    met = _misfit(interface, fixed.marginal)
    if met is not None:
        given, taken = met
        raise ConstraintError(
            family.site.letter(
                f"the constraint q({array.name}) :: {fixed!r} does not fit: it is a belief about {given},"
                f" but `{interface.name}` of {family.node.name}, where `{array.name}` sits, takes {taken}",
                write=f"a FixedMarginal of a distribution of {taken}",
            )
        )


def _misfit(interface: Interface, marginal: Distribution) -> tuple[str, str] | None:
    """What a marginal is about and what an edge takes, where they differ."""
    shape = marginal.event_shape
    if interface.event_rank is not None and interface.event_rank != len(shape):
        return f"{_kind(len(shape))} of shape {shape}", _kind(interface.event_rank)
    if isinstance(marginal, PointMass):
        return None
    is_discrete, takes_discrete = isinstance(marginal, _DISCRETE), interface.support in _CATEGORIES
    if is_discrete and not takes_discrete and interface.event_rank is not None:
        return "categories", _kind(interface.event_rank)
    if takes_discrete and not is_discrete:
        return f"numbers, a {type(marginal).__name__}", "categories: a Bernoulli or a Categorical"
    if interface.support in _INTERVALS and not shape:
        low, high = (np.asarray(end) for end in support_of(marginal))
        least, most = _INTERVALS[interface.support]
        if low.min() < least or high.max() > most:
            return f"numbers from {low.min():g} to {high.max():g}", f"numbers from {least:g} to {most:g}"
    return None


def _kind(rank: int) -> str:
    return _KINDS.get(rank, f"arrays of {rank} axes")
