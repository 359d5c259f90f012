"""A place to draw: the axes that the caller gave, or new ones on a figure of their own."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#1f5fa8", "#d1602b", "#3d8c40", "#7a4fa3", "#8c6d31", "#444444")
"""Blue, orange, green, purple, brown, grey; with a line style each they stay apart in print and to the colour-blind."""


def canvas(axes: "Axes | None", width: float = 8.0, height: float = 4.0) -> "Axes":
    """Returns the axes, made on a new figure when there are none.

    The figure does not go through pyplot, so drawing touches no global state and needs no display.

    Args:
        axes: Where to draw, or None.
        width: Width of a new figure in inches.
        height: Height of a new figure in inches.

    Raises:
        ImportError: matplotlib is not installed.

    Example:
        >>> canvas(None, width=4.0).figure.get_size_inches().tolist()
        [4.0, 4.0]
    """
    if axes is not None:
        return axes
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("reactivepgm.plots draws with matplotlib: pip install 'reactivepgm[plots]'") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    drawn: Axes = figure.subplots()
    return drawn
