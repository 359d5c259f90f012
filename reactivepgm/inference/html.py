"""Results, comparisons and explanations in HTML: the same tables as in the terminal, for a notebook's page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from reactivepgm.distributions.html import html_table, preformatted

if TYPE_CHECKING:
    from reactivepgm.inference.explain import Explanation


def html_of_table(table: Table, title: str = "") -> str:
    """A rich table with the same cells, title and caption.

    Example:
        >>> table = Table("name", title="a < b")
        >>> table.add_row("x")
        >>> "a &lt; b" in html_of_table(table)
        True
    """
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    rows: Iterable[Sequence[Any]] = zip(*columns, strict=True)
    numbers = [k for k, column in enumerate(table.columns) if column.justify == "right"]
    headings = [_plain(column.header) for column in table.columns]
    return html_table(headings, rows, title=title or _plain(table.title), note=_plain(table.caption), numbers=numbers)


def html_of_result(table: Table, free_energy: NDArray[np.float64]) -> str:
    """The posteriors, and the course of the free energy where there is one."""
    return f"<div>{html_of_table(table)}{sparkline(free_energy)}</div>"


def sparkline(values: NDArray[np.float64]) -> str:
    """A line in the colour of the text, first and last value beside it; nothing for fewer than two finite values.

    Example:
        >>> sparkline(np.array([3.0, 2.0, 1.5])).count("polyline")
        1
        >>> sparkline(np.array([3.0]))
        ''
    """
    finite = np.asarray(values, dtype=float)[np.isfinite(values)]
    if finite.size < 2:
        return ""
    low, high = float(finite.min()), float(finite.max())
    x = np.linspace(1.0, 119.0, finite.size)
    y = 23.0 - 22.0 * (finite - low) / ((high - low) or 1.0)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.2"/>'
    picture = f'<svg width="120" height="24" viewBox="0 0 120 24" style="vertical-align:middle">{line}</svg>'
    style = "font-size:12px;padding:4px 8px"
    return f"<div style='{style}'>free energy {finite[0]:.6g} {picture} {finite[-1]:.6g} nats</div>"


def _plain(content: Any) -> str:
    if content is None:
        return ""
    return content.plain if isinstance(content, Text) else Text.from_markup(str(content)).plain


def html_of_explanation(explanation: Explanation) -> str:
    """The updates, then a table for every family."""
    graph = explanation.graph
    parts = [html_of_table(explanation.updates_table(), "one iteration, in order")]
    for number in explanation.rules:
        family = graph.family(number)
        parts.append(html_of_table(explanation.rules_table(family), explanation.title(family)))
    parts += [preformatted(text) for text in (*(f"missing: {m}" for m in explanation.missing), *explanation.notes)]
    return "<div>" + "".join(f"<div style='margin:4px 0 12px'>{part}</div>" for part in parts) + "</div>"
