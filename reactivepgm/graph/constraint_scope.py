"""Constraints that hold inside a submodel, in every instance of it."""

from __future__ import annotations

from typing import Any

from reactivepgm.errors import ConstraintError
from reactivepgm.graph.site import Site, caller_site


class Within:
    """Constraints for all instances of a submodel; names are those that its variables have inside.

    Args:
        path: the submodel's name, an instance's (``step_2``), or a dotted path to one.
        *constraints: texts or objects, later ones on top of earlier ones.
        text: as it was written.
        site: where it was written.
    """

    def __init__(self, path: str, *constraints: Any, text: str | None = None, site: Site | None = None) -> None:
        if not isinstance(path, str):
            raise ConstraintError(f"within takes a submodel's name first, not {path!r}\n  write  within(\"step\", MeanField())")
        if not constraints:
            raise ConstraintError(f"within({path!r}) holds no constraint\n  write  within({path!r}, MeanField())")
        self.path = path
        self.constraints = constraints
        self.site = site or caller_site()
        self.text = text or repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Within) and (self.path, self.constraints) == (other.path, other.constraints)

    def __hash__(self) -> int:
        return hash((type(self), self.path))

    def __repr__(self) -> str:
        return f"Within({self.path!r}, {', '.join(map(repr, self.constraints))})"


def within(path: str, *constraints: Any) -> Within:
    """Constraints for every instance of a submodel; the defaults of a submodel, when they stand first in a list.

    Args:
        path: the submodel's name, an instance's (``step_2``), or a dotted path to one.
        *constraints: what ``constraints=`` takes.

    Raises:
        ConstraintError: no constraint.

    Example:
        >>> from reactivepgm.graph import MeanField
        >>> within("step", MeanField(), "q(a, b) = q(a, b)")
        Within('step', MeanField(), 'q(a, b) = q(a, b)')
    """
    return Within(path, *constraints)
