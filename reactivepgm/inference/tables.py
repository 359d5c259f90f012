"""Tables and numbers as plain text."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table


def rendered(table: Table, width: int = 110) -> str:
    """A rich table as plain text."""
    stream = io.StringIO()
    # In a notebook's kernel a console would show the table by itself, and write nothing to the stream.
    Console(file=stream, width=width, color_system=None, force_terminal=False, force_jupyter=False).print(table)
    return stream.getvalue().rstrip()


def brief(value: Any) -> str:
    """A number or an array in a few characters: short arrays whole, long ones by their ends.

    Example:
        >>> brief(np.arange(100.0))
        '0, 1, ... 99'
    """
    if value is None:
        return "-"
    flat = np.ravel(np.asarray(value, dtype=float))
    if flat.size <= 4:
        return ", ".join(f"{x:.4g}" for x in flat)
    return f"{flat[0]:.4g}, {flat[1]:.4g}, ... {flat[-1]:.4g}"
