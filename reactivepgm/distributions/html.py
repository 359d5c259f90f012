"""Tables in HTML, and distributions as such: self-contained, without scripts, legible on a light and on a dark page.

Colours are the page's own: lines and quiet text are translucent, so they suit either background. All text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from reactivepgm.distributions.notation import abbreviated

if TYPE_CHECKING:
    from reactivepgm.distributions.base import Distribution

_LINE = "rgba(127,127,127,0.4)"
_ROWS = 6


def html_table(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", note: str = "", numbers: Iterable[int] = ()
) -> str:
    """A small table; what is not text is shown as text, and everything is escaped.

    Args:
        headings: the columns; none at all for a table without a head.
        rows: their cells.
        title: a line above.
        note: a quiet line below.
        numbers: the columns that stand right.

    Example:
        >>> "&lt;b&gt;" in html_table(["a"], [["<b>"]])
        True
    """
    right = set(numbers)
    head = "".join(_cell("th", text, k in right, "font-weight:600;opacity:0.75;") for k, text in enumerate(headings))
    body = "".join(
        "<tr style='background:transparent'>" + "".join(_cell("td", c, k in right, "") for k, c in enumerate(row)) + "</tr>"
        for row in rows
    )
    return (
        f"<div style='display:inline-block;max-width:100%;overflow-x:auto;font-size:13px;line-height:1.4'>"
        f"{_line(title, 'font-weight:600;padding:2px 8px 4px')}"
        f"<table style='border-collapse:collapse;border:0;margin:0;font-size:13px;color:inherit'>"
        f"{f'<thead><tr>{head}</tr></thead>' if headings else ''}<tbody>{body}</tbody></table>"
        f"{_line(note, 'opacity:0.65;font-size:12px;padding:4px 8px')}</div>"
    )


def _cell(tag: str, content: Any, is_number: bool, style: str) -> str:
    align = "right" if is_number else "left"
    figures = "font-variant-numeric:tabular-nums;" if is_number else ""
    text = escape(str(content)).replace("\n", "<br/>")
    return (
        f"<{tag} style='text-align:{align};vertical-align:top;padding:3px 8px;border:0;"
        f"border-bottom:1px solid {_LINE};color:inherit;{figures}{style}'>{text}</{tag}>"
    )


def _line(text: str, style: str) -> str:
    return f"<div style='{style};white-space:pre-wrap'>{escape(text)}</div>" if text else ""


def preformatted(text: str) -> str:
    """Text as it is, in a box that scrolls sideways.

    Example:
        >>> preformatted("a < b").endswith("a &lt; b</pre>")
        True
    """
    style = "font-size:12px;line-height:1.35;overflow-x:auto;color:inherit;background:transparent"
    return f"<pre style='{style}'>{escape(text)}</pre>"


def html_of(belief: Distribution) -> str:
    """A distribution: its parameters where it is one, the first and last rows' mean and deviation where it is many.

    Example:
        >>> from reactivepgm.distributions import Beta
        >>> "Beta" in html_of(Beta(2.0, 3.0))
        True
    """
    name = type(belief).__name__
    batch = belief.batch_shape
    if not batch:
        told = {parameter: abbreviated(value) for parameter, value in belief.parameters.items()}
        for label in ("mean", "std"):
            told.setdefault(label, _moment(belief, label))
        return html_table((), [(label, value) for label, value in told.items() if value], title=name)
    size = int(np.prod(batch))
    title = f"{name}, {' × '.join(map(str, batch))}"
    if size == 0:
        return html_table((), [], title=title)
    chosen = list(range(size)) if size <= _ROWS else [*range(_ROWS // 2), *range(size - _ROWS // 2, size)]
    moments = () if "p" in belief.parameters else ("mean", "std")  # of categories, probabilities say more
    columns = [label for label in moments if _moment(belief[(0,) * len(batch)], label)] or list(belief.parameters)
    rows = [_row(belief, np.unravel_index(k, batch), columns) for k in chosen]
    if size > _ROWS:
        rows.insert(_ROWS // 2, ["…"] + ["…"] * len(columns))
    event = belief.event_shape
    note = f"each of shape {event}" if event else ""
    return html_table(["", *columns], rows, title=title, note=note, numbers=range(1, len(columns) + 1))


def _row(belief: Distribution, index: tuple[Any, ...], columns: list[str]) -> list[str]:
    one = belief[tuple(int(i) for i in index)]
    cells = [_moment(one, column) or abbreviated(getattr(one, column, "-")) for column in columns]
    return [f"[{', '.join(str(int(i)) for i in index)}]", *cells]


def _moment(belief: Distribution, name: str) -> str:
    """A mean or a deviation in a few digits; nothing where there is none."""
    try:
        value = np.asarray(getattr(belief, name))
    except (AttributeError, NotImplementedError, TypeError, ValueError, np.linalg.LinAlgError):
        return ""
    if value.dtype == object or value.size > 64:
        return f"array {value.shape}" if value.size > 64 else ""
    return _figures(value)


def _figures(value: Any) -> str:
    if value.ndim == 0:
        return f"{float(value):.4g}"
    shown = [_figures(part) for part in (value if len(value) <= 4 else value[:3])]
    return f"[{', '.join([*shown, '…'] if len(value) > 4 else shown)}]"
