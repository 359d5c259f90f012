"""Variables that a constraint does not name, but whose values are computed from some that it does.

In ``y = ~Normal(mean=dot(x, w), precision=tau)`` the mean is a function of w: under ``q(w, tau) = q(w) q(tau)`` it stands in
the block of w. What is computed from variables of several blocks stands in a block of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reactivepgm.graph.constraint_cut import Naming
from reactivepgm.graph.constraint_equation import Codes
from reactivepgm.graph.family import Family

IntArray = NDArray[np.intp]

_SILENT = -1
_APART = 1 << 40
"""Block numbers from here on belong to single elements: no two of them are in one block."""


def derived_blocks(families: Sequence[Family], codes: Codes, naming: Naming) -> dict[int, IntArray]:
    """Block numbers by array id, (size,), of arrays whose every element is computed from named variables."""
    functions = [family for family in families if family.node.is_deterministic and family.random]
    known: dict[int, IntArray] = {}
    waiting = functions
    while waiting:
        left = [family for family in waiting if not _told(family, codes, naming, known, patient=True)]
        if len(left) == len(waiting):
            break
        waiting = left
    for family in waiting:
        _told(family, codes, naming, known, patient=False)
    return {id: blocks for id, blocks in known.items() if (blocks != _SILENT).all()}


def _told(family: Family, codes: Codes, naming: Naming, known: dict[int, IntArray], patient: bool) -> bool:
    """Note the blocks of a function's outputs; False if it is to wait for an input that is itself computed."""
    output, *inputs = family.interfaces
    if output not in family.random:
        return True
    ((_, made, places),) = family.random[output].components()
    if naming(family, output, made) is not None:
        return True
    block = np.full(family.rows, _SILENT)
    for interface in inputs:
        if interface not in family.random:
            continue
        for _, array, index in family.random[interface].components():
            name = naming(family, interface, array)
            if name is None and array.id not in known:
                if patient and array.anonymous:
                    return False
                continue
            found = known[array.id][index] if name is None else codes.of(name, array)[index]
            differs = (block != _SILENT) & (found != _SILENT) & (block != found)
            block = np.where(found == _SILENT, block, found)
            block[differs] = _APART + places[differs]
    blocks = known.setdefault(made.id, np.full(made.size, _SILENT))
    blocks[places] = block
    return True
