"""Pipeline stages: pure ones inside the sweeps, in every way of inference alike; delaying ones in virtual time."""

import logging

import numpy as np
import pytest
import reactivex
from reactivex import operators
from reactivex.scheduler import ImmediateScheduler
from reactivex.testing import TestScheduler

from reactivepgm import (
    AsyncPipelineStage,
    Bernoulli,
    Beta,
    DiscontinuePipelineStage,
    EmptyPipelineStage,
    Gamma,
    InitVaguePipelineStage,
    LoggerPipelineStage,
    ModelError,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    PendingScheduler,
    PipelineStage,
    ScheduleOnPipelineStage,
    bethe_free_energy,
    datavar,
    infer,
    infer_online,
    marginal,
    message,
    model,
    q,
    randomvar,
    set_marginal,
    set_message,
    update,
)


def coin(stage):
    @model
    def flips():
        flip = datavar(float)
        p = ~Beta(a=1.0, b=1.0)
        node, flip[...] = ~Bernoulli(p).where(pipeline=stage)
        return flip, p, node

    _, variables = flips()
    return variables


def chain(stage, n=6):
    @model
    def walk(y):
        x = randomvar(n)
        x[0] = ~NormalMeanVariance(0.0, 100.0)
        x[1:] = ~NormalMeanVariance(x[:-1], 1.0).where(pipeline=stage)
        y[:] = ~NormalMeanVariance(x, 1.0)

    return walk


Y = np.array([0.3, 1.0, -0.5, 2.0, 1.5, 0.1])


def wider(message):
    return Normal(mean=message.mean, variance=2.0 * message.variance)


# -- pure stages


def test_a_logger_in_a_contracted_chain_writes_a_line_a_batched_message_and_changes_nothing():
    lines = []
    plain = infer(chain(None)(), data={"y": Y}).posteriors["x"]
    logged = infer(chain(LoggerPipelineStage(lines.append))(), data={"y": Y}).posteriors["x"]
    assert logged == plain
    assert [line.split(":")[0] for line in lines] == [
        "NormalMeanVariance -> out [5 rows]", "NormalMeanVariance -> mean [5 rows]"
    ]


def test_a_logger_writes_rows_on_request_and_says_which_are_missing(caplog):
    stage = LoggerPipelineStage(logging.getLogger("messages"), rows=True, name="coins")

    @model
    def coins(flips):
        p = ~Beta(a=1.0, b=1.0)
        flips[:] = ~Bernoulli(p).where(pipeline=stage)

    with caplog.at_level(logging.INFO, "messages"):
        infer(coins(), data={"flips": [1.0, np.nan, 0.0]})
    assert caplog.messages == [
        "coins: Bernoulli -> p [0]: Beta(a=2.0, b=1.0)",
        "coins: Bernoulli -> p [1]: missing",
        "coins: Bernoulli -> p [2]: Beta(a=1.0, b=2.0)",
    ]


def test_a_map_in_a_chain_against_sum_product_by_hand():
    forward, backward = [NormalMeanVariance(0.0, 100.0)], [None]
    for t in range(5):
        own = _times(forward[-1], NormalMeanVariance(Y[t], 1.0))
        forward.append(NormalMeanVariance(own.mean, 2.0 * (own.variance + 1.0)))
        own = _times(backward[0], NormalMeanVariance(Y[5 - t], 1.0))
        backward.insert(0, NormalMeanVariance(own.mean, 2.0 * (own.variance + 1.0)))
    expected = [_times(_times(f, NormalMeanVariance(y, 1.0)), b) for f, y, b in zip(forward, Y, backward, strict=True)]
    found = infer(chain(wider)(), data={"y": Y}).posteriors["x"]
    np.testing.assert_allclose(found.mean, [belief.mean for belief in expected], rtol=1e-12)
    np.testing.assert_allclose(found.variance, [belief.variance for belief in expected], rtol=1e-12)


