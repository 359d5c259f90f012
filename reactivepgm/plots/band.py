"""A belief about a curve, drawn as its mean and a band of two standard deviations on either side.

band = mean ± width · sd;  for a Gaussian and width 2 it holds 95.4 % of the belief at each point
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from reactivepgm.plots.canvas import COLOURS, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = ("-", "--", ":", "-.")


@runtime_checkable
class Belief(Protocol):
    """Whatever has a mean and a standard deviation, such as a batch of normal distributions."""

    @property
    def mean(self) -> Any:
        """Mean, shape (n,) or (n, d)."""

    @property
    def std(self) -> Any:
        """Standard deviation, shaped like the mean."""


def band(
    x: Any,
    belief: "Belief | tuple[Any, Any]",
    *,
    component: int = 0,
    width: float = 2.0,
    label: str | None = None,
    color: str = COLOURS[0],
    linestyle: str = "-",
    axes: "Axes | None" = None,
) -> "Axes":
    """Draws one belief over x.

    Args:
        x: Positions, shape (n,).
        belief: A batch of n distributions, or the pair (mean, standard deviation) of arrays (n,) or (n, d).
        component: Which of the d coordinates to draw.
        width: Half the band's width in standard deviations.
        label: What the legend says; None leaves the curve out of it.
        color: Colour of the line and, paler, of the band.
        linestyle: Style of the line.
        axes: Where to draw; None makes a new figure.

    Returns:
        The axes that were drawn on.

    Raises:
        ValueError: x and the belief differ in length.

    Example:
        >>> axes = band([0.0, 1.0], ([1.0, 2.0], [0.5, 0.5]), label="level")
        >>> axes.lines[0].get_ydata().tolist()
        [1.0, 2.0]
    """
    positions = np.asarray(x)
    mean, std = _moments(belief, component)
    if mean.shape != positions.shape:
        raise ValueError(f"x has shape {positions.shape}, the mean {mean.shape}: one position for each element")
    place = canvas(axes)
    place.fill_between(positions, mean - width * std, mean + width * std, color=color, alpha=0.18, linewidth=0)
    place.plot(positions, mean, color=color, linestyle=linestyle, label=label)
    return place


def level(
    x: Any,
    beliefs: "Mapping[str, Belief | tuple[Any, Any]]",
    observations: Any = None,
    *,
    component: int = 0,
    width: float = 2.0,
    marks: Sequence[float] = (),
    title: str | None = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
    axes: "Axes | None" = None,
) -> "Axes":
    """Draws several beliefs about the same level over one another, with the observations behind them.

    Args:
        x: Positions, shape (n,).
        beliefs: For each label, a batch of n distributions or the pair (mean, standard deviation).
        observations: Observed values, shape (n,); NaN leaves a gap.
        component: Which coordinate to draw of beliefs that have several.
        width: Half the bands' width in standard deviations.
        marks: Positions of vertical lines, each with its number.
        title: Title of the picture.
        xlabel: Name of x, with its unit.
        ylabel: Name of the level, with its unit.
        axes: Where to draw; None makes a new figure.

    Returns:
        The axes that were drawn on.

    Example:
        >>> axes = level([0, 1], {"a": ([1.0, 2.0], [0.1, 0.1]), "b": ([1.5, 1.5], [0.3, 0.3])}, [1.1, 1.9])
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['observations', 'a', 'b']
    """
    place = canvas(axes)
    if observations is not None:
        place.plot(np.asarray(x), np.asarray(observations), "o", color="0.45", markersize=3, label="observations")
    for i, (label, belief) in enumerate(beliefs.items()):
        color, style = COLOURS[i % len(COLOURS)], _LINES[i % len(_LINES)]
        band(x, belief, component=component, width=width, label=label, color=color, linestyle=style, axes=place)
    for position in marks:
        place.axvline(position, color="0.6", linewidth=0.8, linestyle=":")
        # x in data units, y in units of the axes: the number stands at the foot of its line.
        place.text(position, 0.02, f" {position:g}", color="0.4", fontsize="small", transform=place.get_xaxis_transform())
    if title is not None:
        place.set_title(title)
    if xlabel is not None:
        place.set_xlabel(xlabel)
    if ylabel is not None:
        place.set_ylabel(ylabel)
    place.legend(frameon=False)
    return place


def _moments(belief: "Belief | tuple[Any, Any]", component: int) -> tuple[Any, Any]:
    """Mean and standard deviation as float arrays (n,)."""
    pair = belief if isinstance(belief, tuple) else (belief.mean, belief.std)
    mean, std = (np.asarray(moment, dtype=float) for moment in pair)
    mean, std = np.broadcast_arrays(mean, std)
    return (mean[..., component], std[..., component]) if mean.ndim > 1 else (mean, std)
