"""Regions with functions by CVI: each function sends its inputs natural gradients, the rest of the region stays what it is.

Without the functions a region is swept as it would be anyway, with one message more at each of their inputs:

message      eta <- eta + step (gradient of E_q[log nu(f(x))] - eta),   nu the product of the messages at the output
bound        rises along a step by sum E_q'[log nu] - E_q[log nu] - (eta + eta') . (mu' - mu) / 2 to third order, with
             mu = E_q[T]; where it would fall, the step is halved
output       q(f(x)): weighted points; rules that read them are averaged over them

Steps are taken until the messages rest, so that one update solves the region.
Khan and Lin 2017, "Conjugate-computation variational inference"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ImproperPosteriorError
from reactivepgm.plan.beliefs import Beliefs
from reactivepgm.plan.gradient_site import OutputMessages, Sites, by_gradients, told_exactly
from reactivepgm.plan.own_edges import OwnEdges
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.structure import Cluster, Structure

Floats = NDArray[np.float64]

_HALVINGS = 40
_ROUNDING = 1e-10


class GradientSweep:
    """Updates regions with functions by CVI.

    Args:
        structure: the plan's structure.
        batch: the regions.
        update: runs the sweep of a batch, chosen where there is none yet, and gives the sweep that did it.

    Raises:
        ModelError: the output of a function is also drawn by something else, or tied to another random variable; or
            two inputs of a function are.
    """

    name = "natural gradients through functions"

    def __init__(self, structure: Structure, batch: Batch, update: Callable[..., Any]) -> None:
        self._structure = structure
        self._batch = batch
        self._update = update
        functions = [cluster for cluster in batch.joint if by_gradients(cluster)]
        for cluster in functions:
            if cluster.edges[0].interface != cluster.family.node.interfaces[0].name:
                raise told_exactly(cluster)
        outputs = {cluster.edges[0].array for cluster in functions}
        below = [cluster for cluster in batch.clusters if any(edge.array in outputs for edge in cluster.edges)]
        self._outputs = {
            array: OutputMessages(structure, batch, array, [c for c in below if c.edges[0].array == array])
            for array in sorted(outputs)
        }
        for cluster in below:
            if cluster not in functions and cluster.is_joint:
                raise self._outputs[next(e.array for e in cluster.edges if e.array in outputs)].tied(cluster)
        self._sites = [Sites(structure, batch, cluster) for cluster in functions]
        above = [cluster for cluster in batch.clusters if cluster not in below]
        for sites in self._sites:
            sites.check(above)
            structure.senders.update(sites.senders)
            above += sites.senders
        self._above = Batch({a: e for a, e in batch.elements.items() if a not in outputs}, tuple(above), batch.colour)
        self._inner: Any = None
        self._data: int | None = None
        self.own = OwnEdges(structure, [])
        """Those of the region without its functions."""
        self.converged = False
        """Whether the messages of the last update have come to rest."""

    def run(self, beliefs: Beliefs) -> None:
        """Steps until the messages rest; then the outputs as weighted points."""
        if self._data != beliefs.clamped:
            self._data = beliefs.clamped
            for sites in self._sites:
                sites.forget()
        for messages in self._outputs.values():
            messages.read(beliefs)
        self._solve(beliefs)
        self._look(beliefs)
        heard = [sites for sites in self._sites if self._outputs[sites.out.array].is_heard]
        for sites in heard:
            sites.check_values()
        steps = min((sites.meta.iterations for sites in heard), default=0)
        while not self._rests(heard) and steps:
            steps -= 1
            if not self._step(beliefs, heard):
                self.converged = True  # to rounding: the bound rises no more
                break
        for array, messages in self._outputs.items():
            messages.deliver(beliefs, [sites for sites in self._sites if sites.out.array == array])
        for sites in self._sites:
            names = tuple(edge.interface for edge in sites.ins)
            beliefs.replace_conditional(sites.cluster, names, np.zeros(sites.cluster.size))

    def message(self, beliefs: Beliefs, cluster: Cluster, interface: str) -> Distribution:
        """A cluster's message towards one of its interfaces; a function's output hears points."""
        for sites in self._sites:
            if sites.cluster is cluster:
                return sites.message(interface)
        for messages in self._outputs.values():
            if cluster in messages.clusters:
                return messages.message(cluster, beliefs)
        found: Distribution = self._inner.message(beliefs, cluster, interface)
        return found

    def _rests(self, heard: list[Sites]) -> bool:
        """Whether no message is far from its gradient, each of which is computed."""
        at_rest = [sites.distance() <= sites.meta.tolerance for sites in heard]
        self.converged = all(at_rest)
        return self.converged

    def _solve(self, beliefs: Beliefs) -> None:
        """The rest of the region, with the messages of the functions as they are."""
        self._inner = self._update(self._above, self._inner, beliefs)
        self.own = self._inner.own

    def _look(self, beliefs: Beliefs) -> bool:
        """Take in what is believed now; whether everything is finite."""
        for sites in self._sites:
            sites.look(beliefs, self._outputs[sites.out.array])
        return all(sites.is_finite for sites in self._sites)

    def _step(self, beliefs: Beliefs, heard: list[Sites]) -> bool:
        """One step of all messages; False where the bound no longer rises, however small the step."""
        before = [sites.remember() for sites in heard]
        length = min(sites.meta.step for sites in heard)
        for _ in range(_HALVINGS):
            for sites, old in zip(heard, before, strict=True):
                sites.move(old, length)
            try:
                self._solve(beliefs)
                if self._look(beliefs):
                    rise = sum(sites.rise(old) for sites, old in zip(heard, before, strict=True))
                    level = sum(float(np.abs(sites.level).sum()) for sites in heard)
                    if rise >= -_ROUNDING * (1.0 + level):
                        return True
            except (ImproperPosteriorError, np.linalg.LinAlgError):
                pass
            length *= 0.5
        for sites, old in zip(heard, before, strict=True):
            sites.move(old, 0.0)
        self._solve(beliefs)
        self._look(beliefs)
        return False
