"""An autoregressive process whose coefficients nobody knows, seen through noise.

State         x_t = (s_t, s_{t-1}, s_{t-2}),  s_t ~ N(theta' x_{t-1}, 1 / gamma)
Observation   y_t ~ N(s_t, 0.04)
The states stay together in q(x), which is smoothed exactly; theta and gamma are learned from its moments, sweep by sweep.
"""

from typing import Any

import numpy as np

from reactivepgm import AR, ARMeta, Gamma, MvNormal, Result, SoftDot, infer, model, randomvar
from reactivepgm.distributions import MultivariateNormal

TRUTH = np.array([0.5, -0.3, 0.4])
ORDER = len(TRUTH)
NEWEST = np.eye(ORDER)[0]


@model
def process(y: Any) -> None:
    """A process of order three; the prior of its coefficients is wide."""
    theta = ~MvNormal(mean=np.zeros(ORDER), precision=np.eye(ORDER))
    gamma = ~Gamma(shape=1.0, rate=1.0)
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=np.zeros(ORDER), covariance=10.0 * np.eye(ORDER))
    y[0] = ~SoftDot(NEWEST, x[0], 25.0)
    for t in range(1, len(y)):
        x[t] = ~AR(x[t - 1], theta, gamma).where(
            q="q(y, x) q(theta) q(gamma)", meta=ARMeta(order=ORDER, variate="multivariate")
        )
        y[t] = ~SoftDot(NEWEST, x[t], 25.0)


def simulate(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The process itself, and what is seen of it: (n,) each."""
    rng = np.random.default_rng(seed)
    state, values = np.zeros(ORDER), []
    for _ in range(n):
        state = np.r_[TRUTH @ state + 0.5 * rng.normal(), state[:-1]]
        values.append(state[0])
    hidden = np.array(values)
    return hidden, hidden + 0.2 * rng.normal(size=n)


def main(n: int = 500, iterations: int = 25, seed: int = 0) -> Result:
    """Learns the coefficients and prints them beside the truth.

    Args:
        n: Length of the series.
        iterations: Sweeps.
        seed: Of the random generator.

    Returns:
        Posteriors of theta, gamma and x, and the free energy.
    """
    hidden, seen = simulate(n, seed)
    result = infer(
        process(),
        data={"y": seen},
        initialisation={"theta": MvNormal(mean=np.zeros(ORDER), precision=np.eye(ORDER)), "gamma": Gamma(shape=1.0, rate=1.0)},
        iterations=iterations,
        free_energy=True,
    )
    theta = result.posteriors["theta"]
    assert isinstance(theta, MultivariateNormal)
    for k in range(ORDER):
        print(f"theta[{k}] = {theta.mean[k]:6.3f} ± {np.sqrt(theta.covariance[k, k]):.3f}, truly {TRUTH[k]:5.2f}")
    print(f"noise    = {result.posteriors['gamma'].mean ** -0.5:6.3f}, truly 0.5")
    smoothed = result.posteriors["x"].mean[:, 0]
    print(
        f"root mean squared error {np.sqrt(np.mean((smoothed - hidden) ** 2)):.3f}, of the observations themselves "
        f"{np.sqrt(np.mean((seen - hidden) ** 2)):.3f}"
    )
    print(f"free energy {result.free_energy[0]:.1f} → {result.free_energy[-1]:.1f} nats")
    return result


if __name__ == "__main__":
    main()
