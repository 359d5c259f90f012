"""Row by row: what a statement's ``where`` and the constraints on a whole model may say, once and exactly."""
# ruff: noqa: RET504, F821, F841 - a model names what it draws; the edges of a factorisation are bound nowhere

import numpy as np
import pytest

import reactivepgm as rp
from reactivepgm import (
    Bernoulli,
    Beta,
    Gamma,
    MeanField,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    PointMass,
    datavar,
    infer,
    model,
    q,
    randomvar,
)

UNIT = Gamma(shape=1.0, rate=1.0)
APART = (("out",), ("mean",), ("precision",))


def follow(cell):
    seen = []
    cell.subscribe(seen.append, on_completed=lambda: seen.append("end"))
    return seen


# -- where ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "clusters"),
    [
        (MeanField(), (("out",), ("mean",), ("variance",))),
        (rp.FullFactorisation(), (("out", "mean", "variance"),)),
        (None, (("out", "mean", "variance"),)),
        ("q(mean) q(var) q(out)", (("out",), ("mean",), ("variance",))),
        ("q(μ, σ²) q(out)", (("out",), ("mean", "variance"))),
        ("q(y_mean, v) q(y)", (("out",), ("mean", "variance"))),
        ("q(y_mean) * q(v, y)", (("out", "variance"), ("mean",))),
    ],
    ids=str,
)
def test_row_where_q(how, clusters):
    @model
    def f():
        y_mean, y_var = randomvar(), randomvar()
        y = ~NormalMeanVariance(y_mean, y_var).where(q=how)

    assert f().build().families[0].clusters == clusters


def test_row_where_q_as_an_expression():
    @model
    def f():
        y_mean, y_var = randomvar(), randomvar()
        y = ~NormalMeanVariance(y_mean, y_var).where(q=q(mean) * q(variance) * q(out))
        z = ~NormalMeanVariance(y_mean, y_var).where(q=q(y_mean, v) * q(z))

    assert [family.clusters for family in f().build().families] == [
        (("out",), ("mean",), ("variance",)),
        (("out",), ("mean", "variance")),
    ]