def _times(one, other):
    if other is None or one is None:
        return other if one is None else one
    precision = 1 / one.variance + 1 / other.variance
    return NormalMeanVariance((one.mean / one.variance + other.mean / other.variance) / precision, 1 / precision)


class Halved(PipelineStage):
    def apply(self, message, origin):
        assert origin.interface == "p"
        return Beta(1.0 + (message.a - 1.0) / 2, 1.0 + (message.b - 1.0) / 2)


class Foreign:
    """A class of the user's that knows nothing of this library."""

    def __init__(self):
        self.seen = []

    def apply(self, message, origin):
        self.seen.append(origin.name)
        return message


def test_infer_infer_online_and_live_graphs_agree_on_a_map():
    @model
    def flips(flip, a, b):
        p = ~Beta(a=a, b=b)
        flip[...] = ~Bernoulli(p).where(pipeline=Halved())

    engine = infer_online(flips(a=1.0, b=1.0), autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b})
    for value in (1.0, 1.0, 0.0):
        engine.observe({"flip": value})
    assert engine.latest["p"] == Beta(2.0, 1.5)
    assert infer(flips(a=1.0, b=1.0), data={"flip": 1.0}).posteriors["p"] == Beta(1.5, 1.0)
    flip, p, _ = coin(Halved())
    seen = []
    marginal(p).subscribe(seen.append)
    update(flip, 1.0)
    assert seen == [Beta(1.5, 1.0)]


def test_stages_compose_in_order_with_functions_and_foreign_classes():
    lines, foreign = [], Foreign()
    stage = LoggerPipelineStage(lines.append) + Halved() + foreign + (lambda m: Beta(m.a + 1.0, m.b))
    flip, p, node = coin(stage + EmptyPipelineStage())
    seen = []
    marginal(p).subscribe(seen.append)
    update(flip, 1.0)
    assert seen == [Beta(2.5, 1.0)]
    assert lines == ["Bernoulli -> p [1 row]: Beta(a=2.0, b=1.0)"]
    assert foreign.seen == ["Bernoulli -> p"]
    sent = []
    message(node, "p").subscribe(sent.append)
    assert sent == [Beta(2.5, 1.0)]
    assert len(lines) == 1
    assert repr(EmptyPipelineStage() + DiscontinuePipelineStage()) == "EmptyPipelineStage() + DiscontinuePipelineStage()"


def test_a_pipeline_on_the_model_is_for_statements_that_have_none():
    lines = []

    @model(pipeline=LoggerPipelineStage(lines.append))
    def flips(flip):
        p = ~Beta(a=1.0, b=1.0)
        flip[...] = ~Bernoulli(p).where(pipeline=EmptyPipelineStage())

    infer(flips(), data={"flip": 1.0})
    assert [line.split(" [")[0] for line in lines] == ["Beta -> out"]


def test_what_is_no_stage_and_what_a_stage_may_not_return():
    with pytest.raises(ModelError, match=r"pipeline='loud' is no stage[\s\S]*Bernoulli"):
        infer(_flips("loud")(), data={"flip": 1.0})
    with pytest.raises(ModelError, match=r"EmptyPipelineStage is a class; write EmptyPipelineStage\(...\)"):
        infer(_flips(EmptyPipelineStage)(), data={"flip": 1.0})
    with pytest.raises(ModelError, match=r"made 3\.0 of a message"):
        infer(_flips(lambda message: 3.0)(), data={"flip": 1.0})


def _flips(stage):
    @model
    def flips(flip):
        p = ~Beta(a=1.0, b=1.0)
        flip[...] = ~Bernoulli(p).where(pipeline=stage)

    return flips


# -- stages that delay


def test_where_there_is_no_time_a_delay_is_an_error():
    with pytest.raises(ModelError, match=r"AsyncPipelineStage\(\) delays messages[\s\S]*live graph"):
        infer(_flips(AsyncPipelineStage())(), data={"flip": 1.0})
    with pytest.raises(ModelError, match="delays messages"):
        infer_online(_flips(AsyncPipelineStage())()).observe({"flip": 1.0})


