"""Joint clusters in kernel form: which end is the output, which are the inputs, and the kernel's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reactivepgm.distributions import DISCRETE, MV_NORMAL, NORMAL, Group
from reactivepgm.errors import DataError
from reactivepgm.nodes import DELTA
from reactivepgm.numerics.array import Array, as_array
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.events import noted
from reactivepgm.plan.gaussian_arrays import GaussianKernelArrays
from reactivepgm.plan.outbound import Surroundings
from reactivepgm.plan.structure import Cluster, Edge, Structure
from reactivepgm.rulebook import DiscreteKernel, GaussianKernel, find_kernel

Shape = tuple[int, ...] | None


class KernelCluster:
    """A joint cluster whose factor, given everything outside the cluster, is a kernel from its inputs to its output."""

    def __init__(self, structure: Structure, cluster: Cluster) -> None:
        self.cluster = cluster
        self.out = cluster.edges[0]
        self.ins = cluster.edges[1:]
        self.in_names = tuple(edge.interface for edge in self.ins)
        self._is_merged = len(self.ins) == 2 and _same_variables(*self.ins)
        if self._is_merged:
            self.ins = self.ins[:1]
        self._surroundings = Surroundings(structure, cluster)
        self._rule: Any = None
        self._inputs: dict[str, Any] = {}

    def kind(self, beliefs: Beliefs) -> type | None:
        """GaussianKernel, DiscreteKernel, or None when the factor has no kernel with these inputs."""
        if not may_have_kernel(self.cluster):
            return None
        family = self.cluster.family
        types = {name: type(value) for name, value in self._surroundings.read(beliefs).items()}
        self._rule = find_kernel(family.node, self.out.interface, self.in_names, types, family.meta)
        return None if self._rule is None else self._rule.signature.returns

    def _kernel(self, beliefs: Beliefs) -> Any:
        self._inputs = self._surroundings.read(beliefs)
        family = self.cluster.family
        with noted("kernel", family, self.cluster.size, self.out.interface):
            return self._rule(meta=family.meta, node=family.node, to=self.out.interface, **self._inputs)

    def gaussian(self, beliefs: Beliefs) -> GaussianKernelArrays:
        """The kernel's arrays with the rows (or one for all) in front."""
        kernel: GaussianKernel = self._kernel(beliefs)
        matrices = tuple(_rows_first(matrix, 2) for matrix in kernel.matrices)
        return GaussianKernelArrays(
            (_sum(*matrices),) if self._is_merged else matrices,
            _rows_first(kernel.offset, 1),
            _rows_first(kernel.covariance, 2),
        )

    def discrete(self, beliefs: Beliefs) -> Array:
        """The log potentials with the rows (or one for all) in front."""
        kernel: DiscreteKernel = self._kernel(beliefs)
        return _rows_first(kernel.log_matrix, 2)

    def shapes(self, value: GaussianKernelArrays, known: Mapping[int, Shape]) -> dict[int, Shape]:
        """What this factor says about the event shapes of its arrays, given what is known of the others."""
        node = self.cluster.family.node
        found: dict[int, Shape] = {}
        rank_out = node.interface(self.out.interface).event_rank
        for edge, matrix in zip(self.ins, value.matrices, strict=True):
            rank_in = node.interface(edge.interface).event_rank
            if matrix is None or self._scales(matrix):
                shape = known[edge.array] if known[edge.array] is not None else known[self.out.array]
                if shape is None:
                    shape = _from_sizes(value, rank_out)
                found[edge.array] = found[self.out.array] = shape
            else:
                d_out, d_in = matrix.shape[-2:]
                found[edge.array] = (d_in,) if self._input_is_vector(rank_in) else ()
                found[self.out.array] = (d_out,) if self._output_is_vector(rank_out) else ()
        return found

    def check(self, value: GaussianKernelArrays, shapes: Mapping[int, Shape]) -> None:
        """Raise where variables, matrices and covariances of the factor are of different dimensions."""
        out = shapes[self.out.array]
        found = {self.out.interface: out}
        fits = True
        for edge, matrix in zip(self.ins, value.matrices, strict=True):
            here = found[edge.interface] = shapes[edge.array]
            if matrix is None or self._scales(matrix):
                fits &= here == out
            else:
                fits &= matrix.shape[-2:] == ((out or (1,))[0], (here or (1,))[0])
        for array in (value.offset, value.covariance):
            fits &= array is None or array.shape[-1] in (1, (out or (1,))[0])
        if value.covariance is not None:
            fits &= value.covariance.shape[-1] == (out or (1,))[0]
        if not fits:
            family = self.cluster.family
            shown = ", ".join(f"{name} {shape}" for name, shape in found.items())
            fixed = ", ".join(f"{name[2:]} {fixed.event_shape}" for name, fixed in self._inputs.items())
            raise DataError(
                f"the shapes on {family.node.name} do not fit: {shown}{'; ' + fixed if fixed else ''}\n  at   {family.site}\n"
                "  write  variables, data and constants of one dimension"
            )

    def _fixed_rank(self) -> int:
        """The event rank of the clamped factor of a product (a number, a vector, a matrix)."""
        return max(len(value.event_shape) for value in self._inputs.values())

    def _scales(self, matrix: Array) -> bool:
        if matrix.shape[-2:] != (1, 1):
            return False
        # Sums carry signs only: between vectors too, a one by one matrix is that multiple of the identity.
        is_product = self.cluster.family.node.name in ("multiplication", "dot")
        return self._is_merged or not is_product or self._fixed_rank() == 0

    def _input_is_vector(self, rank: int | None) -> bool:
        if rank is not None:
            return rank == 1
        if self.cluster.family.node.name == "dot":
            return self._fixed_rank() == 1
        return self._fixed_rank() == 2

    def _output_is_vector(self, rank: int | None) -> bool:
        if rank is not None:
            return rank == 1
        return self.cluster.family.node.name != "dot"


