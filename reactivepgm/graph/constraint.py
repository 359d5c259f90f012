"""Whole-model constraints: how q factorises wherever no statement says so itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reactivepgm.errors import ConstraintError
from reactivepgm.graph.clusters import Clusters
from reactivepgm.graph.constraint_text import Equation, parse_equation
from reactivepgm.graph.factorisation import Factorisation, FullFactorisation, MeanField
from reactivepgm.graph.family import Family

if TYPE_CHECKING:
    from reactivepgm.graph.graph import Graph


def factorise(*blocks: str | Sequence[str]) -> Equation:
    """The variables of each block stay together, the blocks fall apart.

    Example:
        >>> factorise("x", ("tau", "mu")).text
        'q(x, tau, mu) = q(x) q(tau, mu)'
    """
    named = tuple((b,) if isinstance(b, str) else tuple(b) for b in blocks)
    left = tuple(name for block in named for name in block)
    right = " ".join(f"q({', '.join(block)})" for block in named)
    return Equation(f"q({', '.join(left)}) = {right}", left, named)


def constrained_families(graph: Graph, constraints: Any) -> tuple[Family, ...]:
    """The families under constraints, later ones on top of earlier ones.

    Raises:
        ConstraintError: a constraint that matches nothing, is inconsistent, or contradicts a statement's own ``where``.
    """
    families = graph.families
    for constraint in constraints if isinstance(constraints, (list, tuple)) else (constraints,):
        if isinstance(constraint, str):
            constraint = parse_equation(constraint)
        if isinstance(constraint, Equation):
            _check(graph, constraint)
            families = tuple(_under(family, constraint) for family in families)
        elif isinstance(constraint, (MeanField, FullFactorisation)):
            families = tuple(_uniform(family, constraint) for family in families)
        elif constraint is not None:
            raise ConstraintError(
                f"{constraint!r} is no constraint\n"
                '  write  MeanField(), BetheFactorisation(), "q(x, tau) = q(x) q(tau)", or a list of these'
            )
    return families


def _check(graph: Graph, equation: Equation) -> None:
    names = [a.name for a in graph.random if not a.anonymous]
    unknown = [name for name in equation.left if name not in names]
    if unknown:
        raise ConstraintError(
            f"the constraint {equation.text!r} matches nothing: the model has no random variable {', '.join(unknown)}\n"
            f"  write  one with {', '.join(names) or 'a variable of the model'}"
        )
    right = [name for block in equation.blocks for name in block]
    if sorted(right) != sorted(set(equation.left)) or len(set(equation.left)) != len(equation.left):
        raise ConstraintError(
            f"the constraint {equation.text!r} has {', '.join(equation.left)} on the left and {', '.join(right)} on the right\n"
            "  write  each variable once on either side"
        )
    if not any(_groups(family, equation, family.clusters) is not None for family in graph.families):
        raise ConstraintError(
            f"the constraint {equation.text!r} matches nothing: no factor has two of {', '.join(equation.left)}\n"
            "  write  variables that meet in a factor"
        )


def _uniform(family: Family, constraint: Factorisation) -> Family:
    if family.factorisation_given:
        return family
    if isinstance(constraint, MeanField):
        return replace(family, clusters=tuple((name,) for name in family.interfaces))
    random = family.random
    joint: list[tuple[str, ...]] = [tuple(random)] if random else []
    single = [(name,) for name in family.interfaces if name not in random]
    return replace(family, clusters=_ordered(family, [*joint, *single]))


def _under(family: Family, equation: Equation) -> Family:
    groups = _groups(family, equation, family.clusters)
    if groups is None:
        return family
    clusters = _ordered(family, groups)
    if clusters == family.clusters:
        return family
    if family.factorisation_given:
        own = " ".join(f"q({', '.join(c)})" for c in family.clusters)
        raise ConstraintError(
            family.site.letter(
                f"the constraint {equation.text!r} contradicts the statement's own factorisation {own}",
                write="one of the two only",
            )
        )
    return replace(family, clusters=clusters)


def _groups(family: Family, equation: Equation, clusters: Clusters) -> list[tuple[str, ...]] | None:
    """The clusters cut along the equation's blocks; None where fewer than two named edges meet in the family.

    Edges to variables that the equation does not name stay with each other, and with the named ones where all of
    those are in one block.
    """
    block_of = {name: number for number, block in enumerate(equation.blocks) for name in block}
    labels: dict[str, Any] = {}
    for interface, binding in family.random.items():
        arrays = {array.name for _, array, _ in binding.components()}
        blocks = {block_of[name] for name in arrays if name in block_of}
        if not blocks:
            continue
        apart = arrays & set(equation.elementwise)
        labels[interface] = (min(blocks), interface if apart else None)
    if len(labels) < 2:
        return None
    together = len(set(labels.values())) == 1
    groups: list[tuple[str, ...]] = []
    for cluster in clusters:
        parts: dict[Any, list[str]] = {}
        for name in cluster:
            parts.setdefault("all" if together else labels.get(name, "others"), []).append(name)
        groups += [tuple(part) for part in parts.values()]
    return groups


def _ordered(family: Family, groups: Sequence[tuple[str, ...]]) -> Clusters:
    position = {name: i for i, name in enumerate(family.interfaces)}
    return tuple(sorted(groups, key=lambda group: position[group[0]]))
