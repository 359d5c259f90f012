"""Who passes the exam? Probit regression by expectation propagation.

Weights       w ~ N(0, 10 I)                           ability, hours of study
Outcome       pass_i = 1 with probability Φ(x_i' w)
What an outcome says of x_i' w is no normal; expectation propagation replaces it by the normal that gives the posterior the
right moments, one outcome after the other, until they agree (Minka 2001). Its posterior is close to the exact one.
"""

from typing import Any

import numpy as np
from scipy.stats import norm

from reactivepgm import MvNormal, Probit, Result, dot, infer, model
from reactivepgm.distributions import MultivariateNormal

TRUTH = np.array([1.0, -2.0])


@model
def exam(x: Any, passed: Any) -> None:
    """One row of x an exam."""
    w = ~MvNormal(mean=np.zeros(2), covariance=10.0 * np.eye(2))
    for i in range(len(passed)):
        passed[i] = ~Probit(dot(x[i], w))


def simulate(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Covariates (n, 2) and outcomes (n,)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    return x, (rng.random(n) < norm.cdf(x @ TRUTH)).astype(float)


def main(n: int = 100, iterations: int = 40, seed: int = 2) -> Result:
    """Infers the weights and prints them beside the truth.

    Args:
        n: Number of exams.
        iterations: Rounds of expectation propagation.
        seed: Of the random generator.

    Returns:
        The posterior of w, and an estimate of minus the log evidence.
    """
    x, passed = simulate(n, seed)
    result = infer(exam(), data={"x": x, "passed": passed}, iterations=iterations, free_energy=True)
    w = result.posteriors["w"]
    assert isinstance(w, MultivariateNormal)
    for k in range(2):
        print(f"w[{k}] = {w.mean[k]:6.3f} ± {np.sqrt(w.covariance[k, k]):.3f}, truly {TRUTH[k]:5.2f}")
    scale = np.sqrt(1.0 + np.einsum("ni,ij,nj->n", x, w.covariance, x))
    chance = norm.cdf(x @ w.mean / scale)
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = (chance >= low) & (chance < low + 0.25 + 1e-12)
        print(f"said to pass with {low:.2f} to {low + 0.25:.2f}: {inside.sum():3d}, of whom {passed[inside].mean():.0%} did")
    print(f"log evidence, estimated: {-result.free_energy[-1]:.3f}")
    return result


if __name__ == "__main__":
    main()
