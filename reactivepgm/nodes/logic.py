"""The logical factors on truth values 0 and 1: AND, OR, NOT, IMPLY."""

from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.numerics.array import Array

_TWO = (
    Interface("out", event_rank=0, support="unit"),
    Interface("in1", event_rank=0, support="unit"),
    Interface("in2", event_rank=0, support="unit"),
)
_ONE = (Interface("out", event_rank=0, support="unit"), Interface("in", event_rank=0, support="unit"))


def conjunction(in1: Array, in2: Array) -> Array:
    """1 where both are 1.

    Example:
        >>> conjunction(1, 1), conjunction(1, 0)
        (1, 0)
    """
    return in1 * in2


def disjunction(in1: Array, in2: Array) -> Array:
    """1 where at least one is 1.

    Example:
        >>> disjunction(1, 0), disjunction(0, 0)
        (1, 0)
    """
    return in1 + in2 - in1 * in2


def negation(in_: Array) -> Array:
    """1 where it is 0.

    Example:
        >>> negation(0), negation(1)
        (1, 0)
    """
    return 1 - in_


def implication(in1: Array, in2: Array) -> Array:
    """1 unless the first is 1 and the second is 0.

    Example:
        >>> implication(1, 0), implication(0, 0), implication(1, 1)
        (0, 1, 1)
    """
    return 1 - in1 + in1 * in2


AND = register(Node("AND", "deterministic", _TWO, conjunction))

OR = register(Node("OR", "deterministic", _TWO, disjunction))

NOT = register(Node("NOT", "deterministic", _ONE, negation))

IMPLY = register(Node("IMPLY", "deterministic", _TWO, implication), aliases=("implication",))
