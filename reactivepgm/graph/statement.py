"""One statement of a model while it runs: its families by kind, and the variables it creates."""

from __future__ import annotations

from math import prod
from typing import Any

from reactivepgm.graph.draft import FamilyDraft
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.scope import ROOT, Scope
from reactivepgm.graph.site import Site
from reactivepgm.graph.term import Shape
from reactivepgm.graph.variable import VariableArray


class Statement:
    """The place in the source that makes factors.

    Args:
        site: file, line and text.
        labels: the texts of the statement's arguments, by position (0 is the target) or keyword, so that ``q(...)``
            may name them.
        scope: the instance of a model inside the model that it belongs to.
    """

    __slots__ = ("created", "drafts", "keywords", "labels", "latest", "options", "scope", "similar", "site", "target")

    def __init__(self, site: Site, labels: dict[int | str, str] | None = None, scope: Scope = ROOT) -> None:
        self.site = site
        self.scope = scope
        self.labels = labels or {}
        self.drafts: dict[Any, FamilyDraft] = {}
        self.created: VariableArray | None = None
        self.latest: FamilyDraft | None = None
        self.target: Any = None
        self.options: Any = None
        self.keywords: tuple[str, ...] = ()
        self.similar: list[FamilyDraft] = []
        """The drafts that differ from the latest one in the kinds of their arguments only."""

    def remember(self, draft: FamilyDraft, target: Any, options: Any) -> None:
        """What the next row will most likely be."""
        if target is not self.target or not _are_identical(options, self.options):
            self.similar = [draft]
        elif draft not in self.similar:
            self.similar = [*self.similar, draft]
        self.latest = draft
        self.target = target
        self.options = options

    def append(self, out: Any, arguments: Any) -> bool:
        """Append one row to the latest draft, or to a similar one; nothing happens where it is of another kind."""
        latest = self.latest
        if latest is None:
            return False
        if latest.append(out, arguments):
            return True
        return self._append_to_similar(latest, out, arguments)

    def append_element(self, array: VariableArray, element: int, arguments: Any) -> bool:
        """The same where the output is an element of an array, by its number."""
        latest = self.latest
        if latest is None:
            return False
        if latest.append_element(array, element, arguments):
            return True
        return self._append_to_similar(latest, Reference(array, element, ()), arguments)

    def _append_to_similar(self, latest: FamilyDraft, out: Any, arguments: Any) -> bool:
        if len(self.similar) > 1:
            for draft in self.similar:
                if draft is not latest and draft.append(out, arguments):
                    self.latest = draft
                    return True
        return False

    def new_elements(self, builder: Any, name: str | None, shape: Shape) -> Reference:
        """Variables for the output; further runs of the statement enlarge the same array."""
        array = self.created
        if array is None or array.builder is None:
            created: Reference = builder.random(name, shape, self.site)
            self.created = created.array
            return created
        return Reference(array, array.grow(prod(shape), shape), shape)

    def repeated(self, arguments: Any) -> Reference | None:
        """One more row like the last one, with a new variable for its output; None where the row is of another kind."""
        array = self.created
        if array is None or self.latest is None or array.builder is None:
            return None
        element = array.grow(1)
        if self.append_element(array, element, arguments):
            return Reference(array, element, ())
        array.grow(-1)
        return None


def _are_identical(left: Any, right: Any) -> bool:
    """Whether two sets of options are the same objects."""
    return left is not None and right is not None and all(a is b for a, b in zip(left, right, strict=True))
