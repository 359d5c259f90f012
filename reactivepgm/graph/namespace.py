"""The variable arrays of a model and their names."""

from __future__ import annotations

from typing import Any

from reactivepgm.graph.scope import ROOT, Scope
from reactivepgm.graph.site import Site, caller_site
from reactivepgm.graph.variable import Kind, VariableArray


class Namespace:
    """Declares arrays under unique names; what has no name yet is called ``_1``, ``_2``, ...

    Example:
        >>> names = Namespace()
        >>> names.declare(None, "x", "random", (), None).name, names.declare(None, "x", "random", (), None).name
        ('x', 'x_2')
    """

    def __init__(self) -> None:
        self.arrays: list[VariableArray] = []
        self.known_data: dict[str, Any] = {}
        """Data whose values are known while the model is built."""
        self._names: dict[str, VariableArray] = {}
        self._anonymous = 0
        self._scopes: dict[str, int] = {}

    def declare(
        self,
        builder: Any,
        name: str | None,
        kind: Kind,
        shape: tuple[int, ...],
        site: Site | None,
        scope: Scope = ROOT,
    ) -> VariableArray:
        """A new array; a taken name gets a number."""
        anonymous = name is None
        if name is None:
            self._anonymous += 1
            name = f"_{self._anonymous}"
        site = caller_site() if site is None else site
        unique = self._unique(name)
        array = VariableArray(len(self.arrays), unique, kind, shape, site, anonymous=anonymous, builder=builder, scope=scope)
        self.arrays.append(array)
        self._names[unique] = array
        return array

    def enter(self, outer: Scope, model: str) -> Scope:
        """A new scope for a model that is called inside another; the second one of a name gets a number.

        Example:
            >>> names = Namespace()
            >>> names.enter(ROOT, "step").name, names.enter(ROOT, "step").name
            ('step', 'step_2')
        """
        base = outer.prefix + model
        count = self._scopes[base] = self._scopes.get(base, 0) + 1
        return Scope((*outer.path, model if count == 1 else f"{model}_{count}"), (*outer.models, model))

    def rename(self, array: VariableArray, name: str) -> None:
        """Give an anonymous array the name under which the model keeps it."""
        if not array.anonymous:
            return
        del self._names[array.name]
        value = self.known_data.pop(array.name, None)
        array.name, array.anonymous = self._unique(name), False
        self._names[array.name] = array
        if value is not None:
            self.known_data[array.name] = value

    def release(self, array: VariableArray) -> None:
        """Take an array's name away, so that another may have it."""
        del self._names[array.name]
        self._anonymous += 1
        array.name, array.anonymous = f"_{self._anonymous}", True
        self._names[array.name] = array

    def _unique(self, name: str) -> str:
        if name not in self._names:
            return name
        number = 2
        while f"{name}_{number}" in self._names:
            number += 1
        return f"{name}_{number}"
