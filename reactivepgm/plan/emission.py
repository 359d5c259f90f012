"""Source from a tape: straight-line float arithmetic, invariants before the loop, single-use values in place.

    prelude     what does not depend on carried values
    loop        what the carried values of the next repeat depend on, repeats - 1 times
    last        the last repeat, with all that is handed out
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from reactivepgm.plan.symbols import Symbol, Tape, as_text

_LONGEST = 160
"""Characters up to which an expression is written where it is used; nesting stays far below the parser's limit."""


class BailError(Exception):
    """The traced computation does not apply to these values."""


def emitted(
    tape: Tape,
    parameters: Sequence[str],
    outputs: Sequence[Any],
    carried: Sequence[tuple[Symbol, Any]],
    repeats: int,
    otherwise: Callable[..., tuple[Any, ...]],
) -> tuple[str, dict[str, Any]]:
    """The source of a function ``step(*parameters)`` that returns the outputs, and the objects it names.

    Args:
        tape: the computation.
        parameters: the names that leaves of the tape use.
        outputs: symbols or constants.
        carried: a symbol, and what replaces it for the next repeat.
        repeats: how often the computation runs.
        otherwise: called with the same arguments where floats raise (arrays would have given inf), or where the values
            lead into a branch that raises.

    Example:
        >>> tape = Tape()
        >>> x = tape.leaf("x")
        >>> source, names = emitted(tape, ["x"], [x * 2.0 + 1.0], [(x, x * 2.0)], 3, lambda x: (0.0,))
        >>> exec(source, names)
        >>> names["step"](1.0)
        (9.0,)
    """
    effects = [node for node in tape.nodes if node.effect]
    after = [value for _, value in carried]
    handed_out = _closure([*outputs, *effects])
    if repeats == 1 or not carried:
        only = _Section(_in_order(tape, handed_out), outputs, ())
        lines = only.lines
        last = only
    else:
        before = {symbol for symbol, _ in carried}
        fed_back = _closure([*after, *effects])
        varying = _varying(tape, before)
        loop_nodes, last_nodes = fed_back & varying - before, handed_out & varying - before
        needed = {o for n in loop_nodes | last_nodes for o in n.operands} | {*outputs, *after}
        pinned = {value for value in needed if isinstance(value, Symbol)} | before
        prelude = _Section(_in_order(tape, (handed_out | fed_back | before) - loop_nodes - last_nodes), (), pinned)
        loop = _Section(_in_order(tape, loop_nodes), after, (), before)
        last = _Section(_in_order(tape, last_nodes), outputs, (), before)
        targets = ", ".join(_variable(symbol) for symbol, _ in carried)
        body = [*loop.lines, f"{targets}, = {', '.join(loop.text(value) for value in after)},"]
        lines = [*prelude.lines, f"for _ in range({repeats - 1}):", *("    " + line for line in body), *last.lines]
    returned = "".join(f"{last.text(value)}, " for value in outputs)
    shown = ", ".join(parameters)
    source = [
        f"def step({shown}):",
        "    try:",
        *("        " + line for line in [*lines, f"return ({returned})"]),
        "    except (ArithmeticError, ValueError, BailError):",
        f"        return otherwise({shown})",
        "",
    ]
    return "\n".join(source), dict(tape.names, BailError=BailError, otherwise=otherwise)


class _Section:
    """Some nodes as statements: a node that is used once, and only here, is written where it is used.

    Args:
        nodes: in the order of their making.
        demands: values that are used after the statements, once each.
        pinned: nodes that other sections read.
        variables: nodes outside that are variables though they are leaves.
    """

    def __init__(
        self, nodes: list[Symbol], demands: Iterable[Any], pinned: Collection[Symbol], variables: Collection[Symbol] = ()
    ) -> None:
        uses = Counter(o.number for node in nodes for o in node.operands if isinstance(o, Symbol))
        uses.update(value.number for value in demands if isinstance(value, Symbol))
        self._written: dict[int, str] = {}
        self.lines: list[str] = []
        fixed = {symbol.number for symbol in (*pinned, *variables)}
        for node in nodes:
            expression = node.template.format(*(self.text(operand) for operand in node.operands))
            if node.effect:
                self.lines.append(expression)
            elif node.number in fixed or (node.operands and (uses[node.number] > 1 or len(expression) > _LONGEST)):
                self.lines.append(f"{_variable(node)} = {expression}")
            else:
                self._written[node.number] = expression

    def text(self, value: Any) -> str:
        """A value as it is written in this section."""
        if not isinstance(value, Symbol):
            return as_text(value)
        return self._written.get(value.number) or _variable(value)


def _variable(symbol: Symbol) -> str:
    return f"v{symbol.number}"


def _in_order(tape: Tape, chosen: set[Symbol]) -> list[Symbol]:
    return [node for node in tape.nodes if node in chosen]


def _closure(values: Iterable[Any]) -> set[Symbol]:
    """The nodes that these values depend on, themselves included."""
    found: set[Symbol] = set()
    waiting = [value for value in values if isinstance(value, Symbol)]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [operand for operand in node.operands if isinstance(operand, Symbol)]
    return found


def _varying(tape: Tape, before: set[Symbol]) -> set[Symbol]:
    """The nodes that depend on carried ones, and those."""
    varying = set(before)
    for node in tape.nodes:
        if any(isinstance(operand, Symbol) and operand in varying for operand in node.operands):
            varying.add(node)
    return varying
