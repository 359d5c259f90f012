"""Pipelines on statements, variables and whole models: which messages pass which stages, in which order."""

import numpy as np
import pytest

from reactivepgm import (
    Bernoulli,
    Beta,
    LoggerPipelineStage,
    ModelError,
    Normal,
    PendingScheduler,
    PipelineStage,
    ScheduleOnPipelineStage,
    datavar,
    infer,
    infer_online,
    marginal,
    model,
    randomvar,
    update,
)


class Noting(PipelineStage):
    """Keeps what passes."""

    is_tap = True

    def __init__(self):
        self.seen = []

    def apply(self, message, origin):
        self.seen.append((origin.name, message))
        return message


class Foreign:
    """A stage of a class that knows nothing of the library."""

    def __init__(self):
        self.count = 0

    def apply(self, message, origin):
        self.count += 1
        return message


def test_every_message_that_reaches_a_variable_passes_its_stage_and_no_other():
    noting = Noting()

    @model
    def coins(a, b):
        p = randomvar(pipeline=noting)
        p[...] = ~Beta(a=1.0, b=1.0)
        r = ~Beta(a=1.0, b=1.0)
        a[:] = ~Bernoulli(p)
        b[:] = ~Bernoulli(r)

    result = infer(coins(), data={"a": [1, 0], "b": [1, 1, 1]})
    assert result.posteriors["p"] == Beta(2.0, 2.0)
    assert sorted(name for name, _ in noting.seen) == ["Bernoulli -> p", "Beta -> out"]
    assert {message.batch_shape for _, message in noting.seen} <= {(2,), (1,), ()}


def test_the_statements_stage_comes_first_then_the_variables():
    lines = []

    def log(name):
        return LoggerPipelineStage(lambda line: lines.append(line.split(":")[0]), name=name)

    @model
    def coin(flip):
        p = randomvar(pipeline=log("variable"))
        p[...] = ~Beta(a=1.0, b=1.0)
        flip[...] = ~Bernoulli(p).where(pipeline=log("statement"))

    infer(coin(), data={"flip": 1.0})
    assert lines == ["variable", "statement", "variable"]


def test_a_function_and_a_class_of_the_users_own_on_a_variable_change_its_messages():
    foreign = Foreign()

    def twice(message):
        return Beta(2.0 * message.a - 1.0, 2.0 * message.b - 1.0)

    @model
    def coin(flips):
        p = randomvar(pipeline=twice)
        p[...] = ~Beta(a=1.0, b=1.0).where(pipeline=foreign)
        flips[:] = ~Bernoulli(p)

    result = infer(coin(), data={"flips": [1, 1, 0]})
    assert result.posteriors["p"] == Beta(5.0, 3.0)
    assert foreign.count == 1


@pytest.mark.parametrize("online", [False, True])
def test_a_whole_models_pipeline_is_for_statements_that_have_none(online):
    everywhere, own = Noting(), Noting()

    @model
    def coin(flip):
        p = ~Beta(a=1.0, b=1.0)
        flip[...] = ~Bernoulli(p).where(pipeline=own)

    if online:
        engine = infer_online(coin(), pipeline=everywhere)
        engine.observe(1.0)
        assert engine.latest["p"] == Beta(2.0, 1.0)
    else:
        infer(coin(), data={"flip": 1.0}, pipeline=everywhere)
    assert [name for name, _ in everywhere.seen] == ["Beta -> out"]
    assert [name for name, _ in own.seen] == ["Bernoulli -> p"]


def test_the_logger_of_an_engine_writes_every_message_of_every_observation_once():
    lines = []

    @model
    def coin(flip, a, b):
        p = ~Beta(a=a, b=b)
        flip[...] = ~Bernoulli(p).where(pipeline=LoggerPipelineStage(lines.append))

    engine = infer_online(coin(a=1.0, b=1.0), autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b})
    engine.posteriors["p"].subscribe(lambda belief: None)
    for flip in (1.0, 0.0, 1.0):
        engine.observe(flip)
    assert lines == [
        "Bernoulli -> p [1 row]: Beta(a=2.0, b=1.0)",
        "Bernoulli -> p [1 row]: Beta(a=1.0, b=2.0)",
        "Bernoulli -> p [1 row]: Beta(a=2.0, b=1.0)",
    ]


def test_a_delay_on_a_variable_holds_the_messages_that_reach_it():
    """
    data       --1-------2---------
    release    ------r--------r----
    posterior  ------p--------p----
    """
    scheduler = PendingScheduler()

    @model
    def live_level():
        y = datavar(float)
        x = randomvar(pipeline=ScheduleOnPipelineStage(scheduler))
        x[...] = ~Normal(mean=0.0, variance=1.0)
        y[...] = ~Normal(mean=x, variance=1.0)
        return y, x

    _, (y, x) = live_level()
    seen = []
    marginal(x).subscribe(seen.append)
    update(y, 2.0)
    assert seen == []
    scheduler.release()
    np.testing.assert_allclose((seen[-1].mean, seen[-1].variance), (1.0, 0.5))
    update(y, 4.0)
    np.testing.assert_allclose(seen[-1].mean, 1.0)
    scheduler.release()
    np.testing.assert_allclose((seen[-1].mean, seen[-1].variance), (2.0, 0.5))


def test_what_is_no_stage_is_told_with_the_variables_line():
    @model
    def coin(flip):
        p = randomvar(pipeline=3)
        p[...] = ~Beta(a=1.0, b=1.0)
        flip[...] = ~Bernoulli(p)

    with pytest.raises(ModelError, match=r"pipeline=3 is no stage(.|\n)*p = randomvar\(pipeline=3\)"):
        infer(coin(), data={"flip": 1.0})
