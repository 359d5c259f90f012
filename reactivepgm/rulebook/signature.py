"""A rule's signature is its row in the table: what its parameters' names and annotations say.

m_<interface> is a message, q_<interface> a marginal, q_<a>_<b> a joint marginal.
"""

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from reactivepgm.errors import ParametrisationError
from reactivepgm.nodes import Node

EXTRAS = ("meta", "node", "index", "to")


@dataclass(frozen=True)
class Signature:
    """Parameters of a rule in canonical order.

    Args:
        inputs: role name (``m_out``, ``q_out_mean``, ...) to the types accepted; the names are canonical.
        parameters: role name to the function's own parameter name, which may use an alias.
        others: the types accepted by ``**others``, or None where the rule takes no further inputs.
        extras: which of meta, node, index, to the function asks for.
        meta: the types of meta accepted.
        returns: the return annotation.
    """

    inputs: dict[str, tuple[type, ...]]
    parameters: dict[str, str]
    others: tuple[type, ...] | None
    extras: tuple[str, ...]
    meta: tuple[type, ...]
    returns: Any


@lru_cache(maxsize=65536)
def canonical_role(node: Node, name: str) -> str:
    """``q_mu`` as ``q_mean``: the role kept, every interface under its canonical name, joints in interface order.

    Raises:
        ParametrisationError: no role, or no such interface.

    Example:
        >>> from reactivepgm.nodes import node_of
        >>> canonical_role(node_of("NormalMeanVariance"), "q_mu_out")
        'q_out_mean'
    """
    role, _, subject = name.partition("_")
    if role not in ("m", "q") or not subject:
        raise ParametrisationError(f"{name!r} is no input of a rule: write m_<interface> or q_<interface>")
    return f"{role}_{canonical_subject(node, subject)}"


@lru_cache(maxsize=65536)
def canonical_subject(node: Node, subject: str) -> str:
    """An interface, or several joined by ``_``, under canonical names in the node's order."""
    names = _split(node, subject)
    order = {name: k for k, name in enumerate(node.names)}
    return "_".join(sorted(names, key=lambda n: (order.get(n, len(order)), n)))


@lru_cache(maxsize=65536)
def subject_names(node: Node, subject: str) -> tuple[str, ...]:
    """The interfaces of a subject: ``out_mean`` is ``("out", "mean")``."""
    return _split(node, canonical_subject(node, subject))


def _split(node: Node, subject: str) -> tuple[str, ...]:
    try:
        return (node.interface(subject).name,)
    except ParametrisationError:
        head = subject.rpartition("_")[0]
        while head:  # an alias may itself contain an underscore, so the longest first part wins
            try:
                first = node.interface(head).name
                rest = subject[len(head) + 1 :]
                return (first, *_split(node, rest))
            except ParametrisationError:
                head = head.rpartition("_")[0]
        raise


def _types(annotation: Any) -> tuple[type, ...]:
    if annotation is None:
        return (type(None),)
    if annotation is Any:
        return (object,)
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(t for part in get_args(annotation) for t in _types(part))
    origin = get_origin(annotation) or annotation
    if not isinstance(origin, type):
        raise ParametrisationError(f"{annotation!r} is no type that rules can be chosen by")
    return (origin,)


def read_signature(node: Node, function: Callable[..., Any]) -> Signature:
    """Read a rule's row from its function.

    Raises:
        ParametrisationError: a parameter that is no input and no extra, or a missing annotation.

    Example:
        >>> from reactivepgm.distributions import Distribution
        >>> from reactivepgm.nodes import node_of
        >>> def f(m_out: Distribution, q_tau: Distribution, meta: None) -> Distribution: ...
        >>> read_signature(node_of("NormalMeanPrecision"), f).inputs.keys()
        dict_keys(['m_out', 'q_precision'])
    """
    hints = get_type_hints(function)
    inputs: dict[str, tuple[type, ...]] = {}
    parameters: dict[str, str] = {}
    others: tuple[type, ...] | None = None
    extras: list[str] = []
    meta: tuple[type, ...] = (object,)
    where = f"{function.__module__}.{function.__qualname__} for {node.name}"
    for parameter in inspect.signature(function).parameters.values():
        name = parameter.name
        if name in EXTRAS:
            extras.append(name)
            if name == "meta" and name in hints:
                meta = _types(hints[name])
            continue
        if name not in hints:
            raise ParametrisationError(f"{where}: parameter {name!r} has no annotation")
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            others = _types(hints[name])
            continue
        role = canonical_role(node, name)
        inputs[role] = _types(hints[name])
        parameters[role] = name
    if "return" not in hints:
        raise ParametrisationError(f"{where}: the return annotation is missing; it is part of the table's row")
    return Signature(inputs, parameters, others, tuple(extras), meta, hints["return"])


def type_names(types_: tuple[type, ...]) -> str:
    """Types as a signature writes them."""
    return " | ".join("None" if t is type(None) else t.__name__ for t in types_)
