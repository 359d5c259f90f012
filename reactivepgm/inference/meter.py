"""A bar on stderr for long reading: in a terminal by itself, in a pipe only on request."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_EVERY = 0.1
"""Seconds between two drawings."""


@contextmanager
def meter(progress: bool | None, stream: Any, count: Callable[[], int]) -> Iterator[Callable[[], None] | None]:
    """What to call after every observation, or None where no bar is shown.

    Args:
        progress: whether to show a bar; None for in a terminal only.
        stream: what is read; its length, if it has one, is the bar's.
        count: how many observations were taken in.
    """
    if not (sys.stderr.isatty() if progress is None else progress):
        yield None
        return
    total = len(stream) if hasattr(stream, "__len__") and hasattr(stream, "__getitem__") else None
    known = Progress.get_default_columns()[:-1]
    columns = known if total is not None else (SpinnerColumn(), TextColumn("{task.description}"))
    told = TextColumn("{task.completed:.0f} observations")
    with Progress(*columns, told, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total)
        last = time.monotonic()

        def advance() -> None:
            nonlocal last
            now = time.monotonic()
            if now - last > _EVERY:
                last = now
                bar.update(task, completed=count())

        yield advance
        bar.update(task, completed=count())
