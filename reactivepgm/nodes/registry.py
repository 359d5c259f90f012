"""Which node stands for a distribution class, a function, or a name."""

import copyreg
from collections.abc import Callable, Iterable
from importlib import import_module
from operator import methodcaller
from typing import Any

from reactivepgm.errors import ModelError
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


def node_named(name: str, module: str) -> Node:
    """The node of a name, registered when its module is imported: what a node is pickled as.

    Raises:
        ModelError: the module registers no such node.

    Example:
        >>> node_named("Beta", "reactivepgm.distributions.beta").name
        'Beta'
    """
    if name not in _BY_NAME:
        import_module(module)
    if name not in _BY_NAME:
        raise ModelError(
            f"there is no node {name} in this process: the module {module} does not register it\n"
            "  write  its declaration and its rules into a module that every process can import"
        )
    return _BY_NAME[name]


def _reduced(node: Node) -> tuple[Callable[..., Node], tuple[Any, ...]]:
    """A node means the rules filed under it, so it travels by name.

    One by contract travels as its model, a Python function as the function: by name, or by value through cloudpickle.
    """
    from reactivepgm.nodes.delta import DELTA, Delta  # it stands on this module

    if _BY_NAME.get(node.name) is node:
        return node_named, (node.name, str(getattr(node.target, "__module__", "reactivepgm")))
    owner = getattr(node.target, "__self__", None)
    if hasattr(owner, "contract"):
        return methodcaller("contract"), (owner,)
    if node.key == DELTA.key:
        return Delta, (node.target, None if node.numbered else len(node.interfaces) - 1)
    raise ModelError(f"the node {node.name} cannot travel to another process: register(...) makes it known by its name")


copyreg.pickle(Node, _reduced)