@pytest.mark.parametrize("kind", [ScheduleOnPipelineStage, AsyncPipelineStage])
def test_a_scheduled_message_in_virtual_time(kind):
    """
    update      --100------200-------
    scheduler   ---100------200------
    posterior   --100100---200200----      the first is the prior alone: flat until something has come
    """
    scheduler = TestScheduler()
    flip, p, _ = coin(kind(scheduler))
    seen = []
    marginal(p).subscribe(lambda belief: seen.append((round(scheduler.clock), belief)))
    scheduler.schedule_absolute(100, lambda *_: update(flip, 1.0))
    scheduler.schedule_absolute(200, lambda *_: update(flip, 0.0))
    scheduler.start()
    assert seen == [
        (100, Beta(1.0, 1.0)), (100, Beta(2.0, 1.0)), (200, Beta(2.0, 1.0)), (200, Beta(1.0, 2.0))
    ]


class Late:
    """A delay by virtual time."""

    def __init__(self, scheduler, duration):
        self.scheduler, self.duration = scheduler, duration

    def connect(self, messages, origin):
        return messages.pipe(operators.delay(self.duration, self.scheduler))


def test_a_user_stage_that_maps_the_observable():
    """
    update      --100----------150-------------
    delay 30    -------130-----------180-------
    posterior   --100--130-----150---180-------
    """
    scheduler = TestScheduler()
    flip, p, _ = coin(Late(scheduler, 30.0))
    seen = []
    marginal(p).subscribe(lambda belief: seen.append((round(scheduler.clock), belief)))
    scheduler.schedule_absolute(100, lambda *_: update(flip, 1.0))
    scheduler.schedule_absolute(150, lambda *_: update(flip, 0.0))
    scheduler.start()
    assert seen == [
        (100, Beta(1.0, 1.0)), (130, Beta(2.0, 1.0)), (150, Beta(2.0, 1.0)), (180, Beta(1.0, 2.0))
    ]


def test_a_pure_stage_before_a_delay_works_on_what_passes_by():
    scheduler = PendingScheduler()
    flip, p, _ = coin(Halved() + ScheduleOnPipelineStage(scheduler))
    seen = []
    marginal(p).subscribe(seen.append)
    update(flip, 1.0)
    scheduler.release()
    assert seen == [Beta(1.0, 1.0), Beta(1.5, 1.0)]


def test_a_pending_scheduler_releases_what_has_come_and_nothing_later():
    """
    update      --1--0-------1----
    release     ---------r-------r
    posterior   --u------(10)----1
    """
    scheduler = PendingScheduler()
    flip, p, _ = coin(ScheduleOnPipelineStage(scheduler))
    seen = []
    marginal(p).subscribe(seen.append)
    update(flip, 1.0)
    update(flip, 0.0)
    assert scheduler.pending == 2
    scheduler.release()
    update(flip, 1.0)
    scheduler.release()
    flat, one, zero = Beta(1.0, 1.0), Beta(2.0, 1.0), Beta(1.0, 2.0)
    assert seen == [flat, flat, one, zero, zero, one]
    assert scheduler.pending == 0


def test_pending_actions_can_be_cancelled_and_schedule_more():
    scheduler = PendingScheduler()
    ran = []
    scheduler.schedule(lambda *_: ran.append("cancelled")).dispose()
    scheduler.schedule_relative(5.0, lambda s, _: s.schedule(lambda *_: ran.append("later")))
    scheduler.schedule_absolute(0.0, lambda *_: ran.append("now"))
    scheduler.release()
    assert ran == ["now"]
    scheduler.release()
    assert ran == ["now", "later"]


