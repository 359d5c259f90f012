"""Missing rules integrated numerically where the user says so, against sums on grids computed here."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma

from reactivepgm import (
    Beta,
    Gamma,
    Poisson,
    Projection,
    Quadrature,
    explain,
    infer,
    model,
)
from reactivepgm.errors import ModelError, NoRuleError


@model
def beta_shape(y, n):
    a = ~Gamma(shape=2.0, rate=1.0)
    for i in range(n):
        y[i] = ~Beta(a, 2.0)


def on_a_grid(log_density, low, high, n=400_001):
    x = np.linspace(low, high, n)[1:]
    logs = log_density(x)
    weight = np.exp(logs - logs.max())
    evidence = np.log(weight.sum() * (x[1] - x[0])) + logs.max()
    weight /= weight.sum()
    return weight @ x, weight @ np.log(x), evidence


PROJECTED = "q(a) :: ProjectedTo(Gamma)"


@pytest.mark.parametrize("n", [1, 30])
def test_the_shape_of_a_beta_by_quadrature(n):
    y = np.random.default_rng(0).beta(3.0, 2.0, size=n)
    result = infer(beta_shape(n=n), data={"y": y}, fallback=Quadrature(32), constraints=PROJECTED, free_energy=True)
    mean, mean_log, evidence = on_a_grid(
        lambda a: stats.gamma.logpdf(a, 2.0) + stats.beta.logpdf(y[:, None], a, 2.0).sum(0), 0.0, 60.0
    )
    belief = result.posteriors["a"]
    assert belief.mean == pytest.approx(mean, rel=1e-6)
    assert belief.mean_log == pytest.approx(mean_log, abs=1e-6)
    assert -evidence - 1e-9 < result.free_energy[-1] < -evidence + 0.05


def test_without_a_fallback_the_missing_rule_is_an_error():
    with pytest.raises(NoRuleError, match="no rule for Beta -> a"):
        infer(beta_shape(n=2), data={"y": np.array([0.2, 0.4])}, constraints=PROJECTED)


def test_a_fallback_has_to_be_one():
    with pytest.raises(ModelError, match=r"fallback=Quadrature\(32\)"):
        infer(beta_shape(n=1), data={"y": np.array([0.2])}, fallback="quadrature")


def test_explain_tells_which_rules_are_integrated():
    said = explain(beta_shape(n=1), {"y": np.array([0.2])}, constraints=PROJECTED, fallback=Quadrature(16))
    rows = [use for uses in said.rules.values() for use in uses]
    assert [use.what for use in rows if "by fallback=Quadrature(n=16)" in use.rule] == ["→ a"]
    assert not said.missing


def test_a_projected_message_multiplies_in_its_family():
    y = np.array([0.3])
    result = infer(beta_shape(n=1), data={"y": y}, fallback=Projection(Gamma))
    mean, mean_log, _ = on_a_grid(lambda a: stats.beta.logpdf(0.3, a, 2.0), 0.0, 80.0)
    shape = np.linspace(0.5, 10.0, 2_000_001)
    fitted = shape[np.abs(digamma(shape) - np.log(shape / mean) - mean_log).argmin()]
    assert result.posteriors["a"].shape == pytest.approx(fitted + 1.0, rel=1e-4)


@model
def poisson_rate(y, n):
    rate = ~Gamma(shape=2.0, rate=1.0)
    for i in range(n):
        y[i] = ~Poisson(rate)


def test_where_there_is_a_rule_the_fallback_is_not_asked():
    y = np.array([1.0, 4.0])
    one = infer(poisson_rate(n=2), data={"y": y}, fallback=Quadrature(8)).posteriors["rate"]
    assert one == infer(poisson_rate(n=2), data={"y": y}).posteriors["rate"]
