"""The decorators that file a function in the table: one for each kind of row, from ``@rule`` to ``@log_scale``."""

from collections.abc import Callable
from typing import Any, TypeVar

from reactivepgm.errors import ParametrisationError
from reactivepgm.nodes import Node, node_of
from reactivepgm.rulebook.rule_object import Rule
from reactivepgm.rulebook.signature import canonical_subject, read_signature
from reactivepgm.rulebook.table import ANY, TABLE

F = TypeVar("F", bound=Callable[..., Any])


def the_node(x: Any) -> Node:
    """The node that ``x`` means, or an error that says that it means none.

    Raises:
        ParametrisationError: no such node, or one whose parametrisation is not chosen.
    """
    contract = getattr(x, "contract", None)
    node = contract() if callable(contract) else node_of(x)  # a model stands for the node that it is by contract
    if not isinstance(node, Node):
        raise ParametrisationError(f"{x!r} is no node: register(Node(...)) makes one known")
    if node.parametrisations is not None:
        forms = ", ".join(n.name for n in node.parametrisations)
        raise ParametrisationError(f"{node.name} stands for several nodes: name one of {forms}")
    return node


def canonical_target(node: Node, target: str) -> str:
    """A target under canonical names; ``*`` stands for any."""
    return target if target in (ANY, "") else canonical_subject(node, target)


def kernel_target(node: Node, to: str, ins: tuple[str, ...]) -> str:
    """How kernels are filed: the output variable and the input variables, in the order asked for."""
    return f"{node.interface(to).name}|{','.join(node.interface(i).name for i in ins)}"


def file_rule(kind: str, node: Node, target: str, vectorized: bool) -> Callable[[F], F]:
    """A decorator that files its function and leaves it as it is."""

    def decorate(function: F) -> F:
        TABLE.add(Rule(kind, node, target, read_signature(node, function), function, vectorized))
        return function

    return decorate


def rule(node: Any, *, to: str, vectorized: bool = True) -> Callable[[F], F]:
    """File a message rule: the function's parameters say from which inputs, ``to`` says toward which interface.

    Args:
        node: a node, its distribution class, its function, its name, or a model that is one node by contract.
        to: the interface, or ``"*"`` for any; the function may ask for it by a parameter ``to``.
        vectorized: whether the function computes a whole batch at once; if not, it is called row by row.

    Returns:
        A decorator that returns its function unchanged.

    Example:
        >>> from reactivepgm.distributions import PointMass
        >>> from reactivepgm.nodes import Interface, Node, register
        >>> from reactivepgm.rulebook import call_rule
        >>> def negated(x):
        ...     return -x
        >>> node = register(Node("negated", "deterministic", (Interface("out"), Interface("in")), negated))
        >>> @rule(negated, to="out")
        ... def _(m_in: PointMass) -> PointMass:
        ...     return PointMass(-m_in.value)
        >>> call_rule(negated, "out", m_in=PointMass(2.0)).value
        -2.0
    """
    found = the_node(node)
    return file_rule("rule", found, canonical_target(found, to), vectorized)


def marginal_rule(node: Any, joint: str, *, vectorized: bool = True) -> Callable[[F], F]:
    """File a joint-marginal rule toward interfaces joined by ``_``, such as ``"out_mean"``; ``"*"`` stands for any.

    Example:
        >>> from reactivepgm.distributions import Factorized, PointMass
        >>> from reactivepgm.nodes import Interface, Node, register
        >>> node = register(Node("halved", "deterministic", (Interface("out"), Interface("in")), lambda x: x / 2))
        >>> @marginal_rule("halved", "out_in")
        ... def _(m_out: PointMass, m_in: PointMass) -> Factorized:
        ...     return Factorized({"out": m_out, "in": m_in})
    """
    found = the_node(node)
    return file_rule("marginal", found, canonical_target(found, joint), vectorized)


def log_scale(node: Any, *, to: str) -> Callable[[F], F]:
    """File a log scale: log of the integral of the factor times all its messages, that on the edge ``to`` included.

    Approximate messages that keep moments lose the scale of the factor; with it the free energy is that of
    expectation propagation (Minka 2001): -log scale in place of the factor's own energy.

    Example:
        >>> from reactivepgm.distributions import PointMass
        >>> from reactivepgm.nodes import Interface, Node, register
        >>> node = register(Node("equal", "deterministic", (Interface("out"), Interface("in")), lambda x: x + 0))
        >>> @log_scale("equal", to="in")
        ... def _(m_out: PointMass, m_in: PointMass) -> float:
        ...     'Nothing is lost.'
        ...     return 0.0
    """
    found = the_node(node)
    return file_rule("scale", found, canonical_target(found, to), True)


def kernel(node: Any, *, to: str, ins: tuple[str, ...] | str) -> Callable[[F], F]:
    """File a kernel: the factor between ``to`` and ``ins`` given the rest, which are the function's parameters.

    Example:
        >>> from reactivepgm.nodes import Interface, Node, register
        >>> from reactivepgm.rulebook import GaussianKernel
        >>> node = register(Node("same", "deterministic", (Interface("out"), Interface("in")), lambda x: x * 1))
        >>> @kernel("same", to="out", ins=("in",))
        ... def _() -> GaussianKernel:
        ...     return GaussianKernel((None,))
    """
    found = the_node(node)
    sources = (ins,) if isinstance(ins, str) else tuple(ins)
    return file_rule("kernel", found, kernel_target(found, to, sources), True)
