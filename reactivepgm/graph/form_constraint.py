"""Which variables take which form, on their marginals or on the messages that reach them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reactivepgm.distributions import PointMass
from reactivepgm.errors import ConstraintError
from reactivepgm.graph.family import Family
from reactivepgm.graph.fixed_marginal import check_fixed
from reactivepgm.graph.forms import FixedMarginal, Form, as_form
from reactivepgm.graph.site import Site, caller_site
from reactivepgm.graph.variable import VariableArray


@dataclass(frozen=True)
class FormConstraint:
    """``q(name) :: form``, or ``mu(name) :: form`` for messages."""

    text: str
    name: str
    form: Form
    message: bool
    site: Site


@dataclass(frozen=True)
class Forms:
    """The forms of one variable array."""

    marginal: Form | None = None
    message: Form | None = None


def form(name: str, kind: Any, *, message: bool = False, **options: Any) -> FormConstraint:
    """The marginal of a variable, or every message that reaches it, takes a form.

    Args:
        name: of the variable.
        kind: a form, PointMass, or a family to project onto.
        message: whether the messages take the form, not the marginal.
        **options: of PointMass: ``bounds``.

    Raises:
        ConstraintError: no form.

    Example:
        >>> from reactivepgm.distributions import Normal, PointMass
        >>> form("theta", PointMass, bounds=(0.0, 1.0)).text
        'q(theta) :: PointMassForm(bounds=(0.0, 1.0))'
        >>> form("x", Normal, message=True).text
        'mu(x) :: ProjectedTo(NormalMeanVariance)'
    """
    if not isinstance(name, str):
        raise ConstraintError(f"form takes the name of a variable first, not {name!r}\n  write  form(\"theta\", PointMass)")
    chosen = as_form(kind, **options)
    return FormConstraint(f"{'mu' if message else 'q'}({name}) :: {chosen!r}", name, chosen, message, caller_site())


def declared_forms(arrays: Sequence[VariableArray]) -> dict[int, Forms]:
    """The forms that variables were declared with, by array id."""
    found = {}
    for array in arrays:
        declared = array.constraints.get("form") if array.kind == "random" else None
        if declared is not None:
            try:
                found[array.id] = Forms(as_form(declared))
            except ConstraintError as error:
                raise ConstraintError(f"{array.site.letter(f'the form of {array.name} is none')}\n{error}") from None
    return found


def families_under(families: tuple[Family, ...], forms: Mapping[int, Forms]) -> tuple[Family, ...]:
    """Variables whose form stands apart leave the clusters they share.

    Raises:
        ConstraintError: one of them enters a deterministic factor, inside which no marginals are exchanged; or a fixed
            marginal contradicts a statement that ties it to others, or does not fit its variable.
    """
    apart = {id: f.marginal for id, f in forms.items() if f.marginal is not None and f.marginal.stands_apart}
    check_fixed(families, apart)
    return tuple(_under(family, apart) for family in families) if apart else families


def _under(family: Family, apart: Mapping[int, Form]) -> Family:
    leaving = {
        name: array
        for name, binding in family.random.items()
        for _, array, _ in binding.components()
        if array.id in apart
    }
    shared = [name for name in leaving if any(name in cluster and len(cluster) > 1 for cluster in family.clusters)]
    if family.node.kind == "deterministic" and leaving:
        array = next(iter(leaving.values()))
        raise ConstraintError(
            family.site.letter(
                f"{apart[array.id]!r} holds for `{array.name}` ({array.site}), which enters a deterministic factor",
                write="the expression's parameters as variables of stochastic factors, or another form",
            )
        )
    if not shared:
        return family
    for name in shared if family.factorisation_given else ():
        fixed = apart[leaving[name].id]
        if isinstance(fixed, FixedMarginal) and not isinstance(fixed.marginal, PointMass):
            own = " ".join(f"q({', '.join(c)})" for c in family.clusters)
            raise ConstraintError(
                family.site.letter(
                    f"{fixed!r} of `{leaving[name].name}` contradicts the statement's own factorisation {own}",
                    write="one of the two only",
                )
            )
    clusters: list[tuple[str, ...]] = []
    for cluster in family.clusters:
        rest = tuple(name for name in cluster if name not in shared)
        clusters += [(name,) for name in cluster if name in shared]
        clusters += [rest] if rest else []
    position = {name: i for i, name in enumerate(family.interfaces)}
    return replace(family, clusters=tuple(sorted(clusters, key=lambda cluster: position[cluster[0]])))
