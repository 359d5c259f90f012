"""A function by CVI: the messages at its output as a density of its value, and those that it sends its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reactivepgm.approximations import Cloud, WeightedSamples, log_kernel
from reactivepgm.approximations.natural_gradient import statistics
from reactivepgm.approximations.row_function import RowFunction
from reactivepgm.distributions import Distribution, Group, PointMass, Uninformative
from reactivepgm.errors import InferenceError, ModelError
from reactivepgm.nodes import CVI
from reactivepgm.plan.beliefs import Beliefs, Mask
from reactivepgm.plan.function_kernel import is_function
from reactivepgm.plan.inbox import naturals_of
from reactivepgm.plan.outbound import Surroundings, heard
from reactivepgm.plan.pipeline import passed, stage_of
from reactivepgm.plan.regions import Batch
from reactivepgm.plan.sender import Sender
from reactivepgm.plan.structure import Cluster, Edge, Structure

Floats = NDArray[np.float64]
Naturals = list[Floats]

_NEGLIGIBLE = 1e-13


def by_gradients(cluster: Cluster) -> bool:
    """Whether a cluster is a function whose inputs follow natural gradients."""
    return is_function(cluster) and isinstance(cluster.family.meta, CVI)


def told_exactly(cluster: Cluster) -> ModelError:
    """The error for a function whose value is known without noise."""
    return ModelError(
        cluster.family.site.letter(
            "the value of a function by CVI is told exactly here, which leaves no density to follow",
            write="an observation with noise, Normal(mean=f(x), variance=...)",
        )
    )


class OutputMessages:
    """The product of everything that is said of one array of functions' values.

    Args:
        structure: the plan's structure.
        batch: the regions with the functions.
        array: the array.
        clusters: all clusters at the array, the functions among them.

    Raises:
        ModelError: something else than a function draws an element.
    """

    def __init__(self, structure: Structure, batch: Batch, array: int, clusters: Sequence[Cluster]) -> None:
        self.variable = structure.arrays[array]
        self._array = array
        self._elements = batch.elements[array]
        self._size = batch.size(array, structure)
        functions = [cluster for cluster in clusters if by_gradients(cluster)]
        self.clusters = [cluster for cluster in clusters if not cluster.is_joint]
        self._senders = [Sender(structure, cluster) for cluster in self.clusters]
        drawn = np.concatenate([cluster.edges[0].place.index for cluster in functions])
        if len(drawn) != self._size or len(np.unique(drawn)) != self._size:
            raise ModelError(
                functions[0].family.site.letter(
                    f"`{self.variable.name}` is the value of a function by CVI on some elements only, or on some twice",
                    write="a variable of its own for the values of functions",
                )
            )
        self._products: list[Distribution] = []
        self._asides: list[tuple[Edge, Distribution, Mask]] = []

    @property
    def is_heard(self) -> bool:
        """Whether anything is said."""
        return bool(self._products or self._asides)

    def tied(self, cluster: Cluster) -> ModelError:
        """The error for a factor that ties the value to another random variable."""
        apart = " * ".join(f"q({name})" for name in cluster.names)
        return ModelError(
            cluster.family.site.letter(
                f"`{self.variable.name}` is the value of a function by CVI, and {cluster.family.node.name} ties it to another"
                " random variable",
                write=f".where(q={apart!r}) on this statement; or one function of the first inputs, to compose two",
            )
        )

    def read(self, beliefs: Beliefs) -> None:
        """Take in all messages, multiplied where they are of one family."""
        found: dict[Group, Naturals] = {}
        self._asides = []
        for sender in self._senders:
            (edge,) = sender.cluster.edges
            missing = sender.missing(beliefs)
            message = self._sent(sender, beliefs, missing)
            if isinstance(message, Uninformative) or (missing is not None and missing.all()):
                continue
            if isinstance(message, PointMass):
                raise told_exactly(sender.cluster)
            group = message.group
            if group is None:
                self._asides.append((edge, message, missing))
                continue
            parts = naturals_of(message, edge.place.rows, missing)
            total = found.setdefault(group, [np.zeros((self._size, *part.shape[1:])) for part in parts])
            for store, part in zip(total, parts, strict=True):
                edge.place.add(store, part)
        self._products = [group.from_naturals(*total) for group, total in found.items()]

    def log_density(self, values: Floats, place: NDArray[np.intp]) -> Floats:
        """log nu up to a constant, (m, rows), at values (m, rows, *event) of the elements at ``place``."""
        total = np.zeros(values.shape[:2])
        for product in self._products:
            total = total + log_kernel(product[place], values)
        for edge, message, missing in self._asides:
            rows = np.full(self._size, -1)
            rows[place] = np.arange(len(place))
            at = rows[edge.place.index]
            kept = at >= 0 if missing is None else (at >= 0) & ~missing
            if kept.any():
                logs = log_kernel(message.broadcast_to((edge.place.rows,))[kept], values[:, at[kept]])
                np.add.at(total.T, at[kept], logs.T)
        return np.asarray(total)

    def deliver(self, beliefs: Beliefs, sites: Sequence[Sites]) -> None:
        """The values as weighted points, an element each."""
        most = max(one.values.shape[0] for one in sites)
        event = sites[0].values.shape[2:]
        points, weights = np.empty((self._size, most, *event)), np.zeros((self._size, most))
        for one in sites:
            place, count = one.out.place.index, one.values.shape[0]
            points[place, :count] = np.moveaxis(one.values, 0, 1)
            points[place, count:] = points[place, :1]
            weights[place, :count] = one.cloud.weights.T
        beliefs.replace(self._array, self._elements, WeightedSamples._of(points, weights, np.full(self._size, np.nan)))

    def message(self, cluster: Cluster, beliefs: Beliefs) -> Distribution:
        """What a cluster at the array sends."""
        (sender,) = (one for one in self._senders if one.cluster is cluster)
        missing = sender.missing(beliefs)
        return heard(self._sent(sender, beliefs, missing), cluster.size, missing)

    def _sent(self, sender: Sender, beliefs: Beliefs, missing: Mask) -> Distribution:
        message, stage = sender.part(beliefs), stage_of(sender.cluster.family)
        return message if stage is None else passed(stage, message, sender.cluster, sender.cluster.names[0], missing)


class Kept(NamedTuple):
    """Where a step begins."""

    naturals: list[Naturals]
    gradients: list[Naturals]
    means: list[list[Floats]]
    level: Floats


class Sites:
    """One function's messages towards its inputs, all rows.

    Args:
        structure: the plan's structure.
        batch: the regions with the function.
        cluster: the function's.
    """

    def __init__(self, structure: Structure, batch: Batch, cluster: Cluster) -> None:
        self.cluster = cluster
        self.out, *self.ins = cluster.edges
        self.meta: CVI = cluster.family.meta
        senders = [SiteSender(self, number, edge) for number, edge in enumerate(self.ins)]
        self.senders = {sender.cluster: sender for sender in senders}
        self._chosen = [batch.elements[edge.array] for edge in self.ins]
        self._surroundings = Surroundings(structure, cluster)
        self.naturals: list[Naturals] | None = None
        self.group: list[Group] = []

    def check(self, above: Sequence[Cluster]) -> None:
        """Refuse inputs that depend on one another: q would not have the joint that the function needs.

        Raises:
            ModelError: two inputs are of the same region even without the function.
        """
        label: dict[int, int] = {}

        def root(array: int) -> int:
            while label.setdefault(array, array) != array:
                array = label[array]
            return array

        tied = set()
        for cluster in above:
            arrays = [edge.array for edge in cluster.edges]
            tied |= set(arrays) if cluster.is_joint else set()
            for other in arrays[1:]:
                label[root(other)] = root(arrays[0])
        roots = [root(edge.array) for edge in self.ins]
        if any(r in roots[:k] and self.ins[k].array in tied for k, r in enumerate(roots)):
            raise ModelError(
                self.cluster.family.site.letter(
                    "two inputs of a function by CVI depend on one another, and it needs a belief about both together",
                    write="one vector for both, and a function of that",
                )
            )

    def forget(self) -> None:
        """Begin anew, with other data."""
        self.naturals = None

    def message(self, interface: str) -> Distribution:
        """The last message towards an interface; the output hears points."""
        if interface == self.out.interface:
            return WeightedSamples._of(np.moveaxis(self.values, 0, 1), self.cloud.weights.T, np.full(self.cluster.size, np.nan))
        (number,) = (k for k, edge in enumerate(self.ins) if edge.interface == interface)
        return self.sent(number)

    def sent(self, number: int) -> Distribution:
        """The message towards one input."""
        return Uninformative() if self.naturals is None else self.group[number].from_naturals(*self.naturals[number])

    def look(self, beliefs: Beliefs, output: OutputMessages) -> None:
        """Take in what is believed of the inputs: points, values, and what is said of them."""
        found = []
        for edge, chosen in zip(self.ins, self._chosen, strict=True):
            belief = beliefs.marginals[edge.array]
            assert belief is not None
            belief = belief.broadcast_to((beliefs.structure.arrays[edge.array].size,))
            found.append(belief[edge.place.index if chosen is None else chosen[edge.place.index]])
        self.beliefs = found
        self.cloud = Cloud(found, self.meta.points, self.meta.samples, self.meta.seed)
        self.values = self._called(beliefs)
        self.logs = output.log_density(self.values, self.out.place.index)
        # Far out a value may round to the edge of the support, as 1 / (1 + exp(-40)) does to one.
        self.logs = np.where((self.cloud.weights < _NEGLIGIBLE) & ~np.isfinite(self.logs), 0.0, self.logs)
        self.is_finite = bool(np.isfinite(self.logs).all() and np.isfinite(self.values).all())
        if self.is_finite:
            self.level = self.cloud.expectation(self.logs)

    def check_values(self) -> None:
        """Refuse functions that leave the support of what is said of their values.

        Raises:
            InferenceError: with the row.
        """
        if self.is_finite:
            if self.naturals is None:
                self.group = [_group(belief) for belief in self.beliefs]
                self.naturals = [[np.zeros_like(part) for part in eta] for eta in self._of_beliefs()]
            return
        row = int(np.argwhere(~np.isfinite(self.logs))[0][1]) if not np.isfinite(self.logs).all() else 0
        raise InferenceError(
            f"{self.cluster.family.node.name}: what is said of its value at row {row} is not finite everywhere that a belief"
            f" about its inputs reaches\n  at   {self.cluster.family.site}\n"
            "  write  a function whose values stay in the support, such as exp for rates; or a narrower prior"
        )

    def _called(self, beliefs: Beliefs) -> Floats:
        family = self.cluster.family
        outside = self._surroundings.read(beliefs)
        by_name = {edge.interface: x for edge, x in zip(self.ins, self.cloud.x, strict=True)}
        batch = self.cloud.weights.shape[0], self.cluster.size
        values, ranks = [], []
        for name in family.node.names[1:]:
            if name in by_name:
                values.append(by_name[name])
                ranks.append(by_name[name].ndim - 2)
            else:
                point = outside["q_" + name]
                values.append(np.asarray(point.mean))
                ranks.append(len(point.event_shape))
        with np.errstate(all="ignore"):
            return np.asarray(RowFunction(family.node.target, ranks)(values, batch))

    def _of_beliefs(self) -> list[Naturals]:
        return [naturals_of(belief, self.cluster.size) for belief in self.beliefs]

    def distance(self) -> float:
        """How far the messages are from the gradient, relative to the belief; the gradient is kept for the next step."""
        assert self.naturals is not None
        self._gradients = self.cloud.gradients(self.logs)
        largest = 0.0
        for now, wanted, whole in zip(self.naturals, self._gradients, self._of_beliefs(), strict=True):
            for a, b, c in zip(now, wanted, whole, strict=True):
                largest = max(largest, float((np.abs(b - a) / (1.0 + np.abs(c))).max(initial=0.0)))
        return largest

    def remember(self) -> Kept:
        """What a step starts from."""
        assert self.naturals is not None
        return Kept(self.naturals, self._gradients, self._means(), self.level)

    def move(self, old: Kept, length: float) -> None:
        """Messages some way towards the gradient."""
        self.naturals = [
            [a + length * (b - a) for a, b in zip(now, wanted, strict=True)]
            for now, wanted in zip(old.naturals, old.gradients, strict=True)
        ]

    def rise(self, old: Kept) -> float:
        """How far the bound has risen since."""
        assert self.naturals is not None
        total = float((self.level - old.level).sum())
        for before, after, was, is_now in zip(old.naturals, self.naturals, old.means, self._means(), strict=True):
            for a, b, m, n in zip(before, after, was, is_now, strict=True):
                total -= 0.5 * float(((a + b) * (n - m)).sum())
        return total

    def _means(self) -> list[list[Floats]]:
        found = []
        for group, x in zip(self.group, self.cloud.x, strict=True):
            table = statistics(group, x)
            assert table is not None
            found.append([np.einsum("mr,mr...->r...", self.cloud.weights, t) for t in table])
        return found


class SiteSender(Sender):
    """Stands among the senders of a region for a function's message towards one input."""

    def __init__(self, sites: Sites, number: int, edge: Edge) -> None:
        self.cluster = Cluster(sites.cluster.family, sites.cluster.number, (edge,), sites.cluster.rows)
        self.component = None
        self._sites, self._number = sites, number

    def inputs(self, beliefs: Beliefs) -> dict[str, Distribution]:
        """Nothing that a rule would read."""
        return {}

    def message(self, beliefs: Beliefs) -> Distribution:
        """The message as it is."""
        return self._sites.sent(self._number)

    part = message

    def missing(self, beliefs: Beliefs) -> Mask:
        """Every row has one."""
        return None


def _group(belief: Distribution) -> Group:
    assert belief.group is not None
    return belief.group
