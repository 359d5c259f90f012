"""Functions in whole models: against quadrature, dense algebra, and Kalman filters written here."""

import numpy as np
import pytest
from scipy.optimize import minimize

from reactivepgm import (
    Delta,
    DeltaMeta,
    Gamma,
    GaussHermite,
    Linearisation,
    MvNormal,
    Normal,
    NoRuleError,
    Unscented,
    infer,
    infer_online,
    model,
    randomvar,
)

METHODS = [Linearisation(), Unscented(), Unscented(alpha=1.0, kappa=1.0), GaussHermite(7)]


def root(x):
    return np.sqrt(x)


@model
def rooted(y, how):
    x = ~Normal(mean=4.0, variance=1.0)
    z = ~root(x).where(meta=how)
    y[...] = ~Normal(mean=z, variance=0.1)


def test_a_root_with_noise_against_quadrature():
    x = np.linspace(0.01, 12.0, 200_001)
    density = np.exp(-0.5 * (x - 4.0) ** 2 - 0.5 * (2.5 - np.sqrt(x)) ** 2 / 0.1)
    mean = (density * x).sum() / density.sum()
    evidence = density.sum() * (x[1] - x[0]) / (2 * np.pi * np.sqrt(0.1))
    for how, close in ((Linearisation(), 0.05), (Unscented(), 0.03), (GaussHermite(3), 0.03)):
        once = infer(rooted(how=how), data={"y": 2.5}, free_energy=True)
        again = infer(rooted(how=how), data={"y": 2.5}, iterations=30, free_energy=True)
        for result in (once, again):
            assert result.posteriors["x"].mean == pytest.approx(mean, abs=close)
            assert result.free_energy[-1] == pytest.approx(-np.log(evidence), abs=close)
        assert again.converged


def test_iterations_of_the_tangent_find_the_mode():
    found = infer(rooted(how=Linearisation()), data={"y": 2.5}, iterations=40).posteriors["x"].mean
    mode = minimize(lambda x: 0.5 * (x[0] - 4.0) ** 2 + 5.0 * (2.5 - np.sqrt(x[0])) ** 2, [4.0], tol=1e-12).x[0]
    assert found == pytest.approx(mode, abs=1e-5)


@pytest.mark.parametrize("how", METHODS)
def test_a_linear_function_gives_the_linear_result(how):
    def combined(a, b):
        return 2.0 * a - b + 3.0

    @model
    def by_function(y):
        a = ~Normal(mean=1.0, variance=2.0)
        b = ~Normal(mean=-1.0, variance=0.5)
        z = ~combined(a, b).where(meta=how)
        y[...] = ~Normal(mean=z, variance=0.3)

    @model
    def by_operators(y):
        a = ~Normal(mean=1.0, variance=2.0)
        b = ~Normal(mean=-1.0, variance=0.5)
        z = ~(2.0 * a - b + 3.0)
        y[...] = ~Normal(mean=z, variance=0.3)

    got = infer(by_function(), data={"y": 4.0}, iterations=3, free_energy=True)
    want = infer(by_operators(), data={"y": 4.0}, free_energy=True)
    for name in ("a", "b", "z"):
        np.testing.assert_allclose(got.posteriors[name].mean, want.posteriors[name].mean, rtol=1e-8)
        np.testing.assert_allclose(got.posteriors[name].variance, want.posteriors[name].variance, rtol=1e-8)
    np.testing.assert_allclose(got.free_energy[-1], want.free_energy[-1], rtol=1e-8)


def pendulum(x):
    return np.array([x[0] + 0.1 * x[1], x[1] - 0.1 * 9.81 * np.sin(x[0])])


def height(x):
    return np.sin(x[0])


NOISE = np.array([[1e-4, 1e-3], [1e-3, 2e-2]])


@model
def swinging(y, how):
    x = randomvar(len(y))
    x[0] = ~MvNormal(mean=[1.0, 0.0], covariance=0.1 * np.eye(2))
    for t in range(len(y)):
        if t > 0:
            s = ~pendulum(x[t - 1]).where(meta=how)
            x[t] = ~MvNormal(mean=s, covariance=NOISE)
        h = ~height(x[t]).where(meta=how)
        y[t] = ~Normal(mean=h, variance=0.05)


