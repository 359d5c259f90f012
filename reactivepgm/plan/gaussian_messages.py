"""The messages of linear-Gaussian factors inside a contracted region, computed one interface at a time when asked for.

The contraction never makes them: it works with kernels. What the variables send to a factor is in its solution; the
factor's own message follows by the ordinary rule.
"""

from __future__ import annotations

import numpy as np

from reactivepgm.distributions import (
    Distribution,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    Uninformative,
)
from reactivepgm.errors import ModelError
from reactivepgm.numerics.array import Array
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.function_kernel import reads_own
from reactivepgm.plan.gaussian_arrays import GaussianMessage
from reactivepgm.plan.gaussian_beliefs import GaussianBeliefs
from reactivepgm.plan.gaussian_leaves import PooledBeliefs
from reactivepgm.plan.gaussian_relays import RelayedBeliefs
from reactivepgm.plan.kernels import KernelCluster, Shape
from reactivepgm.plan.outbound import RuleTable, Surroundings, heard
from reactivepgm.plan.structure import Structure


class GaussianMessages:
    """What one factor family of a contracted region says to one of its variables.

    Args:
        structure: the plan's structure.
        kernel: the family's cluster in kernel form.
        number: its number in the forest.
    """

    def __init__(self, structure: Structure, kernel: KernelCluster, number: int) -> None:
        self._kernel = kernel
        self._number = number
        self._surroundings = Surroundings(structure, kernel.cluster)
        self._rules = RuleTable(kernel.cluster)

    def __call__(
        self,
        beliefs: Beliefs,
        solution: GaussianBeliefs | RelayedBeliefs | PooledBeliefs,
        shapes: dict[int, Shape],
        interface: str,
    ) -> Distribution:
        """The message towards ``interface``, one a row, flat where nothing is behind it."""
        cluster, number = self._kernel.cluster, self._number
        if len(self._kernel.ins) != len(cluster.edges) - 1:
            raise ModelError(
                cluster.family.site.letter(f"the inputs of {cluster.family.node.name} are one variable: it has one message")
            )
        eta, precision = solution.out_information(number)
        received = [GaussianMessage(False, eta, precision), *solution.in_messages(number)]
        silent = np.zeros(cluster.size, dtype=bool)
        inputs: dict[str, Distribution] = {}
        for edge, told in zip(cluster.edges, received, strict=True):
            is_own = edge.interface == interface
            if not is_own or reads_own(cluster, interface):
                silent |= _is_flat(told, cluster.size)
                inputs["m_" + edge.interface] = as_distribution(told, cluster.size, bool(shapes[edge.array]))
        if silent.all():
            return Uninformative()
        rows = np.flatnonzero(~silent)
        outside = self._surroundings.read(beliefs)
        if len(rows) < cluster.size:
            inputs = {name: value[rows] for name, value in inputs.items()}
            outside = {n: v[rows] if v.batch_shape and v.batch_shape[0] > 1 else v for n, v in outside.items()}
        message = self._rules.message(interface, {**inputs, **outside})
        return heard(message, cluster.size, silent, None if len(rows) == cluster.size else rows)


def as_distribution(message: GaussianMessage, rows: int, is_vector: bool) -> Distribution:
    """A forest's message as a distribution: moments where all rows have them, else in information form."""
    moment = np.broadcast_to(np.asarray(message.moment), (rows,))
    vector, matrix = np.array(message.vector), np.array(message.matrix)
    if moment.all():
        if is_vector:
            return MvNormalMeanCovariance._of(vector, matrix)
        return NormalMeanVariance._of(vector[:, 0], matrix[:, 0, 0])
    if moment.any():
        matrix[moment] = np.linalg.inv(matrix[moment])
        vector[moment] = np.einsum("rij,rj->ri", matrix[moment], vector[moment])
    if is_vector:
        return MvNormalWeightedMeanPrecision._of(vector, matrix)
    return NormalWeightedMeanPrecision._of(vector[:, 0], matrix[:, 0, 0])


def _is_flat(message: GaussianMessage, rows: int) -> Array:
    moment = np.broadcast_to(np.asarray(message.moment), (rows,))
    return ~moment & ~np.asarray(message.matrix).reshape(rows, -1).any(axis=1)


