"""The mark of an argument that stands for a value which is not known yet, such as a model's variable."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Protocol


class Drawer(Protocol):
    """Who makes variables of distributions while a model is built."""

    def draw_pending(self, factor: Any) -> Any:
        """What ``~distribution`` is."""

    def with_options(self, factor: Any, options: Mapping[str, Any]) -> Any:
        """What ``distribution.where(...)`` is."""


drawer: ContextVar[Drawer | None] = ContextVar("what ~distribution does while a model is built", default=None)


def drawn(distribution: Any) -> Any:
    """``~distribution`` where nothing rewrote it: a variable of the model that is being built.

    Raises:
        TypeError: there is none.
    """
    return _drawer(distribution, "unary ~").draw_pending(distribution)


def optioned(distribution: Any, options: Mapping[str, Any]) -> Any:
    """``distribution.where(...)`` where nothing rewrote it: a factor of the model that is being built, with options.

    Raises:
        TypeError: there is none.
    """
    return _drawer(distribution, "where()").with_options(distribution, options)


def _drawer(distribution: Any, what: str) -> Drawer:
    found = drawer.get()
    if found is None:
        raise TypeError(f"bad operand type for {what}: {type(distribution).__name__!r} outside a model")
    return found


class Symbolic:
    """Something that, given to a distribution's constructor, makes it a pending factor instead of a distribution.

    No ABC: a model asks of every argument whether it is one, and that question is slow of an ABC.
    """

    __slots__ = ()

    def pending(self, constructor: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What ``constructor(*args, **kwargs)`` shall be, one of whose arguments is this object.

        Args:
            constructor: the class that was called.
            args: its positional arguments.
            kwargs: its keyword arguments.
        """
        raise NotImplementedError


def first_symbolic(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Symbolic | None:
    """The first argument that is symbolic, or an element of a list or tuple that is; None if there is none.

    Example:
        >>> first_symbolic((1.0, [2.0]), {}) is None
        True
    """
    for value in (*args, *kwargs.values()):
        if isinstance(value, Symbolic):
            return value
        if type(value) is list or type(value) is tuple:
            for part in value:
                if isinstance(part, Symbolic):
                    return part
    return None
