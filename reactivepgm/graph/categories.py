"""How many categories an observed category has, where its probabilities are random: their prior tells.

Observations such as ``y[t] = ~Categorical(p)`` may be whole numbers 0 ... K-1 or one-hot vectors. With random ``p`` no rule
could know K from a number, so numbers become one-hot here, by the K of the Dirichlet that draws ``p``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from reactivepgm.graph.binding import FixedBinding, MixedBinding, RandomBinding
from reactivepgm.graph.family import Family
from reactivepgm.graph.source import ConstantSource

_PRIORS = frozenset({"Dirichlet", "DirichletCollection"})
_TABLES = frozenset({"simplex", "stochastic_columns"})


def tell_categories(families: Iterable[Family]) -> None:
    """Let the bindings of observed categories know how many there are, as far as a constant prior says so."""
    families = tuple(families)
    shapes = dict(shape for family in families if family.node.key in _PRIORS for shape in _drawn(family))
    if not shapes:
        return
    for family in families:
        tables = [name for name, b in family.random.items() if family.node.interface(name).support in _TABLES]
        observed = [name for name in family.interfaces if family.node.interface(name).support == "category"]
        if len(tables) != 1 or not observed:
            continue
        known = {shapes.get(array.id) for _, array, _ in family.random[tables[0]].components()}
        shape = known.pop() if len(known) == 1 else None
        for axis, name in enumerate(observed):
            binding = family.bindings[name]
            if shape is not None and axis < len(shape) and isinstance(binding, FixedBinding) and not binding.is_plural:
                binding.categories = shape[axis]


def _drawn(family: Family) -> Iterable[tuple[int, tuple[int, ...]]]:
    """The arrays that a prior draws, with the shape of one value."""
    out, *rest = family.bindings.values()
    if isinstance(out, RandomBinding) and not isinstance(out, MixedBinding) and len(rest) == 1:
        source = rest[0].source if isinstance(rest[0], FixedBinding) else None
        if isinstance(source, ConstantSource):
            yield out.arrays[0].id, np.shape(source.value)[bool(source.is_rowwise) :]
