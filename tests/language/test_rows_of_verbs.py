"""Row by row: the verbs that drive a graph by hand, and the views of it, once and exactly."""


import numpy as np
import pytest

import reactivepgm as rp
from reactivepgm import (
    Bernoulli,
    Beta,
    Gamma,
    MeanField,
    MvNormal,
    NormalMeanPrecision,
    NormalMeanVariance,
    datavar,
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


@model
def live_level():
    y = datavar(float)
    level = ~NormalMeanVariance(0.0, 1.0)
    noise = ~Gamma(shape=2.0, rate=2.0)
    factor, y[...] = ~NormalMeanPrecision(level, noise).where(q=q(level) * q(noise))
    return y, level, noise, factor


@model
def coins():
    y = datavar(float)
    p = ~Beta(1.0, 1.0)
    alone = ~Beta(2.0, 3.0)
    y[...] = ~Bernoulli(p)
    return y, p, alone


@pytest.mark.parametrize(
    ("skip", "kinds"),
    [
        (rp.IncludeAll(), ("clamped", "initial", "posterior")),
        (rp.SkipInitial(), ("clamped", "posterior")),
        (rp.SkipClamped(), ("initial", "posterior")),
        (rp.SkipClampedAndInitial(), ("posterior",)),
    ],
    ids=repr,
)
def test_row_marginal_and_marginals(skip, kinds):
    _, (y, p, alone) = coins()
    rp.set_marginal(p, Beta(5.0, 5.0))
    seen = []
    subscriptions = [cell.subscribe(seen.append) for cell in rp.marginals([p, alone], skip=skip)]
    rp.update(y, 1.0)
    named = {"initial": Beta(5.0, 5.0), "clamped": Beta(2.0, 3.0), "posterior": Beta(2.0, 1.0)}
    assert sorted(map(repr, seen)) == sorted(repr(named[kind]) for kind in kinds)
    assert len(subscriptions) == 2


def test_row_message():
    _, (y, _, noise, factor) = live_level()
    rp.set_marginal(noise, Gamma(shape=6.0, rate=2.0))
    seen = follow(rp.message(factor, "mean"))
    rp.update(y, 2.0)
    # The level is updated first, by the expected precision that was set.
    assert seen == [NormalMeanPrecision(2.0, 3.0)]


def test_row_set_marginal_marginals_and_message():
    @model
    def structured():
        y = datavar(float, 3)
        x = randomvar(3)
        w = ~Gamma(shape=1.0, rate=1.0)
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        node, x[1:] = ~NormalMeanPrecision(x[:-1], w).where(q="q(out, mean) q(precision)")
        y[:] = ~NormalMeanVariance(x, 1.0)
        return y, x, w, node

    _, (y, x, w, node) = structured()
    rp.set_marginal(node, "out_mean", MvNormal(mean=np.zeros(2), covariance=np.eye(2)))
    rp.set_marginals({x: NormalMeanVariance(0.0, 1.0)})
    rp.set_message(x, NormalMeanVariance(0.0, 1.0))
    seen = follow(rp.marginal(w))
    rp.update(y, [1.0, 2.0, 3.0])
    # E (x' - x)^2 = 2 in each of two steps, under the initial joint.
    assert seen == [rp.GammaShapeRate(1.0 + 2 * 0.5, 1.0 + 2 * 0.5 * 2.0)]


def test_row_update_and_missing():
    _, (y, p, _) = coins()
    seen = follow(rp.marginal(p))
    for value in (1.0, 0.0, None, float("nan")):
        rp.update(y, value)
    assert [(float(belief.a), float(belief.b)) for belief in seen] == [(2.0, 1.0), (1.0, 2.0), (1.0, 1.0), (1.0, 1.0)]


def test_row_resend_and_finish():
    _, (y, _, noise, _) = live_level()
    rp.set_marginal(noise, UNIT)
    seen = follow(rp.marginal(noise))
    rp.update(y, 2.0)
    rp.resend(y)
    rp.finish(y)
    assert len(seen) == 3 and seen[0] != seen[1] and seen[2] == "end"


def test_row_bethe_free_energy():
    @model
    def live_normal():
        y = datavar(float)
        x = ~NormalMeanVariance(0.0, 1.0)
        y[...] = ~NormalMeanVariance(x, 1.0)
        return y

    graph, y = live_normal()
    seen = follow(rp.bethe_free_energy(graph))
    rp.update(y, 2.0)
    assert seen == pytest.approx([0.5 * np.log(2 * np.pi * 2.0) + 2.0**2 / 4.0])


def test_row_schedule_updates():
    _, (y, p, _) = coins()
    held = rp.schedule_updates(p)
    seen = follow(rp.marginal(p))
    rp.update(y, 1.0)
    rp.update(y, 0.0)
    assert seen == []
    held.release()
    assert seen == [Beta(1.0, 2.0)]


def test_row_inspection(tmp_path):
    stage = rp.EmptyPipelineStage()

    @model
    def f(y):
        m = ~NormalMeanVariance(0.0, 1.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y[:] = ~NormalMeanPrecision(m, w).where(q=MeanField(), meta="m", pipeline=stage)

    graph = f().build({"y": np.zeros(3)})
    assert list(graph.variables) == ["y", "m", "w"] and len(graph.factors) == 5
    factor = graph.factors[-1]
    assert factor.interfaces == ("out", "mean", "precision") and factor.clusters == APART
    assert (factor.meta, factor.pipeline, factor.site.text[:6]) == ("m", stage, "y[:] =")
    assert factor.site.file == __file__ and factor.site.line > 0
    assert graph.to_networkx().number_of_nodes() == 3 + 3
    assert graph.to_networkx(expand=True).number_of_nodes() == 2 + 3 + 5
    assert "NormalMeanPrecision" in str(graph.draw())
    assert "q(out) q(mean) q(precision) meta='m'" in repr(graph.factors)