def _moments(f, m, p, how):
    """Mean, covariance and cross-covariance of f, by derivatives or by sigma points with the usual weights."""
    d = len(m)
    if isinstance(how, Linearisation):
        steps = 1e-6 * np.eye(d)
        a = np.stack([(np.atleast_1d(f(m + s)) - np.atleast_1d(f(m - s))) / 2e-6 for s in steps], axis=-1)
        return np.atleast_1d(f(m)), a @ p @ a.T, p @ a.T
    scale = how.alpha**2 * (d + how.kappa)
    root = np.linalg.cholesky(scale * p)
    points = np.concatenate([m[None], m + root.T, m - root.T])
    weights = np.full(2 * d + 1, 0.5 / scale)
    weights[0] = 1.0 - d / scale
    second = weights.copy()
    second[0] += 1.0 - how.alpha**2 + how.beta
    values = np.stack([np.atleast_1d(f(x)) for x in points])
    mean = weights @ values
    gaps = values - mean
    return mean, (second[:, None] * gaps).T @ gaps, (weights[:, None] * (points - m)).T @ gaps


def _smoothed(y, how):
    """An extended or unscented Kalman filter and the Rauch-Tung-Striebel smoother behind it."""
    m, p, log_evidence = np.array([1.0, 0.0]), 0.1 * np.eye(2), 0.0
    filtered, predicted = [], []
    for t, value in enumerate(y):
        if t:
            mean, s, cross = _moments(pendulum, m, p, how)
            predicted.append((mean, s + NOISE, cross))
            m, p = mean, s + NOISE
        mean, s, cross = _moments(height, m, p, how)
        s = s + 0.05
        log_evidence += -0.5 * (np.log(2 * np.pi * s[0, 0]) + (value - mean[0]) ** 2 / s[0, 0])
        m, p = m + cross[:, 0] / s[0, 0] * (value - mean[0]), p - cross @ cross.T / s[0, 0]
        filtered.append((m, p))
    found = [filtered[-1]]
    for (m, p), (mean, s, cross) in zip(filtered[-2::-1], predicted[::-1], strict=True):
        gain = np.linalg.solve(s, cross.T).T
        after, spread = found[-1]
        found.append((m + gain @ (after - mean), p + gain @ (spread - s) @ gain.T))
    means, covariances = zip(*found[::-1], strict=True)
    return np.stack(means), np.stack(covariances), log_evidence


@pytest.mark.parametrize("how", [Linearisation(), Unscented(alpha=0.7, kappa=1.0)])
def test_a_nonlinear_state_space_model_is_the_filter_and_its_smoother(how):
    rng = np.random.default_rng(3)
    y = np.sin(np.cumsum(rng.normal(0.0, 0.2, 40)) + 0.5) + rng.normal(0.0, 0.2, 40)
    result = infer(swinging(how=how), data={"y": y}, free_energy=True)
    means, covariances, log_evidence = _smoothed(y, how)
    np.testing.assert_allclose(result.posteriors["x"].mean, means, atol=1e-6)
    np.testing.assert_allclose(result.posteriors["x"].covariance, covariances, atol=1e-6)
    assert result.free_energy[-1] == pytest.approx(-log_evidence, abs=1e-5)


def test_iterated_smoothing_is_gauss_newton():
    rng = np.random.default_rng(3)
    y = np.sin(np.linspace(1.0, -1.0, 12)) + rng.normal(0.0, 0.2, 12)
    weight = np.linalg.inv(NOISE)

    def cost(flat):
        x = flat.reshape(-1, 2)
        gaps = x[1:] - np.stack([pendulum(s) for s in x[:-1]])
        prior = 0.5 * ((x[0] - [1.0, 0.0]) ** 2).sum() / 0.1
        return prior + 0.5 * np.einsum("ti,ij,tj->", gaps, weight, gaps) + 0.5 * ((y - np.sin(x[:, 0])) ** 2).sum() / 0.05

    result = infer(swinging(how=Linearisation()), data={"y": y}, iterations=50)
    mean = result.posteriors["x"].mean
    assert result.converged
    step = 1e-5
    slopes = [(cost(mean.ravel() + step * e) - cost(mean.ravel() - step * e)) / (2 * step) for e in np.eye(mean.size)]
    np.testing.assert_allclose(slopes, 0.0, atol=1e-3)


def distance(p):
    return np.hypot(p[0], p[1])


