"""What a factor is: its interfaces, the class or function it stands for, its log density and its sampler."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from reactivepgm.distributions.marker import Symbolic
from reactivepgm.errors import InvalidParameterError, ParametrisationError
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.support import offending_row
from reactivepgm.numerics.array import Array


@dataclass(frozen=True, eq=False)
class Node:
    """A kind of factor. The first interface is the output.

    Args:
        name: the node's name, as errors and tables print it.
        kind: "stochastic" (a conditional density) or "deterministic" (a function).
        interfaces: the edges, output first.
        target: the distribution class, or the function, that the node stands for.
        log_density: ``log_density(out, *inputs)``; by default the log density of ``target(*inputs)`` at ``out``.
        sampler: ``sampler(rng, *inputs)``; by default a draw from ``target(*inputs)``, or the function's value.
        batch_sampler: ``batch_sampler(rng, batch, *inputs)``, for many rows at once: the inputs are point masses (on a
            plural interface tuples of them), the result is (*batch, *event). Where there is none, a distribution class
            is drawn in one call, and any other function once for each row.
        parametrisations: the nodes among which keywords choose, for ``Normal``, ``MvNormal`` and ``Gamma``.
        numbered: the prefix of interfaces that may follow without limit (``T`` allows ``T1``, ``T2``, ...).
        key: the name under which rules are filed; nodes with one key share their rules.
        hint: what to write where a rule is missing because the factor has no meta.
        meta: the meta of statements in models that give none.
        relation: of constants on all inputs, by name, what is wrong with them together; None where nothing is.
        has_density: whether there is a log density at all; a node without one is known by its rules only.

    Example:
        >>> from reactivepgm.nodes import node_of
        >>> node = node_of("NormalMeanVariance")
        >>> node.names
        ('out', 'mean', 'variance')
        >>> node.interface("σ²").name
        'variance'
    """

    name: str
    kind: Literal["stochastic", "deterministic"]
    interfaces: tuple[Interface, ...]
    target: Callable[..., Any]
    log_density: Callable[..., Array] | None = None
    sampler: Callable[..., Array] | None = None
    batch_sampler: Callable[..., Array] | None = None
    is_drawn_by_target: bool = field(default=True, init=False, repr=False)
    parametrisations: tuple["Node", ...] | None = None
    numbered: str | None = None
    key: str = ""
    hint: str = ""
    meta: Any = None
    relation: Callable[..., str | None] | None = None
    has_density: bool = True
    _found: dict[str, Interface] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", self.name)
        object.__setattr__(self, "is_drawn_by_target", self.sampler is None)
        if self.kind == "stochastic" and self.parametrisations is None:
            if self.log_density is None and self.has_density:
                object.__setattr__(self, "log_density", lambda out, *inputs: self.target(*inputs).log_pdf(out))
            if self.sampler is None:
                object.__setattr__(self, "sampler", lambda rng, *inputs: self.target(*inputs).sample(rng))
        elif self.sampler is None:
            object.__setattr__(self, "sampler", lambda rng, *inputs: self.target(*inputs))

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical interface names, output first."""
        return tuple(i.name for i in self.interfaces)

    @property
    def is_deterministic(self) -> bool:
        """Whether the output is a function of the inputs."""
        return self.kind == "deterministic"

    def interface(self, name: str) -> Interface:
        """The interface that answers to a name or an alias.

        Raises:
            ParametrisationError: no interface answers to it; the message lists those there are.
        """
        found = self._found.get(name)
        if found is None:
            found = self._find(name)
            self._found[name] = found
        return found

    def _find(self, name: str) -> Interface:
        for interface in self.interfaces:
            if interface.answers_to(name):
                return interface
        if self.numbered is not None and name.startswith(self.numbered) and name[len(self.numbered) :].isdigit():
            return Interface(name)
        raise ParametrisationError(f"{self.name} has no interface {name!r}; it has {self._listing()}")

    def _listing(self) -> str:
        named = [f"{i.name} ({', '.join(i.aliases)})" if i.aliases else i.name for i in self.interfaces]
        if self.numbered is not None:
            named.append(f"{self.numbered}1, {self.numbered}2, ...")
        return ", ".join(named)

    def with_keywords(self, keywords: Iterable[str]) -> "Node":
        """The parametrisation that keywords choose; the node itself where there is nothing to choose.

        Raises:
            ParametrisationError: the keywords are those of no parametrisation.

        Example:
            >>> from reactivepgm.nodes import NORMAL
            >>> NORMAL.with_keywords(["mean", "precision"]).name
            'NormalMeanPrecision'
        """
        if self.parametrisations is None:
            return self
        given = set(keywords)
        for node in self.parametrisations:
            inputs = node.interfaces[1:]
            if len(given) == len(inputs) and all(any(i.answers_to(k) for k in given) for i in inputs):
                return node
        forms = " or ".join(
            f"{self.name}({', '.join(f'{i.name}=' for i in node.interfaces[1:])})" for node in self.parametrisations
        )
        raise ParametrisationError(f"write {forms}: the keywords say which parametrisation is meant")

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """A call's arguments by canonical interface name, output left out.

        Positional arguments follow the interfaces' order; numbered interfaces follow the others. A sole plural
        interface takes all positional arguments.

        Raises:
            ParametrisationError: too many, too few, repeated or unknown arguments.

        Example:
            >>> from reactivepgm.nodes import node_of
            >>> node_of("NormalMeanVariance").bind((1.0,), {"v": 2.0})
            {'mean': 1.0, 'variance': 2.0}
        """
        if self.parametrisations is not None:
            if args:
                self.with_keywords(())
            return self.with_keywords(kwargs).bind(args, kwargs)
        inputs = self.interfaces[1:]
        if len(inputs) == 1 and inputs[0].plural and not kwargs:
            return {inputs[0].name: tuple(args)}
        names = [i.name for i in inputs]
        if self.numbered is not None:
            names += [f"{self.numbered}{k + 1}" for k in range(len(args) - len(names))]
        if len(args) > len(names):
            raise ParametrisationError(f"{self.name} takes {len(names)} arguments, {len(args)} were given")
        bound = dict(zip(names, args, strict=False))
        for keyword, value in kwargs.items():
            name = self.interface(keyword).name
            if name in bound:
                raise ParametrisationError(f"{self.name} got {name!r} twice")
            if name == self.interfaces[0].name:
                raise ParametrisationError(f"{self.name} got its output {name!r} as an argument")
            bound[name] = value
        missing = [i.name for i in inputs if i.name not in bound]
        if missing:
            raise ParametrisationError(f"{self.name} misses {', '.join(missing)}; it has {self._listing()}")
        return {n: bound[n] for n in [*(i.name for i in inputs), *(n for n in bound if n not in names[: len(inputs)])]}

    def check(self, interface: str, value: Array, event_rank: int | None = None) -> None:
        """Raise unless every row of a constant or a datum lies in the interface's support.

        Args:
            interface: name or alias.
            value: (*batch, *event).
            event_rank: axes of one value; by default the interface's own, or all of them where that is unknown.

        Raises:
            InvalidParameterError: naming the first offending row and its value.

        Example:
            >>> from reactivepgm.nodes import node_of
            >>> node_of("NormalMeanVariance").check("variance", [1.0, -1.0])
            Traceback (most recent call last):
            ...
            reactivepgm.errors.InvalidParameterError: NormalMeanVariance: variance must not be negative; row 1 is -1.0
        """
        edge = self.interface(interface)
        if edge.support is None:
            return
        array = np.asarray(value, dtype=float)
        rank = event_rank if event_rank is not None else edge.event_rank
        found = offending_row(edge.support, array, array.ndim if rank is None else rank)
        if found is None:
            return
        complaint, row = found
        shown = str(array[row].tolist())
        where = f"row {row[0] if len(row) == 1 else row} is " if row else "it is "
        raise InvalidParameterError(f"{self.name}: {edge.name} {complaint}; {where}{shown}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the node: a pending factor if an argument is symbolic, else what ``target`` makes of plain values."""
        for value in (*args, *kwargs.values()):
            for part in value if isinstance(value, (tuple, list)) else (value,):
                if isinstance(part, Symbolic):
                    return part.pending(self, args, kwargs)
        return self.target(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<node {self.name}({', '.join(self.names)})>"
