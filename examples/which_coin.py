"""Two stories about one coin: a mixture of models, compared by their evidence inside one model.

Which         which ~ Bernoulli(0.7)                            1: the second story
Stories       coin_0 ~ Beta(2, 7), coin_1 ~ Beta(7, 2)
The coin      bias = coin_which,  flip ~ Bernoulli(bias)
The posterior of the switch is that of the models; the bias is a mixture with just these weights (van Erp et al. 2023).
"""

from typing import Any

import numpy as np

from reactivepgm import Bernoulli, Beta, Mixture, MixtureDistribution, Result, infer, model, randomvar

STORIES = ((2.0, 7.0), (7.0, 2.0))
SECOND = 0.7


@model
def one_story(flip: Any, a: float, b: float) -> None:
    """A coin by one story."""
    bias = ~Beta(a, b)
    flip[:] = ~Bernoulli(bias)


@model
def both_stories(flip: Any) -> None:
    """A coin by either, nobody knows which."""
    which = ~Bernoulli(SECOND)
    coin = randomvar(2)
    for k in range(2):
        coin[k] = ~Beta(*STORIES[k])
    bias = ~Mixture(which, coin)
    flip[:] = ~Bernoulli(bias)


def main(heads: int = 3, tails: int = 7) -> tuple[list[float], Result]:
    """Compares the stories by themselves, then inside one model.

    Args:
        heads: How often the coin showed heads.
        tails: How often tails.

    Returns:
        The free energies of the stories, and the result of both together.
    """
    data = {"flip": np.array([1.0] * heads + [0.0] * tails)}
    scores = []
    for a, b in STORIES:
        alone = infer(one_story(a=a, b=b), data=data, free_energy=True)
        scores.append(float(alone.free_energy[-1]))
        print(f"Beta({a:.0f}, {b:.0f}) alone: free energy {scores[-1]:.6f}")
    together = infer(both_stories(), data=data, free_energy=True)
    which, bias = together.posteriors["which"], together.posteriors["bias"]
    assert isinstance(which, Bernoulli) and isinstance(bias, MixtureDistribution)
    print(f"both: free energy {together.free_energy[-1]:.6f}, the second story has {SECOND} before, {which.p:.6f} after")
    x = np.linspace(0.0, 1.0, 61)[1:-1]
    density = np.exp(np.array([float(bias.log_pdf(value)) for value in x]))
    for level in np.arange(7, 0, -1) / 7.5 * density.max():
        print("".join("█" if height >= level else " " for height in density).rstrip())
    print(f"{'0':<29}bias{'1':>26}")
    return scores, together


if __name__ == "__main__":
    main()
