"""Logic by name where Python has no operator: ``implies(a, b)``."""

from __future__ import annotations

from typing import Any

from reactivepgm.graph.operand import Operand
from reactivepgm.nodes import IMPLY, register


def implies(a: Any, b: Any) -> Any:
    """The node IMPLY: false only where ``a`` holds and ``b`` does not. Of plain truth values, their implication.

    Args:
        a: the condition: a variable, data, or a truth value.
        b: the consequence.

    Example:
        >>> implies(True, False), implies(False, False)
        (0, 1)
        >>> from reactivepgm.distributions import Bernoulli
        >>> from reactivepgm.language import model
        >>> @model
        ... def f():
        ...     a = ~Bernoulli(0.5)
        ...     b = ~Bernoulli(0.5)
        ...     c = ~implies(a, b)
        ...     return c
        >>> graph, c = f()
        >>> graph.families[-1].node.name
        'IMPLY'
    """
    for value in (a, b):
        if isinstance(value, Operand):
            builder = value.builder
            return builder.call(IMPLY, (a, b), {}, builder.statement_here(None))
    return IMPLY(a, b)


register(IMPLY, aliases=("implication",), targets=(implies,))
