"""The deterministic factors that Python's operators make: addition, subtraction, multiplication and dot."""

import operator
from typing import Any

import numpy as np

from reactivepgm.distributions import PointMass
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.nodes.sampling import aligned_events, filled
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


def _sums(rng: Any, batch: tuple[int, ...], in1: PointMass, in2: PointMass) -> Array:
    left, right = aligned_events((in1, in2))
    return _whole(left + right, batch, in1, in2)


def _differences(rng: Any, batch: tuple[int, ...], in1: PointMass, in2: PointMass) -> Array:
    left, right = aligned_events((in1, in2))
    return _whole(left - right, batch, in1, in2)


def _products(rng: Any, batch: tuple[int, ...], a: PointMass, in_: PointMass) -> Array:
    if a.event_rank >= 2 and in_.event_rank == 1:
        return np.matmul(a.value, filled(in_, batch)[..., None])[..., 0]
    if a.event_rank >= 2 and in_.event_rank:
        return np.matmul(a.value, filled(in_, batch))
    left, right = aligned_events((a, in_))
    return _whole(left * right, batch, a, in_)


def _inner_products(rng: Any, batch: tuple[int, ...], in1: PointMass, in2: PointMass) -> Array:
    if in1.event_rank >= 2:
        return _products(rng, batch, in1, in2)
    product = _products(rng, batch, in1, in2)
    return product.sum(axis=-1) if in1.event_rank and in2.event_rank else product


def _whole(value: Array, batch: tuple[int, ...], *points: PointMass) -> Array:
    rank = max(point.event_rank for point in points)
    return np.broadcast_to(value, (*batch, *np.shape(value)[np.ndim(value) - rank :]))


ADDITION = register(
    Node(
        "addition",
        "deterministic",
        (Interface("out"), Interface("in1"), Interface("in2")),
        operator.add,
        batch_sampler=_sums,
    ),
    aliases=("+",),
    targets=(np.add,),
)

SUBTRACTION = register(
    Node(
        "subtraction",
        "deterministic",
        (Interface("out"), Interface("in1"), Interface("in2")),
        operator.sub,
        batch_sampler=_differences,
    ),
    aliases=("-",),
    targets=(np.subtract,),
)

MULTIPLICATION = register(
    Node(
        "multiplication",
        "deterministic",
        (Interface("out"), Interface("A"), Interface("in")),
        multiply,
        batch_sampler=_products,
    ),
    aliases=("*", "@"),
    targets=(operator.mul, operator.matmul, np.multiply, np.matmul),
)

DOT = register(
    Node(
        "dot",
        "deterministic",
        (Interface("out", event_rank=0), Interface("in1"), Interface("in2")),
        np.dot,
        batch_sampler=_inner_products,
    ),
    aliases=("dot_product",),
)
