"""The classic models: each run small, and held against an oracle or the truth that its data were drawn from."""

import itertools
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln, gammaln

from reactivepgm import Normal, infer

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name=name)


def falls(energies):
    assert np.isfinite(energies).all()
    assert np.max(np.diff(energies)) <= 1e-8


def test_an_autoregressive_process_is_identified():
    names = example("ar_process")
    result = names["main"](n=200, iterations=15)
    falls(result.free_energy)
    theta = result.posteriors["theta"]
    gap = theta.mean - names["TRUTH"]
    assert gap @ np.linalg.solve(theta.covariance, gap) < stats.chi2(3).ppf(0.999)
    hidden, seen = names["simulate"](200, 0)
    assert np.mean((result.posteriors["x"].mean[:, 0] - hidden) ** 2) < np.mean((seen - hidden) ** 2)


def test_volatility_is_followed():
    truth, believed = example("volatility")["main"](n=300)
    assert np.corrcoef(truth, believed)[0, 1] > 0.8


def test_one_step_of_the_gaussian_filter_on_a_grid():
    """q(before, x) given q(z) in closed form; q(z) the normal of the moments that a grid finds; in turn until both rest."""
    names = example("volatility")
    step = names["step"](z_mean=0.3, z_variance=0.8, x_mean=0.0, x_variance=0.5)
    start = {"z": Normal(mean=0.0, variance=1.0)}
    result = infer(step, data={"y": 1.7}, initialisation=start, iterations=60)
    z = np.linspace(-12.0, 12.0, 20001)
    mean, variance = 0.0, 1.0
    for _ in range(60):
        joint = np.array([[0.5, 0.5], [0.5, 0.5 + np.exp(mean - 0.5 * variance)]])  # of (before, x), noise 1 / E[exp(-z)]
        gain = joint[:, 1] / (joint[1, 1] + names["NOISE"])
        x, covariance = gain * 1.7, joint - np.outer(gain, joint[1])
        square = (x[1] - x[0]) ** 2 + covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
        log_q = stats.norm.logpdf(z, 0.3, np.sqrt(0.8)) - 0.5 * (z + square * np.exp(-z))
        q = np.exp(log_q - log_q.max())
        mean = (q @ z) / q.sum()
        variance = (q @ (z - mean) ** 2) / q.sum()
    belief = result.posteriors["z"]
    assert (float(belief.mean), float(belief.variance)) == pytest.approx((mean, variance), abs=1e-9)
    assert float(result.posteriors["x"].mean) == pytest.approx(x[1], abs=1e-9)


def test_waiting_times_are_told_apart():
    names = example("gamma_mixture")
    result = names["main"](n=400, iterations=100)
    falls(result.free_energy[1:])
    q = result.posteriors
    means = np.asarray(q["a"].mean / q["b"].mean)
    np.testing.assert_allclose(means, names["SHAPES"] / names["RATES"], rtol=0.1)
    np.testing.assert_allclose(q["s"].mean, names["WEIGHTS"], atol=0.06)
    np.testing.assert_allclose(q["a"].mean, names["SHAPES"], rtol=0.35)


def test_the_sprinkler_by_enumeration():
    names = example("sprinkler")
    answers = names["main"]()
    joint = np.zeros((2, 2, 2))
    for c, r, s in itertools.product((0, 1), repeat=3):
        joint[c, r, s] = 0.5 * names["RAIN"][r, c] * names["SPRINKLER"][s, c] * names["WET"][1, s, r]
    exact = answers["exactly"]
    assert exact["evidence"] == pytest.approx(joint.sum(), rel=1e-12)
    for axis, name in enumerate(("cloudy", "rain", "sprinkler")):
        truth = np.moveaxis(joint, axis, 0)[1].sum() / joint.sum()
        assert exact[name] == pytest.approx(truth, rel=1e-12)
        assert answers["around the cycle"][name] == pytest.approx(truth, abs=0.1)


@pytest.mark.parametrize("score", [(0.1, 0.1, 0.1), (0.9, 0.2, 0.7)])
def test_people_skills_by_enumeration(score):
    result = example("people_skills")["main"](score)
    weights = {}
    for s in itertools.product((0, 1), repeat=3):
        t = [1 - s[0]]
        t += [t[0] | s[1]]
        t += [t[1] & s[2]]
        weights[s] = 0.125 * np.prod([r if true else 1 - r for r, true in zip(score, t, strict=True)])
    total = sum(weights.values())
    expected = [sum(w for s, w in weights.items() if s[i]) / total for i in range(3)]
    np.testing.assert_allclose(result.posteriors["s"].p, expected, rtol=1e-12)
    assert result.free_energy[-1] == pytest.approx(-np.log(total), rel=1e-12)
    if score == (0.1, 0.1, 0.1):
        np.testing.assert_allclose(expected, [0.98724490, 0.06377551, 0.47193878], atol=5e-9)


def test_regimes_and_tensor_of_a_switching_chain():
    names = example("switching_hmm")
    result, regimes, states = names["main"](n=400, iterations=30)
    falls(result.free_energy)
    assert regimes > 0.9 and states > 0.9
    assert np.abs(result.posteriors["A"].mean - names["TRUTH"]).max() < 0.2


