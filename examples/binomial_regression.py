"""How many of n seeds come up? Logistic regression of counts, by Pólya-gamma augmentation.

Weights       beta ~ N(0, 4 I)
Counts        y_i ~ Binomial(n_i, 1 / (1 + exp(-x_i' beta)))
Given a Pólya-gamma variable for each count the posterior of beta is normal (Polson, Scott and Windle 2013); it enters by its
mean at the present belief, so the sweeps are those of a bound, and the spread of beta comes out somewhat small.
"""

from typing import Any

import numpy as np

from reactivepgm import BinomialPolya, BinomialPolyaMeta, MvNormal, Result, infer, model
from reactivepgm.distributions import MultivariateNormal

TRUTH = np.array([1.0, -0.5])


@model
def seeds(x: Any, n: Any, y: Any) -> None:
    """One row of x a bed of n seeds."""
    beta = ~MvNormal(mean=np.zeros(2), covariance=4.0 * np.eye(2))
    for i in range(len(y)):
        y[i] = ~BinomialPolya(x[i], n[i], beta).where(meta=BinomialPolyaMeta())


def simulate(beds: int, seed: int) -> dict[str, np.ndarray]:
    """Covariates (beds, 2), seeds (beds,) and those that came up (beds,)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(beds, 2))
    n = rng.integers(5, 20, beds)
    return {"x": x, "n": n.astype(float), "y": rng.binomial(n, 1.0 / (1.0 + np.exp(-x @ TRUTH))).astype(float)}


def main(beds: int = 100, iterations: int = 30, seed: int = 5) -> Result:
    """Infers the weights and prints them beside the truth.

    Args:
        beds: Number of beds.
        iterations: Sweeps.
        seed: Of the random generator.

    Returns:
        The posterior of beta, and its free energy.
    """
    result = infer(
        seeds(),
        data=simulate(beds, seed),
        initialisation={"beta": MvNormal(mean=np.zeros(2), covariance=np.eye(2))},
        iterations=iterations,
        free_energy=True,
    )
    beta = result.posteriors["beta"]
    assert isinstance(beta, MultivariateNormal)
    for k in range(2):
        print(f"beta[{k}] = {beta.mean[k]:6.3f} ± {np.sqrt(beta.covariance[k, k]):.3f}, truly {TRUTH[k]:5.2f}")
    print(f"free energy {result.free_energy[0]:.3f} → {result.free_energy[-1]:.3f} nats")
    return result


if __name__ == "__main__":
    main()
