"""A factor that was written down and waits for its ``~``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from reactivepgm.distributions.marker import Symbolic
from reactivepgm.errors import ForgottenTildeError, ModelError
from reactivepgm.graph.site import Site, caller_site


class PendingFactor(Symbolic):
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

    def pending(self, constructor: Any, args: Any, kwargs: Any) -> NoReturn:
        """A factor is no argument of another factor."""
        self._complain()

    @property
    def spelled(self) -> str:
        """The factor's name and arguments."""
        name = getattr(self.target, "__name__", None) or getattr(self.target, "name", repr(self.target))
        shown = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"{name}({', '.join(shown)})"

    def letter(self, site: Site | None = None) -> str:
        """What to say when its ``~`` never comes."""
        at = self.site if site is None else site
        left, equals, right = at.text.partition("=")
        cure = f"{left.strip()} = ~{right.strip()}" if equals and not left.rstrip().endswith(")") else f"~{self.spelled}"
        return at.letter(f"{self.spelled} was written down and never drawn: its ~ is missing", write=cure)

    def _complain(self, *_: Any) -> NoReturn:
        self.is_drawn = True  # said once
        raise ForgottenTildeError(self.letter(caller_site() if not self.site.text else None))

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = __rmatmul__ = _complain
    __truediv__ = __rtruediv__ = __neg__ = __getitem__ = __iter__ = _complain

    def __bool__(self) -> bool:  # noqa: PLE0304 - it never returns
        self._complain()

    def __repr__(self) -> str:
        return f"<undrawn {self.spelled}>"
