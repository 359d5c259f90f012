"""Coordinate-ascent variational inference written out by hand, each model with its free energy term by term.

F = E_q[log q] - E_q[log p], every E_q[log p] of a factor and every entropy of q spelled below; no message anywhere.
Sources: Bishop (2006), chapter 10 (normal, mixture); Beal (2003), chapter 3 (hidden Markov model).
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import digamma, gammaln, logsumexp

LOG_2PI = float(np.log(2 * np.pi))


@dataclass
class Gamma:
    """Gamma by shape and rate, elementwise."""

    shape: np.ndarray | float
    rate: np.ndarray | float

    @property
    def mean(self):
        return self.shape / self.rate

    @property
    def mean_log(self):
        return digamma(self.shape) - np.log(self.rate)

    def entropy(self):
        return self.shape - np.log(self.rate) + gammaln(self.shape) + (1 - self.shape) * digamma(self.shape)

    def energy(self, q: "Gamma"):
        """-E_q[log p] with p this distribution."""
        log_normaliser = gammaln(self.shape) - self.shape * np.log(self.rate)
        return log_normaliser - (self.shape - 1) * q.mean_log + self.rate * q.mean


@dataclass
class Dirichlet:
    """Dirichlet over axis 0; further axes are independent columns."""

    alpha: np.ndarray

    @property
    def mean_log(self):
        return digamma(self.alpha) - digamma(self.alpha.sum(0))

    @property
    def log_normaliser(self):
        return gammaln(self.alpha).sum(0) - gammaln(self.alpha.sum(0))

    def energy(self, q: "Dirichlet"):
        return self.log_normaliser - ((self.alpha - 1) * q.mean_log).sum(0)

    def entropy(self):
        return self.energy(self)


def normal_energy(square, precision_mean, precision_mean_log):
    """-E[log N(out; mean, 1 / precision)] where square = E[(out - mean)^2] under q."""
    return 0.5 * (LOG_2PI - precision_mean_log + precision_mean * square)


def normal_entropy(variance):
    return 0.5 * (LOG_2PI + 1 + np.log(variance))


@dataclass
class Solution:
    """The marginals by name, and the free energy after each iteration."""

    free_energy: list[float] = field(default_factory=list)
    q: dict[str, object] = field(default_factory=dict)


def gamma_normal(y, mean0, variance0, precision_prior: Gamma, initial_precision: Gamma, iterations: int) -> Solution:
    """y_i ~ N(mu, 1 / tau), mu ~ N(mean0, variance0), tau ~ prior; q(mu) q(tau). q["mu"] = (mean, variance)."""
    y, q_tau, found = np.asarray(y, float), initial_precision, Solution()
    for _ in range(iterations):
        v = 1 / (1 / variance0 + len(y) * q_tau.mean)
        m = v * (mean0 / variance0 + q_tau.mean * y.sum())
        square = (y - m) ** 2 + v
        q_tau = Gamma(precision_prior.shape + len(y) / 2, precision_prior.rate + square.sum() / 2)
        energy = normal_energy((m - mean0) ** 2 + v, 1 / variance0, -np.log(variance0)) + precision_prior.energy(q_tau)
        energy += normal_energy(square, q_tau.mean, q_tau.mean_log).sum()
        found.free_energy.append(float(energy - normal_entropy(v) - q_tau.entropy()))
    found.q = {"mu": (m, v), "tau": q_tau}
    return found


def random_walk(
    y, mean0, variance0, level_prior: Gamma, noise_prior: Gamma, initial_level: Gamma, initial_noise: Gamma,
    iterations: int, *, structured: bool,
) -> Solution:
    """x_t ~ N(x_{t-1}, 1 / level), y_t ~ N(x_t, 1 / noise), x_0 ~ N(mean0, variance0), both precisions unknown.

    structured: q(x) q(level) q(noise); otherwise every x_t apart. q["x"] = (means, variances).
    The two orders of updating the x_t have one fixed point, that of the Gauss-Seidel iteration for J m = h.
    """
    y, n, found = np.asarray(y, float), len(y), Solution()
    q_level, q_noise = initial_level, initial_noise
    coupling = np.eye(n, k=1) + np.eye(n, k=-1)
    neighbours = coupling.sum(0)
    m = np.array(y)
    for _ in range(iterations):
        J = q_level.mean * (np.diag(neighbours) - coupling) + q_noise.mean * np.eye(n)
        h = q_noise.mean * y
        J[0, 0] += 1 / variance0
        h[0] += mean0 / variance0
        if structured:
            covariance = np.linalg.inv(J)
            m = covariance @ h
            entropy = 0.5 * (n * (LOG_2PI + 1) - np.linalg.slogdet(J)[1])
        else:
            for t in range(n):
                m[t] = (h[t] - J[t] @ m + J[t, t] * m[t]) / J[t, t]
            covariance = np.diag(1 / np.diag(J))
            entropy = normal_entropy(np.diag(covariance)).sum()
        v = np.diag(covariance)
        steps = np.diff(m) ** 2 + v[1:] + v[:-1] - 2 * np.diag(covariance, 1)
        errors = (y - m) ** 2 + v
        q_level = Gamma(level_prior.shape + (n - 1) / 2, level_prior.rate + steps.sum() / 2)
        q_noise = Gamma(noise_prior.shape + n / 2, noise_prior.rate + errors.sum() / 2)
        energy = normal_energy((m[0] - mean0) ** 2 + v[0], 1 / variance0, -np.log(variance0))
        energy += normal_energy(steps, q_level.mean, q_level.mean_log).sum()
        energy += normal_energy(errors, q_noise.mean, q_noise.mean_log).sum()
        energy += level_prior.energy(q_level) + noise_prior.energy(q_noise)
        found.free_energy.append(float(energy - entropy - q_level.entropy() - q_noise.entropy()))
    found.q = {"x": (m, v), "level": q_level, "noise": q_noise}
    return found


def mixture(
    y, mean0, variance0, precision_prior: Gamma, weights_prior: Dirichlet,
    initial_mean, initial_variance, initial_precision: Gamma, initial_weights: Dirichlet, iterations: int,
) -> Solution:
    """y_i ~ N(m_z, 1 / w_z), z_i ~ Categorical(weights); everything apart. Priors of the K components are arrays (K,).

    Order: z, weights, means, precisions. q["m"] = (means, variances), q["z"] = (n, K) responsibilities.
    """
    y, found = np.asarray(y, float)[:, None], Solution()
    m, v = np.asarray(initial_mean, float), np.asarray(initial_variance, float)
    q_w, q_s = initial_precision, initial_weights
    mean0, variance0 = np.broadcast_to(mean0, m.shape), np.broadcast_to(variance0, m.shape)
    for _ in range(iterations):
        log_r = q_s.mean_log - normal_energy((y - m) ** 2 + v, q_w.mean, q_w.mean_log)
        r = np.exp(log_r - logsumexp(log_r, axis=1, keepdims=True))
        counts = r.sum(0)
        q_s = Dirichlet(weights_prior.alpha + counts)
        v = 1 / (1 / variance0 + q_w.mean * counts)
        m = v * (mean0 / variance0 + q_w.mean * (r * y).sum(0))
        square = (y - m) ** 2 + v
        q_w = Gamma(precision_prior.shape + counts / 2, precision_prior.rate + (r * square).sum(0) / 2)
        energy = normal_energy((m - mean0) ** 2 + v, 1 / variance0, -np.log(variance0)).sum()
        energy += precision_prior.energy(q_w).sum() + weights_prior.energy(q_s)
        energy += (r * (normal_energy(square, q_w.mean, q_w.mean_log) - q_s.mean_log)).sum()
        entropy = normal_entropy(v).sum() + q_w.entropy().sum() + q_s.entropy() - _xlogx(r).sum()
        found.free_energy.append(float(energy - entropy))
    found.q = {"m": (m, v), "w": q_w, "s": q_s, "z": r}
    return found


def hidden_markov(
    y, start, transition_prior: Dirichlet, emission_prior: Dirichlet,
    initial_transition: Dirichlet, initial_emission: Dirichlet, iterations: int,
) -> Solution:
    """s_0 ~ start, s_t ~ A[:, s_{t-1}], y_t ~ B[:, s_t] with Dirichlet columns; q(s) q(A) q(B). y holds integers.

    q["s"] = (n, K) marginals, q["A"] and q["B"] are Dirichlet. Order: states, A, B.
    """
    y, n, K, found = np.asarray(y), len(y), len(start), Solution()
    q_A, q_B = initial_transition, initial_emission
    for _ in range(iterations):
        log_A, log_B = q_A.mean_log, q_B.mean_log
        forward, backward = np.empty((n, K)), np.zeros((n, K))
        forward[0] = np.log(start) + log_B[y[0]]
        for t in range(1, n):
            forward[t] = logsumexp(log_A + forward[t - 1], axis=1) + log_B[y[t]]
        for t in range(n - 2, -1, -1):
            backward[t] = logsumexp(log_A + (log_B[y[t + 1]] + backward[t + 1])[:, None], axis=0)
        total = logsumexp(forward[-1])
        single = np.exp(forward + backward - total)
        # pair[t, i, j] = q(s_{t+1} = i, s_t = j)
        ahead = (log_B[y] + backward)[1:, :, None]
        pair = np.exp(log_A + forward[:-1, None, :] + ahead - total)
        entropy = -_xlogx(pair).sum() + _xlogx(single[1:-1]).sum()
        q_A = Dirichlet(transition_prior.alpha + pair.sum(0))
        counts = np.zeros_like(emission_prior.alpha)
        np.add.at(counts, y, single)
        q_B = Dirichlet(emission_prior.alpha + counts)
        energy = -(single[0] * np.log(start)).sum() - (pair * q_A.mean_log).sum() - (single * q_B.mean_log[y]).sum()
        energy += transition_prior.energy(q_A).sum() + emission_prior.energy(q_B).sum()
        found.free_energy.append(float(energy - entropy - q_A.entropy().sum() - q_B.entropy().sum()))
    found.q = {"s": single, "A": q_A, "B": q_B}
    return found


def _xlogx(p):
    return p * np.log(np.where(p > 0, p, 1.0))
