"""Missing rules integrated numerically where the user says so, against sums on grids computed here."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma

from reactivepgm import (
    Beta,
    Gamma,
    Laplace,
    LogNormal,
    Normal,
    Poisson,
    Projection,
    Quadrature,
    explain,
    infer,
    model,
)
from reactivepgm.errors import ModelError, NoRuleError, ProductError


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
    return weight @ x, weight @ np.log(np.maximum(x, 1e-300)), evidence


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


@model
def one_statement(y, n, meta):
    a = ~Gamma(shape=2.0, rate=1.0)
    for i in range(n):
        y[i] = ~Beta(a, 2.0).where(meta=meta)


def test_a_statement_names_its_own_fallback():
    y = np.array([0.4, 0.7])
    own = infer(one_statement(n=2, meta=Quadrature(32)), data={"y": y}, constraints=PROJECTED, free_energy=True)
    all_ = infer(beta_shape(n=2), data={"y": y}, constraints=PROJECTED, fallback=Quadrature(32), free_energy=True)
    assert own.posteriors["a"] == all_.posteriors["a"]
    assert own.free_energy[-1] == all_.free_energy[-1]
    said = explain(one_statement(n=2, meta=Quadrature(16)), {"y": y}, constraints=PROJECTED, fallback=Quadrature(8))
    rows = [use for uses in said.rules.values() for use in uses]
    assert any("by fallback=Quadrature(n=16)" in use.rule for use in rows)


def test_the_letter_of_a_missing_rule_offers_it():
    with pytest.raises(NoRuleError, match=r"or   \.where\(meta=Quadrature\(32\)\), or fallback=Quadrature\(32\)"):
        infer(beta_shape(n=1), data={"y": np.array([0.2])}, constraints=PROJECTED)


def bounds(model_, data, family, log_joint, low, high, slack, **options):
    """The projected posterior against the grid: moments, and a free energy above minus the log evidence."""
    result = infer(model_, data=data, constraints=f"q(x) :: ProjectedTo({family})", free_energy=True, **options)
    mean, mean_log, evidence = on_a_grid(log_joint, low, high)
    belief = result.posteriors["x"]
    assert -evidence - 1e-7 < result.free_energy[-1] < -evidence + slack
    return belief, mean, mean_log


Y = np.array([0.9, -0.2, 1.4, 0.3, 2.2])


@model
def heavy_prior(y):
    x = ~Laplace(0.0, 1.0)
    y[:] = ~Normal(mean=x, variance=1.0)


def test_normal_data_under_a_laplace_prior():
    def log_joint(x):
        return stats.laplace.logpdf(x) + stats.norm.logpdf(Y[:, None], x, 1.0).sum(0)

    belief, mean, _ = bounds(heavy_prior(), {"y": Y}, "Normal", log_joint, -20.0, 20.0, 0.02)
    assert belief.mean == pytest.approx(mean, rel=1e-5)


@model
def log_normal_rate(y):
    x = ~LogNormal(0.5, 2.0)
    y[:] = ~Poisson(x)


@pytest.mark.parametrize("family", ["LogNormal", "Gamma"])
def test_counts_under_a_log_normal_rate(family):
    y = np.array([2.0, 0.0, 3.0])

    def log_joint(x):
        return stats.lognorm.logpdf(x, np.sqrt(2.0), scale=np.exp(0.5)) + stats.poisson.logpmf(y[:, None], x).sum(0)

    belief, mean, mean_log = bounds(log_normal_rate(), {"y": y}, family, log_joint, 0.0, 60.0, 0.05)
    assert belief.mean_log == pytest.approx(mean_log, abs=1e-5)
    if family == "Gamma":
        assert belief.mean == pytest.approx(mean, rel=1e-5)


@model
def bounded_variance(y):
    x = ~Beta(2.0, 3.0)
    y[:] = ~Normal(mean=0.5, variance=x)


@model
def bounded_rate(y):
    x = ~Beta(2.0, 2.0)
    y[:] = ~Gamma(shape=2.0, rate=x)


@pytest.mark.parametrize(("model_", "y", "log_factor"), [
    (bounded_variance(), Y, lambda x: stats.beta.logpdf(x, 2.0, 3.0) + stats.norm.logpdf(Y[:, None], 0.5, np.sqrt(x)).sum(0)),
    (bounded_rate(), Y**2, lambda x: stats.beta.logpdf(x, 2, 2) + stats.gamma.logpdf((Y**2)[:, None], 2.0, scale=1 / x).sum(0)),
], ids=["variance", "rate"])
def test_a_beta_prior_on_a_variance_or_a_rate(model_, y, log_factor):
    belief, _, mean_log = bounds(model_, {"y": y}, "Beta", log_factor, 0.0, 1.0, 0.1, fallback=Quadrature(32))
    assert belief.mean_log == pytest.approx(mean_log, abs=1e-5)
    said = explain(model_, {"y": y}, constraints="q(x) :: ProjectedTo(Beta)", fallback=Quadrature(32))
    assert not said.missing
    with pytest.raises(NoRuleError, match="Quadrature"):
        infer(model_, data={"y": y}, constraints="q(x) :: ProjectedTo(Beta)", free_energy=True)


def test_without_a_form_the_letter_names_one():
    with pytest.raises(ProductError, match=r"q\(x\) :: ProjectedTo\(LogNormal\)"):
        infer(log_normal_rate(), data={"y": np.array([1.0, 2.0])}, fallback=Quadrature(32))
