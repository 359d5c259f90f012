"""Values as JSON and arrays, and back: numbers, texts, containers, distributions; anything else as the text it shows.

Arrays go to a table beside the JSON and are named there. A value that is no such thing is kept as an ``Opaque``: what it
looked like, and nothing that runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from reactivepgm.distributions import Distribution, Factorized, LogDensity, ProductOfDensities
from reactivepgm.errors import StorageError


class Opaque:
    """What stands where a value could not be stored: it looks like the value did, and does nothing.

    Example:
        >>> kept = Opaque("<function f at 0x7f00>")
        >>> kept
        <function f at 0x7f00>
        >>> kept(1.0)
        Traceback (most recent call last):
        ...
        reactivepgm.errors.StorageError: <function f at 0x7f00> was not stored with the result, only how it looked
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Nothing: always a StorageError."""
        raise StorageError(f"{self.text} was not stored with the result, only how it looked")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return self.text


class Writer:
    """Turns values into JSON; ``arrays`` collects what does not belong there.

    Example:
        >>> writer = Writer()
        >>> writer.value((1, np.zeros(2)))
        {'tuple': [1, {'array': 'a0'}]}
        >>> list(writer.arrays)
        ['a0']
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []

    def array(self, value: Any) -> str:
        """The name under which an array is kept; one array is kept once."""
        if id(value) not in self._names:
            self._names[id(value)] = name = f"a{len(self.arrays)}"
            self.arrays[name] = np.asarray(value)
            self._kept.append(value)  # an array that is gone could leave its id to another
        return self._names[id(value)]

    def value(self, value: Any, *, opaque: bool = True) -> Any:
        """A value as JSON.

        Args:
            value: anything.
            opaque: whether what cannot be stored is kept as its text; else it is refused.

        Raises:
            StorageError: it cannot be stored and must not be kept as its text.
        """
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, np.ndarray) and type(value) is np.ndarray and value.dtype.kind in "biufc":
            return {"array": self.array(value)}
        if isinstance(value, np.generic) and value.dtype.kind in "biufc":
            return {"scalar": self.array(value)}
        if type(value) in (tuple, list):
            return {type(value).__name__: [self.value(part, opaque=opaque) for part in value]}
        if type(value) is dict:
            return {"dict": [[self.value(k, opaque=opaque), self.value(v, opaque=opaque)] for k, v in value.items()]}
        if isinstance(value, Distribution) and (not opaque or _is_storable(value)):
            return {"distribution": self.distribution(value)}
        if not opaque:
            raise StorageError(f"a {type(value).__name__} cannot be stored: {value!r}")
        return {"opaque": repr(value)}

    def distribution(self, belief: Distribution) -> dict[str, Any]:
        """A distribution by its class and its parameters.

        Raises:
            StorageError: it holds a function, or its class is not to be found again.
        """
        if isinstance(belief, Factorized):
            return {"class": "Factorized", "factors": self.value(dict(belief.factors), opaque=False)}
        if isinstance(belief, ProductOfDensities):
            return {"class": "ProductOfDensities", "factors": self.value(tuple(belief.factors), opaque=False)}
        name = type(belief).__name__
        if isinstance(belief, LogDensity):
            raise StorageError(f"{belief!r} holds a function, which cannot be stored; constrain the belief's form to a family")
        if distribution_classes().get(name) is not type(belief):
            raise StorageError(f"{name} is not a distribution class that could be found again by its name")
        stored = {"class": name, "parameters": {k: self.value(v, opaque=False) for k, v in belief.parameters.items()}}
        if hasattr(belief, "event_rank"):
            stored["event_rank"] = belief.event_rank
        return stored


class Reader:
    """Turns JSON back into values.

    Args:
        arrays: the table that the writer collected.
    """

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.arrays = arrays

    def array(self, name: Any) -> Any:
        """An array of the table."""
        if not isinstance(name, str) or name not in self.arrays:
            raise StorageError(f"the file has no array {name!r}")
        return self.arrays[name]

    def value(self, stored: Any) -> Any:
        """The value that was stored.

        Raises:
            StorageError: this is nothing that a Writer writes.

        Example:
            >>> Reader({"a0": np.zeros(2)}).value({"tuple": [1, {"array": "a0"}]})
            (1, array([0., 0.]))
        """
        if stored is None or type(stored) in (bool, int, str, float):
            return stored
        if isinstance(stored, dict) and len(stored) == 1:
            ((kind, inside),) = stored.items()
            if kind == "float" and inside in ("nan", "inf", "-inf"):
                return float(inside)
            if kind == "array":
                return self.array(inside)
            if kind == "scalar":
                return self.array(inside)[()]
            if kind in ("tuple", "list") and isinstance(inside, list):
                parts = [self.value(part) for part in inside]
                return tuple(parts) if kind == "tuple" else parts
            if kind == "dict" and isinstance(inside, list):
                return {self.value(key): self.value(value) for key, value in inside}
            if kind == "distribution":
                return self.distribution(inside)
            if kind == "opaque":
                return Opaque(str(inside))
        raise StorageError(f"the file holds a value that cannot be read: {str(stored)[:80]}")

    def distribution(self, stored: Any) -> Distribution:
        """A distribution from its class and its parameters; its constructor checks them.

        Raises:
            StorageError: a class that is not known, or parameters that do not fit it.
        """
        name = stored["class"]
        found = distribution_classes().get(name)
        if found is None:
            raise StorageError(f"{name} is no distribution that is known here; import the module that defines it, then load")
        if "factors" in stored:
            return found(self.value(stored["factors"]))
        arguments = {key: self.value(value) for key, value in stored["parameters"].items()}
        if "event_rank" in stored:
            arguments["event_rank"] = int(stored["event_rank"])
        return found(**arguments)


def distribution_classes() -> dict[str, type[Distribution]]:
    """All distribution classes there are, by name; the library's own come first.

    Example:
        >>> "Beta" in distribution_classes()
        True
    """
    classes: dict[str, type[Distribution]] = {}
    pending = list(Distribution.__subclasses__())
    while pending:
        found = pending.pop(0)
        pending += found.__subclasses__()
        if found.__name__ not in classes or found.__module__.startswith("reactivepgm."):
            classes[found.__name__] = found
    return classes


def _is_storable(belief: Distribution) -> bool:
    try:
        Writer().distribution(belief)
    except StorageError:
        return False
    return True