def bearing(p):
    return np.arctan2(p[1], p[0])


def test_range_and_bearing_of_a_position():
    @model
    def located(r, b):
        p = ~MvNormal(mean=[3.0, 1.0], covariance=np.eye(2))
        d = ~distance(p).where(meta=Linearisation())
        a = ~bearing(p).where(meta=Linearisation())
        r[...] = ~Normal(mean=d, variance=0.01)
        b[...] = ~Normal(mean=a, variance=0.001)

    result = infer(located(), data={"r": 5.0, "b": 0.6}, iterations=30)
    x, y = np.meshgrid(np.linspace(2.0, 6.0, 801), np.linspace(1.0, 5.0, 801), indexing="ij")
    log_density = -0.5 * ((x - 3.0) ** 2 + (y - 1.0) ** 2)
    log_density += -0.5 * (np.hypot(x, y) - 5.0) ** 2 / 0.01 - 0.5 * (np.arctan2(y, x) - 0.6) ** 2 / 0.001
    weights = np.exp(log_density - log_density.max())
    weights /= weights.sum()
    mean = np.array([(weights * x).sum(), (weights * y).sum()])
    np.testing.assert_allclose(result.posteriors["p"].mean, mean, atol=0.01)
    spread = [(weights * (x - mean[0]) ** 2).sum(), (weights * (y - mean[1]) ** 2).sum()]
    np.testing.assert_allclose(np.diagonal(result.posteriors["p"].covariance), spread, rtol=0.03)


def test_range_of_two_numbers():
    def length(x, y):
        return np.hypot(x, y)

    @model
    def located(r, how):
        x = ~Normal(mean=3.0, variance=0.2)
        y = ~Normal(mean=4.0, variance=0.1)
        d = ~length(x, y).where(meta=how)
        r[...] = ~Normal(mean=d, variance=0.05)

    x, y = np.meshgrid(np.linspace(0.5, 6.0, 801), np.linspace(2.0, 6.0, 801), indexing="ij")
    weights = np.exp(-0.5 * ((x - 3) ** 2 / 0.2 + (y - 4) ** 2 / 0.1 + (np.hypot(x, y) - 5.5) ** 2 / 0.05))
    evidence = weights.sum() * 5.5 / 800 * 4.0 / 800 / ((2 * np.pi) ** 1.5 * np.sqrt(0.2 * 0.1 * 0.05))
    weights /= weights.sum()
    for how in METHODS:
        result = infer(located(how=how), data={"r": 5.5}, iterations=20, free_energy=True)
        assert result.posteriors["x"].mean == pytest.approx((weights * x).sum(), abs=0.03)
        assert result.posteriors["y"].mean == pytest.approx((weights * y).sum(), abs=0.03)
        assert result.free_energy[-1] == pytest.approx(-np.log(evidence), abs=0.05)


def test_regression_with_a_function_of_data_and_an_unknown_precision():
    def curve(a, u):
        return np.exp(-a * u)

    @model
    def decay(y, u):
        a = ~Normal(mean=1.0, variance=1.0)
        w = ~Gamma(shape=1.0, rate=0.01)
        for i in range(len(y)):
            z = ~curve(a, u[i]).where(meta=Linearisation())
            y[i] = ~Normal(mean=z, precision=w)

    rng = np.random.default_rng(1)
    u = np.linspace(0.0, 3.0, 50)
    y = np.exp(-0.7 * u) + rng.normal(0.0, 0.05, 50)
    result = infer(
        decay(),
        data={"y": y, "u": u},
        iterations=15,
        constraints="q(a, z, w) = q(a, z) q(w)",
        initialisation={"w": Gamma(shape=1.0, rate=0.01)},
    )
    assert result.posteriors["a"].mean == pytest.approx(0.7, abs=0.05)
    assert result.posteriors["w"].mean == pytest.approx(400.0, rel=0.4)


def test_known_inverses_in_a_model():
    def square(x):
        return x * x

    @model
    def squared(y):
        x = ~Normal(mean=3.0, variance=0.5)
        z = ~square(x).where(meta=DeltaMeta(method=Linearisation(), inverse=np.sqrt))
        y[...] = ~Normal(mean=z, variance=0.4)

    belief = infer(squared(), data={"y": 10.0}).posteriors["x"]
    back = 0.4 / (4.0 * 10.0)
    precision = 1 / 0.5 + 1 / back
    assert belief.variance == pytest.approx(1 / precision, rel=1e-8)
    assert belief.mean == pytest.approx((3.0 / 0.5 + np.sqrt(10.0) / back) / precision, rel=1e-8)


