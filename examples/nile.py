"""The flow of the Nile at Aswan, 1871 to 1970: how much of its variation is a change of level?

Level         x_t ~ N(x_{t-1}, 1 / level)       the river's mean annual flow drifts
Observation   y_t ~ N(x_t, 1 / noise)           a year is wet or dry
Both precisions are unknown. Two factorisations of the posterior answer the question differently: the structured one,
q(x) q(level) q(noise), keeps the years of the level together; mean-field sets every x_t apart, forgets that neighbours
move together, and blames the level for what is noise. The free energy says which bound is tighter.

Data: annual flow in 10^8 m^3 (Cobb 1978, Biometrika 65; Durbin and Koopman 2001, section 2.2).
Run `make demo`; the picture goes to out/nile.png.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from reactivepgm import (
    Gamma,
    MeanField,
    NormalMeanPrecision,
    NormalMeanVariance,
    compare,
    model,
    plots,
    randomvar,
)

DATA = Path(__file__).parent / "data" / "nile.csv"
DROP = 1898
"""The last year of the high flow (Cobb's change point): the years after it bring about a fifth less water."""


@model
def local_level(flow: Any) -> Any:
    """A level that walks at random, seen through noise.

    The priors are vague and proper, in the units of the data: the first level is 1000 give or take 1000; a year's step
    is of the order of 30, a year's noise of the order of 100, each by an exponential prior on its precision.
    """
    level = ~Gamma(shape=1.0, rate=1e3)
    noise = ~Gamma(shape=1.0, rate=1e4)
    x = randomvar(len(flow))
    x[0] = ~NormalMeanVariance(1000.0, 1000.0**2)
    flow[0] = ~NormalMeanPrecision(x[0], noise)
    for t in range(1, len(flow)):
        x[t] = ~NormalMeanPrecision(x[t - 1], level)
        flow[t] = ~NormalMeanPrecision(x[t], noise)
    return x, level, noise


def main(iterations: int = 100, picture: Path = Path("out/nile.png")) -> None:
    """Compares the factorisations, prints the table and draws the picture.

    Args:
        iterations: Variational iterations of each run.
        picture: Where the PNG goes; its folder is made.
    """
    year, flow = np.loadtxt(DATA, delimiter=",", skiprows=1).T
    comparison = compare(
        local_level(),
        {"flow": flow},
        constraints={"structured": "q(x, level, noise) = q(x) q(level) q(noise)", "mean field": MeanField()},
        iterations=iterations,
        initialisation={
            "level": Gamma(shape=1.0, rate=1e3),
            "noise": Gamma(shape=1.0, rate=1e4),
            "x": NormalMeanVariance(flow, 100.0**2),
        },
    )
    # Eight columns need room; where nobody looks at a terminal, width costs nothing.
    console = Console()
    (console if console.is_terminal else Console(width=140)).print(comparison.table())
    for name, result in comparison.results.items():
        step, error = (1.0 / np.sqrt(result.posteriors[p].mean) for p in ("level", "noise"))
        print(f"{name:>10}: the level moves by {step:.0f} a year, a single year is off by {error:.0f} (10^8 m^3)")

    axes = plots.level(
        year,
        {name: result.posteriors["x"] for name, result in comparison.results.items()},
        observations=flow,
        marks=[DROP],
        title="The Nile at Aswan: level, with two standard deviations to either side",
        xlabel="year",
        ylabel="annual flow (10$^8$ m$^3$)",
    )
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure = axes.figure
    assert isinstance(figure, Figure)  # and no part of another one
    figure.savefig(picture, dpi=150)
    print(f"picture: {picture}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--iterations", type=int, default=100)
    arguments.add_argument("--picture", type=Path, default=Path("out/nile.png"))
    main(**vars(arguments.parse_args()))
