"""``where``: factorisations by interface, alias and variable, in both forms; meta and pipeline; model options."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import numpy as np
import pytest

from reactivepgm.distributions import Gamma, Normal, NormalMeanPrecision, NormalMeanVariance
from reactivepgm.errors import ConstraintError, ConstraintSyntaxError, ModelError
from reactivepgm.graph import BetheFactorisation, FullFactorisation, MeanField
from reactivepgm.language import datavar, model, q, randomvar
from reactivepgm.nodes import NormalMixture

APART = (("out",), ("mean",), ("variance",))


@pytest.mark.parametrize(
    ("q_text", "expected"),
    [
        ("q(mean) q(variance) q(out)", APART),
        ("q(μ)q(v)q(out)", APART),
        ("q(y_mean) * q(y_var) * q(y)", APART),
        ("q(y_mean, v) q(y)", (("out",), ("mean", "variance"))),
        ("q(m, out) q(σ²)", (("out", "mean"), ("variance",))),
        ("q(out, mean, variance)", (("out", "mean", "variance"),)),
        (MeanField(), APART),
        (FullFactorisation(), (("out", "mean", "variance"),)),
        (BetheFactorisation(), (("out", "mean", "variance"),)),
        (q("y_mean", "v") * q("y"), (("out",), ("mean", "variance"))),
        (None, (("out", "mean", "variance"),)),
    ],
    ids=str,
)
def test_a_factorisation_as_a_value(q_text, expected):
    @model
    def f():
        y_mean, y_var = randomvar(), randomvar()
        y = ~NormalMeanVariance(y_mean, y_var).where(q=q_text)
        return y

    assert f().build().families[0].clusters == expected


def test_a_factorisation_as_an_expression():
    @model
    def f():
        y_mean, y_var = randomvar(), randomvar()
        a = ~NormalMeanVariance(y_mean, y_var).where(q=q(mean) * q(variance) * q(out))  # noqa: F821
        b = ~NormalMeanVariance(y_mean, y_var).where(q=q(μ, y_var) * q(b))  # noqa: F821
        c = ~NormalMeanVariance(mean=y_mean, variance=y_var).where(q=q(y_mean) * q(var, out))  # noqa: F821
        return a, b, c

    assert [family.clusters for family in f().build().families] == [
        APART,
        (("out",), ("mean", "variance")),
        (("out", "variance"), ("mean",)),
    ]


def test_a_variable_of_a_statement_with_an_index():
    @model
    def f(n):
        x = randomvar(n)
        tau = ~Gamma(shape=1.0, rate=1.0)
        for t in range(1, n):
            x[t] = ~NormalMeanPrecision(x[t - 1], tau).where(q=q(x) * q(tau))
        for t in range(1, n):
            x[t] = ~NormalMeanPrecision(x[t - 1], tau).where(q=q(x[t]) * q(x[t - 1]) * q(tau))
        pair = q(x) * q(tau)
        for t in range(1, n):
            x[t] = ~NormalMeanPrecision(x[t - 1], tau).where(q=pair)
        for t in range(1, n):
            elements = q(x[t], tau) * q(x[t - 1])
            x[t] = ~NormalMeanPrecision(x[t - 1], tau).where(q=elements)

    families = f(4).build().families[1:]
    assert [family.rows for family in families] == [3, 3, 3, 3]
    assert [family.clusters for family in families] == [
        (("out", "mean"), ("precision",)),
        (("out",), ("mean",), ("precision",)),
        (("out", "mean"), ("precision",)),
        (("out", "precision"), ("mean",)),
    ]
    assert all(family.factorisation_given for family in families)


def test_observed_and_constant_edges_are_factored_out_by_themselves():
    @model
    def f():
        y = datavar(float)
        m = randomvar()
        y[...] = ~NormalMeanPrecision(m, 2.0).where(q=q(y, m) * q(precision))  # noqa: F821
        y[...] = ~NormalMeanPrecision(m, 2.0).where(q="q(m)")
        y[...] = ~NormalMeanPrecision(m, 2.0)

    assert [family.clusters for family in f().build().families] == [(("out",), ("mean",), ("precision",))] * 3


def test_a_name_that_is_an_alias_of_another_interface_means_the_variable():
    @model
    def f():
        w, tau = randomvar(), randomvar()
        y = ~NormalMeanPrecision(w, tau).where(q=q(w, y) * q(tau))  # noqa: F821
        return y

    assert f().build().families[0].clusters == (("out", "mean"), ("precision",))


def test_plural_interfaces_are_one_edge():
    @model
    def f(y):
        z, m, w = randomvar(len(y)), randomvar(2), randomvar(2)
        y[:] = ~NormalMixture(z, m, w).where(q=MeanField())
        y[:] = ~NormalMixture(z, m, w).where(q="q(z) q(m) q(w)")

    families = f().build({"y": np.zeros(3)}).families
    assert [family.clusters for family in families] == [(("out",), ("switch",), ("m",), ("p",))] * 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("q(out) q(mean) q(variance) q(elephant)", "no edge .* elephant"),
        ("q(out, mean) q(variance, mean)", "mean appears twice"),
        ("q(out) q(mean) q(mean) q(variance)", "mean appears twice"),
        ("q(out) q(mean)", "misses the random edge variance"),
        ("q(mean)", "misses the random edges out, variance"),
    ],
)
def test_an_edge_that_is_unknown_repeated_or_missing(text, complaint):
    @model
    def f():
        m, v = randomvar(), randomvar()
        y = ~NormalMeanVariance(m, v).where(q=text)
        return y

    with pytest.raises(ConstraintError, match=complaint) as caught:
        f().build()
    letter = str(caught.value)
    assert "out (y), mean (m, mu, μ), variance (var, v, σ², sigma2)" in letter
    assert "test_where.py" in letter and "y = ~NormalMeanVariance(m, v).where(q=text)" in letter
    assert "write  q=q(out) * q(mean) * q(variance)" in letter


def test_a_factorisation_that_cannot_be_read_or_is_none():
    @model
    def f(how):
        y = ~NormalMeanVariance(randomvar(), randomvar()).where(q=how)
        return y

    with pytest.raises(ConstraintSyntaxError, match="position 5"):
        f("q(out").build()
    with pytest.raises(ConstraintError, match="no factorisation"):
        f(3).build()


def test_an_option_that_does_not_exist():
    with pytest.raises(ModelError, match=r"where\(\) has no option factorisation[\s\S]*q, meta, pipeline"):

        @model
        def f():
            x = ~NormalMeanVariance(0.0, 1.0).where(q="q(out)", factorisation=1)
            return x


def test_meta_and_pipeline_are_kept_and_split_families():
    @model
    def f(n, stage):
        x = randomvar(n)
        for t in range(n):
            x[t] = ~NormalMeanVariance(0.0, 1.0).where(meta={"method": t % 2}, pipeline=stage)

    stage = object()
    graph = f(6, stage).build()
    assert [(family.rows, family.meta, family.pipeline) for family in graph.families] == [
        (3, {"method": 0}, stage),
        (3, {"method": 1}, stage),
    ]


def test_deterministic_statements_take_options():
    @model
    def f():
        a, b = randomvar(), randomvar()
        c = ~(a + b).where(meta="sum")
        d = ~abs(a).where(meta="abs", q=MeanField())
        return c, d

    graph = f().build()
    assert [family.meta for family in graph.families] == ["sum", "abs"]
    assert graph.families[1].clusters == (("out",), ("in",))


def test_where_of_other_objects_stays_what_it_was():
    class Table:
        def where(self, condition=None, **kwargs):
            return np.array([True, condition])

    @model
    def f():
        mask = ~Table().where(condition=True)
        return mask

    assert f()
    _, mask = f()
    assert mask.tolist() == [False, False]


def test_model_options():
    stage = object()

    @model(default_factorisation=MeanField(), pipeline=stage)
    def f():
        m = ~Normal(mean=0.0, variance=1.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y = ~NormalMeanPrecision(m, w)
        z = ~NormalMeanPrecision(m, w).where(q=FullFactorisation(), pipeline="own")
        return y, z

    graph = f().build()
    assert graph.families[2].clusters == (("out",), ("mean",), ("precision",))
    assert not graph.families[2].factorisation_given and graph.families[2].pipeline is stage
    assert graph.families[3].clusters == (("out", "mean", "precision"),) and graph.families[3].pipeline == "own"
    assert graph.options["pipeline"] is stage


def test_an_unknown_model_option_lists_the_known_ones():
    with pytest.raises(ModelError, match=r"no option colour[\s\S]*default_factorisation, pipeline"):
        model(colour="red")
