"""Regions of linear-Gaussian factors and of functions: each function replaced by a linear map with noise, then exact.

The first run after data have come approximates each function where the messages have led so far, in the order in which
they flow (the extended or unscented Kalman filter and its smoother); every further run at the marginals of the run
before: the iterated smoother, Gauss and Newton's method where the map is the tangent.
Bell 1994, "The iterated Kalman smoother as a Gauss-Newton method"; García-Fernández, Svensson and Särkkä 2017, "Iterated
posterior linearization smoother"
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.first_points import FirstPoints
from reactivepgm.plan.function_kernel import FunctionKernel
from reactivepgm.plan.gaussian_arrays import GaussianKernelArrays
from reactivepgm.plan.gaussian_leaves import PooledForest
from reactivepgm.plan.gaussian_network import NetworkBeliefs
from reactivepgm.plan.gaussian_noise import noise_terms
from reactivepgm.plan.gaussian_sweep import GaussianInbox, GaussianSweep, Solution
from reactivepgm.plan.kernels import KernelCluster

Floats = NDArray[np.float64]

_SETTLED = 1e-8


class FunctionSweep(GaussianSweep):
    """Updates regions of linear-Gaussian factors and functions by tree contraction, around the last marginals."""

    name = "linear-Gaussian contraction, functions approximated around the last marginals"
    _data: int | None = None
    change = np.inf
    """How far the points of the functions moved in the last run, in standard deviations."""

    @property
    def converged(self) -> bool:
        """Whether the last run approximated every function where the run before had led."""
        return bool(self.change <= _SETTLED)

    def _engine(self, dimensions: tuple[int, ...], noiseless: list[bool]) -> PooledForest:
        """Contraction only: functions in cycles are left to floods."""
        return PooledForest(self._sizes, dimensions, self._families)

    def _prepare(self, beliefs: Beliefs, inboxes: Mapping[int, GaussianInbox]) -> None:
        functions = [kernel for kernel in self._kernels if isinstance(kernel, FunctionKernel)]
        is_new, is_first = self._data != beliefs.clamped, self._data is None
        before = [dict(kernel.points) for kernel in functions]
        self._data = beliefs.clamped
        # What was believed about the last data says little about new ones; initial marginals are meant to be used.
        are_known = (not is_new or is_first) and all(kernel.read(beliefs) for kernel in functions)
        if not are_known:
            FirstPoints(self._structure, self._kernels, inboxes).run(beliefs)
        self.change = max(_moved(old, kernel.points) for old, kernel in zip(before, functions, strict=True))

    def _keep_joint(
        self,
        beliefs: Beliefs,
        number: int,
        kernel: KernelCluster,
        value: GaussianKernelArrays,
        solution: Solution,
    ) -> None:
        assert not isinstance(solution, NetworkBeliefs)
        super()._keep_joint(beliefs, number, kernel, value, solution)
        if isinstance(kernel, FunctionKernel) and value.covariance is not None:
            two = len(kernel.ins) == 2
            entropy = -solution.mutual_information(number) if two else np.zeros(kernel.cluster.size)
            entropy = entropy - noise_terms(number, value, solution)
            beliefs.replace_conditional(kernel.cluster, kernel.in_names, entropy)


def _moved(before: Mapping[str, Distribution], after: Mapping[str, Distribution]) -> float:
    """The largest step of a mean or a variance, in standard deviations or relative."""
    if not before:
        return np.inf
    largest = 0.0
    for name, point in after.items():
        variance = np.asarray(point.variance)
        fixed = variance == 0.0
        scale = np.where(fixed, 1.0, variance)
        step = np.abs(np.asarray(point.mean) - np.asarray(before[name].mean)) / np.sqrt(scale)
        wider = np.abs(variance - np.asarray(before[name].variance)) / scale
        largest = max(largest, float(step.max(initial=0.0)), float(wider.max(initial=0.0)))
    return largest
