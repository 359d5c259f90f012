"""Loopy belief propagation by itself: flooding sum-product on pairwise models, discrete and Gaussian.

Discrete   m_{ij}(x_j) ∝ sum_{x_i} f_ij(x_i, x_j) f_i(x_i) prod_{k != j} m_{ki}(x_i)
Gaussian   J_{i->j} = -J_ij^2 / J_{i\\j},  h_{i->j} = -J_ij h_{i\\j} / J_{i\\j}     Weiss & Freeman 2001
Damping mixes the old message into the new one in the log (natural) domain; fixed points do not depend on it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import logsumexp


def grid_edges(rows: int, columns: int) -> list[tuple[int, int]]:
    """Neighbours (i, j), i before j, of a grid whose nodes are numbered row by row."""
    number = np.arange(rows * columns).reshape(rows, columns)
    down = zip(number[:-1].ravel(), number[1:].ravel(), strict=True)
    right = zip(number[:, :-1].ravel(), number[:, 1:].ravel(), strict=True)
    return [(int(a), int(b)) for a, b in (*down, *right)]


def discrete(
    unary: np.ndarray, pairwise: Mapping[tuple[int, int], np.ndarray], damping: float = 0.0, iterations: int = 2000,
    tolerance: float = 1e-14,
) -> np.ndarray:
    """Beliefs (n, K) at the fixed point; `pairwise[i, j]` is indexed [state of i, state of j]."""
    log_unary = np.log(np.asarray(unary, float))
    states = log_unary.shape[1]
    directed = [(i, j, np.log(t)) for (i, j), t in pairwise.items()]
    directed += [(j, i, np.log(t).T) for (i, j), t in pairwise.items()]
    source, target = (np.array([d[k] for d in directed]) for k in (0, 1))
    tables = np.stack([d[2] for d in directed])
    count = len(pairwise)
    reverse = np.concatenate([np.arange(count, 2 * count), np.arange(count)])
    messages = np.zeros((2 * count, states))
    for _ in range(iterations):
        total = log_unary.copy()
        np.add.at(total, target, messages)
        # Subtracting one message is harmless here: a handful of bounded logarithms.
        cavity = total[source] - messages[reverse]
        new = logsumexp(tables + cavity[:, :, None], axis=1)
        new -= logsumexp(new, axis=1, keepdims=True)
        mixed = damping * messages + (1 - damping) * new
        mixed -= logsumexp(mixed, axis=1, keepdims=True)
        change, messages = np.abs(mixed - messages).max(), mixed
        if change < tolerance:
            break
    else:
        raise RuntimeError(f"no fixed point after {iterations} iterations: change {change}")
    belief = log_unary.copy()
    np.add.at(belief, target, messages)
    return np.exp(belief - logsumexp(belief, axis=1, keepdims=True))


def gaussian(
    J: np.ndarray, h: np.ndarray, edges: Sequence[tuple[int, int]], damping: float = 0.0, iterations: int = 5000,
    tolerance: float = 1e-14,
) -> tuple[np.ndarray, np.ndarray]:
    """Means (exact at a fixed point) and loopy variances of N(J^-1 h, J^-1) with J nonzero on the edges only."""
    source = np.array([e[0] for e in edges] + [e[1] for e in edges])
    target = np.array([e[1] for e in edges] + [e[0] for e in edges])
    reverse = np.concatenate([np.arange(len(edges), 2 * len(edges)), np.arange(len(edges))])
    weight = J[source, target]
    message_J, message_h = np.zeros(2 * len(edges)), np.zeros(2 * len(edges))
    for _ in range(iterations):
        total_J, total_h = np.diag(J).copy(), np.array(h, float)
        np.add.at(total_J, target, message_J)
        np.add.at(total_h, target, message_h)
        cavity_J, cavity_h = total_J[source] - message_J[reverse], total_h[source] - message_h[reverse]
        new_J, new_h = -(weight**2) / cavity_J, -weight * cavity_h / cavity_J
        mixed_J = damping * message_J + (1 - damping) * new_J
        mixed_h = damping * message_h + (1 - damping) * new_h
        scale = 1 + np.abs(mixed_h).max()
        change = max(np.abs(mixed_J - message_J).max(), np.abs(mixed_h - message_h).max() / scale)
        message_J, message_h = mixed_J, mixed_h
        if change < tolerance:
            break
    else:
        raise RuntimeError(f"no fixed point after {iterations} iterations: change {change}")
    total_J, total_h = np.diag(J).copy(), np.array(h, float)
    np.add.at(total_J, target, message_J)
    np.add.at(total_h, target, message_h)
    return total_h / total_J, 1 / total_J
