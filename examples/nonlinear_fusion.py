"""A point in the plane, of which three beacons know the distance: nonlinear observations by the unscented transform.

State         x = (position, velocity),  x_t ~ N(A x_{t-1}, 0.01 I)
Distances     d_t = |position - beacon_k|, k = 1, 2, 3
Observation   y_t ~ N(d_t, 0.01 I)
The function is given to ~ as it is; ``meta`` says how beliefs pass through it (Julier and Uhlmann 2004).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm import DeltaMeta, MvNormal, Unscented, infer, model, randomvar

Floats = NDArray[np.float64]

A = np.eye(4) + 0.1 * np.eye(4, k=2)  # (position, position, velocity, velocity)
BEACONS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])


def distances(x: Any) -> Any:
    """From the position in a state to every beacon."""
    return np.array([np.hypot(x[0] - a, x[1] - b) for a, b in BEACONS])


@model
def flight(y: Any) -> None:
    """A flight seen by its distances."""
    x, d = randomvar(len(y)), randomvar(len(y))
    x[0] = ~MvNormal(mean=np.array([3.0, 3.0, 0.0, 0.0]), covariance=4.0 * np.eye(4))
    for t in range(1, len(y)):
        x[t] = ~MvNormal(mean=A @ x[t - 1], covariance=0.01 * np.eye(4))
    for t in range(len(y)):
        d[t] = ~distances(x[t]).where(meta=DeltaMeta(method=Unscented()))
        y[t] = ~MvNormal(mean=d[t], covariance=0.01 * np.eye(3))


def simulate(n: int, seed: int) -> tuple[Floats, Floats]:
    """States (n, 4) and noisy distances (n, 3)."""
    rng = np.random.default_rng(seed)
    state, states = np.array([2.0, 2.0, 1.0, 2.0]), []
    for _ in range(n):
        state = A @ state + 0.1 * rng.normal(size=4)
        states.append(state)
    exact = np.array([distances(x) for x in states])
    return np.array(states), exact + 0.1 * rng.normal(size=exact.shape)


def main(n: int = 100, iterations: int = 5, seed: int = 6) -> tuple[Floats, Any]:
    """Smooths the flight and draws it.

    Args:
        n: Number of observations.
        iterations: Sweeps; the sigma points of each are taken at the beliefs of the last.
        seed: Of the random generator.

    Returns:
        The true states, (n, 4), and their posteriors.
    """
    truth, seen = simulate(n, seed)
    result = infer(flight(), data={"y": seen}, iterations=iterations)
    belief = result.posteriors["x"]
    corner = np.minimum(truth[:, :2].min(0), BEACONS.min(0)) - 0.5
    size = np.maximum(truth[:, :2].max(0), BEACONS.max(0)) + 0.5 - corner
    picture = np.full((18, 60), " ")
    for mark, points in (("A", BEACONS), (".", truth[:, :2]), ("o", belief.mean[::5, :2])):
        column, row = ((points - corner) / size * [59, 17]).astype(int).T
        picture[17 - row, column] = mark
    print("\n".join("".join(line).rstrip() for line in picture))
    print("A beacon, . the flight, o every fifth belief")
    errors = belief.mean - truth
    print(f"root mean squared error of the position: {np.sqrt(np.mean(errors[:, :2] ** 2)):.3f}")
    return truth, belief


if __name__ == "__main__":
    main()
