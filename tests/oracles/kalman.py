"""Kalman filter and Rauch-Tung-Striebel smoother in dense NumPy, with the evidence.

State        x_0 ~ N(m0, P0),  x_t = A x_{t-1} + b + w,  w ~ N(0, Q)
Observation  y_t = H x_t + v,  v ~ N(0, R)
Source       Särkkä (2013), Bayesian Filtering and Smoothing, theorems 4.2 and 8.2
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Smoothed:
    """Posterior of a linear-Gaussian chain: mean (n, d), covariance (n, d, d), cross[t] = cov(x_t, x_{t+1})."""

    mean: np.ndarray
    covariance: np.ndarray
    cross: np.ndarray
    log_evidence: float


def smooth(y, transition, observation, level_covariance, noise_covariance, mean0, covariance0, offset=None):
    """Smooth observations y (n, k); a row with a NaN counts as missing; x_0 has the prior and is observed by y[0]."""
    y = np.asarray(y, float)
    A, H = np.asarray(transition, float), np.asarray(observation, float)
    Q, R = np.asarray(level_covariance, float), np.asarray(noise_covariance, float)
    n, d = len(y), A.shape[-1]
    b = np.zeros(d) if offset is None else np.asarray(offset, float)
    m, P = np.asarray(mean0, float), np.asarray(covariance0, float)
    predicted_m, predicted_P = np.empty((n, d)), np.empty((n, d, d))
    filtered_m, filtered_P = np.empty((n, d)), np.empty((n, d, d))
    log_evidence = 0.0
    for t in range(n):
        if t:
            m, P = A @ m + b, A @ P @ A.T + Q
        predicted_m[t], predicted_P[t] = m, P
        if not np.isnan(y[t]).any():
            S = H @ P @ H.T + R
            gain = np.linalg.solve(S, H @ P).T
            e = y[t] - H @ m
            log_evidence -= 0.5 * (len(e) * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + e @ np.linalg.solve(S, e))
            # Joseph's form keeps P symmetric and positive, which a reference must be.
            keep = np.eye(d) - gain @ H
            m, P = m + gain @ e, keep @ P @ keep.T + gain @ R @ gain.T
        filtered_m[t], filtered_P[t] = m, P
    mean, covariance, cross = filtered_m.copy(), filtered_P.copy(), np.empty((n - 1, d, d))
    for t in range(n - 2, -1, -1):
        G = np.linalg.solve(predicted_P[t + 1], A @ filtered_P[t]).T
        mean[t] = filtered_m[t] + G @ (mean[t + 1] - predicted_m[t + 1])
        covariance[t] = filtered_P[t] + G @ (covariance[t + 1] - predicted_P[t + 1]) @ G.T
        cross[t] = G @ covariance[t + 1]
    return Smoothed(mean, covariance, cross, float(log_evidence))


def local_level(y, level_variance, noise_variance, mean0, variance0):
    """The scalar chain x_t = x_{t-1} + w, y_t = x_t + v; the result's mean is (n, 1), its covariance (n, 1, 1)."""
    one = np.ones((1, 1))
    y = np.asarray(y, float).reshape(-1, 1)
    return smooth(y, one, one, level_variance * one, noise_variance * one, np.array([mean0]), variance0 * one)
