"""An engine computes for whoever listens; its outlets are observables like any other, in virtual time too."""

import numpy as np
import reactivex
from reactivex import operators
from reactivex.subject import Subject
from reactivex.testing import ReactiveTest, TestScheduler

from reactivepgm import Bernoulli, Beta, Normal, infer_online, model
from reactivepgm.inference.stepper import SCORE


@model
def coin(flip, a, b):
    p = ~Beta(a=a, b=b)
    flip[...] = ~Bernoulli(p)


@model
def pair(y):
    x = ~Normal(mean=0.0, variance=1.0)
    z = ~Normal(mean=x, variance=1.0)
    y[...] = ~Normal(mean=z, variance=1.0)


def engine_on(stream=None):
    return infer_online(coin(a=1.0, b=1.0), stream, autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b})


def test_what_nobody_listens_to_is_not_computed_any_more():
    """
    listener   ---[    ]-------
    wanted     ---xxxxxx-------
    """
    engine = infer_online(pair())
    engine.observe(1.0)
    asked, predicted = [], []
    stepper = engine._course.shape.stepper
    predict, advance = stepper.predict, stepper.advance
    stepper.advance = lambda missing, wanted: asked.append(wanted) or advance(missing, wanted)
    stepper.predict = lambda name, *rest: predicted.append(name) or predict(name, *rest)
    subscriptions = [
        cell.subscribe(lambda value: None)
        for cell in (engine.posteriors["x"], engine.posteriors["x"], engine.free_energy, engine.predictions["y"])
    ]
    engine.observe(2.0)
    assert (asked[-1], predicted) == (("x", SCORE), ["y"])
    subscriptions[0].dispose()
    engine.observe(2.0)
    assert len(asked) == 1
    for subscription in subscriptions[1:]:
        subscription.dispose()
    engine.observe(2.0)
    assert (asked[-1], predicted) == ((), ["y", "y"])


def test_a_subscription_that_ends_itself_leaves_the_others_alone():
    engine = engine_on()
    first, every = [], []
    engine.posteriors["p"].pipe(operators.take(1)).subscribe(first.append)
    engine.posteriors["p"].subscribe(every.append)
    for flip in (1.0, 0.0):
        engine.observe(flip)
    assert first == [Beta(2.0, 1.0)]
    assert every == [Beta(2.0, 1.0), Beta(2.0, 2.0)]


def test_operators_join_the_outlets_of_one_engine_once_an_observation():
    engine = engine_on()
    seen = []
    beliefs, scores = engine.posteriors["p"], engine.free_energy
    beliefs.pipe(operators.zip(scores)).subscribe(seen.append)
    for flip in (1.0, 1.0, 0.0):
        engine.observe(flip)
    assert [belief for belief, _ in seen] == [Beta(2.0, 1.0), Beta(3.0, 1.0), Beta(3.0, 2.0)]
    np.testing.assert_allclose(np.exp([-score for _, score in seen]), [1 / 2, 2 / 3, 1 / 4])


def test_an_engine_in_virtual_time():
    """
    source    ---1--1------0--1--|
    sample    -----s-----s-----s-|   every 100
    engine    -----1-----1-----1-|
    """
    scheduler = TestScheduler()
    on_next, on_completed = ReactiveTest.on_next, ReactiveTest.on_completed
    source = scheduler.create_hot_observable(
        on_next(220, 1.0), on_next(280, 1.0), on_next(410, 0.0), on_next(450, 1.0), on_completed(700)
    )
    seen = []
    engine = engine_on(source.pipe(operators.sample(100.0, scheduler=scheduler)))
    engine.posteriors["p"].subscribe(
        lambda belief: seen.append((scheduler.clock, belief)), on_completed=lambda: seen.append((scheduler.clock, "end"))
    )
    scheduler.schedule_absolute(200, lambda *_: engine.start())
    scheduler.start()
    assert seen[:2] == [(300.0, Beta(2.0, 1.0)), (500.0, Beta(3.0, 1.0))]
    assert seen[-1][1] == "end"
    assert engine.join()


def test_two_sensors_that_are_joined_by_operators_feed_one_engine():
    left, right = Subject(), Subject()
    engine = infer_online(pair(), reactivex.merge(left, right)).start()
    seen = []
    engine.posteriors["x"].subscribe(seen.append)
    left.on_next({"y": 3.0})
    right.on_next({"y": -3.0})
    np.testing.assert_allclose([belief.mean for belief in seen], [1.0, -1.0])
    engine.stop()


def test_what_is_out_of_date_is_not_replayed():
    """
    observations  --1--------2---3-------
    listener 1    --a|
    listener 2        ^(a)|
    listener 3                 ^-c-------
    """
    engine = infer_online(coin(a=1.0, b=1.0), autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b})
    first, second, third, end = [], [], [], []
    subscription = engine.posteriors["p"].subscribe(first.append)
    engine.observe(1.0)
    subscription.dispose()
    engine.posteriors["p"].subscribe(second.append).dispose()
    engine.observe(1.0)
    engine.posteriors["p"].subscribe(third.append)
    assert third == []
    engine.observe(1.0)
    engine.stop()
    engine.posteriors["p"].subscribe(end.append)
    assert first == second == [Beta(2.0, 1.0)]
    assert third == end == [Beta(4.0, 1.0)]
