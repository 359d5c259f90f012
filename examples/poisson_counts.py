"""Breakdowns of a machine, counted in shifts of unequal length: Poisson counts with a gamma rate.

Rate          r ~ Gamma(2, 1) breakdowns an hour
Shift         count ~ Poisson(hours * r)
Gamma and Poisson are conjugate: the posterior is Gamma(2 + counts, 1 + hours), the evidence is exact, and one shift's
log was lost, which costs nothing but its news.
"""

from typing import Any

import numpy as np

from reactivepgm import Gamma, Poisson, Result, infer, model

HOURS = np.array([8.0, 8.0, 4.0, 12.0, 8.0, 2.0, 8.0, 8.0, 6.0, 12.0])
RATE = 0.4


@model
def shifts(count: Any, hours: Any) -> None:
    """One rate, many shifts."""
    rate = ~Gamma(shape=2.0, rate=1.0)
    for i in range(len(count)):
        count[i] = ~Poisson(hours[i] * rate)


def main(seed: int = 7) -> Result:
    """Simulates ten shifts, loses the fourth, and infers the rate.

    Args:
        seed: Of the random generator.

    Returns:
        The posterior of the rate, and minus the log evidence.
    """
    count = np.random.default_rng(seed).poisson(RATE * HOURS).astype(float)
    count[3] = np.nan
    print("breakdowns", " ".join("?" if np.isnan(c) else f"{c:.0f}" for c in count), "in", HOURS.astype(int), "hours")
    result = infer(shifts(), data={"count": count, "hours": HOURS}, free_energy=True)
    rate = result.posteriors["rate"]
    print(f"rate {rate.mean:.3f} ± {rate.std:.3f} an hour, truly {RATE};  {rate}")
    print(f"log evidence {-result.free_energy[-1]:.4f}")
    return result


if __name__ == "__main__":
    main()