def test_row_where_q_observed_edges():
    @model
    def f(y):
        m = ~NormalMeanVariance(0.0, 1.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y[...] = ~NormalMeanPrecision(m, w)

    assert f().build({"y": 1.0}).families[2].clusters == (("out",), ("mean", "precision"))
    assert f().build({"y": rp.UnfactorizedData(1.0)}).families[2].clusters == (("out", "mean", "precision"),)


@pytest.mark.parametrize(
    ("how", "complaint"),
    [("q(elephant) q(out, mean)", "elephant"), ("q(out) q(mean) q(mean)", "mean appears twice"), ("q(out)", "misses")],
)
def test_row_where_q_mistakes(how, complaint):
    @model
    def f():
        m = randomvar()
        y = ~NormalMeanVariance(m, 1.0).where(q=how)

    with pytest.raises(rp.ConstraintError, match=complaint) as caught:
        f().build()
    assert "mean (m, mu, μ), variance (var, v, σ², sigma2)" in str(caught.value)
    assert "y = ~NormalMeanVariance(m, 1.0).where(q=how)" in str(caught.value)


class Wider:
    def __repr__(self):
        return "Wider()"


@model(contract=True)
def widen(x):
    out = ~NormalMeanVariance(x, 1.0)
    return out


@rp.rule(widen.contract(), to="out")
def _(m_x: Normal, meta: Wider) -> NormalMeanVariance:
    return NormalMeanVariance(m_x.mean, m_x.variance + 10.0)


def test_row_where_meta():
    @model
    def f(how):
        x = ~NormalMeanVariance(0.0, 1.0)
        z = ~widen(x).where(meta=how)

    assert infer(f(Wider())).posteriors["z"].variance == pytest.approx(11.0)
    with pytest.raises(rp.NoRuleError, match=r"no rule for widen[\s\S]*meta 'another'"):
        infer(f("another"))


class Halved(rp.PipelineStage):
    def apply(self, message, origin):
        return Beta(0.5 * message.a + 0.5, 0.5 * message.b + 0.5)


def test_row_where_pipeline():
    lines = []

    @model
    def f(y):
        p = ~Beta(1.0, 1.0)
        y[:] = ~Bernoulli(p).where(pipeline=Halved() + rp.LoggerPipelineStage(output=lines.append))

    assert infer(f(), data={"y": [1, 1]}).posteriors["p"] == Beta(2.0, 1.0)
    assert lines == ["Bernoulli -> p [2 rows]: Beta(a=[1.5, 1.5], b=[1.0, 1.0])"]


@pytest.mark.parametrize(
    "stage",
    [
        rp.EmptyPipelineStage(),
        rp.LoggerPipelineStage(output=len),
        rp.DiscontinuePipelineStage(),
        rp.InitVaguePipelineStage() + rp.AsyncPipelineStage(),
    ],
    ids=repr,
)
def test_row_where_pipeline_stages(stage):
    @model
    def f():
        y = datavar(float)
        x = ~NormalMeanVariance(0.0, 1.0)
        y[...] = ~NormalMeanVariance(x, 1.0).where(pipeline=stage)
        return x, y

    _, (x, y) = f()
    seen = follow(rp.marginal(x))
    rp.update(y, 2.0)
    assert float(seen[-1].mean) == pytest.approx(1.0)


def test_row_where_pipeline_that_waits():
    scheduler = rp.PendingScheduler()

    @model
    def f():
        y = datavar(float)
        x = ~NormalMeanVariance(0.0, 1.0)
        pipeline = rp.InitVaguePipelineStage() + rp.ScheduleOnPipelineStage(scheduler)
        y[...] = ~NormalMeanVariance(x, 1.0).where(pipeline=pipeline)
        return x, y

    _, (x, y) = f()
    seen = follow(rp.marginal(x))
    rp.update(y, 2.0)
    assert [float(belief.mean) for belief in seen] == [0.0]
    scheduler.release()
    assert [float(belief.mean) for belief in seen] == [0.0, pytest.approx(1.0)]


# -- constraints on the whole model ---------------------------------------------------------------------------------------


@model
def walk(y):
    x = randomvar(len(y))
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanPrecision(x[:-1], tau)
    y[:] = ~NormalMeanVariance(x, 0.5)


YS = {"y": np.array([0.5, 1.0, 0.0, 2.0])}
SPLIT = (("out", "mean"), ("precision",))


@pytest.mark.parametrize(
    ("constraints", "clusters"),
    [
        (MeanField(), APART),
        (rp.BetheFactorisation(), (("out", "mean", "precision"),)),
        ("q(x, tau) = q(x) q(tau)", SPLIT),
        (["q(x, tau) = q(x) q(tau)", "q(x) = prod q(x[i])"], APART),
        (rp.factorise("x", "tau"), SPLIT),
    ],
    ids=str,
)
def test_row_constraints(constraints, clusters):
    assert walk().build(YS).constrained(constraints).families[2].clusters == clusters


def test_row_constraints_in_a_submodel():
    @model
    def step(before):
        tau = ~Gamma(shape=1.0, rate=1.0)
        after = ~NormalMeanPrecision(before, tau)
        return after

    @model
    def f():
        x = ~NormalMeanVariance(0.0, 1.0)
        tau = ~Gamma(shape=1.0, rate=1.0)
        z = ~step(x)
        w = ~NormalMeanPrecision(z, tau)

    graph = f().build()
    as_object = rp.within("step", rp.factorise("after", "tau"))
    for constraint in ("in step: q(after, before, tau) = q(after, before) q(tau)", as_object):
        families = graph.constrained(constraint).families
        assert [("precision",) in g.clusters for g in families if "precision" in g.interfaces] == [True, False]


def test_row_constraints_that_match_nothing():
    with pytest.raises(rp.ConstraintError, match="matches nothing"):
        walk().build(YS).constrained("q(x, ghost) = q(x) q(ghost)")


@pytest.mark.parametrize(
    ("constraint", "kind"),
    [
        ("q(tau) :: PointMass", PointMass),
        (rp.form("tau", PointMass, bounds=(0.0, 0.01)), PointMass),
        ("q(tau) :: SampleList(100)", rp.WeightedSamples),
        (rp.form("tau", rp.FixedMarginal(Gamma(shape=3.0, rate=2.0))), rp.GammaShapeRate),
        ("q(tau) :: ProjectedTo(Gamma)", rp.GammaShapeRate),
        (rp.form("tau", rp.Composite(rp.ProjectedTo(Gamma), PointMass)), PointMass),
        ("mu(tau) :: Gamma", rp.GammaShapeRate),
    ],
    ids=str,
)
def test_row_forms(constraint, kind):
    both = ["q(x, tau) = q(x) q(tau)", constraint]
    is_fixed = isinstance(getattr(constraint, "form", None), rp.FixedMarginal)
    result = infer(walk(), data=YS, constraints=both, initialisation={} if is_fixed else {"tau": UNIT}, iterations=5)
    tau = result.posteriors["tau"]
    assert type(tau) is kind
    if is_fixed:
        assert tau == Gamma(shape=3.0, rate=2.0)
    if getattr(constraint, "form", None) == rp.PointMassForm(bounds=(0.0, 0.01)):
        assert tau.value == pytest.approx(0.01)


def test_row_initialisation():
    with pytest.raises(rp.MissingInitialError, match=r"one of [\s\S]*`tau`[\s\S]*add  initialisation="):
        infer(walk(), data=YS, constraints="q(x, tau) = q(x) q(tau)")
    result = infer(walk(), data=YS, constraints="q(x, tau) = q(x) q(tau)", initialisation={"tau": UNIT}, iterations=3)
    assert result.posteriors["x"].batch_shape == (4,)


def test_row_initial_messages():
    @model
    def ring(y):
        x = randomvar(3)
        x[:] = ~NormalMeanVariance(np.zeros(3), 1.0)
        for i, j in ((0, 1), (1, 2), (2, 0)):
            y[i] = ~NormalMeanVariance(x[i] - x[j], 1.0)

    options = {"data": {"y": [1.0, 0.0, -1.0]}, "iterations": 1}
    exact = infer(ring(), **options)
    with pytest.warns(rp.ConvergenceWarning):
        begun = infer(ring(), messages={"x": Normal(mean=3.0, variance=1.0)}, **options)
    assert not np.allclose(exact.posteriors["x"].mean, begun.posteriors["x"].mean)
    settled = infer(ring(), messages={"x": Normal(mean=3.0, variance=1.0)}, **(options | {"iterations": 200}))
    np.testing.assert_allclose(exact.posteriors["x"].mean, settled.posteriors["x"].mean, atol=1e-6)


