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

    __slots__ = ("created", "drafts", "keywords", "labels", "latest", "options", "scope", "site", "target")

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

    def remember(self, draft: FamilyDraft, target: Any, options: Any) -> None:
        """What the next row will most likely be."""
        self.latest = draft
        self.target = target
        self.options = options

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
        array, latest = self.created, self.latest
        if array is None or latest is None or array.builder is None:
            return None
        out = Reference(array, array.grow(1), ())
        if latest.append(out, arguments):
            return out
        array.grow(-1)
        return None
