"""A plural interface whose components are unlike, as the arguments of a function: each is an interface of its own.

m_in = (a, b)                 m_in1 = a, m_in2 = b
m_in = (a, b), toward in 1    m_in1 = a, m_in3 = b            the component that is the target is left out, from 0
m_in = a, toward in 1         m_in2 = a                       the message on the target's own edge
"""

from collections.abc import Mapping
from typing import Any

from reactivepgm.nodes import Node
from reactivepgm.rulebook.signature import canonical_role


def numbered_inputs(node: Node, to: str, index: int | None, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The target and the inputs under the names of the components; None stands for an input that is not there.

    Args:
        node: the factor's node.
        to: the target.
        index: the target's component, where it is a plural interface.
        inputs: as a caller writes them.

    Example:
        >>> from reactivepgm.nodes import Delta
        >>> numbered_inputs(Delta(max), "in", 0, {"m_in": ("a",), "m_out": "b"})
        ('in1', {'m_in2': 'a', 'm_out': 'b'})
    """
    plural = next((i for i in node.interfaces if i.plural and i.name == node.numbered), None)
    if plural is None:
        return to, dict(inputs)
    is_toward = to != "" and plural.answers_to(to)
    if is_toward and index is None:
        index = 0
    found: dict[str, Any] = {}
    for name, value in inputs.items():
        role = canonical_role(node, name)
        if value is None:
            continue
        if isinstance(value, tuple) and role in (f"m_{plural.name}", f"q_{plural.name}"):
            numbers = [k for k in range(len(value) + is_toward) if not (is_toward and k == index)]
            found.update({f"{role}{k + 1}": part for k, part in zip(numbers, value, strict=True)})
        elif is_toward and index is not None and role == f"m_{plural.name}":
            found[f"{role}{index + 1}"] = value
        else:
            found[role] = value
    return (f"{plural.name}{(index or 0) + 1}" if is_toward else to), found
