"""From a factorisation to clusters: a partition of a factor's interfaces, checked against the statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reactivepgm.errors import ConstraintError, ConstraintSyntaxError, ParametrisationError
from reactivepgm.graph.constraint_text import parse_product
from reactivepgm.graph.factorisation import Factorisation, MeanField, QProduct
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site
from reactivepgm.nodes import Node

Clusters = tuple[tuple[str, ...], ...]


class Partition:
    """Cuts one factor's interfaces into clusters.

    Args:
        node: the factor's node.
        interfaces: names of the interfaces present, in the node's order.
        random: the interfaces that carry random variables; the others are factored out by themselves.
        labels: for each interface the names by which the statement calls what sits there.
        arguments: for each interface the argument itself, to recognise references in ``q(x[t])``.
        site: the statement.
        joined: interfaces with data that stay where a factorisation puts them, instead of alone.
    """

    def __init__(
        self,
        node: Node,
        interfaces: Sequence[str],
        random: frozenset[str],
        labels: Mapping[str, tuple[str, ...]],
        arguments: Mapping[str, Any],
        site: Site,
        joined: frozenset[str] = frozenset(),
    ) -> None:
        self.node = node
        self.interfaces = tuple(interfaces)
        self.random = random
        self.kept = random | joined
        self.labels = labels
        self.arguments = arguments
        self.site = site

    def clusters(self, factorisation: Factorisation | str | None) -> Clusters:
        """The clusters, in the order of the interfaces; fixed interfaces are always single.

        Raises:
            ConstraintError: an unknown, repeated or missing edge.
        """
        if isinstance(factorisation, str):
            factorisation = self._read(factorisation)
        if factorisation is None:
            return self._ordered([[n for n in self.interfaces if n in self.kept]])
        if isinstance(factorisation, QProduct):
            return self._ordered(self._terms(factorisation))
        if isinstance(factorisation, MeanField):
            return tuple((name,) for name in self.interfaces)
        if isinstance(factorisation, Factorisation):
            return self._ordered([[n for n in self.interfaces if n in self.kept]])
        raise ConstraintError(
            self.site.letter(
                f"q= is {factorisation!r}, which is no factorisation",
                write="MeanField(), FullFactorisation(), or a product such as q(mean) * q(out)",
            )
        )

    def _read(self, text: str) -> QProduct:
        try:
            return parse_product(text)
        except ConstraintSyntaxError as error:
            raise ConstraintSyntaxError(self.site.letter(str(error)), error.position) from None

    def _terms(self, product: QProduct) -> list[list[str]]:
        taken: dict[str, int] = {}
        terms: list[list[str]] = []
        for number, term in enumerate(product.terms):
            edges: list[str] = []
            for name in term:
                for edge in self._edges(name):
                    if edge in taken and taken[edge] == number and edge not in self.random:
                        continue
                    if edge in taken:
                        self._complain(f"the edge {edge} appears twice in {product}", product)
                    taken[edge] = number
                    edges.append(edge)
            terms.append(edges)
        missing = [n for n in self.interfaces if n in self.random and n not in taken]
        if missing:
            self._complain(f"{product} misses the random edge{'s'[: len(missing) > 1]} {', '.join(missing)}", product)
        return terms

    def _ordered(self, terms: Sequence[Sequence[str]]) -> Clusters:
        """Fixed edges leave their terms; edges and terms stand in the node's order."""
        position = {name: i for i, name in enumerate(self.interfaces)}
        inside = [sorted((e for e in t if e in self.kept), key=position.__getitem__) for t in terms]
        named = {edge for term in inside for edge in term}
        single = [[n] for n in self.interfaces if n not in named]
        return tuple(tuple(t) for t in sorted((t for t in (*inside, *single) if t), key=lambda t: position[t[0]]))

    def _edges(self, name: Any) -> tuple[str, ...]:
        """The edges that a name in ``q(...)`` means: interface, then variable of the statement, then alias."""
        if not isinstance(name, str):
            found = tuple(n for n in self.interfaces if _refers(name, self.arguments.get(n)))
            if not found:
                self._complain(f"q({name!r}) is not in the statement", None)
            return found
        if name in self.interfaces:
            return (name,)
        if name == "out":
            return (self.interfaces[0],)
        for exact in (True, False):
            found = tuple(n for n in self.interfaces if any(_called(name, label, exact) for label in self.labels.get(n, ())))
            if found:
                return found
        try:
            alias = self.node.interface(name).name
        except ParametrisationError:
            alias = None
        if alias not in self.interfaces:
            self._complain(f"{self.node.name} has no edge and the statement no variable named {name}", None)
        assert alias is not None
        return (alias,)

    def _complain(self, complaint: str, product: QProduct | None) -> None:
        listing = []
        for name in self.interfaces:
            aliases = self.node.interface(name).aliases
            known = [*aliases, *(label for label in self.labels.get(name, ()) if label != name)]
            listing.append(f"{name} ({', '.join(dict.fromkeys(known))})" if known else name)
        cure = " * ".join(f"q({n})" for n in self.interfaces if n in self.random)
        raise ConstraintError(
            self.site.letter(f"{complaint}\n  the edges of {self.node.name} are {', '.join(listing)}", write=f"q={cure}")
        )


def _called(name: str, label: str, exact: bool) -> bool:
    """Whether a label such as ``x[t - 1]`` answers to a name, as a whole or by the variable before its index."""
    if exact:
        return name.replace(" ", "") == label.replace(" ", "")
    return name == label.partition("[")[0]


def _refers(wanted: Any, argument: Any) -> bool:
    """Whether an argument is, or lies in, the reference that a term names."""
    if isinstance(wanted, Reference) and isinstance(argument, Reference):
        return argument.array is wanted.array and (wanted.is_whole or argument == wanted)
    if isinstance(wanted, Reference) and isinstance(argument, (tuple, list)):
        return any(_refers(wanted, part) for part in argument)
    return wanted is argument
