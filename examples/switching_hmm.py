"""A hidden Markov model whose transitions are switched by another: a tensor A[next, now, regime].

Regime        u_t ~ C[:, u_{t-1}], known: it seldom changes
State         s_t ~ A[:, s_{t-1}, u_t], unknown: in one regime states stay, in the other they go round
Observation   y_t ~ B[:, s_t], known: one symbol in ten is misread
States and regimes are cut from each other, q(s) q(u) q(A): each is a chain, smoothed exactly given the others.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm import Categorical, DirichletCollection, DiscreteTransition, Result, infer, model, randomvar

Floats = NDArray[np.float64]

STAY, GO_ROUND = np.eye(3), np.roll(np.eye(3), 1, axis=0)
TRUTH = np.stack([0.05 + 0.85 * STAY, 0.05 + 0.85 * GO_ROUND], axis=-1)
PRIOR = np.stack([1.0 + 4.0 * STAY, 1.0 + 4.0 * GO_ROUND], axis=-1)
C = np.array([[0.97, 0.03], [0.03, 0.97]])
B = 0.05 + 0.85 * np.eye(3)


@model
def switching(y: Any) -> None:
    """Two chains, one of which chooses the other's transition matrix."""
    A = ~DirichletCollection(PRIOR)
    u, s = randomvar(len(y)), randomvar(len(y))
    u[0] = ~Categorical(np.ones(2) / 2)
    s[0] = ~Categorical(np.ones(3) / 3)
    for t in range(1, len(y)):
        u[t] = ~DiscreteTransition(u[t - 1], C)
        s[t] = ~DiscreteTransition(s[t - 1], A, u[t])
    y[:] = ~DiscreteTransition(s, B)


def simulate(n: int, seed: int) -> tuple[Any, Any, Any]:
    """Regimes, states and symbols, (n,) each."""
    rng = np.random.default_rng(seed)
    u, s = [0], [0]
    for _ in range(1, n):
        u.append(int(rng.choice(2, p=C[:, u[-1]])))
        s.append(int(rng.choice(3, p=TRUTH[:, s[-1], u[-1]])))
    return np.array(u), np.array(s), np.array([rng.choice(3, p=B[:, state]) for state in s])


def probabilities(belief: Any) -> Floats:
    """Of every category, at every time: (n, K)."""
    return np.asarray(belief.probabilities)


def main(n: int = 400, iterations: int = 40, seed: int = 4) -> tuple[Result, float, float]:
    """Learns the tensor and tells the regimes.

    Args:
        n: Length of the series.
        iterations: Sweeps.
        seed: Of the random generator.

    Returns:
        The result, and the shares of regimes and states that are told rightly.
    """
    regimes, states, symbols = simulate(n, seed)
    result = infer(
        switching(),
        data={"y": np.eye(3)[symbols]},
        constraints="q(s, u, A) = q(s) q(u) q(A)",
        initialisation={"A": DirichletCollection(PRIOR), "u": Categorical([0.5, 0.5])},
        iterations=iterations,
        free_energy=True,
    )
    u, s = (probabilities(result.posteriors[name]) for name in ("u", "s"))
    told = "".join(".#"[k] for k in u.argmax(-1))
    true = "".join(".#"[k] for k in regimes)
    for start in range(0, n, 100):
        print(f"true {true[start : start + 100]}\ntold {told[start : start + 100]}\n")
    right = float(np.mean(u.argmax(-1) == regimes)), float(np.mean(s.argmax(-1) == states))
    print(f"{right[0]:.1%} of the regimes and {right[1]:.1%} of the states are told rightly")
    for k, name in enumerate(("states stay", "states go round")):
        print(f"A[:, :, {k}], where {name}:", np.round(result.posteriors["A"].mean[..., k], 2).tolist())
    print(f"free energy {result.free_energy[0]:.1f} → {result.free_energy[-1]:.1f} nats")
    return result, *right


if __name__ == "__main__":
    main()
