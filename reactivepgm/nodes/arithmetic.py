"""The deterministic factors that Python's operators make: addition, subtraction, multiplication and dot."""

import operator

import numpy as np

from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.numerics.array import Array


def multiply(a: Array, b: Array) -> Array:
    """out = A in: the matrix product where A is a matrix or both are arrays with a shared axis, else the scaling.

    Example:
        >>> multiply(2.0, 3.0)
        6.0
        >>> multiply([[1.0, 2.0], [0.0, 1.0]], [1.0, 1.0]).tolist()
        [3.0, 1.0]
    """
    left, right = np.ndim(a), np.ndim(b)
    if left >= 2 and right >= 1:
        return np.matmul(a, b)
    return np.multiply(a, b) if left or right else a * b


ADDITION = register(
    Node("addition", "deterministic", (Interface("out"), Interface("in1"), Interface("in2")), operator.add),
    aliases=("+",),
    targets=(np.add,),
)

SUBTRACTION = register(
    Node("subtraction", "deterministic", (Interface("out"), Interface("in1"), Interface("in2")), operator.sub),
    aliases=("-",),
    targets=(np.subtract,),
)

MULTIPLICATION = register(
    Node("multiplication", "deterministic", (Interface("out"), Interface("A"), Interface("in")), multiply),
    aliases=("*", "@"),
    targets=(operator.mul, operator.matmul, np.multiply, np.matmul),
)

DOT = register(
    Node("dot", "deterministic", (Interface("out", event_rank=0), Interface("in1"), Interface("in2")), np.dot),
    aliases=("dot_product",),
)
