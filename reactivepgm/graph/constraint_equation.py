"""How q factorises, as an equation between terms: which elements of which variables share a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from reactivepgm.errors import ConstraintError
from reactivepgm.graph.site import Site, caller_site
from reactivepgm.graph.variable import VariableArray

IntArray = NDArray[np.intp]

Subscript = tuple[int | slice | str, ...]
"""One entry an axis: a number, a range, or the name of a loop variable under ``prod``."""


@dataclass(frozen=True)
class Member:
    """A variable in a block: all of it, or the elements that a subscript chooses."""

    name: str
    subscript: Subscript | None = None
    position: int | None = field(default=None, compare=False)
    """Where it stands in the constraint's text."""

    def __str__(self) -> str:
        return self.name if self.subscript is None else f"{self.name}[{', '.join(map(_shown, self.subscript))}]"


@dataclass(frozen=True)
class Block:
    """Variables that stay together; under ``prod`` one block for each value of the loop variables."""

    members: tuple[Member, ...]
    is_product: bool = False

    def __str__(self) -> str:
        return f"{'prod ' if self.is_product else ''}q({', '.join(map(str, self.members))})"


@dataclass(frozen=True)
class Equation:
    """A whole-model constraint: the variables on the left, their blocks on the right.

    Args:
        text: as it was written.
        left: the names of the variables.
        blocks: which elements of them stay together.
        site: where it was written, for the errors.
    """

    text: str
    left: tuple[str, ...]
    blocks: tuple[Block, ...]
    site: Site = field(compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names on the right, each once."""
        return tuple(dict.fromkeys(member.name for block in self.blocks for member in block.members))


def factorise(*blocks: str | Sequence[str]) -> Equation:
    """The variables of each block stay together, the blocks fall apart.

    Args:
        *blocks: a name, several names, or a name with a range such as ``"x[0:5]"``; ``"prod x[i]"`` sets all elements
            apart.

    Raises:
        ConstraintSyntaxError: a name that cannot be read.
        ConstraintError: no names.

    Example:
        >>> factorise("x", ("tau", "mu")).text
        'q(x, tau, mu) = q(x) q(tau, mu)'
        >>> factorise("prod x[i]", "tau").text
        'q(x, tau) = prod q(x[i]) q(tau)'
    """
    # The reader of texts stands on this module.
    from reactivepgm.graph.constraint_text import parse_block

    for block in blocks:
        is_several = isinstance(block, Sequence) and all(isinstance(name, str) for name in block)
        if not is_several:
            example = 'factorise("x", ("tau", "mu"))'
            raise ConstraintError(f"factorise takes names of variables, not {block!r}\n  write  {example}")
    if not blocks:
        raise ConstraintError('factorise() names no variable\n  write  factorise("x", "tau")')
    read = tuple(parse_block(block) if isinstance(block, str) else parse_block(*block) for block in blocks)
    left = tuple(dict.fromkeys(member.name for block in read for member in block.members))
    return Equation(f"q({', '.join(left)}) = {' '.join(map(str, read))}", left, read, caller_site())


class Codes:
    """For every element of a variable the number of its block; elements of one block have one number."""

    def __init__(self, equation: Equation) -> None:
        self.equation = equation
        self._numbers: dict[tuple[int, tuple[int, ...]], int] = {}
        self._known: dict[tuple[str, int], IntArray] = {}

    def of(self, name: str, array: VariableArray) -> IntArray:
        """Block numbers (size,) of an array that the equation knows by a name.

        Raises:
            ConstraintError: the subscripts do not fit the array's shape, or do not cover it exactly once.
        """
        key = (name, array.id)
        if key not in self._known:
            codes = self._known[key] = np.full(array.size, -1, dtype=np.intp)
            for number, block in enumerate(self.equation.blocks):
                for member in block.members:
                    if member.name == name:
                        self._assign(codes, number, member, array)
            left = np.flatnonzero(codes < 0)
            if len(left):
                self._refuse(f"{array.element_name(int(left[0]))} is in no block on the right")
        return self._known[key]

    def kept(self, is_refined: bool) -> frozenset[int]:
        """The numbers of the blocks that stay together, whatever set them apart before.

        Args:
            is_refined: whether the variables of a block that names only one of them, without a range, are known to be
                apart already.
        """
        return frozenset(
            code
            for (number, values), code in self._numbers.items()
            if len((block := self.equation.blocks[number]).members) > 1
            or not (values or is_refined)
            or any(isinstance(entry, slice) for entry in block.members[0].subscript or ())
        )

    def _assign(self, codes: IntArray, number: int, member: Member, array: VariableArray) -> None:
        grid = np.arange(array.size).reshape(array.shape)
        subscript = () if member.subscript is None else member.subscript
        if len(subscript) > grid.ndim:
            self._refuse(f"{member} has {len(subscript)} indices, the variable has shape {array.shape}")
        loops: dict[str, IntArray] = {}
        keep = np.ones(array.shape, dtype=bool)
        for axis, entry in enumerate(subscript):
            positions = np.arange(array.shape[axis])
            places = positions.reshape(-1, *(1,) * (grid.ndim - axis - 1))
            if isinstance(entry, str):
                places = np.broadcast_to(places, array.shape)
                keep &= loops.setdefault(entry, places) == places
            else:
                ends = (entry.start, entry.stop) if isinstance(entry, slice) else (entry, entry + 1 if entry >= 0 else entry)
                if any(end is not None and not -len(positions) <= end <= len(positions) for end in ends):
                    at = "" if member.position is None else f" (position {member.position})"
                    self._refuse(f"{member}{at} lies outside the variable, which has shape {array.shape}")
                chosen = np.isin(positions, positions[entry])
                keep &= chosen.reshape(places.shape)
        if not keep.any() and array.size:
            self._refuse(f"{member} has no elements, the variable has shape {array.shape}")
        elements = grid[keep]
        if (codes[elements] >= 0).any():
            twice = int(elements[np.flatnonzero(codes[elements] >= 0)[0]])
            self._refuse(f"{array.element_name(twice)} is in two blocks on the right")
        codes[elements] = self._code(number, [loops[name][keep] for name in sorted(loops)], len(elements))

    def _code(self, number: int, values: list[IntArray], count: int) -> IntArray:
        """Block numbers, one for each combination of the loop variables' values."""
        if not values:
            return np.full(count, self._numbers.setdefault((number, ()), len(self._numbers)))
        table, inverse = np.unique(np.stack(values, axis=1), axis=0, return_inverse=True)
        codes = [self._numbers.setdefault((number, tuple(map(int, row))), len(self._numbers)) for row in table]
        return np.array(codes, dtype=np.intp)[inverse.reshape(-1)]

    def _refuse(self, complaint: str) -> NoReturn:
        raise ConstraintError(
            self.equation.site.letter(
                f"the constraint {self.equation.text!r} does not fit: {complaint}",
                write="every element on the left once on the right",
            )
        )


def _shown(entry: int | slice | str) -> str:
    if not isinstance(entry, slice):
        return str(entry)
    return f"{'' if entry.start is None else entry.start}:{'' if entry.stop is None else entry.stop}"
