"""Messages that do not multiply are foreseen: by ``explain``, and by ``infer`` before it looks at the data."""

import numpy as np
import pytest

import reactivepgm as rp
from reactivepgm import (
    Bernoulli,
    Beta,
    Gamma,
    MeanField,
    NormalMeanPrecision,
    NormalMeanVariance,
    Poisson,
    ProductError,
    Uniform,
    datavar,
    explain,
    infer,
    model,
    randomvar,
)

NUMBERS = {"y": [0.4, 0.8]}


@model
def beta_as_variance(y):
    v = ~Beta(1.0, 1.0)
    y[:] = ~NormalMeanVariance(0.0, v)


@model
def gamma_as_variance(y):
    v = ~Gamma(shape=1.0, rate=1.0)
    y[:] = ~NormalMeanVariance(0.0, v)


@model
def normal_as_rate(y):
    v = ~NormalMeanVariance(1.0, 1.0)
    y[:] = ~Poisson(v)


@model
def gamma_as_probability(y):
    v = ~Gamma(shape=1.0, rate=1.0)
    y[:] = ~Bernoulli(v)


CASES = [
    (beta_as_variance, "Beta", "InverseGamma", NUMBERS),
    (gamma_as_variance, "GammaShapeRate", "InverseGamma", NUMBERS),
    (normal_as_rate, "NormalMeanVariance", "GammaShapeRate", {"y": [1.0, 3.0]}),
    (gamma_as_probability, "GammaShapeRate", "Beta", {"y": [1.0, 0.0]}),
]
pairs = pytest.mark.parametrize(("pair", "first", "second", "data"), CASES, ids=[case[0].__name__ for case in CASES])


@pairs
def test_the_letter_names_both_statements(pair, first, second, data):
    graph = pair().build(data)
    (letter,) = explain(graph).missing
    assert f"the messages at `v` do not multiply into one family: {first} (" in letter and f") and {second} (" in letter
    assert all(family.site.text in letter for family in graph.families) and "ProjectedTo(" in letter
    assert letter in repr(explain(graph)) and "missing: the messages" in repr(explain(graph))
    with pytest.raises(ProductError) as caught:
        infer(pair(), data=data)
    assert str(caught.value) == letter


@pairs
def test_data_outside_the_support_come_second(pair, first, second, data):
    """The model is judged before the data: no letter about values, no warning on the way."""
    with pytest.raises(ProductError, match="do not multiply"):
        infer(pair(), data={"y": [-7.0, 0.5]})


def test_a_graph_without_data_is_judged_too():
    @model
    def live():
        y = datavar(float)
        v = ~Beta(1.0, 1.0)
        y[...] = ~NormalMeanVariance(0.0, v)
        return v

    graph, v = live()
    assert v.name == "v" and "do not multiply" in explain(graph).missing[0]


def test_the_advice_helps():
    result = infer(beta_as_variance(), data={"y": [0.4, 0.8]}, constraints=rp.form("v", rp.ProjectedTo(Beta)))
    grid = (np.arange(200000) + 0.5) / 200000
    density = np.exp(-np.log(grid) - (0.4**2 + 0.8**2) / (2.0 * grid))
    mean_log = (density * np.log(grid)).sum() / density.sum()
    # The projection keeps E[log v].
    assert result.posteriors["v"].mean_log == pytest.approx(mean_log, rel=1e-4)


def test_what_multiplies_is_not_suspected():
    @model
    def fine(y, n):
        tau = ~Gamma(shape=1.0, rate=1.0)
        m = ~NormalMeanVariance(0.0, 1.0)
        y[:] = ~NormalMeanPrecision(m, tau)
        p = ~Uniform(0.0, 1.0)
        n[:] = ~Bernoulli(p)

    data = {"y": [0.1, 0.2], "n": [1.0, 0.0]}
    start = {"tau": Gamma(shape=1.0, rate=1.0), "m": NormalMeanVariance(0.0, 1.0)}
    assert explain(fine(), data, constraints=MeanField(), initialisation=start).missing == []
    assert infer(fine(), data=data, constraints=MeanField(), initialisation=start).posteriors["p"] == Beta(2.0, 2.0)


def test_elements_that_never_meet_are_not_suspected():
    @model
    def halves(y):
        v = randomvar(2)
        v[0] = ~Gamma(shape=2.0, rate=1.0)
        v[1] = ~rp.InverseGamma(2.0, 1.0)
        y[0] = ~NormalMeanPrecision(0.0, v[0])
        y[1] = ~NormalMeanVariance(0.0, v[1])

    @model
    def crossed(y):
        v = randomvar(2)
        v[0] = ~Gamma(shape=2.0, rate=1.0)
        v[1] = ~rp.InverseGamma(2.0, 1.0)
        y[0] = ~NormalMeanPrecision(0.0, v[1])
        y[1] = ~NormalMeanVariance(0.0, v[0])

    assert explain(halves(), NUMBERS).missing == []
    assert len(explain(crossed(), NUMBERS).missing) == 1


def test_forms_and_stages_are_left_to_the_run():
    class Turned(rp.PipelineStage):
        """Messages about a variance as messages about a probability."""

        def apply(self, message, origin):
            return Beta(2.0, 2.0)

    @model
    def staged(y):
        v = ~Beta(1.0, 1.0)
        y[:] = ~NormalMeanVariance(0.0, v).where(pipeline=Turned())

    assert explain(staged(), NUMBERS).missing == []
    assert infer(staged(), data={"y": [0.4]}).posteriors["v"] == Beta(2.0, 2.0)
    for constraint in ("q(v) :: PointMass", "mu(v) :: Beta"):
        assert explain(beta_as_variance(), NUMBERS, constraints=constraint).missing == []
