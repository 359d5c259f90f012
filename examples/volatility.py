"""The hierarchical Gaussian filter: how fast does the world change, judged from what it does?

Volatility    z_t ~ N(z_{t-1}, 0.16)
State         x_t ~ N(x_{t-1}, exp(z_t))            the factor is called GCV: Gaussian with controlled variance
Observation   y_t ~ N(x_t, 0.1)
One step is one small model; the posteriors of x and z become the priors of the next (Mathys et al. 2011; Şenöz and de Vries
2018). What x says of z is no normal; times the normal prior it is replaced by the normal of the same moments.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm import GCV, Normal, infer_online, model

Floats = NDArray[np.float64]
STEP, NOISE = 0.16, 0.1


@model
def step(y: Any, z_mean: Any, z_variance: Any, x_mean: Any, x_variance: Any) -> None:
    """One step from what is believed of the state and of its volatility."""
    z = ~Normal(mean=z_mean, variance=z_variance)
    before = ~Normal(mean=x_mean, variance=x_variance)
    x = ~GCV(before, z, 1.0, 0.0).where(q="q(y, x) q(z)")
    y[...] = ~Normal(mean=x, variance=NOISE)


def simulate(n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Log volatility, state and observations, (n,) each: the world is calm, then wild, then calm."""
    rng = np.random.default_rng(seed)
    z = 2.0 * np.sin(np.arange(n) * 2 * np.pi / 150) - 1.0
    x = np.cumsum(rng.normal(size=n) * np.exp(z / 2))
    return z, x, x + np.sqrt(NOISE) * rng.normal(size=n)


def main(n: int = 300, iterations: int = 10, seed: int = 1) -> tuple[Floats, Floats]:
    """Filters n observations and draws the volatility, believed and true.

    Args:
        n: Number of observations.
        iterations: Sweeps for each.
        seed: Of the random generator.

    Returns:
        The true and the believed log volatility, (n,) each.
    """
    truth, _, seen = simulate(n, seed)
    engine = infer_online(
        step(z_mean=0.0, z_variance=1.0, x_mean=0.0, x_variance=1.0),
        seen.tolist(),
        iterations=iterations,
        initialisation={"z": Normal(mean=0.0, variance=1.0)},
        autoupdates=lambda q: {
            "z_mean": q["z"].mean,
            "z_variance": q["z"].variance + STEP,
            "x_mean": q["x"].mean,
            "x_variance": q["x"].variance,
        },
    )
    believed = np.array([float(posteriors["z"].mean) for posteriors in engine])
    low, high, width = -4.0, 2.5, 52
    print(f"log volatility from {low} to {high}: o believed, | true")
    for t in range(9, n, max(n // 30, 1)):
        line = [" "] * width
        for mark, value in (("|", truth[t]), ("o", believed[t])):
            line[int(np.clip((value - low) / (high - low), 0.0, 0.999) * width)] = mark
        print(f"t = {t + 1:3d} {''.join(line).rstrip()}")
    print(f"correlation of belief and truth: {np.corrcoef(truth, believed)[0, 1]:.2f}")
    return truth, believed


if __name__ == "__main__":
    main()
