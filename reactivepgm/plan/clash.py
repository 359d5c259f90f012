"""Messages that do not multiply into one family: found before any data by their classes, told in one letter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import combinations

import numpy as np

from reactivepgm.approximations.projection import family_of
from reactivepgm.distributions import Distribution, PointMass, Uninformative
from reactivepgm.distributions.product import has_closed_form
from reactivepgm.errors import ConstraintError, ProductError
from reactivepgm.graph import Family, VariableArray
from reactivepgm.plan.kinds import Kinds
from reactivepgm.plan.pipeline import stage_of
from reactivepgm.plan.structure import Edge, Structure

Sent = tuple[Edge, Family, Kinds]


def clash_letter(array: VariableArray, met: Mapping[type[Distribution], Family]) -> str:
    """What meets at a variable, from which statements, and what to write.

    Args:
        array: the variable.
        met: the classes of its messages, each with a family that sends it.
    """
    told = " and ".join(f"{kind.__name__} ({family.site})" for kind, family in met.items())
    return (
        f"the messages at `{array.name}` do not multiply into one family: {told}\n"
        f"  use a conjugate prior, or say which family the marginal shall have:"
        f'  constraints="q({array.name}) :: ProjectedTo({_nearest(met)})"'
    )


def clashes(structure: Structure, sent: Iterable[Sent]) -> Iterator[ProductError]:
    """An error for each variable at which an iteration is certain to multiply what has no product in closed form.

    Variables with a form, and messages that a pipeline stage may turn into others, are left to the run.

    Args:
        structure: the plan's structure.
        sent: the messages that reach the variables of one batch: edge, family, what their class may be.
    """
    at: dict[int, list[Sent]] = {}
    for edge, family, kinds in sent:
        stage = stage_of(family)
        if kinds and edge.array not in structure.forms and (stage is None or stage.is_tap):
            at.setdefault(edge.array, []).append((edge, family, kinds))
    for array, messages in at.items():
        for (one, first, mine), (other, second, yours) in combinations(messages, 2):
            if _never_multiply(mine, yours) and _meet(one, other):
                yield ProductError(clash_letter(structure.arrays[array], {_any(mine): first, _any(yours): second}))
                break


def _never_multiply(mine: Kinds, yours: Kinds) -> bool:
    certain = (PointMass, Uninformative)
    return all(
        not issubclass(a, certain) and not issubclass(b, certain) and not has_closed_form(a, b)
        for a in mine or ()
        for b in yours or ()
    )


def _meet(one: Edge, other: Edge) -> bool:
    return bool(np.intersect1d(one.place.index, other.place.index).size)


def _any(kinds: Kinds) -> type[Distribution]:
    return min(kinds or (), key=lambda kind: kind.__name__)


def _nearest(met: Iterable[type[Distribution]]) -> str:
    """The first family among the messages that beliefs are projected onto."""
    for kind in met:
        with suppress(ConstraintError):
            return family_of(kind).__name__
    return "Normal"
