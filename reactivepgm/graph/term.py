"""One argument of a statement, read: what it is, which of its axes are rows, and which are the event.

The rows of a statement are the NumPy broadcast of its arguments' row axes. Every axis of a random reference is a row
axis. Of a fixed value the last ``event_rank`` axes of the interface are the event; where the interface leaves that open,
leading axes that equal the rows' shape are rows, and otherwise the whole value is shared by all rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from reactivepgm.distributions import Distribution, PointMass
from reactivepgm.errors import DataError, ForgottenTildeError, InvalidParameterError, ModelError
from reactivepgm.graph.arithmetic import as_vector
from reactivepgm.graph.derived import Derived
from reactivepgm.graph.pending import Undrawn
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site
from reactivepgm.nodes import Interface, Node

Shape = tuple[int, ...]
_RANKS = ("a scalar", "a vector", "a matrix")


@dataclass(slots=True)
class Term:
    """An argument as the builder sees it.

    ``rank`` counts event axes; None while it is open. ``rows`` are the row axes, () when all rows share the value.
    """

    interface: Interface
    source: Any
    kind: Literal["random", "data", "derived", "constant", "plural"]
    value: Any
    shape: Shape | None
    rank: int | None
    parts: list[Term] = field(default_factory=list)

    @property
    def rows(self) -> Shape:
        """The row axes; () while the rank is open."""
        if self.shape is None or self.rank is None:
            return ()
        return self.shape[: len(self.shape) - self.rank]

    @property
    def event(self) -> Shape:
        """The event axes."""
        assert self.shape is not None
        return self.shape[len(self.rows) :]

    @property
    def leaves(self) -> list[Term]:
        """The term itself, or the components of a plural one."""
        return self.parts if self.kind == "plural" else [self]

    def close(self, rows: Shape) -> None:
        """Settle an open rank, now that the rows' shape is known."""
        for leaf in self.leaves:
            if leaf.rank is None and leaf.shape is not None:
                is_rowwise = rows != () and leaf.shape[: len(rows)] == rows
                leaf.rank = len(leaf.shape) - (len(rows) if is_rowwise else 0)


def read_term(node: Node, interface: Interface, argument: Any, site: Site, rank: int | None = None) -> Term:
    """Classify one argument of a statement.

    Args:
        node: the factor's node.
        interface: where the argument goes.
        argument: a reference, an expression over data, a value, or several of these on a plural interface.
        site: the statement.
        rank: event rank, where the statement knows it better than the interface does.

    Raises:
        ForgottenTildeError: the argument is a distribution or a factor that was never drawn.
        DataError: data of too few axes for the interface.
        InvalidParameterError: a constant of too few axes, or no number at all.
    """
    if interface.plural:
        return _plural(node, interface, argument, site)
    argument = as_vector(argument)
    rank = interface.event_rank if rank is None else rank
    if isinstance(argument, Reference) and argument.array.kind == "random":
        return Term(interface, argument, "random", argument, argument.shape, 0)
    if isinstance(argument, Reference) and argument.array.kind == "constant":
        return _constant(node, interface, argument, argument.array.value, rank, site)
    if isinstance(argument, Reference):
        known = argument.array.value_shape is not None
        return _checked(node, Term(interface, argument, "data", argument, argument.shape, rank if known else 0), site)
    if isinstance(argument, Derived):
        return _checked(node, Term(interface, argument, "derived", argument, argument.shape, rank), site)
    if isinstance(argument, PointMass):
        return _constant(node, interface, argument, argument.value, rank, site)
    if isinstance(argument, (Undrawn, Distribution)):
        what, kind = (argument.spelled, argument.what) if isinstance(argument, Undrawn) else (repr(argument), "a factor")
        if isinstance(argument, Undrawn):
            argument.is_drawn = True  # said once
        raise ForgottenTildeError(
            site.letter(
                f"{interface.name} of {node.name} is {what}, {kind} that was never drawn",
                write=f"name = ~{what.partition('(')[0]}(...)  first, and pass that name",
            )
        )
    return _constant(node, interface, argument, argument, rank, site)


def _constant(node: Node, interface: Interface, source: Any, raw: Any, rank: int | None, site: Site) -> Term:
    if raw is None or (type(raw) is float and raw != raw):
        raise _no_number(node, interface, raw, site)
    if type(raw) in (float, int, bool):
        return _checked(node, Term(interface, source, "constant", float(raw), (), rank), site)
    try:
        value: Any = np.array(raw) if _may_change(raw) else np.asarray(raw)
        if not np.issubdtype(value.dtype, np.floating):
            value = value.astype(np.float64)
    except (TypeError, ValueError):
        raise _no_number(node, interface, raw, site) from None
    if np.isnan(value).any():
        raise _no_number(node, interface, "an array with NaN in it" if value.ndim else raw, site)
    if value.ndim == 0 and value.dtype == np.float64:
        value = float(value)
    return _checked(node, Term(interface, source, "constant", value, np.shape(value), rank), site)


