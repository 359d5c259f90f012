"""Stitched steps against the batched plan: structured regions with gaps, predictions and scores, own edges, expressions."""

import numpy as np
import pytest

from reactivepgm import Gamma, InvalidParameterError, Normal, infer_online, model
from reactivepgm.plan import CannotStitchError

RNG = np.random.default_rng(8)


@model
def drifting(y, m, v, a, b):
    before = ~Normal(mean=m, variance=v)
    tau = ~Gamma(shape=a, rate=b)
    x = ~Normal(mean=before, precision=tau)
    y[...] = ~Normal(mean=x, variance=0.5)


@model
def levels(y, m, v, a, b):
    """Two unseen levels above the one that is seen; what is seen has unknown noise."""
    top = ~Normal(mean=m, variance=v)
    middle = ~Normal(mean=top, variance=0.3)
    x = ~Normal(mean=middle, variance=v + 0.2 * (1.0 + v) ** 2)
    tau = ~Gamma(shape=a + 0.5 - 0.5, rate=b)
    y[...] = ~Normal(mean=x, precision=tau)


APART = {
    drifting: "q(before, x, tau) = q(before, x) q(tau)",
    levels: "q(top, middle, x, tau) = q(top, middle, x) q(tau)",
}


def refuse(*_):
    raise CannotStitchError("asked not to")


def seen(step, data, **watched):
    """Posteriors, predictions and scores, as numbers."""
    engine = infer_online(
        step(m=0.0, v=2.0, a=2.0, b=1.0),
        iterations=6,
        constraints=APART[step],
        initialisation={"tau": Gamma(shape=2.0, rate=1.0)},
        autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].variance, "a": q["tau"].shape, "b": q["tau"].rate},
    )
    beliefs, predicted, scores = [], [], []
    engine.posteriors["x"].subscribe(lambda q: beliefs.append((q.mean, q.variance)))
    if watched.get("predictions"):
        engine.predictions["y"].subscribe(lambda q: predicted.append((float(q.mean), float(q.variance))))
    if watched.get("score"):
        engine.free_energy.subscribe(scores.append)
    for y in data:
        engine.observe({"y": y})
    return [np.array(part) for part in (beliefs, predicted, scores)]


@pytest.mark.parametrize("score", [False, True], ids=["", "score"])
@pytest.mark.parametrize("predictions", [False, True], ids=["", "predictions"])
@pytest.mark.parametrize("gaps", [(), (3, 4, 11)], ids=["", "gaps"])
@pytest.mark.parametrize("step", [drifting, levels], ids=["drifting", "levels"])
def test_a_structured_step_is_that_of_the_plan(monkeypatch, step, gaps, predictions, score):
    data = RNG.normal(size=16).cumsum().tolist()
    for gap in gaps:
        data[gap] = None
    options = {"predictions": predictions, "score": score}
    with monkeypatch.context() as patch:
        patch.setattr("reactivepgm.inference.stepper.PlannedStepper", refuse)  # whatever the plan had to do would fail
        stitched = seen(step, data, **options)
    monkeypatch.setattr("reactivepgm.inference.stepper.StitchedStepper", refuse)
    for found, expected in zip(stitched, seen(step, data, **options), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


@model
def scaled(y, m, s):
    x = ~Normal(mean=2.0 * m - 1.0, variance=s - 1.0)
    y[...] = ~Normal(mean=x, variance=1.0)


def test_an_expression_over_data_is_followed_and_still_judged():
    engine = infer_online(scaled(m=0.0), autoupdates=lambda q: {"m": q["x"].mean})
    found = []
    engine.posteriors["x"].subscribe(found.append)
    m = 0.0
    for y in RNG.normal(size=12).tolist():
        engine.observe({"y": y, "s": 3.0})
        m = (2.0 * m - 1.0) / 3.0 + y * 2.0 / 3.0
        assert found[-1].mean == pytest.approx(m, rel=1e-12)
    with pytest.raises(InvalidParameterError, match=r"variance of NormalMeanVariance is -0.5"):
        engine.observe({"y": 0.0, "s": 0.5})
