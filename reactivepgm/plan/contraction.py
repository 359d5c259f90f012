"""Tree contraction as a structure: which elements meet in which round, found with array primitives.

A forest of variables and factors is contracted in rounds (Miller & Reif 1985, "Parallel tree contraction"):

    rake      a variable of degree one sends what it knows through its factor
    reduce    the same through a factor with three ends, which leaves an element with two
    compress  a variable of degree two between two-ended elements goes; the two become one composite
    path      a run of kernels, variable after variable, as one job

Whole families go first, then paths, then the irregular rest row by row.  Undone in reverse, each round knows every
message into the variables that it removed, and *expands* them: all their outgoing messages at once.
"""

from __future__ import annotations

from reactivepgm.plan.contraction_held import Held as Held
from reactivepgm.plan.contraction_held import HeldRounds, hold
from reactivepgm.plan.contraction_numbers import Numbering
from reactivepgm.plan.contraction_steps import CycleError as CycleError
from reactivepgm.plan.contraction_steps import Structure as Structure
from reactivepgm.plan.family_rounds import FamilyRounds, bundles
from reactivepgm.plan.row_rounds import RowRounds

_MANY = 64   # families; beyond, comparing all with all costs more than it saves


class Contraction(Numbering):
    """The rounds for one forest, planned once.

    Args:
        structure: the forest.
        whole: whether whole families and paths are taken as one; else everything goes row by row.
        held: variables that are left to the last.

    Raises:
        CycleError: it is not a forest.

    >>> import numpy as np
    >>> chain = Structure(np.zeros(4, int), [(np.array([1, 2, 3]), np.array([0, 1, 2]))], [(1, 0)])
    >>> [type(step).__name__ for half in Contraction(chain).halves for step in half.steps]
    ['Compress', 'Compress', 'Rake']
    """

    def __init__(self, structure: Structure, whole: bool = True, held: Held | None = None) -> None:
        super().__init__(structure)
        if held is not None:
            hold(self, held)
        rest = bundles(self)
        if whole and len(rest) <= _MANY:
            rest = FamilyRounds(self, rest).run()
        (RowRounds(self, rest) if held is None else HeldRounds(self, rest, held, structure)).run()
        self.roots = self.expansions((~self.removed).nonzero()[0])
