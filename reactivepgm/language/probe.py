"""Whether a plain function of variables returns a factor to be drawn, rather than a value: asked by a call on stand-ins."""

from __future__ import annotations

from types import FunctionType
from typing import Any, NoReturn

from reactivepgm.distributions import Distribution
from reactivepgm.distributions.marker import Symbolic
from reactivepgm.graph.arithmetic import is_random
from reactivepgm.graph.derived import is_fixed_symbol
from reactivepgm.language.submodel import ModelCall


def returns_factor(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a function returns a distribution, a factor or a model when it is called with variables.

    It is called once, with stand-ins that allow arithmetic and have no value; a function that asks for values is none.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> returns_factor(lambda x, v: NormalMeanVariance(2.0 * x, v), (_Value(), 1.0), {})
        True
        >>> returns_factor(lambda x: 2.0 * x, (_Value(),), {})
        False
    """
    if not isinstance(function, FunctionType):
        return False
    try:
        made = function(*map(_stand_in, args), **{name: _stand_in(value) for name, value in kwargs.items()})
    except Exception:  # it does to its arguments what variables do not allow: a function of their values
        return False
    if isinstance(made, ModelCall):
        made.is_drawn = True
    return isinstance(made, (_Factor, Distribution, ModelCall))


class _Value(Symbolic):
    """A variable without a model: arithmetic gives another one."""

    def pending(self, constructor: Any, args: Any, kwargs: Any) -> _Factor:
        return _Factor()

    def _another(self, *_: Any, **__: Any) -> _Value:
        return _Value()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a stand-in has no value")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = __pos__ = _another
    __matmul__ = __rmatmul__ = __pow__ = __rpow__ = __and__ = __rand__ = __or__ = __ror__ = __getitem__ = _another
    __array_ufunc__ = __array_function__ = _another
    __bool__ = __float__ = __int__ = __index__ = __array__ = __len__ = __iter__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse


class _Factor:
    """A factor on stand-ins."""

    def where(self, **_: Any) -> _Factor:
        return self


def _stand_in(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(map(_stand_in, value))
    return _Value() if is_random(value) or is_fixed_symbol(value) else value
