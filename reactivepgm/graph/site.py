"""Where in the user's source a variable, a factor or an error belongs."""

from __future__ import annotations

import linecache
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

_INSIDE = (__name__.partition(".")[0], "numpy")
"""Where no user writes: this library, and the one whose functions call back into it."""


@dataclass(frozen=True, slots=True)
class Site:
    """A statement: its file, its line and its text.

    Example:
        >>> print(Site("coin.py", 14, "x = ~Beta(1.0, 1.0)"))
        coin.py:14   x = ~Beta(1.0, 1.0)
    """

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{_shortened(self.file)}:{self.line}   {self.text}"

    def letter(self, complaint: str, *, write: str | None = None) -> str:
        """An error message: what was met, where, and what to write instead.

        Example:
            >>> print(Site("coin.py", 3, "y[0] = ~Bernoulli(p)").letter("no y", write="y = randomvar(n)"))
            no y
              at   coin.py:3   y[0] = ~Bernoulli(p)
              write  y = randomvar(n)
        """
        lines = [complaint, f"  at   {self}"]
        if write is not None:
            lines.append(f"  write  {write}")
        return "\n".join(lines)


def _shortened(file: str) -> str:
    """The path from the working directory where that is shorter."""
    if not Path(file).is_absolute():
        return file
    try:
        relative = os.path.relpath(file)
    except ValueError:  # another drive on Windows
        return file
    return relative if len(relative) < len(file) else file


def user_frame() -> FrameType | None:
    """The innermost frame outside this library: the line the user wrote."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_inside(frame):
        frame = frame.f_back
    return frame


def _is_inside(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__", "")
    return bool(name.startswith(_INSIDE)) and name.partition(".")[0] in _INSIDE


def site_of(frame: FrameType | None) -> Site:
    """The site of a frame; unknown where there is none."""
    if frame is None:
        return Site("<unknown>", 0, "")
    file, line = frame.f_code.co_filename, frame.f_lineno
    return Site(file, line, linecache.getline(file, line).strip())


def caller_site() -> Site:
    """The site of the innermost frame outside this library.

    Example:
        >>> caller_site().line > 0
        True
    """
    return site_of(user_frame())


def operation_key(frame: FrameType | None) -> tuple[CodeType, int] | None:
    """What tells two operations apart, even on one line: the code object and the instruction in it."""
    return None if frame is None else (frame.f_code, frame.f_lasti)
