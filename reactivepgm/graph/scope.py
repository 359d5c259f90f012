"""Where a variable or a statement lives: the model itself, or one instance of a model inside it."""

from __future__ import annotations

from typing import Any


class Scope:
    """One place in the source that calls a model inside a model; every turn of a loop comes back to the same scope.

    Args:
        path: the instances from the outside in, as in ("outer", "inner_2"); () is the model itself.
        models: the names of their models, ("outer", "inner").

    Example:
        >>> inner = Scope(("outer", "inner_2"), ("outer", "inner"))
        >>> inner.name, inner.qualified("tau")
        ('outer.inner_2', 'outer.inner_2.tau')
        >>> inner.is_inside("inner"), inner.is_inside("outer.inner_2"), inner.is_inside("inner_3")
        (True, True, False)
    """

    __slots__ = ("declared", "models", "path", "prefix", "turns")

    def __init__(self, path: tuple[str, ...] = (), models: tuple[str, ...] = ()) -> None:
        self.path = path
        self.models = models
        self.prefix = "".join(f"{part}." for part in path)
        self.declared: dict[Any, Any] = {}
        """The arrays that earlier turns declared by hand, by place in the source and occurrence."""
        self.turns: dict[Any, int] = {}
        """How often each declaration ran in the present turn."""

    @property
    def name(self) -> str:
        """The dotted path; empty for the model itself."""
        return ".".join(self.path)

    def qualified(self, name: str) -> str:
        """A name inside, as the whole graph knows it."""
        return self.prefix + name

    def is_inside(self, name: str) -> bool:
        """Whether this is, or lies in, what a name means: an instance, a dotted path to one, or any instance of a model."""
        return name in self.models or any(
            name in (self.path[i], ".".join(self.path[: i + 1])) for i in range(len(self.path))
        )

    def starts_with(self, other: Scope) -> bool:
        """Whether this is, or lies in, another scope."""
        return self.path[: len(other.path)] == other.path

    def __repr__(self) -> str:
        return f"<scope {self.name or 'of the model'}>"


ROOT = Scope()
