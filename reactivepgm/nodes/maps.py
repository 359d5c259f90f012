"""Deterministic factors with parameters in their meta: Flow, an invertible map, and BIFM, a step of a state-space model."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reactivepgm.distributions import PointMass
from reactivepgm.errors import InvalidParameterError
from reactivepgm.nodes.flow_layers import FlowModel
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.numerics.array import Array, as_array


@dataclass(frozen=True, slots=True, eq=False)
class FlowMeta:
    """The map of a Flow factor, and how Gaussians go through it.

    Args:
        model: the layers.
        approximation: None for a linearisation at the message's mean; for the unscented transform an object with the
            attributes ``alpha``, ``beta`` and ``kappa``.

    Example:
        >>> from reactivepgm.nodes import Permutation
        >>> FlowMeta(FlowModel(Permutation([1, 0]))).approximation is None
        True
    """

    model: FlowModel
    approximation: Any = None


class BIFMMeta:
    """The matrices of a BIFM factor: znext = A zprev + B in, out = C znext.

    Args:
        A: (d, d).
        B: (d, k).
        C: (e, d).

    Raises:
        InvalidParameterError: shapes that do not fit.

    Example:
        >>> BIFMMeta(np.eye(2), np.ones((2, 1)), np.ones((1, 2))).B.shape
        (2, 1)
    """

    __slots__ = ("A", "B", "C")

    def __init__(self, A: Array, B: Array, C: Array) -> None:
        self.A, self.B, self.C = (np.asarray(as_array(matrix)) for matrix in (A, B, C))
        shapes = [matrix.shape for matrix in (self.A, self.B, self.C)]
        if any(len(shape) != 2 for shape in shapes) or not (
            shapes[0][0] == shapes[0][1] == shapes[1][0] == shapes[2][1]
        ):
            raise InvalidParameterError(f"BIFMMeta: A (d, d), B (d, k) and C (e, d) are needed, not {shapes}")


def _flow(in_: Array) -> Array:
    raise TypeError("Flow stands for the map in its meta: write FlowMeta(model), and model.forward(x) for a value")


def _bifm(in_: Array, zprev: Array, znext: Array) -> Array:
    raise TypeError("BIFM stands for the matrices in its meta: write BIFMMeta(A, B, C)")


Flow = register(
    Node("Flow", "deterministic", (Interface("out", event_rank=1), Interface("in", event_rank=1)), _flow)
)

BIFM = register(
    Node(
        "BIFM",
        "deterministic",
        tuple(Interface(name, event_rank=1) for name in ("out", "in", "zprev", "znext")),
        _bifm,
    )
)

BIFMHelper = register(Node("BIFMHelper", "stochastic", (Interface("out"), Interface("in")), PointMass))
