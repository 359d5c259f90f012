"""Hierarchical Gaussian filters as they are written down, online and in batch, against references computed here.

Online     the filter with the belief of two neighbours by dense algebra and the moments of z by a fine sum: 1e-9
Batch      two steps: beliefs of both volatilities by quadrature in two dimensions; what expectation propagation loses are
           0.02 posterior deviations in the means and 2 % of the variances
"""

import numpy as np
import pytest

from reactivepgm import GCV, Normal, Probit, infer, infer_online, model, randomvar
from reactivepgm.plan import CannotStitchError

KAPPA, OMEGA, DRIFT, NOISE = 0.9, -0.6, 0.1, 0.5
STRUCTURED = [
    "q(x, x_before, z) = q(x, x_before) q(z)",
    "q(x, x_before, z, z_before) = q(x, x_before) q(z, z_before)",
]


@model
def step(y, mz, vz, mx, vx):
    z_before = ~Normal(mean=mz, variance=vz)
    z = ~Normal(mean=z_before, variance=DRIFT)
    x_before = ~Normal(mean=mx, variance=vx)
    x = ~GCV(x_before, z, KAPPA, OMEGA)
    y[...] = ~Normal(mean=x, variance=NOISE)


@model
def path(y, n):
    z, x = randomvar(n), randomvar(n)
    before = ~Normal(mean=0.0, variance=1.0)
    z[0] = ~Normal(mean=0.3, variance=0.8)
    x[0] = ~GCV(before, z[0], KAPPA, OMEGA)
    y[0] = ~Normal(mean=x[0], variance=NOISE)
    for t in range(1, n):
        z[t] = ~Normal(mean=z[t - 1], variance=DRIFT)
        x[t] = ~GCV(x[t - 1], z[t], KAPPA, OMEGA)
        y[t] = ~Normal(mean=x[t], variance=NOISE)


def walk(n, seed=5):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=n) * np.exp(np.sin(np.arange(n) / 8.0)))
    return (x + np.sqrt(NOISE) * rng.normal(size=n)).tolist()


def precision_of(m, v):
    """E exp(-κ z - ω) under N(m, v)."""
    return np.exp(-KAPPA * m + 0.5 * KAPPA**2 * v - OMEGA)


def log_message(z, psi):
    return -0.5 * (KAPPA * z + psi * np.exp(-KAPPA * z - OMEGA))


def moments(m, v, psi):
    """Of N(m, v) times the message about z."""
    z = m + np.sqrt(v) * np.linspace(-12.0, 12.0, 4001)
    p = np.exp(-0.5 * (z - m) ** 2 / v + log_message(z, psi))
    mean = (p * z).sum() / p.sum()
    return mean, (p * (z - mean) ** 2).sum() / p.sum()


def filtered(ys, iterations):
    mz, vz, mx, vx, m, v, rows = 0.0, 1.0, 0.0, 1.0, 0.0, 1.1, []
    for y in ys:
        for _ in range(iterations):
            w = precision_of(m, v)
            precision = np.array([[w + 1.0 / NOISE, -w], [-w, w + 1.0 / vx]])
            covariance = np.linalg.inv(precision)
            mean = covariance @ [y / NOISE, mx / vx]
            gap = np.array([1.0, -1.0])
            m, v = moments(mz, vz + DRIFT, (gap @ mean) ** 2 + gap @ covariance @ gap)
        mz, vz, mx, vx = m, v, mean[0], covariance[0, 0]
        rows.append((mz, vz, mx, vx))
    return np.array(rows)


def online(ys, constraints, iterations, initial, **options):
    engine = infer_online(
        step(mz=0.0, vz=1.0, mx=0.0, vx=1.0),
        iterations=iterations,
        constraints=constraints,
        initialisation=initial,
        autoupdates=lambda q: {"mz": q["z"].mean, "vz": q["z"].variance, "mx": q["x"].mean, "vx": q["x"].variance},
        **options,
    )
    z, x, scores = [], [], []
    engine.posteriors["z"].subscribe(z.append)
    engine.posteriors["x"].subscribe(x.append)
    engine.free_energy.subscribe(scores.append)
    for y in ys:
        engine.observe({"y": y})
    return np.array([[a.mean, a.variance, b.mean, b.variance] for a, b in zip(z, x, strict=True)]), scores


@pytest.mark.parametrize("constraints", STRUCTURED)
@pytest.mark.parametrize("iterations", [1, 10])
def test_the_filter_online_is_the_one_written_by_hand(constraints, iterations):
    ys = walk(40)
    rows, _ = online(ys, constraints, iterations, {"z": Normal(mean=0.0, variance=1.1)})
    np.testing.assert_allclose(rows, filtered(ys, iterations), rtol=1e-9, atol=1e-9)


def test_mean_field_comes_to_rest_where_its_equations_hold():
    names = ("z", "z_before", "x", "x_before")
    initial = {name: Normal(mean=0.0, variance=1.0) for name in names}
    apart = "q(x, x_before, z, z_before) = q(x) q(x_before) q(z) q(z_before)"
    (row,), _ = online([1.7], apart, 400, initial)
    mz, vz, mx, vx = row
    w = precision_of(mz, vz)
    before_x, before_z = w * mx / (1.0 + w), mz / DRIFT / (1.0 + 1.0 / DRIFT)
    spread = 1.0 / (1.0 + w)
    assert (mx, vx) == pytest.approx(((w * before_x + 1.7 / NOISE) / (w + 1.0 / NOISE), 1.0 / (w + 1.0 / NOISE)), rel=1e-9)
    psi = (mx - before_x) ** 2 + vx + spread
    assert (mz, vz) == pytest.approx(moments(before_z, DRIFT, psi), rel=1e-9)


