"""Data of a stitched step as point masses: single numbers, and expressions over them, without going through their binding."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from reactivepgm.distributions import PointMass
from reactivepgm.errors import InvalidParameterError
from reactivepgm.graph import Family, FixedBinding
from reactivepgm.graph.derived import Derived, DerivedSource, arguments_first
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.source import DataSource
from reactivepgm.plan.script import Script, Slot

CONDITIONS = {
    "positive": "{0} > 0.0",
    "nonnegative": "{0} >= 0.0",
    "unit": "0.0 <= {0} <= 1.0",
    "binary": "{0} == 0.0 or {0} == 1.0",
    "count": "{0} >= 0.0 and {0} == {0} // 1.0",
    "category": "{0} >= 0.0 and {0} == {0} // 1.0",
}


def point_of(script: Script, inputs: Mapping[str, Slot], family: Family, name: str, binding: FixedBinding) -> Slot:
    """The slot of a clamped interface's value.

    Args:
        script: where it is recorded.
        inputs: the slots of the data by name.
        family: whose interface.
        name: the interface.
        binding: what it is bound to, with data in it.
    """
    support = family.node.interface(name).support
    number = _number(script, inputs, binding) if support is None or support in CONDITIONS else None
    if number is None or type(script.values[number]) is not float or not _is_read(script, inputs, binding, number):
        return script.call(partial(_resolved, binding, binding.names), *(inputs[n] for n in binding.names))
    if support is not None:
        script.check(CONDITIONS[support], number, partial(_refuse, family, name))
    return script.call(PointMass._of, number)


def _number(script: Script, inputs: Mapping[str, Slot], binding: FixedBinding) -> Slot | None:
    """The slot of a datum or of an expression over data; None where these are no plain numbers."""
    if any(type(script.values[inputs[name]]) is not float for name in binding.names):
        return None
    source = binding.source
    if isinstance(source, DataSource):
        return inputs[binding.names[0]]
    if not isinstance(source, DerivedSource) or source.is_rowwise:
        return None
    (root,) = source.expressions
    found: dict[int, Slot] = {}
    for part in arguments_first(source.expressions):
        slots = []
        for argument in part.args:
            if isinstance(argument, Derived):
                slots.append(found[id(argument)])
            elif isinstance(argument, Reference) and argument.array.kind == "data":
                slots.append(inputs[argument.array.name])
            elif type(argument) in (float, int):
                slots.append(script.constant(argument))
            else:
                return None
        if part.kwargs:
            return None
        found[id(part)] = script.call(part.function, *slots)
    return found.get(id(root))


def _is_read(script: Script, inputs: Mapping[str, Slot], binding: FixedBinding, number: Slot) -> bool:
    """Whether the binding makes the same number of the example: no index into it, nothing beside it."""
    examples = {name: script.values[inputs[name]] for name in binding.names}
    return bool(binding.resolve(examples).value == script.values[number])


def _resolved(binding: FixedBinding, names: tuple[str, ...], *values: Any) -> PointMass:
    return binding.resolve(dict(zip(names, values, strict=True)))


def _refuse(family: Family, name: str, value: float) -> None:
    raise InvalidParameterError(
        f"{name} of {family.node.name} is {value}: outside its support ({family.node.interface(name).support})\n"
        f"  at   {family.site}"
    )
