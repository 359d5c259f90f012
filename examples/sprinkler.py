"""The grass is wet: was it the rain? A Bayesian network with a cycle, approximately and exactly.

cloudy → rain, cloudy → sprinkler, (sprinkler, rain) → wet                       Pearl 1988; Russell and Norvig, section 14.4
Drawn as it is told, the graph has a cycle (cloudy, rain, wet, sprinkler), and belief propagation around it counts the clouds
twice. Taken as one variable with four values, rain and sprinkler make the graph a tree: the answer is then exact.
"""

from typing import Any

import numpy as np

from reactivepgm import Bernoulli, Categorical, DiscreteTransition, infer, model

CLOUDY = 0.5
RAIN = np.array([[0.8, 0.2], [0.2, 0.8]])  # RAIN[rain, cloudy]
SPRINKLER = np.array([[0.5, 0.9], [0.5, 0.1]])  # SPRINKLER[on, cloudy]
WET = np.array([[[1.0, 0.1], [0.1, 0.01]], [[0.0, 0.9], [0.9, 0.99]]])  # WET[wet, on, rain]

BOTH = np.einsum("rc,sc->rsc", RAIN, SPRINKLER).reshape(4, 2)  # the pair's number is 2 rain + on
WET_OF_BOTH = WET.transpose(0, 2, 1).reshape(2, 4)
RAIN_OF_BOTH = np.repeat(np.eye(2), 2, axis=1)
ON_OF_BOTH = np.tile(np.eye(2), 2)


@model
def as_told(wet: Any) -> Any:
    """The network with its cycle."""
    cloudy = ~Bernoulli(CLOUDY)
    rain = ~DiscreteTransition(cloudy, RAIN)
    sprinkler = ~DiscreteTransition(cloudy, SPRINKLER)
    wet[...] = ~DiscreteTransition(sprinkler, WET, rain)
    return cloudy, rain, sprinkler


@model
def as_a_tree(wet: Any) -> Any:
    """Rain and sprinkler as one variable."""
    cloudy = ~Categorical(np.array([1.0 - CLOUDY, CLOUDY]))
    both = ~DiscreteTransition(cloudy, BOTH)
    rain = ~DiscreteTransition(both, RAIN_OF_BOTH)
    sprinkler = ~DiscreteTransition(both, ON_OF_BOTH)
    wet[...] = ~DiscreteTransition(both, WET_OF_BOTH)
    return cloudy, rain, sprinkler


def chance_of(belief: Any) -> float:
    """That it is true, of a truth value or of a category with two values."""
    return float(belief.probabilities[1])


def main() -> dict[str, dict[str, float]]:
    """Asks both graphs why the grass is wet.

    Returns:
        By graph and variable, the probability that it is true; under "evidence" the probability of wet grass.
    """
    seen = {"wet": np.array([0.0, 1.0])}
    answers = {}
    around = infer(as_told(), data=seen, messages={"cloudy": Bernoulli(CLOUDY)}, iterations=50, free_energy=True)
    exactly = infer(as_a_tree(), data=seen, free_energy=True)
    for name, result in (("around the cycle", around), ("exactly", exactly)):
        answers[name] = {k: chance_of(result.posteriors[k]) for k in ("cloudy", "rain", "sprinkler")}
        answers[name]["evidence"] = float(np.exp(-result.free_energy[-1]))
        told = ", ".join(f"{k} {p:.4f}" for k, p in answers[name].items())
        print(f"{name:17} {told}")
    return answers


if __name__ == "__main__":
    main()
