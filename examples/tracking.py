"""A moving point, seen now and then: Kalman tracking from a generator, with stretches in which the sensor is silent.

State         x = (position, velocity),  x_t ~ N(A x_{t-1}, Q)
Observation   y_t ~ N(H x_t, R), or nothing
While nothing is seen the belief moves on and widens; the next sighting pulls it back.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm import MvNormal, infer_online, model

Floats = NDArray[np.float64]

A = np.array([[1.0, 1.0], [0.0, 1.0]])
Q = np.array([[0.03, 0.05], [0.05, 0.1]])
H = np.array([[1.0, 0.0]])
R = np.array([[4.0]])


@model
def step(sighting: Any, mean: Any, covariance: Any) -> None:
    """One step of a point that was believed to be at N(mean, covariance)."""
    before = ~MvNormal(mean=mean, covariance=covariance)
    state = ~MvNormal(mean=A @ before, covariance=Q)
    sighting[...] = ~MvNormal(mean=H @ state, covariance=R)


def sightings(n: int, seed: int) -> Iterator[tuple[Floats, Floats | None]]:
    """The true state and what the sensor says of it; from 30 to 45 it says nothing, nor in one step of seven."""
    rng = np.random.default_rng(seed)
    state = np.array([0.0, 1.0])
    for t in range(n):
        state = A @ state + rng.multivariate_normal(np.zeros(2), Q)
        silent = 30 <= t < 45 or t % 7 == 3
        yield state, None if silent else H @ state + rng.normal(0.0, 2.0, size=1)


def main(n: int = 80, seed: int = 2) -> float:
    """Tracks the point and prints every tenth belief.

    Args:
        n: Number of steps.
        seed: Of the random generator.

    Returns:
        The share of steps in which the truth lies within two standard deviations.
    """
    engine = infer_online(
        step(mean=np.zeros(2), covariance=np.diag([25.0, 4.0])),
        autoupdates=lambda q: {"mean": q["state"].mean, "covariance": q["state"].covariance},
    )
    inside = 0
    for t, (truth, seen) in enumerate(sightings(n, seed)):
        engine.observe({"sighting": seen})
        belief = engine.latest["state"]
        deviation = float(belief.std[0])
        inside += abs(belief.mean[0] - truth[0]) <= 2.0 * deviation
        if t % 10 == 9:
            shown = "nothing" if seen is None else f"{seen[0]:7.2f}"
            print(f"t = {t:3d}: saw {shown:>7s}, at {belief.mean[0]:7.2f} ± {deviation:.2f}, truly {truth[0]:7.2f}")
    print(f"{inside / n:.0%} of the time the truth lay within two standard deviations")
    return inside / n


if __name__ == "__main__":
    main()
