"""A factor that was written down and waits for its ``~``."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NoReturn

from reactivepgm.distributions.marker import Symbolic
from reactivepgm.errors import ForgottenTildeError, ModelError
from reactivepgm.graph.site import Site, caller_site


class Undrawn(Symbolic):
    """What means a factor, or several, only once it is drawn: used in any other way it says that its ``~`` is missing."""

    what = "a factor"
    site: Site
    is_drawn: bool

    @property
    def spelled(self) -> str:
        """How it was written."""
        raise NotImplementedError

    def letter(self, site: Site | None = None) -> str:
        """What to say when its ``~`` never comes."""
        at = self.site if site is None else site
        left, equals, right = at.text.partition("=")
        if equals and not set(left) & set("()'\"") and not right.startswith("="):
            is_all = _is_call(right)
            cure = f"{left.strip()} = ~{right.strip()}" if is_all else f"name = ~{self.spelled}  first, and use that name"
        else:
            cure = f"~{self.spelled}"
        return at.letter(f"{self.spelled} was written down and never drawn: its ~ is missing", write=cure)

    def pending(self, constructor: Any, args: Any, kwargs: Any) -> NoReturn:
        """It is no argument of a factor."""
        self._complain()

    def _complain(self, *_: Any) -> NoReturn:
        self.is_drawn = True  # said once
        raise ForgottenTildeError(self.letter(caller_site() if not self.site.text else None))

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = __rmatmul__ = _complain
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = __and__ = __rand__ = __or__ = __ror__ = _complain
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = __rdivmod__ = __abs__ = __round__ = _complain
    __xor__ = __rxor__ = __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = __lt__ = __le__ = __gt__ = __ge__ = _complain


def _is_call(text: str) -> bool:
    """Whether a right-hand side is one call, so that a ``~`` before it is all that is missing."""
    try:
        return isinstance(ast.parse(text.strip(), mode="eval").body, (ast.Call, ast.Name))
    except SyntaxError:
        return True


class PendingFactor(Undrawn):
    """What ``NormalMeanVariance(m, v)`` gives where ``m`` or ``v`` is a variable and no ``~`` stands before it.

    Args:
        target: the distribution class, node or function.
        args: positional arguments.
        kwargs: keyword arguments.
        site: where it was written.
        owner: the builder.
    """

    __slots__ = ("args", "is_drawn", "kwargs", "options", "owner", "site", "target")

    def __init__(self, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], site: Site, owner: Any) -> None:
        self.target = target
        self.args = args
        self.kwargs = dict(kwargs)
        self.site = site
        self.owner = owner
        self.options: dict[str, Any] = {}
        self.is_drawn = False

    def where(self, **options: Any) -> PendingFactor:
        """The same factor with a factorisation ``q``, a ``meta`` or a ``pipeline``."""
        for name in options:
            if name not in ("q", "meta", "pipeline"):
                self.is_drawn = True
                raise ModelError(self.site.letter(f"where() has no option {name}", write="one of q, meta, pipeline"))
        self.options.update(options)
        return self

    def __invert__(self) -> Any:
        return self.owner.draw_pending(self)

    @property
    def spelled(self) -> str:
        """The factor's name and arguments."""
        name = getattr(self.target, "__name__", None) or getattr(self.target, "name", repr(self.target))
        shown = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"{name}({', '.join(shown)})"

    __getitem__ = __iter__ = Undrawn._complain

    def __bool__(self) -> bool:  # noqa: PLE0304 - it never returns
        self._complain()

    def __repr__(self) -> str:
        return f"<undrawn {self.spelled}>"
