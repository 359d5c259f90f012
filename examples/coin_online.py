"""A coin, flip by flip: the posterior of every flip is the prior of the next.

Beta(a, b) and one flip give Beta(a + heads, b + tails), so the stream can run for as long as it likes and holds two numbers.
The sum of the online free energies is minus the log evidence of all flips together.
"""

from typing import Any

import numpy as np

from reactivepgm import Bernoulli, Beta, infer_online, model


@model
def coin(flip: Any, a: Any, b: Any) -> None:
    """One flip of a coin whose bias is believed to be Beta(a, b)."""
    bias = ~Beta(a=a, b=b)
    flip[...] = ~Bernoulli(bias)


def main(n: int = 1000, truth: float = 0.7, seed: int = 1) -> Beta:
    """Flips a coin n times and prints the belief now and then.

    Args:
        n: Number of flips.
        truth: The probability of heads.
        seed: Of the random generator.

    Returns:
        The last belief.
    """
    flips = (np.random.default_rng(seed).random(n) < truth).astype(float)
    engine = infer_online(
        coin(a=1.0, b=1.0), flips.tolist(), autoupdates=lambda q: {"a": q["bias"].a, "b": q["bias"].b}
    )
    scores: list[float] = []
    engine.free_energy.subscribe(scores.append)
    for posteriors in engine:
        if engine.count in (1, 10, 100, n):
            bias = posteriors["bias"]
            print(f"after {engine.count:5d} flips: bias {bias.mean:.3f} ± {bias.std:.3f}")
    print(f"free energy of all flips together: {sum(scores):.4f} nats")
    last = engine.latest["bias"]
    assert isinstance(last, Beta)
    return last


if __name__ == "__main__":
    main()