def may_have_kernel(cluster: Cluster) -> bool:
    """Whether a cluster is an output and one or two inputs; a kernel of functions has no other form."""
    if any(edge.component is not None for edge in cluster.edges):
        return False
    node = cluster.family.node
    return node.key != DELTA.key or (len(cluster.edges) <= 3 and cluster.edges[0].interface == node.interfaces[0].name)


def known_shapes(
    kernels: Sequence[KernelCluster], values: Sequence[GaussianKernelArrays], known: Mapping[int, Shape]
) -> dict[int, Shape]:
    """Event shapes of arrays: what is known, what Gaussian factors say, what passes through identities; None if nothing."""
    shapes = dict(known)
    for kernel in kernels:
        for edge in kernel.cluster.edges:
            shapes.setdefault(edge.array, None)
    changed = True
    while changed:
        changed = False
        for kernel, value in zip(kernels, values, strict=True):
            for array, shape in kernel.shapes(value, shapes).items():
                if shapes[array] is None and shape is not None:
                    shapes[array] = shape
                    changed = True
    return shapes


def flat_messages(kernels: Sequence[KernelCluster], beliefs: Beliefs) -> dict[int, tuple[Group, tuple[int, ...]]]:
    """Family and event shape of the arrays that kernels connect, for variables that no message has reached yet."""
    found: dict[int, tuple[Group, tuple[int, ...]]] = {}
    gaussian = []
    for kernel in kernels:
        kind = kernel.kind(beliefs)
        if kind is DiscreteKernel:
            log_matrix = kernel.discrete(beliefs)
            for edge, k in zip((kernel.out, *kernel.ins), log_matrix.shape[-2:], strict=True):
                found[edge.array] = (DISCRETE, (k,))
        elif kind is GaussianKernel:
            gaussian.append(kernel)
    shapes = known_shapes(gaussian, [kernel.gaussian(beliefs) for kernel in gaussian], {})
    for array, shape in shapes.items():
        if shape is not None:
            found[array] = (NORMAL if shape == () else MV_NORMAL, shape)
    return found


def _from_sizes(value: GaussianKernelArrays, rank: int | None) -> Shape:
    if rank == 0:
        return ()
    for array in (value.offset, value.covariance):
        if array is not None and (rank == 1 or array.shape[-1] > 1):
            return (array.shape[-1],)
    return None


def _same_variables(one: Edge, other: Edge) -> bool:
    """Whether two inputs are one variable used twice, row by row."""
    return one.array == other.array and np.array_equal(one.place.index, other.place.index)


def _sum(one: Array, other: Array) -> Array:
    """A1 + A2 for a variable that is used twice; None is the identity, (1, 1) a multiple of it."""
    if one is None:
        return np.full((1, 1, 1), 2.0) if other is None else _sum(other, None)
    if other is None:
        return one + np.eye(one.shape[-1])
    return one + other


def _rows_first(array: Array, event_rank: int) -> Array:
    """The array with exactly one batch axis."""
    if array is None:
        return None
    array = as_array(array)
    return array[None] if array.ndim == event_rank else array
