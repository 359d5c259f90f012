"""Where functions are approximated the first time: at what the messages that have come so far say about their inputs.

Messages flow through linear factors, and through functions once these are approximated, by the ordinary rule: a factor
sends to an end when all its other ends have sent. When nothing can flow any more, the functions whose inputs have been
drawn by a factor or a prior already are approximated at what is known of them by then; first those behind whose output
something was observed. On a state-space model that is the order of a filter: predict, correct, predict, ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ImproperPosteriorError
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import symmetrise
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.first_sums import Sums, times
from reactivepgm.plan.function_kernel import FunctionKernel, gaussian
from reactivepgm.plan.gaussian_arrays import GaussianKernelArrays
from reactivepgm.plan.gaussian_sweep import GaussianInbox
from reactivepgm.plan.kernels import KernelCluster, Shape, known_shapes
from reactivepgm.plan.structure import Edge, Structure

IntArray = NDArray[np.intp]
Mask = NDArray[np.bool_]


class FirstPoints:
    """One pass of messages that finds a point for every function.

    Args:
        structure: the plan's structure.
        kernels: all factors of a region, in the order of the statements.
        inboxes: by array, what single clusters say about its variables.
    """

    def __init__(
        self, structure: Structure, kernels: Sequence[KernelCluster], inboxes: Mapping[int, GaussianInbox]
    ) -> None:
        self._structure = structure
        self._kernels = kernels
        self._inboxes = inboxes
        self._shapes: dict[int, Shape] = {array: box.event_shape for array, box in inboxes.items()}
        places: dict[int, list[IntArray]] = {array: [] for array in inboxes}
        self._starts: list[list[int]] = []
        for kernel in kernels:
            starts = []
            for edge in (kernel.out, *kernel.ins):
                starts.append(sum(map(len, places[edge.array])))
                places[edge.array].append(edge.place.index)
            self._starts.append(starts)
        self._pools = {a: Sums(box, np.concatenate(places[a])) for a, box in inboxes.items()}
        self._numbers = [_Numbers(kernel.cluster.size) for kernel in kernels]

    def run(self, beliefs: Beliefs) -> None:
        """Give every function of the region its points.

        Raises:
            ImproperPosteriorError: nothing proper is known about an input.
        """
        linear = [(n, k) for n, k in enumerate(self._kernels) if not isinstance(k, FunctionKernel)]
        functions = [(n, k) for n, k in enumerate(self._kernels) if isinstance(k, FunctionKernel)]
        values = [kernel.gaussian(beliefs) for _, kernel in linear]
        for (number, _), value in zip(linear, values, strict=True):
            self._numbers[number].fill_all(value)
        self._learn([kernel for _, kernel in linear], values)
        while not all(self._numbers[n].known.all() for n, _ in functions):
            while self._flow():
                pass
            if not self._approximate(beliefs, functions):
                raise ImproperPosteriorError(self._letter(functions))
            self._learn([kernel for _, kernel in linear], values)
        for number, kernel in functions:
            kernel.points = self._numbers[number].points

    def _learn(self, kernels: Sequence[KernelCluster], values: Sequence[GaussianKernelArrays]) -> None:
        """Make room at the arrays whose event shapes are known by now."""
        self._shapes = known_shapes(kernels, values, self._shapes)
        for array, pool in self._pools.items():
            shape = self._shapes.get(array)
            if shape is not None:
                pool.open((shape or (1,))[0])

    def _ends(self, number: int) -> list[tuple[Sums, Edge, IntArray]]:
        kernel = self._kernels[number]
        return [
            (self._pools[edge.array], edge, start + np.arange(edge.place.rows))
            for edge, start in zip((kernel.out, *kernel.ins), self._starts[number], strict=True)
        ]

    def _flow(self) -> bool:
        """Send every message that can be sent; whether there was any."""
        acted = False
        for number in range(len(self._kernels)):
            ends = self._ends(number)
            if not all(pool.is_open for pool, _, _ in ends):
                continue
            ready = [pool.is_ready(edges) for pool, _, edges in ends]
            for target, (pool, _, edges) in enumerate(ends):
                able = self._numbers[number].known & ~pool.sent[edges]
                for other, mask in enumerate(ready):
                    if other != target:
                        able &= mask
                rows = np.flatnonzero(able)
                if len(rows):
                    acted |= self._send(number, ends, target, rows)
        return acted

    def _send(self, number: int, ends: list[tuple[Sums, Edge, IntArray]], target: int, rows: IntArray) -> bool:
        told = [pool.moments(edges[rows]) for pool, _, edges in ends[1:]]
        proper = np.ones(len(rows), dtype=bool)
        for other, (_, _, fine) in enumerate(told, start=1):
            if other != target:
                proper &= fine
        if not proper.any():
            return False
        rows = rows[proper]
        told = [(mean[proper], spread[proper], fine[proper]) for mean, spread, fine in told]
        dims = [pool.dimension for pool, _, _ in ends]
        matrices, centre, noise = self._numbers[number].of(rows, dims)
        for other, (mean, spread, _) in enumerate(told, start=1):
            if other != target:
                a = matrices[other - 1]
                centre = centre + times(a, mean)
                noise = noise + a @ spread @ np.swapaxes(a, -1, -2)
        pool, _, edges = ends[target]
        if target == 0:
            pool.put_moments(edges[rows], centre, noise)
            return True
        out, _, out_edges = ends[0]
        a = matrices[target - 1]
        eta, j = out.behind(out_edges[rows], centre, noise)
        up = np.swapaxes(a, -1, -2)
        pool.put_information(edges[rows], times(up, eta), symmetrise(up @ j @ a))
        return True

    def _approximate(self, beliefs: Beliefs, functions: list[tuple[int, FunctionKernel]]) -> bool:
        """Approximate the functions that are next; whether there were any."""
        for is_drawn, is_informed in ((True, True), (True, False), (False, True), (False, False)):
            found = False
            for number, kernel in functions:
                ends = self._ends(number)
                able = ~self._numbers[number].known
                for pool, _, edges in ends[1:]:
                    able &= pool.is_drawn(edges) if is_drawn else np.full(len(edges), pool.is_open)
                out, _, out_edges = ends[0]
                rows = np.flatnonzero(able)
                if is_informed and len(rows):
                    rows = rows[out.is_informed(out_edges[rows])] if out.is_open else rows[:0]
                if len(rows):
                    found |= self._approximate_rows(beliefs, number, kernel, ends, rows)
            if found:
                return True
        return False

    def _approximate_rows(
        self,
        beliefs: Beliefs,
        number: int,
        kernel: FunctionKernel,
        ends: list[tuple[Sums, Edge, IntArray]],
        rows: IntArray,
    ) -> bool:
        told = [pool.moments(edges[rows]) for pool, _, edges in ends[1:]]
        fine = np.logical_and.reduce([proper for _, _, proper in told])
        if not fine.any():
            return False
        rows = rows[fine]
        points: dict[str, Distribution] = {}
        for (_, edge, _), (mean, spread, _) in zip(ends[1:], told, strict=True):
            mean, spread = mean[fine], spread[fine]
            if self._shapes[edge.array]:
                points[edge.interface] = gaussian(mean, spread, True)
            else:
                points[edge.interface] = gaussian(mean[:, 0], spread[:, 0, 0], False)
        value = kernel.fit(beliefs, points, rows)
        self._numbers[number].fill(rows, value, points)
        shape = kernel.shapes(value, self._shapes)[kernel.out.array]
        if self._shapes.get(kernel.out.array) is None:
            self._shapes[kernel.out.array] = shape
        return True

    def _letter(self, functions: list[tuple[int, FunctionKernel]]) -> str:
        number, kernel = next((n, k) for n, k in functions if not self._numbers[n].known.all())
        names = ", ".join(f"`{self._structure.arrays[edge.array].name}`" for edge in kernel.ins)
        return (
            f"nothing proper is known about the inputs {names} of {kernel.cluster.family.node.name} where it is to be"
            f" approximated (row {int(np.flatnonzero(~self._numbers[number].known)[0])})\n"
            f"  at   {kernel.cluster.family.site}\n"
            "  add  a proper prior for the inputs, or an initial marginal: initialisation={...}"
        )


class _Numbers:
    """The kernels of one family, and for functions where they were approximated; row by row as they become known."""

    def __init__(self, rows: int) -> None:
        self.known = np.zeros(rows, dtype=bool)
        self.points: dict[str, Distribution] = {}
        self._value: GaussianKernelArrays | None = None

    def fill_all(self, value: GaussianKernelArrays) -> None:
        """All rows of a linear factor."""
        self._value = value
        self.known[:] = True

    def fill(self, rows: IntArray, value: GaussianKernelArrays, points: Mapping[str, Distribution]) -> None:
        """Some rows of a function."""
        count = len(self.known)
        before, covariance = self._value, None
        if value.covariance is not None:
            covariance = _put(None if before is None else before.covariance, rows, value.covariance, count)
        self._value = GaussianKernelArrays(
            tuple(
                _put(None if before is None else before.matrices[k], rows, matrix, count)
                for k, matrix in enumerate(value.matrices)
            ),
            _put(None if before is None else before.offset, rows, value.offset, count),
            covariance,
        )
        for name, point in points.items():
            old = self.points.get(name)
            whole = {
                key: _put(None if old is None else getattr(old, key), rows, part, count)
                for key, part in point.parameters.items()
            }
            self.points[name] = point.like(*whole.values())
        self.known[rows] = True

    def of(self, rows: IntArray, dims: Sequence[int]) -> tuple[list[Array], Array, Array]:
        """Matrices, offset and noise covariance of some rows, all in full."""
        assert self._value is not None
        out, value = dims[0], self._value
        matrices = []
        for matrix, d in zip(value.matrices, dims[1:], strict=True):
            if matrix is None:
                matrices.append(np.broadcast_to(np.eye(out), (len(rows), out, out)))
            else:
                whole = matrix if matrix.shape[-2:] == (out, d) else matrix * np.eye(out)
                matrices.append(_rows(whole, rows))
        offset = np.zeros((len(rows), out)) if value.offset is None else _rows(value.offset, rows)
        noise = np.zeros((len(rows), out, out)) if value.covariance is None else _rows(value.covariance, rows)
        return matrices, offset, noise


def _rows(values: Array, rows: IntArray) -> Array:
    return np.broadcast_to(values, (len(rows), *values.shape[1:])) if len(values) == 1 else values[rows]


def _put(before: Array | None, rows: IntArray, part: Array, count: int) -> Array:
    part = np.asarray(part, dtype=float)
    whole = np.zeros((count, *part.shape[1:])) if before is None else before
    whole[rows] = part
    return whole
