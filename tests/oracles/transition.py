"""A table a[out, in, T1, ...] with messages and marginals, cell by cell in plain loops.

cell(x) = prod over messages m_i(x_i) * exp(sum over marginal configurations z of q(z) L(x, z)),  L = log a or E[log a]
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import digamma

Weights = Mapping[tuple[str, ...], np.ndarray]


def order(names: Sequence[str]) -> list[str]:
    """Interfaces as the table's axes have them."""
    return sorted(names, key=lambda n: {"out": -2, "in": -1}.get(n) if n in ("out", "in") else int(n[1:]))


def expected_log(alpha: np.ndarray) -> np.ndarray:
    """E[log a] under Dirichlet columns along the first axis."""
    return digamma(alpha) - digamma(alpha.sum(0, keepdims=True))


def joint(log_a: np.ndarray, targets: Sequence[str], messages: Mapping[str, np.ndarray], marginals: Weights) -> np.ndarray:
    """The normalised table over ``targets``, messages on other variables summed out."""
    free = list(dict.fromkeys([*targets, *messages]))
    bound = [n for group in marginals for n in group]
    axes = order([*free, *bound])
    size = dict(zip(axes, log_a.shape, strict=True))
    result = np.zeros([size[n] for n in targets])
    for x in itertools.product(*(range(size[n]) for n in free)):
        state = dict(zip(free, x, strict=True))
        exponent = 0.0
        for z in itertools.product(*(range(size[n]) for n in bound)):
            full = state | dict(zip(bound, z, strict=True))
            weight = math.prod(w[tuple(full[n] for n in group)] for group, w in marginals.items())
            if weight > 0:
                exponent += weight * log_a[tuple(full[n] for n in axes)]
        value = math.exp(exponent) * math.prod(m[state[n]] for n, m in messages.items())
        result[tuple(state[n] for n in targets)] += value
    return result / result.sum()


def energy(log_a: np.ndarray, marginals: Weights) -> float:
    """-E[L] under independent groups of marginals."""
    bound = [n for group in marginals for n in group]
    axes = order(bound)
    size = dict(zip(axes, log_a.shape, strict=True))
    total = 0.0
    for z in itertools.product(*(range(size[n]) for n in bound)):
        full = dict(zip(bound, z, strict=True))
        weight = math.prod(w[tuple(full[n] for n in group)] for group, w in marginals.items())
        if weight > 0:
            total -= weight * log_a[tuple(full[n] for n in axes)]
    return total
