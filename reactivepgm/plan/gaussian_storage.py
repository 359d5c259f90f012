"""Where the numbers of a Gaussian contraction live: pools of two-ended elements, and rows with three ends."""

from __future__ import annotations

import math

import numpy as np

from reactivepgm.plan.contraction_steps import (
    Index,
)
from reactivepgm.plan.gaussian_elements import (
    Pair,
)
from reactivepgm.plan.gaussian_flat import (
    Triple,
)
from reactivepgm.plan.small_matrices import (
    Bools,
    Floats,
    transpose,
)

Row = dict[tuple[int, int], Floats]


class PlaceError(Exception):
    """A variable without a proper marginal, by its label and its position within the label."""

    def __init__(self, label: int, position: int, reason: str = "nothing determines it") -> None:
        super().__init__(label, position, reason)
        self.label = label
        self.position = position
        self.reason = reason


class Block:
    """Memory for a whole sweep, taken at once and zero.

    The C library gives memory back to the system, page by page, when many arrays of medium size are freed, and
    fetching it again would cost more than the arithmetic; after one large piece it keeps what fits into it.

    >>> block = Block(10)
    >>> block.take(2, 3).shape, block.take(4).shape
    ((2, 3), (4,))
    """

    __slots__ = ("_memory", "_used")

    def __init__(self, size: int) -> None:
        self._memory = np.zeros(size)
        self._used = 0

    def take(self, *shape: int) -> Floats:
        """An array of this shape."""
        first = self._used
        self._used += math.prod(shape)
        return self._memory[first : self._used].reshape(shape)


class Elements:
    """All elements of one pool, originals first: blocks of the ends a and b, and the cross block (b, a)."""

    __slots__ = ("a", "a_moment", "a_vector", "b", "b_moment", "b_vector", "cross")

    def __init__(self, da: int, db: int, size: int, careful: bool, block: Block) -> None:
        self.a, self.b = block.take(da, da, size), block.take(db, db, size)
        self.a_vector, self.b_vector = block.take(da, size), block.take(db, size)
        self.cross = block.take(db, da, size)
        self.a_moment: Bools | None = np.zeros(size, dtype=bool) if careful else None
        self.b_moment: Bools | None = np.zeros(size, dtype=bool) if careful else None

    @classmethod
    def given(cls, cross: Floats, C: Floats | None, b: Floats | None, size: int) -> Elements:
        """The elements of one family of kernels, as views of its numbers, which take no memory where rows share them.

        Args:
            cross: A (db, da, size or 1).
            C: (db, db, size or 1), or None.
            b: (db, size or 1), or None.
            size: the number of rows.

        >>> shared = Elements.given(np.ones((2, 3, 1)), np.eye(2)[..., None], None, 10)
        >>> shared.cross.shape, shared.b[0, 0, 9].item(), shared.b.strides[-1]
        ((2, 3, 10), -1.0, 0)
        """
        found = cls.__new__(cls)
        db, da, _ = cross.shape
        found.a, found.a_vector = np.broadcast_to(0.0, (da, da, size)), np.broadcast_to(0.0, (da, size))
        found.cross = np.broadcast_to(cross, (db, da, size))
        found.b = np.broadcast_to(0.0 if C is None else np.negative(C), (db, db, size))
        found.b_vector = np.broadcast_to(0.0 if b is None else np.negative(b), (db, size))
        found.a_moment = found.b_moment = None
        return found

    @staticmethod
    def room(da: int, db: int, size: int) -> int:
        """How many numbers it takes."""
        return (da * (da + 1) + db * (db + 1) + da * db) * size

    def pair(self, at: Index, side: int) -> Pair:
        """Some elements, seen from the end ``side`` (0: a, 1: b)."""
        a_moment = None if self.a_moment is None else self.a_moment[at]
        b_moment = None if self.b_moment is None else self.b_moment[at]
        cross = self.cross[..., at]
        if side == 0:
            return Pair(self.a[..., at], self.a_vector[..., at], self.b[..., at], self.b_vector[..., at], cross,
                        a_moment, b_moment)
        return Pair(self.b[..., at], self.b_vector[..., at], self.a[..., at], self.a_vector[..., at],
                    transpose(cross), b_moment, a_moment)

    def write(self, at: slice, triple: Triple) -> None:
        """Stores composites."""
        self.a[..., at], self.a_vector[..., at] = triple.Ha, triple.sa
        self.b[..., at], self.b_vector[..., at] = triple.Hb, triple.sb
        self.cross[..., at] = transpose(triple.Hab)
        if self.a_moment is not None and self.b_moment is not None:
            self.a_moment[at], self.b_moment[at] = triple.a_moment, triple.b_moment


class Rows:
    """The rows of a family with three ends: blocks (i, j) for i >= j, vectors, and which ends are moment ends."""

    __slots__ = ("blocks", "moment", "vectors")

    def __init__(self, blocks: Row, vectors: list[Floats], moment: list[Bools]) -> None:
        self.blocks, self.vectors, self.moment = blocks, vectors, moment

    def block(self, i: int, j: int, at: Index) -> Floats:
        """The block between two ends."""
        return self.blocks[i, j][..., at] if i >= j else transpose(self.blocks[j, i][..., at])

    def triple(self, x: int, a: int, b: int, at: Index) -> Triple:
        """Some rows as two ends around a third."""
        return Triple(self.block(a, a, at), self.vectors[a][:, at], self.block(b, b, at), self.vectors[b][:, at],
                      self.block(a, b, at), self.block(a, x, at), self.block(b, x, at),
                      self.moment[a][at], self.moment[b][at])

    def near(self, x: int, at: Index) -> Pair:
        """The block of one end."""
        block, vector, moment = self.block(x, x, at), self.vectors[x][:, at], self.moment[x][at]
        return Pair(block, vector, block, vector, block, moment, moment)