def test_async_hands_on_when_the_present_work_is_done():
    flip, p, _ = coin(AsyncPipelineStage())
    seen = []
    marginal(p).subscribe(seen.append)
    update(flip, 1.0)
    assert seen[-1] == Beta(2.0, 1.0)


def test_async_hands_on_at_the_next_turn_of_a_running_loop():
    import asyncio

    async def main():
        flip, p, _ = coin(AsyncPipelineStage())
        seen = []
        marginal(p).subscribe(seen.append)
        update(flip, 1.0)
        assert seen == [Beta(1.0, 1.0)]
        await asyncio.sleep(0.01)
        assert seen == [Beta(1.0, 1.0), Beta(2.0, 1.0)]

    asyncio.run(main())


def test_discontinue_drops_echoes():
    subject = reactivex.Subject()
    seen = []
    stage = DiscontinuePipelineStage()
    stage.connect(subject, None).subscribe(lambda x: (seen.append(x), subject.on_next(x + 1)))
    subject.on_next(1)
    subject.on_next(10)
    assert seen == [1, 10]
    flip, p, _ = coin(stage)
    beliefs = []
    marginal(p).subscribe(beliefs.append)
    update(flip, 1.0)
    assert beliefs == [Beta(2.0, 1.0)]


# -- borders inside regions


def tracked(stage, n=4):
    """A chain whose every step is delayed: n - 1 cut factors."""

    @model
    def walk():
        x, y = randomvar(n), datavar(float, n)
        x[0] = ~NormalMeanVariance(0.0, 100.0)
        node, x[1:] = ~NormalMeanVariance(x[:-1], 1.0).where(pipeline=stage)
        y[:] = ~NormalMeanVariance(x, 1.0)
        return x, y, node

    graph, variables = walk()
    return graph, *variables


def exact(y):
    n = len(y)
    precision = np.eye(n) + np.diag([0.01] + [0.0] * (n - 1))
    for t in range(n - 1):
        precision[t : t + 2, t : t + 2] += np.array([[1.0, -1.0], [-1.0, 1.0]])
    return np.linalg.solve(precision, y), np.diag(np.linalg.inv(precision))


@pytest.mark.parametrize("stage", [AsyncPipelineStage(), ScheduleOnPipelineStage(ImmediateScheduler())])
def test_messages_that_come_at_once_make_a_cut_chain_exact(stage):
    graph, x, y, node = tracked(stage)
    seen, scores, sent = [], [], []
    marginal(x).subscribe(seen.append)
    bethe_free_energy(graph).subscribe(scores.append)
    message(node, "out").subscribe(sent.append)
    for values in ([1.0, 0.5, 2.0, -1.0], [0.0, 1.0, 1.0, 3.0]):
        update(y, values)
        mean, variance = exact(np.array(values))
        np.testing.assert_allclose(seen[-1].mean, mean, rtol=1e-10)
        np.testing.assert_allclose(seen[-1].variance, variance, rtol=1e-10)
        whole = infer(chain(None, 4)(), data={"y": values}, free_energy=True).free_energy[-1]
        np.testing.assert_allclose(scores[-1], whole, rtol=1e-10)
    assert sent[-1].batch_shape == (3,)


def test_a_released_wave_travels_one_step_along_a_cut_chain():
    scheduler = PendingScheduler()
    _, x, y, _ = tracked(ScheduleOnPipelineStage(scheduler))
    seen = []
    marginal(x[0]).subscribe(seen.append)
    values = np.array([1.0, 0.5, 2.0, -1.0])
    update(y, values)
    means = []
    for _ in range(4):
        means.append(seen[-1].mean)
        scheduler.release()
    for reach, mean in enumerate(means, start=1):
        np.testing.assert_allclose(mean, exact(values[:reach])[0][0], rtol=1e-10)
    count = len(seen)
    scheduler.release()
    assert (scheduler.pending, len(seen)) == (0, count), "on a tree messages come to rest"


