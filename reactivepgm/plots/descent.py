"""Free energy over iterations, one curve for each run, each as the distance above the lowest of all.

excess(i) = F(i) - min F, drawn on a logarithmic axis: a straight line is a constant rate of convergence
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reactivepgm.plots.canvas import COLOURS, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def free_energy(runs: Mapping[str, Any], *, excess: bool = False, axes: "Axes | None" = None) -> "Axes":
    """Draws how the free energy of each run falls.

    Runs compare only where they share model and data; then the lower curve is the tighter bound on -log evidence.

    Args:
        runs: For each label, the free energies, shape (iterations,).
        excess: Draw the distance above the lowest value on a logarithmic axis instead of the value itself.
        axes: Where to draw; None makes a new figure.

    Returns:
        The axes that were drawn on.

    Raises:
        ValueError: There is no run.

    Example:
        >>> axes = free_energy({"mean field": [5.0, 3.0, 2.5], "structured": [4.0, 2.0, 1.5]})
        >>> axes.lines[1].get_ydata().tolist()
        [4.0, 2.0, 1.5]
    """
    curves = {label: np.asarray(values, dtype=float) for label, values in runs.items()}
    if not curves:
        raise ValueError("no free energies to draw: run infer(..., free_energy=True)")
    place = canvas(axes, width=6.0)
    lowest = min(float(values.min()) for values in curves.values())
    for i, (label, values) in enumerate(curves.items()):
        heights = values - lowest if excess else values
        # The lowest value itself has no place on a logarithmic axis.
        shown = np.where(heights > 0, heights, np.nan) if excess else heights
        place.plot(np.arange(1, len(values) + 1), shown, color=COLOURS[i % len(COLOURS)], label=label)
    if excess:
        place.set_yscale("log")
    place.set_xlabel("iteration")
    place.set_ylabel("free energy above the lowest (nats)" if excess else "free energy (nats)")
    place.legend(frameon=False)
    return place
