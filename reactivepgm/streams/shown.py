"""What a cell shows: a marginal, a joint marginal, a message or the score, and which batches of the plan it rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reactivepgm.distributions import Distribution, as_vectors
from reactivepgm.errors import ModelError, ParametrisationError
from reactivepgm.graph import FactorHandle, Family
from reactivepgm.plan.structure import Cluster
from reactivepgm.streams.cell import Cell

if TYPE_CHECKING:
    from reactivepgm.streams.live import LiveGraph


@dataclass(eq=False)
class Shown:
    """A cell with a listener.

    Args:
        cell: the observable.
        batches: the numbers of the batches that it rests on, once there is a plan.
        is_score: whether it rests on everything.
        is_joint: whether it rests on the joint marginals of cut clusters too.
    """

    cell: Cell
    batches: Callable[[Any], list[int]]
    is_score: bool = False

    @property
    def is_joint(self) -> bool:
        """Whether it may rest on what crossings compute."""
        return not self.is_score


Parts = tuple[Callable[[], Any], Callable[[], bool], Callable[[Any], list[int]]]


def message_of(graph: LiveGraph, family: Family, handle: FactorHandle, name: str, *, is_joint: bool) -> Parts:
    """How the message of a factor towards an interface, or its joint marginal, is computed, when, and from what.

    Args:
        graph: the live graph.
        family: the factor's family.
        handle: the factor, or the rows of a vector statement.
        name: the interface; the names of a joint, in the node's order, joined by underscores.
        is_joint: which of the two.
    """
    number = _cluster_number(family, name, is_joint)
    rows = slice(handle.row, handle.row + handle.count)
    is_one = handle.count == 1 and (handle.out is None or handle.out.shape == ())

    def cluster(running: Any) -> Cluster:
        clusters: tuple[Cluster, ...] = running.plan.structure.clusters[family.id]
        return next(c for c in clusters if c.number == number and (is_joint or name in c.names))

    def batches(running: Any) -> list[int]:
        return list(running.dependencies.of_cluster(cluster(running)))

    def compute() -> Distribution:
        running = graph.running
        if is_joint:
            whole = as_vectors(running.beliefs.joint((family.id, number)))
        else:
            whole = running.plan.message(running.beliefs, family, name)
        whole = whole if whole.batch_shape and whole.batch_shape[0] == family.rows else whole.broadcast_to((family.rows,))
        return whole[handle.row] if is_one else whole[rows]

    def ready() -> bool:
        if not graph.has_begun or not graph.running.has_run(batches(graph.running)):
            return False
        return not is_joint or graph.running.beliefs.has_joint((family.id, number))

    return compute, ready, batches


def only_row(family: Family, interface: str | None) -> str:
    """The name of a random interface, from a name or an alias.

    Raises:
        ModelError: it is clamped, or there is no such interface.
    """
    if interface is None:
        raise ModelError(f"name the interface of {family.node.name}: one of {', '.join(family.random)}")
    try:
        name = family.node.interface(interface).name
    except ParametrisationError as error:
        raise ModelError(str(error)) from None
    if name not in family.random:
        raise ModelError(
            family.site.letter(f"`{name}` of {family.node.name} is clamped: no message flows there; random are"
                               f" {', '.join(family.random)}")
        )
    return name


def joint_of(family: Family, names: str) -> str:
    """The error for a joint that is none of the clusters."""
    random = [[name for name in cluster if name in family.random] for cluster in family.clusters]
    there = ", ".join("_".join(names) for names in random if names) or "none"
    return family.site.letter(f"{family.node.name} has no joint marginal {names}; its clusters are {there}")


def _cluster_number(family: Family, name: str, is_joint: bool) -> int:
    for number, cluster in enumerate(family.clusters):
        random = [n for n in cluster if n in family.random]
        if (is_joint and len(random) > 1 and "_".join(random) == name) or (not is_joint and name in cluster):
            if is_joint and family.node.kind != "stochastic":
                raise ModelError(family.site.letter(f"the joint of {family.node.name}, which is deterministic, has no density"))
            return number
    raise ModelError(joint_of(family, name))
