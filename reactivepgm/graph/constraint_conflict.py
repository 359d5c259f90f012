"""Constraints of one list that cannot both be meant: two forms of one variable, together here and apart there."""

from __future__ import annotations

from typing import NoReturn

from reactivepgm.errors import ConstraintError
from reactivepgm.graph.constraint_equation import Block, Equation
from reactivepgm.graph.factorisation import Factorisation, MeanField
from reactivepgm.graph.form_constraint import FormConstraint
from reactivepgm.graph.site import Site, caller_site

_APART = "one keeps together what the other sets apart"


class Said:
    """What the constraints of a list said so far.

    A constraint about some variables of another one's block refines that block, and one inside a submodel has the last
    word there; neither contradicts.
    """

    def __init__(self) -> None:
        self._equations: list[tuple[str, Equation]] = []
        self._uniform: dict[str, Factorisation] = {}
        self._forms: dict[tuple[int, bool], FormConstraint] = {}

    def equation(self, equation: Equation, within: str) -> None:
        """A factorisation.

        Raises:
            ConstraintError: an earlier one says otherwise about the same variables.
        """
        together = [block for block in equation.blocks if _keeps_together(block)]
        everywhere = self._uniform.get(within)
        if isinstance(everywhere, MeanField) and together:
            _refuse(repr(everywhere), equation.text, _APART, equation.site)
        for where, earlier in self._equations:
            if where != within:
                continue
            if set(earlier.left) == set(equation.left) and _partition(earlier) != _partition(equation):
                _refuse(earlier.text, equation.text, "they cut the same variables differently", equation.site)
            for block in together:
                if _sets_apart(earlier, [member.name for member in block.members]):
                    _refuse(earlier.text, equation.text, _APART, equation.site)
        self._equations.append((within, equation))

    @property
    def is_mean_field(self) -> bool:
        """Whether ``MeanField()`` was said, here or around."""
        return any(isinstance(constraint, MeanField) for constraint in self._uniform.values())

    def uniform(self, constraint: Factorisation, within: str) -> None:
        """``MeanField()`` or ``BetheFactorisation()``.

        Raises:
            ConstraintError: the other one was said, or variables were set apart that this one would join again.
        """
        earlier = self._uniform.setdefault(within, constraint)
        if type(earlier) is not type(constraint):
            _refuse(repr(earlier), repr(constraint), "each says how everything factorises", caller_site())
        if not isinstance(constraint, MeanField):
            for where, equation in self._equations:
                if where == within and (len(equation.blocks) > 1 or equation.blocks[0].is_product):
                    _refuse(equation.text, repr(constraint), _APART, caller_site())

    def form(self, constraint: FormConstraint, array: int) -> None:
        """A form of one variable.

        Raises:
            ConstraintError: it was given another one.
        """
        earlier = self._forms.setdefault((array, constraint.message), constraint)
        if earlier.form != constraint.form:
            _refuse(earlier.text, constraint.text, f"{constraint.name} takes one form", constraint.site)


def _keeps_together(block: Block) -> bool:
    """Whether a block says that several variables, or a range of elements, stay together."""
    is_range = any(isinstance(entry, slice) for member in block.members for entry in member.subscript or ())
    return not block.is_product and (len(block.members) > 1 or is_range)


def _sets_apart(equation: Equation, names: list[str]) -> bool:
    """Whether two of some names are known to an equation and never in one block of it."""
    known = [name for name in dict.fromkeys(names) if name in equation.left]
    return any(
        not any({one, other} <= {member.name for member in block.members} for block in equation.blocks)
        for position, one in enumerate(known)
        for other in known[:position]
    )


def _partition(equation: Equation) -> set[tuple[bool, frozenset[str]]]:
    return {(block.is_product, frozenset(map(str, block.members))) for block in equation.blocks}


def _refuse(first: str, second: str, why: str, site: Site) -> NoReturn:
    raise ConstraintError(
        site.letter(f"the constraints {first!r} and {second!r} contradict each other: {why}", write="one of the two only")
    )