def test_a_flight_is_followed_by_its_distances():
    names = example("nonlinear_fusion")
    truth, belief = names["main"](n=60)
    gap = belief.mean - truth
    assert np.sqrt(np.mean(gap[:, :2] ** 2)) < 0.12
    inside = np.mean(np.abs(gap) < 2 * np.sqrt(np.diagonal(belief.covariance, axis1=-2, axis2=-1)))
    assert inside > 0.85


def test_breakdowns_have_their_closed_form():
    names = example("poisson_counts")
    result = names["main"](seed=7)
    count = np.random.default_rng(7).poisson(names["RATE"] * names["HOURS"]).astype(float)
    seen = np.arange(len(count)) != 3
    a, b = 2.0 + count[seen].sum(), 1.0 + names["HOURS"][seen].sum()
    rate = result.posteriors["rate"]
    assert (float(rate.shape), float(rate.rate)) == pytest.approx((a, b))
    evidence = gammaln(a) - a * np.log(b) - gammaln(2.0)
    evidence += (count * np.log(names["HOURS"]) - gammaln(count + 1))[seen].sum()
    assert result.free_energy[-1] == pytest.approx(-evidence, rel=1e-12)


def on_a_grid(log_density, centre, width, n=401):
    """Log integral, mean and covariance of a density over a plane, by brute force."""
    axes = [np.linspace(c - w, c + w, n) for c, w in zip(centre, width, strict=True)]
    a, b = np.meshgrid(*axes, indexing="ij")
    logs = log_density(a, b)
    p = np.exp(logs - logs.max())
    total = logs.max() + np.log(p.sum() * (axes[0][1] - axes[0][0]) * (axes[1][1] - axes[1][0]))
    p /= p.sum()
    mean = np.array([(p * a).sum(), (p * b).sum()])
    cross = (p * (a - mean[0]) * (b - mean[1])).sum()
    return total, mean, np.array([[(p * (a - mean[0]) ** 2).sum(), cross], [cross, (p * (b - mean[1]) ** 2).sum()]])


def test_probit_regression_comes_near_the_exact_posterior():
    names = example("probit_regression")
    result = names["main"](n=100, iterations=40)
    x, passed = names["simulate"](100, 2)

    def log_density(a, b):
        logs = stats.norm.logpdf(a, 0.0, np.sqrt(10.0)) + stats.norm.logpdf(b, 0.0, np.sqrt(10.0))
        return logs + sum(stats.norm.logcdf((2 * t - 1) * (a * u + b * v)) for (u, v), t in zip(x, passed, strict=True))

    evidence, mean, covariance = on_a_grid(log_density, (1.5, -2.4), (2.0, 2.8))
    w = result.posteriors["w"]
    np.testing.assert_allclose(w.mean, mean, atol=0.02 * np.sqrt(np.diag(covariance).max()))
    np.testing.assert_allclose(w.covariance, covariance, atol=0.1 * np.diag(covariance).max())
    assert result.free_energy[-1] == pytest.approx(-evidence, abs=0.03)


def test_binomial_regression_is_the_bound_by_hand():
    """Jaakkola and Jordan's fixed point: c_i² = E[ψ_i²], precision n_i tanh(c_i / 2) / (2 c_i)."""
    names = example("binomial_regression")
    result = names["main"](beds=60, iterations=60)
    data = names["simulate"](60, 5)
    x, n, y = data["x"], data["n"], data["y"]
    mean, covariance = np.zeros(2), np.eye(2)
    for _ in range(400):
        c = np.sqrt((x @ mean) ** 2 + np.einsum("ni,ij,nj->n", x, covariance, x))
        covariance = np.linalg.inv(np.eye(2) / 4.0 + (x.T * (n * np.tanh(c / 2) / (2 * c))) @ x)
        mean = covariance @ x.T @ (y - n / 2)
    beta = result.posteriors["beta"]
    np.testing.assert_allclose(beta.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(beta.covariance, covariance, rtol=1e-6)

    def log_density(a, b):
        logs = stats.norm.logpdf(a, 0.0, 2.0) + stats.norm.logpdf(b, 0.0, 2.0)
        rows = zip(x, n, y, strict=True)
        return logs + sum(stats.binom.logpmf(k, m, 1 / (1 + np.exp(-(a * u + b * v)))) for (u, v), m, k in rows)

    evidence, exact, _ = on_a_grid(log_density, mean, (0.8, 0.8))
    assert 0.0 < result.free_energy[-1] + evidence < 0.2
    np.testing.assert_allclose(mean, exact, atol=0.02)


def test_two_stories_about_a_coin():
    names = example("which_coin")
    scores, together = names["main"](heads=3, tails=7)
    exact = [betaln(a, b) - betaln(a + 3, b + 7) for a, b in names["STORIES"]]
    np.testing.assert_allclose(scores, exact, rtol=1e-12)
    np.testing.assert_allclose(exact, [6.639876, 8.963663], atol=5e-7)
    joint = np.array([0.3, 0.7]) * np.exp(np.negative(exact))
    weights = joint / joint.sum()
    np.testing.assert_allclose(together.posteriors["bias"].weights, weights, rtol=1e-12)
    assert float(together.posteriors["which"].p) == pytest.approx(weights[1], rel=1e-12)
    assert together.free_energy[-1] == pytest.approx(-np.log(joint.sum()), rel=1e-12)


def test_the_list_names_every_example():
    listed = set(re.findall(r"`python examples/(\w+)\.py`", (EXAMPLES / "README.md").read_text()))
    assert listed == {path.stem for path in EXAMPLES.glob("*.py")}
