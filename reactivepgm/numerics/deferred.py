"""Libraries that are imported when they are first used: SciPy alone would be half of what ``import reactivepgm`` costs."""

import importlib
from typing import Any


class Deferred:
    """Stands for a module until one of its names is asked for.

    Args:
        name: of the module.

    Example:
        >>> fractions = Deferred("fractions")
        >>> fractions.Fraction(1, 2)
        Fraction(1, 2)
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        # Kept, so that this is asked once for each name.
        value = self.__dict__[name] = getattr(importlib.import_module(self._name), name)
        return value

    def __repr__(self) -> str:
        return f"<{self._name}, when it is used>"
