"""Functions as kernels: a linear map with noise that stands for the function near what is believed about its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import (
    Distribution,
    MvNormalMeanCovariance,
    NormalMeanVariance,
    PointMass,
)
from reactivepgm.nodes import DELTA, InvertibleDeltaMeta
from reactivepgm.numerics.array import Array
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.events import noted
from reactivepgm.plan.gaussian_arrays import GaussianKernelArrays
from reactivepgm.plan.kernels import KernelCluster, Shape, _rows_first
from reactivepgm.plan.structure import Cluster, Structure
from reactivepgm.rulebook import find_rule, own_roles

IntArray = NDArray[np.intp]


def is_function(cluster: Cluster) -> bool:
    """Whether a cluster's factor is a Python function."""
    return cluster.family.node.key == DELTA.key


def reads_own_message(cluster: Cluster) -> bool:
    """Whether some of a cluster's messages toward its inputs depend on those on the same edges."""
    return any(reads_own(cluster, name) for name in cluster.names)


def reads_own(cluster: Cluster, interface: str) -> bool:
    """Whether the message toward one interface of a joint cluster depends on that on the same edge."""
    node = cluster.family.node
    if interface == node.interfaces[0].name:
        return False
    if is_function(cluster):
        return not isinstance(cluster.family.meta, InvertibleDeltaMeta | None)
    return "m" in own_roles(node, interface)


def kernel_of(structure: Structure, cluster: Cluster) -> KernelCluster:
    """A joint cluster in kernel form; a function depends on the beliefs where it is approximated."""
    return FunctionKernel(structure, cluster) if is_function(cluster) else KernelCluster(structure, cluster)


class FunctionKernel(KernelCluster):
    """A function between its inputs and its output, approximated at ``points``: a belief a row for each input."""

    def __init__(self, structure: Structure, cluster: Cluster) -> None:
        super().__init__(structure, cluster)
        self.points: dict[str, Distribution] = {}
        self._out_shape: Shape = None

    def read(self, beliefs: Beliefs) -> bool:
        """Take the current marginals of the inputs as points; False where one is not known everywhere."""
        found: dict[str, Distribution] = {}
        for edge in self.cluster.edges[1:]:
            belief = beliefs.marginals[edge.array]
            if belief is None:
                return False
            point = moments(belief.broadcast_to((edge.place.size,))[edge.place.index])
            if np.isnan(np.asarray(point.mean)).any():
                return False
            found[edge.interface] = point
        self.points = found
        return True

    def fit(self, beliefs: Beliefs, points: Mapping[str, Distribution], rows: IntArray | None) -> GaussianKernelArrays:
        """The kernel of some rows at points of theirs."""
        family = self.cluster.family
        outside = {
            name: value if rows is None or not value.batch_shape or value.batch_shape[0] == 1 else value[rows]
            for name, value in self._surroundings.read(beliefs).items()
        }
        inputs = {**outside, **{"q_" + name: point for name, point in points.items()}}
        with noted("kernel", family, self.cluster.size if rows is None else len(rows), self.out.interface):
            kernel = self._rule(meta=family.meta, node=family.node, to=self.out.interface, **inputs)
        if self._out_shape is None:
            self._out_shape = self._shape_of_value(outside, points)
        return GaussianKernelArrays(
            tuple(_rows_first(matrix, 2) for matrix in kernel.matrices),
            _rows_first(kernel.offset, 1),
            _rows_first(kernel.covariance, 2),
        )

    def gaussian(self, beliefs: Beliefs) -> GaussianKernelArrays:
        """The kernel's arrays at the points."""
        return self.fit(beliefs, self.points, None)

    def _shape_of_value(self, outside: Mapping[str, Distribution], points: Mapping[str, Distribution]) -> Shape:
        """What one call of the function gives: a number or a vector."""
        known: dict[str, Any] = {name: value[0] if value.batch_shape else value for name, value in outside.items()}
        known |= {"q_" + name: PointMass(_first(point)) for name, point in points.items()}
        family = self.cluster.family
        rule = find_rule(family.node, self.out.interface, dict.fromkeys(known, PointMass), family.meta, site=family.site)
        value: PointMass = rule(meta=family.meta, node=family.node, to=self.out.interface, **known)
        return value.event_shape

    def _scales(self, matrix: Array) -> bool:
        return False  # every matrix is in full

    def shapes(self, value: GaussianKernelArrays, known: Mapping[int, Shape]) -> dict[int, Shape]:
        """The event shapes of the inputs' beliefs and of the function's value."""
        found: dict[int, Shape] = {e.array: self.points[e.interface].event_shape for e in self.ins if self.points}
        found[self.out.array] = self._out_shape
        return found


def moments(belief: Distribution) -> Distribution:
    """A Gaussian by mean and (co)variance; certainty has a variance of zero."""
    known: Any = belief
    is_vector = bool(len(belief.event_shape))
    if isinstance(belief, MvNormalMeanCovariance if is_vector else NormalMeanVariance):
        return belief
    return gaussian(known.mean, known.covariance if is_vector else known.variance, is_vector)


def gaussian(mean: Array, spread: Array, is_vector: bool) -> Distribution:
    """A Gaussian belief from arrays of their own shapes."""
    return MvNormalMeanCovariance._of(mean, spread) if is_vector else NormalMeanVariance._of(mean, spread)


def _first(point: Distribution) -> Array:
    value = np.asarray(point.mean)
    return value[0] if point.batch_shape else value
