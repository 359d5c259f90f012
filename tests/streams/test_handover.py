"""From fast producers to one engine: nothing lost silently, across threads and asyncio tasks."""

import asyncio
import threading

import pytest
import reactivex
from reactivex.scheduler import EventLoopScheduler, ImmediateScheduler
from reactivex.testing import TestScheduler

from reactivepgm import (
    Bernoulli,
    Beta,
    DataError,
    ThreadError,
    datavar,
    infer_online,
    latest,
    marginal,
    model,
    observe_on,
    queue,
    update,
)


@model
def coin(flip, a, b):
    p = ~Beta(a=a, b=b)
    flip[...] = ~Bernoulli(p)


def engine_on(stream):
    return infer_online(coin(a=1.0, b=1.0), stream, autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b})


def test_a_queue_between_threads_loses_nothing():
    inbox = queue(3)

    def produce():
        for k in range(200):
            inbox.put(float(k % 2))
        inbox.finish()

    producer = threading.Thread(target=produce)
    producer.start()
    engine = engine_on(inbox).run()
    producer.join()
    assert engine.latest["p"] == Beta(101.0, 101.0)
    assert inbox.dropped == 0


def test_a_full_queue_raises_if_asked_to_or_when_the_time_is_up():
    """
    producer   --1--2--3--
    queue(2)   --1--2--X--
    """
    inbox = queue(2, when_full="raise")
    inbox.put(1.0)
    inbox.put(0.0)
    with pytest.raises(DataError, match="2 observations wait"):
        inbox.put(1.0)
    assert len(inbox) == 2
    waiting = queue(1)
    waiting.put(1.0)
    with pytest.raises(DataError, match="1 observations wait"):
        waiting.put(0.0, timeout=0.01)
    inbox.finish()
    with pytest.raises(DataError, match="finished"):
        inbox.put(1.0)
    assert list(inbox) == [1.0, 0.0]


def test_latest_drops_and_counts():
    """
    producer   --1-0-1-0-|
    latest     --------0-|    dropped 3
    """
    inbox = latest()
    reactivex.of(1.0, 0.0, 1.0, 0.0).subscribe(inbox)
    engine = engine_on(inbox).run()
    assert (engine.count, inbox.dropped) == (1, 3)
    assert engine.latest["p"] == Beta(1.0, 2.0)


def test_an_error_of_the_producer_comes_after_what_it_sent():
    inbox = queue(0)
    reactivex.concat(reactivex.of(1.0), reactivex.throw(ValueError("the sensor fell off"))).subscribe(inbox)
    seen = []
    with pytest.raises(ValueError, match="sensor"):
        seen.extend(inbox)
    assert seen == [1.0]


def test_two_asyncio_producers_feed_one_engine():
    async def main():
        inbox = queue(2)

        async def produce(value):
            for _ in range(25):
                await inbox.aput(value)
                await asyncio.sleep(0)

        async def both():
            await asyncio.gather(produce(1.0), produce(0.0))
            inbox.finish()

        engine = engine_on(inbox.aiter())
        producers = asyncio.create_task(both())
        await engine.run_async()
        await producers
        assert engine.latest["p"] == Beta(26.0, 26.0)

    asyncio.run(main())


def test_a_thread_feeds_an_engine_in_a_loop_by_observe_on():
    async def main():
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        graph_thread = threading.get_ident()
        threads = []
        engine = engine_on(None)

        def observe(flip):
            threads.append(threading.get_ident())
            engine.observe(flip)

        source = reactivex.of(1.0, 1.0, 0.0)
        source.pipe(
            reactivex.operators.subscribe_on(EventLoopScheduler()), observe_on(loop)
        ).subscribe(observe, on_completed=lambda: done.set_result(None))
        await asyncio.wait_for(done, 5)
        assert threads == [graph_thread] * 3
        assert engine.latest["p"] == Beta(3.0, 2.0)

    asyncio.run(main())


def test_observe_on_the_running_loop_and_on_schedulers_in_virtual_time():
    """
    source       --a---b---|
    observe_on   --a---b---|    when the scheduler says so
    """
    scheduler = TestScheduler()
    seen = []
    source = reactivex.timer(10.0, 20.0, scheduler=scheduler).pipe(reactivex.operators.take(2))
    source.pipe(observe_on(scheduler)).subscribe(lambda k: seen.append((scheduler.clock, k)))
    scheduler.start()
    assert [k for _, k in seen] == [0, 1]
    with pytest.raises(RuntimeError, match="loop"):
        observe_on()

    async def main():
        heard = []
        reactivex.of(1, 2).pipe(observe_on()).subscribe(heard.append)
        assert heard == []
        await asyncio.sleep(0.01)
        assert heard == [1, 2]

    asyncio.run(main())


def test_a_push_from_a_second_thread_says_how_to_bring_it_over():
    @model
    def live_coin():
        flip = datavar(float)
        p = ~Beta(a=1.0, b=1.0)
        flip[...] = ~Bernoulli(p)
        return flip, p

    _, (flip, p) = live_coin()
    marginal(p).subscribe()
    errors = []

    def push():
        try:
            update(flip, 1.0)
        except ThreadError as error:
            errors.append(str(error))

    thread = threading.Thread(target=push)
    thread.start()
    thread.join()
    assert "observe_on(loop)" in errors[0]
    reactivex.of(1.0).pipe(observe_on(ImmediateScheduler())).subscribe(lambda value: update(flip, value))


def test_options_that_mean_nothing():
    with pytest.raises(ValueError, match="maxsize"):
        queue(-1)
    with pytest.raises(ValueError, match=r"latest\(\) drops"):
        queue(1, when_full="drop")
