"""What tells one model from another: statement by statement, with the constants, so that a difference can be named."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from reactivepgm.errors import StorageError
from reactivepgm.graph import Family, FixedBinding, Graph, VariableArray

Shown = dict[str, Any]


def fingerprint(graph: Graph, iterations: int, when: str) -> Shown:
    """A graph and the options that results depend on, as JSON.

    Args:
        graph: the model, built.
        iterations: updates an observation.
        when: what partial observations do.
    """
    return {
        "options": {"iterations": str(iterations), "when": when},
        "variables": {f"{a.kind} {a.name}": _shape(a) for a in graph.arrays if a.size or a.kind == "data"},
        "statements": [[f.site.text, _family(f)] for f in graph.families],
        "forms": [repr(form) for form in graph.forms] if graph.forms else [],
    }


def check_fingerprint(path: str, saved: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Compare with what was saved.

    Raises:
        StorageError: they differ; the message names the first difference.
    """
    told = _difference(saved, found)
    if told is not None:
        raise StorageError(f"{path} is of another model: {told}\n  write  the same model and options as when it was saved")


def _difference(saved: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    for kind, what in (("options", "{}"), ("variables", "the shape of {}")):
        for name in dict.fromkeys((*saved[kind], *found[kind])):
            before, now = saved[kind].get(name), found[kind].get(name)
            if before != now:
                if None in (before, now):
                    return f"it has {name}, this one has not" if now is None else f"it has no {name}, this one has"
                return f"{what.format(name)} was {before}, is {now}"
    for (text, before), (also, now) in zip(saved["statements"], found["statements"], strict=False):
        for name in dict.fromkeys((*before, *now)):
            if before.get(name) != now.get(name):
                return f"`{name}` of  {text}  was {before.get(name)}, is {now.get(name)}  in  {also}"
    if len(saved["statements"]) != len(found["statements"]):
        return f"it has {len(saved['statements'])} statements, this one {len(found['statements'])}"
    if saved["forms"] != found["forms"]:
        return f"the forms were {saved['forms']}, are {found['forms']}"
    return None


def _shape(array: VariableArray) -> str:
    return str((*array.shape, *(array.value_shape or ())) if array.kind == "data" else array.shape)


def _family(family: Family) -> Shown:
    shown: Shown = {
        "node": family.node.name,
        "rows": str(family.rows),
        "factorisation": " ".join(f"q({', '.join(cluster)})" for cluster in family.clusters),
        "meta": _value(family.option),
    }
    for name, binding in family.bindings.items():
        if isinstance(binding, FixedBinding) and not binding.names:
            shown[name] = _value(binding.resolve({}).value)
        elif isinstance(binding, FixedBinding):
            shown[name] = f"data {', '.join(binding.names)} {_parts(binding.source.canonical(family.rows))}"
        else:
            shown[name] = f"{binding.array.name} {_value(binding.index)}"
    return shown


def _parts(canonical: tuple[Any, ...]) -> str:
    return _value([_value(part) for part in canonical])


def _value(value: Any) -> str:
    """A value as text: small ones as they are, large arrays by a digest; what has an address by its class."""
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"({', '.join(_value(part) for part in value)})"
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.size <= 9 and array.dtype.kind in "biuf":
            return repr(array.tolist())
        if array.dtype.kind != "O":
            return f"array{array.shape} {hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]}"
    if callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__name__)}"
    text = repr(value)
    return type(value).__qualname__ if " at 0x" in text else text
