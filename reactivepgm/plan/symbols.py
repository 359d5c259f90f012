"""Symbolic floats: a rule that is run on them leaves its arithmetic on a tape.

Every operation becomes a node of a graph without repetitions (equal operations on equal operands are one node); functions
of numerics become calls of themselves or of what they call, so what is emitted computes bit for bit what the rule computes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from reactivepgm.numerics import special


class CannotTraceError(Exception):
    """A function looked at a symbol as if it were a number, or made something that is no float."""


class UndecidedError(Exception):
    """A function branches on a symbol, and no decision about it has been made yet."""


class Tape:
    """The nodes of a computation: a template and its operands, in the order of their making.

    Example:
        >>> tape = Tape()
        >>> x = tape.leaf("x")
        >>> (x + 1.0) is (x + 1.0), len(tape.nodes)
        (True, 2)
    """

    def __init__(self) -> None:
        self.nodes: list[Symbol] = []
        self.names: dict[str, Any] = {"inf": math.inf, "nan": math.nan}
        self.decisions: list[bool] = []
        """What branches are told, in the order in which they ask."""
        self.asked: list[Symbol] = []
        self._numbered: dict[tuple[Any, ...], Symbol] = {}
        self._bound: dict[int, str] = {}

    def leaf(self, name: str) -> Symbol:
        """A value that comes from outside under a name."""
        return self._node(name, ())

    def emit(self, template: str, *operands: Any) -> Symbol:
        """The node of an operation; ``{}`` in the template stand for the operands."""
        return self._node(template, operands)

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Symbol:
        """A call of a function that stays a call."""
        shown = ["{}"] * len(arguments) + [f"{name}={{}}" for name in named]
        return self.emit(f"{self.bound(function)}({', '.join(shown)})", *arguments, *named.values())

    def effect(self, template: str, *operands: Any) -> None:
        """A statement, which is always kept."""
        self._node(template, operands, effect=True)

    def bail(self, conditions: list[tuple[Symbol, bool]]) -> None:
        """Where all of these hold, the traced computation does not apply."""
        text = " and ".join("{}" if wanted else "not {}" for _, wanted in conditions)
        self.effect(f"if {text}: raise BailError", *(condition for condition, _ in conditions))

    def bound(self, value: Any) -> str:
        """The name under which the emitted source finds an object."""
        name = self._bound.get(id(value))
        if name is None:
            name = self._bound[id(value)] = f"g{len(self._bound)}"
            self.names[name] = value
        return name

    def decide(self, condition: Symbol) -> bool:
        """What a branch on this condition is told in this run.

        Raises:
            UndecidedError: nothing has been decided about it.
        """
        for asked, decision in zip(self.asked, self.decisions, strict=False):
            if asked is condition:
                return decision
        self.asked.append(condition)
        if len(self.asked) > len(self.decisions):
            raise UndecidedError
        return self.decisions[len(self.asked) - 1]

    def _node(self, template: str, operands: tuple[Any, ...], effect: bool = False) -> Symbol:
        key = (template, *(o.number if isinstance(o, Symbol) else ("is", as_text(o)) for o in operands))
        found = self._numbered.get(key)
        if found is None:
            found = self._numbered[key] = Symbol(self, len(self.nodes), template, operands, effect)
            self.nodes.append(found)
        return found


def as_text(constant: Any) -> str:
    """A constant as source: floats by their shortest exact form."""
    return repr(float(constant)) if isinstance(constant, np.floating) else repr(constant)


def _binary(template: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(self: Symbol, other: Any) -> Symbol:
        return self.tape.emit(template, self, _operand(other))

    def backward(self: Symbol, other: Any) -> Symbol:
        return self.tape.emit(template, _operand(other), self)

    return forward, backward


def _operand(value: Any) -> Any:
    if isinstance(value, (Symbol, float, int)):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return value[()]
    raise CannotTraceError(f"{type(value).__name__} beside a symbol")


class Symbol:
    """One node: a float, a truth value, or an object that a call has made."""

    __slots__ = ("effect", "number", "operands", "tape", "template")
    __array_ufunc__ = None  # arrays leave their operators to this class
    shape: tuple[int, ...] = ()
    ndim = 0
    size = 1
    dtype = np.dtype(float)
    stands_for_one = True
    """It may be asked whether it holds."""

    def __init__(self, tape: Tape, number: int, template: str, operands: tuple[Any, ...], effect: bool) -> None:
        self.tape = tape
        self.number = number
        self.template = template
        self.operands = operands
        self.effect = effect

    __add__, __radd__ = _binary("({} + {})")
    __sub__, __rsub__ = _binary("({} - {})")
    __mul__, __rmul__ = _binary("({} * {})")
    __truediv__, __rtruediv__ = _binary("({} / {})")
    __pow__, __rpow__ = _binary("({} ** {})")
    __and__, __rand__ = _binary("({} & {})")
    __or__, __ror__ = _binary("({} | {})")
    __lt__, _ = _binary("({} < {})")
    __le__, _ = _binary("({} <= {})")
    __gt__, _ = _binary("({} > {})")
    __ge__, _ = _binary("({} >= {})")
    __eq__, _ = _binary("({} == {})")
    __ne__, _ = _binary("({} != {})")

    def __neg__(self) -> Symbol:
        return self.tape.emit("(-{})", self)

    def __abs__(self) -> Symbol:
        return self.tape.emit("abs({})", self)

    def __bool__(self) -> bool:
        return self.tape.decide(self)

    def __hash__(self) -> int:
        return id(self)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise CannotTraceError("a symbol is no array")

    def __float__(self) -> float:
        raise CannotTraceError("a symbol is no number")

    __int__ = __index__ = __len__ = __iter__ = __float__

    def __array_namespace__(self, api_version: str | None = None) -> Namespace:
        return Namespace(self.tape)


class Namespace:
    """The functions of numerics on symbols: each is emitted as a call of itself on floats."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    @property
    def special(self) -> Namespace:
        """The special functions live in the same place."""
        return self

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """An ordinary choice; both values exist."""
        return self._tape.emit("({} if {} else {})", _operand(x), _operand(condition), _operand(y))

    def clip(self, x: Any, low: float, high: float) -> Any:
        """As numerics clips floats."""
        return self._tape.emit("min(max({}, {}), {})", x, low, high)

    def zeta(self, order: float, x: Any) -> Any:
        """Of order 2: the trigamma function."""
        if order != 2.0:
            raise CannotTraceError(f"zeta of order {order}")
        return self._tape.call(special.trigamma, x)

    def zeros_like(self, x: Any) -> float:
        """Zero."""
        return 0.0

    def ones_like(self, x: Any) -> float:
        """One."""
        return 1.0

    def broadcast_to(self, x: Any, shape: tuple[int, ...]) -> Any:
        """Only to the shape that a float has."""
        if shape:
            raise CannotTraceError("a symbol has no axes")
        return x

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise CannotTraceError(f"no symbolic {name}")

        def called(*arguments: Any) -> Any:
            return self._tape.call(function, *(_operand(a) for a in arguments))

        return called


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    # These raise where the functions of numerics give limits; the step then goes back to the calls, as after 1 / 0.
    "log": math.log,
    "log1p": math.log1p,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "abs": abs,
    "largest": max,
    "gammaln": special.gammaln,
    "digamma": special.digamma,
    "betaln": special.betaln,
    "xlogy": special.xlogy,
    "xlog1py": special.xlog1py,
    "expit": special.sigmoid,
    "logit": special.logit,
    "ndtr": special.normal_cdf,
    "log_ndtr": special.log_normal_cdf,
}
