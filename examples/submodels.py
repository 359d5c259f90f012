"""One state-space model in three spellings: a flat loop, a vector statement, models inside a model.

They are the same graph, so the posteriors and the free energy agree to the last digit:  python examples/submodels.py
"""

from typing import Any

import numpy as np

from reactivepgm import NormalMeanVariance, infer, model, randomvar


@model
def flat(y: Any) -> Any:
    """A loop over the steps, with everything in one place."""
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    y[0] = ~NormalMeanVariance(x[0], 1.0)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(x[t - 1], 0.1)
        y[t] = ~NormalMeanVariance(x[t], 1.0)
    return x


@model
def vector(y: Any) -> Any:
    """No loop: slices broadcast as NumPy's do."""
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanVariance(x[:-1], 0.1)
    y[:] = ~NormalMeanVariance(x, 1.0)
    return x


@model
def observed(x: Any, y: Any) -> None:
    """A sensor: what is measured of a state."""
    y[...] = ~NormalMeanVariance(x, 1.0)


@model
def step(previous: Any, y: Any) -> Any:
    """A state that moves on and is measured."""
    state = ~NormalMeanVariance(previous, 0.1)
    _ = ~observed(state, y)
    return state


@model
def nested(y: Any) -> Any:
    """The same of parts: a step, and a sensor inside the step."""
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    _ = ~observed(x[0], y[0])
    for t in range(1, len(y)):
        x[t] = ~step(x[t - 1], y[t])
    return x


def main(n: int = 200) -> dict[str, float]:
    """Print the three free energies; they are equal."""
    y = np.cumsum(np.random.default_rng(0).normal(0.0, 0.3, n))
    scores = {}
    for name, spelling in {"flat loop": flat, "vector statement": vector, "models inside": nested}.items():
        result = infer(spelling(), data={"y": y}, free_energy=True)
        scores[name] = float(result.free_energy[-1])
        print(f"{name:18} x[-1] = {result.posteriors['x'].mean[-1]:.6f}   free energy {scores[name]:.6f}   {result.graph!r}")
    return scores


if __name__ == "__main__":
    main()
