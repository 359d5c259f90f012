"""Which classes a belief may have, before there is one: sets of distribution classes, and what products make of them.

A set holds every class that is possible; None stands for what is only decided when the model runs. So a set is never
too small: what no member of it can do, cannot be done.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import UnionType
from typing import Any, Union, get_args, get_origin

from reactivepgm.distributions import (
    DISCRETE,
    GAMMA,
    MV_NORMAL,
    NORMAL,
    Bernoulli,
    Beta,
    Categorical,
    Distribution,
    GammaFamily,
    GammaShapeRate,
    Group,
    InverseGamma,
    InverseWishart,
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    Uniform,
    Uninformative,
    UnivariateNormal,
    Wishart,
)

Kind = type[Distribution]
Kinds = frozenset[Kind] | None

POINT: Kinds = frozenset({PointMass})
_CANONICAL: dict[Group, Kind] = {
    NORMAL: NormalWeightedMeanPrecision,
    MV_NORMAL: MvNormalWeightedMeanPrecision,
    DISCRETE: Categorical,
    GAMMA: GammaShapeRate,
}
_BY_RANK: tuple[tuple[Kind, ...], ...] = (
    (UnivariateNormal, GammaFamily, InverseGamma, Beta),
    (MultivariateNormal,),
    (Wishart, InverseWishart),
)


def kinds_of(annotation: Any) -> Kinds:
    """The classes that a return annotation allows; None where it is too wide to tell.

    Example:
        >>> sorted(kind.__name__ for kind in kinds_of(Beta | PointMass))
        ['Beta', 'PointMass']
        >>> kinds_of(Distribution) is None
        True
    """
    if get_origin(annotation) in (Union, UnionType):
        return union(kinds_of(part) for part in get_args(annotation))
    if not isinstance(annotation, type) or not issubclass(annotation, Distribution) or annotation is Distribution:
        return None
    found = {annotation} if annotation.parameter_ranks else set()
    for below in annotation.__subclasses__():
        found |= kinds_of(below) or set()
    return frozenset(found) or None


def union(parts: Iterable[Kinds]) -> Kinds:
    """Whatever one of several sets allows; None as soon as one of them is open."""
    found: set[Kind] = set()
    for part in parts:
        if part is None:
            return None
        found |= part
    return frozenset(found)


def of_rank(kinds: Kinds, rank: int | None) -> Kinds:
    """Without the classes whose values have another number of axes than the interface takes.

    Example:
        >>> of_rank(frozenset({NormalMeanVariance, MvNormalMeanCovariance}), 0)
        frozenset({<class 'reactivepgm.distributions.normal.NormalMeanVariance'>})
    """
    if kinds is None or rank is None or rank > 2 or len(kinds) == 1:
        return kinds
    others = tuple(kind for r, row in enumerate(_BY_RANK) if r != rank for kind in row)
    return frozenset(kind for kind in kinds if not issubclass(kind, others))


def posterior_kinds(kinds: Kinds) -> Kinds:
    """The form in which posteriors are kept: moments for the normals, shape and rate for the gammas."""
    return None if kinds is None else frozenset(map(_posterior, kinds))


def _posterior(kind: Kind) -> Kind:
    if issubclass(kind, UnivariateNormal):
        return NormalMeanVariance
    if issubclass(kind, MultivariateNormal):
        return MvNormalMeanCovariance
    return GammaShapeRate if issubclass(kind, GammaFamily) else kind


def kinds_in(group: Group) -> Kinds:
    """The class that a family's natural parameters become; every class of the family where that is not known.

    Example:
        >>> kinds_in(GAMMA)
        frozenset({<class 'reactivepgm.distributions.gamma.GammaShapeRate'>})
    """
    canonical = _CANONICAL.get(group)
    if canonical is not None:
        return frozenset({canonical})
    found: set[Kind] = set()
    waiting: list[Kind] = [Distribution]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.parameter_ranks and kind.group is group:
            found.add(kind)
    return frozenset(found) or None


def product_kinds(messages: Iterable[Kinds]) -> Kinds:
    """What the product of messages may be, kept as a posterior.

    Example:
        >>> product_kinds([frozenset({NormalMeanVariance}), frozenset({NormalWeightedMeanPrecision, PointMass})]) == {
        ...     NormalMeanVariance, PointMass}
        True
        >>> product_kinds([frozenset({Bernoulli})])
        frozenset({<class 'reactivepgm.distributions.bernoulli.Bernoulli'>})
    """
    result: set[Any] | None = None
    said: list[frozenset[Kind]] = []
    for kinds in messages:
        if kinds is None:
            return None
        said.append(kinds - {Uninformative})
        factors: set[Any] = {kind.group or kind for kind in kinds}
        if result is None:
            result = factors
            continue
        products = [_product(a, b) for a in result for b in factors]
        if any(product is None for product in products):
            return None
        result = {product for product in products if product is not _IMPOSSIBLE}
    if not result:
        return None
    return posterior_kinds(union(_classes(member, said) for member in result))


_IMPOSSIBLE = object()


def _product(a: Any, b: Any) -> Any:
    """A group or a class outside groups from two such; None where nothing can be said."""
    if a is b:
        return None if isinstance(a, type) and a not in (PointMass, Uniform, Uninformative) else a
    if Uninformative in (a, b):
        return b if a is Uninformative else a
    if PointMass in (a, b):
        return PointMass
    if a in (NORMAL, MV_NORMAL) and b in (NORMAL, MV_NORMAL):
        return _IMPOSSIBLE  # a scalar and a vector
    return None


def _classes(member: Any, said: list[frozenset[Kind]]) -> Kinds:
    if isinstance(member, type):
        return frozenset({member})
    if member is DISCRETE:
        return binary_or_not([kinds for kinds in said if kinds])
    return kinds_in(member)


def binary_or_not(messages: list[frozenset[Kind]]) -> Kinds:
    """A discrete belief is kept as a Bernoulli where all messages are such, else as a Categorical."""
    if messages and all(kinds == {Bernoulli} for kinds in messages):
        return frozenset({Bernoulli})
    if messages and all(Bernoulli in kinds for kinds in messages):
        return frozenset({Bernoulli, Categorical})
    return frozenset({Categorical})


def shown(kinds: Kinds) -> str:
    """Classes as a table prints them.

    Example:
        >>> shown(frozenset({Beta})), shown(None)
        ('Beta', 'decided when run')
    """
    if kinds is None or len(kinds) > 3:
        return "decided when run"
    return " or ".join(sorted(kind.__name__ for kind in kinds)) or "-"
