"""Waiting times of two kinds: a mixture of gamma distributions, of which nothing is known but the number of parts.

Weights       s ~ Dirichlet(1, 1)
Parts         shape a_k, rate b_k, both with gamma priors
Waiting time  y_i ~ Gamma(a_z, b_z),  z_i ~ Categorical(s)                                        Podusenko et al. 2021
What the data say of a shape is no gamma; "q(a) :: Gamma" keeps the nearest one.
"""

from typing import Any

import numpy as np

from reactivepgm import Categorical, Dirichlet, Gamma, GammaMixture, MeanField, Result, infer, model, randomvar

WEIGHTS = np.array([0.6, 0.4])
SHAPES = np.array([4.0, 20.0])
RATES = np.array([8.0, 5.0])


@model
def waiting(y: Any) -> None:
    """Two kinds of waiting times."""
    s = ~Dirichlet(np.ones(2))
    a, b, z = randomvar(2), randomvar(2), randomvar(len(y))
    a[:] = ~Gamma(shape=np.array([1.0, 1.0]), rate=np.array([0.1, 0.02]))
    b[:] = ~Gamma(shape=np.array([2.0, 2.0]), rate=np.array([0.1, 0.1]))
    z[:] = ~Categorical(s)
    y[:] = ~GammaMixture(z, a, b)


def simulate(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Kinds and waiting times, (n,) each."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(2, size=n, p=WEIGHTS)
    return kinds, rng.gamma(SHAPES[kinds], 1.0 / RATES[kinds])


def main(n: int = 400, iterations: int = 60, seed: int = 3) -> Result:
    """Fits the mixture and prints its parts.

    Args:
        n: Number of waiting times.
        iterations: Sweeps.
        seed: Of the random generator.

    Returns:
        Posteriors and free energy.
    """
    kinds, times = simulate(n, seed)
    result = infer(
        waiting(),
        data={"y": times},
        constraints=[MeanField(), "q(a) :: Gamma"],
        initialisation={
            "s": Dirichlet(np.ones(2)),
            "z": Categorical([0.5, 0.5]),
            "a": Gamma(shape=np.array([10.0, 50.0]), rate=1.0),
            "b": Gamma(shape=np.array([20.0, 20.0]), rate=1.0),
        },
        iterations=iterations,
        free_energy=True,
    )
    q = result.posteriors
    for k in range(2):
        mean = q["a"].mean[k] / q["b"].mean[k]
        print(
            f"part {k}: weight {q['s'].mean[k]:.3f} (truly {WEIGHTS[k]}), mean {mean:.3f} (truly {SHAPES[k] / RATES[k]:.3f}), "
            f"shape {q['a'].mean[k]:.1f} (truly {SHAPES[k]:.0f})"
        )
    z = q["z"]
    assert isinstance(z, Categorical)
    print(f"{np.mean(z.p.argmax(-1) == kinds):.1%} of the waiting times are told apart rightly")
    print(f"free energy {result.free_energy[0]:.1f} → {result.free_energy[-1]:.1f} nats")
    return result


if __name__ == "__main__":
    main()
