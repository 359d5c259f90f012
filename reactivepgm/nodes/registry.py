"""Which node stands for a distribution class, a function, or a name."""

from collections.abc import Iterable
from typing import Any

from reactivepgm.nodes.node import Node

_BY_NAME: dict[str, Node] = {}
_BY_TARGET: dict[Any, Node] = {}


def register(node: Node, *, aliases: Iterable[str] = (), targets: Iterable[Any] = ()) -> Node:
    """Make a node known under its name, further names, its target and further targets.

    Registering a name or a target again replaces the former entry, so that a notebook cell may be run twice.

    Args:
        node: the node.
        aliases: further names.
        targets: further classes or functions that mean this node.

    Returns:
        The node itself.

    Example:
        >>> from reactivepgm.nodes import Interface, Node
        >>> def twice(x):
        ...     return 2 * x
        >>> node = register(Node("twice", "deterministic", (Interface("out"), Interface("in")), twice))
        >>> node_of(twice) is node_of("twice") is node
        True
    """
    for name in (node.name, *aliases):
        _BY_NAME[name] = node
    for target in (node.target, *targets):
        _BY_TARGET[target] = node
    return node


def node_of(x: Any) -> Node | None:
    """The node that a distribution class, a registered function, a name, or a node itself means; else None.

    Example:
        >>> import operator
        >>> node_of(operator.add).name
        'addition'
        >>> node_of("GaussianMeanVariance").name
        'NormalMeanVariance'
        >>> node_of(print) is None
        True
    """
    if isinstance(x, Node):
        return x
    if isinstance(x, str):
        return _BY_NAME.get(x)
    try:
        return _BY_TARGET.get(x)
    except TypeError:  # an unhashable argument is no class and no function
        return None


def registered() -> dict[str, tuple[Node, tuple[str, ...]]]:
    """Every node under its own name, with its further names; in the order of their registration.

    Example:
        >>> node, further = registered()["DiscreteTransition"]
        >>> further
        ('Transition',)
    """
    found: dict[str, tuple[Node, tuple[str, ...]]] = {}
    for name, node in _BY_NAME.items():
        further = found.get(node.name, (node, ()))[1]
        found[node.name] = node, further if name == node.name else (*further, name)
    return found