def test_a_border_reads_the_vague_message_until_something_has_come():
    scheduler = PendingScheduler()

    @model
    def late():
        y = datavar(float)
        x = ~NormalMeanVariance(3.0, 1.0).where(pipeline=InitVaguePipelineStage() + ScheduleOnPipelineStage(scheduler))
        y[...] = ~NormalMeanVariance(x, 1.0)
        return x, y

    _, (x, y) = late()
    seen = []
    marginal(x).subscribe(seen.append)
    update(y, 1.0)
    np.testing.assert_allclose([seen[-1].mean, seen[-1].variance], [1.0, 1.0], rtol=1e-9)
    scheduler.release()
    np.testing.assert_allclose([seen[-1].mean, seen[-1].variance], [2.0, 0.5], rtol=1e-12)


def test_without_a_vague_message_nothing_is_known_until_something_has_come():
    scheduler = PendingScheduler()

    @model
    def late():
        y = datavar(float)
        x = ~NormalMeanVariance(3.0, 1.0).where(pipeline=ScheduleOnPipelineStage(scheduler))
        z = ~NormalMeanVariance(x, 1.0)
        y[...] = ~NormalMeanVariance(z, 1.0)
        return x, y

    graph, (x, y) = late()
    seen, scores = [], []
    marginal(x).subscribe(seen.append)
    bethe_free_energy(graph).subscribe(scores.append)
    update(y, None)
    assert (seen, scores) == ([], [])
    scheduler.release()
    assert seen == [NormalMeanVariance(3.0, 1.0)]
    np.testing.assert_allclose(scores, [0.0], atol=1e-12)


def test_a_first_message_can_be_set():
    scheduler = PendingScheduler()
    flip, p, node = coin(ScheduleOnPipelineStage(scheduler))
    set_message(node, "p", Beta(3.0, 3.0))
    seen = []
    marginal(p).subscribe(seen.append)
    update(flip, 1.0)
    scheduler.release()
    assert seen == [Beta(3.0, 3.0), Beta(2.0, 1.0)]


def test_a_delayed_factor_with_marginals_on_the_other_side_of_a_cut():
    scheduler = PendingScheduler()

    @model
    def noisy():
        y = datavar(float, 3)
        m = ~NormalMeanVariance(0.0, 10.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y[:] = ~NormalMeanPrecision(m, w).where(q=q(m) * q(w), pipeline=ScheduleOnPipelineStage(scheduler))
        return y, m, w

    _, (y, _, w) = noisy()
    set_marginal(w, Gamma(shape=1.0, rate=1.0))
    seen = []
    marginal(w).subscribe(seen.append)
    update(y, [1.0, 2.0, 3.0])
    for _ in range(100):
        scheduler.release()

    @model
    def plain(y):
        m = ~NormalMeanVariance(0.0, 10.0)
        w = ~Gamma(shape=1.0, rate=1.0)
        y[:] = ~NormalMeanPrecision(m, w).where(q=q(m) * q(w))

    batch = infer(
        plain(), data={"y": [1.0, 2.0, 3.0]}, initialisation={"w": Gamma(shape=1.0, rate=1.0)}, iterations=200
    ).posteriors["w"]
    np.testing.assert_allclose(seen[-1].rate, batch.rate, rtol=1e-9)


def test_missing_rows_stay_silent_across_a_border():
    flip, p, _ = coin(AsyncPipelineStage())
    seen = []
    marginal(p).subscribe(seen.append)
    update(flip, 1.0)
    update(flip, None)
    assert seen[-1] == Beta(1.0, 1.0)


def test_an_error_in_a_pipeline_reaches_the_observers():
    class Broken:
        def connect(self, messages, origin):
            return messages.pipe(operators.flat_map(lambda m: reactivex.throw(ValueError("broken"))))

    flip, p, _ = coin(Broken())
    errors = []
    marginal(p).subscribe(lambda belief: None, errors.append)
    update(flip, 1.0)
    assert [str(error) for error in errors] == ["broken"]
