"""What a rule must compute, by quadrature of its factor's log density; densities from scipy, never from the library.

Message   log ν(x) = log ∫ exp(E_q[log f(x, ...)]) m(...)      integrals over messages, expectations over marginals
Energy    -E_q[log f]
Joint     mean and covariance of exp(E_q[log f]) m_a(a) m_b(b), normalised
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.oracles.quadrature_nodes import expectation, nodes

LogFactor = Callable[..., Any]


def normal_log_pdf(out: Any, mean: Any, variance: Any) -> Any:
    gap = np.asarray(out) - np.asarray(mean)
    return -0.5 * (np.log(2 * np.pi * np.asarray(variance)) + gap * gap / np.asarray(variance))


def message_oracle(
    log_factor: LogFactor, target: str, messages: Mapping[str, Any], marginals: Mapping[str, Any], n: int = 120
) -> Callable[[Any], float]:
    """log ν as a function of the target's value; all variables are numbers."""
    points, weights = _grids({**messages, **marginals}, n)
    first = len(messages)

    def log_message(x: Any) -> float:
        value = np.broadcast_arrays(log_factor(**{target: x}, **points), *weights)[0]
        for axis, w in reversed(list(enumerate(weights))):
            if axis >= first:
                value = (value * w).sum(axis=axis, keepdims=True)
        for axis, w in enumerate(weights[:first]):
            peak = value.max()
            value = peak + np.log((np.exp(value - peak) * w).sum(axis=axis, keepdims=True))
        return float(np.squeeze(value))

    return log_message


def joint_oracle(
    log_factor: LogFactor, names: tuple[str, str], messages: Mapping[str, Any], marginals: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean (2,) and covariance (2, 2) of the joint of two numbers."""
    points, weights = _grids({**{k: messages[k] for k in names}, **marginals}, 240)
    value = np.broadcast_arrays(log_factor(**points), *weights)[0]
    for axis in range(len(weights) - 1, 1, -1):
        value = (value * weights[axis]).sum(axis=axis)
    p = np.exp(value - value.max()) * np.squeeze(weights[0] * weights[1])
    p = p / p.sum()
    a, b = (np.ravel(points[k]) for k in names)
    mean = np.array([p.sum(1) @ a, p.sum(0) @ b])
    second = np.array([[p.sum(1) @ a**2, a @ p @ b], [a @ p @ b, p.sum(0) @ b**2]])
    return mean, second - np.outer(mean, mean)


def energy_oracle(log_factor: LogFactor, names: tuple[str, ...], *beliefs: Any) -> float:
    """-E[log f] under independent beliefs."""
    return -expectation(lambda *values: log_factor(**dict(zip(names, values, strict=True))), *beliefs)


def _grids(beliefs: Mapping[str, Any], n: int) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    points, weights = {}, []
    for axis, (name, belief) in enumerate(beliefs.items()):
        x, w = nodes(belief, n)
        shape = [1] * len(beliefs)
        shape[axis] = len(x)
        points[name] = x.reshape(shape)
        weights.append(w.reshape(shape))
    return points, weights
