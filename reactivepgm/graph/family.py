"""One statement's factors: all rows of one kind, and the handle on one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reactivepgm.graph.binding import Binding, FixedBinding, RandomBinding
from reactivepgm.graph.scope import ROOT, Scope
from reactivepgm.graph.site import Site
from reactivepgm.nodes import Node
from reactivepgm.rulebook.fallback import Quadrature

if TYPE_CHECKING:
    from reactivepgm.graph.clusters import Clusters


@dataclass(frozen=True, eq=False)
class Family:
    """All factors that one ``~`` statement made, as far as they are of one kind.

    Args:
        id: position in the graph.
        node: the kind of factor.
        rows: number of factors.
        bindings: what sits on each interface, in the node's order.
        clusters: the factorisation of q, a partition of the interfaces.
        meta: any object that rules receive; a ``Quadrature`` becomes the fallback.
        pipeline: a stage on outgoing messages.
        site: the statement.
        factorisation_given: whether the statement itself says how q factorises.
        labels: for each interface the names by which the statement calls what sits there.
        scope: the instance of a model inside the model that the statement belongs to.
        fallback: what stands in for a missing rule, if the user named anything.
    """

    id: int
    node: Node
    rows: int
    bindings: Mapping[str, Binding]
    clusters: Clusters
    meta: Any
    pipeline: Any
    site: Site
    factorisation_given: bool
    labels: Mapping[str, tuple[str, ...]]
    scope: Scope = ROOT
    fallback: Any = None

    def __post_init__(self) -> None:
        if isinstance(self.meta, Quadrature) and self.node.kind == "stochastic":
            object.__setattr__(self, "fallback", self.meta)
            object.__setattr__(self, "meta", None)
        if self.meta is None:
            object.__setattr__(self, "meta", self.node.meta)

    @property
    def option(self) -> Any:
        """What stands for meta= in the statement: a meta for the rules, or what takes the place of missing ones."""
        return self.fallback if self.meta is self.node.meta else self.meta

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The interface names, output first."""
        return tuple(self.bindings)

    @property
    def random(self) -> dict[str, RandomBinding]:
        """The interfaces that carry random variables."""
        return {name: b for name, b in self.bindings.items() if isinstance(b, RandomBinding)}

    @property
    def fixed(self) -> dict[str, FixedBinding]:
        """The interfaces that carry data or constants."""
        return {name: b for name, b in self.bindings.items() if isinstance(b, FixedBinding)}

    def __repr__(self) -> str:
        return f"<{self.rows} x {self.node.name} {self.site.text!r}>"


class FactorHandle:
    """One factor, or the rows of one vector statement; what ``node, y = ~F(...)`` gives.

    Args:
        owner: the family, or its draft while the model is built.
        row: number of its first row.
        count: number of rows.
        out: reference to the output.
    """

    __slots__ = ("_owner", "_row", "count", "out")

    def __init__(self, owner: Any, row: int, count: int = 1, out: Any = None) -> None:
        self._owner = owner
        self._row = row
        self.count = count
        self.out = out

    @property
    def family(self) -> Family:
        """The family it belongs to; known once the graph is finished."""
        if isinstance(self._owner, Family):
            return self._owner
        family: Family | None = self._owner.found(self._row)[0]
        assert family is not None, "the graph is not finished"
        return family

    @property
    def row(self) -> int:
        """Number of its first row in the family."""
        return self._row if isinstance(self._owner, Family) else int(self._owner.found(self._row)[1])

    @property
    def node(self) -> Node:
        """The kind of factor."""
        return self._owner.node  # type: ignore[no-any-return]

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The interface names, output first."""
        return tuple(self._owner.interfaces)

    @property
    def clusters(self) -> Clusters:
        """The factorisation of q."""
        return self._owner.clusters  # type: ignore[no-any-return]

    @property
    def meta(self) -> Any:
        """The statement's meta."""
        return self._owner.meta

    @property
    def pipeline(self) -> Any:
        """The statement's pipeline."""
        return self._owner.pipeline

    @property
    def site(self) -> Site:
        """The statement."""
        return self._owner.site  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        q = " ".join(f"q({', '.join(c)})" for c in self.clusters)
        return f"<{self.node.name}({', '.join(self.interfaces)}) {q} meta={self.meta} pipeline={self.pipeline} at {self.site}>"
