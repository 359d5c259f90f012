"""A filter at work, in the terminal: level, uncertainty and one-step-ahead errors, renewed with every observation.

Run it in a terminal; piped into a file it prints the last state only.
"""

import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from reactivepgm import Normal, infer_online, model


@model
def walk(y: Any, mean: Any, variance: Any) -> None:
    """One step of a random walk believed to be at N(mean, variance)."""
    before = ~Normal(mean=mean, variance=variance)
    level = ~Normal(mean=before, variance=0.05)
    y[...] = ~Normal(mean=level, variance=1.0)


def bar(value: float, low: float, high: float, width: int = 40) -> str:
    """A mark on a line."""
    place = int(np.clip((value - low) / (high - low), 0.0, 1.0) * (width - 1))
    return "·" * place + "●" + "·" * (width - 1 - place)


def main(n: int = 300, pause: float = 0.02, seed: int = 4) -> float:
    """Filters n observations and shows each.

    Args:
        n: Number of observations.
        pause: Seconds between them.
        seed: Of the random generator.

    Returns:
        The mean squared one-step-ahead error.
    """
    rng = np.random.default_rng(seed)
    truth = np.cumsum(rng.normal(0.0, 0.22, size=n))
    seen = truth + rng.normal(size=n)
    engine = infer_online(
        walk(mean=0.0, variance=1.0),
        autoupdates=lambda q: {"mean": q["level"].mean, "variance": q["level"].variance},
    )
    expected: list[float] = []
    engine.predictions["y"].subscribe(lambda belief: expected.append(float(belief.mean)))
    low, high = float(seen.min()), float(seen.max())
    console, table = Console(), Table()
    with Live(console=console, auto_refresh=False, transient=not console.is_terminal) as live:
        for y in seen:
            engine.observe(float(y))
            belief = engine.latest["level"]
            table = Table(title=f"observation {engine.count} of {n}", title_justify="left", min_width=70)
            table.add_column("what")
            table.add_column(f"{low:.1f} … {high:.1f}")
            table.add_column("value", justify="right", min_width=14)
            table.add_row("seen", bar(float(y), low, high), f"{y:.2f}")
            table.add_row("expected", bar(expected[-1], low, high), f"{expected[-1]:.2f}")
            table.add_row("level", bar(float(belief.mean), low, high), f"{belief.mean:.2f} ± {belief.std:.2f}")
            if console.is_terminal:
                live.update(table, refresh=True)
                time.sleep(pause)
    console.print(table)
    error = float(np.mean((np.array(expected) - seen) ** 2))
    console.print(f"mean squared error one step ahead: {error:.3f}")
    return error


if __name__ == "__main__":
    main()
