"""A factor that has its ``~`` and waits for the element it is stored in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reactivepgm.graph.site import Site


class AwaitedFactor:
    """What ``~F(...)`` gives in ``x[t] = ~F(...)`` where nobody knows yet which element that is.

    Args:
        site: the statement.
        spelled: the factor as messages call it.
        tie: what makes the factor, given the array of variables and the index.
    """

    __slots__ = ("_tie", "is_drawn", "site", "spelled")

    def __init__(self, site: Site, spelled: str, tie: Callable[[Any, Any], Any]) -> None:
        self.site = site
        self.spelled = spelled
        self._tie = tie
        self.is_drawn = False

    def tie(self, container: Any, key: Any) -> None:
        """``container[key]`` is where it is stored."""
        self._tie(container, key)
        self.is_drawn = True

    def letter(self) -> str:
        """What to say when it is stored in something else than an array of variables."""
        return self.site.letter(
            f"{self.spelled} was drawn into something that is no array of variables",
            write="x = randomvar(n)  before x[t] = ~...",
        )

    def __repr__(self) -> str:
        return f"<{self.spelled}, waiting for its element>"