def _no_number(node: Node, interface: Interface, raw: Any, site: Site) -> InvalidParameterError:
    shown = raw if isinstance(raw, str) else repr(raw)
    cure = "a number or an array; values that are missing belong in data=, a belief about one is  name = ~F(...)"
    return InvalidParameterError(site.letter(f"{interface.name} of {node.name} is {shown}, which is no number", write=cure))


def _may_change(raw: Any) -> bool:
    """Whether the user could change the array in place after this statement."""
    return isinstance(raw, np.ndarray) and bool(raw.flags.writeable)


def _checked(node: Node, term: Term, site: Site) -> Term:
    """The axes suffice for the event, and a constant lies in the support."""
    if term.rank is not None and term.shape is not None and len(term.shape) < term.rank:
        wanted = _RANKS[term.rank] if term.rank < len(_RANKS) else f"an array of rank {term.rank}"
        error = InvalidParameterError if term.kind == "constant" else DataError
        raise error(
            site.letter(
                f"{term.interface.name} of {node.name} must be {wanted}; its shape is {term.shape}",
                write=f"{wanted} for {term.interface.name}, or the factor for values of that shape",
            )
        )
    if term.kind == "constant" and term.interface.support is not None:
        try:
            node.check(term.interface.name, term.value, term.rank)
        except InvalidParameterError as error:
            cure = f"a value for {term.interface.name} inside its support"
            raise InvalidParameterError(site.letter(str(error), write=cure)) from None
    return term


def check_together(node: Node, terms: list[Term], site: Site) -> None:
    """Constants that are right one by one may be wrong together.

    Raises:
        InvalidParameterError: they are, such as the ends of an interval in the wrong order.
    """
    if node.relation is None or any(term.kind != "constant" for term in terms):
        return
    complaint = node.relation(**{term.interface.name: term.value for term in terms})
    if complaint is not None:
        raise InvalidParameterError(site.letter(f"{node.name}: {complaint}", write="constants that fit each other"))


def _plural(node: Node, interface: Interface, argument: Any, site: Site) -> Term:
    """Several arguments on one interface: a tuple, or an array whose axis of components is the last of a reference."""
    single = Interface(interface.name, interface.aliases, interface.event_rank, False, interface.support)
    if isinstance(argument, Reference) and argument.array.kind == "constant":
        argument = argument.array.value
    if isinstance(argument, Reference) and argument.array.kind == "random":
        if not argument.shape:
            argument = (argument,)
        else:
            argument = tuple(argument[..., k] for k in range(argument.shape[-1]))
    elif isinstance(argument, (Reference, Derived, np.ndarray)):
        argument = tuple(argument[k] for k in range(len(argument)))
    if not isinstance(argument, (tuple, list)) or not argument:
        raise ModelError(
            site.letter(
                f"{interface.name} of {node.name} takes several variables, not {argument!r}",
                write=f"a tuple such as ({interface.name}1, {interface.name}2), or an array of variables",
            )
        )
    parts = [read_term(node, single, part, site) for part in argument]
    return Term(interface, argument, "plural", tuple(argument), (), 0, parts)


def rows_of(node: Node, terms: list[Term], target: Term | None, sliced: int, site: Site) -> Shape:
    """The statement's row shape; settles every open rank.

    Args:
        node: the factor's node.
        terms: the inputs.
        target: the output where it exists already.
        sliced: number of leading axes of the target that the statement's own index counts as rows, as in ``y[:]``.
        site: the statement.

    Raises:
        ModelError: shapes that do not broadcast, or do not fit the target.
    """
    leaves = [leaf for term in terms for leaf in term.leaves]
    try:
        rows = np.broadcast_shapes(*(leaf.rows for leaf in leaves)) if any(leaf.rows for leaf in leaves) else ()
    except ValueError:
        raise ModelError(_mismatch(node, terms, target, site)) from None
    if target is not None:
        if target.rank is None and target.shape is not None:
            count = len(rows) if rows and target.shape[: len(rows)] == rows else min(sliced, len(target.shape))
            target.rank = len(target.shape) - count
        if target.kind == "data" and target.shape == () and rows != () and target.value.array.value_shape is None:
            raise ModelError(_mismatch(node, terms, target, site))
        if target.kind == "data" and not sliced and target.rows != () and rows == ():
            wanted = _RANKS[target.rank or 0]
            raise DataError(
                site.letter(
                    f"{target.value!r} has shape {target.shape}, and out of {node.name} is {wanted}",
                    write=f"data of another shape, or slices such as {target.value.name}[:] to observe many at once",
                )
            )
        try:
            fits = np.broadcast_shapes(rows, target.rows) == target.rows
        except ValueError:
            fits = False
        if not fits:
            raise ModelError(_mismatch(node, terms, target, site))
        rows = target.rows
    for leaf in leaves:
        leaf.close(rows)
    return rows


def _mismatch(node: Node, terms: list[Term], target: Term | None, site: Site) -> str:
    every = terms if target is None else [target, *terms]
    shapes = ", ".join(f"{t.interface.name} {leaf.rows}" for t in every for leaf in t.leaves)
    return site.letter(
        f"the rows of this {node.name} statement do not fit together: {shapes}",
        write="arguments whose leading axes broadcast to the target's, as in x[1:] = ~NormalMeanVariance(x[:-1], v)",
    )
