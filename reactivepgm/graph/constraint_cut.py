"""Families under an equation: clusters cut along its blocks, rows that are cut differently in families of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import ConstraintError
from reactivepgm.graph.binding import Binding, FixedBinding, MixedBinding, RandomBinding
from reactivepgm.graph.clusters import Clusters
from reactivepgm.graph.constraint_equation import Codes, Equation
from reactivepgm.graph.family import Family
from reactivepgm.graph.source import ConstantSource, SelectedSource, Source
from reactivepgm.graph.variable import VariableArray

IntArray = NDArray[np.intp]

Naming = Callable[[Family, str, VariableArray], str | None]
"""By which of its names an equation means what sits on an interface of a family; None where it does not."""


def cut(
    family: Family, codes: Codes, naming: Naming, derived: Mapping[int, IntArray], is_refined: bool = False
) -> list[Family] | None:
    """The family with its clusters cut, in parts where rows are cut differently; None where the equation is silent.

    What the model's default sets apart and the equation keeps in one block is one cluster again; ``is_refined`` as for
    ``Codes.kept``.

    The equation speaks where two or more of its variables, or values computed from them (``derived``, block numbers by
    array id), meet in a factor, be it on one interface that takes several. Edges to variables that it does not name
    stay with each other, and with the named ones where all of those are in one block. A deterministic factor is never
    cut: its output is what its inputs are.

    Raises:
        ConstraintError: the statement has a factorisation of its own and it is another one.
    """
    if family.node.is_deterministic:
        return None
    blocks: dict[str, IntArray] = {}
    names: dict[str, set[str]] = {}
    for interface, binding in family.random.items():
        columns = []
        for _, array, index in binding.components():
            name = naming(family, interface, array)
            if name is not None:
                columns.append(codes.of(name, array)[index])
                names.setdefault(interface, set()).add(name)
            elif array.id in derived:
                columns.append(derived[array.id][index])
        if columns:
            same = np.all([column == columns[0] for column in columns], axis=0)
            # Components in different blocks: the interface is in none of the others' blocks.
            blocks[interface] = np.where(same, columns[0], -2 - len(blocks))
    if len(blocks) == 1:
        # Components of one interface that fall apart: the interface is in no block of the others, whatever these are.
        ((interface, column),) = blocks.items()
        if not (column < -1).any():
            return None
        blocks[""] = np.where(column < -1, -1, column)
    if len(blocks) < 2:
        return None
    parts, kept = [], codes.kept(is_refined)
    for rows, labels in _patterns(blocks):
        row = 0 if rows is None else int(rows[0])
        joined = set() if family.factorisation_given else {n for n in labels if n and int(blocks[n][row]) in kept}
        clusters = _clusters(family, labels, joined)
        if family.factorisation_given and (clusters != family.clusters or _is_torn(family, labels, names)):
            raise ConstraintError(_contradiction(family, codes.equation))
        part = family if rows is None else chosen(family, rows)
        parts.append(part if clusters == family.clusters else replace(part, clusters=clusters))
    if all(part.clusters == family.clusters for part in parts):
        return [family]
    return parts


def _patterns(blocks: Mapping[str, IntArray]) -> Iterator[tuple[IntArray | None, dict[str, int]]]:
    """Rows whose interfaces fall apart in the same way, in the order of their first rows (None: all rows)."""
    # Each interface is labelled by the first one that shares its block.
    columns = list(blocks.values())
    firsts = []
    for position, column in enumerate(columns):
        first = np.full(len(column), position)
        for earlier in reversed(range(position)):
            first[columns[earlier] == column] = earlier
        firsts.append(first)
    if all((first == first[:1]).all() for first in firsts):
        if len(columns[0]):
            yield None, {name: int(first[0]) for name, first in zip(blocks, firsts, strict=True)}
        return
    number = sum(first * len(columns) ** k for k, first in enumerate(firsts))
    _, starts, inverse = np.unique(number, return_index=True, return_inverse=True)
    for kind in np.argsort(starts):
        labels = {name: int(first[starts[kind]]) for name, first in zip(blocks, firsts, strict=True)}
        yield np.flatnonzero(inverse == kind), labels


def _clusters(family: Family, labels: Mapping[str, int], joined: Collection[str]) -> Clusters:
    """Clusters cut along the labels; those of interfaces to be joined that have one label become one."""
    groups: list[list[str]] = []
    homes: dict[int, list[str]] = {}
    is_cut = len(set(labels.values())) > 1
    for cluster in family.clusters:
        parts: dict[int | None, list[str]] = {}
        for name in cluster:
            parts.setdefault(labels.get(name) if is_cut else None, []).append(name)
        for part in parts.values():
            label = next((labels[name] for name in part if name in joined), None)
            if label is None:
                groups.append(part)
            elif label in homes:
                homes[label] += part
            else:
                groups.append(homes.setdefault(label, part))
    return ordered(family, [tuple(group) for group in groups])


def ordered(family: Family, groups: Sequence[tuple[str, ...]]) -> Clusters:
    """Clusters in the order of the interfaces."""
    position = {name: i for i, name in enumerate(family.interfaces)}
    sorted_groups = [tuple(sorted(group, key=position.__getitem__)) for group in groups]
    return tuple(sorted(sorted_groups, key=lambda group: position[group[0]]))


def _is_torn(family: Family, labels: Mapping[str, int], names: Mapping[str, set[str]]) -> bool:
    """Whether the family sets interfaces apart on which different variables of one block sit."""
    home = {name: number for number, cluster in enumerate(family.clusters) for name in cluster}
    return any(
        labels[one] == labels[other] and home[one] != home[other] and names[one] != names[other]
        for one in names
        for other in names
    )


def _contradiction(family: Family, equation: Equation) -> str:
    own = " ".join(f"q({', '.join(c)})" for c in family.clusters)
    complaint = f"the constraint {equation.text!r} ({equation.site}) contradicts the statement's own factorisation {own}"
    return family.site.letter(complaint, write="one of the two only")


def chosen(family: Family, rows: IntArray) -> Family:
    """Some rows of a family as a family."""
    bindings = {name: _chosen(family, name, binding, rows) for name, binding in family.bindings.items()}
    return replace(family, rows=len(rows), bindings=bindings)


def _chosen(family: Family, name: str, binding: Binding, rows: IntArray) -> Binding:
    if isinstance(binding, MixedBinding):
        parts: dict[int, RandomBinding | FixedBinding] = {k: _fixed(part, rows) for k, part in binding.clamped.items()}
        for component, array, index in binding.components():
            assert component is not None
            parts[component] = RandomBinding((array,), index[rows])
        return MixedBinding.of([parts[k] for k in sorted(parts)], len(rows), family.node, name, family.site)
    if isinstance(binding, RandomBinding):
        return RandomBinding(binding.arrays, binding.index[rows])
    return _fixed(binding, rows)


def _fixed(binding: FixedBinding, rows: IntArray) -> FixedBinding:
    source: Source = binding.source
    if source.is_rowwise:
        if isinstance(source, ConstantSource):
            source = ConstantSource(np.asarray(source.value)[rows], True)
        else:
            source = SelectedSource(source, rows)
    return FixedBinding(source, len(rows), binding.node, binding.interface, binding.site, is_plural=binding.is_plural)