def test_a_gap_online_widens_what_is_known():
    ys = walk(30)
    ys[11] = ys[12] = None
    rows, scores = online(ys, STRUCTURED[0], 5, {"z": Normal(mean=0.0, variance=1.1)})
    assert rows[12, 1] > rows[11, 1] > rows[10, 1]
    assert rows[12, 3] > rows[11, 3] > rows[10, 3]
    assert np.isfinite(scores).all()


def by_the_plan(monkeypatch):
    def refuse(*_):
        raise CannotStitchError("asked not to")

    monkeypatch.setattr("reactivepgm.inference.stepper.StitchedStepper", refuse)


def test_stitched_steps_are_those_of_the_plan(monkeypatch):
    ys = walk(25)
    ys[7] = None
    start = {"z": Normal(mean=0.0, variance=1.1)}
    rows, scores = online(ys, STRUCTURED[0], 60, start)
    by_the_plan(monkeypatch)
    planned, energies = online(ys, STRUCTURED[0], 60, start)
    np.testing.assert_allclose(rows, planned, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(scores, energies, rtol=1e-7)


@model
def threshold(y, m, v):
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=0.3)
    y[...] = ~Probit(x)


def test_other_rules_that_read_their_own_edge_are_stitched_as_the_plan_runs_them(monkeypatch):
    def run():
        engine = infer_online(
            threshold(m=0.0, v=1.0), iterations=4, autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].variance}
        )
        beliefs, scores = [], []
        engine.posteriors["x"].subscribe(beliefs.append)
        engine.free_energy.subscribe(scores.append)
        for y in (1.0, 1.0, 0.0, None, 1.0):
            engine.observe({"y": y})
        return [(b.mean, b.variance) for b in beliefs], scores

    beliefs, scores = run()
    by_the_plan(monkeypatch)
    planned, energies = run()
    np.testing.assert_allclose(beliefs, planned, rtol=1e-9)
    np.testing.assert_allclose(scores, energies, rtol=1e-9, atol=1e-12)


def two_steps(y):
    """The fixed point of q(before, x) q(z): dense algebra for the states, quadrature in two dimensions for z."""
    a = np.linspace(-6.0, 6.5, 1201)
    z0, z1 = np.meshgrid(a, a, indexing="ij")
    prior = -0.5 * (z0 - 0.3) ** 2 / 0.8 - 0.5 * (z1 - z0) ** 2 / DRIFT
    m, v = np.zeros(2), np.ones(2)
    for _ in range(200):
        w = precision_of(m, v)
        precision = np.diag([1.0 + w[0], w[0] + w[1] + 1.0 / NOISE, w[1] + 1.0 / NOISE])
        precision[0, 1] = precision[1, 0] = -w[0]
        precision[1, 2] = precision[2, 1] = -w[1]
        covariance = np.linalg.inv(precision)
        mean = covariance @ [0.0, y[0] / NOISE, y[1] / NOISE]
        psi = [
            (mean[i + 1] - mean[i]) ** 2 + covariance[i, i] + covariance[i + 1, i + 1] - 2.0 * covariance[i, i + 1]
            for i in (0, 1)
        ]
        height = prior + log_message(z0, psi[0]) + log_message(z1, psi[1])
        p = np.exp(height - height.max())
        p /= p.sum()
        before, m = m, np.array([(p * z0).sum(), (p * z1).sum()])
        v = np.array([(p * (z0 - m[0]) ** 2).sum(), (p * (z1 - m[1]) ** 2).sum()])
        if np.abs(m - before).max() < 1e-12:
            break
    return m, v, mean, np.diag(covariance)


@pytest.mark.parametrize("y", [[0.4, 0.1], [2.5, 2.0], [-1.0, 4.0]], ids=["calm", "a jump", "two jumps"])
def test_two_steps_in_batch_against_quadrature_in_two_dimensions(y):
    found = infer(
        path(n=2), data={"y": y}, constraints="q(before, x, z) = q(before, x) q(z)",
        initialisation={"z": Normal(mean=0.0, variance=1.0)}, iterations=200,
    )  # fmt: skip
    m, v, mean, variance = two_steps(y)
    z, x = found.posteriors["z"], found.posteriors["x"]
    assert np.abs((z.mean - m) / np.sqrt(v)).max() < 0.02
    assert np.abs(z.variance / v - 1.0).max() < 0.02
    np.testing.assert_allclose(x.mean, mean[1:], atol=0.01)
    np.testing.assert_allclose(x.variance, variance[1:], rtol=0.01)


def test_many_steps_in_batch_settle_and_follow_the_volatility():
    n = 300
    y = walk(n)
    found = infer(
        path(n=n), data={"y": y}, constraints="q(before, x, z) = q(before, x) q(z)",
        initialisation={"z": Normal(mean=0.0, variance=1.0)}, iterations=100, free_energy=True,
    )  # fmt: skip
    scores = np.asarray(found.free_energy)
    assert np.diff(scores).max() < 1e-4  # expectation propagation approaches its fixed point from either side
    assert scores[-2] - scores[-1] < 1e-6
    truth = np.sin(np.arange(n) / 8.0)
    assert np.corrcoef(found.posteriors["z"].mean, truth)[0, 1] > 0.5


def test_more_iterations_never_raise_the_score_of_an_observation():
    ys = walk(1)
    scores = [online(ys, STRUCTURED[1], n, {"z": Normal(mean=0.0, variance=1.1)})[1][0] for n in range(1, 8)]
    assert np.diff(scores).max() < 1e-9
    assert scores[-2] == pytest.approx(scores[-1], abs=1e-4)