def test_three_inputs_and_cycles_by_loopy_messages():
    def mixed(a, b, c):
        return a + 2.0 * b - c

    @model
    def three(y):
        a = ~Normal(mean=1.0, variance=2.0)
        b = ~Normal(mean=-1.0, variance=0.5)
        c = ~Normal(mean=0.5, variance=1.0)
        z = ~mixed(a, b, c).where(meta=Linearisation())
        y[...] = ~Normal(mean=z, variance=0.3)

    result = infer(three(), data={"y": 4.0}, iterations=10)
    total = 2.0 + 4 * 0.5 + 1.0 + 0.3
    assert result.posteriors["a"].mean == pytest.approx(1.0 + 2.0 / total * 5.5, rel=1e-8)
    assert result.posteriors["b"].variance == pytest.approx(0.5 - (2 * 0.5) ** 2 / total, rel=1e-8)

    @model
    def circle(r, s):
        x = ~Normal(mean=1.0, variance=0.2)
        y = ~Normal(mean=2.0, variance=0.2)
        d = ~(lambda a, b: a * b)(x, y).where(meta=Linearisation())
        e = ~(lambda a, b: a - b)(x, y).where(meta=Linearisation())
        r[...] = ~Normal(mean=d, variance=0.5)
        s[...] = ~Normal(mean=e, variance=0.5)

    loopy = infer(circle(), data={"r": 2.5, "s": -0.5}, iterations=200)

    def cost(v):
        return 2.5 * ((v[0] - 1) ** 2 + (v[1] - 2) ** 2) + (v[0] * v[1] - 2.5) ** 2 + (v[0] - v[1] + 0.5) ** 2

    mode = minimize(cost, [1.0, 2.0]).x
    np.testing.assert_allclose([loopy.posteriors["x"].mean, loopy.posteriors["y"].mean], mode, atol=0.02)


def test_one_variable_in_two_places_and_an_explicit_node():
    def product(a, b):
        return a * b

    @model
    def twice(y):
        x = ~Normal(mean=2.0, variance=0.1)
        z = ~product(x, x).where(meta=Unscented())
        y[...] = ~Normal(mean=z, variance=0.1)

    @model
    def node(y):
        x = ~Normal(mean=2.0, variance=0.1)
        z = ~Delta(lambda v: v * v)(x).where(meta=Unscented())
        y[...] = ~Normal(mean=z, variance=0.1)

    one = infer(twice(), data={"y": 5.0}).posteriors["x"]
    other = infer(node(), data={"y": 5.0}).posteriors["x"]
    assert one.mean == pytest.approx(other.mean, rel=1e-9) and one.variance == pytest.approx(other.variance, rel=1e-9)


def test_online_each_datum_begins_anew():
    @model
    def tracked(y, m, v):
        x = ~Normal(mean=m, variance=v)
        z = ~np.sin(x).where(meta=Linearisation())
        y[...] = ~Normal(mean=z, variance=0.1)

    data = [0.3, 0.5, 0.2, 0.6]
    seen = []
    engine = infer_online(
        tracked(m=0.1, v=1.0), autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].variance}
    )
    engine.posteriors["x"].subscribe(seen.append)
    for value in data:
        engine.observe({"y": value})
    m, v = 0.1, 1.0
    for y, belief in zip(data, seen, strict=True):
        slope = np.cos(m)
        gain = v * slope / (v * slope**2 + 0.1)
        m, v = m + gain * (y - np.sin(m)), v - gain * slope * v
        assert float(belief.mean) == pytest.approx(m, rel=1e-7) and float(belief.variance) == pytest.approx(v, rel=1e-7)


def test_without_a_meta_the_letter_names_them():
    @model
    def silent(y):
        x = ~Normal(mean=2.0, variance=0.1)
        z = ~root(x)
        y[...] = ~Normal(mean=z, variance=0.1)

    with pytest.raises(NoRuleError, match=r"meta=Linearisation\(\)\); or Unscented\(\), GaussHermite\(n\)") as caught:
        infer(silent(), data={"y": 1.0})
    assert "test_functions.py" in str(caught.value)
